"""What happens to offers: events in the maker's store and in the other player's, and what the two send one another."""

import msgspec

from auction.state import Assets, Offer, OfferState, ReceivedOffer


class OfferMade(msgspec.Struct, frozen=True, array_like=True, tag="offer-made.1"):
    """In the maker's store: what is given left wallet and stash into escrow with the offer."""

    offer: Offer


class OfferReceived(msgspec.Struct, frozen=True, array_like=True, tag="offer-received.1"):
    """In the store of whom it is made to."""

    offer: ReceivedOffer


class OfferEnded(msgspec.Struct, frozen=True, array_like=True, tag="offer-ended.1", gc=False):
    """In the maker's store: the offer is no longer open.

    Accepted: its escrow went to the other player, and what that one gave waits in a DeliveryMade of the same record.
    Otherwise `to_wallet` gold is in the wallet again, and the rest waits in a DeliveryMade of the same record.
    """

    offer: str
    state: OfferState
    to_wallet: int
    at_ms: int


class OfferPaid(msgspec.Struct, frozen=True, array_like=True, tag="offer-paid.1"):
    """In the store of who accepts: `paid` left wallet and stash; what was offered waits in a DeliveryMade of the same
    record, and the offer left the inbox.
    """

    offer: str
    paid: Assets
    at_ms: int


class OfferForgotten(msgspec.Struct, frozen=True, array_like=True, tag="offer-forgotten.1", gc=False):
    """In the store of whom it was made to: it left the inbox, declined here or ended there."""

    offer: str
    at_ms: int


class OfferClosed(msgspec.Struct, frozen=True, array_like=True, tag="offer-closed.1", gc=False):
    """Transfer between the two stores, with nothing in it: the offer was declined, withdrawn, or has expired."""

    offer: str
    state: OfferState
