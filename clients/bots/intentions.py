"""What a bot can want next. Each is one request of the house, so a rate of intentions is a rate of requests.

`living` carries them out and sends the outcome back: the method's result, or the Refused or NotFound it met.
"""

from typing import Literal

import msgspec


class SeeWallet(msgspec.Struct, frozen=True):
    """Count the gold, the open listings and the waiting deliveries. Outcome: PlayerResult."""


class SeeDeliveries(msgspec.Struct, frozen=True):
    """Look at what waits to be claimed. Outcome: DeliveriesResult."""


class Claim(msgspec.Struct, frozen=True):
    """Move a delivery into wallet and stash. Outcome: DeliveryResult."""

    delivery: str


class SeeStash(msgspec.Struct, frozen=True):
    """Look at the first items of the stash. Outcome: InventoryResult."""


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


class Adventure(msgspec.Struct, frozen=True):
    """Be away in the game's world and come back with loot, once an hour at most. Outcome: GrantResult, or None."""


class Leave(msgspec.Struct, frozen=True):
    """The visit to the house is over; the outcome, None, comes with the next visit."""


Intention = SeeWallet | SeeDeliveries | Claim | SeeStash | Look | Sell | Bid | BuyOut | Adventure | Leave
