"""Timers: listings end when they are due, late rather than never, and never early.

Each store's earliest wake-up stands in the node's database, written with the record that changed it. In memory are
only those of the next HORIZON_S; the rest is read again well before it is due, so a start costs the same however many
listings there are. A storm of due listings is served a few stores at a time.
"""

import heapq
from collections.abc import Callable
from typing import Any, cast

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from auction.state import StoreId
from shardnode.cluster.reactor import Reactor
from shardnode.node.clock import HouseClock
from shardnode.node.lanes import Lane
from shardnode.storage.port import Journal

log = Logger()


class TimerLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How far timers look ahead and how many are served at once."""

    tick_s: float = 0.05
    """How often the earliest wake-up is looked at: the most a listing ends late on a quiet node."""
    horizon_s: float = 60.0
    """How far ahead wake-ups are kept in memory; read again after half of it."""
    read_max: int = 10_000
    """Wake-ups read at once."""
    in_flight_max: int = 64
    """Stores being settled at once, so that a storm of endings leaves room for players."""


class Timers:
    """Calls `settle(store)` when a store is due; `settle` fires when what was due in it is settled."""

    def __init__(
        self,
        *,
        reactor: Reactor,
        clock: HouseClock,
        journal: Journal,
        journal_lane: Lane,
        limits: TimerLimits,
        settle: Callable[[StoreId], "Deferred[None]"],
        failed: Callable[[Failure], None],
    ) -> None:
        self._reactor = reactor
        self._clock = clock
        self._journal = journal
        self._journal_lane = journal_lane
        self._limits = limits
        self._settle = settle
        self._failed = failed
        self._heap: list[tuple[int, StoreId]] = []
        self._in_flight: dict[StoreId, bool] = {}
        """Stores being settled; True where one became due again meanwhile."""
        self._horizon_ms = 0
        """What the database has before this instant was read."""
        self._kept_before_ms = 0
        """What `set` is told before this instant is kept; the latest read may have come too early to see it."""
        self._reading = False
        self._resting = False
        """Whether the clock is not believed, which was told."""
        self._loop = LoopingCall(self._tick)
        self._loop.clock = cast(Any, reactor)

    def __len__(self) -> int:
        """Wake-ups in memory."""
        return len(self._heap)

    @property
    def in_flight(self) -> int:
        """Stores being settled now."""
        return len(self._in_flight)

    def start(self) -> None:
        """Begin to look."""
        self._loop.start(self._limits.tick_s, now=True).addErrback(self._failed)

    def stop(self) -> None:
        """Look no more; what is being settled goes on."""
        if self._loop.running:
            self._loop.stop()

    def set(self, store: StoreId, wake_at_ms: int) -> None:
        """A store is due at an instant (also); an earlier wake-up of it finds nothing due and is harmless."""
        if wake_at_ms < self._kept_before_ms:
            heapq.heappush(self._heap, (wake_at_ms, store))

    def _tick(self) -> None:
        now_ms = self._clock.now_ms()
        if self._clock.held is not self._resting:
            self._resting = self._clock.held
            if self._resting:
                log.error(
                    "the wall clock has jumped ahead: no listing ends until it is right again, or the node restarted"
                )
            else:
                log.info("the wall clock is right again: listings end")
        if self._resting:
            return
        half_ms = int(self._limits.horizon_s * 500)
        if now_ms + half_ms >= self._horizon_ms and not self._reading and len(self._heap) < self._limits.read_max // 2:
            self._read(max(now_ms + 2 * half_ms, self._horizon_ms))
        while self._heap and self._heap[0][0] <= now_ms and len(self._in_flight) < self._limits.in_flight_max:
            _, store = heapq.heappop(self._heap)
            if store in self._in_flight:
                self._in_flight[store] = True
            else:
                self._begin(store)

    def _begin(self, store: StoreId) -> None:
        self._in_flight[store] = False
        self._settle(store).addCallback(self._settled, store).addErrback(self._failed)

    def _settled(self, _: None, store: StoreId) -> None:
        if self._in_flight.pop(store):
            self._begin(store)

    def _read(self, before_ms: int) -> None:
        self._reading = True
        self._horizon_ms = self._kept_before_ms = before_ms
        read = self._journal_lane.do(self._journal.due, before_ms, self._limits.read_max)
        read.addCallback(self._read_done).addErrback(self._failed)

    def _read_done(self, due: list[tuple[StoreId, int]]) -> None:
        self._reading = False
        if len(due) == self._limits.read_max:
            self._horizon_ms = due[-1][1]
        known = set(self._heap)
        for store, wake_at_ms in due:
            if (wake_at_ms, store) not in known:
                heapq.heappush(self._heap, (wake_at_ms, store))
