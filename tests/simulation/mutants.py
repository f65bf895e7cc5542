"""Planted bugs: each takes one rule out of the production code, and the simulator must find every one of them.

A mutant is a patch of production code while its context is open; production code knows nothing of it.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple


class Mutant(NamedTuple):
    """One planted bug."""

    name: str
    breaks: str
    """What the code does with it, in a few words."""
    plant: Callable[[], AbstractContextManager[object]]
    seed: int
    """A seed that finds it, for a quick test."""
