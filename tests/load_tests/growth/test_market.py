"""What makes a market, against connections whose answers are known beforehand."""

from typing import Any

import msgspec
import pytest

from load_tests.duels import Duellist, settle
from load_tests.generator import CODEC
from load_tests.growth.market import TRIES_MAX, Market, Raiser, ask_all, duellists, results, ring
from load_tests.house import Refused

BUSY = {"error": {"code": -32003, "message": "busy", "data": {"reason": "unavailable"}}}
POOR = {"error": {"code": -32003, "message": "poor", "data": {"reason": "insufficient_gold"}}}


class Scripted:
    """A connection that answers each request with the next of its answers, the last of them for ever."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.asked: list[dict[str, Any]] = []
        self._answers = list(answers)
        self._ready: list[bytes] = []

    def send(self, payload: bytes) -> None:
        """Take a request, and have its answer."""
        self.asked.append(msgspec.msgpack.decode(payload))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        self._ready.append(msgspec.msgpack.encode({"jsonrpc": "2.0", "id": self.asked[-1]["id"], **answer}))

    def receive(self) -> list[bytes]:
        """All answers so far, the latest first, as a busy node may give them."""
        ready, self._ready = self._ready[::-1], []
        return ready


def test_many_things_are_asked_at_once_and_answered_in_order() -> None:
    """No more requests are in flight than asked for, and answers come back in the order of their questions."""
    connection = Scripted(*({"result": number} for number in range(10)))
    answers = ask_all(connection, ((f"m{number}", {}) for number in range(10)), 3)  # type: ignore[arg-type]  # scripted
    assert [CODEC.result(answer.result, int) for answer in answers] == list(range(10))
    assert [request["method"] for request in connection.asked] == [f"m{number}" for number in range(10)]


def test_a_busy_node_is_asked_again_with_the_same_key() -> None:
    """What a node could not do now is asked for again, and only that."""
    connection = Scripted({"result": {"n": 1}}, BUSY, {"result": {"n": 3}}, BUSY, {"result": {"n": 2}})
    asked = [("admin.grant", {"key": key}) for key in "abc"]
    assert results(connection, asked, 3) == [{"n": 1}, {"n": 2}, {"n": 3}]  # type: ignore[arg-type]  # scripted
    assert [request["params"]["key"] for request in connection.asked] == ["a", "b", "c", "b", "b"]


def test_any_other_refusal_ends_the_making_of_a_market() -> None:
    """A refusal that asking again does not change is told, and so is a node that stays busy."""
    with pytest.raises(Refused, match="insufficient_gold"):
        results(Scripted(POOR), [("listing.bid", {})])  # type: ignore[arg-type]  # scripted
    busy = Scripted(BUSY)
    with pytest.raises(Refused, match="the node is busy"):
        results(busy, [("listing.bid", {})])  # type: ignore[arg-type]  # scripted
    assert len(busy.asked) == TRIES_MAX


def test_settling_before_the_first_bid_counts_no_bid() -> None:
    """The answer to what settling asks is nobody's bid."""
    for bidder in (Duellist(["a"]), Raiser("a")):
        market = Market()
        market.add(Scripted({"result": {}}), bidder)  # type: ignore[arg-type]  # scripted
        settle(market.lines)
        assert (market.leads(), market.untold()) == (0, 0)


def test_leads_that_were_lost_without_a_word_are_counted() -> None:
    """Every lead but one of an auction was lost by somebody, who is to be told; a raise loses nobody's."""
    first, second = duellists(2, ring(2), ["a"])
    market = Market()
    for bidder in (first, second):
        connection = Scripted({"result": {}})
        market.add(connection, bidder)  # type: ignore[arg-type]  # scripted
        request = bidder.request()
        assert request is not None
        connection.send(request)
        (answer,) = (CODEC.read(payload) for payload in connection.receive())
        assert bidder.take(answer)  # type: ignore[arg-type]  # one message was sent
    assert (market.leads(), market.untold()) == (2, 1)


def test_a_player_alone_raises_its_own_bid() -> None:
    """Each request offers more than the last one, on the same auction."""
    raiser = Raiser("a")
    offers = [msgspec.msgpack.decode(raiser.request())["params"] for _ in range(3)]
    assert [offer["listing"] for offer in offers] == ["a"] * 3
    amounts = [offer["amount"] for offer in offers]
    assert amounts == sorted(set(amounts))


def test_two_players_are_a_ring_already() -> None:
    """Two duel with one another; one alone with nobody."""
    assert (ring(1), ring(2), len(ring(16))) == ([], [(0, 1)], 64)
