"""Whether a history of operations on one object could have happened one after another, each within its own time.

Wing and Gong's search ("Testing and Verifying Concurrent Objects", JPDC 1993) with Lowe's memory of what was tried
("Testing for Linearizability", CCPE 2017): take operations that no other one precedes, in every order that the object
allows, and never try the same set of operations with the same state twice.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, TypeVar

import msgspec

S = TypeVar("S", bound=Hashable)

STEPS_MAX = 200_000
"""The search is given up beyond so many steps; a history that needs more is too long for this check."""


class Operation(msgspec.Struct, frozen=True, eq=False):
    """Something done to the object, at one instant from `began_s` to `ended_s`."""

    what: Any
    began_s: float
    ended_s: float
    """Infinity for what nobody waited for."""
    optional: bool = False
    """Whether it need not have happened at all."""


def linearizable(
    operations: Sequence[Operation], start: S, step: Callable[[S, Any], Iterable[S]]
) -> list[Operation] | None:
    """An order in which the operations could have happened, or None.

    `step` gives the states that an operation may leave the object in; none where it cannot happen in this state with
    its outcome.
    """
    count = len(operations)
    needed = sum(1 << place for place, operation in enumerate(operations) if not operation.optional)
    tried: set[tuple[int, S]] = set()
    path: list[tuple[int, S, list[tuple[int, S]]]] = [(0, start, _next(0, start, operations, step))]
    taken: list[int] = []
    steps = 0
    while path:
        done, _, ahead = path[-1]
        if done & needed == needed:
            return [operations[place] for place in taken]
        if not ahead:
            path.pop()
            if taken:
                taken.pop()
            continue
        place, state = ahead.pop()
        after = done | 1 << place
        if (after, state) in tried:
            continue
        tried.add((after, state))
        steps += 1
        assert steps <= STEPS_MAX, f"a history of {count} operations takes too many steps to check"
        taken.append(place)
        path.append((after, state, _next(after, state, operations, step)))
    return None


def _next(
    done: int, state: S, operations: Sequence[Operation], step: Callable[[S, Any], Iterable[S]]
) -> list[tuple[int, S]]:
    """What may happen next, the likeliest last: what began first. Nothing overtakes what ended before it began."""
    left = [place for place in range(len(operations)) if not done >> place & 1]
    horizon_s = min((operations[place].ended_s for place in left), default=0.0)
    first = sorted(
        (place for place in left if operations[place].began_s <= horizon_s),
        key=lambda place: operations[place].ended_s,
        reverse=True,
    )
    return [(place, after) for place in first for after in step(state, operations[place].what)]
