"""The watches of the players who live here, while they are connected to any node.

    first session anywhere ──► their watches are read from their stores ──► engine ◄── listings of the whole house,
    last session gone ───────► forgotten                                      │        prices of all markets
                                                                              └──► tell, wherever they are connected
    watch.create, watch.delete: heeded when durable

Nothing of it is kept: what happens while a player is not connected, or between two starts of its home, is not told.
"""

from collections.abc import Callable

import msgspec
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from auction.commands import ListWatches
from auction.context import Answer, Caller, Request
from auction.results import WatchesResult
from shardnode.cluster.ports import Home
from shardnode.cluster.reactor import DelayedCall, Reactor
from shardnode.ops.metrics import Metrics
from shardnode.search.index import ListingNews
from shardnode.watches.engine import WatchEngine, WatchLimits
from shardnode.watches.news import News
from shardnode.wire.errors import Unavailable
from shardnode.wire.events import Price, WatchMatched


class WatcherLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of holding watches; the players are bounded by sockets and attachments."""

    engine: WatchLimits = WatchLimits()
    reading_max: int = 64
    """Players whose watches are read at a time; the others wait for these."""
    read_again_s: float = 1.0
    """How long a player waits whose watches could not be read."""


class _Watcher(msgspec.Struct, eq=False):
    """A player who is connected somewhere."""

    player: str
    is_read: bool = False
    """Whether its watches are known."""


class Watchers:
    """Who watches what now. `is_present` says whether a player who lives here is connected to any node."""

    def __init__(
        self,
        *,
        home: Home,
        is_present: Callable[[str], bool],
        tell: Callable[[str, WatchMatched], None],
        reactor: Reactor,
        limits: WatcherLimits,
        metrics: Metrics,
        failed: Callable[[Failure], None],
    ) -> None:
        self._home = home
        self._is_present = is_present
        self._reactor = reactor
        self._limits = limits
        self._failed = failed
        self._engine = WatchEngine(
            tell=tell,
            seconds=reactor.seconds,
            now_ms=home.now_ms,
            limit_hit=metrics.limit_hit,
            limits=limits.engine,
        )
        self._watchers: dict[str, _Watcher] = {}
        self._unread: dict[str, None] = {}
        self._reading = 0
        self._is_starting_reads = False
        self._next_work: DelayedCall | None = None
        self._ceased = False
        home.index.on_changed = self._listings_changed
        metrics.gauge("watches_held", "Watches of players who are connected", lambda: len(self._engine))
        metrics.gauge(
            "watch_changes_waiting", "Changed listings to be held against searches", lambda: self._engine.waiting
        )

    def look(self, player: str) -> None:
        """A player who lives here may have come, or gone."""
        if not self._is_present(player):
            self._unread.pop(player, None)
            if self._watchers.pop(player, None) is not None:
                self._engine.forget(player)
        elif player not in self._watchers:
            self._watchers[player] = _Watcher(player)
            self._unread[player] = None
            self._read_some()

    def heed(self, news: News) -> None:
        """Watches were made or deleted here, durably."""
        for player, watch in news.made:
            if self._is_read(player):
                self._engine.watch(player, watch)
        for player, dropped in news.dropped:
            self._engine.unwatch(player, dropped)

    def price_changed(self, price: Price) -> None:
        """A commodity was traded, in whatever market."""
        self._engine.price_changed(price)
        self._work_soon()

    def cease(self) -> None:
        """Tell nothing more."""
        self._ceased = True

    def _listings_changed(self, changes: list[ListingNews]) -> None:
        self._engine.listings_changed(changes)
        self._work_soon()

    def _work_soon(self) -> None:
        if self._next_work is None and self._engine.has_work():
            self._next_work = self._later(0.0, self._work)

    def _work(self) -> None:
        self._next_work = None
        again_s = self._engine.work()
        if again_s is not None:
            self._next_work = self._later(again_s, self._work)

    def _later(self, wait_s: float, act: Callable[[], None]) -> DelayedCall:
        return self._reactor.callLater(wait_s, self._guard, act)

    def _guard(self, act: Callable[[], None]) -> None:
        try:
            if not self._ceased:
                act()
        except Exception:  # a bug of ours must stop the node, not end in the reactor's log
            self._failed(Failure())

    def _is_read(self, player: str) -> bool:
        watcher = self._watchers.get(player)
        return watcher is not None and watcher.is_read

    def _read_some(self) -> None:
        """Read the watches of those who wait; an answer may come at once, from within."""
        if self._is_starting_reads:
            return
        self._is_starting_reads = True
        while self._unread and self._reading < self._limits.reading_max:
            player = next(iter(self._unread))
            del self._unread[player]
            self._reading += 1
            asked = Request(Caller(player, "service"), ListWatches())  # what a service asks takes nothing of a rate
            answer: Deferred[Answer] = self._home.ask(asked)
            watcher = self._watchers[player]
            answer.addBoth(self._done).addCallbacks(self._read, self._unavailable, (watcher,), {}, (watcher,))
            answer.addErrback(self._failed)
        self._is_starting_reads = False

    def _done(self, result: Answer | Failure) -> Answer | Failure:
        self._reading -= 1
        return result

    def _read(self, answer: Answer, watcher: _Watcher) -> None:
        assert isinstance(answer.body, WatchesResult), answer
        if self._watchers.get(watcher.player) is watcher:
            watcher.is_read = True
            for watch in answer.body.watches:
                self._engine.watch(watcher.player, watch)
        self._read_some()

    def _unavailable(self, failure: Failure, watcher: _Watcher) -> None:
        failure.trap(Unavailable)
        self._later(self._limits.read_again_s, lambda: self._read_again(watcher))
        self._read_some()

    def _read_again(self, watcher: _Watcher) -> None:
        if self._watchers.get(watcher.player) is watcher:
            self._unread[watcher.player] = None
            self._read_some()
