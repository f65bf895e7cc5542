"""What is due when. Whatever waits has one time, `due_s`; setting it anew makes the earlier one void."""

import heapq
from typing import Protocol

from shardnode.agreement.effects import Effects

NEVER = float("inf")


class Waiting(Protocol):
    """Something that is due at `due_s`; NEVER if it waits for no time."""

    due_s: float

    def due(self, now_s: float, effects: Effects) -> None:
        """Its time has come. It has no time any more; it may set another."""


class Timers:
    """A heap of times. A void one stays in it until it has passed: a few seconds."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Waiting]] = []
        self._count = 0

    def set(self, waiting: Waiting, due_s: float) -> None:
        """`waiting.due` is to be called at `due_s`, and no more at the time set before."""
        waiting.due_s = due_s
        self._count += 1
        heapq.heappush(self._heap, (due_s, self._count, waiting))

    def next_s(self) -> float | None:
        """The earliest time; None if nothing waits."""
        heap = self._heap
        while heap and heap[0][2].due_s != heap[0][0]:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def run(self, now_s: float, effects: Effects) -> None:
        """Call all that is due."""
        heap = self._heap
        while heap and heap[0][0] <= now_s:
            due_s, _, waiting = heapq.heappop(heap)
            if waiting.due_s == due_s:
                waiting.due_s = NEVER
                waiting.due(now_s, effects)
