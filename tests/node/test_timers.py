"""Timers fire late rather than never, never early, and a few at a time."""

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.python.failure import Failure

from shardnode.node.clock import HouseClock
from shardnode.node.timers import TimerLimits, Timers
from tests.node.hand_lane import HandLane

EPOCH_S = 1_000_000.0


class Bench:
    """Timers over a dictionary of wake-ups; settling takes until `finish`."""

    def __init__(self, limits: TimerLimits) -> None:
        self.reactor = Clock()
        self.lane = HandLane()
        self.wall_ahead_s = 0.0
        self.durable: dict[str, int] = {}
        self.settling: list[tuple[str, Deferred[None]]] = []
        self.begun: list[str] = []
        self.reads = 0
        self.clock = HouseClock(lambda: EPOCH_S + self.reactor.seconds() + self.wall_ahead_s, self.reactor.seconds, 0)
        self.timers = Timers(
            reactor=self.reactor,
            clock=self.clock,
            journal=self,  # type: ignore[arg-type]  # only due is called
            journal_lane=self.lane,
            limits=limits,
            settle=self.settle,
            failed=Failure.raiseException,
        )

    def due(self, before_ms: int, limit: int) -> list[tuple[str, int]]:
        """The journal's part."""
        self.reads += 1
        return sorted((item for item in self.durable.items() if item[1] < before_ms), key=lambda item: item[1])[:limit]

    def settle(self, store: str) -> "Deferred[None]":
        """The node's part."""
        done: Deferred[None] = Deferred()
        self.begun.append(store)
        self.settling.append((store, done))
        return done

    def finish(self) -> None:
        """All that is being settled is settled."""
        settling, self.settling = self.settling, []
        for store, done in settling:
            self.durable.pop(store, None)
            done.callback(None)

    def go(self, seconds: float) -> None:
        """Let time pass in ticks."""
        ticks = round(seconds / 0.05)
        self.lane.run()
        for _ in range(ticks):
            self.reactor.advance(0.05)
            self.lane.run()

    def in_s(self, seconds: float) -> int:
        """An instant from now."""
        return round((EPOCH_S + self.reactor.seconds() + seconds) * 1000)


@pytest.fixture
def bench() -> Bench:
    """With a short horizon and room for two."""
    return Bench(TimerLimits(horizon_s=10, read_max=10, in_flight_max=2))


def test_what_was_due_while_the_node_was_down_fires_at_the_start(bench: Bench) -> None:
    """Wake-ups of the past are served, late rather than never."""
    bench.durable["s"] = bench.in_s(-100)
    bench.timers.start()
    bench.go(0.1)
    assert bench.begun == ["s"]


def test_nothing_fires_early(bench: Bench) -> None:
    """A store is settled at its instant and not a tick before."""
    bench.timers.start()
    bench.go(0.1)
    bench.timers.set("s", bench.in_s(1.0))
    bench.go(0.95)
    assert bench.begun == []
    bench.go(0.1)
    assert bench.begun == ["s"]


def test_what_is_beyond_the_horizon_is_read_when_it_comes_near(bench: Bench) -> None:
    """A wake-up far away is not kept in memory, and fires all the same."""
    bench.timers.start()
    bench.go(0.1)
    far_ms = bench.in_s(25)
    bench.timers.set("s", far_ms)
    bench.durable["s"] = far_ms
    assert len(bench.timers) == 0
    bench.go(24.8)
    assert bench.begun == []
    bench.go(0.4)
    assert bench.begun == ["s"]


def test_a_storm_is_served_a_few_at_a_time(bench: Bench) -> None:
    """No more stores are settled at once than the limit says, and all of them in the end, earliest first."""
    bench.durable.update({f"s{number:02}": bench.in_s(-100 + number) for number in range(35)})
    bench.timers.start()
    for _ in range(40):
        bench.go(0.1)
        assert len(bench.settling) <= 2
        bench.finish()
    assert list(dict.fromkeys(bench.begun)) == [f"s{number:02}" for number in range(35)]


def test_a_store_that_falls_due_again_while_being_settled_is_settled_again(bench: Bench) -> None:
    """A wake-up that comes while its store is being settled is not lost."""
    bench.timers.start()
    bench.go(0.1)
    bench.timers.set("s", bench.in_s(0.1))
    bench.go(0.2)
    bench.timers.set("s", bench.in_s(0.1))
    bench.go(0.2)
    assert bench.begun == ["s"]
    bench.finish()
    assert bench.begun == ["s", "s"]


def test_timers_rest_while_the_wall_clock_is_not_believed(bench: Bench) -> None:
    """A wall clock that jumps ahead ends no auction and raises an alarm, once; when it is right the timers go on."""
    bench.timers.start()
    bench.go(0.1)
    bench.timers.set("s", bench.in_s(1.0))
    bench.wall_ahead_s = 3_600.0
    with capturedLogs() as logged:
        bench.go(2.0)
        assert bench.begun == []
        bench.wall_ahead_s = 0.0
        bench.go(0.1)
    assert bench.begun == ["s"]
    assert [event["log_level"].name for event in logged] == ["error", "info"]


def test_the_past_is_not_read_over_and_over_while_a_storm_is_served(bench: Bench) -> None:
    """While there is enough to do the node's database is left alone."""
    bench.durable.update({f"s{number:02}": bench.in_s(-100 + number) for number in range(35)})
    bench.timers.start()
    bench.go(2.0)
    assert bench.reads <= 2


def test_a_wakeup_set_during_a_storm_is_not_late(bench: Bench) -> None:
    """While what is overdue is read in parts, a wake-up that no read sees in time is kept all the same."""
    bench.durable.update({f"s{number:02}": bench.in_s(-100 + number) for number in range(12)})
    bench.timers.start()
    bench.go(0.05)
    soon_ms = bench.in_s(2.0)
    bench.timers.set("x", soon_ms)
    for _ in range(20):
        bench.go(0.05)
        bench.finish()
    assert bench.reads == 2
    bench.durable["x"] = soon_ms
    bench.go(1.1)
    assert bench.begun[-1] == "x"
