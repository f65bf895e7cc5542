"""Open trades, for an operator: of a running node as its agreement tells them, of a stopped one from what it kept."""

from collections.abc import Iterable
from operator import attrgetter

import msgspec

from auction.player_state import PlayerState
from shardnode.agreement.effects import OpenTrade
from shardnode.agreement.facts import read
from shardnode.agreement.messages import Outcome, Prepared, Register
from shardnode.storage.offline import OfflineDirectory

TRADES_MAX = 1_000
"""How many trades are told at once, the oldest first."""


class TradeRow(msgspec.Struct, frozen=True):
    """One trade that is not over on one node."""

    trade: str
    role: str
    """The node's part in it."""
    state: str
    age_s: float | None
    """Since the node first heard of it; None for a stopped node's acceptor, which keeps no instants."""
    participants: dict[str, str]
    """Store → its node, as far as the node's part lets it know them."""
    waits_for: tuple[str, ...]
    """Nodes from which something is missing."""


class OpenTrades(msgspec.Struct, frozen=True):
    """What is not over on one node: how many, and the oldest of them, with those last that are merely voted on here."""

    open: int
    trades: list[TradeRow]


def told(trades: Iterable[OpenTrade]) -> OpenTrades:
    """Of a running node, as its page shows them."""
    return _oldest([_row(trade) for trade in trades])


def left(directory: OfflineDirectory, now_ms: int) -> OpenTrades:
    """Of a node that is stopped. Raises StorageFault."""
    facts = [fact for key, value in directory.facts.items() if (fact := read(key, value)) is not None]
    outcomes = {fact.trade: fact for fact in facts if isinstance(fact, Outcome)}
    rows = []
    for fact in facts:
        if isinstance(fact, Prepared):
            rows.append(_prepared(fact, outcomes.get(fact.trade), directory, now_ms))
        elif isinstance(fact, Register):
            state = "PROMISED" if fact.accepted is None else "ACCEPTED"
            rows.append(TradeRow(str(fact.trade), "acceptor", state, None, {}, (fact.trade.node,)))
    return _oldest(rows)


def _prepared(fact: Prepared, outcome: Outcome | None, directory: OfflineDirectory, now_ms: int) -> TradeRow:
    trade = str(fact.trade)
    store = directory.load(fact.store, ("account", "trades"))
    leg = store.trades.get(trade) if isinstance(store, PlayerState) else None
    state = "PREPARED" if outcome is None else "COMMITTING" if outcome.value.commit else "ABORTING"
    return TradeRow(
        trade,
        "participant",
        state,
        None if leg is None else max(now_ms - leg.at_ms, 0) / 1000,
        {participant.store: participant.node for participant in fact.party.participants},
        (fact.trade.node,) if outcome is None else (),
    )


def _row(trade: OpenTrade) -> TradeRow:
    participants = trade.party.participants if trade.party is not None else ()
    return TradeRow(
        str(trade.trade),
        trade.role,
        trade.state,
        trade.age_s,
        {participant.store: participant.node for participant in participants},
        trade.waits_for,
    )


def _oldest(rows: list[TradeRow]) -> OpenTrades:
    """Mere votes come last: those on trades of a coordinator that died are kept for ever."""
    rows.sort(key=attrgetter("trade", "role"))
    rows.sort(key=lambda row: (row.role == "acceptor", -(row.age_s or 0.0)))
    return OpenTrades(len(rows), rows[:TRADES_MAX])
