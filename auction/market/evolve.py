"""What an event changes in a market's store, and what the events of orders change in a player's.

As `auction.evolve`: it decides nothing, and reads the event and the store's own state only.
"""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from auction import history, ids, stash
from auction.amounts import checked
from auction.carrying import carried
from auction.events import Payload, TransferSent, TransferTaken
from auction.ledger import ELSEWHERE, WAITING, WALLET, post
from auction.market import candles
from auction.market.events import (
    CancelSent,
    FillDelivered,
    MarketOpened,
    OrderDone,
    OrderEnded,
    OrderFilled,
    OrderIn,
    OrderMatched,
    OrderRemoved,
    OrderRested,
    OrderSent,
    PurchaseCounted,
)
from auction.market.state import Book, BookOrder, MarketState
from auction.marks import next_number
from auction.player_state import PlayerState
from auction.state import Awaited, Delivery, Order, OrderSide, Purchases, UsedQuote


def _market_opened(state: MarketState, event: MarketOpened) -> None:
    assert 0 not in state.book, event
    state.book.put(0, Book(event.commodity, event.store, event.life))


def _came_in(state: MarketState, event: TransferTaken) -> None:
    next_number(state.transfers_in, ids.life_mark(event.sender, event.life), event.number)
    _into_escrow(state, event.payload, 1)
    if isinstance(event.payload, OrderIn):
        state.book.to_change().orders_taken += 1


def _went_out(state: MarketState, event: TransferSent) -> None:
    next_number(state.transfers_out, ids.life_mark(event.to, event.life), event.number)
    _into_escrow(state, event.payload, -1)


def _into_escrow(state: MarketState, payload: Payload, sign: int) -> None:
    """What a transfer carries comes in (1) or leaves (-1)."""
    book, assets = state.book.to_change(), carried(payload)
    gold, goods = sign * assets.gold, sign * assets.commodities.get(book.commodity, 0)
    book.gold_escrowed += gold
    book.gold_elsewhere -= gold
    book.goods_escrowed += goods
    book.goods_elsewhere -= goods
    assert book.gold_escrowed >= 0 and book.goods_escrowed >= 0, (book, payload)


def _order_matched(state: MarketState, event: OrderMatched) -> None:
    row = state.orders.rows[event.order]
    assert row.price == event.price and row.player != event.player, (row, event)
    _take_from(state, row, event.quantity)
    book = state.book.to_change()
    book.gold_escrowed -= event.fee
    book.gold_burned += event.fee
    book.last_price, book.last_at_ms = event.price, event.at_ms
    candles.traded(state, event.price, event.quantity, event.at_ms)
    other: OrderSide = "sell" if row.side == "buy" else "buy"
    _passed(state, row.side, event, row.order, event.player)
    _passed(state, other, event, event.incoming, row.player)


def _take_from(state: MarketState, row: BookOrder, quantity: int) -> None:
    """Pieces of an order that rested are traded or go back; with none left, it rests no longer."""
    left = checked(row.remaining - quantity)
    if left:
        state.orders.put(row.order, replace(row, remaining=left))
    else:
        state.orders.drop(row.order)
    state.side(row.side).take(row.price, row.order, quantity, left)


def _passed(state: MarketState, side: OrderSide, event: OrderMatched, order: str, other: str) -> None:
    """Each side of a fill is a row of its own: what its owner gave and got, and from whom."""
    gross, traded = event.price * event.quantity, {state.book.rows[0].commodity: event.quantity}
    if side == "buy":
        history.pass_on(state, event.at_ms, "filled", order, other, gold_out=gross, commodities_in=traded)
    else:
        net = gross - event.fee
        history.pass_on(state, event.at_ms, "filled", order, other, gold_in=net, commodities_out=traded)


def _order_rested(state: MarketState, event: OrderRested) -> None:
    row = event.order
    assert row.number == state.book.rows[0].orders_taken and 0 < row.remaining <= row.quantity, row
    state.orders.put(row.order, row)
    state.side(row.side).add(row.price, row.order, row.remaining)


def _order_removed(state: MarketState, event: OrderRemoved) -> None:
    row = state.orders.rows[event.order]
    _take_from(state, row, row.remaining)


def _order_sent(state: PlayerState, event: OrderSent) -> None:
    row = event.order
    account = state.account.to_change()
    account.orders_made += 1
    assert row.number == account.orders_made and row.state == "sent", row
    post(state, debit=ELSEWHERE, credit=WALLET, amount=row.gold, reason="order", ref=row.order, at_ms=row.at_ms)
    if row.side == "sell":
        stash.take_out(state, (), {row.commodity: row.quantity})
    state.orders.put(row.order, row)
    _await(state, event.awaited)
    if row.quote is not None:
        for used in [used.quote for used in state.quotes if used.expires_at_ms <= row.at_ms]:
            state.quotes.drop(used)
        state.quotes.put(row.quote, UsedQuote(row.quote, event.quote_expires_at_ms))


def _cancel_sent(state: PlayerState, event: CancelSent) -> None:
    row = state.orders.rows[event.order]
    assert row.state == "resting", row
    state.orders.put(row.order, replace(row, state="ending"))
    _await(state, event.awaited)


def _await(state: PlayerState, row: Awaited | None) -> None:
    """The key of a request is taken until the market has answered."""
    if row is not None:
        assert row.key not in state.keys and row.key not in state.open_keys, row
        state.awaited.put(row.subject, row)
        state.open_keys[row.key] = row.subject


def _heard_of(state: PlayerState, order: str) -> None:
    """The market has answered."""
    row = state.awaited.get(order)
    if row is not None:
        del state.open_keys[row.key]
        state.awaited.drop(order)


def _purchase_counted(state: PlayerState, event: PurchaseCounted) -> None:
    state.purchases.put(event.commodity, Purchases(event.commodity, event.since_ms, event.quantity))


def _fill_delivered(state: PlayerState, event: FillDelivered) -> None:
    row = state.deliveries.get(event.delivery)
    if row is None:
        account = state.account.to_change()
        account.deliveries_made += 1
        number = account.deliveries_made
        assert event.delivery == ids.mint(account.store, "d", number), event
        row = Delivery(event.delivery, number, "filled", 0, (), {}, None, event.at_ms)
    ref, at_ms = event.delivery, event.at_ms
    post(state, debit=WAITING, credit=ELSEWHERE, amount=event.gold, reason="filled", ref=ref, at_ms=at_ms)
    commodities = dict(row.commodities)
    if event.pieces:
        commodities[event.commodity] = checked(commodities.get(event.commodity, 0) + event.pieces)
    grown = replace(row, gold=checked(row.gold + event.gold), commodities=commodities)
    state.deliveries.put(event.delivery, grown)
    order = state.orders.get(event.order)
    if order is not None:
        state.orders.put(order.order, replace(order, delivery=event.delivery))


def _taken_done(state: PlayerState, event: TransferTaken) -> None:
    done = event.payload
    assert isinstance(done, OrderDone), event
    _returned(state, event, done.order)
    if event.to_stash:
        stash.put_in(state, (), {done.commodity: event.to_stash})
    row = state.orders.get(done.order)
    if row is not None and done.refusal is not None:
        _undo(state, row)
    if done.filled:
        traded = {done.commodity: done.filled}
        bought, sold = (traded, None) if done.side == "buy" else (None, traded)
        history.pass_on(
            state,
            event.at_ms,
            "filled",
            done.order,
            None,
            gold_in=done.received,
            gold_out=done.paid,
            commodities_in=bought,
            commodities_out=sold,
        )
    _left(state, done.order, done.resting)
    _heard_of(state, done.order)


def _undo(state: PlayerState, row: Order) -> None:
    """The market did not take an order: its quote is unused, and nothing of it counts against a buy limit."""
    if row.quote is not None and row.quote in state.quotes:
        state.quotes.drop(row.quote)
    bought = state.purchases.get(row.commodity)
    if row.side == "buy" and bought is not None and bought.since_ms <= row.at_ms:
        state.purchases.put(row.commodity, replace(bought, quantity=max(bought.quantity - row.quantity, 0)))


def _taken_filled(state: PlayerState, event: TransferTaken) -> None:
    filled = event.payload
    assert isinstance(filled, OrderFilled), event
    traded = {filled.commodity: filled.quantity}
    if filled.side == "buy":
        gross = filled.price * filled.quantity
        history.pass_on(state, event.at_ms, "filled", filled.order, None, gold_out=gross, commodities_in=traded)
    else:
        history.pass_on(state, event.at_ms, "filled", filled.order, None, gold_in=filled.gold, commodities_out=traded)
    _left(state, filled.order, filled.remaining)


def _taken_ended(state: PlayerState, event: TransferTaken) -> None:
    ended = event.payload
    assert isinstance(ended, OrderEnded), event
    _returned(state, event, ended.order)
    if ended.order in state.orders:
        _left(state, ended.order, 0)
    _heard_of(state, ended.order)


def _returned(state: PlayerState, event: TransferTaken, order: str) -> None:
    """Gold comes back from the market, into the wallet by itself."""
    amount, at_ms = event.to_wallet, event.at_ms
    post(state, debit=WALLET, credit=ELSEWHERE, amount=amount, reason="refund", ref=order, at_ms=at_ms)


def _left(state: PlayerState, order: str, remaining: int) -> None:
    """So many pieces of an order are left in the book. A new life of a store may not remember it."""
    row = state.orders.get(order)
    if row is None:
        assert state.owner().life > 1, order
    elif remaining == 0:
        state.orders.drop(order)
    else:
        assert row.price is not None and remaining <= row.remaining, row
        gold = row.price * remaining if row.side == "buy" else 0
        progress = "resting" if row.state == "sent" else row.state
        state.orders.put(order, replace(row, remaining=remaining, gold=gold, state=progress))


OF_MARKET: dict[type, Callable[[Any, Any], None]] = {
    MarketOpened: _market_opened,
    TransferTaken: _came_in,
    TransferSent: _went_out,
    OrderMatched: _order_matched,
    OrderRested: _order_rested,
    OrderRemoved: _order_removed,
}
"""In a market's store: event → its effect."""
OF_PLAYER: dict[type, Callable[[Any, Any], None]] = {
    OrderSent: _order_sent,
    CancelSent: _cancel_sent,
    PurchaseCounted: _purchase_counted,
    FillDelivered: _fill_delivered,
}
"""In a player's store."""
TAKEN: dict[type, Callable[[Any, Any], None]] = {
    OrderDone: _taken_done,
    OrderFilled: _taken_filled,
    OrderEnded: _taken_ended,
}
"""In a player's store: what a TransferTaken with such a payload changes."""
