"""What a search means, listing by listing: the specification that the index is held to."""

from collections.abc import Callable, Iterable

from auction.commands import SearchListings
from auction.state import Listing
from shardnode.search.columns import Columns
from shardnode.search.index import ListingIndex
from shardnode.search.packed import unpack
from shardnode.search.query import asking_price, in_full, passes
from shardnode.search.scan import find


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
        changes = self.index.take_changes()
        self.columns.take_in(changes)
        self.index.taken_in(len(changes))
        return [unpack(packed) for packed in find(self.columns, query, most).rows]


def searched(rows: Iterable[Listing], query: SearchListings) -> list[Listing]:
    """What an index of these rows finds."""
    house = Searched()
    house.index.of("n1").apply(rows)
    return house.find(query)
