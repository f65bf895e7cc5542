"""What is watched: a topic each, however many watch it, so that news of it costs no more for a thousand than for one.

A topic counts its news, and each watch remembers up to which of them it was told; so nobody's watch is touched when
something happens, only when its player is told.
"""

from abc import ABC, abstractmethod
from collections import deque

import msgspec

from auction.amounts import MAX_AMOUNT
from auction.commands import Bounds, ListingFilter
from auction.state import Listing
from auction.views import listing_view
from shardnode.search.query import passes
from shardnode.wire.events import ListingsMatched, Matches, Price, PriceMatched, WatchMatched


class Topic(ABC):
    """Something that is watched."""

    __slots__ = ("news", "watches")

    def __init__(self) -> None:
        self.watches: dict[HeldWatch, None] = {}
        self.news = 0
        """How many there were."""

    @abstractmethod
    def tell(self, watch: "HeldWatch", overlooked: int, at_ms: int) -> WatchMatched:
        """What a watch has not been told; of `overlooked` changes nobody knows whether they were for it."""


class HeldWatch(msgspec.Struct, eq=False):
    """One watch of a player who is connected."""

    watch: str
    watcher: "Watcher"
    topic: Topic
    told: int
    """How many of the topic's news its player was told, or had not asked for."""
    overlooked: int
    """The same of changes that nobody had the time to look at."""


class Watcher(msgspec.Struct, eq=False):
    """A player who is connected."""

    player: str
    watches: dict[str, HeldWatch] = {}
    due: dict[HeldWatch, None] = {}
    """Those with something to tell, the first that had it first."""


class FollowedListing(Topic):
    """A listing; what it was between two pushes is not told."""

    __slots__ = ("listing", "row")

    row: Listing
    """As it is now; there is none before the first news."""

    def __init__(self, listing: str) -> None:
        super().__init__()
        self.listing = listing

    def change(self, row: Listing) -> None:
        """It has changed."""
        self.row = row
        self.news += 1

    def tell(self, watch: HeldWatch, _overlooked: int, at_ms: int) -> WatchMatched:
        """The listing as it is now."""
        view = listing_view(self.row, watch.watcher.player)
        return ListingsMatched(watch=watch.watch, at_ms=at_ms, data=Matches([view], 0))


class FollowedCommodity(Topic):
    """A commodity; likewise."""

    __slots__ = ("commodity", "price")

    price: Price
    """Of the latest trade; there is none before the first news."""

    def __init__(self, commodity: str) -> None:
        super().__init__()
        self.commodity = commodity

    def change(self, price: Price) -> None:
        """It was traded."""
        self.price = price
        self.news += 1

    def tell(self, watch: HeldWatch, _overlooked: int, at_ms: int) -> WatchMatched:
        """The latest trade."""
        return PriceMatched(watch=watch.watch, at_ms=at_ms, data=self.price)


class SavedSearch(Topic):
    """Listings that come to match a filter; `latest` are those that did so last.

    `least_level` and `most_level` are the filter's own bounds: most searches are for a few levels, and a look at these
    costs less than asking the filter.
    """

    __slots__ = ("latest", "least_level", "most_level", "passes", "wanted")

    def __init__(self, wanted: ListingFilter, shown_max: int) -> None:
        super().__init__()
        self.wanted = wanted
        self.passes = passes(wanted)
        level = wanted.level or Bounds()
        self.least_level = 0 if level.min is None else level.min
        self.most_level = MAX_AMOUNT if level.max is None else level.max
        self.latest: deque[Listing] = deque(maxlen=shown_max)

    def match(self, row: Listing) -> None:
        """A listing has come to match."""
        self.latest.append(row)
        self.news += 1

    def tell(self, watch: HeldWatch, overlooked: int, at_ms: int) -> WatchMatched:
        """The latest listings that the watch was not told of, each once, and how many more there were."""
        new = self.news - watch.told
        rows = list(self.latest)[-new:]
        once = {row.listing: row for row in rows}
        views = [listing_view(row, watch.watcher.player) for row in once.values()]
        return ListingsMatched(watch=watch.watch, at_ms=at_ms, data=Matches(views, new - len(rows) + overlooked))
