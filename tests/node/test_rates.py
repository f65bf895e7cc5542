"""Players' rates in a node: who is counted where, and for how long it is remembered."""

from typing import Any

import pytest

from auction.commands import (
    Ask,
    DescribeWorld,
    EventsSince,
    GetListing,
    GetPlayer,
    Grant,
    ListBases,
    ListInventory,
    MyBids,
    PlaceBid,
    SearchListings,
)
from auction.context import Answer, Caller, Request
from auction.refusals import Refusal
from shardnode.node.rates import RateLimits, Rates
from shardnode.ops.metrics import Metrics
from tests.node.house import NodeInMemory
from tests.node.many import HouseInMemory
from worlddata.types import Rate, Rules


class Counter:
    """Rates with a clock turned by hand."""

    def __init__(self, rules: dict[Any, Rate], buckets_max: int = 100) -> None:
        self.now_s = 5.0
        self.metrics = Metrics("n1", "w")
        limits = RateLimits(buckets_max=buckets_max)
        self.rates = Rates(rates=rules, seconds=lambda: self.now_s, limits=limits, metrics=self.metrics)

    def ask(self, player: str, ask: Ask, role: Any = "player") -> int | None:
        """What a player is told to wait; None for not at all."""
        answer = self.rates.refused(Request(Caller(player, role), ask))
        if answer is None:
            return None
        assert isinstance(answer.body, Refusal) and answer.body.reason == "rate_limited"
        assert answer.refused
        wait_ms = answer.body.data["retry_after_ms"]
        assert isinstance(wait_ms, int)
        return wait_ms


def test_each_player_and_class_has_a_rate_of_its_own() -> None:
    """One player's haste is no other's, and bids do not count against looking."""
    counter = Counter({"trade": Rate(2, 1), "read": Rate(1, 1)})
    bid = PlaceBid(listing="l", amount=1)
    assert [counter.ask("al", bid), counter.ask("al", bid)] == [None, 500]
    assert [counter.ask("bo", bid), counter.ask("al", ListInventory())] == [None, None]
    assert counter.ask("al", MyBids()) == 1_000
    counter.now_s += 0.5
    assert [counter.ask("al", bid), counter.ask("al", MyBids())] == [None, 500]
    assert b'auction_limit_hits_total{limit="rates.trade"} 1.0' in counter.metrics.render()
    assert b'auction_limit_hits_total{limit="rates.read"} 2.0' in counter.metrics.render()


def test_what_has_no_rate_is_not_counted() -> None:
    """A class that the rules do not name, a question of no class, and whoever is no player."""
    counter = Counter({"trade": Rate(1, 1)})
    for _ in range(3):
        assert counter.ask("al", SearchListings()) is None
        assert counter.ask("al", GetPlayer()) is None
        assert counter.ask("al", EventsSince(seq=0)) is None
        assert counter.ask("al", PlaceBid(listing="l", amount=1), "service") is None
    assert len(counter.rates) == 0


def test_the_player_asked_for_longest_ago_is_forgotten() -> None:
    """So many buckets are kept; who is forgotten begins with a full one."""
    counter = Counter({"trade": Rate(1, 1)}, buckets_max=2)
    bid = PlaceBid(listing="l", amount=1)
    assert [counter.ask(player, bid) for player in ("al", "bo")] == [None, None]
    assert counter.ask("al", bid) == 1_000
    counter.now_s += 1
    assert [counter.ask(player, bid) for player in ("al", "cy")] == [None, None]
    assert len(counter.rates) == 2
    assert [counter.ask("bo", bid), counter.ask("cy", bid)] == [None, 1_000]


class Listener:
    """Asks a node as its gateway does."""

    def __init__(self, rules: Rules) -> None:
        self.one = NodeInMemory(rules=rules)

    def ask(self, ask: Ask) -> Any:
        """The result or refusal for a player."""
        answers: list[Answer] = []
        self.one.node.ask_house(Request(Caller("al", "player"), ask)).addCallback(answers.append)
        self.one.work()
        return answers[0].body


@pytest.mark.parametrize("ask", [ListInventory(), DescribeWorld(), ListBases(), GetListing(listing="l")])
def test_a_node_counts_what_goes_to_the_home_and_what_does_not(ask: Ask) -> None:
    """Once each, whichever way the answer is found."""
    listener = Listener(Rules(rates={"read": Rate(1, 2)}))
    reasons = [getattr(listener.ask(ask), "reason", "served") for _ in range(3)]
    assert "rate_limited" not in reasons[:2] and reasons[2] == "rate_limited"
    listener.one.reactor.advance(1)
    assert getattr(listener.ask(ask), "reason", "served") == reasons[0]


def test_a_player_on_several_nodes_is_counted_once() -> None:
    """Whichever node is asked, the home counts what it answers; a listing is looked at once on each."""
    house = HouseInMemory(rules=Rules(rates={"read": Rate(1, 2)}))
    player = house.player_at("n1")

    def reason(ask: Ask, through: str) -> str | None:
        answers: list[Answer] = []
        request = Request(Caller(player, "player"), ask)
        house.nodes[through].node.ask_house(request).addCallback(answers.append)
        house.work()
        return answers[0].body.reason if isinstance(answers[0].body, Refusal) else None

    assert [reason(ListInventory(), node) for node in ("n1", "n2", "n3")] == [None, None, "rate_limited"]
    assert [reason(GetListing(listing="l"), node) for node in ("n2", "n3")] == ["no_such_listing"] * 2


def test_searches_are_counted_where_the_player_is_connected() -> None:
    """They never leave the node, and neither does their count."""
    listener = Listener(Rules(rates={"search": Rate(1, 1)}))
    assert not isinstance(listener.ask(SearchListings()), Refusal)
    assert listener.ask(SearchListings()) == Refusal("rate_limited", {"retry_after_ms": 1_000})


def test_what_is_refused_costs_nothing() -> None:
    """A mutation that comes too early is not executed, and leaves its key free."""
    listener = Listener(Rules(rates={"trade": Rate(1, 1)}))
    one = listener.one
    listing = one.list_item("bo", start_bid=10)
    one.ask("game", Grant(key="g", player="al", gold=100), "service")
    position = one.node.writer.position
    assert getattr(listener.ask(PlaceBid(listing="x", amount=20, key="k")), "reason", "") == "no_such_listing"
    bid = PlaceBid(listing=listing, amount=20, key="k")
    assert getattr(listener.ask(bid), "reason", "") == "rate_limited"
    assert one.node.writer.position == position
    one.reactor.advance(1)
    assert not isinstance(listener.ask(bid), Refusal)
