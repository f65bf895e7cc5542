"""Stores in memory: woken on first touch, kept while used, put to sleep when idle.

Waking loads the store's file and replays what the journal has beyond it; both happen in the lanes, and whoever asks
meanwhile waits for the same waking. Only a clean store (its file holds all it knows) may sleep, so sleeping loses
nothing and costs nothing.
"""

import itertools
from collections.abc import Callable, Generator, Iterable
from typing import Any

import msgspec
from twisted.internet.defer import Deferred, fail, gatherResults, inlineCallbacks, succeed
from twisted.python.failure import Failure

from auction.state import StoreId
from auction.stores import KINDS, Kind, State
from shardnode.cluster.reactor import Reactor
from shardnode.node.lanes import Lane
from shardnode.ops.metrics import Metrics
from shardnode.storage.port import Snapshot, Storage, StorageFault
from shardnode.storage.replay import replay


class StoreLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of what is kept in memory."""

    awake_max: int = 50_000
    """Stores in memory; beyond it idle ones sleep at once and, where all are busy, new ones are refused."""
    dirty_max: int = 10_000
    """Stores whose file lacks something; beyond it mutations are refused until checkpoints caught up."""
    idle_s: float = 300.0
    """A store that nobody asked for so long sleeps."""
    busy_s: float = 1.0
    """Where too many are awake, those asked for within this time stay so; room is made no more often than this."""


class AwakeStore:
    """One store in memory.

    `position` is that of the last record that touched it, `saved` that of its file, `wake_at_ms` what the journal knows
    of its earliest wake-up.
    """

    __slots__ = ("position", "saved", "state", "store", "used_at_s", "wake_at_ms")

    def __init__(self, store: StoreId, state: State, position: int, saved: int, used_at_s: float) -> None:
        self.store = store
        self.state = state
        self.position = position
        self.saved = saved
        self.used_at_s = used_at_s
        self.wake_at_ms = state.wake_at_ms()


class AwakeStores:
    """All stores in memory, and which of them are dirty, longest first."""

    def __init__(
        self,
        *,
        reactor: Reactor,
        storage: Storage,
        kind_of: Callable[[StoreId], Kind],
        journal_lane: Lane,
        files_lane: Lane,
        limits: StoreLimits,
        metrics: Metrics,
    ) -> None:
        """`kind_of` tells the kind of a store that was never written to."""
        self._reactor = reactor
        self._storage = storage
        self._kind_of = kind_of
        self._journal_lane = journal_lane
        self._files_lane = files_lane
        self._metrics = metrics
        self.limits = limits
        self._awake: dict[StoreId, AwakeStore] = {}
        self._waking: dict[StoreId, list[Deferred[None]]] = {}
        self._condemned: dict[StoreId, str] = {}
        """Stores that must not be used, and why."""
        self._made_room_at_s = float("-inf")
        self.dirty: dict[StoreId, AwakeStore] = {}

    def __len__(self) -> int:
        return len(self._awake)

    @property
    def waking(self) -> int:
        """How many stores are being loaded now."""
        return len(self._waking)

    def state(self, store: StoreId) -> State | None:
        """The state of a store that is awake, None of one that sleeps."""
        awake = self._awake.get(store)
        if awake is None:
            return None
        awake.used_at_s = self._reactor.seconds()
        return awake.state

    def position(self, stores: Iterable[StoreId]) -> int:
        """The position of the last record that touched any of some stores that are awake."""
        return max((self._awake[store].position for store in stores if store in self._awake), default=0)

    def files(self, stores: Iterable[StoreId]) -> dict[StoreId, int]:
        """The positions of the files of those among some stores that are awake."""
        return {store: self._awake[store].saved for store in stores if store in self._awake}

    def touched(self, stores: Iterable[StoreId], position: int) -> None:
        """A record changed these stores."""
        for store in stores:
            awake = self._awake[store]
            awake.position = position
            if store not in self.dirty:
                self.dirty[store] = awake

    def wakeup_changed(self, store: StoreId) -> bool:
        """Whether a store that is awake has another earliest wake-up than when this was asked last."""
        awake = self._awake[store]
        before, awake.wake_at_ms = awake.wake_at_ms, awake.state.wake_at_ms()
        return awake.wake_at_ms != before

    def wake(self, stores: Iterable[StoreId]) -> "Deferred[None]":
        """Fires when all these stores are awake."""
        wakings = [self._wake(store) for store in stores if store not in self._awake]
        if not wakings:
            return succeed(None)
        return gatherResults(wakings, consumeErrors=True).addCallbacks(
            lambda _: None, lambda failure: failure.value.subFailure
        )

    def condemn(self, store: StoreId, why: str) -> None:
        """A store is not what it should be: it leaves memory as it is in its file and journal, and is never woken."""
        self._condemned[store] = why
        self._awake.pop(store, None)
        self.dirty.pop(store, None)

    def full(self) -> bool:
        """Whether no further store may be woken now."""
        return len(self._awake) + len(self._waking) >= self.limits.awake_max

    def make_room(self) -> bool:
        """Whether a further store may be woken now, if need be after those used longest ago were put to sleep."""
        now_s = self._reactor.seconds()
        if self.full() and now_s - self._made_room_at_s >= self.limits.busy_s:
            self._made_room_at_s = now_s
            self.sleep_idle()
        return not self.full()

    def sleep_idle(self) -> int:
        """Put to sleep what is clean and idle, and, over `awake_max`, what was used longest ago. Returns how many."""
        now_s = self._reactor.seconds()
        idle_since_s, busy_since_s = now_s - self.limits.idle_s, now_s - self.limits.busy_s
        sleepy = [
            awake.store for awake in self._awake.values() if awake.used_at_s < idle_since_s and self._clean(awake)
        ]
        crowd = len(self._awake) - len(sleepy) - int(self.limits.awake_max * 0.9)
        if crowd > 0:
            clean = [
                awake
                for awake in self._awake.values()
                if idle_since_s <= awake.used_at_s < busy_since_s and self._clean(awake)
            ]
            sleepy += [awake.store for awake in sorted(clean, key=lambda awake: awake.used_at_s)[:crowd]]
        for store in sleepy:
            del self._awake[store]
        return len(sleepy)

    def snapshots(self, most: int) -> list[Snapshot]:
        """What changed in the stores that are dirty longest; from here on they are dirty only by what comes later."""
        taken = list(itertools.islice(self.dirty.values(), most))
        for awake in taken:
            del self.dirty[awake.store]
        return [Snapshot(awake.store, awake.state.kind, awake.position, _take_changes(awake.state)) for awake in taken]

    def saved(self, snapshots: list[Snapshot]) -> None:
        """These snapshots are safe in their files."""
        for snapshot in snapshots:
            awake = self._awake.get(snapshot.store)
            if awake is not None:  # a store may have been condemned meanwhile
                awake.saved = snapshot.position

    @staticmethod
    def _clean(awake: AwakeStore) -> bool:
        return awake.saved == awake.position

    def _wake(self, store: StoreId) -> "Deferred[None]":
        woken: Deferred[None] = Deferred()
        waiting = self._waking.get(store)
        if waiting is not None:
            waiting.append(woken)
            return woken
        if store in self._condemned:
            return fail(StorageFault(f"store {store} is stopped: {self._condemned[store]}"))
        self._waking[store] = [woken]
        self._load(store).addCallbacks(self._woken, self._not_woken, callbackArgs=(store,), errbackArgs=(store,))
        return woken

    @inlineCallbacks
    def _load(self, store: StoreId) -> Generator["Deferred[Any]", Any, AwakeStore]:
        started_s = self._reactor.seconds()
        loaded = yield self._files_lane.do(self._storage.stores.load, store)
        state, saved = loaded or (None, 0)
        tail = yield self._journal_lane.do(self._storage.journal.replay, store, saved)
        if tail:
            state = yield self._files_lane.do(_replay, state, tail)
        self._metrics.store_woken(len(tail), self._reactor.seconds() - started_s)
        position = tail[-1][0] if tail else saved
        if state is None:
            state = KINDS[self._kind_of(store)]()
        return AwakeStore(store, state, position, saved, self._reactor.seconds())

    def _woken(self, awake: AwakeStore, store: StoreId) -> None:
        self._awake[store] = awake
        if not self._clean(awake):
            self.dirty[store] = awake
        for woken in self._waking.pop(store):
            woken.callback(None)

    def _not_woken(self, failure: Failure, store: StoreId) -> None:
        for woken in self._waking.pop(store):
            woken.errback(failure)


def _replay(state: State | None, tail: list[tuple[int, bytes]]) -> State | None:
    for _, part in tail:
        state = replay(state, part)
    return state


def _take_changes(state: State) -> dict[str, dict[Any, msgspec.Struct | None]]:
    changes = {}
    for name in state.TABLES:
        table = getattr(state, name)
        if table.changed:
            changes[name] = table.take_changes()
    return changes
