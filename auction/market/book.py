"""The market's side of commodity orders: one comes in, meets those that rest, and rests itself or goes back.

Each fill is told to the player whose order rested (OrderFilled), and everything that became of the incoming order at
once to who sent it (OrderDone). The house's fee is that of the moment of a trade, rounded up at each, at the seller's
loss.
"""

from collections.abc import Iterable

from auction import audit_log
from auction.amounts import LIFETIME_MAX, share_rounded_up
from auction.context import Context
from auction.events import Audited, Event, Payload, TransferSent, TransferTaken
from auction.market.events import (
    CancelIn,
    Fill,
    MarketOpened,
    OrderDone,
    OrderEnded,
    OrderFilled,
    OrderIn,
    OrderMatched,
    OrderRemoved,
    OrderRested,
)
from auction.market.matching import Match, Met, match
from auction.market.state import BOOK_ORDERS_MAX, Book, BookOrder, MarketState
from auction.outcomes import TakenIn
from auction.refusals import Refusal
from auction.sending import send
from auction.state import StoreId


def judge(state: MarketState, order: OrderIn, context: Context) -> Match | Refusal:
    """What an order does in the book now, or why it is not taken. One by a quote is filled whole, never for worse than
    was promised, or not at all.
    """
    commodity = context.catalog.commodities.get(order.commodity)
    categories = () if commodity is None else (commodity.category,)
    frozen = context.freezes.against(players=(order.player,), categories=categories, commodities=(order.commodity,))
    if frozen is not None:
        return frozen
    matched = match(state, order.player, order.side, order.quantity, order.price, context)
    if order.total is not None:
        if matched.left:
            return Refusal("price_changed", {"price": None})
        if matched.gross > order.total if order.side == "buy" else matched.gross < order.total:
            return Refusal("price_changed", {"price": matched.gross})
    gone = sum(met.quantity == met.order.remaining for met in matched.met)
    too_many = _rests(matched, order) and len(state.orders) - gone >= BOOK_ORDERS_MAX
    book = state.head()
    gold, goods = (0, 0) if book is None else (-book.gold_elsewhere, -book.goods_elsewhere)
    too_much = gold + order.gold > LIFETIME_MAX or goods + order.pieces > LIFETIME_MAX
    return Refusal("order_limit") if too_many or too_much else matched


def take_order(state: MarketState, sender: StoreId, life: int, sent: TransferSent, context: Context) -> TakenIn:
    """An order comes in, with its gold or its pieces."""
    order = sent.payload
    assert isinstance(order, OrderIn), sent
    book, opening = _book(state, order.commodity, context)
    events = [*opening, _taken(sender, life, sent, context)]
    judged = judge(state, order, context)
    if isinstance(judged, Refusal):
        done = OrderDone(order.order, order.commodity, order.side, judged, (), 0, 0, order.gold, order.pieces)
        return TakenIn([*events, *send(state, context, [(sender, done)])])
    parcels: list[tuple[StoreId, Payload]] = []
    fees = []
    for met in judged.met:
        fee = share_rounded_up(met.order.price * met.quantity, context.catalog.rules.fee_bp)
        row = met.order
        fees.append(fee)
        events.append(OrderMatched(row.order, order.order, order.player, row.price, met.quantity, fee, context.now_ms))
        parcels.append((context.store_of(row.player), _filled(met, order.commodity, fee)))
    events.extend(_audited(book, order, judged, context))
    resting = judged.left if _rests(judged, order) else 0
    if resting:
        events.append(OrderRested(_row(book, order, resting, context)))
    parcels.append((sender, _done(order, judged, sum(fees), resting)))
    return TakenIn([*events, *send(state, context, parcels)])


def take_cancel(state: MarketState, sender: StoreId, life: int, sent: TransferSent, context: Context) -> TakenIn:
    """A player asks for what is left of an order; a market that lost its book knows nothing of older ones."""
    asked = sent.payload
    assert isinstance(asked, CancelIn), sent
    _, opening = _book(state, asked.commodity, context)
    events = [*opening, _taken(sender, life, sent, context)]
    row = state.orders.get(asked.order)
    if row is None:
        ended = OrderEnded(asked.order, asked.commodity, 0, 0, known=False)
    else:
        assert row.player == asked.player, (row, asked)
        events.append(OrderRemoved(row.order, context.now_ms))
        gold, pieces = (row.price * row.remaining, 0) if row.side == "buy" else (0, row.remaining)
        ended = OrderEnded(asked.order, asked.commodity, gold, pieces, known=True)
    return TakenIn([*events, *send(state, context, [(sender, ended)])])


def met_by(state: MarketState, order: OrderIn, context: Context) -> Iterable[StoreId]:
    """The stores at home whose orders an incoming one would meet."""
    judged = judge(state, order, context)
    if isinstance(judged, Match):
        for met in judged.met:
            store = context.store_of(met.order.player)
            if context.at_home(store):
                yield store


def _book(state: MarketState, commodity: str, context: Context) -> tuple[Book, list[Event]]:
    """The store's row, and the event that writes the first one."""
    book = state.head()
    if book is not None:
        return book, []
    store = context.market_of(commodity)
    life = context.life_of(store)
    return Book(commodity, store, life), [MarketOpened(commodity, store, life)]


def _taken(sender: StoreId, life: int, sent: TransferSent, context: Context) -> TransferTaken:
    return TransferTaken(sender, sent.number, sent.payload, 0, context.now_ms, life)


def _rests(matched: Match, order: OrderIn) -> bool:
    """Whether what is left of an order comes to rest. What would still cross the book goes back."""
    return matched.left > 0 and not matched.crosses and order.price is not None


def _row(book: Book, order: OrderIn, resting: int, context: Context) -> BookOrder:
    assert order.price is not None, order
    number = book.orders_taken + 1
    return BookOrder(
        order.order, number, order.player, order.side, order.price, order.quantity, resting, context.now_ms
    )


def _filled(met: Met, commodity: str, fee: int) -> OrderFilled:
    """What the player hears whose order rested."""
    row, gross = met.order, met.order.price * met.quantity
    gold = gross - fee if row.side == "sell" else 0
    left = row.remaining - met.quantity
    return OrderFilled(row.order, commodity, row.side, row.price, met.quantity, left, gold)


def _done(order: OrderIn, matched: Match, fees: int, resting: int) -> OrderDone:
    """What the player hears who sent the order; fills of one price are one."""
    fills = tuple(Fill(price, quantity) for price, quantity in matched.by_price.items())
    if order.side == "sell":
        pieces_back = matched.left - resting
        return OrderDone(order.order, order.commodity, order.side, None, fills, fees, resting, 0, pieces_back)
    held = resting * (order.price or 0)
    gold_back = order.gold - matched.gross - held
    return OrderDone(order.order, order.commodity, order.side, None, fills, 0, resting, gold_back, 0)


def _audited(book: Book, order: OrderIn, matched: Match, context: Context) -> list[Audited]:
    """An entry for each fill of great worth."""
    found: list[Audited] = []
    for met in matched.met:
        row = met.order
        buyer, seller = (order.player, row.player) if order.side == "buy" else (row.player, order.player)
        found.extend(
            audit_log.traded(
                book,
                context.catalog.rules,
                buyer=buyer,
                ref=row.order,
                worth=row.price * met.quantity,
                detail=f"{met.quantity} of {order.commodity} from {seller}, by {order.order}",
                now_ms=context.now_ms,
                after=len(found),
            )
        )
    return found
