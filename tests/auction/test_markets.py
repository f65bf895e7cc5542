"""A market's store: its levels, who is met, what it remembers of trades, and that its books agree with its rows."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from auction.amounts import LIFETIME_MAX
from auction.commands import GetBook, GetCandles
from auction.conservation import Totals, faults
from auction.market import book as market_book
from auction.market.levels import Levels
from auction.market.state import BUCKETS_S, Book, MarketState
from auction.results import BookLevel, BookResult, CandleView, LastPrice, Level
from auction.state import AuditEntry, OrderSide, Passage
from tests.auction.house import MAX, START_MS, House, market_of, refused, replayed, rows_of, store_of
from tests.auction.naive_market import NaiveMarket
from tests.auction.ordering import book, buy, quote, sell, take_back
from worlddata.types import Rules

AL, BO = store_of("al"), store_of("bo")
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000


def rich(rules: Rules | None = None, *players: str) -> House:
    """A house where everybody has plenty."""
    house = House(rules or Rules(max_orders=1_000))
    for player in players or ("al", "bo", "cy"):
        house.grant(player, gold=2**45, commodities={"tin": 2**40})
    return house


class TestLevels:
    """The derived order of a book."""

    @given(
        side=st.sampled_from(["buy", "sell"]),
        steps=st.lists(
            st.tuples(st.integers(1, 6), st.integers(1, 9), st.integers(0, 30), st.integers(0, 10)), max_size=30
        ),
    )
    def test_they_are_as_a_plain_list_would_say(self, side: OrderSide, steps: list[tuple[int, int, int, int]]) -> None:
        """Orders come, lose pieces and go, in any order: the best price is first, and at each who came first."""
        levels, paper = Levels(side), NaiveMarket()
        for number, (price, quantity, place, taken) in enumerate(steps):
            if taken < 6:
                levels.add(price, f"o{number}", quantity)
                paper.place(f"o{number}", "al", side, quantity, price)
            elif paper.resting:
                row = paper.resting[place % len(paper.resting)]
                less = min(taken - 5, row.left)
                row.left -= less
                levels.take(row.price, row.order, less, row.left)
                paper.resting = [other for other in paper.resting if other.left]
        shown = [(level.price, level.quantity, len(level.orders)) for level in levels.best_first()]
        assert shown == paper.levels(side)
        for level in levels.best_first():
            assert list(level.orders) == [row.order for row in paper.resting if row.price == level.price]

    def test_an_order_stands_in_a_level_once(self) -> None:
        """Twice would be a bug of ours."""
        levels = Levels("buy")
        levels.add(5, "o", 1)
        with pytest.raises(AssertionError):
            levels.add(5, "o", 1)

    def test_a_loaded_book_is_in_the_same_order(self) -> None:
        """Rows read in any order make the same levels and the same candles."""
        house = rich()
        for price in (5, 3, 5, 4):
            buy(house, "al", 3, price)
            sell(house, "bo", 3, price + 5)
            house.now_ms += 40_000
        sell(house, "cy", 4, 4)
        state, loaded = house.market("tin"), MarketState()
        for name in MarketState.TABLES:
            rows = getattr(state, name).rows
            getattr(loaded, name).rows = dict(sorted(rows.items(), key=str, reverse=True))
        loaded.recount()
        assert rows_of(loaded) == rows_of(state)
        for level in loaded.bids.best_first():
            assert list(level.orders) == list(state.bids.by_price[level.price].orders)


SIDES: list[tuple[Callable[..., Any], Callable[..., Any]]] = [(sell, buy), (buy, sell)]


class TestBoundaries:
    """Orders that consume levels exactly, one piece less, and one more."""

    LEVELS = ((5, 2), (5, 3), (6, 1), (7, 4), (7, 1), (9, 2))
    """Price and pieces of each order that rests, the best first."""

    @pytest.mark.parametrize("more", [-1, 0, 1])
    @pytest.mark.parametrize("orders", range(1, len(LEVELS) + 1))
    @pytest.mark.parametrize("limit", [None, 0, -1])
    @pytest.mark.parametrize(("rest", "come"), SIDES)
    def test_at_the_end_of_every_order(
        self, rest: Callable[..., Any], come: Callable[..., Any], orders: int, more: int, limit: int | None
    ) -> None:
        """With the limit at the worst price there is, at that of the order where it ends, and one tick before it:
        fills, what rests, and the book are those of the naive one.
        """
        house, paper = rich(), NaiveMarket()
        side = "buy" if come is buy else "sell"
        prices = [price if side == "buy" else 20 - price for price, _ in self.LEVELS]
        for number, (_, quantity) in enumerate(self.LEVELS):
            rest(house, ("bo", "cy")[number % 2], quantity, prices[number])
            paper.place(f"r{number}", "bo", "sell" if side == "buy" else "buy", quantity, prices[number])
        worst = prices[-1] if limit is None else prices[orders - 1] + (limit if side == "buy" else -limit)
        quantity = sum(quantity for _, quantity in self.LEVELS[:orders]) + more
        answer = come(house, "al", quantity, worst)
        outcome = paper.place("i", "al", side, quantity, worst)
        assert [(fill.price, fill.quantity) for fill in answer.fills] == outcome.fills()
        assert (answer.filled, answer.resting) == (quantity - outcome.left, outcome.left)
        assert book(house) == (paper.levels("buy"), paper.levels("sell"))

    @pytest.mark.parametrize("more", [-1, 0, 1])
    @pytest.mark.parametrize("orders", range(1, len(LEVELS) + 1))
    @pytest.mark.parametrize(("rest", "side"), [(sell, "buy"), (buy, "sell")])
    def test_quotes_at_the_end_of_every_order(
        self, rest: Callable[..., Any], side: Any, orders: int, more: int
    ) -> None:
        """The total is that of the naive book, to the piece; one piece more than there is cannot be quoted."""
        house, paper = rich(), NaiveMarket()
        for number, (price, quantity) in enumerate(self.LEVELS):
            at = price if side == "buy" else 20 - price
            rest(house, "bo", quantity, at)
            paper.place(f"r{number}", "bo", "sell" if side == "buy" else "buy", quantity, at)
        quantity = sum(quantity for _, quantity in self.LEVELS[:orders]) + more
        outcome = paper.look("al", side, quantity, None)
        answer = quote(house, "al", side, quantity)
        if outcome.left:
            assert refused(answer) == ("insufficient_goods", {"available": quantity - 1})
        else:
            assert (answer.total, [(row.price, row.quantity) for row in answer.levels]) == (
                outcome.gross(),
                outcome.fills(),
            )


class TestTheBook:
    """`commodity.book`."""

    def test_it_shows_the_best_levels_and_the_last_trade(self) -> None:
        """As many levels as asked for, each with its pieces and orders."""
        house = rich()
        for price in (1, 2, 3, 3):
            buy(house, "al", 4, price)
            sell(house, "bo", 5, price + 5)
        sell(house, "cy", 6, 3)
        house.now_ms += 7
        sell(house, "cy", 1, 3)
        house.now_ms += 5
        shown = house.ask("anybody", GetBook(commodity="tin", depth=2))
        last = LastPrice(3, START_MS + 7)
        assert shown == BookResult(
            [BookLevel(3, 1, 1), BookLevel(2, 4, 1)], [BookLevel(6, 5, 1), BookLevel(7, 5, 1)], last
        )

    def test_it_is_not_full_before_it_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An order that would be one too many is refused; one that makes room by what it meets, or never rests, is
        not.
        """
        monkeypatch.setattr(market_book, "BOOK_ORDERS_MAX", 3)
        house = rich()
        for price in (1, 2):
            buy(house, "al", 5, price)
        sell(house, "bo", 5, 9)
        wallet = house.wallet("al")
        assert refused(buy(house, "al", 1, 3)) == ("order_limit", {})
        assert house.wallet("al") == wallet
        assert buy(house, "al", 5, 9).filled == 5
        sell(house, "bo", 5, 9)
        assert buy(house, "al", 6, 9).resting == 1
        assert refused(sell(house, "bo", 5, 10)) == ("order_limit", {})

    @pytest.mark.parametrize("more", [0, 1])
    @pytest.mark.parametrize(("balance", "order"), [("gold_elsewhere", buy), ("goods_elsewhere", sell)])
    def test_its_sums_are_bounded(self, balance: str, order: Callable[..., Any], more: int) -> None:
        """What comes in and was burned stays within what a store can count, or goes back."""
        house = rich()
        assert order(house, "al", 1, 1).resting == 1
        setattr(house.market("tin").book.to_change(), balance, -(LIFETIME_MAX - 10))
        house.check = lambda: None  # type: ignore[method-assign]  # the balance is made up
        answer = order(house, "al", 10 + more, 1)
        assert refused(answer) == ("order_limit", {}) if more else answer.resting == 10


class TestCandles:
    """`commodity.history`."""

    def candles(self, house: House, bucket_s: Any, limit: int = 50) -> list[CandleView]:
        """Oldest first."""
        shown: list[CandleView] = house.ask(
            "anybody", GetCandles(commodity="tin", bucket_s=bucket_s, limit=limit)
        ).candles
        return shown

    def trade(self, house: House, price: int, quantity: int) -> None:
        """One trade."""
        sell(house, "al", quantity, price)
        assert buy(house, "bo", quantity, price).filled == quantity

    def test_a_candle_has_the_trades_of_its_time(self) -> None:
        """Open, high, low, close and pieces; a minute without trades has none."""
        house = rich()
        begin_ms = house.now_ms = START_MS // DAY_MS * DAY_MS + DAY_MS
        for price, quantity in ((5, 2), (9, 1), (3, 4), (4, 1)):
            self.trade(house, price, quantity)
            house.now_ms += 15_000 - (price == 4)
        house.now_ms += MINUTE_MS + 1
        self.trade(house, 6, 7)
        first = CandleView(begin_ms, 5, 9, 3, 4, 8)
        assert self.candles(house, 60) == [first, CandleView(begin_ms + 2 * MINUTE_MS, 6, 6, 6, 6, 7)]
        assert self.candles(house, 60, limit=1) == [CandleView(begin_ms + 2 * MINUTE_MS, 6, 6, 6, 6, 7)]
        whole = CandleView(begin_ms, 5, 9, 3, 6, 15)
        assert self.candles(house, 3_600) == self.candles(house, 86_400) == [whole]

    @pytest.mark.parametrize(("late_ms", "at_ms"), [(-1, 0), (0, MINUTE_MS), (1, MINUTE_MS)])
    def test_it_ends_to_the_millisecond(self, late_ms: int, at_ms: int) -> None:
        """The end of a minute belongs to the next."""
        house = rich()
        begin_ms = house.now_ms = START_MS // DAY_MS * DAY_MS
        house.now_ms += MINUTE_MS + late_ms
        self.trade(house, 5, 1)
        assert [row.at_ms for row in self.candles(house, 60)] == [begin_ms + at_ms]

    def test_every_fill_of_an_order_counts(self) -> None:
        """From the best price on: the first is the open, the last the close and the last price."""
        house = rich()
        for price in (4, 2, 3):
            sell(house, "al", 1, price)
        buy(house, "bo", 3, 9)
        (candle,) = self.candles(house, 86_400)
        assert (candle.open, candle.high, candle.low, candle.close, candle.volume) == (2, 4, 2, 4, 3)
        assert house.ask("al", GetBook(commodity="tin")).last == LastPrice(4, START_MS)

    def test_only_so_many_are_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The oldest goes with its row; replay forgets the same."""
        monkeypatch.setitem(BUCKETS_S, 60, 3)
        house = rich()
        for price in range(1, 6):
            self.trade(house, price, 1)
            house.now_ms += MINUTE_MS
        assert [row.open for row in self.candles(house, 60)] == [3, 4, 5]
        assert sum(row.bucket_s == 60 for row in house.market("tin").candles) == 3
        (hour,) = self.candles(house, 3_600)[-1:]
        assert hour.close == 5
        assert rows_of(replayed(house.records)[market_of("tin")]) == rows_of(house.market("tin"))

    def test_a_clock_that_is_behind_makes_no_old_candle(self) -> None:
        """A book's new home may be a little late: the latest candle takes the trade."""
        house = rich()
        self.trade(house, 5, 1)
        house.now_ms -= HOUR_MS
        self.trade(house, 7, 1)
        (candle,) = self.candles(house, 60)
        assert (candle.high, candle.volume) == (7, 2)

    def test_volumes_are_bounded(self) -> None:
        """Counted as far as numbers go."""
        house = House(Rules(fee_bp=0))
        house.grant("al", commodities={"tin": MAX})
        house.grant("bo", gold=MAX)
        self.trade(house, 1, MAX)
        house.claim_all("al")
        house.claim_all("bo")
        sell(house, "bo", MAX, 1)
        buy(house, "al", MAX, 1)
        assert [row.volume for row in self.candles(house, 60)] == [MAX]


class TestMemory:
    """What a market and players' stores keep of fills for ever."""

    def test_each_side_of_a_fill_is_a_row(self) -> None:
        """In the market with the other player, who the players' own stores do not know."""
        house = rich(None, "al", "bo")
        sell(house, "bo", 5, 10)
        buy(house, "al", 3, 12)
        bought, sold = f"{AL}.o1", f"{BO}.o1"
        assert list(house.market("tin").history) == [
            Passage(1, START_MS, "filled", sold, "al", gold_in=25, commodities_out={"tin": 3}),
            Passage(2, START_MS, "filled", bought, "bo", gold_out=30, commodities_in={"tin": 3}),
        ]
        assert list(house.state("al").history)[1:] == [
            Passage(2, START_MS, "filled", bought, None, gold_out=30, commodities_in={"tin": 3})
        ]
        assert list(house.state("bo").history)[1:] == [
            Passage(2, START_MS, "filled", sold, None, gold_in=25, commodities_out={"tin": 3})
        ]

    def test_a_fill_of_great_worth_is_in_the_audit_log(self) -> None:
        """Each fill by itself, in the market's store."""
        house = rich(Rules(audit_worth=50))
        sell(house, "bo", 5, 9)
        sell(house, "cy", 5, 10)
        sell(house, "bo", 6, 10)
        buy(house, "al", 16, 10)
        buyer = ("al", "player", "trade")
        first, second = f"{store_of('cy')}.o1", f"{BO}.o2"
        assert list(house.market("tin").audit) == [
            AuditEntry(1, START_MS, *buyer, first, 50, f"5 of tin from cy, by {AL}.o1"),
            AuditEntry(2, START_MS, *buyer, second, 60, f"6 of tin from bo, by {AL}.o1"),
        ]
        buy(house, "al", 10, 7)
        sell(house, "cy", 10, 7)
        entry = list(house.market("tin").audit)[-1]
        assert (entry.who, entry.worth, entry.detail) == ("al", 70, f"10 of tin from cy, by {store_of('cy')}.o2")

    def test_the_ledger_tells_where_gold_went(self) -> None:
        """Out with the order, back with what was not spent, and waiting with what was got."""
        house = rich(None, "al", "bo")
        sell(house, "bo", 5, 10)
        order = buy(house, "al", 8, 12).order
        take_back(house, "al", order)
        entries = [(row.debit, row.credit, row.amount, row.reason, row.ref) for row in house.state("al").ledger]
        assert entries[1:] == [
            ("elsewhere", "wallet", 96, "order", order),
            ("wallet", "elsewhere", 10, "refund", order),
            ("wallet", "elsewhere", 36, "refund", order),
        ]
        entries = [(row.debit, row.credit, row.amount, row.reason, row.ref) for row in house.state("bo").ledger]
        assert entries[1:] == [("waiting", "elsewhere", 42, "filled", f"{BO}.d1")]


class TestProofs:
    """What the proofs say of a market's store."""

    @pytest.fixture
    def house(self) -> House:
        """A book of two sides, and a fee that was burned."""
        house = rich()
        buy(house, "al", 10, 5)
        sell(house, "bo", 4, 5)
        sell(house, "bo", 10, 7)
        return house

    def test_a_book_is_counted(self, house: House) -> None:
        """Gold and pieces of orders that rest are in escrow, fees are burned."""
        totals = Totals()
        totals.add(house.market("tin"))
        assert (totals.stores, totals.gold.escrow, totals.gold.burned) == (1, 30, 3)
        assert totals.commodities["tin"].escrow == 10

    @pytest.mark.parametrize(
        ("tamper", "fault"),
        [
            (lambda state: setattr(state.book.rows[0], "gold_burned", 2), "balances of gold"),
            (lambda state: setattr(state.book.rows[0], "goods_elsewhere", -9), "balances of pieces"),
            (lambda state: state.orders.drop(f"{AL}.o1"), "gold in escrow"),
            (lambda state: state.orders.drop(f"{BO}.o2"), "pieces in escrow"),
        ],
    )
    def test_what_is_wrong_is_named(self, house: House, tamper: Callable[[MarketState], None], fault: str) -> None:
        """Each balance that its rows do not bear out."""
        state = house.market("tin")
        assert faults(state) == []
        tamper(state)
        assert any(fault in found and market_of("tin") in found for found in faults(state))

    def test_an_order_holds_what_it_is_worth(self, house: House) -> None:
        """In its owner's store as well."""
        state = house.state("al")
        (row,) = state.orders
        state.orders.put(row.order, replace(row, gold=row.gold + 1))
        assert faults(state) == [f"store {AL}: an order does not hold what it is worth"]

    def test_a_market_that_was_never_used_has_no_faults(self) -> None:
        """And holds nothing."""
        state, totals = MarketState(), Totals()
        totals.add(state)
        assert (faults(state), totals.stores) == ([], 0)

    def test_the_row_of_a_market_says_what_it_is_of(self, house: House) -> None:
        """Its first event wrote it."""
        head = house.market("tin").head()
        assert isinstance(head, Book)
        assert (head.commodity, head.store, head.life, head.orders_taken) == ("tin", market_of("tin"), 1, 3)


def test_the_price_of_who_rested_counts_for_either_side() -> None:
    """Orders that cross by far trade at the price that stood in the book."""
    house = rich()
    sell(house, "bo", 1, 2)
    assert buy(house, "al", 1, 900).fills == [Level(2, 1)]
    buy(house, "al", 1, 900)
    assert sell(house, "bo", 1, 2).fills == [Level(900, 1)]
