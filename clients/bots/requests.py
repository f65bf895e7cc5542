"""Which of the house's methods carries out an intention, for all that a bot asks of the house itself."""

from collections.abc import Awaitable, Callable
from typing import Any

from clients.bots.intentions import (
    AnswerOffer,
    AskQuote,
    Bid,
    BuyOut,
    CancelOrder,
    CheckRivals,
    Claim,
    Intention,
    Look,
    MakeOffer,
    Order,
    SeeBook,
    SeeDeliveries,
    SeeOffers,
    SeeOrders,
    SeeStash,
    SeeWallet,
    SeeWatches,
    Sell,
    TakeQuote,
    Unwatch,
    Watch,
)
from clients.calls import Bounds
from clients.client import Client

RIVALS_SEEN = 5
BOOK_DEPTH = 3


def request(client: Client, intention: Intention) -> Awaitable[Any]:
    """Ask the house for it."""
    return _REQUESTS[type(intention)](client, intention)


def _look(client: Client, look: Look) -> Awaitable[Any]:
    price: Bounds | None = None if look.price_max is None else {"max": look.price_max}
    return client.search(category=look.category, sort=look.sort, order=look.order, price=price, limit=look.limit)


def _check_rivals(client: Client, check: CheckRivals) -> Awaitable[Any]:
    return client.search(base=check.base, buyout_only=True, sort="buyout", limit=RIVALS_SEEN, with_market=True)


def _sell(client: Client, sell: Sell) -> Awaitable[Any]:
    return client.sell(sell.item, start_bid=sell.start_bid, buyout=sell.buyout, duration_s=sell.duration_s)


def _order(client: Client, order: Order) -> Awaitable[Any]:
    place = client.buy_commodity if order.side == "buy" else client.sell_commodity
    return place(order.commodity, order.quantity, order.limit_price)


def _take_quote(client: Client, take: TakeQuote) -> Awaitable[Any]:
    place = client.buy_commodity if take.side == "buy" else client.sell_commodity
    return place(quote=take.quote)


def _answer_offer(client: Client, answered: AnswerOffer) -> Awaitable[Any]:
    answers = {"accept": client.accept_offer, "decline": client.decline_offer, "withdraw": client.withdraw_offer}
    return answers[answered.answer](answered.offer)


_REQUESTS: dict[type, Callable[[Client, Any], Awaitable[Any]]] = {
    SeeWallet: lambda client, _: client.wallet(),
    SeeDeliveries: lambda client, _: client.deliveries(),
    Claim: lambda client, claim: client.claim(claim.delivery),
    SeeStash: lambda client, _: client.inventory(),
    Look: _look,
    Sell: _sell,
    Bid: lambda client, bid: client.bid(bid.listing, bid.amount),
    BuyOut: lambda client, buyout: client.buyout(buyout.listing, buyout.price),
    CheckRivals: _check_rivals,
    SeeBook: lambda client, see: client.book(see.commodity, depth=BOOK_DEPTH),
    SeeOrders: lambda client, _: client.my_orders(),
    Order: _order,
    AskQuote: lambda client, asked: client.quote(asked.commodity, asked.side, asked.quantity),
    TakeQuote: _take_quote,
    CancelOrder: lambda client, cancel: client.cancel_order(cancel.order),
    SeeOffers: lambda client, _: client.offers(),
    MakeOffer: lambda client, offer: client.make_offer(offer.to, offer.give, offer.want),
    AnswerOffer: _answer_offer,
    SeeWatches: lambda client, _: client.watches(),
    Watch: lambda client, watch: client.watch(query=watch.query),
    Unwatch: lambda client, unwatch: client.unwatch(unwatch.watch),
}
