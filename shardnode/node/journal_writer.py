"""From records to durable batches: collects what one turn of the reactor decides, commits it, opens the gate.

While a batch is being committed the next one collects, so there is one fsync for as many records as came meanwhile,
and never more than one batch under way. A batch that cannot be written stops the node: `failed` is called and nothing
leaves any more.
"""

from collections.abc import Callable, Mapping

import msgspec
from twisted.python.failure import Failure

from auction.events import Record, encode_events
from auction.state import Listing, StoreId
from shardnode.cluster.reactor import Reactor
from shardnode.node.gate import Gate
from shardnode.node.lanes import Lane
from shardnode.ops.metrics import Metrics
from shardnode.storage.port import Append, Entry, Journal

BATCH_RECORDS_MAX = 1_000
"""Records in one commit: bounds how long a batch takes, and so how long anything waits for the one before it."""


class _Collecting:
    """The batch that is being collected."""

    __slots__ = ("entries", "facts", "listings", "now_ms", "wakeups")

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.wakeups: dict[StoreId, int | None] = {}
        self.listings: dict[str, Listing] = {}
        self.facts: dict[str, msgspec.Struct | None] = {}
        self.now_ms = 0


class JournalWriter:
    """The only caller of `Journal.append`. `position` is that of the last record handed in."""

    def __init__(
        self,
        *,
        reactor: Reactor,
        lane: Lane,
        journal: Journal,
        gate: Gate,
        metrics: Metrics,
        on_listings: Callable[[dict[str, Listing], int], None],
        failed: Callable[[Failure], None],
    ) -> None:
        self._reactor = reactor
        self._lane = lane
        self._journal = journal
        self._gate = gate
        self._metrics = metrics
        self._on_listings = on_listings
        self._failed = failed
        self._queue: list[_Collecting] = [_Collecting()]
        self._committing = False
        self._flush_called = False
        self._ceased = False
        self._unsynced = 0
        self.position = gate.durable

    def __len__(self) -> int:
        """Records collected and not yet handed to the disk."""
        return self._unsynced

    def add(
        self,
        record: Record,
        now_ms: int,
        wakeups: dict[StoreId, int | None],
        listings: dict[str, Listing],
        facts: Mapping[str, msgspec.Struct | None],
    ) -> int:
        """Take a record into the next batch and return its position; `listings` it changed are told when durable.

        `facts` became true with it, or, where None, hold no longer; a record may consist of facts alone.
        """
        self.position += 1
        self._unsynced += 1
        batch = self._queue[-1]
        if len(batch.entries) >= BATCH_RECORDS_MAX:
            batch = _Collecting()
            self._queue.append(batch)
        batch.entries.append(Entry(self.position, {store: encode_events(events) for store, events in record.items()}))
        batch.now_ms = max(batch.now_ms, now_ms)
        if wakeups:
            batch.wakeups.update(wakeups)
        if listings:
            batch.listings.update(listings)
        if facts:
            batch.facts.update(facts)
        if not self._committing and not self._flush_called:
            self._flush_called = True
            self._reactor.callLater(0, self._flush)
        return self.position

    def cease(self) -> None:
        """Hand nothing more to the disk and open the gate for nothing, not for what may become durable yet either."""
        self._ceased = True

    def _flush(self) -> None:
        self._flush_called = False
        if self._committing or self._ceased or not self._queue[0].entries:
            return
        batch = self._queue.pop(0)
        self._unsynced -= len(batch.entries)
        if not self._queue:
            self._queue.append(_Collecting())
        self._committing = True
        started_s = self._reactor.seconds()
        done = self._lane.do(self._journal.append, Append(batch.entries, batch.wakeups, batch.now_ms, batch.facts))
        done.addCallbacks(self._committed, self._stop, callbackArgs=(batch, started_s))
        done.addErrback(self._stop)

    def _committed(self, _: None, batch: _Collecting, started_s: float) -> None:
        if self._ceased:
            return
        self._committing = False
        self._metrics.batch_committed(len(batch.entries), self._reactor.seconds() - started_s)
        self._flush()
        if batch.listings:
            self._on_listings(batch.listings, batch.entries[-1].position)
        self._gate.open(batch.entries[-1].position)

    def _stop(self, failure: Failure) -> None:
        self.cease()
        self._failed(failure)
