"""Lanes: where the node's blocking work is done, one thread each, in the order in which it was given.

The journal has a lane and the store files have one, so every SQLite file is touched by one thread only. A lane is an
argument of the composition root: tests and the simulator pass one that does the work at a time of their choosing.
"""

import queue
import threading
from collections.abc import Callable
from typing import Any, Protocol, TypeVar, TypeVarTuple

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Lane(Protocol):
    """Does one piece of work after another, off the reactor's thread."""

    def do(self, work: Callable[[*Ts], T], *args: *Ts) -> "Deferred[T]":
        """Queue a piece of work; fires in the reactor's thread with what it returned or raised."""

    def close(self) -> "Deferred[None]":
        """Fires when all queued work is done; nothing may be queued after."""


class CallsFromThreads(Protocol):
    """What a thread needs of the reactor."""

    def callFromThread(self, callable: Callable[..., Any], *args: Any) -> None:  # noqa: A002, N802 - Twisted's names
        """Call in the reactor's thread, soon."""


class ThreadLane:
    """A lane with a thread of its own. Its queue is bounded by those who fill it: batches, checkpoints and wake-ups all
    are.
    """

    def __init__(self, reactor: CallsFromThreads, name: str) -> None:
        self._reactor = reactor
        self._work: queue.SimpleQueue[tuple[Deferred[Any], Callable[..., Any], tuple[Any, ...]] | None] = (
            queue.SimpleQueue()
        )
        self._closed: Deferred[None] = Deferred()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def do(self, work: Callable[[*Ts], T], *args: *Ts) -> "Deferred[T]":
        """See Lane."""
        done: Deferred[T] = Deferred()
        self._work.put((done, work, args))
        return done

    def close(self) -> "Deferred[None]":
        """See Lane."""
        self._work.put(None)
        return self._closed

    def _run(self) -> None:
        while (job := self._work.get()) is not None:
            done, work, args = job
            try:
                result = work(*args)
            except BaseException:  # whatever it is, it is told to who asked for the work
                self._reactor.callFromThread(done.errback, Failure())
            else:
                self._reactor.callFromThread(done.callback, result)
        self._reactor.callFromThread(self._closed.callback, None)
