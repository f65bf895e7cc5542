"""Commodity orders whose player and market live on different nodes: sent, awaited, answered late, in order, once."""

from typing import Any

import pytest
from msgspec.structs import replace

from auction import keys
from auction.commands import BuyCommodity, CancelOrder, Grant
from auction.context import Answer, Caller, Request
from auction.events import TransferSent
from auction.evolve import evolve
from auction.freezes import Freezes
from auction.house import execute
from auction.house_state import Freeze
from auction.market import book as market_book
from auction.market.events import OrderDone, OrderIn
from auction.outcomes import Asleep, Executed, Gap, Locked, Sent, Undecided, a_market
from auction.refusals import Refusal
from auction.results import CancelledOrderResult, OrderResult, Returned
from auction.state import IDS_A_LIFE, Commodity
from auction.stores import State
from auction.ties import Ties
from auction.transfers import take_transfer
from tests.auction.house import MAX, House, market_of, refused, rows_of, store_of
from tests.auction.nodes import Nodes
from tests.auction.ordering import book, buy, quote, resting, sell, take_back, use
from worlddata.types import BuyLimit, Rules

AL, BO, CY, TIN = store_of("al"), store_of("bo"), store_of("cy"), market_of("tin")


def town(rules: Rules | None = None) -> Nodes:
    """Al and di live on n1, bo on n2 with the market of tin, cy on n3; al has gold, bo and cy have tin."""
    nodes = Nodes({"al": "n1", "bo": "n2", "cy": "n3", "di": "n1"}, rules, {"tin": "n2", "salt": "n2"})
    nodes.grant("al", gold=1_000)
    nodes.grant("di", gold=1_000)
    for player in ("bo", "cy"):
        nodes.grant(player, commodities={"tin": 100})
    return nodes


@pytest.fixture
def nodes() -> Nodes:
    """With the default rules."""
    return town()


def settle(nodes: Nodes) -> None:
    """Carry until nothing is under way."""
    while nodes.unsent:
        assert nodes.carry() == []


def heard(nodes: Nodes) -> Any:
    """The latest answer that came from another node, and what it is about."""
    answered = nodes.answered[-1]
    return answered.store, answered.subject, answered.answer.body


class TestPlacing:
    """An order on its way, in the market, and back."""

    def test_the_answer_comes_with_the_outcome(self, nodes: Nodes) -> None:
        """Until then the gold is under way, the key is taken, and the order is not among those that rest."""
        sell(nodes, "bo", 4, 6)
        sent = buy(nodes, "al", 10, 7, key="k")
        assert isinstance(sent, Sent) and (sent.store, sent.subject) == (AL, f"{AL}.o1")
        assert nodes.gold("al") == (930, 70)
        assert resting(nodes, "al") == {}
        assert buy(nodes, "al", 10, 7, key="k") == Locked(AL, f"{AL}.o1", f"{AL}.o1")
        settle(nodes)
        result = OrderResult(f"{AL}.o1", 4, 6, 24, 0, heard(nodes)[2].fills)
        assert heard(nodes) == (AL, f"{AL}.o1", result)
        assert nodes.gold("al") == (934, 42)
        assert resting(nodes, "al") == {f"{AL}.o1": 6}
        again = buy(nodes, "al", 10, 7, key="k")
        assert isinstance(again, Answer) and again.encoded == nodes.answered[-1].answer.encoded
        assert refused(buy(nodes, "al", 10, 8, key="k"))[0] == "key_reused"

    def test_a_key_told_while_the_answer_is_awaited_is_kept(self, nodes: Nodes) -> None:
        """The client heard it with `in_doubt` and may repeat it for a day: from the moment of telling it is the
        client's own, whatever happens to the node before the market answers.
        """
        nodes.ask("al", BuyCommodity(commodity="tin", quantity=2, limit_price=6), own_key="n1.1")
        state, key = nodes.state("al"), keys.own("n1.1")
        assert keys.is_held(state, key)
        for event in keys.tell(state, key, nodes.now_ms):
            evolve(state, event)
        assert keys.tell(state, key, nodes.now_ms) == []
        settle(nodes)
        assert not state.keys.rows[key].untold and not state.untold_keys

    def test_who_is_met_hears_it_in_the_same_record_or_by_transfer(self, nodes: Nodes) -> None:
        """Bo lives with the market, cy does not."""
        sell(nodes, "bo", 1, 6)
        sell(nodes, "cy", 1, 6)
        settle(nodes)
        buy(nodes, "al", 2, 6)
        nodes.carry()
        assert resting(nodes, "bo") == {}
        assert [type(sent.payload).__name__ for _, sent in nodes.unsent] == ["OrderFilled", "OrderDone"]
        assert resting(nodes, "cy") == {f"{CY}.o1": 1}
        settle(nodes)
        assert resting(nodes, "cy") == {}

    def test_everything_is_taken_once(self, nodes: Nodes) -> None:
        """However often it arrives; nothing is taken before its turn."""
        sell(nodes, "bo", 5, 6)
        buy(nodes, "al", 2, 6)
        buy(nodes, "al", 2, 6)
        first, second = nodes.unsent
        assert nodes.carry_one(*second) == Gap()
        for parcel in (first, first, second, first, second):
            assert isinstance(nodes.carry_one(*parcel), Executed)
        assert resting(nodes, "bo") == {f"{BO}.o1": 1}
        nodes.unsent = [parcel for parcel in nodes.unsent if parcel not in (first, second)]
        nodes.carry(duplicate=True)
        settle(nodes)
        assert nodes.gold("al") == (976, 0)

    def test_a_market_asks_for_the_stores_of_those_whom_an_order_meets(self, nodes: Nodes) -> None:
        """Bo's store sleeps beside it: nothing is taken before it is awake."""
        sell(nodes, "bo", 5, 6)
        buy(nodes, "al", 2, 6)
        ((sender, sent),) = nodes.unsent

        def awake(store: str) -> State | None:
            return None if store == BO else nodes.store(store)

        before = rows_of(nodes.store(TIN))
        assert take_transfer(TIN, sender, 1, sent, awake, nodes.context(TIN)) == Asleep((BO,))
        assert rows_of(nodes.store(TIN)) == before
        settle(nodes)
        assert resting(nodes, "bo") == {f"{BO}.o1": 3}

    def test_an_order_at_home_asks_for_them_as_well(self) -> None:
        """First for the own store and the market's, then for whom the market has."""
        house = House()
        house.grant("al", gold=100)
        house.grant("bo", commodities={"tin": 5})
        sell(house, "bo", 5, 6)
        awake: set[str] = set()
        request = Request(Caller("al", "player"), BuyCommodity(commodity="tin", quantity=2, limit_price=6))
        asked = []
        for _ in range(3):
            outcome = execute(request, lambda store: house.states[store] if store in awake else None, house.context())
            if isinstance(outcome, Asleep):
                asked.append(outcome.stores)
                awake.update(outcome.stores)
        assert asked == [(AL, TIN), (BO,)]

    def test_fills_may_be_known_late(self, nodes: Nodes) -> None:
        """Cy's store shows the order as it last heard of it, and hears of every fill in its turn."""
        sell(nodes, "cy", 10, 6)
        settle(nodes)
        for quantity in (3, 4):
            buy(nodes, "al", quantity, 6)
            nodes.carry_one(*nodes.unsent[-1])
        assert resting(nodes, "cy") == {f"{CY}.o1": 10}
        assert book(nodes) == ([], [(6, 3, 1)])
        settle(nodes)
        assert resting(nodes, "cy") == {f"{CY}.o1": 3}
        told = [(row.data["quantity"], row.data["remaining"]) for name, row in nodes.told if row.type[0] == "c"]
        assert told == [(3, 7), (4, 3)]
        (delivery,) = nodes.state("cy").deliveries
        assert delivery.gold == (18 - 3) + (24 - 4)


class TestRefused:
    """The market says no: everything comes back, and the key stays free."""

    def test_a_quote_may_be_gone_when_it_arrives(self, nodes: Nodes) -> None:
        """The gold is back in the wallet, the quote is unused, and the same request may do better."""
        sell(nodes, "bo", 5, 6)
        quoted = quote(nodes, "al", "buy", 5)
        taken = take_back(nodes, "bo", f"{BO}.o1")
        assert taken.returned.quantity == 5
        assert isinstance(use(nodes, "al", quoted, key="k"), Sent)
        assert refused(use(nodes, "al", quoted, key="other")) == ("quote_expired", {})
        settle(nodes)
        assert heard(nodes)[2] == Refusal("price_changed", {"price": None})
        assert nodes.gold("al") == (1_000, 0)
        sell(nodes, "bo", 5, 5)
        assert isinstance(use(nodes, "al", quoted, key="k"), Sent)
        settle(nodes)
        assert (heard(nodes)[2].filled, heard(nodes)[2].paid) == (5, 25)
        assert nodes.gold("al") == (975, 0)

    def test_goods_are_back_in_the_stash(self, nodes: Nodes) -> None:
        """By themselves: nothing was sold, and nothing waits."""
        nodes.grant("bo", gold=100)
        buy(nodes, "bo", 5, 6)
        quoted = quote(nodes, "cy", "sell", 5)
        take_back(nodes, "bo", f"{BO}.o1")
        use(nodes, "cy", quoted)
        assert stash(nodes, "cy") == 95
        settle(nodes)
        assert refused(heard(nodes)[2])[0] == "price_changed"
        assert stash(nodes, "cy") == 100
        assert not nodes.state("cy").deliveries.rows and not nodes.state("cy").orders.rows

    def test_what_has_no_room_waits(self, nodes: Nodes) -> None:
        """The wallet and the stash were filled meanwhile: nothing is lost, and nothing passes the largest amount."""
        sell(nodes, "bo", 5, 6)
        nodes.grant("bo", gold=100)
        buy(nodes, "bo", 5, 1)
        bought, sold = quote(nodes, "al", "buy", 5), quote(nodes, "cy", "sell", 5)
        for order in list(resting(nodes, "bo")):
            take_back(nodes, "bo", order)
        use(nodes, "al", bought)
        use(nodes, "cy", sold)
        nodes.grant("al", gold=MAX - 1_000 + 30)
        nodes.grant("cy", commodities={"tin": MAX - 100 + 5})
        settle(nodes)
        waits = [(row.kind, row.gold, row.commodities) for name in ("al", "cy") for row in nodes.state(name).deliveries]
        assert waits == [("refund", 30, {}), ("returned", 0, {"tin": 5})]
        arrived = [row.data["kind"] for name, row in nodes.told if name in ("al", "cy")]
        assert arrived == ["refund", "returned"]

    def test_it_counts_against_no_buy_limit(self) -> None:
        """What the market did not take was not ordered."""
        nodes = town(Rules(buy_limits={"tin": BuyLimit(quantity=5, window_s=60)}))
        sell(nodes, "bo", 5, 6)
        quoted = quote(nodes, "al", "buy", 5)
        take_back(nodes, "bo", f"{BO}.o1")
        use(nodes, "al", quoted)
        assert refused(buy(nodes, "al", 1, 1))[0] == "buy_limit"
        settle(nodes)
        assert isinstance(buy(nodes, "al", 5, 1), Sent)
        assert refused(buy(nodes, "al", 1, 1))[0] == "buy_limit"

    def test_one_of_an_earlier_window_is_not_taken_off_the_next(self) -> None:
        """The window was over when the market said no."""
        nodes = town(Rules(buy_limits={"tin": BuyLimit(quantity=5, window_s=10)}))
        sell(nodes, "bo", 5, 6)
        quoted = quote(nodes, "al", "buy", 5)
        take_back(nodes, "bo", f"{BO}.o1")
        use(nodes, "al", quoted)
        nodes.now_ms += 10_000
        buy(nodes, "al", 5, 1)
        settle(nodes)
        assert refused(buy(nodes, "al", 1, 1))[0] == "buy_limit"

    def test_a_freeze_may_be_known_only_there(self, nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
        """An order that was sent before is returned; what rests stays."""
        sell(nodes, "bo", 5, 6)
        buy(nodes, "al", 5, 6)
        frozen = Freezes(1, {"commodity/tin": Freeze("commodity/tin", "commodity", "tin", True, "ops", 1)})
        known, at_home = nodes.context, nodes.homes[TIN]

        def context(store: str) -> Any:
            there = known(store)
            return replace(there, freezes=frozen) if nodes.homes[store] == at_home else there

        monkeypatch.setattr(nodes, "context", context)
        settle(nodes)
        assert heard(nodes)[2] == Refusal("frozen", {"what": "commodity", "id": "tin"})
        assert (nodes.gold("al"), book(nodes)) == ((1_000, 0), ([], [(6, 5, 1)]))

    def test_a_full_book_returns_what_comes(self, nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
        """With the word that too many orders rest."""
        monkeypatch.setattr(market_book, "BOOK_ORDERS_MAX", 1)
        sell(nodes, "bo", 5, 6)
        buy(nodes, "al", 5, 5)
        settle(nodes)
        assert heard(nodes)[2] == Refusal("order_limit")
        assert nodes.gold("al") == (1_000, 0)


def stash(nodes: Nodes, player: str) -> int:
    """Pieces of tin that a player can dispose of."""
    row = nodes.state(player).commodities.get("tin") or Commodity("tin", 0)
    return row.quantity


class TestCancel:
    """A cancellation passes fills that are under way."""

    @pytest.fixture
    def nodes(self) -> Nodes:
        """Cy, far from the market, offers ten pieces at 6."""
        nodes = town()
        sell(nodes, "cy", 10, 6)
        settle(nodes)
        return nodes

    def test_what_is_left_comes_back(self, nodes: Nodes) -> None:
        """The answer is stored under the key."""
        assert isinstance(take_back(nodes, "cy", f"{CY}.o1", key="k"), Sent)
        assert isinstance(take_back(nodes, "cy", f"{CY}.o1", key="k"), Locked)
        settle(nodes)
        assert heard(nodes) == (CY, f"{CY}.o1", CancelledOrderResult(f"{CY}.o1", Returned(0, 10)))
        again = take_back(nodes, "cy", f"{CY}.o1", key="k")
        assert isinstance(again, Answer) and again.encoded is not None and not again.refused
        assert refused(take_back(nodes, "cy", f"{CY}.o1", key="other"))[0] == "order_closed"

    @pytest.mark.parametrize("filled", [1, 9, 10])
    @pytest.mark.parametrize("first", ["fill", "cancel"])
    def test_fills_and_returns_are_what_was_put_in(self, nodes: Nodes, filled: int, first: str) -> None:
        """Whichever comes to the market first, and though cy hears of neither in time."""
        buy(nodes, "al", filled, 6)
        take_back(nodes, "cy", f"{CY}.o1", key="k")
        order, cancel = nodes.unsent
        for parcel in (order, cancel) if first == "fill" else (cancel, order):
            nodes.carry_one(*parcel)
            nodes.unsent.remove(parcel)
        settle(nodes)
        answers = {answered.store: answered.answer.body for answered in nodes.answered[-2:]}
        if first == "cancel":
            assert answers[CY] == CancelledOrderResult(f"{CY}.o1", Returned(0, 10))
            assert resting(nodes, "al") == {f"{AL}.o1": filled}
        elif filled == 10:
            assert refused(answers[CY]) == ("order_closed", {})
        else:
            assert answers[CY] == CancelledOrderResult(f"{CY}.o1", Returned(0, 10 - filled))
        assert resting(nodes, "cy") == {}
        back = sum(row.commodities.get("tin", 0) for row in nodes.state("cy").deliveries)
        bought = sum(row.commodities.get("tin", 0) for row in nodes.state("al").deliveries)
        assert back + bought == 10 and stash(nodes, "cy") == 90

    def test_it_waits_for_nobody(self, nodes: Nodes) -> None:
        """While an order is on its way, or is being cancelled, a cancellation may be tried again in a moment; also
        where a fill came in between.
        """
        buy(nodes, "al", 1, 5)
        assert take_back(nodes, "al", f"{AL}.o1") == Undecided()
        settle(nodes)
        take_back(nodes, "cy", f"{CY}.o1", key="k")
        assert take_back(nodes, "cy", f"{CY}.o1", key="other") == Undecided()
        buy(nodes, "di", 1, 6)
        nodes.carry_one(*nodes.unsent[-1])
        filled = next(parcel for parcel in nodes.unsent if parcel[0] == TIN and parcel[1].to == CY)
        nodes.carry_one(*filled)
        assert resting(nodes, "cy") == {f"{CY}.o1": 9}
        assert take_back(nodes, "cy", f"{CY}.o1", key="other") == Undecided()
        settle(nodes)

    def test_a_late_refusal_leaves_the_key_free(self, nodes: Nodes) -> None:
        """`order_closed` is not stored; asked again, it is decided anew."""
        buy(nodes, "al", 10, 6)
        nodes.carry_one(*nodes.unsent[0])
        take_back(nodes, "cy", f"{CY}.o1", key="k")
        settle(nodes)
        assert "\nk" not in nodes.state("cy").keys
        assert refused(take_back(nodes, "cy", f"{CY}.o1", key="k")) == ("order_closed", {})


def lost(nodes: Nodes, store: str) -> None:
    """A store's disk is gone; it begins its second life, and what the proofs would find missing is missing."""
    nodes.states.pop(store, None)
    nodes.lives[store] = 2
    nodes.check = lambda: None  # type: ignore[method-assign, assignment, return-value]  # what was lost is missing


class TestLives:
    """Stores that were lost with their node's disk."""

    def test_a_players_new_life_hears_of_orders_of_the_former(self, nodes: Nodes) -> None:
        """Goods still arrive, for a player who remembers no such order; new orders have new names."""
        sell(nodes, "cy", 10, 6)
        settle(nodes)
        lost(nodes, CY)
        buy(nodes, "al", 4, 6)
        nodes.carry_one(*nodes.unsent[-1])
        ((_, filled),) = [parcel for parcel in nodes.unsent if parcel[1].to == CY]
        assert (filled.life, filled.number) == (2, 1)
        assert nodes.carry_one(TIN, filled) == Gap()
        nodes.grant("cy", commodities={"tin": 5})
        settle(nodes)
        (delivery,) = nodes.state("cy").deliveries
        assert (delivery.kind, delivery.gold) == ("filled", 24 - 4)
        assert refused(take_back(nodes, "cy", f"{CY}.o1")) == ("order_closed", {})
        sell(nodes, "cy", 5, 9)
        settle(nodes)
        assert resting(nodes, "cy") == {f"{CY}.o{IDS_A_LIFE + 1}": 5}

    def test_an_answer_to_the_former_life_is_taken(self, nodes: Nodes) -> None:
        """The order was under way when its owner's disk was lost: what it bought, and what it did not spend, arrive."""
        sell(nodes, "bo", 4, 6)
        buy(nodes, "al", 4, 7)
        lost(nodes, AL)
        nodes.lives[AL] = 1
        order = nodes.unsent[0]
        nodes.lives[AL] = 2
        outcome = take_transfer(TIN, AL, 1, order[1], nodes.store, nodes.context(TIN))
        assert isinstance(outcome, Executed)
        nodes._done(outcome)
        nodes.unsent.remove(order)
        nodes.grant("al", gold=1)
        settle(nodes)
        assert nodes.gold("al") == (1 + 4, 0)
        (delivery,) = nodes.state("al").deliveries
        assert delivery.commodities == {"tin": 4}

    def test_a_markets_new_life_knows_no_older_orders(self, nodes: Nodes) -> None:
        """A cancellation answers `order_closed` and forgets the order; new orders are taken, and counted anew."""
        sell(nodes, "cy", 10, 6)
        settle(nodes)
        lost(nodes, TIN)
        assert isinstance(take_back(nodes, "cy", f"{CY}.o1"), Sent)
        settle(nodes)
        assert refused(heard(nodes)[2]) == ("order_closed", {})
        assert resting(nodes, "cy") == {}
        sell(nodes, "cy", 3, 6)
        settle(nodes)
        assert book(nodes) == ([], [(6, 3, 1)])
        head = a_market(nodes.store(TIN)).head()
        assert head is not None and (head.life, head.orders_taken) == (2, 1)

    def test_what_was_sent_to_a_former_life_is_not_taken(self, nodes: Nodes) -> None:
        """The new one cannot know whether the old one took it."""
        buy(nodes, "al", 1, 6)
        lost(nodes, TIN)
        assert nodes.carry() == [Gap()]


class TestTies:
    """What two stores say of one order, with what is under way explained."""

    def faults(self, nodes: Nodes, *, explained: bool = True) -> str:
        """What the ties find."""
        ties = Ties()
        for state in nodes.states.values():
            ties.add(state)
        for sender, sent in nodes.unsent if explained else ():
            ties.add_unsent(sender, sent)
        return "\n".join(ties.faults())

    @pytest.fixture
    def nodes(self) -> Nodes:
        """Cy's order was met in part, which cy has not heard; another of al's is on its way, and its answer."""
        nodes = town()
        sell(nodes, "cy", 10, 6)
        settle(nodes)
        buy(nodes, "al", 4, 6)
        nodes.carry_one(*nodes.unsent[0])
        nodes.unsent.pop(0)
        buy(nodes, "di", 5, 5)
        return nodes

    def test_what_is_under_way_explains_it(self, nodes: Nodes) -> None:
        """A fill, an answer and an order; without them three orders are not as both stores say."""
        assert self.faults(nodes) == ""
        found = self.faults(nodes, explained=False)
        assert f"order {CY}.o1: 10 pieces are left in its owner's store, 6 in the book" in found
        for store in (AL, store_of("di")):
            assert f"order {store}.o1: its owner's store waits for an answer that is not on its way" in found
        assert "more gold went elsewhere" in found

    def test_an_order_whose_owner_does_not_know_it_is_found(self, nodes: Nodes) -> None:
        """It can never be cancelled."""
        nodes.state("cy").orders.drop(f"{CY}.o1")
        assert f"order {CY}.o1: it rests in the book, and its owner's store does not know it" in self.faults(nodes)

    def test_an_order_that_the_book_lost_is_found(self, nodes: Nodes) -> None:
        """Its pieces are gone."""
        a_market(nodes.store(TIN)).orders.drop(f"{CY}.o1")
        assert f"order {CY}.o1: 6 pieces are left in its owner's store, 0 in the book" in self.faults(nodes)

    def test_an_order_of_another_kind_is_found(self, nodes: Nodes) -> None:
        """Both stores must know it by the same side and price."""
        orders = nodes.state("cy").orders
        orders.put(f"{CY}.o1", replace(orders.rows[f"{CY}.o1"], price=7))
        assert f"order {CY}.o1: its owner's store has it as another kind of order than the book" in self.faults(nodes)

    @pytest.mark.parametrize("store", [CY, TIN])
    def test_a_store_that_was_lost_may_have_forgotten(self, nodes: Nodes, store: str) -> None:
        """Gold is missing then, but no order is held against a store that lives again."""
        lost(nodes, store)
        nodes.unsent.clear()
        nodes.grant("cy", commodities={"tin": 1})
        sell(nodes, "bo", 1, 9)
        for player in ("al", "di"):
            nodes.state(player).orders.drop(f"{store_of(player)}.o1")
        assert "order" not in self.faults(nodes)


def test_every_payload_names_its_order(nodes: Nodes) -> None:
    """What leaves for a market, and comes back, says which order it is about; only gold and pieces are in it."""
    sell(nodes, "bo", 4, 6)
    buy(nodes, "al", 10, 7)
    payloads = [sent.payload for _, sent in nodes.unsent]
    nodes.carry()
    payloads += [sent.payload for _, sent in nodes.unsent]
    assert [type(payload) for payload in payloads] == [OrderIn, OrderDone]
    assert {payload.order for payload in payloads if isinstance(payload, OrderIn | OrderDone)} == {f"{AL}.o1"}
    assert all(isinstance(sent, TransferSent) for _, sent in nodes.unsent)


def test_a_grant_of_the_same_key_is_no_order(nodes: Nodes) -> None:
    """Keys belong to who asks: a service's key is not the player's."""
    nodes.ask("mint", Grant(key="k", player="al", gold=1), "service")
    assert isinstance(nodes.ask("al", BuyCommodity(commodity="tin", quantity=1, limit_price=1, key="k")), Sent)
    assert nodes.ask("al", CancelOrder(order=f"{AL}.o1", key="c")) == Undecided()
