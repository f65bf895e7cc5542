"""Commodities: quotes, orders that meet and rest, cancelling, books and candles, as a client sees them."""

from typing import Any

import pytest

from tests.conformance.client import eventually
from tests.conformance.house import House, Player

SALT, PEAT, OAR, MINT = "saltglass_shard", "cut_peat", "gallows_oak", "marsh_mint"
"""Commodities; the first has ticks of 5, the others of 1."""
FEE_BP = 1500
MAX = 2**53 - 1


def buy(player: Player, commodity: str, quantity: int, limit_price: int) -> Any:
    """An order to buy."""
    return player.call("commodity.buy", commodity=commodity, quantity=quantity, limit_price=limit_price)


def sell(player: Player, commodity: str, quantity: int, limit_price: int) -> Any:
    """An order to sell."""
    return player.call("commodity.sell", commodity=commodity, quantity=quantity, limit_price=limit_price)


def net(gold: int) -> int:
    """What is left of a fill's gold after the fee."""
    return gold - -(-gold * FEE_BP // 10_000)


def test_an_order_rests_and_another_meets_it(house: House) -> None:
    """It waits at its price; who meets it pays that price, and both find what they got as deliveries."""
    seller, buyer = house.trader(cut_peat=10), house.trader(gold=1000)
    resting = sell(seller, PEAT, 10, 30)
    assert (resting["filled"], resting["resting"], resting["received"], resting["fills"]) == (0, 10, 0, [])
    assert seller.pieces(PEAT) == 0
    done = buy(buyer, PEAT, 4, 35)
    assert (done["filled"], done["resting"], done["paid"]) == (4, 0, 120)
    assert done["fills"] == [{"price": 30, "quantity": 4}]
    assert buyer.gold() == (880, 0)
    (goods,) = buyer.deliveries()
    assert (goods["kind"], goods["gold"], goods["commodities"], goods["items"]) == ("filled", 0, {PEAT: 4}, [])
    filled = seller.event("commodity.filled")["data"]
    assert filled == {"order": resting["order"], "commodity": PEAT, "price": 30, "quantity": 4, "remaining": 6}
    (proceeds,) = seller.deliveries()
    assert (proceeds["kind"], proceeds["gold"]) == ("filled", net(120))
    buyer.claim_all()
    assert buyer.pieces(PEAT) == 4
    (left,) = seller.call("commodity.orders")["orders"]
    assert (left["order"], left["side"], left["price"]) == (resting["order"], "sell", 30)
    assert (left["quantity"], left["remaining"]) == (10, 6)


def test_the_best_price_goes_first_and_of_one_price_the_oldest(house: House) -> None:
    """Price before time, time before nothing."""
    first, second, cheap = house.trader(cut_peat=5), house.trader(cut_peat=5), house.trader(cut_peat=5)
    buyer = house.trader(gold=10_000)
    orders = [sell(first, PEAT, 5, 40), sell(second, PEAT, 5, 40), sell(cheap, PEAT, 5, 39)]
    done = buy(buyer, PEAT, 8, 40)
    assert done["fills"] == [{"price": 39, "quantity": 5}, {"price": 40, "quantity": 3}]
    eventually(lambda: first.call("commodity.orders")["orders"][0]["remaining"] == 2)
    assert [second.call("commodity.orders")["orders"][0]["remaining"], orders[1]["resting"]] == [5, 5]
    assert cheap.call("commodity.orders")["orders"] == []


@pytest.mark.parametrize(("quantity", "filled", "resting"), [(6, 6, 0), (7, 7, 0), (8, 7, 1)])
def test_a_level_is_consumed_to_the_piece(house: House, quantity: int, filled: int, resting: int) -> None:
    """One less than a level, exactly the level, and one more, which rests."""
    seller, buyer = house.trader(gallows_oak=7), house.trader(gold=1000)
    sell(seller, OAR, 7, 50)
    done = buy(buyer, OAR, quantity, 50)
    assert (done["filled"], done["resting"], done["paid"]) == (filled, resting, 50 * filled)
    assert buyer.gold() == (1000 - 50 * quantity, 50 * resting)
    book = buyer.call("commodity.book", commodity=OAR)
    assert [level["quantity"] for level in book["asks"]] == ([7 - filled] if filled < 7 else [])
    assert [level["quantity"] for level in book["bids"]] == ([resting] if resting else [])


def test_cancelling_returns_exactly_what_is_left(house: House) -> None:
    """Gold comes back by itself, pieces as a delivery; a second time there is nothing left."""
    seller, buyer = house.trader(marsh_mint=9), house.trader(gold=500)
    order = buy(buyer, MINT, 10, 12)["order"]
    assert buyer.gold() == (380, 120)
    assert sell(seller, MINT, 4, 12)["filled"] == 4
    result = buyer.call("commodity.cancel", order=order)
    assert result == {"order": order, "returned": {"gold": 72, "quantity": 0}}
    assert buyer.gold() == (452, 0)
    assert buyer.refusal("commodity.cancel", order=order).reason == "order_closed"
    other = sell(seller, MINT, 5, 90)["order"]
    assert seller.call("commodity.cancel", order=other)["returned"] == {"gold": 0, "quantity": 5}
    seller.claim_all()
    assert seller.pieces(MINT) == 5
    assert buyer.refusal("commodity.cancel", order=other).reason == "no_such_order"


def test_a_quote_is_kept_or_refused_but_never_worse(house: House) -> None:
    """It buys all for its total; where the market moved away it is refused, where it came nearer it is cheaper."""
    seller, rival, buyer = house.trader(saltglass_shard=30), house.trader(gold=10_000), house.trader(gold=10_000)
    dear = sell(seller, SALT, 10, 60)["order"]
    sell(seller, SALT, 5, 50)
    quote = buyer.call("commodity.quote", commodity=SALT, side="buy", quantity=8)
    assert (quote["total"], quote["side"], quote["quantity"]) == (5 * 50 + 3 * 60, "buy", 8)
    assert quote["levels"] == [{"price": 50, "quantity": 5}, {"price": 60, "quantity": 3}]
    assert rival.refusal("commodity.buy", quote=quote["quote"]).reason == "no_such_quote"
    assert buyer.refusal("commodity.sell", quote=quote["quote"]).reason == "no_such_quote"
    buy(rival, SALT, 5, 50)
    refused = buyer.refusal("commodity.buy", quote=quote["quote"])
    assert (refused.reason, refused.data["price"]) == ("price_changed", 8 * 60)
    assert buyer.gold() == (10_000, 0)
    sell(seller, SALT, 5, 40)
    done = buyer.call("commodity.buy", quote=quote["quote"])
    assert (done["filled"], done["resting"], done["paid"]) == (8, 0, 5 * 40 + 3 * 60)
    assert buyer.refusal("commodity.buy", quote=quote["quote"]).reason == "quote_expired"
    assert seller.call("commodity.cancel", order=dear)["returned"]["quantity"] == 7


def test_a_quote_to_sell_adds_up_what_others_would_pay(house: House) -> None:
    """The best bids first; the fee is taken off what is received."""
    seller, buyer = house.trader(marsh_mint=10), house.trader(gold=1000)
    buy(buyer, MINT, 3, 20)
    buy(buyer, MINT, 9, 18)
    quote = seller.call("commodity.quote", commodity=MINT, side="sell", quantity=5)
    assert quote["total"] == 3 * 20 + 2 * 18
    done = seller.call("commodity.sell", quote=quote["quote"])
    assert (done["filled"], done["paid"], done["received"]) == (5, 0, net(60) + net(36))
    (proceeds,) = seller.deliveries()
    assert proceeds["gold"] == done["received"]


def test_nobody_trades_with_itself(house: House) -> None:
    """Own orders are stepped over, in the book and in a quote."""
    trader, other = house.trader(gold=1000, gallows_oak=10), house.trader(gallows_oak=5)
    sell(trader, OAR, 10, 30)
    refused = trader.refusal("commodity.quote", commodity=OAR, side="buy", quantity=1)
    assert (refused.reason, refused.data["available"]) == ("insufficient_goods", 0)
    sell(other, OAR, 2, 33)
    done = buy(trader, OAR, 3, 35)
    assert (done["fills"], done["resting"]) == ([{"price": 33, "quantity": 2}], 1)


def test_a_book_shows_levels_and_the_last_price(house: House) -> None:
    """Best first on both sides, as deep as asked for; candles tell what was traded."""
    seller, buyer = house.trader(cut_peat=60), house.trader(gold=5000)
    for price in (71, 70, 72):
        sell(seller, PEAT, 10, price)
    for price in (50, 52, 51):
        buy(buyer, PEAT, 2, price)
    book = buyer.call("commodity.book", commodity=PEAT, depth=2)
    assert [(level["price"], level["quantity"], level["orders"]) for level in book["asks"]] == [
        (70, 10, 1),
        (71, 10, 1),
    ]
    assert [level["price"] for level in book["bids"]] == [52, 51]
    cheap = buyer.call("commodity.orders")["orders"][0]["order"]
    buyer.call("commodity.cancel", order=cheap)
    buy(buyer, PEAT, 3, 70)
    assert buyer.call("commodity.book", commodity=PEAT)["last"]["price"] == 70
    for bucket_s in (60, 3600, 86400):
        candle = buyer.call("commodity.history", commodity=PEAT, bucket_s=bucket_s)["candles"][-1]
        assert candle["at_ms"] % (bucket_s * 1000) == 0
        assert candle["low"] <= candle["close"] == 70 <= candle["high"] and candle["volume"] >= 3


def test_prices_and_sums_keep_their_bounds(house: House) -> None:
    """Ticks, and products up to 2^53 − 1, which no 32 bits hold."""
    trader = house.trader(gold=100, saltglass_shard=3)
    off_tick = trader.refusal("commodity.buy", commodity=SALT, quantity=1, limit_price=7)
    assert (off_tick.reason, off_tick.data["tick"]) == ("price_out_of_range", 5)
    for method in ("commodity.buy", "commodity.sell"):
        over = trader.refusal(method, commodity=PEAT, quantity=2**32, limit_price=2**32)
        assert over.reason == "price_out_of_range" and over.data["max"] == MAX // 2**32
    assert trader.refusal("commodity.buy", commodity=PEAT, quantity=1, limit_price=0).reason == "price_out_of_range"
    short = trader.refusal("commodity.buy", commodity=PEAT, quantity=2, limit_price=51)
    assert (short.reason, short.data["available"]) == ("insufficient_gold", 100)
    assert trader.refusal("commodity.sell", commodity=SALT, quantity=4, limit_price=5).reason == "insufficient_goods"
    assert trader.gold() == (100, 0) and trader.pieces(SALT) == 3


def test_orders_are_limited_and_named(house: House) -> None:
    """As many as the rules let rest; unknown commodities, quotes and orders are told apart."""
    trader = house.trader(gold=100)
    for price in (1, 2, 3):
        buy(trader, MINT, 1, price)
    assert trader.refusal("commodity.buy", commodity=MINT, quantity=1, limit_price=1).reason == "order_limit"
    assert len(trader.pages("commodity.orders", limit=2)) == 2
    nowhere = {"commodity": "moonlight", "quantity": 1}
    assert trader.refusal("commodity.buy", **nowhere, limit_price=1).reason == "no_such_commodity"
    assert trader.refusal("commodity.quote", **nowhere, side="buy").reason == "no_such_commodity"
    assert trader.refusal("commodity.book", commodity="moonlight").reason == "no_such_commodity"
    assert trader.refusal("commodity.history", commodity="moonlight", bucket_s=60).reason == "no_such_commodity"
    assert trader.refusal("commodity.buy", quote="q").reason == "no_such_quote"
    assert trader.refusal("commodity.cancel", order="o").reason == "no_such_order"


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"commodity": PEAT},
        {"commodity": PEAT, "quantity": 1},
        {"commodity": PEAT, "quantity": 0, "limit_price": 1},
        {"commodity": PEAT, "quantity": 1, "limit_price": 1, "quote": "q"},
    ],
    ids=str,
)
def test_an_order_has_a_limit_or_a_quote(house: House, params: dict[str, Any]) -> None:
    """Anything between is a bad param."""
    trader = house.trader(gold=10)
    assert trader.refusal("commodity.buy", **params).code == -32602


def test_a_key_gives_the_first_answer_again(house: House) -> None:
    """An order is placed once, whatever happened to it since."""
    seller, buyer = house.trader(cut_peat=5), house.trader(gold=1000)
    order = {"commodity": PEAT, "quantity": 5, "limit_price": 66, "key": "once"}
    first = buyer.call("commodity.buy", **order)
    sell(seller, PEAT, 5, 66)
    assert buyer.call("commodity.buy", **order) == first
    assert buyer.refusal("commodity.buy", **{**order, "quantity": 6}).reason == "key_reused"
    assert buyer.gold()[0] == 1000 - 330
