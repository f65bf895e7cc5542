"""Commodity orders as a player meets them: what they take along, fill, leave in the book and bring back."""

from collections.abc import Callable
from typing import Any

import pytest

from auction.commands import (
    BuyCommodity,
    CancelOrder,
    ClaimDelivery,
    GetPlayer,
    ListInventory,
    MyOrders,
    SellCommodity,
    Take,
)
from auction.market import matching
from auction.params import bad_param
from auction.refusals import Refusal
from auction.results import CancelledOrderResult, Level, OrderResult, OrderView, Returned
from tests.auction.house import CATALOG, MAX, START_MS, House, refused, store_of
from tests.auction.ordering import book, buy, quote, resting, sell, take_back, use
from worlddata.types import BuyLimit, Rules

AL, BO = store_of("al"), store_of("bo")


@pytest.fixture
def house() -> House:
    """Al has gold, bo has goods, cy and di have both."""
    house = House()
    house.grant("al", gold=10_000)
    house.grant("bo", commodities={"tin": 1_000, "salt": 1_000})
    for player in ("cy", "di"):
        house.grant(player, gold=10_000, commodities={"tin": 1_000})
    return house


def stash(house: House, player: str, commodity: str = "tin") -> int:
    """Pieces that a player can dispose of."""
    held: int = house.ask(player, ListInventory()).commodities.get(commodity, 0)
    return held


def waiting(house: House, player: str) -> list[tuple[str, int, dict[str, int]]]:
    """Kind, gold and pieces of each delivery."""
    return [(row.kind, row.gold, row.commodities) for row in house.deliveries(player)]


class TestPlacing:
    """What an order does at once."""

    def test_an_order_that_meets_nobody_rests(self, house: House) -> None:
        """Its gold is in escrow, its pieces are out of the stash; it stands in the book and among the own orders."""
        assert buy(house, "al", 10, 5) == OrderResult(f"{AL}.o1", 0, 10, 0, 0, [])
        assert sell(house, "bo", 7, 6) == OrderResult(f"{BO}.o1", 0, 7, 0, 0, [])
        assert (house.wallet("al"), house.escrowed("al")) == (9_950, 50)
        assert stash(house, "bo") == 993
        assert book(house) == ([(5, 10, 1)], [(6, 7, 1)])
        shown = house.ask("al", MyOrders()).orders
        assert shown == [OrderView(f"{AL}.o1", "tin", "buy", 5, 10, 10, START_MS)]

    def test_it_trades_at_the_price_of_who_rested(self, house: House) -> None:
        """A buyer who would pay more pays what was asked, and has the rest back at once."""
        sell(house, "bo", 10, 6)
        assert buy(house, "al", 4, 9) == OrderResult(f"{AL}.o1", 4, 0, 24, 0, [Level(6, 4)])
        assert (house.wallet("al"), house.escrowed("al")) == (9_976, 0)
        assert waiting(house, "al") == [("filled", 0, {"tin": 4})]
        assert waiting(house, "bo") == [("filled", 20, {})]

    def test_a_seller_gets_the_price_less_the_fee(self, house: House) -> None:
        """15 % of 45 gold is 6.75, and rounded up at the seller's loss."""
        buy(house, "al", 5, 9)
        assert sell(house, "bo", 5, 2) == OrderResult(f"{BO}.o1", 5, 0, 0, 38, [Level(9, 5)])
        head = house.market("tin").head()
        assert head is not None and head.gold_burned == 7

    def test_the_fee_is_rounded_up_at_each_fill(self, house: House) -> None:
        """Three sales of one piece at 1 gold bring nothing at all, and no delivery."""
        for _ in range(3):
            buy(house, "al", 1, 1)
        assert sell(house, "bo", 3, 1) == OrderResult(f"{BO}.o1", 3, 0, 0, 0, [Level(1, 3)])
        assert waiting(house, "bo") == []
        assert waiting(house, "al") == [("filled", 0, {"tin": 1})] * 3

    def test_what_is_not_filled_rests(self, house: House) -> None:
        """In the book at its own limit, with gold for just that."""
        sell(house, "bo", 4, 6)
        assert buy(house, "al", 10, 7) == OrderResult(f"{AL}.o1", 4, 6, 24, 0, [Level(6, 4)])
        assert book(house) == ([(7, 6, 1)], [])
        assert (house.wallet("al"), house.escrowed("al")) == (9_934, 42)

    def test_the_best_price_is_first_and_then_who_came_first(self, house: House) -> None:
        """A better price goes before an older order; of one price the older is filled to the end before the next."""
        sell(house, "bo", 5, 7)
        sell(house, "cy", 5, 6)
        sell(house, "di", 5, 6)
        answer = buy(house, "al", 12, 7)
        assert answer.fills == [Level(6, 10), Level(7, 2)]
        assert (resting(house, "bo"), resting(house, "cy"), resting(house, "di")) == ({f"{BO}.o1": 3}, {}, {})
        sell(house, "cy", 5, 7)
        assert buy(house, "al", 4, 7).fills == [Level(7, 4)]
        assert resting(house, "bo") == {}
        assert list(resting(house, "cy").values()) == [4]

    def test_commodities_have_books_of_their_own(self, house: House) -> None:
        """An order for tin meets none for salt."""
        sell(house, "bo", 5, 5, commodity="salt")
        assert buy(house, "al", 5, 5).filled == 0
        assert buy(house, "al", 5, 5, commodity="salt").filled == 5

    def test_what_it_took_along_is_in_nobodys_hands(self, house: House) -> None:
        """Gold and goods of a resting order can be neither spent nor taken."""
        buy(house, "al", 1_000, 10)
        sell(house, "bo", 1_000, 11)
        assert refused(buy(house, "al", 1, 1)) == ("insufficient_gold", {"available": 0})
        assert refused(sell(house, "bo", 1, 1))[0] == "insufficient_goods"
        take = Take(key="t", player="bo", commodities={"tin": 1})
        assert house.refusal("mint", take, "service")[0] == "insufficient_goods"


class TestRefusals:
    """What may not be ordered, and in which order it is said."""

    @pytest.mark.parametrize(
        ("ask", "path"),
        [
            (BuyCommodity(), "commodity"),
            (BuyCommodity(commodity="tin", quantity=1), "limit_price"),
            (BuyCommodity(commodity="tin", limit_price=1), "quantity"),
            (SellCommodity(quantity=1, limit_price=1), "commodity"),
            (SellCommodity(quote="q", commodity="tin"), "commodity"),
            (SellCommodity(quote="q", quantity=1, limit_price=1), "quantity"),
            (BuyCommodity(quote="q", limit_price=1), "limit_price"),
        ],
    )
    def test_a_limit_needs_all_three_and_a_quote_none(self, ask: BuyCommodity | SellCommodity, path: str) -> None:
        """Any other mixture is a bad param, at the first that is missing or too much."""
        bad = bad_param(ask, CATALOG)
        assert bad is not None and bad.path == path

    @pytest.mark.parametrize(
        "ask", [BuyCommodity(quote="q"), SellCommodity(commodity="tin", quantity=1, limit_price=0)]
    )
    def test_either_alone_is_good(self, ask: BuyCommodity | SellCommodity) -> None:
        """What the rules then say of it is another matter."""
        assert bad_param(ask, CATALOG) is None

    def test_the_commodity_must_exist(self, house: House) -> None:
        """In whatever is asked of a market."""
        assert refused(buy(house, "al", 1, 1, commodity="mist"))[0] == "no_such_commodity"
        assert refused(quote(house, "al", "buy", 1, "mist"))[0] == "no_such_commodity"

    @pytest.mark.parametrize("price", [0, 1, 4, 6, 9, 11, 54, 56, 60, MAX])
    def test_a_price_is_a_multiple_of_the_tick_within_the_rules(self, price: int) -> None:
        """Salt goes by fives; the bounds that are told are themselves allowed."""
        house = House(Rules(price_min=8, price_max=53))
        house.grant("al", gold=MAX, commodities={"salt": 100})
        bounds = "price_out_of_range", {"min": 10, "max": 50, "tick": 5}
        for order in (buy, sell):
            assert refused(order(house, "al", 3, price, commodity="salt")) == bounds
        assert buy(house, "al", 3, 10, commodity="salt").resting == 3
        assert buy(house, "al", 3, 50, commodity="salt").resting == 3

    @pytest.mark.parametrize(
        ("commodity", "quantity", "most"),
        [
            ("tin", 1, MAX),
            ("tin", 2, 2**52 - 1),
            ("tin", 3, MAX // 3),
            ("tin", 2**32, 2**21 - 1),
            ("tin", MAX, 1),
            ("salt", 7, MAX // 35 * 5),
        ],
    )
    def test_price_times_quantity_is_held_to_the_largest_amount(self, commodity: str, quantity: int, most: int) -> None:
        """At the bound an order is taken, one tick beyond it is refused with the bound: nothing ever wraps around."""
        house = House()
        house.grant("al", gold=MAX, commodities={commodity: MAX})
        for order in (buy, sell):
            reason, data = refused(order(house, "al", quantity, most + data_tick(commodity), commodity=commodity))
            assert (reason, data["max"]) == ("price_out_of_range", most)
        assert buy(house, "al", quantity, most, commodity=commodity).resting == quantity
        assert house.escrowed("al") == quantity * most

    def test_no_price_fits_too_many_pieces(self) -> None:
        """The bound that is told is 0: so much cannot be ordered at any price."""
        house = House()
        house.grant("al", commodities={"salt": MAX})
        assert refused(sell(house, "al", MAX, 5, commodity="salt"))[1]["max"] == 0

    def test_orders_that_rest_are_limited(self) -> None:
        """Over all commodities; one that is filled or cancelled makes room."""
        house = House(Rules(max_orders=2))
        house.grant("al", gold=100)
        house.grant("bo", commodities={"tin": 10})
        orders = [buy(house, "al", 1, 5).order, buy(house, "al", 1, 5, commodity="salt").order]
        assert refused(buy(house, "al", 1, 5))[0] == "order_limit"
        take_back(house, "al", orders[1])
        assert buy(house, "al", 1, 5).resting == 1
        assert refused(buy(house, "al", 1, 5))[0] == "order_limit"
        sell(house, "bo", 1, 5)
        assert buy(house, "al", 1, 5).resting == 1

    def test_who_has_as_many_orders_as_may_rest_can_use_a_quote(self) -> None:
        """It never rests."""
        house = House(Rules(max_orders=1))
        house.grant("al", gold=100)
        house.grant("bo", commodities={"tin": 10})
        buy(house, "al", 1, 1)
        sell(house, "bo", 3, 5)
        assert use(house, "al", quote(house, "al", "buy", 3)).filled == 3

    def test_the_order_of_refusals(self, house: House) -> None:
        """Existence, frozen, price, limits, then gold and goods."""
        house = House(Rules(max_orders=1, trade_age_s=60, buy_limits={"tin": BuyLimit(quantity=5, window_s=60)}))
        house.grant("al", gold=3)
        house.freeze("commodity", "tin")
        assert refused(buy(house, "al", 9, 0, commodity="mist"))[0] == "no_such_commodity"
        assert refused(buy(house, "al", 9, 0)) == ("frozen", {"what": "commodity", "id": "tin"})
        house.thaw("commodity", "tin")
        assert refused(buy(house, "al", 9, 0))[0] == "price_out_of_range"
        assert refused(buy(house, "al", 9, 9)) == ("too_new", {"retry_after_ms": 60_000})
        house.now_ms += 60_000
        assert refused(buy(house, "al", 9, 9))[0] == "buy_limit"
        assert refused(buy(house, "al", 4, 9)) == ("insufficient_gold", {"available": 3})
        buy(house, "al", 1, 1)
        assert refused(buy(house, "al", 9, 9))[0] == "order_limit"

    def test_who_was_never_granted_anything_has_nothing_to_trade(self, house: House) -> None:
        """Neither gold nor goods, and no store is opened."""
        assert refused(buy(house, "nobody", 1, 1)) == ("insufficient_gold", {"available": 0})
        assert refused(sell(house, "nobody", 1, 1))[0] == "insufficient_goods"
        assert resting(house, "nobody") == {}


def data_tick(commodity: str) -> int:
    """The tick of a commodity."""
    return CATALOG.commodities[commodity].tick


class TestBuyLimits:
    """How much of a commodity one player may order within a window."""

    @pytest.fixture
    def house(self) -> House:
        """Ten pieces of tin a minute."""
        house = House(Rules(buy_limits={"tin": BuyLimit(quantity=10, window_s=60)}))
        house.grant("al", gold=1_000, commodities={"tin": 100})
        house.grant("bo", gold=1_000, commodities={"tin": 100})
        return house

    def test_what_is_ordered_counts(self, house: House) -> None:
        """Filled or not, cancelled or not, by a limit or a quote; the refusal says what is left and when there is
        more.
        """
        sell(house, "bo", 3, 5)
        take_back(house, "al", buy(house, "al", 4, 1).order)
        house.now_ms += 1_000
        use(house, "al", quote(house, "al", "buy", 3))
        assert refused(buy(house, "al", 4, 1)) == ("buy_limit", {"left": 3, "retry_after_ms": 59_000})
        buy(house, "al", 3, 1)
        assert refused(buy(house, "al", 1, 1)) == ("buy_limit", {"left": 0, "retry_after_ms": 59_000})

    def test_a_new_window_begins_when_the_old_one_is_over(self, house: House) -> None:
        """At the instant that was told, and not before."""
        buy(house, "al", 10, 1)
        house.now_ms += 59_999
        assert refused(buy(house, "al", 1, 1)) == ("buy_limit", {"left": 0, "retry_after_ms": 1})
        house.now_ms += 1
        buy(house, "al", 10, 1)
        assert refused(buy(house, "al", 1, 1)) == ("buy_limit", {"left": 0, "retry_after_ms": 60_000})

    def test_more_than_the_limit_is_never_ordered_at_once(self, house: House) -> None:
        """It says how much may be."""
        assert refused(buy(house, "al", 11, 1)) == ("buy_limit", {"left": 10, "retry_after_ms": 60_000})

    def test_it_is_one_players_one_commodity_and_one_side(self, house: House) -> None:
        """Others, other commodities and sales have no part in it."""
        buy(house, "al", 10, 1)
        assert buy(house, "al", 1, 5, commodity="salt").resting == 1
        assert sell(house, "al", 50, 9).resting == 50
        assert buy(house, "bo", 10, 1).resting == 10


class TestOwnOrders:
    """Nobody trades with himself: an own order is stepped over."""

    def test_an_order_passes_by_the_own_ones(self, house: House) -> None:
        """It meets those behind them, and what is left rests beside them, in a book that is crossed."""
        sell(house, "cy", 5, 4)
        sell(house, "bo", 5, 5)
        answer = buy(house, "cy", 8, 5)
        assert (answer.fills, answer.resting) == ([Level(5, 5)], 3)
        assert book(house) == ([(5, 3, 1)], [(4, 5, 1)])

    def test_others_meet_both(self, house: House) -> None:
        """Who buys meets the own offer to sell, who sells the own offer to buy."""
        sell(house, "cy", 5, 4)
        buy(house, "cy", 5, 6)
        assert buy(house, "al", 5, 9).fills == [Level(4, 5)]
        assert sell(house, "bo", 5, 1).fills == [Level(6, 5)]
        assert book(house) == ([], [])

    def test_a_quote_leaves_them_out(self, house: House) -> None:
        """What the own orders offer is nothing that one could buy."""
        sell(house, "cy", 5, 4)
        assert refused(quote(house, "cy", "buy", 1)) == ("insufficient_goods", {"available": 0})
        sell(house, "bo", 5, 5)
        assert quote(house, "cy", "buy", 5).total == 25


class TestFrozen:
    """What an operator has stopped."""

    def test_a_frozen_player_is_not_met(self, house: House) -> None:
        """Orders that rest stay, and are stepped over until the player is thawed."""
        sell(house, "bo", 5, 4)
        sell(house, "cy", 5, 5)
        house.freeze("player", "bo")
        assert quote(house, "al", "buy", 5).total == 25
        assert buy(house, "al", 2, 9).fills == [Level(5, 2)]
        assert refused(sell(house, "bo", 1, 1)) == ("frozen", {"what": "player", "id": "bo"})
        assert refused(quote(house, "bo", "sell", 1))[0] == "frozen"
        house.thaw("player", "bo")
        assert buy(house, "al", 2, 9).fills == [Level(4, 2)]

    @pytest.mark.parametrize(("what", "thing"), [("house", None), ("category", "ores"), ("commodity", "tin")])
    def test_nothing_is_ordered_but_orders_may_be_cancelled(self, house: House, what: str, thing: str | None) -> None:
        """Unless the operator says otherwise."""
        first, second = buy(house, "al", 1, 1).order, buy(house, "al", 1, 1).order
        house.freeze(what, thing)
        assert refused(buy(house, "al", 1, 1)) == ("frozen", {"what": what, "id": thing})
        assert take_back(house, "al", first).returned.gold == 1
        house.freeze(what, thing, claims=False)
        assert refused(take_back(house, "al", second))[0] == "frozen"
        assert refused(take_back(house, "al", "x"))[0] == "no_such_order"

    def test_other_commodities_go_on(self, house: House) -> None:
        """A commodity is frozen alone."""
        house.freeze("commodity", "salt")
        assert buy(house, "al", 1, 1).resting == 1


class TestCancel:
    """A cancellation gives back what is left, and nothing else."""

    def test_gold_enters_the_wallet_by_itself(self, house: House) -> None:
        """All that the order held, and the answer says so."""
        order = buy(house, "al", 10, 5).order
        assert take_back(house, "al", order) == CancelledOrderResult(order, Returned(50, 0))
        assert (house.wallet("al"), house.escrowed("al"), waiting(house, "al")) == (10_000, 0, [])
        assert book(house) == ([], [])

    def test_goods_wait(self, house: House) -> None:
        """As a delivery, of which the player is told."""
        order = sell(house, "bo", 10, 5).order
        assert take_back(house, "bo", order) == CancelledOrderResult(order, Returned(0, 10))
        assert waiting(house, "bo") == [("returned", 0, {"tin": 10})]
        assert house.notices("bo") == [("delivery.arrived", {"delivery": f"{BO}.d1", "kind": "returned"})]
        assert stash(house, "bo") == 990

    @pytest.mark.parametrize("filled", range(1, 10))
    def test_only_what_is_left_comes_back(self, house: House, filled: int) -> None:
        """What was filled before never does: fills and returns together are what was put in."""
        bought, sold = buy(house, "al", 10, 5).order, sell(house, "bo", 10, 7).order
        sell(house, "cy", filled, 5)
        buy(house, "di", filled, 7)
        assert take_back(house, "al", bought).returned == Returned(5 * (10 - filled), 0)
        assert take_back(house, "bo", sold).returned == Returned(0, 10 - filled)
        assert house.wallet("al") == 10_000 - 5 * filled

    def test_what_is_gone_is_closed(self, house: House) -> None:
        """Filled, cancelled, or never at rest."""
        sell(house, "bo", 1, 5)
        at_once = buy(house, "al", 1, 5).order
        cancelled = buy(house, "al", 1, 1).order
        take_back(house, "al", cancelled)
        filled = buy(house, "al", 1, 1).order
        sell(house, "bo", 1, 1)
        for order in (at_once, cancelled, filled):
            assert refused(take_back(house, "al", order)) == ("order_closed", {})

    @pytest.mark.parametrize("order", ["", "x", f"{BO}.o1", f"{AL}.o99", f"{AL}.l1", f"{AL}.o01"])
    def test_only_the_own_orders_can_be_cancelled(self, house: House, order: str) -> None:
        """Another's order is none, as is one that was never placed."""
        sell(house, "bo", 1, 5)
        buy(house, "al", 1, 1)
        assert refused(take_back(house, "al", order)) == ("no_such_order", {})
        assert refused(take_back(house, "nobody", order)) == ("no_such_order", {})

    def test_a_full_wallet_leaves_the_gold_waiting(self) -> None:
        """It is never lost, and never more than a wallet may hold."""
        house = House()
        house.grant("al", gold=100)
        order = buy(house, "al", 10, 10).order
        house.grant("al", gold=MAX)
        assert take_back(house, "al", order).returned == Returned(100, 0)
        assert waiting(house, "al") == [("refund", 100, {})]
        assert house.notices("al") == [("delivery.arrived", {"delivery": f"{AL}.d1", "kind": "refund"})]
        (delivery,) = house.deliveries("al")
        assert house.refusal("al", ClaimDelivery(delivery=delivery.delivery))[0] == "wallet_full"


class TestDeliveries:
    """What was bought or sold waits, and players are told."""

    def test_fills_of_one_order_wait_together(self, house: House) -> None:
        """A delivery grows until it is claimed; then the next begins, told anew."""
        buy(house, "al", 10, 5)
        sell(house, "bo", 2, 5)
        house.now_ms += 5
        sell(house, "cy", 3, 5)
        (delivery,) = house.deliveries("al")
        assert (delivery.kind, delivery.commodities, delivery.at_ms) == ("filled", {"tin": 5}, START_MS)
        house.claim_all("al")
        assert stash(house, "al") == 5
        sell(house, "bo", 1, 5)
        assert waiting(house, "al") == [("filled", 0, {"tin": 1})]
        order, first, second = f"{AL}.o1", f"{AL}.d1", f"{AL}.d2"
        figures = {"order": order, "commodity": "tin", "price": 5}
        assert house.notices("al") == [
            ("commodity.filled", {**figures, "quantity": 2, "remaining": 8}),
            ("delivery.arrived", {"delivery": first, "kind": "filled"}),
            ("commodity.filled", {**figures, "quantity": 3, "remaining": 5}),
            ("commodity.filled", {**figures, "quantity": 1, "remaining": 4}),
            ("delivery.arrived", {"delivery": second, "kind": "filled"}),
        ]

    def test_who_comes_second_is_told_of_the_delivery_alone(self, house: House) -> None:
        """The answer says what was filled; what rests of it afterwards joins the same delivery."""
        sell(house, "bo", 2, 5)
        buy(house, "al", 3, 5)
        assert house.notices("al") == [("delivery.arrived", {"delivery": f"{AL}.d1", "kind": "filled"})]
        sell(house, "bo", 1, 5)
        assert waiting(house, "al") == [("filled", 0, {"tin": 3})]

    def test_orders_have_deliveries_of_their_own(self, house: House) -> None:
        """Two orders, two deliveries, for gold as for goods."""
        sell(house, "bo", 4, 5)
        sell(house, "bo", 4, 6)
        buy(house, "al", 8, 6)
        assert waiting(house, "bo") == [("filled", 17, {}), ("filled", 20, {})]
        assert waiting(house, "al") == [("filled", 0, {"tin": 8})]

    @pytest.mark.parametrize(("bid", "deliveries"), [(MAX - 1, [MAX]), (MAX, [MAX, 1])])
    def test_a_delivery_never_holds_more_than_can_be_claimed(self, bid: int, deliveries: list[int]) -> None:
        """Where what an order sold for would pass the largest amount, another delivery begins."""
        house = House(Rules(fee_bp=0))
        house.grant("al", commodities={"tin": 2})
        for player in ("bo", "cy"):
            house.grant(player, gold=MAX)
        buy(house, "bo", 1, bid)
        assert sell(house, "al", 2, 1).received == bid
        assert buy(house, "cy", 1, 1).filled == 1
        assert waiting(house, "al") == [("filled", gold, {}) for gold in deliveries]


class TestKeys:
    """A mutation is executed once a key."""

    def test_the_same_key_gives_the_same_answer(self, house: House) -> None:
        """One order, whatever happened to it since; the same of a cancellation."""
        placed = house.answer("al", BuyCommodity(commodity="tin", quantity=2, limit_price=5, key="k"))
        sell(house, "bo", 1, 5)
        again = house.answer("al", BuyCommodity(commodity="tin", quantity=2, limit_price=5, key="k"))
        assert again.encoded == placed.encoded and not again.refused
        order = f"{AL}.o1"
        gone = house.answer("al", CancelOrder(order=order, key="c"))
        assert house.answer("al", CancelOrder(order=order, key="c")).encoded == gone.encoded
        assert house.wallet("al") == 9_995

    def test_another_order_under_it_is_refused(self, house: House) -> None:
        """Another price is another request, and so is the other side."""
        buy(house, "cy", 2, 5, key="k")
        assert refused(buy(house, "cy", 2, 6, key="k"))[0] == "key_reused"
        assert refused(sell(house, "cy", 2, 5, key="k"))[0] == "key_reused"

    def test_a_refusal_leaves_it_free(self, house: House) -> None:
        """Decided anew, the same request may do better."""
        assert refused(buy(house, "eve", 2, 5, key="k"))[0] == "insufficient_gold"
        house.grant("eve", gold=10)
        assert buy(house, "eve", 2, 5, key="k").resting == 2


class TestLimitsOfOneOrder:
    """An order meets so many others, for so much gold."""

    def test_what_would_still_cross_comes_back(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """It does not rest across the book, for buyers and sellers alike; with nobody left to meet it does."""
        monkeypatch.setattr(matching, "FILLS_MAX", 2)
        for player in ("bo", "cy", "di"):
            sell(house, player, 2, 5)
        answer = buy(house, "al", 10, 5)
        assert (answer.filled, answer.resting, answer.paid) == (4, 0, 20)
        assert (house.wallet("al"), house.escrowed("al")) == (9_980, 0)
        answer = buy(house, "al", 10, 5)
        assert (answer.filled, answer.resting) == (2, 8)
        for player in ("cy", "di"):
            buy(house, player, 1, 5)
        answer = sell(house, "bo", 20, 5)
        assert (answer.filled, answer.resting) == (9, 0)
        assert stash(house, "bo") == 1_000 - 2 - 9
        assert waiting(house, "bo")[-1] == ("filled", 34 + 4, {})

    def test_it_brings_no_more_gold_than_one_wallet_holds(self) -> None:
        """Two bids of half of all gold there can be, and one more: what that one would have bought comes back."""
        house = House(Rules(fee_bp=0))
        house.grant("al", commodities={"tin": 3})
        for player in ("bo", "cy", "di"):
            house.grant(player, gold=MAX)
            buy(house, player, 1, 2**52)
        answer = sell(house, "al", 3, 1)
        assert (answer.filled, answer.resting, answer.received) == (1, 0, 2**52)
        assert stash(house, "al") == 2
        assert refused(quote(house, "al", "sell", 2)) == ("insufficient_goods", {"available": 1})

    def test_a_part_of_an_order_is_met_where_the_whole_would_be_too_much(self) -> None:
        """Priority is kept: a worse order is not met while a better one has pieces left."""
        house = House(Rules(fee_bp=0))
        house.grant("al", commodities={"tin": 100})
        house.grant("bo", gold=MAX)
        house.grant("cy", gold=MAX)
        house.grant("di", gold=10)
        buy(house, "bo", 1, MAX - 25)
        buy(house, "cy", 5, 10)
        buy(house, "di", 5, 1)
        answer = sell(house, "al", 11, 1)
        assert (answer.fills, answer.resting) == ([Level(MAX - 25, 1), Level(10, 2)], 0)

    def test_sums_of_a_level_are_shown_no_larger_than_amounts_go(self) -> None:
        """Two players can offer more of a commodity than any number of the protocol can say."""
        house = House()
        for player in ("al", "bo"):
            house.grant(player, commodities={"tin": MAX})
            assert sell(house, player, MAX, 1).resting == MAX
        assert book(house) == ([], [(1, MAX, 2)])
        house.grant("cy", gold=MAX)
        assert buy(house, "cy", MAX, 1).filled == MAX
        assert book(house) == ([], [(1, MAX, 1)])


class TestPaging:
    """`commodity.orders` comes in pages."""

    def test_pages_neither_repeat_nor_skip(self, house: House) -> None:
        """Oldest first, with a cursor that belongs to the query."""
        placed = [buy(house, "al", 1, price).order for price in (5, 3, 4, 1, 2)]
        seen: list[str] = []
        cursor = None
        while True:
            page = house.ask("al", MyOrders(limit=2, cursor=cursor))
            seen.extend(row.order for row in page.orders)
            cursor = page.next
            if cursor is None:
                break
        assert seen == placed
        assert house.refusal("al", MyOrders(cursor="x.1"))[0] == "cursor_mismatch"

    def test_reading_creates_nothing(self, house: House) -> None:
        """A player who owns nothing has no orders, and a market that nobody used is empty."""
        assert resting(house, "nobody") == {}
        assert book(house, "salt") == ([], [])
        assert house.done(house.ask("nobody", GetPlayer())).gold.escrowed == 0
        assert house.state("nobody").head() is None and house.market("salt").head() is None


Order = Callable[..., Any]


@pytest.mark.parametrize(("first", "second"), [(buy, sell), (sell, buy)])
def test_an_order_concerns_only_those_whom_it_meets(house: House, first: Order, second: Order) -> None:
    """The record names the market, the player who came, and those who were met."""
    first(house, "cy", 2, 5)
    first(house, "di", 2, 5)
    assert not isinstance(second(house, "al" if second is buy else "bo", 2, 5), Refusal)
    assert len(house.records[-1]) == 3
    assert store_of("di") not in house.records[-1]
