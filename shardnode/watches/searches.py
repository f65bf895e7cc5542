"""Saved searches, kept so that a changed listing is held against few of them.

A search stands under one thing that a listing must have to match it, the rarest that it names: a base, else how a word
of the name begins, else a category, else a stat; one that names none of these is held against every listing. Equal
searches are one topic.

While a listing is open nothing that a filter asks for can change but the price. So a listing that was open before can
only come to match a search with a price.
"""

from collections.abc import Iterator
from functools import lru_cache

import msgspec

from auction.commands import ListingFilter
from auction.state import Item, Listing
from shardnode.search.packed import unpack
from shardnode.search.query import folded
from shardnode.watches.topics import SavedSearch

AT_ONCE = 64
"""How many searches a listing is held against before somebody else may have a turn."""

LETTERS = 4
"""How many letters of a word's beginning searches are told apart by."""
NAMES_KEPT = 4_096
"""Bases and names whose keys are remembered; a world has hundreds."""

Key = tuple[str, str]
"""What kind of thing a listing must have, and which."""
ANYTHING: Key = "", ""

_encode = msgspec.msgpack.Encoder(order="deterministic").encode


class SavedSearches:
    """Every search that is watched now."""

    def __init__(self, shown_max: int) -> None:
        self._shown_max = shown_max
        self._equal: dict[bytes, SavedSearch] = {}
        self._all: dict[Key, dict[SavedSearch, None]] = {}
        self._priced: dict[Key, dict[SavedSearch, None]] = {}
        """Those with a price."""

    def __len__(self) -> int:
        """How many different ones there are."""
        return len(self._equal)

    def of(self, wanted: ListingFilter) -> SavedSearch:
        """The topic of a filter."""
        same = _encode(wanted)
        search = self._equal.get(same)
        if search is None:
            search = self._equal[same] = SavedSearch(wanted, self._shown_max)
            for searches in self._kept_in(wanted):
                searches.setdefault(_key(wanted), {})[search] = None
        return search

    def drop(self, search: SavedSearch) -> None:
        """Nobody watches it any more."""
        wanted = search.wanted
        del self._equal[_encode(wanted)]
        for searches in self._kept_in(wanted):
            alike = searches[_key(wanted)]
            del alike[search]
            if not alike:
                del searches[_key(wanted)]

    def coming(self, row: Listing, before: bytes | None) -> Iterator[list[SavedSearch]]:
        """The searches that an open listing matches and did not before, part by part.

        `before` is the packed row that it replaced, None where the listing is new.
        """
        level = row.item.level
        candidates = _alike(self._all if before is None else self._priced, row.item)
        for first in range(0, len(candidates), AT_ONCE):
            part = candidates[first : first + AT_ONCE]
            matched = [one for one in part if one.least_level <= level <= one.most_level and one.passes(row)]
            if matched and before is not None:
                was = unpack(before)
                matched = [search for search in matched if not search.passes(was)]
            yield matched

    def may_come(self, before: bytes | None) -> bool:
        """Whether a listing that is new, or has changed, can come to match anything at all."""
        return bool(self._all if before is None else self._priced)

    def _kept_in(self, wanted: ListingFilter) -> list[dict[Key, dict[SavedSearch, None]]]:
        return [self._all] if wanted.price is None else [self._all, self._priced]


def _key(wanted: ListingFilter) -> Key:
    if wanted.base is not None:
        return "base", wanted.base
    words = folded(wanted.text or "").split()
    if words:
        return "word", max(words, key=len)[:LETTERS]
    if wanted.category is not None:
        return "category", wanted.category
    if wanted.stats:
        return "stat", wanted.stats[0].stat
    return ANYTHING


@lru_cache(NAMES_KEPT)
def _keys(base: str, category: str, name: str) -> tuple[Key, ...]:
    """The keys of all items of a base but for their stats."""
    words = {word[:letters] for word in folded(name).split() for letters in range(1, LETTERS + 1)}
    return ("base", base), ("category", category), ANYTHING, *(("word", word) for word in words)


def _alike(searches: dict[Key, dict[SavedSearch, None]], item: Item) -> list[SavedSearch]:
    """The searches under any of an item's keys; each stands under one."""
    found: list[SavedSearch] = []
    for key in _keys(item.base, item.category, item.name):
        found += searches.get(key, ())
    for stat in item.stats:
        found += searches.get(("stat", stat), ())
    return found
