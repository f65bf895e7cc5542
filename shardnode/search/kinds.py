"""Kinds of items: what stands on many listings alike, kept once, with the places of the listings that have it.

There are as many kinds as bases times rarities, hundreds or a few thousand, so a search that names a category, a base,
rarities or words of a name first picks kinds, and then looks at their listings alone.
"""

from array import array
from bisect import bisect_left, insort
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from auction.commands import ListingFilter
from auction.state import Item
from shardnode.search.query import folded


class Kind:
    """The listings of one kind: its number, from 1, their places, in no order, and places for further ones."""

    __slots__ = ("free", "number", "places")

    def __init__(self, number: int) -> None:
        self.number = number
        self.places = array("i")
        self.free = array("i")


class Kinds:
    """Every kind that was ever seen here, and which of them a search means."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, str, str, str], Kind] = {}
        self._all: list[Kind] = []
        self._of_category: defaultdict[str, set[int]] = defaultdict(set)
        self._of_base: defaultdict[str, set[int]] = defaultdict(set)
        self._of_rarity: defaultdict[str, set[int]] = defaultdict(set)
        self._of_word: defaultdict[str, set[int]] = defaultdict(set)
        """Of the folded words of names."""
        self._words: list[str] = []
        """The keys of `_of_word`, in order."""

    def of(self, item: Item) -> Kind:
        """The kind of an item."""
        key = item.category, item.base, item.name, item.rarity
        kind = self._kinds.get(key)
        if kind is None:
            kind = self._kinds[key] = Kind(len(self._all) + 1)
            self._all.append(kind)
            self._note(kind.number, item)
        return kind

    def numbered(self, number: int) -> Kind:
        """The kind of that number."""
        return self._all[number - 1]

    def places(self, wanted: ListingFilter) -> NDArray[np.int32] | None:
        """The places of all listings of the kinds that a search means; None where it means all of them."""
        numbers = self._meant(wanted)
        if numbers is None:
            return None
        return np.concatenate([np.empty(0, np.int32), *(self._all[number - 1].places for number in numbers)])

    def _note(self, number: int, item: Item) -> None:
        self._of_category[item.category].add(number)
        self._of_base[item.base].add(number)
        self._of_rarity[item.rarity].add(number)
        for word in set(folded(item.name).split()):
            if word not in self._of_word:
                insort(self._words, word)
            self._of_word[word].add(number)

    def _meant(self, wanted: ListingFilter) -> set[int] | None:
        conditions: list[set[int]] = []
        if wanted.category is not None:
            conditions.append(self._of_category.get(wanted.category, set()))
        if wanted.base is not None:
            conditions.append(self._of_base.get(wanted.base, set()))
        if wanted.rarity is not None:
            conditions.append(set().union(*(self._of_rarity.get(rarity, set()) for rarity in wanted.rarity)))
        if wanted.text:
            conditions += map(self._with_a_word_from, folded(wanted.text).split())
        return set.intersection(*conditions) if conditions else None

    def _with_a_word_from(self, prefix: str) -> set[int]:
        """The kinds with a word in their names that begins so."""
        numbers: set[int] = set()
        for place in range(bisect_left(self._words, prefix), len(self._words)):
            word = self._words[place]
            if not word.startswith(prefix):
                break
            numbers |= self._of_word[word]
        return numbers
