"""What the house answers: the protocol's objects and the result of each command and query.

The classes are the results of the protocol's methods as they go over the wire; `docs/protocol.md` describes the fields.
"""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from auction.house_state import Freeze
from auction.state import Assets, DeliveryKind, Item, LedgerEntry, ListingState, Notice, OfferState, OrderSide, Wanted
from worlddata.types import Category, Rarity, Rules, Stat


class ListingView(msgspec.Struct, frozen=True):
    """A Listing of the protocol, as one viewer sees it (`mine`, `winning`)."""

    listing: str
    item: Item
    state: ListingState
    start_bid: int | None
    buyout: int | None
    price: int | None
    min_bid: int | None
    bids: int
    created_at_ms: int
    ends_at_ms: int
    mine: bool
    winning: bool


class DeliveryView(msgspec.Struct, frozen=True):
    """A Delivery of the protocol."""

    delivery: str
    kind: DeliveryKind
    gold: int
    items: list[Item]
    commodities: dict[str, int]
    listing: str | None
    at_ms: int


class Gold(msgspec.Struct, frozen=True, gc=False):
    """`available` is the wallet; `escrowed` the player's standing maxima, and what orders and open trades hold."""

    available: int
    escrowed: int


class Stash(msgspec.Struct, frozen=True, gc=False):
    """Items in the stash, and how many it may hold."""

    used: int
    capacity: int


class PlayerResult(msgspec.Struct, frozen=True):
    """`player.get`. `listings` counts the open ones, `deliveries` those that wait."""

    player: str
    gold: Gold
    listings: int
    deliveries: int
    stash: Stash
    seq: int


class AdminPlayerResult(PlayerResult, frozen=True):
    """`admin.player`: as `player.get`, and where the store is and its latest ledger entries."""

    store: str
    node: str
    ledger: list[LedgerEntry]


class InventoryResult(msgspec.Struct, frozen=True):
    """`inventory.list`."""

    items: list[Item]
    commodities: dict[str, int]
    next: str | None


class ListingResult(msgspec.Struct, frozen=True):
    """`listing.create`, `listing.get`, `listing.cancel`."""

    listing: ListingView


class BidResult(msgspec.Struct, frozen=True):
    """`listing.bid`: only a bid that leads gives a result; another is refused `outbid`."""

    listing: ListingView
    winning: bool


class BuyoutResult(msgspec.Struct, frozen=True):
    """`listing.buyout`: `paid` is the price; the item waits as a delivery."""

    listing: ListingView
    item: Item
    paid: int


class ListingsResult(msgspec.Struct, frozen=True):
    """`listing.mine`."""

    listings: list[ListingView]
    next: str | None


class Market(msgspec.Struct, frozen=True, gc=False):
    """What sold of one base in the whole house within the last 24 hours."""

    median_price: int | None
    sold_24h: int


class SearchResult(msgspec.Struct, frozen=True):
    """`listing.search`: open listings as of `as_of_ms`; `market` where it was asked for and the query names a base."""

    listings: list[ListingView]
    next: str | None
    as_of_ms: int
    market: Market | UnsetType = UNSET


class BidView(msgspec.Struct, frozen=True):
    """One of the caller's bids; `amount` is the maximum."""

    listing: ListingView
    amount: int
    winning: bool


class BidsResult(msgspec.Struct, frozen=True):
    """`bids.mine`."""

    bids: list[BidView]
    next: str | None


class DeliveriesResult(msgspec.Struct, frozen=True):
    """`delivery.list`."""

    deliveries: list[DeliveryView]
    next: str | None


class DeliveryResult(msgspec.Struct, frozen=True):
    """`delivery.claim`: what is now in wallet and stash."""

    delivery: DeliveryView


class EventsResult(msgspec.Struct, frozen=True):
    """`events.since`: `oldest_seq` is the first still kept, `last_seq` the latest there is."""

    events: list[Notice]
    next_seq: int
    oldest_seq: int
    last_seq: int


class GrantResult(msgspec.Struct, frozen=True):
    """`admin.grant`, `admin.take`: what was granted or taken."""

    player: str
    gold: int
    items: list[Item]


class Level(msgspec.Struct, frozen=True, gc=False):
    """Pieces at one price."""

    price: int
    quantity: int


class QuoteResult(msgspec.Struct, frozen=True):
    """`commodity.quote`: `total` is the most that buying by this quote costs, or the least that selling brings before
    the fee.
    """

    quote: str
    commodity: str
    side: OrderSide
    quantity: int
    total: int
    levels: list[Level]
    expires_at_ms: int


class OrderResult(msgspec.Struct, frozen=True):
    """`commodity.buy`, `commodity.sell`: `paid` is the gold that a buyer paid, `received` what a seller got, the fee
    taken off; the other is 0. Pieces neither `filled` nor `resting` came back.
    """

    order: str
    filled: int
    resting: int
    paid: int
    received: int
    fills: list[Level]


class Returned(msgspec.Struct, frozen=True, gc=False):
    """What was left of an order."""

    gold: int
    quantity: int


class CancelledOrderResult(msgspec.Struct, frozen=True):
    """`commodity.cancel`: the gold is in the wallet, the pieces wait as a delivery."""

    order: str
    returned: Returned


class OrderView(msgspec.Struct, frozen=True):
    """One of the caller's orders that rest."""

    order: str
    commodity: str
    side: OrderSide
    price: int
    quantity: int
    remaining: int
    at_ms: int


class OrdersResult(msgspec.Struct, frozen=True):
    """`commodity.orders`."""

    orders: list[OrderView]
    next: str | None


class BookLevel(msgspec.Struct, frozen=True, gc=False):
    """What rests at one price, and in how many orders."""

    price: int
    quantity: int
    orders: int


class LastPrice(msgspec.Struct, frozen=True, gc=False):
    """The latest trade."""

    price: int
    at_ms: int


class BookResult(msgspec.Struct, frozen=True):
    """`commodity.book`: bids from the highest price down, asks from the lowest up."""

    bids: list[BookLevel]
    asks: list[BookLevel]
    last: LastPrice | None


class CandleView(msgspec.Struct, frozen=True, gc=False):
    """What was traded from `at_ms` on, for as long as the bucket is."""

    at_ms: int
    open: int
    high: int
    low: int
    close: int
    volume: int


class CandlesResult(msgspec.Struct, frozen=True):
    """`commodity.history`: oldest first; where nothing was traded there is no candle."""

    candles: list[CandleView]


class OfferResult(msgspec.Struct, frozen=True):
    """`offer.make`, `offer.accept`, `offer.decline`, `offer.withdraw`: how the offer stands now."""

    offer: str
    state: OfferState


class OfferView(msgspec.Struct, frozen=True):
    """An open offer. What is given is shown as it is, what is wanted as it was asked for."""

    offer: str
    maker: str = msgspec.field(name="from")
    to: str
    give: Assets
    want: Wanted
    state: OfferState
    expires_at_ms: int


class OffersResult(msgspec.Struct, frozen=True):
    """`offer.list`."""

    offers: list[OfferView]
    next: str | None


class WatchResult(msgspec.Struct, frozen=True):
    """`watch.create`."""

    watch: str


class NothingResult(msgspec.Struct, frozen=True):
    """`watch.delete`: done, and nothing to tell."""


class WatchView(msgspec.Struct, frozen=True):
    """One of the caller's watches: one of `query`, `listing` and `commodity` says of what."""

    watch: str
    query: dict[str, Any] | None
    listing: str | None
    commodity: str | None
    at_ms: int


class WatchesResult(msgspec.Struct, frozen=True):
    """`watch.list`."""

    watches: list[WatchView]


class FreezesResult(msgspec.Struct, frozen=True):
    """`admin.freeze`, `admin.thaw`: all that is frozen now."""

    frozen: list[Freeze]


class Span(msgspec.Struct, frozen=True, gc=False):
    """Inclusive bounds of a stat on a base."""

    min: int
    max: int


class BaseView(msgspec.Struct, frozen=True):
    """One item base of the catalog."""

    base: str
    name: str
    category: str
    min_level: int
    max_level: int
    stats: dict[str, Span]


class CommodityView(msgspec.Struct, frozen=True):
    """One commodity of the catalog; prices are multiples of `tick`."""

    commodity: str
    name: str
    category: str
    tick: int


class WorldResult(msgspec.Struct, frozen=True):
    """`world.describe`: the catalog's identity, the rules in force and the shelves."""

    version: str
    hash: str
    rules: Rules
    categories: list[Category]
    rarities: list[Rarity]
    stats: list[Stat]
    counts: dict[str, int]


class BasesResult(msgspec.Struct, frozen=True):
    """`world.bases`."""

    bases: list[BaseView]
    next: str | None


class CommoditiesResult(msgspec.Struct, frozen=True):
    """`world.commodities`."""

    commodities: list[CommodityView]


Result = (
    WorldResult
    | BasesResult
    | CommoditiesResult
    | PlayerResult
    | AdminPlayerResult
    | InventoryResult
    | ListingResult
    | BidResult
    | BuyoutResult
    | ListingsResult
    | SearchResult
    | BidsResult
    | DeliveriesResult
    | DeliveryResult
    | EventsResult
    | GrantResult
    | QuoteResult
    | OrderResult
    | CancelledOrderResult
    | OrdersResult
    | BookResult
    | CandlesResult
    | OfferResult
    | OffersResult
    | WatchResult
    | NothingResult
    | WatchesResult
    | FreezesResult
)
