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
    """The rule that is broken, and how, in a few words."""
    plant: Callable[[], AbstractContextManager[object]]
