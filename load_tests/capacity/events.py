"""The clock of a simulation, and the processors whose time its programs take.

A library of processes (one generator each) was weighed: it costs about ten times as much an event, and what is
simulated here is a few callbacks that need nothing of it.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, Protocol


class Loop:
    """What happens when, in the order of time; of what happens at the same instant, first what was asked for first."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.events = 0
        """How much has happened."""
        self._heap: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._asked = 0

    def after(self, delay_s: float, act: Callable[..., None], *args: Any) -> None:
        """Let something happen in a while."""
        self._asked += 1
        heappush(self._heap, (self.now_s + delay_s, self._asked, act, args))

    def run(self, until_s: float) -> None:
        """Let time go on to an instant."""
        heap = self._heap
        while heap and heap[0][0] <= until_s:
            self.now_s, _, act, args = heappop(heap)
            self.events += 1
            act(*args)
        self.now_s = until_s


class Processor(Protocol):
    """Gives programs the time of a processor."""

    def run(self, work_s: float, done: Callable[[], None]) -> None:
        """Tell when so much processor time was given."""


class OwnCore:
    """A core for each who asks: nobody waits."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    def run(self, work_s: float, done: Callable[[], None]) -> None:
        """See Processor."""
        self._loop.after(work_s, done)


class SharedCores:
    """So many cores for all who ask; where more ask than there are cores, each gets an equal share of them.

    Kept by one number, what an uninterrupted program would have got since the start: a program is done when that has
    grown by its work. The classical way to simulate processor sharing.
    """

    def __init__(self, loop: Loop, cores: float) -> None:
        self._loop = loop
        self._cores = cores
        self._given_s = 0.0
        self._given_at_s = 0.0
        self._running: list[tuple[float, int, Callable[[], None]]] = []
        self._asked = 0
        self._alarm = 0

    def run(self, work_s: float, done: Callable[[], None]) -> None:
        """See Processor."""
        self._advance()
        self._asked += 1
        heappush(self._running, (self._given_s + work_s, self._asked, done))
        self._await_next()

    def _speed(self) -> float:
        return min(1.0, self._cores / len(self._running)) if self._running else 1.0

    def _advance(self) -> None:
        self._given_s += (self._loop.now_s - self._given_at_s) * self._speed()
        self._given_at_s = self._loop.now_s

    def _await_next(self) -> None:
        self._alarm += 1
        if self._running:
            left_s = max(0.0, self._running[0][0] - self._given_s)
            self._loop.after(left_s / self._speed(), self._finish, self._alarm)

    def _finish(self, alarm: int) -> None:
        if alarm != self._alarm:
            return  # somebody came or went meanwhile, and another alarm is set
        self._advance()
        until_s, _, done = heappop(self._running)
        self._given_s = max(self._given_s, until_s)
        self._await_next()
        done()
