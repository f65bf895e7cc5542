"""Strategies around commodities: who makes a market in them, who brings them, and who uses them up."""

from collections.abc import Callable
from random import Random

from auction.results import BookResult, InventoryResult, OrdersResult, QuoteResult
from auction.state import OrderSide
from clients.bots.habits import Life, Trade, arrive, going_price, in_ticks, offer_to_friend, purse_of, sell_items
from clients.bots.intentions import (
    AskQuote,
    CancelOrder,
    Craft,
    Gather,
    Leave,
    Order,
    SeeBook,
    SeeOrders,
    SeeStash,
    TakeQuote,
)
from clients.bots.population import Ware

MAKERS_LOT = 800
GATHERERS_LOT = 300
"""About how much gold one order is worth."""
CRAFT_WORTH = 300
"""About how much gold the pieces that make one item are worth."""
CRAFTS_BOUGHT = 2
"""For how many items pieces are bought at once."""
ORDERS_KEPT = 6
"""How many orders of a gatherer or crafter rest; older ones are taken back."""
MARGIN_MIN, MARGIN_MAX = 0.01, 0.05
"""How far from the going price a market maker bids and asks."""
CHEAP, DEAR = 0.75, 1.3
"""Nobody sells below, or buys above, such a share of what a piece is believed to be worth."""
OFFERED_TO_FRIENDS = 0.2


def market_maker(trade: Trade, chance: Random, now_ms: Callable[[], int]) -> Life:  # noqa: ARG001 - every Strategy's signature
    """Bids below and asks above the going price of its wares, always anew, and lives from the difference."""
    while True:
        wallet = yield from arrive(trade, chance)
        resting: OrdersResult = yield SeeOrders()
        stash: InventoryResult = yield SeeStash()
        for ware in trade.wares:
            book: BookResult = yield SeeBook(ware.commodity)
            for order in resting.orders:
                if order.commodity == ware.commodity:
                    yield CancelOrder(order.order)
            price = going_price(ware, book)
            margin = max(ware.tick, price * chance.uniform(MARGIN_MIN, MARGIN_MAX))
            bid, ask = in_ticks(ware, price - margin), in_ticks(ware, price + margin)
            wanted = min(_lot(ware, MAKERS_LOT, chance), purse_of(wallet) // len(trade.wares) // bid)
            offered = min(_lot(ware, MAKERS_LOT, chance), stash.commodities.get(ware.commodity, 0))
            if wanted:
                yield Order("buy", ware.commodity, wanted, bid)
            if offered:
                yield Order("sell", ware.commodity, offered, max(ask, bid + ware.tick))
        yield Leave()


def gatherer(trade: Trade, chance: Random, now_ms: Callable[[], int]) -> Life:  # noqa: ARG001 - as above
    """Brings pieces from the world and sells them: at once where that pays, else for a tick less than all others."""
    while True:
        yield from arrive(trade, chance)
        yield from _tidy()
        stash: InventoryResult = yield SeeStash()
        for ware in trade.wares:
            quantity = min(_lot(ware, GATHERERS_LOT, chance), stash.commodities.get(ware.commodity, 0))
            if not quantity:
                continue
            if trade.friends and chance.random() < OFFERED_TO_FRIENDS:
                yield offer_to_friend(trade, chance, {"commodities": {ware.commodity: quantity}}, quantity * ware.worth)
            else:
                yield from _trade("sell", ware, quantity, quantity * ware.worth * CHEAP)
        if trade.wares:
            yield Gather()
        yield Leave()


def crafter(trade: Trade, chance: Random, now_ms: Callable[[], int]) -> Life:  # noqa: ARG001 - as above
    """Buys pieces, makes items of them, and sells those."""
    unsold: dict[str, int] = {}
    while True:
        wallet = yield from arrive(trade, chance)
        yield from _tidy()
        stash: InventoryResult = yield SeeStash()
        for ware in trade.wares:
            needed = max(1, CRAFT_WORTH // ware.worth)
            if stash.commodities.get(ware.commodity, 0) >= needed:
                yield Craft(ware.commodity, needed)
            else:
                bought = CRAFTS_BOUGHT * needed
                yield from _trade("buy", ware, bought, min(purse_of(wallet), bought * ware.worth * DEAR))
        yield from sell_items(trade, chance, wallet, unsold, markup=1.0)
        yield Leave()


def _trade(side: OrderSide, ware: Ware, quantity: int, bound: float) -> Life:
    """At once if the whole does not cost more, or bring less, than a bound; else by an order that leads its side."""
    quote: QuoteResult | object = yield AskQuote(side, ware.commodity, quantity)
    if isinstance(quote, QuoteResult) and (quote.total <= bound if side == "buy" else quote.total >= bound):
        yield TakeQuote(side, quote.quote)
        return
    book: BookResult = yield SeeBook(ware.commodity)
    if side == "sell":
        best = book.asks[0].price - ware.tick if book.asks else going_price(ware, book)
        yield Order(side, ware.commodity, quantity, in_ticks(ware, max(best, bound / quantity)))
        return
    best = book.bids[0].price + ware.tick if book.bids else going_price(ware, book)
    price = min(in_ticks(ware, best), int(bound / quantity) // ware.tick * ware.tick)
    if price >= ware.worth * CHEAP:
        yield Order(side, ware.commodity, quantity, price)


def _tidy() -> Life:
    """Take back the oldest orders, if many rest."""
    resting: OrdersResult = yield SeeOrders()
    for order in resting.orders[: max(0, len(resting.orders) - ORDERS_KEPT)]:
        yield CancelOrder(order.order)


def _lot(ware: Ware, worth: int, chance: Random) -> int:
    return max(1, round(worth / ware.worth * chance.uniform(0.5, 1.5)))
