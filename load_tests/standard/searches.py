"""`listing.search`: filters and sorts as one statement over the open listings, and its pages in the cache.

A worker keeps no cursors. One says after which value and listing the next page begins, to which query it belongs, and
when it was given; so any worker goes on with it.
"""

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

from auction.commands import Bounds, SearchListings, StatBounds
from auction.refusals import Refusal
from auction.results import SearchResult
from load_tests.standard.database import Database
from load_tests.standard.rows import COLUMNS, ListingRow
from load_tests.standard.shared import Shared
from shardnode.search.query import fingerprint, folded, in_full
from shardnode.wire.errors import UnknownMethod

CURSOR_S = 60

ASKING = "coalesce(min_bid, buyout)"
"""What a buyer would pay now."""
SORTS = {
    "price": ASKING,
    "buyout": "buyout",
    "ends_at": "ends_at_ms",
    "created_at": "created_at_ms",
    "level": "level",
}


class _Page(msgspec.Struct, array_like=True):
    """As it is cached, before anybody's own part is marked in it."""

    rows: list[ListingRow]
    next: str | None
    as_of_ms: int


class Cursor(msgspec.Struct, array_like=True):
    """The last row of a page, and of which query's."""

    query: bytes
    given_at_ms: int
    value: int | None
    listing: int


class _Where:
    """Conditions and the values in them."""

    def __init__(self) -> None:
        self.conditions = ["state = 'open'"]
        self.values: list[object] = []

    def value(self, value: object, kind: str = "bigint") -> str:
        """A placeholder for a value."""
        self.values.append(value)
        return f"${len(self.values)}::{kind}"

    def within(self, expression: str, bounds: Bounds | StatBounds | None) -> None:
        """Inclusive bounds; what has no value is out of them."""
        if bounds is None:
            return
        if bounds.min is None and bounds.max is None:
            self.conditions.append(f"{expression} IS NOT NULL")
        if bounds.min is not None:
            self.conditions.append(f"{expression} >= {self.value(bounds.min)}")
        if bounds.max is not None:
            self.conditions.append(f"{expression} <= {self.value(bounds.max)}")


class Searches:
    """Answers searches; a page that anybody asked for within the last moment comes from the cache."""

    def __init__(self, database: Database, shared: Shared, now_ms: Callable[[], int]) -> None:
        self._database = database
        self._shared = shared
        self._now_ms = now_ms

    async def page(self, asked: SearchListings, viewer: str) -> SearchResult | Refusal:
        """One page of a search."""
        if asked.with_market:
            raise UnknownMethod("the standard architecture has no market figures; search without `with_market`")
        query = in_full(asked)
        after = self._after(query)
        if isinstance(after, Refusal):
            return after
        wanted = hashlib.blake2b(msgspec.msgpack.encode(query), digest_size=16).digest()
        cached = await self._shared.page(wanted)
        if cached is not None:
            page = _decode_page(cached)
        else:
            page = await self._found(query, after)
            self._shared.keep_page(wanted, _encode(page))
        return SearchResult([row.view(viewer) for row in page.rows], page.next, page.as_of_ms)

    def _after(self, query: SearchListings) -> Cursor | Refusal | None:
        if query.cursor is None:
            return None
        try:
            cursor = _decode_cursor(base64.urlsafe_b64decode(query.cursor))
        except (ValueError, msgspec.DecodeError):
            return Refusal("cursor_mismatch")
        if cursor.query != _mark(query):
            return Refusal("cursor_mismatch")
        is_over = self._now_ms() - cursor.given_at_ms > CURSOR_S * 1000
        return Refusal("cursor_expired") if is_over else cursor

    async def _found(self, query: SearchListings, after: Cursor | None) -> _Page:
        now_ms = self._now_ms()
        found = await self._database.rows(*statement(query, now_ms, after))
        rows = [ListingRow(*record[:-1]) for record in found[: query.limit]]
        if len(found) <= query.limit:
            return _Page(rows, None, now_ms)
        last = Cursor(_mark(query), now_ms, found[query.limit - 1][-1], rows[-1].listing)
        return _Page(rows, base64.urlsafe_b64encode(_encode(last)).decode(), now_ms)


def statement(query: SearchListings, now_ms: int, after: Cursor | None) -> tuple[str, list[object]]:
    """The rows of a page and one more, with what they are sorted by; `after` is the last row of the page before."""
    where = _Where()
    where.conditions.append(f"ends_at_ms > {where.value(now_ms)}")
    if query.category is not None:
        where.conditions.append(f"category = {where.value(query.category, 'text')}")
    if query.base is not None:
        where.conditions.append(f"base = {where.value(query.base, 'text')}")
    if query.rarity is not None:
        where.conditions.append(f"rarity = ANY({where.value(query.rarity, 'text[]')})")
    where.within("level", query.level)
    where.within(ASKING, query.price)
    for bounds in query.stats or ():
        where.within(f"(stats ->> {where.value(bounds.stat, 'text')})::bigint", bounds)
    for word in folded(query.text or "").split():
        where.conditions.append(f"words LIKE {where.value(f'% {_literal(word)}%', 'text')}")
    if query.buyout_only:
        where.conditions.append("buyout IS NOT NULL")
    key = _sort_key(query, where)
    if after is not None:
        where.conditions.append(_beyond(key, query.order == "desc", after, where))
    conditions = " AND ".join(where.conditions)
    text = f"SELECT {COLUMNS}, {key} FROM listings WHERE {conditions}"  # noqa: S608 - our own words; values go beside
    return f"{text} ORDER BY {key} {query.order} NULLS LAST, listing LIMIT {query.limit + 1}", where.values


def _sort_key(query: SearchListings, where: _Where) -> str:
    assert query.sort is not None, "the query is in full"
    if query.sort.startswith("stat:"):
        return f"(stats ->> {where.value(query.sort.removeprefix('stat:'), 'text')})::bigint"
    if query.sort != "score":
        return SORTS[query.sort]
    terms = [
        f"coalesce((stats ->> {where.value(stat, 'text')})::bigint, 0) * {where.value(weight)}"
        for stat, weight in (query.score or {}).items()
    ]
    return f"({' + '.join(terms) or '0'})"


def _beyond(key: str, descending: bool, after: Cursor, where: _Where) -> str:
    """What stands after a row: nulls do in either order, and the id breaks ties."""
    value, listing = after.value, after.listing
    beyond_listing = f"listing > {where.value(listing)}"
    if value is None:
        return f"({key} IS NULL AND {beyond_listing})"
    last = where.value(value)
    return f"({key} {'<' if descending else '>'} {last} OR {key} IS NULL OR ({key} = {last} AND {beyond_listing}))"


def _literal(word: str) -> str:
    """A word as a pattern of LIKE that means nothing but itself."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _mark(query: SearchListings) -> bytes:
    return hashlib.blake2b(fingerprint(query), digest_size=8).digest()


_encode = msgspec.msgpack.Encoder().encode
_decode_page: Callable[[bytes], Any] = msgspec.msgpack.Decoder(_Page).decode
_decode_cursor: Callable[[bytes], Any] = msgspec.msgpack.Decoder(Cursor).decode
