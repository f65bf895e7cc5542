"""Simulated time, chance and trouble: a heap of what happens at which true instant, and the story of what happened.

True time is nobody's clock: nodes have their own (`tests.simulation.clock`), clients and checks read this one.
"""

import heapq
from collections.abc import Callable
from random import Random
from typing import Any

from tests.simulation.faults import Faults
from tests.simulation.histories import Plan, Violation, line


class World:
    """Runs what is due, earliest first and, at one instant, in the order in which it was asked for."""

    def __init__(self, plan: Plan, story: list[str] | None) -> None:
        self.plan = plan
        self.faults = 0
        self.rates = plan.faults
        self.now_s = 0.0
        self.random = Random(plan.randomness)
        self.share = self.random.random
        self.told = story is not None
        """Whether anybody reads the story; ask before a line that costs something."""
        self.violation: Violation | None = None
        """The first check that does not hold; nothing happens after it."""
        self._story = story
        self._heap: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._asked = 0

    def after(self, delay_s: float, action: Callable[..., None], *args: Any) -> None:
        """Do something so many seconds from now."""
        self._asked += 1
        heapq.heappush(self._heap, (self.now_s + delay_s, self._asked, action, args))

    def run(self, until_s: float) -> None:
        """Let time pass up to an instant, or until something is violated, which is raised."""
        heap = self._heap
        while heap and heap[0][0] <= until_s:
            self.now_s, _, action, args = heapq.heappop(heap)
            action(*args)
            if self.violation is not None:
                raise self.violation
        self.now_s = until_s

    def strikes(self, rate: float) -> bool:
        """Whether a fault of this rate happens now; it is counted, and none happens beyond the plan's bound."""
        if rate == 0.0 or self.share() >= rate or self.faults >= self.plan.faults_max:
            return False
        self.faults += 1
        return True

    def violate(self, check: str, text: str) -> None:
        """A check does not hold: the history ends with this step, also where an exception would not get out."""
        if self.violation is None:
            self.violation = Violation(check, text)

    def calm(self) -> None:
        """From now on nothing goes wrong any more."""
        self.rates = Faults()

    def happens(self) -> bool:
        """Count a fault that was drawn to happen now; False where there were as many as may be."""
        if self.faults >= self.plan.faults_max:
            return False
        self.faults += 1
        return True

    def between(self, low: float, high: float) -> float:
        """A number within bounds."""
        return low + (high - low) * self.share()

    def tell(self, who: str, what: str) -> None:
        """Put a line into the story."""
        if self._story is not None:
            self._story.append(line(self.now_s, who, what))
