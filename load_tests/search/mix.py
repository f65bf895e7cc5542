"""What people search for: kinds of searches in realistic shares, with values that the market has."""

from collections.abc import Callable
from itertools import accumulate
from random import Random

import msgspec

from auction.commands import Bounds, SearchListings, StatBounds
from auction.state import Listing
from shardnode.search.query import folded
from worlddata.types import Catalog

TYPED_LETTERS = 4
"""How many letters of a word somebody types into the search box."""
NEXT_PAGES = (1, 0, 0, 0, 2, 0)
"""How many further pages are read, by turns: every third search has some."""


class Wanted(msgspec.Struct, frozen=True):
    """One search as somebody means it: the query, and how many pages beyond the first are read."""

    kind: str
    query: SearchListings
    next_pages: int


class Mix:
    """Makes searches of KINDS. What they look for is taken from listings, so popular goods are wanted more often."""

    def __init__(self, catalog: Catalog, listings: list[Listing], seed: int) -> None:
        self._catalog = catalog
        self._listings = listings
        self._chance = Random(seed)  # noqa: S311 - searches are made up, and keep no secrets
        self._rarities = [rarity.rarity for rarity in sorted(catalog.rarities.values(), key=lambda row: row.order)]
        self._worth = {base.base: base.worth for base in catalog.bases.values()}

    def searches(self, count: int) -> list[Wanted]:
        """So many searches, kind by kind in the shares of KINDS."""
        kinds, shares = list(KINDS), list(accumulate(share for share, _ in KINDS.values()))
        return [
            Wanted(kind, KINDS[kind][1](self), NEXT_PAGES[number % len(NEXT_PAGES)])
            for number, kind in enumerate(self._chance.choices(kinds, cum_weights=shares, k=count))
        ]

    def base(self) -> SearchListings:
        """One base, cheapest first: what does this go for?"""
        return SearchListings(base=self._some().item.base, sort="price")

    def upgrade(self) -> SearchListings:
        """A category for one's level, two stats of at least so much, cheapest first."""
        row = self._some(stats=2)
        wanted = self._chance.sample(list(row.item.stats.items()), 2)
        stats = [StatBounds(stat=stat, min=max(1, value * 3 // 4)) for stat, value in wanted]
        return SearchListings(category=row.item.category, level=self._levels(row), stats=stats, sort="price")

    def text(self) -> SearchListings:
        """The beginning of a word of a name, as one types it, cheapest first."""
        words = [word for word in folded(self._some().item.name).split() if len(word) >= TYPED_LETTERS]
        return SearchListings(text=self._chance.choice(words or ["a"])[:TYPED_LETTERS], sort="price")

    def rarity(self) -> SearchListings:
        """The rare ones of a category within one's purse, cheapest first."""
        row = self._some()
        rare = self._rarities[self._chance.randint(2, len(self._rarities) - 2) :]
        return SearchListings(
            category=row.item.category, rarity=rare, price=Bounds(max=40 * self._worth[row.item.base]), sort="price"
        )

    def buyout(self) -> SearchListings:
        """What can be had at once in a category, for one's level, cheapest first."""
        row = self._some()
        return SearchListings(category=row.item.category, level=self._levels(row), buyout_only=True, sort="buyout")

    def newest(self) -> SearchListings:
        """What was put up last, in a category or anywhere."""
        category = self._some().item.category if self._chance.random() < 0.7 else None
        return SearchListings(category=category, sort="created_at", order="desc")

    def ending(self) -> SearchListings:
        """What ends next, in a category or anywhere, for so much at most."""
        row = self._some()
        category = row.item.category if self._chance.random() < 0.7 else None
        return SearchListings(category=category, price=Bounds(max=2 * self._worth[row.item.base]), sort="ends_at")

    def stat(self) -> SearchListings:
        """The most of one stat that a category has for one's level."""
        row = self._some(stats=1)
        stat = self._chance.choice(list(row.item.stats))
        bounds = [StatBounds(stat=stat, min=1)]
        levels = Bounds(max=self._levels(row).max)
        return SearchListings(category=row.item.category, level=levels, stats=bounds, sort=f"stat:{stat}", order="desc")

    def score(self) -> SearchListings:
        """Upgrades for one's character: the largest weighted sum of stats in a category, for one's level and purse."""
        row = self._some(stats=2)
        weights = {stat: self._chance.randint(1, 10) for stat in self._catalog.bases[row.item.base].stats}
        return SearchListings(
            category=row.item.category,
            level=Bounds(max=self._levels(row).max),
            price=Bounds(max=20 * self._worth[row.item.base]),
            score=dict(self._chance.sample(list(weights.items()), 4)),
            sort="score",
            order="desc",
        )

    def broad(self) -> SearchListings:
        """The whole house within one's purse and level, cheapest first."""
        row = self._some()
        worth = self._worth[row.item.base]
        return SearchListings(level=self._levels(row), price=Bounds(min=worth // 2, max=2 * worth), sort="price")

    def _some(self, stats: int = 0) -> Listing:
        while True:
            row = self._chance.choice(self._listings)
            if len(row.item.stats) >= stats:
                return row

    def _levels(self, row: Listing) -> Bounds:
        return Bounds(min=max(1, row.item.level - 10), max=row.item.level)


KINDS: dict[str, tuple[int, Callable[[Mix], SearchListings]]] = {
    "base": (25, Mix.base),
    "upgrade": (20, Mix.upgrade),
    "text": (10, Mix.text),
    "rarity": (8, Mix.rarity),
    "buyout": (8, Mix.buyout),
    "newest": (7, Mix.newest),
    "ending": (7, Mix.ending),
    "stat": (6, Mix.stat),
    "score": (6, Mix.score),
    "broad": (3, Mix.broad),
}
"""Kind → how many of a hundred searches are of it, and how to make one."""
