"""The sides of a trade that an offer between nodes takes, as they travel: one to make it, one to accept it.

    made      OfferLeg ──► store of who makes it        InboxLeg ───► store of whom it is made to
    accepted  AcceptLeg ─► store of who accepts it      OfferedLeg ─► store of who made it

Neither needs the other's vote for more than its YES: all that the two sides have to know of one another is in the legs,
which the caller's store makes of what it holds. A leg names goods that its own store gives by their ids, and describes
those that come from the other; an item never changes.
"""

from typing import ClassVar

import msgspec

from auction.context import Use
from auction.state import Assets, ReceivedOffer, TradeKind, TradeSide, Wanted


class OfferLeg(msgspec.Struct, frozen=True, array_like=True, tag="offer-leg.1"):
    """To the store of who makes an offer: hold what is given."""

    subject: str
    """The id that the offer will have; the store's next."""
    player: str
    to: str
    give: Wanted
    want: Wanted
    made_at_ms: int
    expires_at_ms: int
    use: Use | None
    """The caller's key."""

    kind: ClassVar[TradeKind] = "offer"
    side: ClassVar[TradeSide] = "buyer"
    payable: ClassVar[bool] = True


class InboxLeg(msgspec.Struct, frozen=True, array_like=True, tag="inbox-leg.1"):
    """To the store of whom it is made to: keep room for it."""

    to: str
    offer: ReceivedOffer
    payable: bool
    """As in SellerLeg."""

    kind: ClassVar[TradeKind] = "offer"
    side: ClassVar[TradeSide] = "seller"
    use: ClassVar[None] = None

    @property
    def subject(self) -> str:
        """The offer."""
        return self.offer.offer


class AcceptLeg(msgspec.Struct, frozen=True, array_like=True, tag="accept-leg.1"):
    """To the store of who accepts an offer: hold what is wanted."""

    subject: str
    use: Use | None

    kind: ClassVar[TradeKind] = "accept"
    side: ClassVar[TradeSide] = "buyer"
    payable: ClassVar[bool] = True


class OfferedLeg(msgspec.Struct, frozen=True, array_like=True, tag="offered-leg.1"):
    """To the store of who made it: it is taken, for what is wanted."""

    subject: str
    paid: Assets
    """What is wanted, as it is in the other store."""
    payable: bool

    kind: ClassVar[TradeKind] = "accept"
    side: ClassVar[TradeSide] = "seller"
    use: ClassVar[None] = None
