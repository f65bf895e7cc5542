"""What happens to commodity orders: events in a player's store and in a market's, and what the two send one another.

player's store                                  market's store
OrderSent ─────────── OrderIn ────────────────► OrderMatched …, OrderRested
its TransferTaken ◄── OrderDone ─────────────── and OrderFilled to each order that was met
CancelSent ────────── CancelIn ───────────────► OrderRemoved
its TransferTaken ◄── OrderEnded ──────────────
"""

import msgspec

from auction.market.state import BookOrder
from auction.refusals import Refusal
from auction.state import Awaited, Order, OrderSide, StoreId


class Fill(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Pieces traded at one price."""

    price: int
    quantity: int


class OrderIn(msgspec.Struct, frozen=True, array_like=True, tag="order-in.1"):
    """Transfer to a market: an order, with its gold or its pieces."""

    order: str
    player: str
    commodity: str
    side: OrderSide
    price: int | None
    """The limit; None for an order by a quote."""
    quantity: int
    total: int | None
    """What a quote said: the most that a buyer pays for all, the least that a seller gets before the fee."""
    gold: int
    """What came with it from a buyer."""

    @property
    def pieces(self) -> int:
        """What came with it from a seller."""
        return self.quantity if self.side == "sell" else 0


class CancelIn(msgspec.Struct, frozen=True, array_like=True, tag="cancel-in.1", gc=False):
    """Transfer to a market, with nothing in it: give back what is left of an order."""

    order: str
    player: str
    commodity: str


class OrderDone(msgspec.Struct, frozen=True, array_like=True, tag="order-done.1"):
    """Transfer to who placed an order: what became of it at once. What is neither traded nor resting is in it again."""

    order: str
    commodity: str
    side: OrderSide
    refusal: Refusal | None
    """Why the market did not take it; then everything is in here again."""
    fills: tuple[Fill, ...]
    """Price by price, the best first."""
    fee: int
    """Burned, out of what a seller got."""
    resting: int
    gold_back: int
    pieces_back: int

    @property
    def filled(self) -> int:
        """Pieces that were traded."""
        return sum(fill.quantity for fill in self.fills)

    @property
    def pieces(self) -> int:
        """Pieces that were bought; they are in here."""
        return self.filled if self.side == "buy" else 0

    @property
    def paid(self) -> int:
        """Gold that a buyer paid."""
        return self._gross if self.side == "buy" else 0

    @property
    def received(self) -> int:
        """Gold that a seller got, the fee taken off; it is in here."""
        return self._gross - self.fee if self.side == "sell" else 0

    @property
    def _gross(self) -> int:
        return sum(fill.price * fill.quantity for fill in self.fills)


class OrderFilled(msgspec.Struct, frozen=True, array_like=True, tag="order-filled.1", gc=False):
    """Transfer to who placed an order that rested: it was met at its price."""

    order: str
    commodity: str
    side: OrderSide
    price: int
    quantity: int
    remaining: int
    gold: int
    """What a seller got, the fee taken off; 0 for a buyer, who got `quantity` pieces."""


class OrderEnded(msgspec.Struct, frozen=True, array_like=True, tag="order-ended.1", gc=False):
    """Transfer to who cancelled an order: what was left of it."""

    order: str
    commodity: str
    gold: int
    pieces: int
    known: bool
    """Whether anything of it rested."""


class OrderSent(msgspec.Struct, frozen=True, array_like=True, tag="order-sent.1"):
    """In the player's store: an order left for its market, and its gold or pieces with it."""

    order: Order
    awaited: Awaited | None
    quote_expires_at_ms: int = 0
    """Of the quote that it uses, if any."""


class CancelSent(msgspec.Struct, frozen=True, array_like=True, tag="cancel-sent.1"):
    """In the player's store: the market was asked to give back what is left of an order."""

    order: str
    awaited: Awaited | None


class PurchaseCounted(msgspec.Struct, frozen=True, array_like=True, tag="purchase-counted.1", gc=False):
    """In the player's store: a buy limit counts an order; a new window begins where `since_ms` differs."""

    commodity: str
    since_ms: int
    quantity: int
    """All within the window, this order included."""


class FillDelivered(msgspec.Struct, frozen=True, array_like=True, tag="fill-delivered.1", gc=False):
    """In the player's store: what an order bought, or was sold for, waits: in a delivery of its own, or in that of the
    order's earlier fills, which nobody has claimed yet.
    """

    order: str
    commodity: str
    delivery: str
    gold: int
    pieces: int
    at_ms: int


class MarketOpened(msgspec.Struct, frozen=True, array_like=True, tag="market-opened.1", gc=False):
    """The first event of every market's store."""

    commodity: str
    store: StoreId
    life: int


class OrderMatched(msgspec.Struct, frozen=True, array_like=True, tag="order-matched.1", gc=False):
    """In the market's store: an incoming order met one that rests, at the price of that one.

    What both get leaves by TransferSents of the same record.
    """

    order: str
    """The one that rested."""
    incoming: str
    player: str
    """Who sent the incoming one."""
    price: int
    quantity: int
    fee: int
    """Burned, out of the seller's gold."""
    at_ms: int


class OrderRested(msgspec.Struct, frozen=True, array_like=True, tag="order-rested.1"):
    """In the market's store: what is left of an order waits in the book."""

    order: BookOrder


class OrderRemoved(msgspec.Struct, frozen=True, array_like=True, tag="order-removed.1", gc=False):
    """In the market's store: an order was cancelled; what was left leaves by a TransferSent of the same record."""

    order: str
    at_ms: int
