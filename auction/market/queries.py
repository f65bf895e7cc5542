"""What a market answers without changing, and what a player's store tells of the player's orders."""

from itertools import islice

from auction.amounts import MAX_AMOUNT
from auction.commands import GetBook, GetCandles, MyOrders, QuoteCommodity
from auction.context import Context
from auction.cursors import cursor, number_after
from auction.market.candles import latest
from auction.market.levels import Levels
from auction.market.matching import match
from auction.market.quotes import promise, quote_id
from auction.market.state import MarketState
from auction.player_state import PlayerState
from auction.refusals import Refusal
from auction.results import (
    BookLevel,
    BookResult,
    CandlesResult,
    CandleView,
    LastPrice,
    Level,
    OrdersResult,
    OrderView,
    QuoteResult,
)
from auction.state import Order


def quote(ask: QuoteCommodity, viewer: str, state: MarketState, context: Context) -> QuoteResult | Refusal:
    """What the viewer would pay or get now, met by others' orders and within the limits of one order."""
    category = context.catalog.commodities[ask.commodity].category
    frozen = context.freezes.against(players=(viewer,), categories=(category,), commodities=(ask.commodity,))
    if frozen is not None:
        return frozen
    matched = match(state, viewer, ask.side, ask.quantity, None, context)
    if matched.left:
        return Refusal("insufficient_goods", {"available": matched.filled})
    promised = promise(ask.commodity, ask.side, ask.quantity, matched.gross, context)
    return QuoteResult(
        quote=quote_id(promised, viewer, context),
        commodity=ask.commodity,
        side=ask.side,
        quantity=ask.quantity,
        total=matched.gross,
        levels=[Level(price, quantity) for price, quantity in matched.by_price.items()],
        expires_at_ms=promised.expires_at_ms,
    )


def book(ask: GetBook, _viewer: str, state: MarketState, _context: Context) -> BookResult:
    """The best levels of both sides."""
    head = state.head()
    last = None if head is None or head.last_price is None else LastPrice(head.last_price, head.last_at_ms)
    return BookResult(_best(state.bids, ask.depth), _best(state.asks, ask.depth), last)


def _best(levels: Levels, depth: int) -> list[BookLevel]:
    return [
        BookLevel(level.price, min(level.quantity, MAX_AMOUNT), len(level.orders))
        for level in islice(levels.best_first(), depth)
    ]


def candles(ask: GetCandles, _viewer: str, state: MarketState, _context: Context) -> CandlesResult:
    """The latest candles, oldest first."""
    return CandlesResult(
        [
            CandleView(row.at_ms, row.open, row.high, row.low, row.close, row.volume)
            for row in latest(state, ask.bucket_s, ask.limit)
        ]
    )


def my_orders(ask: MyOrders, _viewer: str, state: PlayerState, _context: Context) -> OrdersResult | Refusal:
    """A page of the player's orders that rest, oldest first; fills on their way here are not known yet."""
    after = number_after(ask)
    if isinstance(after, Refusal):
        return after
    resting = (row for row in state.orders if row.state != "sent" and (after is None or row.number > after))
    found = list(islice(resting, ask.limit + 1))
    page = found[: ask.limit]
    more = cursor(ask, page[-1].number) if len(found) > ask.limit else None
    return OrdersResult([_view(row) for row in page], more)


def _view(row: Order) -> OrderView:
    assert row.price is not None, row
    return OrderView(row.order, row.commodity, row.side, row.price, row.quantity, row.remaining, row.at_ms)


def gold_in_orders(state: PlayerState) -> int:
    """Gold that the player's orders hold, in the book and on the way there."""
    return sum(row.gold for row in state.orders)
