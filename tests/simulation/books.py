"""The books of a house: what became durable, record by record, and what must hold of it at every step.

The books see every batch at the instant in which it is safe on some node's disk, and nothing of the nodes' memory:

    one writer    only a store's home makes anything durable for it
    rules         every record evolves its stores; their books agree with their rows, amounts stay within bounds
    one effect    a mutation's effect, and the answer under its key, are one part of one record, once a key; an order's
                  answer comes with its market's, and its key is taken until then
    transfers     what is taken in was sent durably before, as it was sent, in order, once
    trades        a leg is settled once, as every other leg; a commit is settled after every leg was prepared, and what
                  one store pays the other gets
    conserved     gold, items and commodities, over all stores and what is between them, exactly; an item is in one
                  place; and what stores say of one another agrees, but for what is on its way
    not early     a listing ends at its end or later, takes no bid after it, an offer neither expires early nor is
                  accepted late, and nothing happens before its time
    markets       every market does as the one on paper (`tests.simulation.markets`)
"""

from collections.abc import Callable, Mapping

import msgspec

from auction import queries
from auction.carrying import carried
from auction.commands import GetBook, GetPlayer
from auction.conservation import Totals, faults
from auction.context import Context
from auction.events import (
    Answered,
    Audited,
    BidPlaced,
    BidTaken,
    BuyoutPaid,
    CancelSent,
    DeliveryClaimed,
    Event,
    Granted,
    LegPrepared,
    LegSettled,
    ListingClosed,
    ListingCreated,
    OfferClosed,
    OfferEnded,
    OfferMade,
    OfferPaid,
    OfferReceived,
    OrderDone,
    OrderEnded,
    OrderFilled,
    OrderMatched,
    OrderSent,
    Record,
    Taken,
    TransferSent,
    TransferTaken,
    WatchDropped,
    WatchMade,
    decode_events,
)
from auction.evolve import evolve, listings_changed
from auction.house_state import House, HouseState
from auction.market.state import MarketState
from auction.player_state import PlayerState
from auction.refusals import Refusal
from auction.results import BookResult, Result
from auction.sales import sale_of
from auction.state import Listing, PreparedLeg, StoreId
from auction.stores import State
from auction.ties import Ties
from shardnode.storage.port import Append
from tests.auction.house import HOUSE_STORE, empty, market_of, seal, store_of
from tests.simulation.frozen import FrozenThings
from tests.simulation.house import WORLD
from tests.simulation.markets import PaperMarkets
from tests.simulation.world import World

EFFECTS = (
    *(BidPlaced, BuyoutPaid, ListingCreated, DeliveryClaimed, Granted, Taken),
    *(OfferMade, OfferPaid, WatchMade, WatchDropped),
)
"""Events that only a mutation with a key causes; `_is_effect` knows the others."""
COMMODITY_OF = {market_of(commodity): commodity for commodity in WORLD.commodities}
DEPTH = 100
"""Of the books of commodities that are kept to be compared: nobody asks for more levels."""
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

    def __init__(
        self,
        world: World,
        home_of: Callable[[StoreId], str],
        latest_ms: Callable[[str], int],
        frozen: FrozenThings,
    ) -> None:
        self.states: dict[StoreId, State] = {}
        self.answers: dict[tuple[StoreId, str], Answered] = {}
        """Store and stored key → the answer, for ever."""
        self.rows: dict[str, list[Listing]] = {}
        """Listing → all rows that it ever had, oldest first."""
        self.wallets: dict[str, set[Result | Refusal]] = {}
        """Player → what `player.get` could ever answer."""
        self.markets: dict[str, list[BookResult]] = {
            commodity: [BookResult([], [], None)] for commodity in WORLD.commodities
        }
        """Commodity → what `commodity.book` could ever answer, oldest first."""
        self.there: set[tuple[object, ...]] = set()
        """What ever was: ("order", id, remaining), ("offer", store, id), ("watch", store, id), ("price", commodity,
        price, instant).
        """
        self.trades: dict[str, Trade] = {}
        self.records = 0
        self._world = world
        self._home_of = home_of
        self._latest_ms = latest_ms
        self._frozen = frozen
        self._paper = PaperMarkets(world, frozen.versions)
        self._asked: dict[tuple[StoreId, str], str] = {}
        """Store and stored key → the order for which a market is yet to answer."""
        self._transit: dict[tuple[StoreId, StoreId], dict[int, TransferSent]] = {}
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

    def players(self) -> Mapping[StoreId, PlayerState]:
        """The players' stores."""
        return {store: state for store, state in self.states.items() if isinstance(state, PlayerState)}

    def in_transit(self) -> int:
        """How many transfers are on their way."""
        return sum(len(sent) for sent in self._transit.values())

    def open_trades(self) -> list[str]:
        """Trades that some store holds prepared."""
        return sorted({row.trade for state in self.players().values() for row in state.trades})

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
        return {row.listing: row for state in self.players().values() for row in state.listings if row.state == "open"}

    def sales(self) -> dict[int, int]:
        """All that was sold: mark → price."""
        rows = (sale_of(row) for state in self.players().values() for row in state.listings)
        return {sale.mark: sale.price for sale in rows if sale is not None}

    def count(self) -> None:
        """Sum up the whole house, and hold its stores against each other."""
        totals, ties = Totals(), Ties()
        for state in self.states.values():
            totals.add(state)
            ties.add(state)
        for (sender, _), sent in self._transit.items():
            for transfer in sent.values():
                ties.add_unsent(sender, transfer)
        for name, trade in self.trades.items():
            if any(trade.settled.values()):
                ties.add_outcome(name, True, _decided(trade))
        ties.count_between(totals)
        if not totals.balanced():
            counts = f"gold {totals.gold}, items {totals.items}, {totals.commodities}"
            self._wrong("conserved", f"{counts}, twice {totals.duplicates}")
        for fault in ties.faults():
            self._wrong("conserved", fault)

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
        state = self.states.get(store)
        if state is None:
            state = self.states[store] = empty(store)
        self._one_effect(store, events, state)
        latest_ms, agreed = self._latest_ms(node), any(isinstance(event, LegSettled) for event in events)
        for event in events:
            self._in_time(state, event, latest_ms, agreed=agreed)
            evolve(state, event)
        for fault in faults(state):
            self._wrong("rules", fault)
        if isinstance(state, PlayerState):
            self._seen_of_player(store, events, state)
        elif isinstance(state, MarketState):
            self._seen_of_market(store, events, state)
        else:
            self._frozen.durable(state)

    def _seen_of_player(self, store: StoreId, events: list[Event], state: PlayerState) -> None:
        """What the player, and who looks at his listings, may be shown from now on."""
        for listing in listings_changed(events):
            self.rows.setdefault(listing, []).append(state.listings.rows[listing])
        player = state.owner().player
        seen = queries.answer(GetPlayer(), player, state, {}, {}, _NOW)
        self.wallets.setdefault(player, set()).add(seen)
        for event in events:
            match event:
                case OfferMade() | OfferReceived():
                    self.there.add(("offer", store, event.offer.offer))
                case WatchMade(watch):
                    self.there.add(("watch", store, watch.watch))
                case TransferTaken(payload=OrderDone(order=order) | OrderFilled(order=order)) if order in state.orders:
                    self.there.add(("order", order, state.orders.rows[order].remaining))

    def _seen_of_market(self, store: StoreId, events: list[Event], state: MarketState) -> None:
        """What anybody may be shown of a commodity from now on."""
        commodity = COMMODITY_OF[store]
        self._paper.happened(store, events, state)
        book = queries.answer(GetBook(commodity=commodity, depth=DEPTH), "", state, {}, {}, _NOW)
        assert isinstance(book, BookResult)
        self.markets[commodity].append(book)
        for event in events:
            if isinstance(event, OrderMatched):
                self.there.add(("price", commodity, event.price, event.at_ms))

    def _one_effect(self, store: StoreId, events: list[Event], state: State) -> None:
        """A key and what is done under it. That of an order is taken before, and free again where it is refused."""
        answers = [event for event in events if isinstance(event, Answered)]
        effects = [event for event in events if _is_effect(event, state)]
        if len(answers) != len(effects) or len(answers) > 1:
            self._wrong("one effect", f"store {store} keeps {answers} with the effects {effects}")
        used = [event.awaited for event in events if isinstance(event, OrderSent | CancelSent)]
        for row in used:
            assert row is not None, events
            if (store, row.key) in self.answers or (store, row.key) in self._asked:
                self._wrong("one effect", f"store {store} uses the key {row.key!r} of an order again")
            self._asked[store, row.key] = row.subject
        for event in events:
            if isinstance(event, TransferTaken) and isinstance(event.payload, OrderDone | OrderEnded):
                freed = [place for place, order in self._asked.items() if order == event.payload.order]
                for place in freed:
                    del self._asked[place]
                if isinstance(event.payload, OrderDone) and event.payload.refusal is not None:
                    self._frozen.refused(event.payload.order)
        for answer in answers:
            if (store, answer.key) in self.answers:
                self._wrong("one effect", f"store {store} uses the key {answer.key!r} again")
            self.answers[store, answer.key] = answer
        key = next((each.key for each in (*answers, *used) if each is not None), None)
        if key is not None:
            self._frozen.begin(store, events, key, self.states)

    def _in_time(self, state: State, event: Event, latest_ms: int, *, agreed: bool) -> None:
        """What was agreed on with another node was promised in time, and may be kept late."""
        at_ms = getattr(event, "at_ms", 0)
        if at_ms > latest_ms:
            self._wrong("not early", f"{event} is {at_ms - latest_ms} ms ahead of its home's clock")
        if not isinstance(state, PlayerState):
            return
        if isinstance(event, BidTaken) and event.at_ms >= state.listings.rows[event.listing].ends_at_ms:
            self._wrong("not early", f"a bid is taken after the end: {event}")
        if isinstance(event, ListingClosed):
            ends_at_ms = state.listings.rows[event.listing].ends_at_ms
            by_itself = event.state == "expired" or (event.state == "sold" and not event.received)
            if by_itself != (event.at_ms >= ends_at_ms):
                self._wrong("not early", f"{event} of a listing that ends at {ends_at_ms}")
        if isinstance(event, OfferEnded) and event.state != "declined" and not agreed:
            expires_at_ms = state.offers.rows[event.offer].expires_at_ms
            if (event.state == "expired") != (event.at_ms >= expires_at_ms):
                self._wrong("not early", f"{event} of an offer that expires at {expires_at_ms}")
        if isinstance(event, LegPrepared) and (event.row.kind, event.row.side) == ("accept", "seller"):
            expires_at_ms = state.offers.rows[event.row.listing].expires_at_ms
            if event.row.at_ms >= expires_at_ms:
                self._wrong("not early", f"{event} is of an offer that expired at {expires_at_ms}")

    def _transfers(self, record: Record) -> None:
        for store, events in record.items():
            for event in events:
                if isinstance(event, TransferSent):
                    self._transit.setdefault((store, event.to), {})[event.number] = event
        for store, events in record.items():
            for event in events:
                if isinstance(event, TransferTaken):
                    sent = self._transit.get((event.sender, store), {})
                    transfer = sent.pop(event.number, None)
                    as_sent = transfer is not None and transfer.payload == event.payload
                    if not as_sent or any(number < event.number for number in sent):
                        self._wrong("transfers", f"store {store} takes in {event}, sent was {transfer}, {sorted(sent)}")

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
                    moved[store] -= carried(event.payload).gold
                elif isinstance(event, TransferTaken):
                    moved[store] += carried(event.payload).gold
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
        head = None if state is None else state.head()
        return 0 if head is None or isinstance(head, House) else head.gold_elsewhere

    def _wrong(self, check: str, what: str) -> None:
        self._world.violate(check, what)


def _is_effect(event: Event, state: State) -> bool:
    """Whether an event is what a mutation with a key was for."""
    match event:
        case ListingClosed(state=how):
            return how == "cancelled"
        case TransferSent(payload=OfferClosed(state=how)):
            return how in ("withdrawn", "declined")
        case TransferTaken(payload=OrderDone(refusal=refusal)):
            return refusal is None
        case TransferTaken(payload=OrderEnded(known=known)):
            return known
        case Audited():
            return isinstance(state, HouseState)
    return isinstance(event, EFFECTS)


def _decided(trade: Trade) -> bytes:
    """What a trade was committed with: the vote of its other side."""
    return next(row.vote for row in trade.prepared.values() if row.side == "seller")
