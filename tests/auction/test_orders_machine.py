"""Random lives of commodity markets beside the same on paper, on one node and on three.

Orders, quotes, cancellations and claims come in any order; transfers arrive late, twice, and out of turn. After every
step the whole house is conserved and its stores agree, with what lies between them explained
(`tests.auction.nodes.Nodes.check`). What a market does is what the naive book does with the same orders in the same
order, and what every player hears, has and waits for is what paper says (`tests.auction.naive_market`).
"""

from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from auction.commands import (
    BuyCommodity,
    CancelOrder,
    ClaimDelivery,
    GetBook,
    ListDeliveries,
    MyOrders,
    QuoteCommodity,
    SellCommodity,
)
from auction.context import Answer
from auction.events import Record, TransferSent, TransferTaken
from auction.market import matching
from auction.market.events import CancelIn, CancelSent, OrderDone, OrderEnded, OrderFilled, OrderIn, OrderSent
from auction.outcomes import Executed, Gap, Locked, Sent, Undecided, a_market
from auction.refusals import Refusal
from auction.results import OrderResult, QuoteResult
from tests.auction.house import CATALOG, market_of, replayed, rows_of
from tests.auction.naive_market import Paper
from tests.auction.nodes import Nodes
from worlddata.types import Rules

RULES = Rules(fee_bp=1_234, price_min=2, price_max=60, max_orders=7, audit_worth=300)
PLAYERS = ("al", "bo", "cy", "di")
FILLS_MAX = 2
TICKS = {commodity: row.tick for commodity, row in CATALOG.commodities.items()}
players = st.sampled_from(PLAYERS)
commodities = st.sampled_from(sorted(TICKS))
sides = st.sampled_from(["buy", "sell"])
pieces = st.integers(1, 5) | st.integers(1, 30)
prices = st.integers(3, 7) | st.integers(0, 14)
"""In ticks."""
pick = st.integers(0, 2**16)


class Trading(RuleBasedStateMachine):
    """Four players, two commodities, and every delay there is."""

    HOMES: ClassVar[dict[str, str]]
    MARKETS: ClassVar[dict[str, str]]

    def __init__(self) -> None:
        super().__init__()
        self.nodes = Nodes(self.HOMES, RULES, self.MARKETS)
        self.paper = Paper(RULES, TICKS, FILLS_MAX)
        self.seen = 0
        """Records that paper knows."""
        self.quotes: list[tuple[str, QuoteResult]] = []
        self.used: dict[str, str] = {}
        """Order → the quote that it used."""
        self.under_way: set[str] = set()
        self.ending: set[str] = set()
        self.orders: list[tuple[str, str]] = []
        """Player and order."""
        self.asked: dict[str, tuple[str, Any]] = {}
        """Order → who asked for it how, under a key."""
        self.count = 0

    @initialize()
    def open_stores(self) -> None:
        """Everybody begins with gold, goods, and orders of which none crosses another."""
        for player in PLAYERS:
            self.grant(player, 500, 60)
        for place, player in enumerate(PLAYERS):
            for commodity in TICKS:
                self.place(player, commodity, "sell", 1 + place % 3, 6 + place // 2, odd=1)
                self.place(player, commodity, "buy", 4 - place % 3, 4 - place // 2, odd=1)
        self.settle()

    @rule(player=players, what=st.integers(0, 5), amount=st.integers(1, 60_000))
    def something_else(self, player: str, what: int, amount: int) -> None:
        """What is no order: gold and goods enter, a player claims all that waits, time passes."""
        if what == 0:
            self.grant(player, amount % 300, 1 + amount % 40)
        elif what == 1:
            self.claim(player)
        else:
            self.nodes.now_ms += amount if what == 2 else amount % 5_000

    def grant(self, player: str, gold: int, quantity: int) -> None:
        """Gold and goods enter."""
        self.nodes.grant(player, gold=gold, commodities=dict.fromkeys(TICKS, quantity))
        self.paper.wallet[player] += gold
        for commodity in TICKS:
            self.paper.stash[player, commodity] += quantity

    def key(self) -> str:
        """A new key."""
        self.count += 1
        return f"k{self.count}"

    def is_near(self, player: str, commodity: str) -> bool:
        """Whether a player's store and the market are on one node."""
        return self.HOMES[player] == self.MARKETS[commodity]

    def ask(self, player: str, ask: Any, expected: str) -> Any:
        """Ask, and compare what is heard at once: a "no" changes nothing. What comes later is compared then."""
        before = len(self.nodes.records)
        outcome = self.nodes.ask(player, ask)
        assert (expected == "ok") == (len(self.nodes.records) > before), (player, ask, outcome)
        if isinstance(outcome, Sent):
            heard = "ok"
        elif isinstance(outcome, Refusal):
            heard = outcome.reason
        else:
            heard = "undecided" if isinstance(outcome, Undecided) else "ok"
        assert heard == expected, (player, ask, outcome)
        self.read()
        return outcome

    @rule(
        player=players,
        commodity=commodities,
        side=sides,
        quantity=pieces,
        ticks=prices,
        odd=st.integers(0, 9),
    )
    def place(self, player: str, commodity: str, side: str, quantity: int, ticks: int, odd: int) -> None:
        """An order at a limit, which for once is no multiple of the tick."""
        price = ticks * TICKS[commodity] + (odd == 0)
        kind = BuyCommodity if side == "buy" else SellCommodity
        ask = kind(key=self.key(), commodity=commodity, quantity=quantity, limit_price=price)
        expected = self.paper.may_place(player, commodity, side, quantity, price)
        self.ask(player, ask, expected)
        if expected == "ok":
            self.asked[self.orders[-1][1]] = player, ask

    @rule(player=players, commodity=commodities, side=sides, orders=st.integers(1, 4), more=st.integers(-1, 1))
    def sweep(self, player: str, commodity: str, side: str, orders: int, more: int) -> None:
        """An order for as much as the first few orders of the other side have, one piece less, or one more."""
        first = self.paper.markets[commodity].crossing(player, side, None)[:orders]
        quantity = sum(row.left for row in first) + more
        if first and quantity:
            self.place(player, commodity, side, quantity, first[-1].price // TICKS[commodity], odd=1)

    @rule(player=players, commodity=commodities, side=sides, quantity=pieces)
    def quote(self, player: str, commodity: str, side: Any, quantity: int) -> None:
        """A quote says what the book offers now, but for the player's own orders."""
        paper = self.paper.markets[commodity].look(player, side, quantity, None)
        answer = self.nodes.ask(player, QuoteCommodity(commodity=commodity, side=side, quantity=quantity))
        if paper.left:
            assert answer == Refusal("insufficient_goods", {"available": quantity - paper.left})
        else:
            levels = [(level.price, level.quantity) for level in answer.levels]
            assert (answer.total, levels) == (paper.gross(), paper.fills())
            self.quotes.append((player, answer))

    @precondition(lambda self: self.quotes)
    @rule(place=pick)
    def use_quote(self, place: int) -> None:
        """An order by a quote, which may be old, used, or no longer what the book offers."""
        player, quote = self.quotes[-1 - place % min(len(self.quotes), 4)]
        kind = BuyCommodity if quote.side == "buy" else SellCommodity
        ask = kind(key=self.key(), quote=quote.quote)
        expected = self.quote_expected(player, quote)
        self.ask(player, ask, expected)
        if expected == "ok":
            order = self.orders[-1][1]
            self.asked[order] = player, ask
            if self.is_near(player, quote.commodity) or order in self.under_way:
                self.used[order] = quote.quote

    def quote_expected(self, player: str, quote: QuoteResult) -> str:
        """What is heard at once of an order by a quote."""
        if self.nodes.now_ms >= quote.expires_at_ms or quote.quote in self.used.values():
            return "quote_expired"
        if sum(order in self.under_way for order in self.paper.open[player]) >= RULES.max_orders:
            return "order_limit"
        expected = self.paper.can_pay(player, quote.commodity, quote.side, quote.quantity, quote.total)
        if expected == "ok" and self.is_near(player, quote.commodity):
            paper = self.paper.markets[quote.commodity].look(player, quote.side, quote.quantity, None)
            worse = paper.gross() > quote.total if quote.side == "buy" else paper.gross() < quote.total
            return "price_changed" if paper.left or worse else "ok"
        return expected

    @precondition(lambda self: self.orders)
    @rule(player=players, place=pick)
    def cancel(self, player: str, place: int) -> None:
        """Somebody cancels an order: nearly always the own one, of the latest."""
        owner, order = self.orders[-1 - place % min(len(self.orders), 8)]
        if place % 8:
            player = owner
        expected = "ok" if order in self.paper.open[player] else "order_closed"
        if player != owner:
            expected = "no_such_order"
        elif expected == "ok" and order in self.under_way | self.ending:
            expected = "undecided"
        self.ask(player, CancelOrder(key=self.key(), order=order), expected)

    @precondition(lambda self: self.nodes.unsent)
    @rule(place=pick, acknowledged=st.booleans())
    def carry(self, place: int, acknowledged: bool) -> None:
        """A transfer arrives, whose turn it may not be, and which may have come before."""
        sender, sent = self.nodes.unsent[place % len(self.nodes.unsent)]
        outcome = self.nodes.carry_one(sender, sent)
        earlier = [other for other in self.nodes.unsent if other[0] == sender and other[1].to == sent.to]
        taken = [other for other in earlier if other[1].number < sent.number and not self.is_taken(*other)]
        assert isinstance(outcome, Gap) == bool(taken)
        self.read()
        if isinstance(outcome, Executed) and acknowledged:
            self.nodes.unsent.remove((sender, sent))

    def is_taken(self, sender: str, sent: TransferSent) -> bool:
        """Whether a transfer has arrived once."""
        mark = self.nodes.store(sent.to).transfers_in.get(sender)
        return mark is not None and mark.number >= sent.number

    def claim(self, player: str) -> None:
        """A player claims all that waits."""
        for delivery in self.nodes.ask(player, ListDeliveries(limit=100)).deliveries:
            assert not isinstance(self.nodes.ask(player, ClaimDelivery(delivery=delivery.delivery)), Refusal)
        self.paper.claim(player)
        self.read()

    @precondition(lambda self: self.asked)
    @rule(place=pick)
    def repeat(self, place: int) -> None:
        """A repeated key waits for the answer, or gives it again; after a refusal it is another request."""
        order = list(self.asked)[place % len(self.asked)]
        player, ask = self.asked[order]
        if order in self.under_way:
            locked = self.nodes.ask(player, ask)
            assert isinstance(locked, Locked) and locked.listing == order
        elif f"\n{ask.key}" in self.nodes.state(player).keys:
            records = len(self.nodes.records)
            again = self.nodes.ask(player, ask)
            assert isinstance(again, Answer) and again.encoded is not None
            assert msgspec.msgpack.decode(again.encoded, type=OrderResult).order == order
            assert len(self.nodes.records) == records

    def read(self) -> None:
        """Put down on paper what happened: what was sent, what markets did with it, what players' stores heard."""
        for record in self.nodes.records[self.seen :]:
            self.sent(record)
            self.arrived(record)
            self.heard(record)
        self.seen = len(self.nodes.records)

    def sent(self, record: Record) -> None:
        """Orders and cancellations that left."""
        for store, events in record.items():
            for event in events:
                if isinstance(event, OrderSent):
                    row, player = event.order, self.nodes.names[store]
                    self.paper.send(row.order, player, row.commodity, row.side, row.quantity, row.gold)
                    self.under_way.add(row.order)
                    self.orders.append((player, row.order))
                elif isinstance(event, CancelSent):
                    self.ending.add(event.order)

    def arrived(self, record: Record) -> None:
        """Orders and cancellations that came to a market."""
        for event in (event for events in record.values() for event in events if isinstance(event, TransferTaken)):
            asked = event.payload
            if isinstance(asked, OrderIn):
                self.paper.arrive(
                    asked.order, asked.player, asked.commodity, asked.side, asked.quantity, asked.price, asked.total
                )
            elif isinstance(asked, CancelIn):
                self.paper.cancel(asked.order, asked.commodity)

    def heard(self, record: Record) -> None:
        """What came back."""
        for store, events in record.items():
            for event in events:
                if isinstance(event, TransferTaken):
                    told = event.payload
                    if isinstance(told, OrderDone | OrderFilled | OrderEnded):
                        self.news(self.nodes.names[store], told)

    def news(self, player: str, told: OrderDone | OrderFilled | OrderEnded) -> None:
        """Figures of the news, and of the answer that is stored."""
        news = self.paper.hear(told.order, player, told.commodity)
        if isinstance(told, OrderFilled):
            assert news.told == (told.price, told.quantity, told.remaining)
        elif isinstance(told, OrderDone):
            self.under_way.discard(told.order)
            if told.refusal is not None:
                self.used.pop(told.order, None)
            assert news.told == ((told.refusal.reason,) if told.refusal else figures(told))
        else:
            self.ending.discard(told.order)
            assert news.told == ((told.gold, told.pieces) if told.known else ("order_closed",))

    @invariant()
    def every_player_has_what_paper_says(self) -> None:
        """Wallets, stashes, what waits, and the orders as their owners see them."""
        for player in PLAYERS:
            state = self.nodes.state(player)
            assert state.gold() == self.paper.wallet[player]
            assert sum(row.gold for row in state.deliveries) == self.paper.waiting_gold[player]
            for commodity in TICKS:
                held = state.commodities.get(commodity)
                assert (0 if held is None else held.quantity) == self.paper.stash[player, commodity]
                waiting = sum(row.commodities.get(commodity, 0) for row in state.deliveries)
                assert waiting == self.paper.waiting[player, commodity]
            assert {row.order: row.remaining for row in state.orders} == self.paper.open[player]
            shown = self.nodes.ask(player, MyOrders(limit=100)).orders
            assert {row.order: row.remaining for row in shown} == {
                order: left for order, left in self.paper.open[player].items() if order not in self.under_way
            }
            keys = {row.key for row in state.awaited}
            assert set(state.open_keys) == keys

    @invariant()
    def every_book_stands_as_on_paper(self) -> None:
        """Levels, and who is first at each."""
        for commodity, paper in self.paper.markets.items():
            book = self.nodes.ask("al", GetBook(commodity=commodity, depth=100))
            assert [(row.price, row.quantity, row.orders) for row in book.bids] == paper.levels("buy")
            assert [(row.price, row.quantity, row.orders) for row in book.asks] == paper.levels("sell")
            state = a_market(self.nodes.store(market_of(commodity)))
            for levels in (state.bids, state.asks):
                for level in levels.best_first():
                    assert list(level.orders) == [
                        row.order for row in paper.resting if (row.side, row.price) == (levels.side, level.price)
                    ]
        books = [a_market(self.nodes.store(market_of(commodity))).head() for commodity in TICKS]
        assert sum(book.gold_burned for book in books if book is not None) == self.paper.burned

    def teardown(self) -> None:
        """Everything arrives, is cancelled and claimed; the records alone make the same house again."""
        if not self.nodes.records:
            return
        self.settle()
        for player in PLAYERS:
            for order in list(self.paper.open[player]):
                self.ask(player, CancelOrder(key=self.key(), order=order), "ok")
        self.settle()
        for player in PLAYERS:
            self.claim(player)
            assert not self.nodes.state(player).orders and not self.nodes.state(player).open_keys
        granted = sum(self.nodes.state(player).owner().gold_granted for player in PLAYERS)
        assert sum(self.paper.wallet.values()) + self.paper.burned == granted
        for state in self.nodes.states.values():
            before = rows_of(state)
            state.recount()
            assert rows_of(state) == before
        again = replayed(self.nodes.records)
        assert {store: rows_of(state) for store, state in again.items()} == {
            store: rows_of(state) for store, state in self.nodes.states.items() if state.head() is not None
        }

    def settle(self) -> None:
        """Carry until nothing is on its way."""
        while self.nodes.unsent:
            assert self.nodes.carry() == []
            self.read()


def figures(done: OrderDone) -> tuple[object, ...]:
    """What the answer says."""
    fills = [(fill.price, fill.quantity) for fill in done.fills]
    return done.filled, done.resting, done.paid, done.received, fills


@pytest.fixture(autouse=True, scope="module")
def _few_fills() -> Any:
    """An order meets few others at most, so that the limit is met often."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(matching, "FILLS_MAX", FILLS_MAX)
        yield


class OneNode(Trading):
    """All stores at home: an order and all that it causes is one record."""

    HOMES: ClassVar = dict.fromkeys(PLAYERS, "n1")
    MARKETS: ClassVar = dict.fromkeys(TICKS, "n1")


class ThreeNodes(Trading):
    """Players and markets apart, some of them together."""

    HOMES: ClassVar = {"al": "n1", "bo": "n2", "cy": "n1", "di": "n3"}
    MARKETS: ClassVar = {"tin": "n2", "salt": "n3"}


TestOnOneNode = OneNode.TestCase
TestOnOneNode.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
TestOnThreeNodes = ThreeNodes.TestCase
TestOnThreeNodes.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
