"""What a search means: which listings match, and in which order.

The filter and the sort `price` mean what a buyer would pay now: `min_bid` where bids are taken, else `buyout`. Nulls
sort last in both directions, and the listing id breaks ties.
"""

import unicodedata
from collections.abc import Callable, Iterable

import msgspec

from auction.commands import Bounds, SearchListings, StatBounds
from auction.pricing import min_bid
from auction.state import Listing

Predicate = Callable[[Listing], bool]


def asking_price(row: Listing) -> int | None:
    """What a buyer would pay now."""
    least = min_bid(row)
    return row.buyout if least is None else least


def score(row: Listing, weights: dict[str, int]) -> int:
    """Weighted sum of an item's stats; a stat it lacks counts as 0."""
    stats = row.item.stats
    return sum(weight * stats.get(stat, 0) for stat, weight in weights.items())


def folded(text: str) -> str:
    """Text without case and accents."""
    return "".join(char for char in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(char))


def fingerprint(query: SearchListings) -> bytes:
    """What makes two searches the same query: everything but the page asked for."""
    return msgspec.msgpack.encode(msgspec.structs.replace(query, cursor=None, limit=1), order="deterministic")


def found(rows: Iterable[Listing], query: SearchListings) -> list[Listing]:
    """The rows that match a query, in its order."""
    tests = list(_tests(query))
    return ordered([row for row in rows if all(test(row) for test in tests)], query)


def ordered(rows: list[Listing], query: SearchListings) -> list[Listing]:
    """Rows by the query's sort; stable, nulls last, listing id as the last word."""
    value = _sort_value(query)
    valued = [(value(row), row) for row in rows]
    known = sorted(((key, row) for key, row in valued if key is not None), key=lambda pair: pair[1].listing)
    known.sort(key=lambda pair: pair[0], reverse=query.order == "desc")
    unknown = sorted((row for key, row in valued if key is None), key=lambda row: row.listing)
    return [row for _, row in known] + unknown


def _sort_value(query: SearchListings) -> Callable[[Listing], int | None]:
    if query.sort.startswith("stat:"):
        stat = query.sort.removeprefix("stat:")
        return lambda row: row.item.stats.get(stat)
    weights = query.score or {}
    return {
        "price": asking_price,
        "buyout": lambda row: row.buyout,
        "ends_at": lambda row: row.ends_at_ms,
        "created_at": lambda row: row.created_at_ms,
        "level": lambda row: row.item.level,
        "score": lambda row: score(row, weights),
    }[query.sort]


def _tests(query: SearchListings) -> Iterable[Predicate]:
    if query.category is not None:
        yield lambda row: row.item.category == query.category
    if query.base is not None:
        yield lambda row: row.item.base == query.base
    if query.rarity is not None:
        rarities = frozenset(query.rarity)
        yield lambda row: row.item.rarity in rarities
    if query.level is not None:
        yield _bounded(lambda row: row.item.level, query.level)
    if query.price is not None:
        yield _bounded(asking_price, query.price)
    for bounds in query.stats or ():
        yield _stat_bounded(bounds)
    if query.text:
        wanted = folded(query.text).split()
        yield lambda row: _names(row.item.name, wanted)
    if query.buyout_only:
        yield lambda row: row.buyout is not None


def _names(name: str, wanted: list[str]) -> bool:
    words = folded(name).split()
    return all(any(word.startswith(prefix) for word in words) for prefix in wanted)


def _stat_bounded(bounds: StatBounds) -> Predicate:
    return _bounded(lambda row: row.item.stats.get(bounds.stat), bounds)


def _bounded(value: Callable[[Listing], int | None], bounds: Bounds | StatBounds) -> Predicate:
    least, most = bounds.min, bounds.max

    def within(row: Listing) -> bool:
        number = value(row)
        return number is not None and (least is None or number >= least) and (most is None or number <= most)

    return within
