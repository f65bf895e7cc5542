"""What a server pushes: `hello` once a socket opens, `event` for everything a player is told, `watch` for what he
watches.

The classes give the shape of `data` for each event type; the rules make the notices (`auction.state.Notice`).
"""

from typing import Literal

import msgspec

from auction.results import ListingView
from auction.state import DeliveryKind, OfferState


class World(msgspec.Struct, frozen=True):
    """Which world the node serves."""

    version: str
    hash: str


class Hello(msgspec.Struct, frozen=True):
    """The push that opens every connection."""

    node: str
    protocol: str
    server_time_ms: int
    world: World
    max_message_bytes: int


class Outbid(msgspec.Struct, frozen=True):
    """Somebody else leads now; told to the bidder who led, whose gold is back."""

    listing: str
    price: int
    min_bid: int | None


class Sold(msgspec.Struct, frozen=True):
    """The seller's listing was sold for `price`; `proceeds` wait as a delivery."""

    listing: str
    price: int
    proceeds: int


class Won(msgspec.Struct, frozen=True):
    """The caller won an auction; the item waits in `delivery`."""

    listing: str
    price: int
    delivery: str


class Expired(msgspec.Struct, frozen=True):
    """The seller's listing ended without a bid; the item waits in `delivery`."""

    listing: str
    delivery: str


class Arrived(msgspec.Struct, frozen=True):
    """Something waits to be claimed."""

    delivery: str
    kind: DeliveryKind


class OfferReceived(msgspec.Struct, frozen=True):
    """Another player offers something; `offer.list` shows what."""

    offer: str
    state: OfferState


class OfferClosed(msgspec.Struct, frozen=True):
    """An offer that the caller made or was made is no longer open."""

    offer: str
    state: OfferState


class CommodityFilled(msgspec.Struct, frozen=True):
    """An order that rested was met at its price."""

    order: str
    commodity: str
    price: int
    quantity: int
    remaining: int


EVENTS: dict[str, type[msgspec.Struct]] = {
    "listing.outbid": Outbid,
    "listing.sold": Sold,
    "listing.won": Won,
    "listing.expired": Expired,
    "delivery.arrived": Arrived,
    "offer.received": OfferReceived,
    "offer.closed": OfferClosed,
    "commodity.filled": CommodityFilled,
}
"""Event type → what its `data` carries."""


class Matches(msgspec.Struct, frozen=True):
    """Listings that came to match a saved search, or a followed listing that has changed; each as it is now."""

    listings: list[ListingView]
    missed: int
    """Of a saved search: how many further changes there were that matched, or that nobody had the time to look at."""


class Price(msgspec.Struct, frozen=True, gc=False):
    """The latest trade of a commodity."""

    commodity: str
    price: int
    at_ms: int
    volume: int
    """Pieces traded since the day began (UTC), this trade included."""


class WatchMatched(msgspec.Struct, frozen=True, kw_only=True):
    """Params of the push `watch`. It has no `seq`, is not kept, and is not sent to who does not read."""

    watch: str
    type: Literal["watch.matched"] = "watch.matched"
    at_ms: int


class ListingsMatched(WatchMatched, frozen=True, kw_only=True):
    """Of a saved search or a followed listing."""

    data: Matches


class PriceMatched(WatchMatched, frozen=True, kw_only=True):
    """Of a followed commodity."""

    data: Price


WATCHED: tuple[type[WatchMatched], ...] = (ListingsMatched, PriceMatched)
"""What the params of the push `watch` may be."""
