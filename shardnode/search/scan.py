"""A search over the columns: filters narrow down places, what they leave is ranked, and the first of it put in order.

Where kinds narrow a search, only the places of their listings are looked at; where they do not, whole columns are:
that takes less than a look at each of most of their places. All that is done by listing is done within numpy, which
lets other threads run meanwhile; what a search costs is bounded by the columns' length and how many conditions it has.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auction.commands import ListingFilter, SearchListings
from auction.state import Listing
from shardnode.search.columns import Columns
from shardnode.search.packed import unpack
from shardnode.search.query import in_full

WHOLE_COLUMNS_FROM = 0.25
"""The share of all places from which on it takes less to look at all."""
SAMPLED = 16_384
"""How many places are looked at to judge where the first of very many end."""
THINNED_FROM = 4
"""How many times as many as asked for are so many that this pays."""

Places = NDArray[np.signedinteger[Any]]
Ranks = NDArray[np.uint64]
Ids = NDArray[np.uint64]


class Found:
    """What a search found: numbers of rows, which stay what they were, put in order as far as somebody reads."""

    def __init__(self, columns: Columns, places: Places, ranks: Ranks, most: int, count: int) -> None:
        self.count = count
        """How many listings there are in all; found are no more than were asked for."""
        self._length = min(most, len(places))
        self._rows = columns.rows
        self._numbers: Places = columns.numbers["row"].take(places)
        self._ranks = ranks
        self._ids: Ids = columns.numbers["id"].take(places)
        self._is_ordered = False

    def __len__(self) -> int:
        return self._length

    def page(self, offset: int, limit: int) -> list[Listing]:
        """Some of the listings in the query's order. In the thread that searches."""
        if offset == 0 and limit < len(self) and not self._is_ordered:
            numbers = self._ordered(_least(self._ranks, lambda some: self._ids[some], limit))[:limit]
        else:
            self._order()
            numbers = self._numbers[offset : offset + limit]
        return [unpack(self._rows.get(number)) for number in numbers.tolist()]

    def _order(self) -> None:
        if not self._is_ordered:
            self._numbers = self._ordered(np.arange(len(self._numbers)))[: self._length]
            self._ranks, self._ids = self._ranks[:0], self._ids[:0]
            self._is_ordered = True

    def _ordered(self, chosen: Places) -> Places:
        """Numbers of rows by rank and listing id.

        Sorting pairs of numbers takes long. Sorting by rank, and then by one number that says which of the different
        ranks it is and has as much of the id as there is room for beside that, takes a quarter of it.
        """
        by_rank = chosen[np.argsort(self._ranks[chosen])]
        ranks, bits = self._ranks[by_rank], (len(chosen) + 1).bit_length()
        different = np.zeros(len(chosen), np.uint64)
        np.cumsum(ranks[1:] != ranks[:-1], dtype=np.uint64, out=different[1:])
        pairs = (different << np.uint64(64 - bits)) | (self._ids[by_rank] >> np.uint64(bits))
        by_pair = np.argsort(pairs)
        numbers, pairs = self._numbers[by_rank[by_pair]], pairs[by_pair]
        self._order_alike(numbers, np.flatnonzero(pairs[1:] == pairs[:-1]).tolist())
        return numbers

    def _order_alike(self, numbers: Places, alike: list[int]) -> None:
        """Put runs of rows, each alike to the next at the given indices, in the order of their whole ids."""
        first = 0
        while first < len(alike):
            last = first
            while last + 1 < len(alike) and alike[last + 1] == alike[last] + 1:
                last += 1
            run = slice(alike[first], alike[last] + 2)
            numbers[run] = sorted(numbers[run].tolist(), key=lambda number: unpack(self._rows.get(number)).listing)
            first = last + 1


def find(columns: Columns, query: SearchListings, most: int) -> Found:
    """The listings that pass a query's filters: of more than `most` the first ones in its order.

    Nulls come last in either order, and the listing's id breaks ties.
    """
    query = in_full(query)
    narrowing = _Narrowing(columns, query)
    count = narrowing.count()
    narrowing.thin(_sort_column(columns, query), most, falls=query.order == "desc")
    places = narrowing.places()
    ranks = _ranks(columns, query, places)
    if len(places) > most:
        chosen = _least(ranks, lambda some: columns.numbers["id"].take(places[some]), most)
        places, ranks = places[chosen], ranks[chosen]
    return Found(columns, places, ranks, most, count)


class _Narrowing:
    """The places that pass a filter: as such, or, while they are many, as a mask over all places."""

    def __init__(self, columns: Columns, wanted: ListingFilter) -> None:
        self._columns = columns
        self._places: Places = np.empty(0, np.int32)
        self._mask: NDArray[np.bool_] | None = None
        self._choose_kinds(wanted)
        numbers = columns.numbers
        for bounds in wanted.stats or ():
            self._keep(columns.stats.get(bounds.stat), bounds.min, bounds.max)
        if wanted.price is not None:
            self._keep(numbers["price"], wanted.price.min, wanted.price.max)
        if wanted.level is not None:
            self._keep(numbers["level"], wanted.level.min, wanted.level.max)
        if wanted.buyout_only:
            self._keep(numbers["buyout"], None, None)

    def places(self) -> Places:
        """What is left."""
        return self._places if self._mask is None else np.flatnonzero(self._mask)

    def count(self) -> int:
        """How many places are left."""
        return len(self._places) if self._mask is None else int(np.count_nonzero(self._mask))

    def thin(self, column: NDArray[Any] | None, most: int, *, falls: bool) -> None:
        """Of very many places, leave out most of those that are not among the first `most` by a column.

        A sample tells where about these end; if it told too near an end, nothing is left out.
        """
        mask, count = self._mask, self.count()
        if mask is None or column is None or count < THINNED_FROM * most:
            return
        column = column[: len(mask)]
        step = len(mask) // SAMPLED + 1
        sample = column[::step][mask[::step]]
        valued = sample[sample > 0]
        enough = len(sample) * most * 5 // (4 * count) + 16
        if enough >= len(valued):
            return
        if falls:
            thinned = column >= np.partition(valued, -enough)[-enough]
        else:
            thinned = column <= np.partition(valued, enough)[enough]
            thinned &= column > 0
        thinned &= mask
        if np.count_nonzero(thinned) >= most:
            self._mask = thinned

    def _choose_kinds(self, wanted: ListingFilter) -> None:
        columns = self._columns
        of_kinds = columns.kinds.places(wanted)
        if of_kinds is None:
            self._mask = columns.numbers["kind"][: columns.used] != 0
        elif len(of_kinds) < WHOLE_COLUMNS_FROM * columns.used:
            self._places = of_kinds
        else:
            self._mask = np.zeros(columns.used, np.bool_)
            self._mask[of_kinds] = True

    def _keep(self, column: NDArray[Any] | None, least: int | None, most: int | None) -> None:
        """Keep what has a value, and one within bounds."""
        if column is None:
            self._places, self._mask = self._places[:0], None
            return
        values = column[: self._columns.used] if self._mask is not None else column.take(self._places)
        within: NDArray[np.bool_] = values >= max(least or 1, 1)
        if most is not None:
            within &= values <= most
        if self._mask is None:
            self._places = self._places[within]
        else:
            self._mask &= within


def _ranks(columns: Columns, query: SearchListings, places: Places) -> Ranks:
    """A number for each place that rises in the query's order."""
    falls = query.order == "desc"
    if query.sort == "score":
        ranks = _score(columns, query.score or {}, places).view(np.uint64) ^ np.uint64(1 << 63)
        return ~ranks if falls else ranks
    column = _sort_column(columns, query)
    if column is None:
        return np.zeros(len(places), np.uint64)
    ranks = column.take(places).astype(np.uint64)
    return ~ranks if falls else ranks - np.uint64(1)  # either way 0, which stands for none, becomes the largest


def _sort_column(columns: Columns, query: SearchListings) -> NDArray[Any] | None:
    """The column that a query sorts by, if it is one, and there is any listing with such a stat."""
    sort = query.sort or ""
    return columns.stats.get(sort.removeprefix("stat:")) if sort.startswith("stat:") else columns.numbers.get(sort)


def _score(columns: Columns, weights: dict[str, int], places: Places) -> NDArray[np.int64]:
    """Weighted sums of stats, at most 2^56: 32 weights below 2^31 and stats below 2^20."""
    score = np.zeros(len(places), np.int64)
    for stat, weight in weights.items():
        column = columns.stats.get(stat)
        if column is not None:
            score += np.multiply(column.take(places), weight, dtype=np.int64)
    return score


def _least(ranks: Ranks, ids_of: Callable[[Places], Ids], most: int) -> Places:
    """Indices of the first `most`, in no order, and of a few more where ids begin alike; there are more than `most`."""
    edge = np.partition(ranks, most - 1)[most - 1]
    below, on_edge = np.flatnonzero(ranks < edge), np.flatnonzero(ranks == edge)
    room = most - len(below)
    if len(on_edge) > room:
        ids = ids_of(on_edge)
        on_edge = on_edge[ids <= np.partition(ids, room - 1)[room - 1]]
    return np.concatenate((below, on_edge))
