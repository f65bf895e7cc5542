"""What players' stores and markets say of one another: every order that rests stands in two stores.

The player's store hears of its order by transfers. So what it shows is the market's truth but for the news that is
still on its way to it, and an order that the market does not know yet is on its way there.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from auction import ids
from auction.events import Payload
from auction.market.events import OrderDone, OrderEnded, OrderFilled, OrderIn
from auction.market.state import BookOrder, MarketState
from auction.player_state import PlayerState
from auction.state import Order, StoreId


class OrderTies:
    """The ties of the orders that were added so far."""

    def __init__(self) -> None:
        self._owned: dict[str, Order] = {}
        """As the players' stores have them."""
        self._booked: dict[str, BookOrder] = {}
        """As the markets have them."""
        self._new_books: set[str] = set()
        """Commodities whose book was lost once: older orders are not in it."""

    def add_player(self, state: PlayerState) -> None:
        """Read a player's store."""
        self._owned.update(state.orders.rows)

    def add_market(self, state: MarketState) -> None:
        """Read a market's store."""
        self._booked.update(state.orders.rows)
        book = state.head()
        if book is not None and book.life > 1:
            self._new_books.add(book.commodity)

    def faults(self, under_way: Iterable[Payload], lives: Mapping[StoreId, int]) -> Iterator[str]:
        """Where they disagree. `under_way` are transfers, those from one store to another in the order in which they
        were sent, `lives` those of the stores that were added.
        """
        coming: set[str] = set()
        news: dict[str, list[OrderDone | OrderFilled | OrderEnded]] = defaultdict(list)
        for payload in under_way:
            if isinstance(payload, OrderIn):
                coming.add(payload.order)
            elif isinstance(payload, OrderDone | OrderFilled | OrderEnded):
                news[payload.order].append(payload)
        for order in sorted(self._owned.keys() | self._booked.keys()):
            owned, booked = self._owned.get(order), self._booked.get(order)
            if owned is None:
                if lives.get(ids.minter(order), 1) == 1:
                    yield f"order {order}: it rests in the book, and its owner's store does not know it"
                continue
            left = _left(owned, news[order])
            if left is None:
                if booked is not None or order not in coming:
                    yield f"order {order}: its owner's store waits for an answer that is not on its way"
                continue
            there = 0 if booked is None else booked.remaining
            forgotten = booked is None and owned.commodity in self._new_books
            if left != there and not forgotten:
                yield f"order {order}: {left} pieces are left in its owner's store, {there} in the book"
            if booked is not None and (booked.side, booked.price) != (owned.side, owned.price):
                yield f"order {order}: its owner's store has it as another kind of order than the book"


def _left(owned: Order, news: list[OrderDone | OrderFilled | OrderEnded]) -> int | None:
    """What will be left of an order in its owner's store when all news is there; None where it was not answered."""
    left = None if owned.state == "sent" else owned.remaining
    for payload in news:
        if isinstance(payload, OrderDone):
            left = payload.resting
        elif isinstance(payload, OrderFilled):
            left = payload.remaining
        else:
            left = 0
    return left
