"""A reactor that runs while a test waits for something, so that tests of sockets read from top to bottom."""

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, FirstError, gatherResults
from twisted.internet.selectreactor import SelectReactor
from twisted.python.failure import Failure

T = TypeVar("T")
TURN_S = 0.05
WITHIN_S = 60.0
"""How long a test waits for anything before it fails."""


class Loop:
    """The tests' own reactor; the process's one stays as it is."""

    def __init__(self) -> None:
        self.reactor: Any = SelectReactor()
        self.reactor.startRunning(installSignalHandlers=False)

    def run(self, doing: Awaitable[T]) -> T:
        """Do something to its end and return what comes of it."""
        outcome: list[Any] = []
        _begun(doing).addBoth(outcome.append)
        self.until(lambda: bool(outcome))
        if isinstance(outcome[0], Failure):
            outcome[0].raiseException()
        result: T = outcome[0]
        return result

    def until(self, holds: Callable[[], bool]) -> None:
        """Run until a condition holds."""
        latest_s = time.monotonic() + WITHIN_S
        while not holds():
            assert time.monotonic() < latest_s, f"not within {WITHIN_S:g} s"
            self.reactor.iterate(TURN_S)

    def close(self) -> None:
        """End the reactor and its threads."""
        self.reactor.stop()
        while self.reactor.running:
            self.reactor.iterate(0)

    def until_moment(self, seconds: float) -> None:
        """Run until a moment so many seconds from now."""
        self.run(self.moment(seconds))

    def moment(self, seconds: float) -> "Deferred[None]":
        """A moment so many seconds from now, to be awaited."""
        reached: Deferred[None] = Deferred()
        self.reactor.callLater(seconds, reached.callback, None)
        return reached


async def together(doing: Iterable[Awaitable[T]]) -> list[T]:
    """Do several things at once; the first that fails fails all."""
    try:
        done: list[T] = await gatherResults([_begun(each) for each in doing], consumeErrors=True)
    except FirstError as first:
        first.subFailure.raiseException()
        raise
    return done


def _begun(doing: Any) -> "Deferred[Any]":
    return doing if isinstance(doing, Deferred) else Deferred.fromCoroutine(doing)
