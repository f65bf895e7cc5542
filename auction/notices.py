"""What players are told: the events of the protocol, numbered in each player's store."""

from auction.events import Noticed
from auction.state import Account, Notice, OfferState

Told = tuple[str, dict[str, str | int | None]]
"""Type and data of a notice."""


def notices(account: Account, now_ms: int, *told: Told) -> list[Noticed]:
    """Number what a player is told, from the latest notice of the account on."""
    return [
        Noticed(Notice(account.notices_made + count, type_, now_ms, data))
        for count, (type_, data) in enumerate(told, start=1)
    ]


def outbid(listing: str, price: int, min_bid: int | None) -> Told:
    """To who led: somebody else leads now, or bought the listing out (`min_bid` is None then)."""
    return "listing.outbid", {"listing": listing, "price": price, "min_bid": min_bid}


def sold(listing: str, price: int, proceeds: int) -> Told:
    """To the seller: `proceeds` gold waits as a delivery."""
    return "listing.sold", {"listing": listing, "price": price, "proceeds": proceeds}


def won(listing: str, price: int, delivery: str) -> Told:
    """To the winner of an auction that ended."""
    return "listing.won", {"listing": listing, "price": price, "delivery": delivery}


def expired(listing: str, delivery: str) -> Told:
    """To the seller: the listing ended without a bid."""
    return "listing.expired", {"listing": listing, "delivery": delivery}


def filled(order: str, commodity: str, price: int, quantity: int, remaining: int) -> Told:
    """To the owner of an order that rested: so much of it was met at its price, and so much is left."""
    data: dict[str, str | int | None] = {
        "order": order,
        "commodity": commodity,
        "price": price,
        "quantity": quantity,
        "remaining": remaining,
    }
    return "commodity.filled", data


def offer_received(offer: str) -> Told:
    """To whom an offer is made."""
    return "offer.received", {"offer": offer, "state": "open"}


def offer_closed(offer: str, state: OfferState) -> Told:
    """To both players, however it ended and whoever ended it."""
    return "offer.closed", {"offer": offer, "state": state}


def arrived(delivery: str, kind: str) -> Told:
    """To the owner of every delivery made."""
    return "delivery.arrived", {"delivery": delivery, "kind": kind}
