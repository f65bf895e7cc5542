"""The keys under which facts are kept, and how they are read back."""

import msgspec

from shardnode.agreement.messages import ClosedTrades, Fact, Outcome, Prepared, Register, TradeId

_KINDS: dict[str, type[Fact]] = {
    "prepared": Prepared,
    "finished": Outcome,
    "register": Register,
    "closed": ClosedTrades,
}


def prepared_key(trade: TradeId, store: str) -> str:
    """Of a Prepared."""
    return f"prepared/{trade}/{store}"


def finished_key(trade: TradeId, store: str) -> str:
    """Of an Outcome."""
    return f"finished/{trade}/{store}"


def register_key(trade: TradeId) -> str:
    """Of a Register."""
    return f"register/{trade}"


def closed_key(closed: ClosedTrades) -> str:
    """Of a ClosedTrades."""
    return f"closed/{closed.node}/{closed.incarnation}"


def read(key: str, value: bytes) -> Fact | None:
    """A fact from its JSON; None if the key is of somebody else's facts. Raises msgspec.DecodeError on damage."""
    kind = _KINDS.get(key.partition("/")[0])
    return None if kind is None else msgspec.json.decode(value, type=kind)
