"""What a search means, listing by listing: the specification that the index is held to."""

from collections.abc import Callable, Iterable

from auction.commands import SearchListings
from auction.state import Listing
from shardnode.search.columns import Columns
from shardnode.search.index import ListingIndex
from shardnode.search.query import asking_price, in_full, passes
from shardnode.search.scan import find

NONE_KEPT = 10**9
"""A turn later than any: no earlier search is read on."""


def found(rows: Iterable[Listing], query: SearchListings) -> list[Listing]:
    """The rows that match a query, in its order: by value, nulls last in either direction, ids upwards where alike."""
    query = in_full(query)
    matches, value = passes(query), sort_value(query)
    sign = -1 if query.order == "desc" else 1

    def place(row: Listing) -> tuple[bool, int, str]:
        number = value(row)
        return number is None, sign * (number or 0), row.listing

    return sorted(filter(matches, rows), key=place)


def sort_value(query: SearchListings) -> Callable[[Listing], int | None]:
    """What a query sorts by."""
    sort, weights = query.sort or "", query.score or {}
    values: dict[str, Callable[[Listing], int | None]] = {
        "price": asking_price,
        "buyout": lambda row: row.buyout,
        "ends_at": lambda row: row.ends_at_ms,
        "created_at": lambda row: row.created_at_ms,
        "level": lambda row: row.item.level,
        "score": lambda row: sum(weight * row.item.stats.get(stat, 0) for stat, weight in weights.items()),
    }
    return values.get(sort) or (lambda row: row.item.stats.get(sort.removeprefix("stat:")))


class Searched:
    """An index and its columns, one after the other, without threads."""

    def __init__(self) -> None:
        self.index = ListingIndex()
        self.columns = Columns()

    def find(self, query: SearchListings, most: int = 10_000) -> list[Listing]:
        """What the columns find, with all that has changed taken in."""
        self.take_in()
        found = find(self.columns, query, most)
        first = found.page(0, 3)
        rows = found.page(0, most)
        assert first == rows[:3] == found.page(0, 3), "put in order as a whole or not, it is one order"
        assert len(rows) == len(found)
        return rows

    def take_in(self, oldest: int = NONE_KEPT) -> int:
        """Take in what has changed; the rows that stay for searches found at the end of turn `oldest` and later."""
        changes = self.index.take_changes()
        retired = self.columns.take_in(changes, oldest)
        self.index.taken_in(len(changes))
        return retired


def searched(rows: Iterable[Listing], query: SearchListings) -> list[Listing]:
    """What an index of these rows finds."""
    house = Searched()
    house.index.of("n1").apply(rows)
    return house.find(query)
