"""When requests start, and what is recorded of them."""

from itertools import takewhile
from random import Random

import pytest

from load_tests.harness.pace import arrivals_s, think_s
from load_tests.harness.recorder import Recorder, latencies, percentiles
from load_tests.results import Percentiles
from load_tests.scenario import Closed, Open


def _arrivals(pace: Open, players: int, until_s: float) -> list[float]:
    return sorted(
        at_s
        for player in range(players)
        for at_s in takewhile(lambda at_s: at_s < until_s, arrivals_s(pace, players, Random(f"{player}")))
    )


def test_arrivals_come_at_the_rate_of_all_players_together() -> None:
    """Fifty players make two hundred requests a second, as many in each second, give or take chance."""
    arrivals = _arrivals(Open(arrivals_per_s=200), 50, 10.0)
    counts = [sum(second <= at_s < second + 1 for at_s in arrivals) for second in range(10)]
    assert 1_850 < sum(counts) < 2_150
    assert min(counts) > 150 and max(counts) < 250


def test_a_ramp_rises_evenly_from_nothing() -> None:
    """Within the ramp half as many come as after it, and a quarter of these in its first half."""
    arrivals = _arrivals(Open(arrivals_per_s=1_000, ramp_s=4.0), 20, 8.0)
    first, ramp = sum(at_s < 2.0 for at_s in arrivals), sum(at_s < 4.0 for at_s in arrivals)
    assert ramp / (len(arrivals) - ramp) == pytest.approx(0.5, rel=0.1)
    assert first / ramp == pytest.approx(0.25, rel=0.15)


def test_arrivals_follow_from_the_seed() -> None:
    """The same chances give the same instants, in their order."""
    pace = Open(arrivals_per_s=10, ramp_s=1.0)
    once, again = (arrivals_s(pace, 3, Random("7")) for _ in range(2))
    times = [next(once) for _ in range(100)]
    assert times == [next(again) for _ in range(100)] == sorted(times)


def test_players_think_as_long_as_told_on_the_average() -> None:
    """Thinking is exponential with the scenario's mean, and no thinking is none."""
    chances = Random("1")
    mean = sum(think_s(Closed(think_s=2.0), chances) for _ in range(5_000)) / 5_000
    assert mean == pytest.approx(2.0, rel=0.1)
    assert think_s(Closed(), chances) == 0.0


def test_waiting_counts_and_service_is_kept_beside() -> None:
    """A request that was sent a second late is as slow as its player saw it; its service time tells of the server."""
    recorder = Recorder(0.0, 10.0)
    recorder.answered("bid", 1.0, 2.0, 2.010, "ok", expected=True)
    recorder.answered("bid", 3.0, 3.0, 3.005, "outbid", expected=True)
    counts = recorder.acts()["bid"]
    latency, service = percentiles(latencies(counts.latency)), percentiles(latencies(counts.service))
    assert latency.max == pytest.approx(1_010_000, rel=0.001)
    assert service.max == pytest.approx(10_000, rel=0.001)
    assert latencies(counts.latency).get_total_count() == latencies(counts.service).get_total_count() == 2
    assert (counts.outcomes, counts.answers, counts.failures) == ({"ok": 1, "outbid": 1}, 2, 0)


def test_what_was_meant_outside_the_measured_time_is_not_recorded() -> None:
    """Warm-up and what starts after the end leave no trace, and an answer after the end belongs to no second."""
    recorder = Recorder(1.0, 2.0)
    for meant_at_s, now_s in ((0.9, 1.5), (2.0, 2.1), (1.9, 2.2), (1.5, 1.6)):
        recorder.answered("bid", meant_at_s, meant_at_s, now_s, "ok", expected=True)
    assert recorder.acts()["bid"].answers == 2
    assert [second.answers for second in recorder.seconds()] == [1]


def test_failures_are_told_from_refusals_of_the_game() -> None:
    """What the act does not expect, and what has no answer, fails; attempts that are repeated are no requests."""
    recorder = Recorder(0.0, 1.0)
    recorder.repeated("bid", 0.1, "no_answer")
    recorder.answered("bid", 0.1, 0.1, 0.2, "frozen", expected=False)
    recorder.answered("bid", 0.3, 0.3, 0.4, "no_answer", expected=False)
    counts = recorder.acts()["bid"]
    assert (counts.answers, counts.failures) == (1, 2)
    assert counts.outcomes == {"no_answer": 2, "frozen": 1}
    assert latencies(counts.latency).get_total_count() == 2
    (second,) = recorder.seconds()
    assert (second.answers, second.failures) == (1, 2)


def test_what_takes_longer_than_a_histogram_holds_is_its_largest() -> None:
    """Nothing falls out of the record for being slow."""
    recorder = Recorder(0.0, 1.0)
    recorder.answered("bid", 0.5, 0.5, 8_000.0, "ok", expected=True)
    histogram = latencies(recorder.acts()["bid"].latency)
    assert histogram.get_total_count() == 1
    assert percentiles(histogram).max == pytest.approx(3.6e9, rel=0.01)


def test_histograms_of_generators_add_up() -> None:
    """Merged by their text they hold what both held; none at all has no shares."""
    one, other = Recorder(0.0, 1.0), Recorder(0.0, 1.0)
    one.answered("bid", 0.1, 0.1, 0.101, "ok", expected=True)
    other.answered("bid", 0.1, 0.1, 0.105, "ok", expected=True)
    both = latencies(one.acts()["bid"].latency)
    both.decode_and_add(other.acts()["bid"].latency)
    assert both.get_total_count() == 2
    assert percentiles(latencies()) == Percentiles()
