"""Searches as SQL: one statement for any query, as programs write them, and for some a quicker one written by hand.

What a search finds must have a value in the column that it sorts by, as with every search of `load_tests.search.mix`.
"""

from typing import Any

from psycopg.types.numeric import Int8

from auction.commands import Bounds, SearchListings, StatBounds
from load_tests.search.postgres.table import COLUMNS, stat_column
from shardnode.search.query import folded, in_full

SHOWN = ", ".join(column for column in COLUMNS if column != "words")

Statement = tuple[bytes, list[Any]]
"""Text with placeholders, and their values."""
Row = tuple[Any, ...]
"""The columns SHOWN, the listing's id first, and then what it is sorted by."""


class _Text:
    """A piece of SQL that grows, with the values of its placeholders."""

    def __init__(self) -> None:
        self.conditions: list[str] = []
        self.values: list[Any] = []

    def require(self, condition: str, *values: object) -> None:
        self.conditions.append(condition)
        self.values += values

    def require_within(self, column: str, bounds: Bounds | StatBounds | None) -> None:
        if bounds is not None and bounds.min is not None:
            self.require(f"{column} >= %s", Int8(bounds.min))
        if bounds is not None and bounds.max is not None:
            self.require(f"{column} <= %s", Int8(bounds.max))


def plain(query: SearchListings, after: Row | None) -> Statement:
    """Any search as one statement over the table: its first page, or the one after a page's last row.

    One row more than the page holds is asked for, which tells whether another page follows.
    """
    query = in_full(query)
    where = _filters(query)
    _require_words(where, query)
    if query.rarity is not None:
        where.require("rarity = ANY(%s)", query.rarity)
    text, values = _page(query, where, after)
    return text.encode(), values


def by_hand(query: SearchListings, after: Row | None) -> Statement:
    """The same page, found by the index of each name or rarity that is wanted, and merged.

    PostgreSQL's planner does not come upon this way by itself. Where nothing can be gained, it is the plain statement.
    """
    query = in_full(query)
    where = _filters(query)
    if query.text is not None and query.rarity is None:
        wanted = _Text()
        _require_words(wanted, query)
        each = f"(SELECT name FROM names WHERE {' AND '.join(wanted.conditions)}) AS each"
        where.require("listings.name = each.name")
        of_each = wanted.values
    elif query.rarity is not None and query.text is None:
        each = "unnest(%s::text[]) AS each (rarity)"
        where.require("listings.rarity = each.rarity")
        of_each = [query.rarity]
    else:
        return plain(query, after)
    page, values = _page(query, where, after)
    order = f"ORDER BY sort_key {query.order}, listing LIMIT {query.limit + 1}"
    return f"SELECT found.* FROM {each} CROSS JOIN LATERAL ({page}) AS found {order}".encode(), [*of_each, *values]


def _filters(query: SearchListings) -> _Text:
    where = _Text()
    if query.category is not None:
        where.require("category = %s", query.category)
    if query.base is not None:
        where.require("base = %s", query.base)
    where.require_within("level", query.level)
    where.require_within("price", query.price)
    for bounds in query.stats or ():
        where.require_within(stat_column(bounds.stat), bounds)
    if query.buyout_only:
        where.require("buyout IS NOT NULL")
    return where


def _require_words(where: _Text, query: SearchListings) -> None:
    for word in folded(query.text or "").split():
        where.require("words LIKE %s", f"% {word}%")


def _page(query: SearchListings, where: _Text, after: Row | None) -> tuple[str, list[Any]]:
    key, weights = _sort_key(query)
    if after is not None:
        least, beyond = (">=", ">") if query.order == "asc" else ("<=", "<")
        last, listing = Int8(after[-1]), after[0]
        where.require(f"{key} {least} %s", *weights, last)
        where.require(f"({key} {beyond} %s OR listing > %s)", *weights, last, listing)
    conditions = f"WHERE {' AND '.join(where.conditions)} " if where.conditions else ""
    text = f"SELECT {SHOWN}, {key} AS sort_key FROM listings {conditions}"
    return f"{text}ORDER BY sort_key {query.order}, listing LIMIT {query.limit + 1}", [*weights, *where.values]


def _sort_key(query: SearchListings) -> tuple[str, list[Int8]]:
    """What is sorted by, and the values in it."""
    assert query.sort is not None, "the query is in full"
    if query.sort.startswith("stat:"):
        return stat_column(query.sort.removeprefix("stat:")), []
    if query.sort != "score":
        return query.sort, []
    weights = query.score or {}
    terms = " + ".join(f"coalesce({stat_column(stat)}, 0) * %s" for stat in weights)
    return f"({terms})", [Int8(weight) for weight in weights.values()]
