"""A lane that does its work when the test says so."""

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure


class HandLane:
    """Work waits until `run`; `at_once` makes it run as soon as it is given."""

    def __init__(self, *, at_once: bool = False) -> None:
        self.at_once = at_once
        self.waiting: deque[tuple[Deferred[Any], Callable[..., Any], tuple[Any, ...]]] = deque()

    def do(self, work: Callable[..., Any], *args: Any) -> "Deferred[Any]":
        """See shardnode.node.lanes.Lane."""
        done: Deferred[Any] = Deferred()
        self.waiting.append((done, work, args))
        if self.at_once:
            self.run()
        return done

    def close(self) -> "Deferred[None]":
        """See shardnode.node.lanes.Lane."""
        self.run()
        return succeed(None)

    def run_one(self) -> None:
        """Do the piece of work that waits longest."""
        done, work, args = self.waiting.popleft()
        try:
            result = work(*args)
        except Exception:  # what went wrong is told to who asked, as in a thread
            done.errback(Failure())
        else:
            done.callback(result)

    def run(self) -> None:
        """Do all that waits, and what that leads to."""
        while self.waiting:
            self.run_one()
