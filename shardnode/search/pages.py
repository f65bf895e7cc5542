"""Cursors: a search's order is kept for a while, so that its pages neither repeat nor skip while the market moves.

A cursor is `<node>.<start>-<search>-<offset>`: which start of which node gave it, which search it continues, and
where. It belongs to its query and expires; both are refusals, never an empty page.
"""

import re

import msgspec

from auction.commands import SearchListings
from auction.refusals import Refusal
from auction.state import Listing
from shardnode.search.query import fingerprint


class PageLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of what cursors keep."""

    cursor_s: int = 60
    """How long a cursor lives."""
    kept_rows_max: int = 5_000_000
    """Rows that all kept orders refer to (8 bytes each); beyond it a search is refused, and no cursor dies early."""
    found_max: int = 10_000
    """Listings that the pages of one search lead through; a narrower query finds the rest."""


class Page(msgspec.Struct, frozen=True):
    """A page of listings as they were at `as_of_ms`, and the cursor of the next one."""

    rows: list[Listing]
    next: str | None
    as_of_ms: int


class _Search(msgspec.Struct, frozen=True):
    query: bytes
    rows: list[Listing]
    as_of_ms: int


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

    def full(self, now_ms: int) -> bool:
        """Whether no further order can be kept now."""
        self._expire(now_ms)
        return self._kept_rows >= self._limits.kept_rows_max

    def first(self, query: SearchListings, rows: list[Listing], now_ms: int) -> Page:
        """The first page of what a search found."""
        self._expire(now_ms)
        rows = rows[: self._limits.found_max]
        search = _Search(fingerprint(query), rows, now_ms)
        if len(rows) > query.limit:
            self._made += 1
            self._searches[self._made] = search
            self._kept_rows += len(rows)
        return self._page(self._made, search, 0, query.limit)

    def next(self, query: SearchListings, now_ms: int) -> Page | Refusal:
        """The page that a query's cursor asks for."""
        assert query.cursor is not None
        self._expire(now_ms)
        match = _CURSOR.match(query.cursor)
        if match is None:
            return Refusal("cursor_mismatch")
        start, number, offset = (int(part) for part in match.groups()[1:])
        search = self._searches.get(number) if (match[1], start) == (self._node, self._start) else None
        if search is None:
            return Refusal("cursor_expired")
        if search.query != fingerprint(query) or offset > len(search.rows):
            return Refusal("cursor_mismatch")
        return self._page(number, search, offset, query.limit)

    def _page(self, number: int, search: _Search, offset: int, limit: int) -> Page:
        end = offset + limit
        following = f"{self._node}.{self._start}-{number}-{end}" if end < len(search.rows) else None
        return Page(search.rows[offset:end], following, search.as_of_ms)

    def _expire(self, now_ms: int) -> None:
        oldest_ms = now_ms - self._limits.cursor_s * 1000
        while self._searches:
            number, search = next(iter(self._searches.items()))
            if search.as_of_ms > oldest_ms:
                return
            del self._searches[number]
            self._kept_rows -= len(search.rows)
