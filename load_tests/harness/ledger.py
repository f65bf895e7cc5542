"""What the server has acknowledged to one player, and so what has to be there afterwards.

Sums are kept as ranges. An answer that came makes both ends move together; a request that was never answered, in spite
of its repeats, may have been done or not, and moves one end only. So a complaint is never a false alarm, and everything
that was answered is held to the piece.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

ANY_AMOUNT = 2**53 - 1
LISTINGS_KEPT = 400
"""Listings that one player makes at most: fewer than a house keeps the ends of (500), so that each can be looked up."""


class Range:
    """A sum that is known exactly (both ends are the same), or between two ends."""

    __slots__ = ("high", "low")

    def __init__(self, value: int = 0) -> None:
        self.low = self.high = value

    def add(self, value: int) -> None:
        """What certainly came, or went."""
        self.low += value
        self.high += value

    def maybe(self, value: int) -> None:
        """What perhaps came, or went."""
        if value < 0:
            self.low += value
        else:
            self.high += value

    def holds(self, value: int) -> bool:
        """Whether it may be this."""
        return self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{self.low}" if self.low == self.high else f"{self.low} to {self.high}"


class Terms(msgspec.Struct, frozen=True):
    """What the house takes, in hundredths of a percent."""

    fee_bp: int
    deposit_bp: int


class BidCount(msgspec.Struct):
    """Bids on one listing, as a listing's own `bids` counts them: those that lead and those outbid, raises not."""

    certain: int = 0
    possible: int = 0
    """With those which may have been raises of the leader's, and those never answered."""
    price: int = 0
    """The highest that was acknowledged."""

    def merge(self, other: "BidCount") -> None:
        """Take in what another generator counted."""
        self.certain += other.certain
        self.possible += other.possible
        self.price = max(self.price, other.price)


class Order(msgspec.Struct):
    """A commodity order that rests, as it was acknowledged."""

    commodity: str
    buys: bool
    price: int
    resting: int


class Ledger:
    """One player's."""

    __slots__ = ("acknowledged", "bids", "gold", "items", "listings", "orders", "pieces", "stash", "terms")

    def __init__(self, terms: Terms, gold: int = 0, items: Iterable[str] = ()) -> None:
        self.terms = terms
        self.acknowledged = 0
        """Effects, of every kind."""
        self.gold = Range(gold)
        """In the wallet, in escrow and waiting in deliveries, before what listings of ours sold for."""
        self.items = set(items)
        """In the stash or waiting in deliveries."""
        self.stash = set(items)
        """Of these, those which may be in the stash."""
        self.pieces: defaultdict[str, Range] = defaultdict(Range)
        """The same of each commodity, what rests in orders not among them."""
        self.listings: dict[str, str] = {}
        """Put up by this player → the item."""
        self.orders: dict[str, Order] = {}
        self.bids: dict[str, BidCount] = {}

    def bid(self, listing: str, *, raised: bool, price: int) -> None:
        """A bid that led, or did not suffice; `raised`: the bidder may have led already."""
        self.acknowledged += 1
        count = self._count(listing)
        count.certain += not raised
        count.possible += 1
        count.price = max(count.price, price)

    def bid_unknown(self, listing: str) -> None:
        """A bid that was never answered."""
        self._count(listing).possible += 1

    def bought(self, item: str, paid: int) -> None:
        """A buyout."""
        self.acknowledged += 1
        self.gold.add(-paid)
        self.items.add(item)

    def listed(self, listing: str, item: str, price: int) -> None:
        """A listing of the player's own, from this price on; what is left as its deposit may be lost."""
        self.acknowledged += 1
        self.gold.maybe(-(price * self.terms.deposit_bp // 10_000) - (self.terms.deposit_bp > 0))
        self.items.discard(item)
        self.stash.discard(item)
        self.listings[listing] = item

    def listing_unknown(self, item: str) -> None:
        """An item that perhaps was put up."""
        self.items.discard(item)
        self.stash.discard(item)

    def claimed(self, items: Sequence[str]) -> list[str]:
        """A delivery that is in wallet and stash now; which of its items are to be there."""
        self.acknowledged += 1
        ours = [item for item in items if item in self.items]
        self.stash.update(ours)
        return ours

    def claim_unknown(self) -> None:
        """A claim that was never answered: whatever waited may be in the stash."""
        self.stash.update(self.items)

    def ordered(self, order: str, terms: Order, filled: int, paid: int, received: int) -> None:
        """A commodity order, with what was filled at once; `terms.resting` pieces rest."""
        self.acknowledged += 1
        self.gold.add(received - paid)
        self.pieces[terms.commodity].add(filled if terms.buys else -filled)
        if terms.resting:
            if not terms.buys:
                self.pieces[terms.commodity].add(-terms.resting)
            self.orders[order] = terms

    def order_unknown(self, terms: Order) -> None:
        """A commodity order that was never answered; what it sells may bring more than its price."""
        if terms.buys:
            self.gold.maybe(-terms.resting * terms.price)
            self.pieces[terms.commodity].maybe(terms.resting)
        else:
            self.gold.maybe(ANY_AMOUNT)
            self.pieces[terms.commodity].maybe(-terms.resting)

    def order_ended(self, order: str, gold: int = 0, pieces: int = 0) -> None:
        """An order rests no longer: this was taken back of it, all the rest is filled, at its own price."""
        self.acknowledged += 1
        ended = self.orders.pop(order)
        if ended.buys:
            filled = ended.resting - gold // ended.price
            self.gold.add(-filled * ended.price)
            self.pieces[ended.commodity].add(filled)
        else:
            filled = ended.resting - pieces
            self.pieces[ended.commodity].add(pieces)
            self._earned(self.gold, filled * ended.price, fills_max=filled)

    def order_maybe_ended(self, order: str) -> None:
        """An order that was asked back without an answer: how much was filled before is not known."""
        ended = self.orders.pop(order)
        worth = ended.resting * ended.price
        self.pieces[ended.commodity].maybe(ended.resting)
        self.gold.maybe(-worth if ended.buys else worth)

    def with_sales(self, prices: list[int]) -> Range:
        """The gold there has to be when listings of ours sold for these prices."""
        gold = Range()
        gold.low, gold.high = self.gold.low, self.gold.high
        for price in prices:
            self._earned(gold, price, fills_max=1)
        return gold

    def _earned(self, gold: Range, price: int, fills_max: int) -> None:
        """What a seller gets: the fee is taken off, rounded to the seller's loss once a fill."""
        fee = price * self.terms.fee_bp // 10_000
        gold.low += price - fee - fills_max
        gold.high += price - fee

    def _count(self, listing: str) -> BidCount:
        count = self.bids.get(listing)
        if count is None:
            count = self.bids[listing] = BidCount()
        return count
