"""Who is told what of what changes: the watches of all players who live here and are connected anywhere.

    listings_changed ─► followed listings ──────────────┐
                    └─► changes ─► match ─► searches ───┼─► stirred topics ─► round: watches due ─► tell
    price_changed ──► followed commodities ─────────────┘

What happens costs one entry a topic, however many watch it. `work` does the rest in slices so short that nobody else on
the thread waits for them. Players are told in rounds, at least `round_s` apart, and each of them one thing a round, so
that nobody hears more often; whatever happens to a topic between two rounds is told once.
"""

from collections.abc import Callable, Iterable, Iterator

import msgspec

from auction.commands import ListingFilter
from auction.results import WatchView
from auction.state import Listing, Watch
from shardnode.search.index import ListingNews
from shardnode.watches.searches import SavedSearches
from shardnode.watches.topics import FollowedCommodity, FollowedListing, HeldWatch, SavedSearch, Topic, Watcher
from shardnode.wire.events import Price, WatchMatched

WATCHES_AT_ONCE = 100
"""How many watches of one topic become due before somebody else may have a turn."""


class WatchLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of what watches may cost the node."""

    watches_held_max: int = 200_000
    """Watches of players who are connected; those of one more are heeded when it connects another time."""
    changed_listings_max: int = 20_000
    """Changed listings that wait to be held against searches; beyond it the oldest is passed over, and counted as
    `missed` with the next that a search is told."""
    shown_max: int = 20
    """Listings in one push; what else came to match is counted as `missed`."""
    round_s: float = 0.5
    """How long it takes at least from one push to a player to the next."""
    slice_s: float = 0.002
    """How long the thread is kept at a time, about."""
    rest_s: float = 0.008
    """How long it is left to others then."""


class WatchEngine:
    """Tells through `tell` what players are to hear. After every call that brings news `work` is due."""

    def __init__(
        self,
        *,
        tell: Callable[[str, WatchMatched], None],
        seconds: Callable[[], float],
        now_ms: Callable[[], int],
        limit_hit: Callable[[str], None],
        limits: WatchLimits,
    ) -> None:
        self._tell = tell
        self._seconds = seconds
        self._now_ms = now_ms
        self._limit_hit = limit_hit
        self._limits = limits
        self._watchers: dict[str, Watcher] = {}
        self._held = 0
        self._listings: dict[str, FollowedListing] = {}
        self._commodities: dict[str, FollowedCommodity] = {}
        self._searches = SavedSearches(limits.shown_max)
        self._changes: dict[str, ListingNews] = {}
        """Those that wait to be held against searches, the oldest first."""
        self._overlooked = 0
        """Those that never were."""
        self._stirred: dict[Topic, None] = {}
        """Topics with news since the last round."""
        self._due: dict[Watcher, None] = {}
        """Who has more to hear than fitted into the last round."""
        self._next_round_s = 0.0
        self._matching: Iterator[bool] = iter(())
        self._telling: Iterator[bool] = iter(())

    def __len__(self) -> int:
        """Watches held."""
        return self._held

    @property
    def waiting(self) -> int:
        """Changed listings that are not held against searches yet."""
        return len(self._changes)

    def watch(self, player: str, watch: Watch | WatchView) -> None:
        """A player who is connected has a watch; nothing where it is known already."""
        watcher = self._watchers.get(player) or Watcher(player)
        if watch.watch in watcher.watches:
            return
        if self._held >= self._limits.watches_held_max:
            self._limit_hit("watches_held_max")
            return
        self._watchers[player] = watcher
        topic = self._topic(watch)
        held = HeldWatch(watch.watch, watcher, topic, topic.news, self._overlooked)
        watcher.watches[watch.watch] = held
        topic.watches[held] = None
        self._held += 1

    def unwatch(self, player: str, watch: str) -> None:
        """It is deleted; nothing where it was not known."""
        watcher = self._watchers.get(player)
        if watcher is not None and watch in watcher.watches:
            self._drop(watcher.watches.pop(watch))
            if not watcher.watches:
                del self._watchers[player]

    def forget(self, player: str) -> None:
        """The player is not connected any more."""
        watcher = self._watchers.pop(player, None)
        if watcher is not None:
            for held in watcher.watches.values():
                self._drop(held)
            watcher.watches.clear()

    def listings_changed(self, changes: Iterable[ListingNews]) -> None:
        """Open listings are new, have changed or have ended."""
        if not self._held:
            return
        for row, before in changes:
            followed = self._listings.get(row.listing)
            if followed is not None:
                followed.change(row)
                self._stirred[followed] = None
            if row.state != "open":
                self._changes.pop(row.listing, None)
            else:
                waiting = self._changes.get(row.listing)
                if waiting is not None:
                    self._changes[row.listing] = row, waiting[1]
                elif self._searches.may_come(before):
                    self._wait(row, before)

    def price_changed(self, price: Price) -> None:
        """A commodity was traded."""
        followed = self._commodities.get(price.commodity)
        if followed is not None:
            followed.change(price)
            self._stirred[followed] = None

    def has_work(self) -> bool:
        """Whether `work` would have anything to do, now or when the next round is due."""
        return bool(self._changes or self._stirred or self._due)

    def work(self) -> float | None:
        """Do what there is to do, for a slice. Returns in how many seconds to go on, None for not before more news."""
        begun_s = self._seconds()
        half_s, end_s = begun_s + self._limits.slice_s / 2, begun_s + self._limits.slice_s
        self._go_on(self._match_some, half_s)
        telling = self._go_on(self._tell_some, end_s)
        matching = self._go_on(self._match_some, end_s)
        if telling or matching:
            return self._limits.rest_s
        return max(self._next_round_s - self._seconds(), 0.0) if self._stirred or self._due else None

    def _go_on(self, some: Callable[[], bool], until_s: float) -> bool:
        """Do a kind of work as long as there is some; whether it was left for lack of time."""
        while some():
            if self._seconds() >= until_s:
                return True
        return False

    def _topic(self, watch: Watch | WatchView) -> Topic:
        if watch.listing is not None:
            return self._listings.setdefault(watch.listing, FollowedListing(watch.listing))
        if watch.commodity is not None:
            return self._commodities.setdefault(watch.commodity, FollowedCommodity(watch.commodity))
        return self._searches.of(msgspec.convert(watch.query, ListingFilter))

    def _drop(self, held: HeldWatch) -> None:
        self._held -= 1
        held.watcher.due.pop(held, None)
        topic = held.topic
        del topic.watches[held]
        if topic.watches:
            return
        self._stirred.pop(topic, None)
        if isinstance(topic, SavedSearch):
            self._searches.drop(topic)
        elif isinstance(topic, FollowedListing):
            del self._listings[topic.listing]
        elif isinstance(topic, FollowedCommodity):
            del self._commodities[topic.commodity]

    def _wait(self, row: Listing, before: bytes | None) -> None:
        if len(self._changes) >= self._limits.changed_listings_max:
            del self._changes[next(iter(self._changes))]
            self._overlooked += 1
            self._limit_hit("changed_listings_max")
        self._changes[row.listing] = row, before

    def _match_some(self) -> bool:
        """Hold one changed listing against some of the searches; whether there was one."""
        if next(self._matching, False):
            return True
        if not self._changes:
            return False
        self._matching = self._match(*self._changes.pop(next(iter(self._changes))))
        return True

    def _match(self, row: Listing, before: bytes | None) -> Iterator[bool]:
        for searches in self._searches.coming(row, before):
            for search in searches:
                search.match(row)
                if search.watches:
                    self._stirred[search] = None
            yield True

    def _tell_some(self) -> bool:
        """Go on with a round, or begin one that is due; whether there was anything to do."""
        if next(self._telling, False):
            return True
        if not (self._stirred or self._due) or self._seconds() < self._next_round_s:
            return False
        self._telling = self._round()
        return True

    def _round(self) -> Iterator[bool]:
        """Tell each player who has something to hear one thing; those with more have their turn in the next round."""
        stirred, self._stirred = self._stirred, {}
        for topic in stirred:
            watches = tuple(topic.watches)
            for first in range(0, len(watches), WATCHES_AT_ONCE):
                for held in watches[first : first + WATCHES_AT_ONCE]:
                    held.watcher.due[held] = None
                    self._due[held.watcher] = None
                yield True
        due, self._due = self._due, {}
        for watcher in due:
            self._tell_one(watcher)
            if watcher.due:
                self._due[watcher] = None
            yield True
        self._next_round_s = self._seconds() + self._limits.round_s

    def _tell_one(self, watcher: Watcher) -> None:
        while watcher.due:
            held = next(iter(watcher.due))
            del watcher.due[held]
            if held.told < held.topic.news and watcher.watches.get(held.watch) is held:
                matched = held.topic.tell(held, self._overlooked - held.overlooked, self._now_ms())
                held.told, held.overlooked = held.topic.news, self._overlooked
                self._tell(watcher.player, matched)
                return
