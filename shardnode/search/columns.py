"""The open listings in columns of numbers, for the one thread that takes in what changed and searches.

A listing has a place, the same in every column, until it ends; then another of its kind may have it. A place costs 54
bytes and 4 a stat of the world, its row and its id not counted. In a column of prices, levels or stats 0 stands for
none: all of these begin at 1 (`worlddata.types`).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auction.state import Listing
from shardnode.search.kinds import Kind, Kinds
from shardnode.search.parted import Parted
from shardnode.search.query import asking_price
from shardnode.search.rows import Rows
from worlddata.types import MAX_AMOUNT, MAX_LEVEL, MAX_STAT

Change = tuple[Listing, bytes] | None
"""A listing's new row, and the same packed; None for one that is open no longer. Its item never changes."""

PLACES_AT_FIRST = 1_024
PLACES_OF_A_KIND = 64
"""Places in a row that a kind of items is given at once: a search looks at kinds, and memory is read in rows."""
ID_BYTES = 8
"""How much of a listing's id is in a column, as a number of the same order; equal ones are compared in full."""

_NUMBERS = {
    "price": np.int64,
    "buyout": np.int64,
    "ends_at": np.int64,
    "created_at": np.int64,
    "level": np.int16,
    "id": np.uint64,
    "kind": np.int32,
    "rank": np.int32,
    "row": np.int32,
}


def fits(row: Listing) -> bool:
    """Whether a row's numbers are such as a listing of any catalog can have; what a peer sends may be anything."""
    numbers = (
        *(row.version, row.start_bid or 0, row.buyout or 0, row.price or 0, row.created_at_ms, row.ends_at_ms),
        *(row.rules.price_max, row.rules.increment_bp, row.rules.increment_min),
    )
    stats = row.item.stats.values()
    return (
        min(numbers) >= 0
        and max(numbers) <= MAX_AMOUNT
        and 1 <= row.item.level <= MAX_LEVEL
        and min(stats, default=1) >= 1
        and max(stats, default=1) <= MAX_STAT
    )


class Columns:
    """They grow with the listings, and never back."""

    def __init__(self) -> None:
        self._places: Parted[int] = Parted()
        self._capacity = PLACES_AT_FIRST
        self.used = 0
        """Places that were ever given to kinds; what is beyond them is empty."""
        self.kinds = Kinds()
        self.numbers: dict[str, NDArray[Any]] = {
            name: np.zeros(self._capacity, number) for name, number in _NUMBERS.items()
        }
        """By sort, instants in milliseconds, the price as a buyer would pay it; and the number of the listing's kind, 0
        for a free place, which of the kind's places it has, and the number of its row."""
        self.stats: dict[str, NDArray[np.int32]] = {}
        self.rows = Rows()

    def __len__(self) -> int:
        """How many listings there are."""
        return len(self._places)

    def nbytes(self) -> int:
        """Bytes of the columns, without what rows and the ids' dict take."""
        return sum(column.nbytes for column in (*self.numbers.values(), *self.stats.values()))

    def take_in(self, changes: Mapping[str, Change], oldest: int) -> int:
        """Bring the columns up to date; by listing. `oldest` as of `Rows.end_turn`.

        Returns how many rows stay only because a search may have found them.
        """
        for listing, change in changes.items():
            if change is None:
                self._remove(listing)
            else:
                self._put(*change)
        self.rows.end_turn(oldest)
        return self.rows.retired

    def _put(self, row: Listing, packed: bytes) -> None:
        numbers = self.numbers
        place = self._places.get(row.listing)
        if place is None:
            place = self._add(row)
        else:
            self.rows.retire(int(numbers["row"][place]))
        numbers["price"][place] = asking_price(row) or 0
        numbers["buyout"][place] = row.buyout or 0
        numbers["ends_at"][place] = row.ends_at_ms
        numbers["row"][place] = self.rows.add(packed)

    def _add(self, row: Listing) -> int:
        """Give a new listing a place, and put down there what will never change of it."""
        item, numbers = row.item, self.numbers
        kind = self.kinds.of(item)
        if not kind.free:
            self._give_places(kind)
        place = kind.free.pop()
        numbers["kind"][place] = kind.number
        numbers["rank"][place] = len(kind.places)
        kind.places.append(place)
        numbers["created_at"][place] = row.created_at_ms
        numbers["level"][place] = item.level
        numbers["id"][place] = int.from_bytes(row.listing.encode()[:ID_BYTES].ljust(ID_BYTES, b"\0"), "big")
        for stat, value in item.stats.items():
            column = self.stats.get(stat)
            if column is None:
                column = self.stats[stat] = np.zeros(self._capacity, np.int32)
            column[place] = value
        self._places[row.listing] = place
        return place

    def _remove(self, listing: str) -> None:
        place = self._places.pop(listing)
        if place is None:
            return  # it came and went between two looks
        kinds, ranks = self.numbers["kind"], self.numbers["rank"]
        kind = self.kinds.numbered(int(kinds[place]))
        last = kind.places.pop()
        if last != place:
            kind.places[ranks[place]] = last
            ranks[last] = ranks[place]
        kind.free.append(place)
        kinds[place] = 0
        for column in self.stats.values():
            column[place] = 0
        self.rows.retire(int(self.numbers["row"][place]))

    def _give_places(self, kind: Kind) -> None:
        if self.used == self._capacity:
            self._grow()
        first, self.used = self.used, self.used + PLACES_OF_A_KIND
        kind.free.extend(range(self.used - 1, first - 1, -1))

    def _grow(self) -> None:
        before, self._capacity = self._capacity, 2 * self._capacity
        for columns in (self.numbers, self.stats):
            for name, column in columns.items():
                columns[name] = larger = np.zeros(self._capacity, column.dtype)
                larger[:before] = column
