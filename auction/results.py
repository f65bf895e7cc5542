"""What the house answers: the protocol's objects and the result of each command and query.

The classes are the results of the protocol's methods as they go over the wire; `docs/protocol.md` describes the fields.
"""

import msgspec

from auction.state import DeliveryKind, Item, LedgerEntry, ListingState, Notice
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
    """`available` is the wallet; `escrowed` the player's standing maxima, and what open trades hold."""

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


class SearchResult(msgspec.Struct, frozen=True):
    """`listing.search`: open listings as of `as_of_ms`."""

    listings: list[ListingView]
    next: str | None
    as_of_ms: int


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
)
