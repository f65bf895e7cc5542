"""A shorter story of the same violation: fewer faults, fewer kinds of them, fewer nodes, less work."""

from collections.abc import Iterator
from typing import NamedTuple

from msgspec.structs import replace

from tests.simulation.histories import Level, Plan

SALTS = 24
"""Histories tried of each smaller plan: a fault left out changes every random number after it."""


class Shrunk(NamedTuple):
    """The smallest plan found that still violates the check, and its story."""

    plan: Plan
    story: list[str]


def shrink(level: Level, plan: Plan, check: str) -> Shrunk:
    """Make a plan smaller, one step at a time, while a history of it still violates `check`; then take the shortest.

    The same plan always shrinks to the same story. It ends after about `level.shrink_histories` histories.
    """
    search = _Search(level, check, level.shrink_histories * 3 // 4)
    smallest = search.violating(plan, 1)
    assert smallest is not None, f"the plan of seed {plan.seed} does not violate {check}"
    found: Shrunk | None = smallest
    while found is not None:
        smallest = found
        found = next((less for smaller in _smaller(level, smallest.plan) if (less := search.violating(smaller))), None)
    last = _Search(level, check, level.shrink_histories // 4)
    while last.left > 0:
        again = last.story(replace(smallest.plan, salt=last.left))
        if again is not None and len(again.story) < len(smallest.story):
            smallest = again
    return smallest


class _Search:
    def __init__(self, level: Level, check: str, left: int) -> None:
        self._level = level
        self._check = check
        self.left = left
        """Histories that may still be spent."""

    def violating(self, plan: Plan, salts: int = SALTS) -> Shrunk | None:
        """The first history of a plan that violates the check, bounded by the faults that it took."""
        for salt in range(plan.salt, plan.salt + salts):
            found = self.story(replace(plan, salt=salt))
            if found is not None:
                return found
        return None

    def story(self, plan: Plan) -> Shrunk | None:
        """One history, if it violates the check and there are histories left to spend."""
        if self.left <= 0:
            return None
        self.left -= 1
        story: list[str] = []
        faults, violation = self._level.play(plan, story)
        if violation is None or violation.check != self._check:
            return None
        return Shrunk(replace(plan, faults_max=faults), story)


def _smaller(level: Level, plan: Plan) -> Iterator[Plan]:
    """Plans one step smaller, the largest steps first."""
    if plan.size > 1:
        yield replace(plan, size=plan.size // 2)
        yield replace(plan, size=plan.size - 1)
    if plan.nodes > level.nodes_min:
        yield replace(plan, nodes=plan.nodes - 1)
    for kind in plan.faults.kinds():
        yield replace(plan, faults=plan.faults.without(kind))
    for fewer in sorted({0, plan.faults_max // 2, plan.faults_max * 3 // 4, plan.faults_max - 1}):
        if 0 <= fewer < plan.faults_max:
            yield replace(plan, faults_max=fewer)
