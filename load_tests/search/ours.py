"""The node's own searches: `Searches` as a session asks it, with its lane, and its index fed as a peer feeds it."""

import gc
import sys
import time
from collections.abc import Iterable
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from auction.commands import SearchListings
from auction.context import Answer
from auction.results import SearchResult
from auction.state import Listing
from load_tests.search.market import NOW_MS
from load_tests.search.sides import Page
from shardnode.node.lanes import ThreadLane
from shardnode.node.searches import Searches, SearchLimits
from shardnode.ops.metrics import Metrics
from shardnode.search.pages import PageLimits
from shardnode.storage.memory import MemoryStorage

PLAYER = "player"
PEER = "peer"
LIMITS = SearchLimits(pages=PageLimits(cursor_s=2, kept_rows_max=100_000_000))
"""Who asks without a pause leaves more cursors than a node keeps, which then lets each lead to less. Here they live
shorter, so that every search finds as much as it does on a node that is asked less often."""
WAIT_S = 0.001
YOUNG_OBJECTS_MAX = 50_000
SWITCH_INTERVAL_S = 0.0005
"""As a node sets them when it begins to serve."""


class Ours:
    """Searches of one node, whose listings all live on a peer."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._lane = ThreadLane(reactor, "search")
        self._storage = MemoryStorage()
        self._storage.open()
        self._started_at_s = time.monotonic()
        self._problem: Failure | None = None
        self._searches = Searches(
            node="n1",
            start=1,
            reactor=reactor,
            journal=self._storage.journal,
            journal_lane=self._lane,
            search_lane=self._lane,
            now_ms=self._now_ms,
            failed=self._failed,
            limits=LIMITS,
            metrics=Metrics("n1", "load-test"),
        )
        self.index = self._searches.index

    async def load(self, messages: Iterable[bytes]) -> None:
        """Take in a peer's snapshot, as fast as the search thread does."""
        decoder = msgspec.msgpack.Decoder(list[Listing])
        listings = self.index.of(PEER)
        await self._searches.load(0)
        for message in messages:
            listings.apply(decoder.decode(message), past=True)
            while not self.index.has_room():
                await self._a_moment()
        listings.settle()
        await self.taken_in()

    async def taken_in(self) -> None:
        """Wait until the search thread has taken in all that was told."""
        while self.index.pending():
            await self._a_moment()

    def page(self, query: SearchListings, following: Any) -> "Deferred[Page]":
        """See `Side`; a page is followed by its cursor."""
        asked = query if following is None else msgspec.structs.replace(query, cursor=following)
        return self._searches.ask(asked, PLAYER).addCallback(_page)

    async def close(self) -> None:
        """Let the thread end."""
        await self._lane.close()
        self._storage.close()

    async def _a_moment(self) -> None:
        if self._problem is not None:
            self._problem.raiseException()
        await deferLater(self._reactor, WAIT_S)

    def _failed(self, problem: Failure) -> None:
        self._problem = problem

    def _now_ms(self) -> int:
        return NOW_MS + int((time.monotonic() - self._started_at_s) * 1000)


def as_a_node_at_work() -> None:
    """Set the garbage collector, which leaves alone what is there, and the threads' turns as a serving node does."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS_MAX, 20, 20)
    sys.setswitchinterval(SWITCH_INTERVAL_S)


def _page(answer: Answer) -> Page:
    found = answer.body
    assert isinstance(found, SearchResult), found
    return Page([row.listing for row in found.listings], found.next)
