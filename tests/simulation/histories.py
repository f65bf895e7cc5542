"""What both levels of the simulator have in common: a plan makes a history, and a history may violate a check."""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from tests.simulation.faults import Faults

FAULTS_MAX = 1_000_000


class Plan(msgspec.Struct, frozen=True):
    """All that a history depends on: the same plan gives the same history, whatever the process or PYTHONHASHSEED."""

    seed: int
    faults: Faults
    nodes: int
    size: int
    """Trades of the agreement alone, requests of whole nodes."""
    faults_max: int = FAULTS_MAX
    """After so many faults nothing goes wrong any more."""
    salt: int = 0
    """Another history of the same plan; shrinking looks for a short one among them."""

    @property
    def randomness(self) -> int:
        """What the history's random numbers begin with."""
        return self.seed << 16 | self.salt


class Violation(Exception):
    """A check does not hold. `check` names it; the text says what was seen."""

    def __init__(self, check: str, text: str) -> None:
        super().__init__(f"{check}: {text}")
        self.check = check


class History(NamedTuple):
    """What came of a plan."""

    faults: int
    """How many were done to it."""
    violation: Violation | None


class Level(NamedTuple):
    """One level of the simulator."""

    name: str
    plan: Callable[[int], Plan]
    """The plan of a seed."""
    play: Callable[[Plan, list[str] | None], History]
    """One history; it writes its story into the list, if there is one."""
    nodes_min: int
    shrink_histories: int
    """How many histories are spent on a shorter story of a violation."""


def line(at_s: float, who: str, what: str) -> str:
    """One line of a story: when, who, what."""
    return f"{at_s:10.4f} s  {who:<10} {what}"
