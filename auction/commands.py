"""What can be asked of the house: commands that may change stores, and queries that never do.

The classes are the params of the protocol's methods (`shardnode.wire.methods` binds each to its method), so decoding a
request yields the command itself, validated: types, bounds and unknown params are settled before a rule looks at it.
`key` is the client's idempotency key.
"""

from typing import Annotated, Literal

import msgspec

from auction.house_state import FrozenThing
from auction.state import OFFER_ITEMS_MAX, ListingState, OrderSide
from worlddata.types import MAX_AMOUNT, Amount

PlayerName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z")]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
"""Id of an item, listing, delivery and so on: opaque to clients."""
KeyText = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Limit = Annotated[int, msgspec.Meta(ge=1, le=100)]
Cursor = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
Seq = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
Level = Annotated[int, msgspec.Meta(ge=1, le=100)]
StatValue = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]

PAGE_DEFAULT = 50


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Asks and changes nothing."""


class Mutation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Asks for a change; executed once a key."""

    key: KeyText | None = None


class DescribeWorld(Query, frozen=True, kw_only=True):
    """The catalog's identity, rules and shelves."""


class ListBases(Query, frozen=True, kw_only=True):
    """Item bases of the catalog, a page at a time."""

    category: Id | None = None
    limit: Limit = PAGE_DEFAULT
    cursor: Cursor | None = None


class ListCommodities(Query, frozen=True, kw_only=True):
    """All commodities of the catalog."""


class GetPlayer(Query, frozen=True, kw_only=True):
    """The caller's wallet, counts and stash."""


class ListInventory(Query, frozen=True, kw_only=True):
    """The caller's stash, a page at a time."""

    limit: Limit = PAGE_DEFAULT
    cursor: Cursor | None = None


class CreateListing(Mutation, frozen=True, kw_only=True):
    """Put an item of the caller's stash up for sale; one price at least."""

    item: Id
    start_bid: Amount | None = None
    buyout: Amount | None = None
    duration_s: Amount


class GetListing(Query, frozen=True, kw_only=True):
    """One listing, by anybody."""

    listing: Id


class MyListings(Query, frozen=True, kw_only=True):
    """The caller's listings, newest first."""

    state: ListingState | None = None
    limit: Limit = PAGE_DEFAULT
    cursor: Cursor | None = None


class PlaceBid(Mutation, frozen=True, kw_only=True):
    """Bid on a listing; `amount` is the bidder's maximum."""

    listing: Id
    amount: Amount


class BuyOut(Mutation, frozen=True, kw_only=True):
    """Buy a listing at its buyout price; `price` is what the player saw."""

    listing: Id
    price: Amount


class CancelListing(Mutation, frozen=True, kw_only=True):
    """Take the caller's own listing back."""

    listing: Id


class Bounds(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Inclusive bounds; either may be left out."""

    min: Amount | None = None
    max: Amount | None = None


class StatBounds(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Inclusive bounds of one stat; an item without the stat does not match."""

    stat: Id
    min: StatValue | None = None
    max: StatValue | None = None


Sort = Annotated[
    str, msgspec.Meta(pattern=r"^(price|buyout|ends_at|created_at|level|score|stat:[a-z][a-z0-9_]{0,47})\Z")
]


class ListingFilter(Query, frozen=True, kw_only=True, omit_defaults=True):
    """Which open listings are meant: those that pass every filter given."""

    category: Id | None = None
    base: Id | None = None
    rarity: Annotated[list[Id], msgspec.Meta(max_length=32)] | None = None
    level: Bounds | None = None
    price: Bounds | None = None
    stats: Annotated[list[StatBounds], msgspec.Meta(max_length=16)] | None = None
    text: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    buyout_only: bool = False


class SearchListings(ListingFilter, frozen=True, kw_only=True):
    """Open listings of the whole house by filters; see `docs/protocol.md`."""

    with_market: bool = False
    score: Annotated[dict[str, StatValue], msgspec.Meta(max_length=32)] | None = None
    sort: Sort | None = None
    """Without one, `score` where weights are given, else `ends_at`."""
    order: Literal["asc", "desc"] | None = None
    """Without one, the best first by `score`, by anything else the least."""
    limit: Limit = PAGE_DEFAULT
    cursor: Cursor | None = None


class MyBids(Query, frozen=True, kw_only=True):
    """The caller's bids on open listings, latest first."""

    limit: Limit = PAGE_DEFAULT
    cursor: Cursor | None = None


class ListDeliveries(Query, frozen=True, kw_only=True):
    """What waits to be claimed by the caller, oldest first."""

    limit: Limit = PAGE_DEFAULT
    cursor: Cursor | None = None


class ClaimDelivery(Mutation, frozen=True, kw_only=True):
    """Move a delivery into wallet and stash."""

    delivery: Id


class EventsSince(Query, frozen=True, kw_only=True):
    """What the caller was told after `seq`."""

    seq: Seq
    limit: Limit = PAGE_DEFAULT


class GrantedItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An item to be granted; what is left out is rolled within the base's ranges."""

    base: Id
    rarity: Id | None = None
    level: Level | None = None
    stats: Annotated[dict[str, StatValue], msgspec.Meta(max_length=32)] | None = None
    bound: bool = False


Pieces = Annotated[int, msgspec.Meta(ge=1, le=MAX_AMOUNT)]


class QuoteCommodity(Query, frozen=True, kw_only=True):
    """What so many pieces cost, or bring, now; the answer holds for a while."""

    commodity: Id
    side: OrderSide
    quantity: Pieces


class CommodityOrder(Mutation, frozen=True, kw_only=True):
    """An order for pieces of a commodity: at a limit each, or by a quote alone."""

    commodity: Id | None = None
    quantity: Pieces | None = None
    limit_price: Amount | None = None
    quote: Id | None = None


class BuyCommodity(CommodityOrder, frozen=True, kw_only=True):
    """Buy at the limit or better; what is not filled at once rests."""


class SellCommodity(CommodityOrder, frozen=True, kw_only=True):
    """Sell at the limit or better; what is not filled at once rests."""


class CancelOrder(Mutation, frozen=True, kw_only=True):
    """Take back what is left of the caller's own order."""

    order: Id


class MyOrders(Query, frozen=True, kw_only=True):
    """The caller's orders that rest, oldest first."""

    limit: Limit = PAGE_DEFAULT
    cursor: Cursor | None = None


class GetBook(Query, frozen=True, kw_only=True):
    """What rests in a commodity's book, price by price, the best `depth` of each side first."""

    commodity: Id
    depth: Limit = 20


class GetCandles(Query, frozen=True, kw_only=True):
    """The latest candles of a commodity, oldest first."""

    commodity: Id
    bucket_s: Literal[60, 3600, 86400]
    limit: Limit = PAGE_DEFAULT


OfferQuantities = Annotated[dict[str, Pieces], msgspec.Meta(max_length=OFFER_ITEMS_MAX)]


class OfferSide(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Gold and goods that one side of an offer gives."""

    gold: Amount = 0
    items: Annotated[list[Id], msgspec.Meta(max_length=OFFER_ITEMS_MAX)] = []
    commodities: OfferQuantities = {}


class MakeOffer(Mutation, frozen=True, kw_only=True):
    """Offer another player gold and goods for gold and goods; `give` is held while the offer is open."""

    to: PlayerName
    give: OfferSide
    want: OfferSide
    expires_s: Amount | None = None


class AcceptOffer(Mutation, frozen=True, kw_only=True):
    """Give what is wanted and get what is offered, at once."""

    offer: Id


class DeclineOffer(Mutation, frozen=True, kw_only=True):
    """Turn down an offer that was made to the caller."""

    offer: Id


class WithdrawOffer(Mutation, frozen=True, kw_only=True):
    """Take the caller's own offer back."""

    offer: Id


class ListOffers(Query, frozen=True, kw_only=True):
    """Open offers that the caller made, then those made to the caller, oldest first."""

    limit: Limit = PAGE_DEFAULT
    cursor: Cursor | None = None


class CreateWatch(Mutation, frozen=True, kw_only=True):
    """Be told of listings that come to match a search, of a listing's changes or of a commodity's: one of the three."""

    query: ListingFilter | None = None
    listing: Id | None = None
    commodity: Id | None = None


class DeleteWatch(Mutation, frozen=True, kw_only=True):
    """Be told of it no more."""

    watch: Id


class ListWatches(Query, frozen=True, kw_only=True):
    """All of the caller's watches, oldest first."""


Quantities = Annotated[dict[str, Amount], msgspec.Meta(max_length=100)]


class AdminMutation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A service's or operator's change to a player; the key is required and belongs to caller and player."""

    key: KeyText
    player: PlayerName


class Grant(AdminMutation, frozen=True, kw_only=True):
    """Gold and goods enter the house, straight into wallet and stash."""

    gold: Amount = 0
    items: Annotated[list[GrantedItem], msgspec.Meta(max_length=1000)] = []
    commodities: Quantities = {}


class Take(AdminMutation, frozen=True, kw_only=True):
    """Gold and goods leave the house for good, out of wallet and stash."""

    gold: Amount = 0
    items: Annotated[list[Id], msgspec.Meta(max_length=1000)] = []
    commodities: Quantities = {}


class InspectPlayer(Query, frozen=True, kw_only=True):
    """As `GetPlayer`, of any player, with store, node and ledger."""

    player: PlayerName


class FreezeTrading(Mutation, frozen=True, kw_only=True):
    """Stop trading in the house, a category, a commodity or for a player. The key belongs to caller and house."""

    what: FrozenThing
    id: Id | None = None
    claims: bool = True
    """Whether what waits may still be claimed, and what was begun be taken back."""


class ThawTrading(Mutation, frozen=True, kw_only=True):
    """Let trading go on."""

    what: FrozenThing
    id: Id | None = None


class EndListing(Mutation, frozen=True, kw_only=True):
    """The house's own command, never a client's: settle a listing that is due."""

    listing: Id


class EndOffer(Mutation, frozen=True, kw_only=True):
    """The same of an offer that has expired."""

    offer: Id


Command = (
    CreateListing
    | PlaceBid
    | BuyOut
    | CancelListing
    | ClaimDelivery
    | BuyCommodity
    | SellCommodity
    | CancelOrder
    | MakeOffer
    | AcceptOffer
    | DeclineOffer
    | WithdrawOffer
    | CreateWatch
    | DeleteWatch
    | Grant
    | Take
    | FreezeTrading
    | ThawTrading
    | EndListing
    | EndOffer
)
"""What may change stores."""
StoreQuery = (
    GetPlayer
    | ListInventory
    | GetListing
    | MyListings
    | MyBids
    | ListDeliveries
    | EventsSince
    | InspectPlayer
    | QuoteCommodity
    | GetBook
    | GetCandles
    | MyOrders
    | ListOffers
    | ListWatches
)
"""What stores answer without changing."""
WorldQuery = DescribeWorld | ListBases | ListCommodities
"""What the catalog answers alone."""
Ask = Command | StoreQuery | WorldQuery | SearchListings
"""Everything that can be asked."""
