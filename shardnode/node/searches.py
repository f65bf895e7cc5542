"""The node's answers to `listing.search`: from its own index, never leaving the node.

At a start the snapshot in the node's database is read first, then the records beyond it; searches wait for that. What
changes in the index is taken into its columns in a lane of their own, which also searches them: a search shows all that
had changed when it was asked.
"""

from collections.abc import Callable, Generator, Iterable
from typing import Any, TypeVar, TypeVarTuple

import msgspec
from msgspec import UNSET
from twisted.internet.defer import Deferred, fail, inlineCallbacks, succeed
from twisted.python.failure import Failure

from auction.commands import SearchListings
from auction.context import Answer
from auction.events import BidTaken, ListingClosed, ListingCreated, decode_events
from auction.evolve import after_bid, after_close
from auction.refusals import Refusal
from auction.results import Market, SearchResult
from auction.state import Listing
from auction.views import listing_view
from shardnode.cluster.reactor import DelayedCall, Reactor
from shardnode.node.lanes import Lane
from shardnode.ops.metrics import Metrics
from shardnode.search.columns import Columns
from shardnode.search.index import IndexLimits, ListingIndex
from shardnode.search.pages import Further, Page, PageLimits, Pages
from shardnode.search.sales import SoldOfBase, market_of
from shardnode.search.scan import Found, find
from shardnode.storage.port import Journal, StorageFault
from shardnode.wire.errors import ClientFault, Unavailable

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

ListingEvent = ListingCreated | BidTaken | ListingClosed


class SearchLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of searching."""

    pages: PageLimits = PageLimits()
    index: IndexLimits = IndexLimits()
    searches_max: int = 100
    """Searches waiting for their turn; beyond it they are refused as unavailable."""
    search_waits_s: float = 2.0
    """A search whose turn has not come by then is refused as unavailable."""
    take_in_s: float = 0.02
    """How long changes wait for a search to take them along before they are taken in without."""
    replaced_rows_max: int = 2_000_000
    """Rows that stay only because a search with a cursor may have found them, some hundred bytes each. Beyond it the
    oldest searches are forgotten before their time."""
    read_page: int = 500
    """Rows, sales or records read at once while the index is loaded."""
    retry_after_ms: int = 250
    """What a client is told to wait."""


class Searches:
    """Runs searches over the index, one after another."""

    def __init__(
        self,
        *,
        node: str,
        start: int,
        reactor: Reactor,
        journal: Journal,
        journal_lane: Lane,
        search_lane: Lane,
        now_ms: Callable[[], int],
        failed: Callable[[Failure], None],
        limits: SearchLimits,
        metrics: Metrics,
    ) -> None:
        self._reactor = reactor
        self._journal = journal
        self._journal_lane = journal_lane
        self._search_lane = search_lane
        self._now_ms = now_ms
        self._failed = failed
        self._limits = limits
        self._metrics = metrics
        self._pages = Pages(node, start, limits.pages)
        self._columns = Columns()
        self._loaded = False
        self._waiting_for_load: dict[Deferred[None], DelayedCall] = {}
        self.index = ListingIndex(limits.index, since_ms=now_ms())
        self.index.on_pending = self._take_in_soon
        self.own = self.index.of(node)
        """Those that live here."""
        self.waiting = 0
        self._turns = 0
        """How often changes were handed over to be taken in."""
        self._takes_in_soon = False

    @inlineCallbacks
    def load(self, until: int) -> Generator["Deferred[Any]", Any, dict[str, Listing]]:
        """Read what was for sale at a position; fires when searches are answered, with what the snapshot lacked of it.

        What happens meanwhile is applied as always. The index knows which of two rows is newer; those that the records
        beyond the snapshot start from are kept beside it.
        """
        events: list[ListingEvent] = []
        position = yield self._read(self._journal.feed_position)
        while position < until:
            position, further = yield self._read(self._events, position, until)
            events += further
        past = yield self._load_listings({_listing_of(event) for event in events})
        yield self._load_sales()
        changed = yield self._read(_rows_after, past, events)
        rows = list(changed.values())
        for first in range(0, len(rows), self._limits.read_page):
            self.own.apply(rows[first : first + self._limits.read_page], past=True)
            yield self._take_in()
        self.own.settle()
        self._loaded = True
        for loaded, late in self._waiting_for_load.items():
            late.cancel()
            loaded.callback(None)
        self._waiting_for_load.clear()
        return changed  # type: ignore[no-any-return]  # what a yield gives has no type

    def ask(self, query: SearchListings, player: str) -> "Deferred[Answer]":
        """A page of open listings as `player` sees them. Fails with Unavailable, or BadParams for a page too far."""
        try:
            if query.cursor is None:
                page = self._search(query, self._room(query))
            else:
                further = self._pages.seek(query, self._now_ms())
                if isinstance(further, Refusal):
                    return succeed(_answer(further, player))
                self._check_turns()
                page = self._read_on(further, query.limit)
        except ClientFault:
            return fail(Failure())
        self.waiting += 1
        return page.addBoth(self._done).addCallback(_answer, player)

    def _room(self, query: SearchListings) -> int:
        """How many listings a search may find. Raises Unavailable."""
        self._check_turns()
        most = self._pages.room(self._now_ms())
        if most < query.limit:
            raise self._refused("kept_rows_max", "too many searches keep cursors; try again")
        return most

    def _check_turns(self) -> None:
        if self.waiting >= self._limits.searches_max:
            raise self._refused("searches_max", "too many searches wait; try again")

    @inlineCallbacks
    def _search(self, query: SearchListings, most: int) -> Generator["Deferred[Any]", Any, Page]:
        by_s = self._reactor.seconds() + self._limits.search_waits_s
        if not self._loaded:
            yield self._awaiting_load()
        as_of_ms = self._now_ms()
        sold = self.index.sold(query.base) if query.with_market and query.base is not None else None
        self._take_in()
        number = self._pages.begin(query, self._turns, as_of_ms)
        try:
            found, rows, market = yield self._in_turn(by_s, self._find, query, most, sold, as_of_ms)
        except BaseException:  # whatever it is, the search is over
            self._pages.end(number)
            raise
        return self._pages.first(number, found, rows, market)

    @inlineCallbacks
    def _read_on(self, further: Further, limit: int) -> Generator["Deferred[Any]", Any, Page]:
        by_s = self._reactor.seconds() + self._limits.search_waits_s
        rows = yield self._in_turn(by_s, further.found.page, further.offset, limit)
        return self._pages.page(further, rows)

    @inlineCallbacks
    def _in_turn(
        self, by_s: float, work: Callable[[*Ts], T], *args: *Ts
    ) -> Generator["Deferred[T | None]", T | None, T]:
        """What work in the search lane comes to; fails with Unavailable where its turn comes too late."""
        result = yield self._search_lane.do(self._unless_late, by_s, work, *args)
        if result is None:
            raise self._refused("search_waits_s", "searches take too long now; try again")
        return result

    def _unless_late(self, by_s: float, work: Callable[[*Ts], T], *args: *Ts) -> T | None:
        return None if self._reactor.seconds() > by_s else work(*args)

    def _find(
        self, query: SearchListings, most: int, sold: list[SoldOfBase] | None, as_of_ms: int
    ) -> tuple[Found, list[Listing], Market | None]:
        """What a search finds, and its first page. In the search lane."""
        found = find(self._columns, query, most)
        return found, found.page(0, query.limit), None if sold is None else market_of(sold, as_of_ms)

    def _done(self, result: Any) -> Any:
        self.waiting -= 1
        return result

    def _refused(self, limit: str, why: str) -> Unavailable:
        self._metrics.limit_hit(limit)
        return Unavailable(why, self._limits.retry_after_ms)

    def _take_in_soon(self) -> None:
        if not self._takes_in_soon:
            self._takes_in_soon = True
            self._reactor.callLater(self._limits.take_in_s, self._take_in_now)

    def _take_in_now(self) -> None:
        self._takes_in_soon = False
        self._take_in()

    def _take_in(self) -> "Deferred[None]":
        """Let the search lane take in what has changed; fires when it has."""
        changes = self.index.take_changes()
        if not changes:
            return succeed(None)
        self._turns += 1
        self._pages.forget(self._now_ms())
        oldest = self._pages.oldest_turn()
        done = self._search_lane.do(self._columns.take_in, changes, self._turns if oldest is None else oldest)
        return done.addCallback(self._taken_in, len(changes)).addErrback(self._failed)

    def _taken_in(self, replaced: int, count: int) -> None:
        self.index.taken_in(count)
        if replaced > self._limits.replaced_rows_max:
            self._metrics.limit_hit("replaced_rows_max")
            self._pages.forget_oldest()

    def _awaiting_load(self) -> "Deferred[None]":
        loaded: Deferred[None] = Deferred()
        late = self._reactor.callLater(self._limits.search_waits_s, self._give_up, loaded)
        self._waiting_for_load[loaded] = late
        return loaded

    def _give_up(self, loaded: "Deferred[None]") -> None:
        del self._waiting_for_load[loaded]
        loaded.errback(self._refused("search_waits_s", "the listings are still being read; try again"))

    @inlineCallbacks
    def _load_listings(self, wanted: set[str]) -> Generator["Deferred[Any]", Any, dict[str, Listing]]:
        """Read the snapshot of the open listings into the index; fires with those of its rows that are wanted."""
        past: dict[str, Listing] = {}
        after = ""
        while rows := (yield self._read(self._journal.open_listings, after, self._limits.read_page)):
            past.update((row.listing, row) for row in rows if row.listing in wanted)
            self.own.apply(rows, past=True)
            yield self._take_in()
            after = rows[-1].listing
        return past

    @inlineCallbacks
    def _load_sales(self) -> Generator["Deferred[Any]", Any, None]:
        mark = -1
        while sales := (yield self._read(self._journal.sales, mark, self._limits.read_page)):
            for sale in sales:
                self.own.sales.add(sale)
            mark = sales[-1].mark

    def _read(self, read: Callable[..., Any], *args: Any) -> "Deferred[Any]":
        return self._journal_lane.do(read, *args)

    def _events(self, position: int, until: int) -> tuple[int, list[ListingEvent]]:
        """What happened to listings in the next records after a position, and the last one's. In the journal's lane."""
        events: list[ListingEvent] = []
        tail = self._journal.feed_tail(position, self._limits.read_page)
        for at, parts in tail:
            if at <= until:
                happened = (event for part in parts for event in decode_events(part))
                events += (event for event in happened if isinstance(event, ListingEvent))
        return tail[-1][0], events


def _listing_of(event: ListingEvent) -> str:
    return event.listing.listing if isinstance(event, ListingCreated) else event.listing


def _rows_after(past: dict[str, Listing], events: Iterable[ListingEvent]) -> dict[str, Listing]:
    """The rows that events leave, from those that they begin with; changes `past`.

    Raises StorageFault where that lacks an open listing: SQLite can lose rows of a torn file in silence.
    """

    def before(listing: str) -> Listing:
        row = past.get(listing)
        if row is None:
            raise StorageFault(
                f"the node's database has lost the open listing {listing}: node.sqlite is damaged; restore it together "
                "with stores/ from one backup"
            )
        return row

    changed: dict[str, Listing] = {}
    for event in events:
        if isinstance(event, ListingCreated):
            row = event.listing
        elif isinstance(event, BidTaken):
            row = after_bid(before(event.listing), event)
        else:
            row = after_close(before(event.listing), event)
        past[row.listing] = changed[row.listing] = row
    return changed


def _answer(page: Page | Refusal, player: str) -> Answer:
    if isinstance(page, Refusal):
        return Answer(page, refused=True)
    views = [listing_view(row, player) for row in page.rows]
    market = UNSET if page.market is None else page.market
    return Answer(SearchResult(views, page.next, page.as_of_ms, market), refused=False)
