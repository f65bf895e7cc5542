"""What a search means: what a listing is asked for, whether it passes a filter, and which order is meant.

The filter and the sort `price` mean what a buyer would pay now: `min_bid` where bids are taken, else `buyout`. Without
a `sort`, a query with a `score` shows the best first, any other what ends next.
"""

import unicodedata
from collections.abc import Callable, Iterable

import msgspec

from auction.commands import Bounds, ListingFilter, SearchListings, StatBounds
from auction.pricing import min_bid
from auction.state import Listing

Predicate = Callable[[Listing], bool]


def asking_price(row: Listing) -> int | None:
    """What a buyer would pay now."""
    least = min_bid(row)
    return row.buyout if least is None else least


def folded(text: str) -> str:
    """Text without case and accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char)).casefold()


def in_full(query: SearchListings) -> SearchListings:
    """The query with the sort and the order that it means where it says none."""
    sort = query.sort or ("score" if query.score else "ends_at")
    order = query.order or ("desc" if sort == "score" else "asc")
    return msgspec.structs.replace(query, sort=sort, order=order)


def fingerprint(query: SearchListings) -> bytes:
    """What makes two searches the same query: everything but the page asked for."""
    return msgspec.msgpack.encode(msgspec.structs.replace(in_full(query), cursor=None, limit=1), order="deterministic")


def passes(wanted: ListingFilter) -> Predicate:
    """The test whether one open listing passes a filter, for whoever looks at single listings."""
    tests = list(_tests(wanted))
    return lambda row: all(test(row) for test in tests)


def _tests(wanted: ListingFilter) -> Iterable[Predicate]:
    if wanted.category is not None:
        yield lambda row: row.item.category == wanted.category
    if wanted.base is not None:
        yield lambda row: row.item.base == wanted.base
    if wanted.rarity is not None:
        rarities = frozenset(wanted.rarity)
        yield lambda row: row.item.rarity in rarities
    if wanted.level is not None:
        yield _bounded(lambda row: row.item.level, wanted.level)
    if wanted.price is not None:
        yield _bounded(asking_price, wanted.price)
    for bounds in wanted.stats or ():
        yield _stat_bounded(bounds)
    if wanted.text:
        prefixes = folded(wanted.text).split()
        yield lambda row: _names(row.item.name, prefixes)
    if wanted.buyout_only:
        yield lambda row: row.buyout is not None


def _names(name: str, prefixes: list[str]) -> bool:
    words = folded(name).split()
    return all(any(word.startswith(prefix) for word in words) for prefix in prefixes)


def _stat_bounded(bounds: StatBounds) -> Predicate:
    return _bounded(lambda row: row.item.stats.get(bounds.stat), bounds)


def _bounded(value: Callable[[Listing], int | None], bounds: Bounds | StatBounds) -> Predicate:
    least, most = bounds.min, bounds.max

    def within(row: Listing) -> bool:
        number = value(row)
        return number is not None and (least is None or number >= least) and (most is None or number <= most)

    return within
