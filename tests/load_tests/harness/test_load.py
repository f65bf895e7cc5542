"""The loop of a generator, against a node whose answers, silences and hang-ups are the test's own."""

import time
from collections.abc import Callable
from random import Random
from threading import Event
from typing import Any

import pytest

from load_tests.harness import load as loop
from load_tests.harness.load import Load, line_for
from load_tests.harness.messages import Seat
from load_tests.harness.player import Player
from load_tests.harness.recorder import ActCounts, latencies
from load_tests.scenario import ActName, Closed, Market, Open, Scenario
from tests.load_tests.harness.fake_node import CUT, FakeNode, fake_node
from tests.load_tests.harness.making import listing, player

HELD_S = 0.25
SECONDS = 0.5
OK: dict[str, Any] = {"result": {}}
LED: dict[str, Any] = {"result": {"listing": listing("l1", 200), "winning": True}}
UNAVAILABLE: dict[str, Any] = {"error": {"code": -32006, "message": "", "data": {"reason": "unavailable"}}}
IN_DOUBT: dict[str, Any] = {"error": {"code": -32007, "message": "", "data": {"reason": "in_doubt", "key": "1"}}}


def _load(
    node: FakeNode, act: ActName, pace: Open | Closed, clock_s: Callable[[], float] = time.monotonic
) -> tuple[dict[str, ActCounts], Player]:
    """Load a node with one player who does one thing, from now on."""
    scenario = Scenario(
        about="For a moment.",
        players=1,
        seconds=SECONDS,
        warm_up_s=0.0,
        pace=pace,
        acts={act: 1.0},
        market=Market(listings=5),
    )
    bidder = player(scenario.acts)
    load = Load(
        scenario, [line_for(Seat(0, "ann", node.url, "t", []), bidder, scenario, 1, Random("1"))], Random("2"), clock_s
    )
    load.connect()
    try:
        return load.run(time.monotonic()).acts(), bidder
    finally:
        load.close()


def _stall() -> tuple[Callable[[str, dict[str, Any]], object], Callable[[], float]]:
    """Answers of which the first comes only when HELD_S are over on the clock beside it."""
    released = Event()
    begun_at_s = time.monotonic()

    def answer(_method: str, _params: dict[str, Any]) -> object:
        assert released.wait(5.0)
        return OK

    def clock_s() -> float:
        now_s = time.monotonic()
        if now_s > begun_at_s + HELD_S:
            released.set()
        return now_s

    return answer, clock_s


def _at(encoded: str, share: float) -> int:
    return int(latencies(encoded).get_value_at_percentile(share))


def test_requests_that_wait_for_a_stalled_server_count_their_waiting() -> None:
    """One answer is held back and many are due meanwhile: all of these are slow, though the server saw one stall."""
    answer, clock_s = _stall()
    with fake_node(answer) as node:
        acts, _ = _load(node, "wallet", Open(arrivals_per_s=200.0), clock_s)
    counts = acts["wallet"]
    assert counts.answers > 50
    assert _at(counts.latency, 75) > _at(counts.service, 90)
    assert _at(counts.latency, 75) > HELD_S / 10 * 1e6


def test_what_waits_is_bounded() -> None:
    """With as many waiting as may, one more fails, and is told as not sent."""
    answer, clock_s = _stall()
    with fake_node(answer) as node:
        acts, _ = _load(node, "wallet", Open(arrivals_per_s=200.0, waiting_max=3), clock_s)
    assert acts["not_sent"].outcomes["not_sent"] == acts["not_sent"].failures > 10
    assert acts["not_sent"].answers == 0


def test_a_closed_loop_has_one_request_in_flight() -> None:
    """The next request starts when the last is answered, and each is answered once."""
    with fake_node(lambda _method, _params: OK) as node:
        acts, _ = _load(node, "wallet", Closed())
    assert acts["wallet"].answers == len(node.asked) > 10
    assert acts["wallet"].outcomes == {"ok": acts["wallet"].answers}
    assert node.connections == 1


@pytest.mark.parametrize(("failing", "outcome"), [(CUT, "no_answer"), (IN_DOUBT, "in_doubt")])
def test_a_mutation_without_an_answer_is_repeated_with_its_key(failing: object, outcome: str) -> None:
    """Cut off, or left in doubt, the player asks the same again under the same key: two attempts, one request."""
    first = iter([failing])
    with fake_node(lambda _method, _params: next(first, LED)) as node:
        acts, bidder = _load(node, "bid", Closed())
    assert node.asked[0] == node.asked[1] != node.asked[2]
    assert acts["bid"].outcomes[outcome] == 1
    assert acts["bid"].answers == len(node.asked) - 1
    assert acts["bid"].failures == 0
    assert bidder.ledger.acknowledged == acts["bid"].answers


def test_unavailable_is_no_answer_to_what_may_be_done_already() -> None:
    """The first attempt was cut off and the second came too early: only the third says what became of the bid."""
    first = iter([CUT, UNAVAILABLE])
    with fake_node(lambda _method, _params: next(first, LED)) as node:
        acts, bidder = _load(node, "bid", Closed())
    assert node.asked[0] == node.asked[1] == node.asked[2] != node.asked[3]
    assert acts["bid"].outcomes["no_answer"] == acts["bid"].outcomes["unavailable"] == 1
    assert acts["bid"].answers == bidder.ledger.acknowledged == len(node.asked) - 2


def test_what_is_never_answered_may_have_been_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeated as often as it may be, the bid is given up: a failure, of which nothing is certain."""
    monkeypatch.setattr(loop, "REPEATS_MAX", 1)
    monkeypatch.setattr(loop, "REPEAT_AFTER_S", 0.01)
    with fake_node(lambda _method, _params: CUT) as node:
        acts, bidder = _load(node, "bid", Closed())
    assert acts["bid"].answers == 0
    assert acts["bid"].failures > 1
    assert sum(count.certain for count in bidder.ledger.bids.values()) == 0
    assert sum(count.possible for count in bidder.ledger.bids.values()) == acts["bid"].failures
    assert node.connections > 2


@pytest.mark.parametrize(
    ("act", "answer", "standing"),
    [("login", OK, 0), ("reconnect", {"result": {"events": [], "next_seq": 0}}, 1)],
)
def test_storms_come_on_new_connections(act: ActName, answer: object, standing: int) -> None:
    """Each login and each reconnect is a connection of its own, opened, asked on, and answered."""
    with fake_node(lambda _method, _params: answer) as node:
        acts, _ = _load(node, act, Closed())
    assert node.connections == acts[act].answers + standing > 3
    assert acts[act].outcomes == {"ok": acts[act].answers}
