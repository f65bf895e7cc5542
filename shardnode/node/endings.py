"""Endings: listings and offers are ended when their time has come, store by store, through the door of all requests."""

from collections.abc import Callable, Generator
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.logger import Logger

from auction.commands import EndListing, EndOffer
from auction.context import HOUSE, Answer, Request
from auction.outcomes import a_player
from auction.state import StoreId
from shardnode.cluster.reactor import Reactor
from shardnode.node.awake_stores import AwakeStores
from shardnode.node.clock import HouseClock
from shardnode.ops.metrics import Metrics
from shardnode.storage.port import StorageFault
from shardnode.wire.errors import Unavailable

log = Logger()

Ending = EndListing | EndOffer


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
        """End every listing and every offer of a store that is due.

        One that needs a damaged store, or finds the node full, is left: it stays due, so the timers read it again.
        """
        left: set[Ending] = set()
        is_damaged = False
        try:
            while not self._ceased:
                yield self._stores.wake([store])
                due = [ending for ending in self._due(store) if ending not in left]
                if not due:
                    break
                if not (yield self._end(due[0])):
                    left.add(due[0])
        except StorageFault as fault:
            log.warn("a store in which something is due cannot be opened", store=store, why=str(fault))
            is_damaged = True
        if left or is_damaged:
            # the place among those in flight is kept for a moment, so that a storm of these does not spin
            pause: Deferred[None] = Deferred()
            self._reactor.callLater(self._pause_s, pause.callback, None)
            yield pause

    def _due(self, store: StoreId) -> list[Ending]:
        """What is due in a store that is awake."""
        state, now_ms = a_player(self._stores.state(store)), self._clock.now_ms()
        due: list[Ending] = [EndListing(listing=listing) for listing in state.due_listings(now_ms)]
        due.extend(EndOffer(offer=offer) for offer in state.due_offers(now_ms))
        return due

    @inlineCallbacks
    def _end(self, ending: Ending) -> Generator["Deferred[Any]", Any, bool]:
        """End a listing or an offer; whether that could be done now."""
        answer: Deferred[Answer] = Deferred()
        self._decide(Request(HOUSE, ending), answer)
        try:
            yield answer
        except Unavailable as fault:
            log.warn("what is due cannot be ended yet", ending=str(ending), why=str(fault))
            return False
        self._metrics.timer_fired()
        return True
