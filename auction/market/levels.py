"""The derived order of a book: prices in order, and at each the orders that rest there, the earliest first.

So nobody who wants the best price ever looks at all orders. It holds no truth of its own: `MarketState.recount` makes
it anew from the orders' rows, and `auction.market.evolve` keeps it.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator

import msgspec

from auction.state import OrderSide


class Level(msgspec.Struct):
    """What rests at one price of one side."""

    price: int
    quantity: int = 0
    """Pieces of all its orders together: the one sum in a book that may pass MAX_AMOUNT."""
    orders: dict[str, None] = {}
    """Ids, the earliest first."""


class Levels(msgspec.Struct):
    """One side of a book."""

    side: OrderSide
    ranks: list[int] = []
    """The prices, negative where the lowest is the best: in ascending order, so that the best is the last."""
    by_price: dict[int, Level] = {}

    def add(self, price: int, order: str, quantity: int) -> None:
        """An order comes to rest, behind all others of its price."""
        level = self.by_price.get(price)
        if level is None:
            level = self.by_price[price] = Level(price)
            insort(self.ranks, self._rank(price))
        assert order not in level.orders, order
        level.orders[order] = None
        level.quantity += quantity

    def take(self, price: int, order: str, quantity: int, left: int) -> None:
        """Pieces of an order leave; with none `left`, it leaves too."""
        level = self.by_price[price]
        level.quantity -= quantity
        if left == 0:
            del level.orders[order]
        if not level.orders:
            assert level.quantity == 0, level
            del self.by_price[price]
            del self.ranks[bisect_left(self.ranks, self._rank(price))]

    def best_first(self) -> Iterator[Level]:
        """The levels from the best price on: the highest of bids, the lowest of asks."""
        return (self.by_price[abs(rank)] for rank in reversed(self.ranks))

    def _rank(self, price: int) -> int:
        return price if self.side == "buy" else -price
