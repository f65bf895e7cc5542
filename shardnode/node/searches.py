"""The node's answers to `listing.search`: from its own index, never leaving the node.

At a start the snapshot in the node's database is read first, then the records beyond it; searches wait for that. A
search takes the rows as they are at one instant and is filtered and sorted in a lane of its own, so that it holds
nobody up.
"""

from collections.abc import Callable, Generator
from typing import Any

import msgspec
from twisted.internet.defer import Deferred, fail, inlineCallbacks, succeed

from auction.commands import SearchListings
from auction.context import Answer
from auction.events import BidTaken, ListingClosed, ListingCreated, decode_events
from auction.evolve import after_bid, after_close
from auction.refusals import Refusal
from auction.results import SearchResult
from auction.state import Listing
from auction.views import listing_view
from shardnode.node.lanes import Lane
from shardnode.ops.metrics import Metrics
from shardnode.search.index import ListingIndex
from shardnode.search.pages import Page, PageLimits, Pages
from shardnode.search.query import found
from shardnode.storage.port import Journal, StorageFault
from shardnode.wire.errors import Unavailable


class SearchLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of searching."""

    pages: PageLimits = PageLimits()
    searches_max: int = 100
    """Searches waiting for their turn; beyond it they are refused as unavailable."""
    read_page: int = 5_000
    """Rows or records read at once while the index is loaded."""
    retry_after_ms: int = 250
    """What a client is told to wait."""


class Searches:
    """Runs searches over the index, one after another."""

    def __init__(
        self,
        *,
        node: str,
        start: int,
        journal: Journal,
        journal_lane: Lane,
        search_lane: Lane,
        now_ms: Callable[[], int],
        limits: SearchLimits,
        metrics: Metrics,
    ) -> None:
        self._journal = journal
        self._journal_lane = journal_lane
        self._search_lane = search_lane
        self._now_ms = now_ms
        self._limits = limits
        self._metrics = metrics
        self._pages = Pages(node, start, limits.pages)
        self._loaded = False
        self._waiting_for_load: list[Deferred[None]] = []
        self.index = ListingIndex()
        self.own = self.index.of(node)
        """Those that live here."""
        self.waiting = 0

    @inlineCallbacks
    def load(self, until: int) -> Generator["Deferred[Any]", Any, dict[str, Listing]]:
        """Read what was for sale at a position; fires when searches are answered, with what the snapshot lacked of it.

        What happens meanwhile is applied as always, so the past is put together beside the index and enters it last.
        """
        position = yield self._journal_lane.do(self._journal.feed_position)
        past: dict[str, Listing] = {}
        after = ""
        while rows := (yield self._journal_lane.do(self._journal.open_listings, after, self._limits.read_page)):
            past.update((row.listing, row) for row in rows)
            after = rows[-1].listing
        changed: dict[str, Listing] = {}
        while position < until:
            tail = yield self._journal_lane.do(self._journal.feed_tail, position, self._limits.read_page)
            for record in tail:
                position = record[0]
                if position <= until:
                    changed.update(_listings_after(past, record[1]))
        self.own.apply(past.values())
        self.own.settle()
        self._loaded = True
        for waiting in self._waiting_for_load:
            waiting.callback(None)
        self._waiting_for_load.clear()
        return changed

    def ask(self, query: SearchListings, player: str) -> "Deferred[Answer]":
        """A page of open listings as `player` sees them."""
        if query.cursor is not None:
            return succeed(_answer(self._pages.next(query, self._now_ms()), player))
        if self._pages.full(self._now_ms()):
            self._metrics.limit_hit("kept_rows_max")
            return fail(Unavailable("too many searches keep cursors; try again", self._limits.retry_after_ms))
        if self.waiting >= self._limits.searches_max:
            self._metrics.limit_hit("searches_max")
            return fail(Unavailable("too many searches wait; try again", self._limits.retry_after_ms))
        self.waiting += 1
        return self._search(query, player).addBoth(self._done)

    @inlineCallbacks
    def _search(self, query: SearchListings, player: str) -> Generator["Deferred[Any]", Any, Answer]:
        if not self._loaded:
            loaded: Deferred[None] = Deferred()
            self._waiting_for_load.append(loaded)
            yield loaded
        as_of_ms = self._now_ms()
        rows = yield self._search_lane.do(found, self.index.rows(), query)
        return _answer(self._pages.first(query, rows, as_of_ms), player)

    def _done(self, result: Any) -> Any:
        self.waiting -= 1
        return result


def _listings_after(rows: dict[str, Listing], parts: list[bytes]) -> Generator[tuple[str, Listing], None, None]:
    """Bring rows up to date with one record; tells which changed and how.

    Raises StorageFault where the snapshot lacks an open listing: SQLite can lose rows of a torn file in silence.
    """

    def before(listing: str) -> Listing:
        row = rows.get(listing)
        if row is None:
            raise StorageFault(
                f"the node's database has lost the open listing {listing}: node.sqlite is damaged; restore it together "
                "with stores/ from one backup"
            )
        return row

    for part in parts:
        for event in decode_events(part):
            if isinstance(event, ListingCreated):
                row = event.listing
            elif isinstance(event, BidTaken):
                row = after_bid(before(event.listing), event)
            elif isinstance(event, ListingClosed):
                row = after_close(before(event.listing), event)
            else:
                continue
            rows[row.listing] = row
            yield row.listing, row


def _answer(page: Page | Refusal, player: str) -> Answer:
    if isinstance(page, Refusal):
        return Answer(page, refused=True)
    views = [listing_view(row, player) for row in page.rows]
    return Answer(SearchResult(views, page.next, page.as_of_ms), refused=False)
