"""Figures and scenario, without a server."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.codec import Message
from load_tests.duels import DUELS_EACH, HEADROOM, Duellist, pairs
from load_tests.figures import figures, rounds_of, spread
from load_tests.generator import CODEC, Measured
from load_tests.house import START_BID, Refused


def test_figures_sum_up_rounds() -> None:
    """Answers, time and CPU of all rounds go into one figure each, latencies in milliseconds by share."""
    first = Measured(seconds=2.0, latencies_s=[0.001] * 99, generator_cpu_s=0.5, server_cpu_s=1.5)
    second = Measured(seconds=2.0, latencies_s=[0.050], generator_cpu_s=0.5, server_cpu_s=0.5)
    summed = figures([first, second])
    assert (summed.answers, summed.seconds) == (100, 4.0)
    assert (summed.latency_ms.p50, summed.latency_ms.max) == (1.0, 50.0)
    assert (summed.server_cpu_us, summed.server_cpus, summed.generator_cpus) == (20_000.0, 0.5, 0.25)
    assert not summed.limited_by_generator


def test_a_busy_generator_is_told() -> None:
    """A generator that used nearly a whole core may have set the pace, and the figures say so."""
    assert figures([Measured(1.0, [0.001], generator_cpu_s=0.9, server_cpu_s=0.1)]).limited_by_generator


def test_a_spread_is_the_middle_and_the_ends() -> None:
    """The median stands for all rounds, beside the least and the largest."""
    summed = spread([0.61, 0.594, 0.7], 2)
    assert (summed.median, summed.min, summed.max, summed.rounds) == (0.61, 0.59, 0.7, [0.61, 0.59, 0.7])


@given(st.floats(min_value=0.1, max_value=3_600))
def test_rounds_share_the_time(seconds: float) -> None:
    """Rounds are of one length and together as long as was asked for."""
    rounds = rounds_of(seconds)
    assert sum(rounds) == pytest.approx(seconds)
    assert len(set(rounds)) == 1
    assert rounds[0] <= 3.0


@given(st.integers(min_value=3, max_value=200))
def test_everybody_duels_equally_often_and_no_two_twice(players: int) -> None:
    """The ring of duels is fair: each player has the same number of opponents, and each pair meets once at most."""
    duels = pairs(players)
    assert len({frozenset(duel) for duel in duels}) == len(duels)
    counts = {sum(player in duel for duel in duels) for player in range(players)}
    assert len(counts) == 1
    assert 2 <= counts.pop() <= DUELS_EACH


def _answer(request: bytes, **members: object) -> Message:
    number = CODEC.read(request).id  # type: ignore[union-attr]  # one request was encoded
    return _message(id=number, **members)


def _message(**members: object) -> Message:
    message = CODEC.read(CODEC._encode({"jsonrpc": "2.0", **members}))
    assert isinstance(message, Message)
    return message


def test_an_outbid_player_bids_what_the_node_named() -> None:
    """A player who leads everywhere rests until the push about a lost lead, and then bids its `min_bid`."""
    player = Duellist(["a"])
    bid = player.request()
    assert bid == CODEC.request(1, "listing.bid", {"listing": "a", "amount": START_BID})
    assert player.take(_answer(bid, result={"winning": True}))
    assert player.request() is None
    data = {"listing": "a", "price": 130, "min_bid": 131}
    told = _message(method="event", params={"seq": 1, "type": "listing.outbid", "at_ms": 1, "data": data})
    assert not player.take(told)
    assert player.request() == CODEC.request(2, "listing.bid", {"listing": "a", "amount": 131})
    assert (player.outcomes["leads"], player.pushes) == (1, 1)


def test_a_refused_player_bids_again_at_once() -> None:
    """A bid that came too late is made again with the `min_bid` of the refusal, before any other."""
    player = Duellist(["a", "b"])
    bid = player.request()
    assert bid is not None
    error = {"code": -32003, "message": "", "data": {"reason": "bid_too_low", "min_bid": 107}}
    assert player.take(_answer(bid, error=error))
    assert player.request() == CODEC.request(2, "listing.bid", {"listing": "a", "amount": 107})
    assert player.outcomes == {"bid_too_low": 1}


def test_some_bids_have_headroom() -> None:
    """Asked to, a player offers more than it must with every so manieth bid, so that others' bids fall short."""
    player = Duellist(["a", "b", "c", "d"], headroom_every=3)
    amounts = []
    for _ in "abcd":
        bid = player.request()
        assert bid is not None
        amounts.append(msgspec.msgpack.decode(bid)["params"]["amount"])
    assert amounts == [START_BID, START_BID, START_BID + HEADROOM, START_BID]


def test_any_other_refusal_stops_the_load_test() -> None:
    """A refusal that a duel cannot meet is a fault of the set-up, and is told."""
    player = Duellist(["a"])
    bid = player.request()
    assert bid is not None
    error = {"code": -32003, "message": "", "data": {"reason": "insufficient_gold", "available": 0}}
    with pytest.raises(Refused, match="insufficient_gold"):
        player.take(_answer(bid, error=error))
