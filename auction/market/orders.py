"""The player's side of commodity orders: what may be ordered and taken back, and what leaves for the market with it.

    place ──► OrderSent, OrderIn to the market         the whole order's gold or pieces leave wallet and stash
    cancel ─► CancelSent, CancelIn to the market       nothing leaves

The market answers both (`auction.market.book`), and what comes back is `auction.market.settling`'s. Until then the key
of the request is taken.
"""

from collections.abc import Iterable

import msgspec

from auction import ids
from auction.amounts import MAX_AMOUNT
from auction.commands import BuyCommodity, CancelOrder, SellCommodity
from auction.context import Context, Use
from auction.events import Event
from auction.market.events import CancelIn, CancelSent, OrderIn, OrderSent, PurchaseCounted
from auction.market.quotes import QUOTES_USED_MAX, Quote, read_quote
from auction.outcomes import Undecided
from auction.player_state import PlayerState
from auction.refusals import Refusal
from auction.sending import send
from auction.standing import too_new
from auction.stash import cannot_give
from auction.state import Awaited, Order, OrderSide, StoreId
from auction.wallet import cannot_pay
from worlddata.types import Commodity, Rules

PlaceOrder = BuyCommodity | SellCommodity


class Terms(msgspec.Struct, frozen=True):
    """What is ordered: at a limit a piece, or by a quote."""

    commodity: Commodity
    side: OrderSide
    quantity: int
    price: int | None
    quote: Quote | None

    @property
    def gold(self) -> int:
        """What a buyer's order holds: all that it may cost."""
        if self.side == "sell":
            return 0
        if self.quote is not None:
            return self.quote.total
        assert self.price is not None, self
        return self.price * self.quantity


def terms_of(ask: PlaceOrder, player: str, context: Context) -> Terms | Refusal:
    """What a player asks for; `ask` has passed `auction.params.bad_param`. A quote of the other side is none at all."""
    side: OrderSide = "buy" if isinstance(ask, BuyCommodity) else "sell"
    if ask.quote is not None:
        quote = read_quote(ask.quote, player, context)
        if quote is None or quote.side != side:
            return Refusal("no_such_quote")
        return Terms(context.catalog.commodities[quote.commodity], side, quote.quantity, None, quote)
    assert ask.commodity is not None and ask.quantity is not None, ask
    commodity = context.catalog.commodities.get(ask.commodity)
    if commodity is None:
        return Refusal("no_such_commodity")
    return Terms(commodity, side, ask.quantity, ask.limit_price, None)


def place(
    state: PlayerState, player: str, ask: PlaceOrder, use: Use | None, context: Context
) -> tuple[list[Event], OrderIn, StoreId] | Refusal | Undecided:
    """Send an order with all that it holds to its market: the events, with the order as it goes, and where it goes.
    Undecided where the market cannot be reached now: nothing leaves that nobody could call back.
    """
    terms = terms_of(ask, player, context)
    if isinstance(terms, Refusal):
        return terms
    commodity = terms.commodity.commodity
    objection = (
        context.freezes.against(players=(player,), categories=(terms.commodity.category,), commodities=(commodity,))
        or _quote_is_over(state, ask.quote, terms, context)
        or _price_out_of_range(terms, context.catalog.rules)
        or too_new(state, context)
        or _no_order_left(state, terms, context)
        or _bought_enough(state, terms, context)
        or (cannot_pay(state, terms.gold) if terms.side == "buy" else cannot_give(state, commodity, terms.quantity))
    )
    if objection is not None:
        return objection
    if not context.can_reach(context.market_of(commodity)):
        return Undecided()
    account, now_ms = state.owner(), context.now_ms
    number = account.orders_made + 1
    name = ids.mint(account.store, "o", number)
    order = Order(
        name,
        number,
        commodity,
        terms.side,
        terms.price,
        ask.quote,
        terms.quantity,
        terms.quantity,
        terms.gold,
        now_ms,
    )
    expires_at_ms = 0 if terms.quote is None else terms.quote.expires_at_ms
    parcel, market = parcel_of(terms, player, name), context.market_of(commodity)
    placed = OrderSent(order, _awaited(name, use, now_ms), expires_at_ms)
    events: list[Event] = [placed, *_counted(state, terms, context), *send(state, context, [(market, parcel)])]
    return events, parcel, market


def parcel_of(terms: Terms, player: str, order: str) -> OrderIn:
    """What the market is sent."""
    total = None if terms.quote is None else terms.quote.total
    commodity = terms.commodity.commodity
    return OrderIn(order, player, commodity, terms.side, terms.price, terms.quantity, total, terms.gold)


def cancel(
    state: PlayerState, player: str, ask: CancelOrder, use: Use | None, context: Context
) -> list[Event] | Refusal | Undecided:
    """Ask the market to give back what is left of an order; Undecided while the market has yet to answer for it."""
    row = state.orders.get(ask.order)
    if row is None and not _was_made_here(state, ask.order):
        return Refusal("no_such_order")
    commodities = () if row is None else (row.commodity,)
    frozen = context.freezes.against(
        players=(player,), categories=_categories(commodities, context), commodities=commodities, claim=True
    )
    if frozen is not None:
        return frozen
    if row is None:
        return Refusal("order_closed")
    if row.state != "resting" or not context.can_reach(context.market_of(row.commodity)):
        return Undecided()
    parcel = CancelIn(row.order, player, row.commodity)
    sent = send(state, context, [(context.market_of(row.commodity), parcel)])
    return [CancelSent(row.order, _awaited(row.order, use, context.now_ms)), *sent]


def _awaited(order: str, use: Use | None, now_ms: int) -> Awaited | None:
    return None if use is None else Awaited(order, use.key, use.fingerprint, use.untold, now_ms)


def _was_made_here(state: PlayerState, order: str) -> bool:
    account, named = state.account.get(0), ids.parse(order, "o")
    return account is not None and named is not None and named[0] == account.store and named[1] <= account.orders_made


def _categories(commodities: Iterable[str], context: Context) -> list[str]:
    """Of those that the world still has."""
    known = context.catalog.commodities
    return [known[commodity].category for commodity in commodities if commodity in known]


def _quote_is_over(state: PlayerState, used: str | None, terms: Terms, context: Context) -> Refusal | None:
    if terms.quote is None:
        return None
    over = context.now_ms >= terms.quote.expires_at_ms or used in state.quotes
    return Refusal("quote_expired") if over else None


def _price_out_of_range(terms: Terms, rules: Rules) -> Refusal | None:
    """A limit is a multiple of the tick, and the whole order is worth no more than MAX_AMOUNT at it."""
    if terms.price is None:
        return None
    tick = terms.commodity.tick
    least = -(-rules.price_min // tick) * tick
    most = min(rules.price_max, MAX_AMOUNT // terms.quantity) // tick * tick
    if least <= terms.price <= most and terms.price % tick == 0:
        return None
    return Refusal("price_out_of_range", {"min": least, "max": most, "tick": tick})


def _no_order_left(state: PlayerState, terms: Terms, context: Context) -> Refusal | None:
    """Orders that may rest are held to the limit, those that never do only while they are on their way."""
    most = context.catalog.rules.max_orders
    if terms.quote is None:
        return Refusal("order_limit") if len(state.orders) >= most else None
    if sum(row.state == "sent" for row in state.orders) >= most:
        return Refusal("order_limit")
    used = [row.expires_at_ms for row in state.quotes if row.expires_at_ms > context.now_ms]
    if len(used) < QUOTES_USED_MAX:
        return None
    return Refusal("rate_limited", {"retry_after_ms": min(used) - context.now_ms})


def _window(state: PlayerState, commodity: str, window_ms: int, now_ms: int) -> tuple[int, int]:
    """Since when a buy limit counts, and what was ordered since; a window begins with the first order after another."""
    row = state.purchases.get(commodity)
    return (now_ms, 0) if row is None or now_ms >= row.since_ms + window_ms else (row.since_ms, row.quantity)


def _bought_enough(state: PlayerState, terms: Terms, context: Context) -> Refusal | None:
    limit = context.catalog.rules.buy_limits.get(terms.commodity.commodity)
    if limit is None or terms.side == "sell":
        return None
    window_ms = limit.window_s * 1000
    since_ms, ordered = _window(state, terms.commodity.commodity, window_ms, context.now_ms)
    left = max(limit.quantity - ordered, 0)
    if terms.quantity <= left:
        return None
    return Refusal("buy_limit", {"left": left, "retry_after_ms": since_ms + window_ms - context.now_ms})


def _counted(state: PlayerState, terms: Terms, context: Context) -> list[PurchaseCounted]:
    """What a buy limit is to remember of an order."""
    commodity = terms.commodity.commodity
    limit = context.catalog.rules.buy_limits.get(commodity)
    if limit is None or terms.side == "sell":
        return []
    since_ms, ordered = _window(state, commodity, limit.window_s * 1000, context.now_ms)
    return [PurchaseCounted(commodity, since_ms, ordered + terms.quantity)]
