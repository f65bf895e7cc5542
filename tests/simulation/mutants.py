"""Planted bugs: each takes one rule out of the production code, and the simulator must find every one of them.

A mutant is a patch of production code while its context is open; production code knows nothing of it.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, NamedTuple
from unittest.mock import patch

Patch = AbstractContextManager[object]


class Mutant(NamedTuple):
    """One planted bug."""

    name: str
    breaks: str
    """The rule that is broken, and how, in a few words."""
    plant: Callable[[], Patch]


def planting(mutants: list[Mutant]) -> Callable[[Callable[[], Patch]], Callable[[], Patch]]:
    """A decorator that puts a function, which returns a patch, among the mutants: its name is the mutant's, its
    docstring says the rule that it breaks.
    """

    def planted(plant: Callable[[], Patch]) -> Callable[[], Patch]:
        mutants.append(Mutant(plant.__name__, plant.__doc__ or "", plant))
        return plant

    return planted


def after(owner: Any, name: str, then: Callable[..., None]) -> Patch:
    """Patch a method: it does what it does, then `then` is called with the same arguments."""
    method = getattr(owner, name)

    def mutated(*args: Any, **named: Any) -> Any:
        result = method(*args, **named)
        then(*args, **named)
        return result

    return patch.object(owner, name, mutated)


def instead(owner: Any, name: str, made: Callable[..., Any]) -> Patch:
    """Patch a method or function: `made` is called with it and its arguments."""
    method = getattr(owner, name)

    def mutated(*args: Any, **named: Any) -> Any:
        return made(method, *args, **named)

    return patch.object(owner, name, mutated)


@contextmanager
def together(*patches: Patch) -> Iterator[None]:
    """Several patches that make one bug."""
    with ExitStack() as planted:
        for each in patches:
            planted.enter_context(each)
        yield
