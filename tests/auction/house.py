"""A house in memory for tests: states, a clock to turn, seeded randomness, and every record kept.

`House.execute` holds each answer to what is always true: a refusal other than `outbid` changed nothing, gold and goods
are conserved, and every store's books agree with its rows.
"""

import copy
import functools
import random
from typing import Any

import msgspec

from auction import ids
from auction.commands import (
    Ask,
    BuyOut,
    CancelListing,
    ClaimDelivery,
    CreateListing,
    EndListing,
    FreezeTrading,
    GetListing,
    GetPlayer,
    Grant,
    GrantedItem,
    ListDeliveries,
    PlaceBid,
    ThawTrading,
)
from auction.conservation import Totals, faults
from auction.context import HOUSE, Answer, Caller, Context, Request
from auction.events import Record, decode_events, encode_events
from auction.evolve import evolve
from auction.freezes import NOTHING_FROZEN, Freezes, as_of
from auction.house import execute
from auction.house_state import HouseState
from auction.market.state import Book, MarketState
from auction.outcomes import Executed, a_player
from auction.player_state import PlayerState
from auction.refusals import Refusal
from auction.results import DeliveryView, ListingView, Result
from auction.state import Account, Notice, StoreId
from auction.stores import KINDS, Kind, State
from worlddata.types import Base, Catalog, Category, Commodity, Range, Rarity, Rules, Stat

MAX = 2**53 - 1
START_MS = 1_700_000_000_000
HOUR_S = 3_600
NAMING_KEY = bytes(range(32))


def _stat(name: str) -> Stat:
    return Stat(stat=name, name=name.title(), unit="points", at_level_1=Range(1, 10), at_level_100=Range(100, 208))


def _base(name: str, category: str, levels: tuple[int, int], stats: dict[str, Range]) -> Base:
    return Base(
        base=name,
        name=name.replace("_", " ").title(),
        category=category,
        min_level=levels[0],
        max_level=levels[1],
        stat_percents=dict.fromkeys(stats, 100),
        stats=stats,
        worth=10,
    )


def _rarity(name: str, order: int, stats: tuple[int, int], weight: int) -> Rarity:
    return Rarity(
        rarity=name,
        name=name.title(),
        order=order,
        stats_min=stats[0],
        stats_max=stats[1],
        weight=weight,
        worth_factor=order + 1,
    )


CATALOG = Catalog(
    version="1.2.3",
    hash="00112233445566778899aabbccddeeff",
    rules=Rules(),
    categories={
        "oars": Category(category="oars", name="Oars", holds="items"),
        "bells": Category(category="bells", name="Bells", holds="items"),
        "ores": Category(category="ores", name="Ores", holds="commodities"),
    },
    rarities={
        "rare": _rarity("rare", 1, (2, 3), 20),
        "plain": _rarity("plain", 0, (0, 1), 80),
    },
    stats={name: _stat(name) for name in ("reach", "tone", "weight")},
    bases={
        "tide_oar": _base("tide_oar", "oars", (1, 100), {"reach": Range(1, 208), "weight": Range(1, 208)}),
        "short_oar": _base("short_oar", "oars", (1, 12), {"reach": Range(1, 32), "weight": Range(1, 32)}),
        "fog_bell": _base(
            "fog_bell", "bells", (34, 34), {"tone": Range(34, 76), "weight": Range(34, 76), "reach": Range(34, 76)}
        ),
    },
    commodities={
        "tin": Commodity(commodity="tin", name="Tin", category="ores", tick=1, worth=3),
        "salt": Commodity(commodity="salt", name="Salt", category="ores", tick=5, worth=10),
    },
)
"""A small world: a base may be of one level only, and its ranges lie on the stats' lines."""


@functools.cache
def store_of(player: str) -> StoreId:
    """The store id of a player in every test house."""
    return ids.player_store(NAMING_KEY, player)


@functools.cache
def market_of(commodity: str) -> StoreId:
    """The store id of a commodity's market in every test house."""
    return ids.market_store(NAMING_KEY, commodity)


HOUSE_STORE = ids.house_store(NAMING_KEY)
MARKETS = {market_of(commodity): commodity for commodity in CATALOG.commodities}


def kind_of(store: StoreId) -> Kind:
    """The kind of a store of every test house."""
    return "market" if store in MARKETS else "house" if store == HOUSE_STORE else "player"


class Names:
    """How stores are named in every test house."""

    store_of = staticmethod(store_of)
    market_of = staticmethod(market_of)
    house = HOUSE_STORE
    kind_of = staticmethod(kind_of)


def seal(text: bytes) -> bytes:
    """The seal of every test house."""
    return ids.seal(NAMING_KEY, text)


def empty(store: StoreId) -> State:
    """The state of a store that was never written to."""
    return KINDS[kind_of(store)]()


def rows_of(state: State) -> dict[str, Any]:
    """All that a state holds, for comparisons; in order where the order counts."""
    tables: dict[str, Any] = {name: dict(getattr(state, name).rows) for name in state.TABLES}
    for one_row in ("account", "book", "house"):
        if one_row in tables:
            tables[one_row] = copy.deepcopy(tables[one_row])
    derived = [name for name in state.__slots__ if name not in state.TABLES]
    for ordered in ("listings", "deliveries", "orders", "watches"):
        if ordered in tables:
            tables[ordered] = list(tables[ordered].items())
    if not isinstance(state, MarketState):
        tables["oldest keys first"] = [row.at_ms for row in state.keys]
    return {**tables, **{name: getattr(state, name) for name in derived}}


def replayed(records: list[Record]) -> dict[StoreId, State]:
    """The states that records make out of nothing, by way of their durable form."""
    states: dict[StoreId, State] = {}
    for record in records:
        for store, events in record.items():
            state = states.setdefault(store, empty(store))
            for event in decode_events(encode_events(events)):
                evolve(state, event)
    return states


class House:
    """All stores in memory and awake."""

    def __init__(self, rules: Rules | None = None, seed: int = 1) -> None:
        self.catalog = msgspec.structs.replace(CATALOG, rules=rules or Rules())
        self.now_ms = START_MS
        self.states: dict[StoreId, State] = {}
        self.records: list[Record] = []
        self.told: list[tuple[str, Notice]] = []
        self.present: set[str] = set()
        self._random = random.Random(seed)
        self._grants = 0

    def state(self, player: str) -> PlayerState:
        """A player's store."""
        return a_player(self._store(store_of(player)))

    def market(self, commodity: str) -> MarketState:
        """A commodity's store."""
        state = self._store(market_of(commodity))
        assert isinstance(state, MarketState)
        return state

    def freezes(self) -> Freezes:
        """What the house's own store says is frozen."""
        state = self.states.get(HOUSE_STORE)
        return as_of(state) if isinstance(state, HouseState) else NOTHING_FROZEN

    def freeze(self, what: Any, thing: str | None = None, *, claims: bool = True) -> list[Any]:
        """Stop trading in something; all that is frozen then."""
        frozen: list[Any] = self.done(
            self.ask("ops", FreezeTrading(what=what, id=thing, claims=claims), "operator")
        ).frozen
        return frozen

    def thaw(self, what: Any, thing: str | None = None) -> list[Any]:
        """Let trading go on; all that is frozen then."""
        frozen: list[Any] = self.done(self.ask("ops", ThawTrading(what=what, id=thing), "operator")).frozen
        return frozen

    def context(self) -> Context:
        """What a decision knows now."""
        return Context(
            catalog=self.catalog,
            now_ms=self.now_ms,
            store_of=store_of,
            market_of=market_of,
            house=HOUSE_STORE,
            seal=seal,
            random_int=self._random.randint,
            node="n1",
            is_present=self.present.__contains__,
            kind_of=kind_of,
            freezes=self.freezes(),
        )

    def execute(self, request: Request) -> Executed:
        """Execute a request and hold it to what is always true."""
        executed = execute(request, self._store, self.context())
        assert isinstance(executed, Executed)
        body = executed.answer.body
        if isinstance(body, Refusal) and body.reason != "outbid":
            assert executed.record == {}, body
        assert set(executed.record) <= set(executed.reads)
        if executed.record:
            self.records.append(executed.record)
            self.told.extend(executed.notices)
            self.check()
        return executed

    def check(self) -> None:
        """Gold and goods are conserved, items are in one place, and the books agree with the rows."""
        totals = Totals()
        for state in self.states.values():
            totals.add(state)
            assert faults(state) == []
        assert totals.balanced(), msgspec.structs.asdict(totals.gold) | {"duplicates": totals.duplicates}
        heads = [state.head() for state in self.states.values()]
        assert sum(head.gold_elsewhere for head in heads if isinstance(head, Account | Book)) == 0

    def answer(self, player: str, ask: Ask, role: Any = "player", own_key: str = "") -> Answer:
        """The answer to one question."""
        return self.execute(Request(Caller(player, role), ask, own_key)).answer

    def ask(self, player: str, ask: Ask, role: Any = "player") -> Any:
        """The result of a question, or its Refusal."""
        return self.answer(player, ask, role).body

    def refusal(self, player: str, ask: Ask, role: Any = "player") -> tuple[str, dict[str, Any]]:
        """Reason and figures of a question that is refused."""
        body = self.ask(player, ask, role)
        assert isinstance(body, Refusal), body
        return body.reason, body.data

    def grant(
        self, player: str, gold: int = 0, items: int = 0, commodities: dict[str, int] | None = None, **item: Any
    ) -> list[str]:
        """Grant, and return the ids of the items."""
        self._grants += 1
        wanted = [GrantedItem(base=item.get("base", "tide_oar"), bound=item.get("bound", False))] * items
        ask = Grant(key=f"g{self._grants}", player=player, gold=gold, items=wanted, commodities=commodities or {})
        return [view.item for view in self.done(self.ask("mint", ask, "service")).items]

    def create(self, seller: str, **params: Any) -> str:
        """List a freshly granted item and return the listing's id."""
        params.setdefault("duration_s", HOUR_S)
        if "item" not in params:
            (params["item"],) = self.grant(seller, items=1)
        listing: str = self.done(self.ask(seller, CreateListing(**params))).listing.listing
        return listing

    def bid(self, bidder: str, listing: str, amount: int) -> Any:
        """The answer to a bid."""
        return self.ask(bidder, PlaceBid(listing=listing, amount=amount))

    def buy_out(self, buyer: str, listing: str, price: int) -> Any:
        """The answer to a buyout."""
        return self.ask(buyer, BuyOut(listing=listing, price=price))

    def cancel(self, player: str, listing: str) -> Any:
        """The answer to a cancellation."""
        return self.ask(player, CancelListing(listing=listing))

    def claim_all(self, player: str) -> None:
        """Claim whatever waits."""
        for delivery in self.deliveries(player):
            self.done(self.ask(player, ClaimDelivery(delivery=delivery.delivery)))

    def end(self, listing: str) -> Executed:
        """What the listing's timer does."""
        return self.execute(Request(HOUSE, EndListing(listing=listing)))

    def run_out(self, listing: str) -> None:
        """Turn the clock to the listing's end and settle it."""
        self.now_ms = self.view(listing).ends_at_ms
        self.end(listing)

    def view(self, listing: str, viewer: str = "somebody") -> ListingView:
        """The listing as a viewer sees it."""
        seen: ListingView = self.done(self.ask(viewer, GetListing(listing=listing))).listing
        return seen

    def deliveries(self, player: str) -> list[DeliveryView]:
        """What waits for a player."""
        waiting: list[DeliveryView] = self.done(self.ask(player, ListDeliveries(limit=100))).deliveries
        return waiting

    def wallet(self, player: str) -> int:
        """What a player can spend."""
        available: int = self.done(self.ask(player, GetPlayer())).gold.available
        return available

    def escrowed(self, player: str) -> int:
        """The sum of a player's standing maxima."""
        escrowed: int = self.done(self.ask(player, GetPlayer())).gold.escrowed
        return escrowed

    def notices(self, player: str) -> list[tuple[str, dict[str, Any]]]:
        """Type and data of everything a player was told."""
        return [(notice.type, notice.data) for name, notice in self.told if name == player]

    def done(self, body: Any) -> Any:
        """The result, which must not be a refusal."""
        assert not isinstance(body, Refusal), body
        return body

    def _store(self, store: StoreId) -> State:
        return self.states.setdefault(store, empty(store))


def refused(body: Result | Refusal | None) -> tuple[str, dict[str, Any]]:
    """Reason and figures of a refusal."""
    assert isinstance(body, Refusal), body
    return body.reason, body.data
