"""Sides take turns: each is loaded for a moment while the others are idle, round after round on one machine."""

import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import Protocol

import msgspec

from load_tests.figures import Latency, latency
from load_tests.generator import Line, Measured, drive
from load_tests.machine import OtherLoad
from load_tests.processes import cpu_s_with_ended

CpuTimes = Mapping[str, float]
"""CPU seconds used so far by a side's servers, by kind of process."""
KINDS = {"postgres": "PostgreSQL", "redis": "Redis", "worker": "workers"}
"""How kinds of processes are called where they are shown, if not by the first word of their names."""


class Turn(msgspec.Struct, frozen=True):
    """What one side did in one round."""

    done: int
    """Bids that took the lead, messages echoed, transactions, trades: whatever the side is measured by."""
    seconds: float
    cpu_s: dict[str, float]
    """CPU seconds of the side's servers, by kind of process."""
    latency_ms: Latency | None
    """None where only a mean is known."""
    generator_busy: float
    """Share of its threads' time in which the load generator was busy."""
    others_cpus: float
    """Cores that were busy meanwhile with anything else: idle sides, other programs."""

    @property
    def per_s(self) -> float:
        """How much was done a second."""
        return self.done / self.seconds

    @property
    def cpu_us(self) -> float:
        """CPU microseconds of all the side's servers for each thing done."""
        return sum(self.cpu_s.values()) / self.done * 1e6


def cpu_s_by_kind(pids: Mapping[str, int]) -> CpuTimes:
    """CPU seconds of many processes so far, by the first word of their names, children included that have ended."""
    used_s: dict[str, float] = defaultdict(float)
    for name, pid in pids.items():
        with suppress(FileNotFoundError, ProcessLookupError):  # whoever ended meanwhile is in its parent's times
            its_s, word = cpu_s_with_ended(pid), re.split(r"[^A-Za-z]", name)[0]
            used_s[KINDS.get(word, word)] += its_s
    return used_s


class Side(Protocol):
    """One of those compared: servers that are running, and a load for them."""

    def turn(self, seconds: float) -> Turn:
        """Load the servers for a time, and wait for what is in flight."""


class Clock:
    """Watches the CPU time of one turn, from here on."""

    def __init__(self, cpu_s: Callable[[], CpuTimes]) -> None:
        self._read = cpu_s
        self._others = OtherLoad()
        self._began_s = time.perf_counter()
        self._before_s = cpu_s()

    def cpu_s(self) -> dict[str, float]:
        """CPU seconds of the side's servers since, by kind of process."""
        return {kind: used_s - self._before_s.get(kind, 0.0) for kind, used_s in self._read().items()}

    def others_cpus(self, ours_s: float) -> float:
        """Cores busy since with neither this process nor the `ours_s` CPU seconds of the side."""
        return max(0.0, self._others.cpus() - ours_s / (time.perf_counter() - self._began_s))


class Driven:
    """A side that the generator's closed loop loads; `done` counts what it is measured by, since it was connected."""

    def __init__(self, lines: Sequence[Line], cpu_s: Callable[[], CpuTimes], done: Callable[[], int]) -> None:
        self._lines = lines
        self._cpu_s = cpu_s
        self._done = done

    def turn(self, seconds: float) -> Turn:
        """See `Side`."""
        clock, before = Clock(self._cpu_s), self._done()
        measured = drive(self._lines, seconds)
        return turn_of(measured, self._done() - before, clock)


def turn_of(measured: Measured, done: int, clock: Clock) -> Turn:
    """A round of the closed loop, in which something was `done`, under a clock that was started before it."""
    cpu_s = clock.cpu_s()
    return Turn(
        done=done,
        seconds=measured.seconds,
        cpu_s=cpu_s,
        latency_ms=latency(measured.latencies_s),
        generator_busy=measured.generator_cpu_s / measured.seconds,
        others_cpus=clock.others_cpus(sum(cpu_s.values())),
    )


def in_turns(sides: Mapping[str, Side], rounds: int, seconds: float, random: Random) -> Iterator[tuple[str, Turn]]:
    """Load every side once a round for `seconds`, in an order drawn for each round: no side always follows another."""
    names = list(sides)
    for _ in range(rounds):
        random.shuffle(names)
        for name in names:
            yield name, sides[name].turn(seconds)
