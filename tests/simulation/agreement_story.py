"""How a history of the agreement reads: messages, facts and values as a line of a story has them."""

from shardnode.agreement.messages import Ballot, ClosedTrades, Fact, Message, Party, TradeId, Value


def message_told(message: Message) -> str:
    """A message: its kind and what it carries, but the party."""
    return f"{type(message).__name__} {_fields(message)}"


def record_told(changed: dict[str, Fact | None], held: str | None, settled: str | None) -> str:
    """What one record changes on a disk."""
    parts = [f"drops {key}" if fact is None else f"{key} = {_fields(fact, 1)}" for key, fact in changed.items()]
    if held is not None:
        parts.append(f"holds {held}")
    if settled is not None:
        parts.append(f"settles {settled}")
    return "; ".join(parts)


def value_told(value: Value) -> str:
    """An outcome."""
    return f"commit {value.payload.decode()}" if value.commit else "abort"


def ballot_told(ballot: Ballot) -> str:
    """A ballot."""
    return f"({ballot.round} {ballot.node} {ballot.incarnation})"


def _fields(struct: Message | Fact, skipped: int = 0) -> str:
    values = [getattr(struct, name) for name in struct.__struct_fields__[skipped:]]
    if isinstance(struct, ClosedTrades):
        values = values[-1:]
    return " ".join(_told(value) for value in values if not isinstance(value, Party))


def _told(value: object) -> str:
    if isinstance(value, TradeId):
        return str(value)
    if isinstance(value, Ballot):
        return ballot_told(value)
    if isinstance(value, Value):
        return value_told(value)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, bool):
        return "YES" if value else "NO"
    if isinstance(value, tuple):
        return ", ".join("–".join(str(bound) for bound in interval) for interval in value) or "none"
    return "nothing" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
