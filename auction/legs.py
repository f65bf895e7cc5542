"""The sides of a trade between nodes, as they travel: what each store is asked, and what it answers.

The agreement carries them as bytes and never reads them. Each form has its version in its tag, as events have. Those of
offers are in `auction.offers.legs`.

    SellerLeg ──► listing's store ──► BidVote | BuyoutVote   or NO: Refused, Unopposed
    BuyerLeg  ──► caller's store  ──► nothing more           or NO: Refused, KeyUsed, Undecided
"""

from typing import ClassVar

import msgspec

from auction.commands import BuyOut, PlaceBid
from auction.context import Use
from auction.events import Event
from auction.offers.legs import AcceptLeg, InboxLeg, OfferedLeg, OfferLeg
from auction.outcomes import KeyUsed, Undecided
from auction.refusals import Refusal
from auction.results import Result
from auction.state import Item, Listing, TradeKind, TradeSide


class SellerLeg(msgspec.Struct, frozen=True, array_like=True, tag="seller-leg.1", gc=False):
    """To the listing's store: sell, or take a bid."""

    player: str
    """Who bids or buys."""
    kind: TradeKind
    listing: str
    amount: int
    """The bidder's maximum, or the price that the buyer saw."""
    payable: bool
    """Whether the player's own store can do its part; if not, nothing is held, and only a refusal is of interest."""

    side: ClassVar[TradeSide] = "seller"
    use: ClassVar[None] = None

    @property
    def subject(self) -> str:
        """What the trade is about."""
        return self.listing

    def ask(self) -> PlaceBid | BuyOut:
        """The request, as the listing's rules know it."""
        if self.kind == "bid":
            return PlaceBid(listing=self.listing, amount=self.amount)
        return BuyOut(listing=self.listing, price=self.amount)


class BuyerLeg(msgspec.Struct, frozen=True, array_like=True, tag="buyer-leg.1"):
    """To the store of who bids or buys: hold the gold."""

    kind: TradeKind
    listing: str
    amount: int
    """As in SellerLeg."""
    hold: int
    """Less than `amount` where the player leads already."""
    use: Use | None
    """The caller's key."""

    side: ClassVar[TradeSide] = "buyer"
    payable: ClassVar[bool] = True

    @property
    def subject(self) -> str:
        """What the trade is about."""
        return self.listing


class BidVote(msgspec.Struct, frozen=True, array_like=True, tag="bid-vote.1"):
    """The seller's leg takes a bid: what the bidder's leg must do, and what the answer needs."""

    listing: Listing
    """As the bid leaves it."""
    leads: bool
    """Whether the bidder leads from here on; otherwise the answer is `outbid`."""
    led: bool
    """Whether the bidder led before: a raise."""
    covered: int
    """Gold that the wallet must hold."""
    held: int
    """Gold that leaves the wallet for the listing's escrow."""


class BuyoutVote(msgspec.Struct, frozen=True, array_like=True, tag="buyout-vote.1"):
    """The seller's leg sells at once: what the buyer's leg must pay, and what the answer needs."""

    listing: Listing
    """As the sale leaves it."""
    due: int
    """Gold that the buyer still owes: the buyout price less its own standing maximum."""


class Refused(msgspec.Struct, frozen=True, array_like=True, tag="refused.1"):
    """A NO for a reason that the caller is told."""

    refusal: Refusal


class Unopposed(msgspec.Struct, frozen=True, array_like=True, tag="unopposed.1"):
    """The NO of a store that was merely asked, and has nothing against it."""


Leg = SellerLeg | BuyerLeg | OfferLeg | InboxLeg | AcceptLeg | OfferedLeg
Vote = BidVote | BuyoutVote
Objection = Refused | Unopposed | Undecided | KeyUsed

encode = msgspec.msgpack.Encoder().encode
"""Bytes of a leg, vote or objection."""
_leg: msgspec.msgpack.Decoder[Leg] = msgspec.msgpack.Decoder(Leg)
_vote: msgspec.msgpack.Decoder[Vote] = msgspec.msgpack.Decoder(Vote)
_objection: msgspec.msgpack.Decoder[Objection] = msgspec.msgpack.Decoder(Objection)


class Promise(msgspec.Struct, frozen=True):
    """What a store holds for a leg that it takes."""

    vote: bytes = b""
    """What the other side must know of it."""
    gold: int = 0
    items: tuple[Item, ...] = ()
    commodities: dict[str, int] = {}
    opening: tuple[Event, ...] = ()
    """What has to happen there first."""


class Kept(msgspec.Struct, frozen=True):
    """What a promise makes happen when the trade is committed."""

    events: list[Event]
    body: Result | Refusal | None = None
    """What the caller hears, in the caller's store."""


def decode_leg(data: bytes) -> Leg:
    """What a store was asked; raises msgspec.DecodeError for anything else, an unknown version included."""
    return _leg.decode(data)


def decode_vote(data: bytes) -> Vote:
    """What a listing voted; raises as `decode_leg`."""
    return _vote.decode(data)


def decode_objection(data: bytes) -> Objection:
    """Why a store voted NO; raises as `decode_leg`. A NO without a word is one that came too late."""
    return _objection.decode(data) if data else Undecided()
