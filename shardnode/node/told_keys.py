"""Keys of the node's own making that a client was told: from then on they are kept like a client's own.

A client is told one with `in_doubt`, when it is not known what becomes of its mutation. So the news may come before
there is an answer to keep under the key, or when its store sleeps: it is looked for again and again for a while.
"""

from collections.abc import Callable

from twisted.logger import Logger
from twisted.python.failure import Failure

from auction import keys
from auction.evolve import evolve
from auction.state import StoreId
from shardnode.cluster.reactor import Reactor
from shardnode.node.awake_stores import AwakeStores
from shardnode.node.records import Records
from shardnode.ops.metrics import Metrics
from shardnode.storage.port import StorageFault

LOOKS_MAX = 60
LOOK_AGAIN_S = 2.0
WAITING_MAX = 10_000
"""Keys that are looked for again; what is told beyond them is kept as long as any that nobody was told."""

log = Logger()


class ToldKeys:
    """Keeps keys of players whose stores are here."""

    def __init__(
        self,
        *,
        stores: AwakeStores,
        records: Records,
        now_ms: Callable[[], int],
        reactor: Reactor,
        failed: Callable[[Failure], None],
        metrics: Metrics,
    ) -> None:
        self._stores = stores
        self._records = records
        self._now_ms = now_ms
        self._reactor = reactor
        self._failed = failed
        self._metrics = metrics
        self._waiting = 0
        self._ceased = False

    def cease(self) -> None:
        """Keep nothing more."""
        self._ceased = True

    def keep(self, store: StoreId, key: str) -> None:
        """A player was told a key that its store has, or may come to have."""
        self._look(store, key, LOOKS_MAX)

    def _look(self, store: StoreId, key: str, looks: int) -> None:
        if self._ceased:
            return
        if self._stores.make_room():
            awake = self._stores.wake([store])
            awake.addCallbacks(self._keep, self._cannot, (store, key, looks), {}, (key,)).addErrback(self._failed)
        else:
            self._look_later(store, key, looks)

    def _keep(self, _: None, store: StoreId, key: str, looks: int) -> None:
        state = self._stores.state(store)
        assert isinstance(state, keys.Keyed), store
        if not keys.is_held(state, key):
            self._look_later(store, key, looks)
            return
        now_ms = self._now_ms()
        events = keys.tell(state, key, now_ms)
        if events and not self._ceased:
            for event in events:
                evolve(state, event)
            self._records.commit({store: events}, now_ms)

    def _look_later(self, store: StoreId, key: str, looks: int) -> None:
        if self._waiting >= WAITING_MAX:
            self._metrics.limit_hit("told_keys_waiting_max")
        elif looks > 1:
            self._waiting += 1
            self._reactor.callLater(LOOK_AGAIN_S, self._look_again, store, key, looks - 1)

    def _look_again(self, store: StoreId, key: str, looks: int) -> None:
        self._waiting -= 1
        try:
            self._look(store, key, looks)
        except Exception:  # a bug of ours: the node stops before it lies
            self._failed(Failure())

    @staticmethod
    def _cannot(failure: Failure, key: str) -> None:
        failure.trap(StorageFault)
        log.error("a key that a client was told cannot be kept: its store cannot be opened", key=key)
