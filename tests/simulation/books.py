"""The books of a house: what became durable, record by record, and what must hold of it at every step.

The books see every batch at the instant in which it is safe on some node's disk, and nothing of the nodes' memory:

    one writer    only a store's home makes anything durable for it
    rules         every record evolves its stores; their books agree with their rows, amounts stay within bounds
    one effect    a mutation's effect, and the answer under its key, are one part of one record, once a key
    transfers     what is taken in was sent durably before, as it was sent, in order, once
    trades        a leg is settled once, as every other leg; a commit is settled after every leg was prepared, and what
                  one store pays the other gets
    conserved     gold and goods, over all stores and what is on its way, exactly; an item is in one place
    not early     a listing ends at its end or later, takes no bid after it, and nothing happens before its time
"""

from collections import Counter
from collections.abc import Callable, Iterable

import msgspec

from auction import queries
from auction.commands import GetPlayer
from auction.conservation import Totals, faults
from auction.context import Context
from auction.events import (
    Answered,
    BidPlaced,
    BidTaken,
    BuyoutPaid,
    DeliveryClaimed,
    Event,
    Goods,
    Granted,
    LegPrepared,
    LegSettled,
    ListingClosed,
    ListingCreated,
    Payload,
    Record,
    Refund,
    Taken,
    TransferSent,
    TransferTaken,
    WatchDropped,
    WatchMade,
    decode_events,
)
from auction.evolve import evolve, listings_changed
from auction.player_state import PlayerState
from auction.refusals import Refusal
from auction.results import Result
from auction.state import Listing, PreparedLeg, StoreId
from shardnode.storage.port import Append
from tests.auction.house import HOUSE_STORE, market_of, seal, store_of
from tests.simulation.house import WORLD
from tests.simulation.world import World

EFFECTS = (BidPlaced, BuyoutPaid, ListingCreated, DeliveryClaimed, Granted, Taken, WatchMade, WatchDropped)
"""Events that only a mutation with a key causes; so does the end of a listing that is cancelled."""
COUNTED_EVERY = 50
"""Records from one count of the whole house to the next."""

_NOW = Context(WORLD, 0, store_of, market_of, HOUSE_STORE, seal, lambda low, _high: low, "the books")


class Trade(msgspec.Struct):
    """A trade between nodes: its legs, and gold that one store has paid and the other has not got yet."""

    prepared: dict[StoreId, PreparedLeg] = {}
    settled: dict[StoreId, bool] = {}
    gold: int = 0
    settled_at_s: float = 0.0
    """When the last of its stores settled it."""


class Books:
    """All that is durable, store by store. `home_of` names a store's node, `latest_ms` says the
    latest time of day that it ever showed.
    """

    def __init__(self, world: World, home_of: Callable[[StoreId], str], latest_ms: Callable[[str], int]) -> None:
        self.states: dict[StoreId, PlayerState] = {}
        self.answers: dict[tuple[StoreId, str], Answered] = {}
        """Store and stored key → the answer, for ever."""
        self.rows: dict[str, list[Listing]] = {}
        """Listing → all rows that it ever had, oldest first."""
        self.players: dict[str, set[Result | Refusal]] = {}
        """Player → what `player.get` could ever answer."""
        self.trades: dict[str, Trade] = {}
        self.records = 0
        self._world = world
        self._home_of = home_of
        self._latest_ms = latest_ms
        self._transit: dict[tuple[StoreId, StoreId], dict[int, Payload]] = {}
        """Sender and receiver → what was sent and not taken in yet."""

    def durable(self, node: str, batch: Append) -> None:
        """A batch is safe."""
        for entry in batch.entries:
            record = {store: decode_events(part) for store, part in entry.events.items()}
            try:
                self._record(node, record)
            except AssertionError as error:
                self._wrong("rules", f"{node}'s record {entry.position} does not evolve: {error}")
        self.records += len(batch.entries)
        if self.records % COUNTED_EVERY < len(batch.entries):
            self.count()

    def in_transit(self) -> int:
        """How many transfers are on their way."""
        return sum(len(sent) for sent in self._transit.values())

    def open_trades(self) -> list[str]:
        """Trades that some store holds prepared."""
        return sorted({row.trade for state in self.states.values() for row in state.trades})

    def settled_at_s(self) -> dict[tuple[StoreId, str], float]:
        """Of each key that a trade between nodes was committed for: when all its stores had settled it."""
        return {
            (store, row.key): trade.settled_at_s
            for trade in self.trades.values()
            for store, row in trade.prepared.items()
            if row.key is not None and trade.settled.get(store)
        }

    def open_listings(self) -> dict[str, Listing]:
        """The open listings of the house."""
        return {row.listing: row for state in self.states.values() for row in state.listings if row.state == "open"}

    def count(self) -> None:
        """Sum up the whole house."""
        totals = Totals()
        for state in self.states.values():
            totals.add(state)
        payloads = [payload for sent in self._transit.values() for payload in sent.values()]
        goods = [payload.item.item for payload in payloads if isinstance(payload, Goods)]
        totals.gold.in_flight += sum(map(_gold, payloads)) + sum(trade.gold for trade in self.trades.values())
        totals.items.in_flight += len(goods)
        if not totals.balanced():
            self._wrong("conserved", f"gold {totals.gold}, items {totals.items}, twice {totals.duplicates}")
        stays = Counter(item for state in self.states.values() for item in _items(state))
        twice = sorted(item for item, places in (stays + Counter(goods)).items() if places > 1)
        if twice:
            self._wrong("conserved", f"items in two places: {twice}")

    def _record(self, node: str, record: Record) -> None:
        moved = {store: self._elsewhere(store) for store in record}
        self._transfers(record)
        for store, events in record.items():
            self._part(node, store, events)
        self._trades(node, record, {store: self._elsewhere(store) - before for store, before in moved.items()})

    def _part(self, node: str, store: StoreId, events: list[Event]) -> None:
        """One store's part of a record."""
        if self._home_of(store) != node:
            self._wrong("one writer", f"{node} writes for store {store}, which lives on {self._home_of(store)}")
        self._one_effect(store, events)
        state = self.states.setdefault(store, PlayerState())
        latest_ms = self._latest_ms(node)
        for event in events:
            self._in_time(state, event, latest_ms)
            evolve(state, event)
        for fault in faults(state):
            self._wrong("rules", fault)
        for listing in listings_changed(events):
            self.rows.setdefault(listing, []).append(state.listings.rows[listing])
        player = state.owner().player
        seen = queries.answer(GetPlayer(), player, state, {}, {}, _NOW)
        self.players.setdefault(player, set()).add(seen)

    def _one_effect(self, store: StoreId, events: list[Event]) -> None:
        answers = [event for event in events if isinstance(event, Answered)]
        effects = [event for event in events if _is_effect(event)]
        if len(answers) != len(effects) or len(answers) > 1:
            self._wrong("one effect", f"store {store} keeps {answers} with the effects {effects}")
        for answer in answers:
            if (store, answer.key) in self.answers:
                self._wrong("one effect", f"store {store} uses the key {answer.key!r} again")
            self.answers[store, answer.key] = answer

    def _in_time(self, state: PlayerState, event: Event, latest_ms: int) -> None:
        at_ms = getattr(event, "at_ms", 0)
        if at_ms > latest_ms:
            self._wrong("not early", f"{event} is {at_ms - latest_ms} ms ahead of its home's clock")
        if isinstance(event, BidTaken) and event.at_ms >= state.listings.rows[event.listing].ends_at_ms:
            self._wrong("not early", f"a bid is taken after the end: {event}")
        if isinstance(event, ListingClosed):
            ends_at_ms = state.listings.rows[event.listing].ends_at_ms
            by_itself = event.state == "expired" or (event.state == "sold" and not event.received)
            if by_itself != (event.at_ms >= ends_at_ms):
                self._wrong("not early", f"{event} of a listing that ends at {ends_at_ms}")

    def _transfers(self, record: Record) -> None:
        for store, events in record.items():
            for event in events:
                if isinstance(event, TransferSent):
                    self._transit.setdefault((store, event.to), {})[event.number] = event.payload
        for store, events in record.items():
            for event in events:
                if isinstance(event, TransferTaken):
                    sent = self._transit.get((event.sender, store), {})
                    payload = sent.pop(event.number, None)
                    if payload != event.payload or any(number < event.number for number in sent):
                        self._wrong("transfers", f"store {store} takes in {event}, sent was {payload}, {sorted(sent)}")

    def _trades(self, node: str, record: Record, moved: dict[StoreId, int]) -> None:
        """Gold that left a store otherwise than by a transfer is in another store of the record, or of its trade."""
        settled: Trade | None = None
        for store, events in record.items():
            for event in events:
                if isinstance(event, LegPrepared):
                    self.trades.setdefault(event.row.trade, Trade()).prepared[store] = event.row
                elif isinstance(event, LegSettled):
                    settled = self._settled(node, store, event)
                elif isinstance(event, TransferSent):
                    moved[store] -= _gold(event.payload)
                elif isinstance(event, TransferTaken):
                    moved[store] += _gold(event.payload)
        gold = sum(moved.values())
        if settled is None:
            if gold:
                self._wrong("conserved", f"{gold} gold went nowhere in {record}")
            return
        settled.gold += gold
        if settled.gold and len(settled.settled) == len(settled.prepared):
            self._wrong("conserved", f"{settled.gold} gold was paid and not got in {settled}")

    def _settled(self, node: str, store: StoreId, event: LegSettled) -> Trade:
        trade = self.trades[event.trade]
        if store in trade.settled:
            self._wrong("trades", f"{node} settles {event} again")
        if any(commit != event.commit for commit in trade.settled.values()):
            self._wrong("trades", f"{node} settles {event}, others {trade.settled}")
        if event.commit and len(trade.prepared) < 2:
            self._wrong("trades", f"{node} commits {event}, of which only {trade.prepared} is prepared")
        trade.settled[store] = event.commit
        trade.settled_at_s = self._world.now_s
        return trade

    def _elsewhere(self, store: StoreId) -> int:
        state = self.states.get(store)
        return state.owner().gold_elsewhere if state is not None else 0

    def _wrong(self, check: str, what: str) -> None:
        self._world.violate(check, what)


def _is_effect(event: Event) -> bool:
    return isinstance(event, EFFECTS) or (isinstance(event, ListingClosed) and event.state == "cancelled")


def _gold(payload: Payload) -> int:
    return payload.gold if isinstance(payload, Refund) else payload.refund


def _items(state: PlayerState) -> Iterable[str]:
    yield from (item.item for item in state.items)
    yield from (row.item.item for row in state.listings if row.state == "open")
    yield from (item.item for delivery in state.deliveries for item in delivery.items)
