"""Cursors: what a search found is kept for a while, so that its pages neither repeat nor skip while the market moves.

Each page shows its listings as they were at the search's instant, whatever has become of them; whoever acts on one is
judged by what it is then. What is kept are references to packed rows, so it costs 8 bytes a listing, and the row itself
only where that was replaced since.

A cursor is `<node>.<start>-<search>-<offset>`: which start of which node gave it, which search it continues, and
where. It belongs to its query and expires; both are refusals, never an empty page.
"""

import re

import msgspec
import numpy as np
from numpy.typing import NDArray

from auction.commands import SearchListings
from auction.refusals import Refusal
from auction.results import Market
from auction.state import Listing
from shardnode.search.packed import unpack
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
FORGOTTEN_AT_ONCE = 8
"""Searches past their time that are forgotten in one turn: thousands of rows each."""


class Page(msgspec.Struct, frozen=True):
    """A page of listings as they were at `as_of_ms`, and the cursor of the next one."""

    rows: list[Listing]
    next: str | None
    as_of_ms: int
    market: Market | None


class _Search(msgspec.Struct, frozen=True):
    query: bytes
    rows: NDArray[np.object_]
    is_cut: bool
    """Whether it found more than these."""
    as_of_ms: int
    market: Market | None


_CURSOR = re.compile(r"([A-Za-z0-9-]{1,32})\.([0-9]{1,15})-([0-9]{1,15})-([0-9]{1,9})\Z")


def node_of(cursor: str) -> str | None:
    """The id of the node that gave a cursor; None for what no node ever gave."""
    match = _CURSOR.match(cursor)
    return None if match is None else match[1]


class Pages:
    """The searches whose cursors live, oldest first. `start` tells this start of the node from others."""

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
        self._forget(now_ms)
        return min(self._limits.found_max, (self._limits.kept_rows_max - self._kept_rows) // ROOM_SHARED_BY)

    def first(self, query: SearchListings, found: Found, market: Market | None, now_ms: int) -> Page:
        """The first page of what a search found."""
        is_cut = found.count > len(found.rows)
        search = _Search(fingerprint(query), found.rows, is_cut, now_ms, market)
        if found.count > query.limit:
            self._made += 1
            self._searches[self._made] = search
            self._kept_rows += len(found.rows)
        return self._page(self._made, search, 0, query.limit)

    def next(self, query: SearchListings, now_ms: int) -> Page | Refusal:
        """The page that a query's cursor asks for. Raises BadParams beyond the last that a search leads to."""
        assert query.cursor is not None
        self._forget(now_ms)
        match = _CURSOR.match(query.cursor)
        if match is None:
            return Refusal("cursor_mismatch")
        start, number, offset = (int(part) for part in match.groups()[1:])
        search = self._searches.get(number) if (match[1], start) == (self._node, self._start) else None
        if search is None or self._is_over(search, now_ms):
            return Refusal("cursor_expired")
        if search.query != fingerprint(query) or offset > len(search.rows) - (not search.is_cut):
            return Refusal("cursor_mismatch")
        if offset == len(search.rows):
            raise BadParams("cursor", f"the search leads through its first {offset} listings; narrow it to see others")
        return self._page(number, search, offset, query.limit)

    def _page(self, number: int, search: _Search, offset: int, limit: int) -> Page:
        rows = [unpack(packed) for packed in search.rows[offset : offset + limit]]
        end = offset + len(rows)
        more = end < len(search.rows) or search.is_cut
        following = f"{self._node}.{self._start}-{number}-{end}" if more else None
        return Page(rows, following, search.as_of_ms, search.market)

    def _is_over(self, search: _Search, now_ms: int) -> bool:
        return search.as_of_ms <= now_ms - self._limits.cursor_s * 1000

    def _forget(self, now_ms: int) -> None:
        for _ in range(min(FORGOTTEN_AT_ONCE, len(self._searches))):
            number, search = next(iter(self._searches.items()))
            if not self._is_over(search, now_ms):
                return
            del self._searches[number]
            self._kept_rows -= len(search.rows)
