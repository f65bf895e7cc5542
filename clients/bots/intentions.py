"""What a bot can want next. Each is about one request of the house, so a rate of intentions is a rate of requests.

`living` carries them out and sends the outcome back: the method's result, or the Refused or NotFound it met.
"""

from typing import Literal

import msgspec

from auction.state import OrderSide
from clients.calls import Goods, Query


class SeeWallet(msgspec.Struct, frozen=True):
    """Count the gold, the open listings and the waiting deliveries. Outcome: PlayerResult."""


class SeeDeliveries(msgspec.Struct, frozen=True):
    """Look at what waits to be claimed. Outcome: DeliveriesResult."""


class Claim(msgspec.Struct, frozen=True):
    """Move a delivery into wallet and stash. Outcome: DeliveryResult."""

    delivery: str


class SeeStash(msgspec.Struct, frozen=True):
    """Look at the first items of the stash, and at all pieces. Outcome: InventoryResult."""


class Look(msgspec.Struct, frozen=True):
    """Search open listings. Outcome: SearchResult."""

    category: str | None = None
    sort: str = "ends_at"
    order: Literal["asc", "desc"] = "asc"
    price_max: int | None = None
    limit: int = 20


class Sell(msgspec.Struct, frozen=True):
    """List an item of the stash. Outcome: ListingResult."""

    item: str
    start_bid: int | None
    buyout: int | None
    duration_s: int


class Bid(msgspec.Struct, frozen=True):
    """Bid on a listing with `amount` as the maximum. Outcome: BidResult."""

    listing: str
    amount: int


class BuyOut(msgspec.Struct, frozen=True):
    """Buy a listing at its buyout price. Outcome: BuyoutResult."""

    listing: str
    price: int


class CheckRivals(msgspec.Struct, frozen=True):
    """See the cheapest buyouts of a base, and what it sold for within a day. Outcome: SearchResult."""

    base: str


class SeeBook(msgspec.Struct, frozen=True):
    """Look at the best prices of a commodity. Outcome: BookResult."""

    commodity: str


class SeeOrders(msgspec.Struct, frozen=True):
    """Look at the own orders that rest. Outcome: OrdersResult."""


class Order(msgspec.Struct, frozen=True):
    """Buy or sell pieces at a limit. Outcome: OrderResult."""

    side: OrderSide
    commodity: str
    quantity: int
    limit_price: int


class AskQuote(msgspec.Struct, frozen=True):
    """Ask what so many pieces cost or bring. Outcome: QuoteResult."""

    side: OrderSide
    commodity: str
    quantity: int


class TakeQuote(msgspec.Struct, frozen=True):
    """Buy or sell by a quote. Outcome: OrderResult."""

    side: OrderSide
    quote: str


class CancelOrder(msgspec.Struct, frozen=True):
    """Take back what is left of an order. Outcome: CancelledOrderResult."""

    order: str


class SeeOffers(msgspec.Struct, frozen=True):
    """Look at the open offers. Outcome: OffersResult."""


class MakeOffer(msgspec.Struct, frozen=True):
    """Offer a friend something for something. Outcome: OfferResult."""

    to: str
    give: Goods
    want: Goods


class AnswerOffer(msgspec.Struct, frozen=True):
    """Accept or decline a friend's offer, or withdraw an own one. Outcome: OfferResult."""

    offer: str
    answer: Literal["accept", "decline", "withdraw"]


class SeeWatches(msgspec.Struct, frozen=True):
    """Look at what is watched. Outcome: WatchesResult."""


class Watch(msgspec.Struct, frozen=True):
    """Ask to be told of listings that come to match. Outcome: WatchResult."""

    query: Query


class Unwatch(msgspec.Struct, frozen=True):
    """Be told of them no more. Outcome: NothingResult."""

    watch: str


class Hear(msgspec.Struct, frozen=True):
    """Listen to what the watches told since this visit began. Outcome: a list of the pushes."""


class Adventure(msgspec.Struct, frozen=True):
    """Be away in the game's world and come back with loot, once an hour at most. Outcome: GrantResult, or None."""


class Gather(msgspec.Struct, frozen=True):
    """Bring pieces home from the game's world, every few minutes at most. Outcome: GrantResult, or None."""


class Craft(msgspec.Struct, frozen=True):
    """Use up pieces in the game's world, and come back with an item made of them. Outcome: GrantResult, or None."""

    commodity: str
    quantity: int


class Leave(msgspec.Struct, frozen=True):
    """The visit to the house is over; the outcome, None, comes with the next visit."""


Intention = (
    SeeWallet
    | SeeDeliveries
    | Claim
    | SeeStash
    | Look
    | Sell
    | Bid
    | BuyOut
    | CheckRivals
    | SeeBook
    | SeeOrders
    | Order
    | AskQuote
    | TakeQuote
    | CancelOrder
    | SeeOffers
    | MakeOffer
    | AnswerOffer
    | SeeWatches
    | Watch
    | Unwatch
    | Hear
    | Adventure
    | Gather
    | Craft
    | Leave
)
