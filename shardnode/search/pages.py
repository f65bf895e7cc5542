"""Cursors: what a search found is kept for a while, so that its pages neither repeat nor skip while the market moves.

Each page shows its listings as they were at the search's instant, whatever has become of them; whoever acts on one is
judged by what it is then. What is kept are numbers of rows (`shardnode.search.rows`), and until somebody reads beyond
the first page what it takes to put them in order: 4 or 20 bytes a listing.

A cursor is `<node>.<start>-<search>-<offset>`: which start of which node gave it, which search it continues, and
where. It belongs to its query and expires; both are refusals, never an empty page.
"""

import re

import msgspec

from auction.commands import SearchListings
from auction.refusals import Refusal
from auction.results import Market
from auction.state import Listing
from shardnode.search.query import fingerprint
from shardnode.search.scan import Found
from shardnode.wire.errors import BadParams


class PageLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of what cursors keep."""

    cursor_s: int = 60
    """How long a cursor lives."""
    found_max: int = 10_000
    """Listings that the pages of one search lead through; who wants what is beyond has to narrow the query."""
    kept_rows_max: int = 5_000_000
    """Listings that all kept searches refer to. The less room there is, the fewer each may keep; no cursor dies early,
    and where not even a page can be kept, a search is refused."""


ROOM_SHARED_BY = 64
"""A search may keep this part of the room there is."""


class Page(msgspec.Struct, frozen=True):
    """A page of listings as they were at `as_of_ms`, and the cursor of the next one."""

    rows: list[Listing]
    next: str | None
    as_of_ms: int
    market: Market | None


class _Search(msgspec.Struct, eq=False):
    query: bytes
    turn: int
    """How often changes had been taken in by then."""
    as_of_ms: int
    found: Found | None = None
    """None while it is under way."""
    market: Market | None = None


class Further(msgspec.Struct, frozen=True):
    """A page that is to be read of what a search found."""

    number: int
    """The search's."""
    offset: int
    found: Found
    as_of_ms: int
    market: Market | None


_CURSOR = re.compile(r"([A-Za-z0-9-]{1,32})\.([0-9]{1,15})-([0-9]{1,15})-([0-9]{1,9})\Z")


def node_of(cursor: str) -> str | None:
    """The id of the node that gave a cursor; None for what no node ever gave."""
    match = _CURSOR.match(cursor)
    return None if match is None else match[1]


class Pages:
    """The searches under way, and those whose cursors live, oldest first. `start` tells this start of the node from
    others.
    """

    def __init__(self, node: str, start: int, limits: PageLimits) -> None:
        self._node = node
        self._start = start
        self._limits = limits
        self._searches: dict[int, _Search] = {}
        self._made = 0
        self._kept_rows = 0

    def __len__(self) -> int:
        return len(self._searches)

    def room(self, now_ms: int) -> int:
        """How many listings a search may find now."""
        self.forget(now_ms)
        return min(self._limits.found_max, (self._limits.kept_rows_max - self._kept_rows) // ROOM_SHARED_BY)

    def oldest_turn(self) -> int | None:
        """The turn of the oldest search; None without any."""
        for search in self._searches.values():
            return search.turn
        return None

    def begin(self, query: SearchListings, turn: int, now_ms: int) -> int:
        """A search is under way; its number."""
        self._made += 1
        self._searches[self._made] = _Search(fingerprint(query), turn, now_ms)
        return self._made

    def end(self, number: int) -> None:
        """A search came to nothing, or nobody waits for it."""
        del self._searches[number]

    def first(self, number: int, found: Found, rows: list[Listing], market: Market | None) -> Page:
        """The first page of a search, which is kept if there are more."""
        search = self._searches[number]
        search.found, search.market = found, market
        if len(rows) == found.count:
            self.end(number)
        else:
            self._kept_rows += len(found)
        return self.page(Further(number, 0, found, search.as_of_ms, market), rows)

    def seek(self, query: SearchListings, now_ms: int) -> Further | Refusal:
        """Where a query's cursor leads to. Raises BadParams beyond the last page that a search leads to."""
        assert query.cursor is not None
        self.forget(now_ms)
        match = _CURSOR.match(query.cursor)
        if match is None:
            return Refusal("cursor_mismatch")
        start, number, offset = (int(part) for part in match.groups()[1:])
        search = self._searches.get(number) if (match[1], start) == (self._node, self._start) else None
        if search is None or search.found is None:
            return Refusal("cursor_expired")
        length, is_cut = len(search.found), search.found.count > len(search.found)
        if search.query != fingerprint(query) or offset > length - (not is_cut):
            return Refusal("cursor_mismatch")
        if offset == length:
            raise BadParams("cursor", f"the search leads through its first {length} listings; narrow it to see others")
        return Further(number, offset, search.found, search.as_of_ms, search.market)

    def page(self, read: Further, rows: list[Listing]) -> Page:
        """A page that was read."""
        end = read.offset + len(rows)
        following = f"{self._node}.{self._start}-{read.number}-{end}" if end < read.found.count else None
        return Page(rows, following, read.as_of_ms, read.market)

    def forget(self, now_ms: int) -> None:
        """Keep no longer what is past its time."""
        while self._searches:
            number, search = next(iter(self._searches.items()))
            if search.found is None or search.as_of_ms > now_ms - self._limits.cursor_s * 1000:
                return
            self._drop(number, search.found)

    def forget_oldest(self) -> None:
        """Keep the oldest search no longer, though its time has not come."""
        number, search = next(iter(self._searches.items()))
        if search.found is not None:
            self._drop(number, search.found)

    def _drop(self, number: int, found: Found) -> None:
        del self._searches[number]
        self._kept_rows -= len(found)
