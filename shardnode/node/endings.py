"""Endings: listings whose time has come are settled, store by store, through the same door as every request."""

from collections.abc import Callable, Generator
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.logger import Logger

from auction.commands import EndListing
from auction.context import HOUSE, Answer, Request
from auction.state import StoreId
from shardnode.cluster.reactor import Reactor
from shardnode.node.awake_stores import AwakeStores
from shardnode.node.clock import HouseClock
from shardnode.ops.metrics import Metrics
from shardnode.storage.port import StorageFault
from shardnode.wire.errors import Unavailable

log = Logger()


class Endings:
    """Settles what is due; `decide` executes a request of the house's own."""

    def __init__(
        self,
        *,
        stores: AwakeStores,
        decide: "Callable[[Request, Deferred[Answer]], None]",
        clock: HouseClock,
        reactor: Reactor,
        pause_s: float,
        metrics: Metrics,
    ) -> None:
        self._stores = stores
        self._decide = decide
        self._clock = clock
        self._reactor = reactor
        self._pause_s = pause_s
        self._metrics = metrics
        self._ceased = False

    def cease(self) -> None:
        """Begin nothing more."""
        self._ceased = True

    @inlineCallbacks
    def settle(self, store: StoreId) -> Generator["Deferred[Any]", Any, None]:
        """End every listing of a store that is due.

        One that needs a damaged store, or finds the node full, is left: it stays due, so the timers read it again.
        """
        left: set[str] = set()
        try:
            while not self._ceased:
                yield self._stores.wake([store])
                state = self._stores.state(store)
                assert state is not None, store
                due = [listing for listing in state.due_listings(self._clock.now_ms()) if listing not in left]
                if not due:
                    break
                if not (yield self._end(due[0])):
                    left.add(due[0])
        except StorageFault as fault:
            log.warn("the store of a listing that is due cannot be opened", store=store, why=str(fault))
            left.add(store)
        if left:  # the place among those in flight is kept for a moment, so that a storm of these does not spin
            pause: Deferred[None] = Deferred()
            self._reactor.callLater(self._pause_s, pause.callback, None)
            yield pause

    @inlineCallbacks
    def _end(self, listing: str) -> Generator["Deferred[Any]", Any, bool]:
        """End a listing; whether that could be done now."""
        answer: Deferred[Answer] = Deferred()
        self._decide(Request(HOUSE, EndListing(listing=listing)), answer)
        try:
            yield answer
        except Unavailable as fault:
            log.warn("a listing that is due cannot be settled yet", listing=listing, why=str(fault))
            return False
        self._metrics.timer_fired()
        return True
