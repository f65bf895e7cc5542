"""Turns: what concerns a listing that is held for a trade waits until the trade is settled, first come, first served.
So does what waits for the answer of a store of another node.

A trade waits for at most one listing and nobody waits for gold, so nobody waits in a circle. Who waits is bounded in
number and in time.
"""

from collections import deque
from collections.abc import Callable

from twisted.python.failure import Failure

from auction.state import StoreId
from shardnode.cluster.reactor import DelayedCall, Reactor
from shardnode.ops.metrics import Metrics

WAITING_MAX = 32
"""How many may wait for one listing; one more is turned away."""

Place = tuple[StoreId, str]
"""A listing or an offer as one store holds it, or an order whose market has to answer that store."""


class _Waiter:
    __slots__ = ("expiry", "give_up", "go")

    def __init__(self, go: Callable[[], bool], give_up: Callable[[], None]) -> None:
        self.go = go
        self.give_up = give_up
        self.expiry: DelayedCall


class Turns:
    """Who waits for which listing."""

    def __init__(self, reactor: Reactor, metrics: Metrics, failed: Callable[[Failure], None]) -> None:
        self._reactor = reactor
        self._metrics = metrics
        self._failed = failed
        self._waiting: dict[Place, deque[_Waiter]] = {}

    def __len__(self) -> int:
        return sum(len(queue) for queue in self._waiting.values())

    def wait(self, place: Place, go: Callable[[], bool], give_up: Callable[[], None], within_s: float) -> None:
        """Call `go` when the listing is free; it returns False where it found the listing held again, and keeps its
        place. `give_up` is called instead after `within_s`, or at once where too many wait.
        """
        queue = self._waiting.setdefault(place, deque())
        if len(queue) >= WAITING_MAX:
            self._metrics.limit_hit("turns_waiting_max")
            give_up()
            return
        waiter = _Waiter(go, give_up)
        waiter.expiry = self._reactor.callLater(within_s, self._expire, place, waiter)
        queue.append(waiter)

    def free(self, place: Place) -> None:
        """A listing is no longer held: let those who wait go on, until one of them holds it again."""
        queue = self._waiting.get(place)
        while queue:
            waiter = queue.popleft()
            if not waiter.go():
                queue.appendleft(waiter)
                return
            waiter.expiry.cancel()
        self._waiting.pop(place, None)

    def _expire(self, place: Place, waiter: _Waiter) -> None:
        queue = self._waiting.get(place)
        if queue is None or waiter not in queue:
            return  # its turn has come at this very moment
        queue.remove(waiter)
        if not queue:
            del self._waiting[place]
        try:
            waiter.give_up()
        except Exception:  # a bug of ours: the node stops before it lies
            self._failed(Failure())
