"""Price-time priority: whom an order meets in a book, and for how much. Nothing is changed here.

The best price goes first, and at one price the earliest order. An order trades at the prices of those that rest. Nobody
ever trades with himself: a player's own orders are stepped over, and so are those of players who may not trade now. So
what is left of an order may come to rest beside an own order of the other side that it would cross; others meet both.

An order meets FILLS_MAX others at most, and not for more gold than MAX_AMOUNT in all. What would cross even then is not
left to rest across the book: it goes back.
"""

from collections.abc import Iterator

import msgspec

from auction.amounts import MAX_AMOUNT
from auction.context import Context
from auction.market.state import FILLS_MAX, BookOrder, MarketState
from auction.state import OrderSide


class Met(msgspec.Struct, frozen=True, gc=False):
    """An order that rests, and the pieces of it that are traded."""

    order: BookOrder
    quantity: int


class Match(msgspec.Struct, frozen=True):
    """What an order would do."""

    met: list[Met]
    """In the order in which they are met."""
    gross: int
    """Gold that changes hands, fees included."""
    left: int
    """Pieces that meet nobody."""
    crosses: bool
    """Whether these would meet somebody still, but for the limits of one order."""

    @property
    def by_price(self) -> dict[int, int]:
        """Pieces that are traded at each price, the best first."""
        traded: dict[int, int] = {}
        for met in self.met:
            traded[met.order.price] = traded.get(met.order.price, 0) + met.quantity
        return traded

    @property
    def filled(self) -> int:
        """Pieces that are traded."""
        return sum(met.quantity for met in self.met)


def match(
    state: MarketState, player: str, side: OrderSide, quantity: int, limit: int | None, context: Context
) -> Match:
    """Whom `quantity` pieces meet now, a piece at `limit` or better; None takes any price."""
    met: list[Met] = []
    gross, left = 0, quantity
    for row in _in_priority(state, player, side, limit, context):
        if left == 0:
            break
        wanted = min(left, row.remaining)
        taken = min(wanted, (MAX_AMOUNT - gross) // row.price) if len(met) < FILLS_MAX else 0
        if taken:
            met.append(Met(row, taken))
            gross += taken * row.price
            left -= taken
        if taken < wanted:
            return Match(met, gross, left, crosses=True)
    return Match(met, gross, left, crosses=False)


def _in_priority(
    state: MarketState, player: str, side: OrderSide, limit: int | None, context: Context
) -> Iterator[BookOrder]:
    """The orders that one of `player` and `side` would meet."""
    others = state.asks if side == "buy" else state.bids
    for level in others.best_first():
        if limit is not None and (level.price > limit if side == "buy" else level.price < limit):
            return
        for name in level.orders:
            row = state.orders.rows[name]
            if row.player != player and context.freezes.against(players=(row.player,)) is None:
                yield row
