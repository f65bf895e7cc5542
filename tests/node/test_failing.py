"""A node that must not go on: what was under way when it failed changes nothing and is told to nobody."""

from typing import Any

import pytest
from twisted.python.failure import Failure

from auction.commands import GetPlayer, PlaceBid
from tests.node.house import NodeInMemory
from tests.node.many import HouseInMemory
from tests.node.test_trades import Market


def test_nothing_is_decided_on_what_a_bug_left_behind() -> None:
    """A decision that broke off may have changed memory halfway: a request that waits for a store decides no more."""
    house = NodeInMemory()
    listing = house.list_item("sal")
    house.grant("ann", 1_000)
    house.stop()
    house.start()
    answers: list[Any] = []
    house.begin("ann", PlaceBid(listing=listing, amount=200)).addBoth(answers.append)
    house.node.fail(Failure(AssertionError("a wallet would be negative")))
    house.work()
    assert answers == []
    assert house.node.writer.position == house.node.gate.durable
    house.crash(lose_unsynced=False)
    house.start()
    assert house.ask("ann", GetPlayer()).gold.available == 1_000


def test_nobody_hears_what_becomes_durable_after_a_failure() -> None:
    """A batch that is with the disk when the node fails may be kept; its answers do not leave."""
    house = NodeInMemory()
    listing = house.list_item("sal")
    house.grant("ann", 1_000)
    answers: list[Any] = []
    house.begin("ann", PlaceBid(listing=listing, amount=200)).addBoth(answers.append)
    house.reactor.advance(0)
    house.node.fail(Failure(AssertionError("cannot be")))
    house.work()
    assert answers == []


@pytest.mark.parametrize("part", ["timers", "checkpoints"])
def test_a_bug_in_what_is_done_now_and_then_stops_the_node(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Timers and checkpoints that ended without a word would leave auctions open and journals growing for ever."""
    house = NodeInMemory()
    house.pass_time(0.1)

    def buggy(*_: object) -> None:
        raise AssertionError("cannot be")

    if part == "timers":
        monkeypatch.setattr(house.clock, "now_ms", buggy)
    else:
        monkeypatch.setattr(house.node.checkpoints, "_pass", buggy)
    house.pass_time(6)
    assert [failure.type for failure in house.failures] == [AssertionError]


@pytest.mark.parametrize("when", ["in a pass", "at the stop"])
def test_no_file_gets_what_a_bug_left_behind(when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A decision that broke off is in no record: a checkpoint taken after it would make half of it true."""
    house = NodeInMemory()
    listing = house.list_item("sal")
    house.grant("ann", 1_000)
    monkeypatch.setattr("auction.house.keys.used", lambda *_: 1 // 0)
    house.begin("ann", PlaceBid(listing=listing, amount=200))
    assert [failure.type for failure in house.failures] == [ZeroDivisionError]
    if when == "in a pass":
        house.pass_time(6)
    else:
        house.node.stop()
        house.work()
    monkeypatch.undo()
    house.crash(lose_unsynced=False)
    house.start()
    assert house.ask("ann", GetPlayer()).gold.available == 1_000


@pytest.mark.parametrize("when", ["looking", "stepping"])
def test_a_bug_in_a_trade_between_nodes_stops_the_node(when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it is met: the failure is told, once and whole."""
    market = Market(HouseInMemory())
    house = market.house
    n2 = house.nodes["n2"]

    def buggy(*_: object, **__: object) -> None:
        raise AssertionError("cannot be")

    house.wire.drop = lambda _sender, _to, frame: b"prepare" in frame
    house.begin(market.ann, PlaceBid(listing=market.listing, amount=200)).addErrback(lambda _: None)
    monkeypatch.setattr(n2.node.trades.agreement, "tick" if when == "looking" else "step", buggy)
    house.wire.drop = lambda *_: False
    house.pass_time(2)
    assert [failure.type for failure in n2.failures] == [AssertionError]
