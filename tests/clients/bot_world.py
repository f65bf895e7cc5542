"""What bots meet in tests: every intention gets a plausible outcome, and what was wanted is read as a transcript."""

from random import Random
from typing import Any, TypeVar

import msgspec

from auction.results import (
    BookResult,
    CommoditiesResult,
    DeliveriesResult,
    InventoryResult,
    OffersResult,
    OrdersResult,
    PlayerResult,
    QuoteResult,
    SearchResult,
    WatchesResult,
    WorldResult,
)
from clients.bots.habits import Life, Trade
from clients.bots.intentions import (
    AskQuote,
    CheckRivals,
    Hear,
    Intention,
    Leave,
    Look,
    SeeBook,
    SeeDeliveries,
    SeeOffers,
    SeeOrders,
    SeeStash,
    SeeWallet,
    SeeWatches,
)
from clients.bots.population import Ware
from clients.bots.strategies import STRATEGIES
from clients.bots.worth import Appraiser, worth_of_piece
from clients.watched import Match
from tests.clients.fake_client import NOW_MS, PURSE, WORLD
from tests.clients.fake_house import ITEM, Json, listing_of

T = TypeVar("T")

RULES = msgspec.convert(WORLD, WorldResult)
COMMODITIES = msgspec.convert(
    {
        "commodities": [
            {"commodity": "iron_ore", "name": "Iron Ore", "category": "ores", "tick": 1},
            {"commodity": "silver", "name": "Silver", "category": "ores", "tick": 5},
        ]
    },
    CommoditiesResult,
).commodities
WARES = tuple(Ware(each.commodity, each.tick, worth_of_piece(each)) for each in COMMODITIES)
TRADE = Trade(
    appraiser=Appraiser(RULES.rarities, COMMODITIES),
    categories=["swords", "bows"],
    durations_s=(3_600, 43_200),
    listings_max=10,
    price_max=2**53 - 1,
    wares=WARES,
)
AMONG_FRIENDS = msgspec.structs.replace(TRADE, friends=("ben", "cid"))


class World:
    """Outcomes out of these lists; a type in `refuse` is refused."""

    def __init__(self, *, gold: int = 5_000, deliveries: int = 0, items: int = 0, **listing: Any) -> None:
        self.purse = {**PURSE, "gold": {"available": gold, "escrowed": 0}, "deliveries": deliveries, "listings": 0}
        self.items = [{**ITEM, "item": f"ann.i{number}"} for number in range(items)]
        self.pieces: dict[str, int] = {}
        self.found = [listing_of(f"s{number}.l1", **listing) for number in range(10)]
        self.market: Json | None = None
        self.book: Json = {"bids": [], "asks": [], "last": None}
        self.orders: list[Json] = []
        self.price = 20
        self.offers: list[Json] = []
        self.watches: list[Json] = []
        self.told: list[Match] = []
        self.refuse: dict[type, Exception] = {}

    def outcome(self, intention: Intention) -> Any:
        """What comes back."""
        if type(intention) in self.refuse:
            return self.refuse[type(intention)]
        match intention:
            case SeeWallet():
                return msgspec.convert(self.purse, PlayerResult)
            case SeeDeliveries():
                waiting = [
                    {"delivery": f"ann.d{n}", "kind": "won", "gold": 0, "items": [], "commodities": {}, "listing": None}
                    for n in range(self.purse["deliveries"])
                ]
                return msgspec.convert(
                    {"deliveries": [{**each, "at_ms": 1} for each in waiting], "next": None}, DeliveriesResult
                )
            case SeeStash():
                stash = {"items": self.items, "commodities": self.pieces, "next": None}
                return msgspec.convert(stash, InventoryResult)
            case Look() | CheckRivals():
                market = {} if self.market is None else {"market": self.market}
                found = {"listings": self.found, "next": None, "as_of_ms": NOW_MS, **market}
                return msgspec.convert(found, SearchResult)
            case Hear():
                return self.told
            case _:
                return self._of_exchange(intention)

    def _of_exchange(self, intention: Intention) -> Any:
        match intention:
            case SeeBook():
                return msgspec.convert(self.book, BookResult)
            case SeeOrders():
                return msgspec.convert({"orders": self.orders, "next": None}, OrdersResult)
            case AskQuote(side=side, commodity=commodity, quantity=quantity):
                total = quantity * self.price
                levels = [{"price": self.price, "quantity": quantity}]
                quote = {"quote": "q", "commodity": commodity, "side": side, "quantity": quantity, "total": total}
                return msgspec.convert({**quote, "levels": levels, "expires_at_ms": NOW_MS + 30_000}, QuoteResult)
            case SeeOffers():
                return msgspec.convert({"offers": self.offers, "next": None}, OffersResult)
            case SeeWatches():
                return msgspec.convert({"watches": self.watches}, WatchesResult)
            case _:
                return None

    def visit(self, life: Life) -> list[Intention]:
        """One visit from arriving to leaving."""
        intentions = [life.send(None)]
        while not isinstance(intentions[-1], Leave):
            assert len(intentions) < 60
            intentions.append(life.send(self.outcome(intentions[-1])))
        return intentions


def life_of(name: str, seed: int = 1, trade: Trade = TRADE) -> Life:
    """A life of a strategy."""
    return STRATEGIES[name](trade, Random(seed), lambda: NOW_MS)


def kinds(intentions: list[Intention]) -> list[str]:
    """Their names."""
    return [type(intention).__name__ for intention in intentions]


def wanted(intentions: list[Intention], kind: type[T]) -> list[T]:
    """Those of one kind."""
    return [intention for intention in intentions if isinstance(intention, kind)]
