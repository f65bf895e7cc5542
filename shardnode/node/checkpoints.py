"""Write-behind checkpoints: dirty stores reach their files, the journal forgets what is there, idle stores sleep.

A pass takes what changed in the stores that are dirty longest, waits until those records are durable (a file never
knows more than the journal), writes the files in their lane, then tells the journal, which cuts off the records that
nobody needs any more.
"""

from collections.abc import Callable, Generator
from typing import Any, cast

import msgspec
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from auction.state import Listing, StoreId
from shardnode.cluster.reactor import Reactor
from shardnode.node.awake_stores import AwakeStores
from shardnode.node.gate import Gate
from shardnode.node.lanes import Lane
from shardnode.ops.metrics import Metrics
from shardnode.storage.port import Storage, StorageFault

log = Logger()


class CheckpointLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How often and how much."""

    interval_s: float = 5.0
    """Time between passes; what a crash leaves to be replayed is about this much work."""
    pass_stores_max: int = 32
    """Stores in one write to the files' lane: a wake-up waits behind no more; a new file takes milliseconds."""
    left_behind_max: int = 256
    """Stores woken in one pass because a crash left their files behind the journal."""


class Checkpoints:
    """Keeps the journal short and the files near."""

    def __init__(
        self,
        *,
        reactor: Reactor,
        stores: AwakeStores,
        storage: Storage,
        gate: Gate,
        journal_lane: Lane,
        files_lane: Lane,
        limits: CheckpointLimits,
        metrics: Metrics,
        failed: Callable[[Failure], None],
    ) -> None:
        self._reactor = reactor
        self._stores = stores
        self._storage = storage
        self._gate = gate
        self._journal_lane = journal_lane
        self._files_lane = files_lane
        self._limits = limits
        self._metrics = metrics
        self._failed = failed
        self._changed_listings: dict[str, Listing] = {}
        self._listings_known = False
        self._damaged: set[StoreId] = set()
        self._listings_position = 0
        self._ceased = False
        self._running: Deferred[Any] | None = None
        self._loop = LoopingCall(self._begin)
        self._loop.clock = cast(Any, reactor)

    def start(self, listings: dict[str, Listing]) -> None:
        """Make a pass now and then; `listings` are the rows that the snapshot a start reads lacks so far."""
        self.listings_changed({key: row for key, row in listings.items() if key not in self._changed_listings})
        self._listings_known = True
        self._loop.start(self._limits.interval_s, now=False).addErrback(self._failed)

    def listings_changed(self, listings: dict[str, Listing]) -> None:
        """Rows that became durable; the next pass writes them to the snapshot that a start reads."""
        self._changed_listings.update(listings)

    def cease(self) -> None:
        """Take no more snapshots: what is in memory may not be what happened."""
        self._ceased = True

    @inlineCallbacks
    def stop(self) -> Generator["Deferred[Any]", Any, None]:
        """Fires when every store's file holds all that the store knows, unless checkpoints ceased."""
        if self._loop.running:
            self._loop.stop()
        if self._running is not None:
            yield self._running
        while (yield self._pass()):
            continue

    def _begin(self) -> None:
        if self._running is not None:
            self._metrics.limit_hit("checkpoint_interval_s")
            return
        self._running = running = self._pass()
        running.addErrback(self._failed)
        running.addBoth(self._end)

    def _end(self, _: object) -> None:
        self._running = None

    @inlineCallbacks
    def _pass(self) -> Generator["Deferred[Any]", Any, bool]:
        """Save what is dirty, then wake what else must be saved; whether there is more of that."""
        started_s = self._reactor.seconds()
        yield self._save_listings()
        dirty = len(self._stores.dirty)
        written = 0
        while written < dirty and not self._ceased:
            snapshots = self._stores.snapshots(min(self._limits.pass_stores_max, dirty - written))
            durable: Deferred[None] = Deferred()
            self._gate.when(max(snapshot.position for snapshot in snapshots), durable.callback, None)
            yield durable
            yield self._files_lane.do(self._storage.stores.save, snapshots)
            self._stores.saved(snapshots)
            yield self._forget({snapshot.store: snapshot.position for snapshot in snapshots})
            written += len(snapshots)
        woken = yield self._wake_left_behind()
        if written:
            self._metrics.checkpointed(written, self._reactor.seconds() - started_s)
        self._stores.sleep_idle()
        return bool(woken)

    @inlineCallbacks
    def _save_listings(self) -> Generator["Deferred[Any]", Any, None]:
        """Bring the snapshot of the open listings up to what is durable; it, too, keeps the journal long."""
        position = self._gate.durable
        if self._listings_known and position > self._listings_position:
            changed, self._changed_listings = self._changed_listings, {}
            yield self._journal_lane.do(self._storage.journal.save_open_listings, changed, position)
            self._listings_position = position
            yield self._forget({})

    def _forget(self, saved: dict[StoreId, int]) -> "Deferred[int]":
        return self._journal_lane.do(self._storage.journal.forget, saved)

    @inlineCallbacks
    def _wake_left_behind(self) -> Generator["Deferred[Any]", Any, int]:
        """Wake stores whose files a crash left behind, so that the next pass saves them and the journal grows shorter.

        Returns how many. A file may turn out to be complete, if the crash came between save and forget; the journal
        is told here, since nobody will save it. A store whose file is damaged stays as it is, and the journal keeps
        what the file lacks.
        """
        most = self._limits.left_behind_max + len(self._damaged)
        unsaved = yield self._journal_lane.do(self._storage.journal.unsaved, most)
        woken = 0
        for store in unsaved:
            if store in self._damaged or self._stores.state(store) is not None or self._stores.full():
                continue
            try:
                yield self._stores.wake([store])
                woken += 1
            except StorageFault as fault:
                self._damaged.add(store)
                log.warn("a damaged file cannot be brought up to date; its records stay in the journal", why=str(fault))
        if unsaved:
            yield self._forget(self._stores.files(unsaved))
        return woken
