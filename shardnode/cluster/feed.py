"""The listing feed: the open listings of every node, and what was sold lately, in the index of every node.

    subscriber                                   origin
    FeedFrom what it has ──────────────────────► what changed since, where that is still in memory;
    FeedChanges … or FeedPage 0 ◄─────────────── else a snapshot, page by page
    FeedNext 1 ────────────────────────────────►
    FeedPage 1 ◄────────────────────────────────
    FeedChanges ◄─────────────────────────────── and whatever becomes durable from then on

Positions are those of the origin's journal. Changes join where the subscriber stands or are a gap, and a gap, like a
snapshot that does not come on, makes it ask anew; so whatever is lost, doubled or late, or finds no room in the index,
it ends with the origin's rows.
A snapshot's rows and the changes after it may come in any order: the index knows which of two rows is newer, and which
listings have ended meanwhile. The rows of an origin that cannot be reached stay, since a listing is checked again by
its home when somebody acts on it; `staleness_s` says how old they may be.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, count, islice

import msgspec

from auction.sales import is_sound
from auction.state import Listing
from shardnode.cluster.map import ClusterMap
from shardnode.cluster.messages import FeedChanges, FeedFrom, FeedNext, FeedPage
from shardnode.cluster.network import HEARTBEAT_S, PeerFault
from shardnode.cluster.post import Post
from shardnode.ops.metrics import Metrics
from shardnode.search.columns import fits
from shardnode.search.index import ListingIndex, OpenListings


class FeedLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of the feed."""

    page_rows: int = 200
    """Rows or sales of one page of a snapshot, and rows of one message of changes, about: 2 ms of whoever reads it."""
    kept_rows_max: int = 10_000
    """Latest changes in memory; a subscriber that has missed more gets a snapshot."""
    sign_of_life_s: float = HEARTBEAT_S
    """How often an origin says that nothing has changed."""
    ask_again_s: float = 2.0
    """How long a subscriber waits for an origin to go on before it asks anew."""


class _Snapshot(msgspec.Struct, eq=False):
    """The open listings and sales, as one subscriber reads them. Its rows are no older than its position."""

    position: int
    pages: Iterator[FeedPage]
    latest: FeedPage
    """Sent last, and sent again where it is asked for again."""


class Origin:
    """The open listings of this node, for every other. `start` is the incarnation, `position` what is durable at it."""

    def __init__(
        self,
        *,
        start: int,
        position: int,
        listings: OpenListings,
        post: Post,
        seconds: Callable[[], float],
        limits: FeedLimits,
    ) -> None:
        self._start = start
        self._position = position
        self._listings = listings
        self._post = post
        self._seconds = seconds
        self._limits = limits
        self._kept: deque[tuple[int, tuple[Listing, ...]]] = deque()
        self._kept_rows = 0
        self._kept_after = position
        """All changes after this position are kept."""
        self._subscribers: dict[str, _Snapshot | None] = {}
        """Who hears of every change, and the snapshot it reads meanwhile."""
        self._told_at_s = seconds()

    def changed(self, rows: Iterable[Listing], position: int) -> None:
        """Rows of this node have changed, durably, up to a position; they are in its index already."""
        changes = tuple(rows)
        self._kept.append((position, changes))
        self._kept_rows += len(changes)
        while self._kept_rows > self._limits.kept_rows_max:
            self._kept_after, dropped = self._kept.popleft()
            self._kept_rows -= len(dropped)
        self._tell(self._position, position, changes)
        self._position = position

    def tick(self) -> None:
        """Give a sign of life; to be called every `sign_of_life_s`."""
        if self._seconds() - self._told_at_s >= self._limits.sign_of_life_s:
            self._tell(self._position, self._position, ())

    def link_down(self, node: str) -> None:
        """A subscriber is gone."""
        self._subscribers.pop(node, None)

    def subscribe(self, node: str, message: FeedFrom) -> None:
        """A node has this much, and wants the rest. It is not answered while this node reads its own past."""
        if self._listings.loading:
            return
        if message.start == self._start and self._kept_after <= message.position <= self._position:
            self._subscribers[node] = None
            for changes in self._since(message.position):
                self._post.send(node, changes)
        else:
            pages = self._pages(self._position)
            self._subscribers[node] = snapshot = _Snapshot(self._position, pages, next(pages))
            self._post.send(node, snapshot.latest)

    def next_page(self, node: str, message: FeedNext) -> None:
        """A subscriber asks for a page of its snapshot; with one beyond the last it says that it has all."""
        snapshot = self._subscribers.get(node)
        if snapshot is None or (message.start, message.position) != (self._start, snapshot.position):
            return
        latest = snapshot.latest
        if message.number == latest.number + 1:
            if latest.last:
                self._subscribers[node] = None
                return
            snapshot.latest = next(snapshot.pages)
        if message.number == snapshot.latest.number:
            self._post.send(node, snapshot.latest)

    def _pages(self, position: int) -> Iterator[FeedPage]:
        """A snapshot's pages, each made when it is come to: first the listings, then those that have ended lately, for
        who follows them, then the sales.
        """
        numbers, size = count(), self._limits.page_rows
        rows = chain(self._listings.rows(), self._ended_lately())
        while page := tuple(islice(rows, size)):
            yield FeedPage(self._start, position, next(numbers), page, last=False)
        sales = iter(self._listings.sales)
        while sold := tuple(islice(sales, size)):
            yield FeedPage(self._start, position, next(numbers), (), last=False, sales=sold)
        yield FeedPage(self._start, position, next(numbers), (), last=True)

    def _ended_lately(self) -> Iterator[Listing]:
        for _, rows in tuple(self._kept):
            yield from (row for row in rows if row.state != "open")

    def _since(self, position: int) -> Iterator[FeedChanges]:
        """What changed after a position, in order, in messages that join one another; one of them at least."""
        after, rows = position, list[Listing]()
        for until, changes in self._kept:
            if until > position:
                rows += changes
                if len(rows) >= self._limits.page_rows:
                    yield FeedChanges(self._start, after, until, tuple(rows))
                    after, rows = until, []
        yield FeedChanges(self._start, after, self._position, tuple(rows))

    def _tell(self, after: int, position: int, rows: tuple[Listing, ...]) -> None:
        self._told_at_s = self._seconds()
        if self._subscribers:
            self._post.send_all(list(self._subscribers), FeedChanges(self._start, after, position, rows))


class _Followed(msgspec.Struct, eq=False):
    """One origin, as far as it is known here."""

    life: int
    listings: OpenListings
    known_at_s: float
    """When all there was to know of it was known, the last time."""
    went_on_at_s: float
    """When it last did what was waited for, or was asked anew."""
    start: int = 0
    position: int = 0
    """What is here is no older than this position."""
    whole: bool = False
    """Whether all of it up to the position is here."""
    asked: bool = False
    """Whether a FeedFrom waits for its answer."""
    loading: tuple[int, int] | None = None
    """Position of the snapshot that is being read, and the number of its next page."""
    pausing: bool = False
    """Whether that page is asked for only when the index has caught up."""


class Subscriber:
    """The open listings of every other node, in the index of this one."""

    def __init__(
        self,
        *,
        node: str,
        cluster_map: Callable[[], ClusterMap],
        index: ListingIndex,
        post: Post,
        seconds: Callable[[], float],
        limits: FeedLimits,
        metrics: Metrics,
    ) -> None:
        self._node = node
        self._map = cluster_map
        self._index = index
        self._post = post
        self._seconds = seconds
        self._limits = limits
        self._metrics = metrics
        self._origins: dict[str, _Followed] = {}
        for origin in cluster_map().nodes:
            if origin != node:
                self._follow(origin)

    def staleness_s(self) -> dict[str, float]:
        """By origin: seconds since its rows were known to be all there is."""
        now_s = self._seconds()
        return {origin: now_s - followed.known_at_s for origin, followed in self._origins.items()}

    def rows(self) -> dict[str, float]:
        """By origin: how many open listings of it are known."""
        return {origin: float(len(followed.listings)) for origin, followed in self._origins.items()}

    def link_up(self, node: str) -> None:
        """Ask an origin for what is missing."""
        followed = self._origins.get(node)
        if followed is None or followed.life != self._map().nodes[node].since_epoch:
            followed = self._follow(node)
        self._ask(node, followed)

    def tick(self) -> None:
        """Ask anew where an origin does not go on; to be called now and then."""
        before_s = self._seconds() - self._limits.ask_again_s
        for node, followed in self._origins.items():
            if followed.pausing:
                self._ask_for_page(node, followed)
            elif followed.went_on_at_s <= before_s and self._post.is_up(node):
                self._ask(node, followed)

    def page(self, node: str, message: FeedPage) -> None:
        """A page of a snapshot came; one that was not asked for, or is older than what is here, is passed over. Raises
        PeerFault for one that cannot be.
        """
        _check(node, message.rows)
        if not all(map(is_sound, message.sales)):
            raise PeerFault(f"{node} tells of a sale that cannot be; run the same program on both")
        followed = self._origins[node]
        if message.number == 0:
            older = (message.start, message.position) < (followed.start, followed.position)
            if older or not followed.asked:
                return
            followed.start, followed.position = message.start, message.position
            followed.asked = followed.whole = False
            followed.listings.load()
        elif message.start != followed.start or followed.loading != (message.position, message.number):
            return
        followed.loading = message.position, message.number + 1
        followed.listings.apply(message.rows, past=True)
        for sale in message.sales:
            followed.listings.sales.add(sale)
        followed.went_on_at_s = self._seconds()
        if message.last:
            followed.listings.settle()
            followed.loading = None
            followed.whole = True
            followed.known_at_s = followed.went_on_at_s
            self._post.send(node, FeedNext(message.start, message.position, message.number + 1))
        else:
            self._ask_for_page(node, followed)

    def changes(self, node: str, message: FeedChanges) -> None:
        """An origin's rows changed. What is here already is passed over, and what does not join it is a gap; so is what
        there is no room for. Raises PeerFault for rows that cannot be.
        """
        _check(node, message.rows)
        followed = self._origins[node]
        if message.rows and not self._index.has_room():
            self._metrics.limit_hit("pending_rows_max")
        elif message.start == followed.start and message.after <= followed.position:
            if message.position >= followed.position:
                self._apply(followed, message)
        elif not followed.asked:
            self._ask(node, followed)

    def _apply(self, followed: _Followed, message: FeedChanges) -> None:
        followed.listings.apply(message.rows)
        followed.position = message.position
        if followed.whole:
            followed.asked = False
            followed.known_at_s = followed.went_on_at_s = self._seconds()

    def _ask_for_page(self, node: str, followed: _Followed) -> None:
        """Ask for the next page of a snapshot, or, while the index is behind, do so later."""
        assert followed.loading is not None
        followed.went_on_at_s = self._seconds()
        followed.pausing = self._index.is_behind()
        if not followed.pausing:
            self._post.send(node, FeedNext(followed.start, *followed.loading))

    def _ask(self, node: str, followed: _Followed) -> None:
        """Ask for what comes after what is here, or, where that has holes, for all."""
        followed.asked = True
        followed.loading = None
        followed.pausing = False
        followed.went_on_at_s = self._seconds()
        known = (followed.start, followed.position) if followed.whole else (0, 0)
        self._post.send(node, FeedFrom(*known))

    def _follow(self, origin: str) -> _Followed:
        """Know nothing of an origin yet, or, of one whose data directory was replaced, any more."""
        listings = self._index.of(origin)
        listings.load()
        listings.settle()
        now_s = self._seconds()
        life = self._map().nodes[origin].since_epoch
        self._origins[origin] = followed = _Followed(life, listings, now_s, now_s)
        return followed


def _check(node: str, rows: Iterable[Listing]) -> None:
    for row in rows:
        if not fits(row):
            raise PeerFault(f"{node} tells of a listing that cannot be, {row.listing}; run the same program on both")
