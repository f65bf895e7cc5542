"""Storage in memory, under the same contract as on disk, for tests and the simulator: it can crash and be opened again.

`before` is called with the name of each operation that writes ("append", "save", "save_open_listings", "forget") before
it takes effect: it may raise StorageFault, or wait. What was under way when it raised is unsynced: a crash keeps it or
loses it, as a disk might. `durable` is called with each batch when it is safe, one that a crash kept included.
"""

from collections.abc import Callable
from copy import copy
from functools import partial
from typing import Any

import msgspec

from auction.ids import NAMING_KEY_BYTES
from auction.sales import SALES_KEPT_MS, Sale, sale_of
from auction.state import Listing, StoreId
from auction.stores import KINDS, Kind, State
from shardnode.storage.batches import touched_by
from shardnode.storage.port import Append, Entry, Recovered, Snapshot, StorageFault
from shardnode.storage.touches import Touches

Before = Callable[[str], None]
Durable = Callable[[Append], None]

_encode_json = msgspec.json.Encoder().encode


class _File:
    """A store's checkpoint."""

    def __init__(self, kind: Kind) -> None:
        self.state_class = KINDS[kind]
        self.position = 0
        self.damaged = False
        self.tables: dict[str, dict[Any, msgspec.Struct]] = {name: {} for name in self.state_class.TABLES}


class _Disk:
    """What outlives a crash."""

    def __init__(self, identity: str, naming_key: bytes) -> None:
        self.identity = identity
        self.naming_key = naming_key
        self.incarnation = 0
        self.in_use = False
        self.batches: dict[int, list[Entry]] = {}
        self.position = 0
        self.cut = 0
        self.now_ms = 0
        self.feed_position = 0
        self.wakeups: dict[StoreId, int] = {}
        self.facts: dict[str, bytes] = {}
        self.open_listings: dict[str, Listing] = {}
        self.sales: dict[int, Sale] = {}
        self.files: dict[StoreId, _File] = {}
        self.unsynced: Callable[[], None] | None = None

    def write(self, operation: str, before: Before, effect: Callable[[], None]) -> None:
        """Let `effect` happen, unless `before` raises: then a crash decides."""
        self.unsynced = effect
        before(operation)
        self.unsynced = None
        effect()


class MemoryJournal:
    """Implements `port.Journal`."""

    def __init__(self, disk: _Disk, before: Before, durable: Durable) -> None:
        self._disk = disk
        self._before = before
        self._durable = durable
        self._usable = True
        self._touches = Touches()
        for last_position, entries in disk.batches.items():
            self._touches.add(last_position, touched_by(entries))

    def append(self, batch: Append) -> None:
        """Make a batch durable."""
        disk, entries = self._disk, batch.entries
        last = entries[-1].position
        assert entries[0].position == disk.position + 1 and last == disk.position + len(entries), disk.position
        facts = {key: None if fact is None else _encode_json(fact) for key, fact in batch.facts.items()}

        def effect() -> None:
            disk.batches[last] = entries
            disk.position, disk.now_ms = last, max(disk.now_ms, batch.now_ms)
            for store, wake_at_ms in batch.wakeups.items():
                disk.wakeups.pop(store, None)
                if wake_at_ms is not None:
                    disk.wakeups[store] = wake_at_ms
            for key, fact in facts.items():
                disk.facts.pop(key, None)
                if fact is not None:
                    disk.facts[key] = fact
            self._durable(batch)

        self._write("append", effect)
        self._touches.add(last, touched_by(entries))

    def replay(self, store: StoreId, after: int) -> list[tuple[int, bytes]]:
        """The store's parts of all records past a position, in order."""
        return [
            (entry.position, entry.events[store])
            for batch in self._touches.batches(store, after)
            for entry in self._disk.batches[batch]
            if entry.position > after and store in entry.events
        ]

    def due(self, before_ms: int, limit: int) -> list[tuple[StoreId, int]]:
        """Stores to be woken before an instant, earliest first."""
        due = sorted((wake_at_ms, store) for store, wake_at_ms in self._disk.wakeups.items() if wake_at_ms < before_ms)
        return [(store, wake_at_ms) for wake_at_ms, store in due[:limit]]

    def facts(self) -> dict[str, bytes]:
        """All facts by key, as JSON."""
        return dict(sorted(self._disk.facts.items()))

    def open_listings(self, after: str, limit: int) -> list[Listing]:
        """A page, by id, of the open listings as of `feed_position`."""
        listings = self._disk.open_listings
        return [listings[listing] for listing in sorted(listing for listing in listings if listing > after)[:limit]]

    def feed_position(self) -> int:
        """The position up to which `open_listings` is true."""
        return self._disk.feed_position

    def feed_tail(self, after: int, limit: int) -> list[tuple[int, list[bytes]]]:
        """A page of whole records past a position."""
        assert after >= self._disk.cut, (after, self._disk.cut)
        tail = [
            (entry.position, list(entry.events.values()))
            for last, entries in self._disk.batches.items()
            if last > after
            for entry in entries
            if entry.position > after
        ]
        return tail[:limit]

    def sales(self, after: int, limit: int) -> list[Sale]:
        """A page, by mark, of what was sold here within a day of `feed_position`."""
        sales = self._disk.sales
        return [sales[mark] for mark in sorted(mark for mark in sales if mark > after)[:limit]]

    def save_open_listings(self, changed: dict[str, Listing], position: int) -> None:
        """Write the rows that changed up to a position: open listings, and sales."""
        disk = self._disk
        assert disk.feed_position <= position <= disk.position, position

        def effect() -> None:
            disk.feed_position = position
            for listing, row in changed.items():
                disk.open_listings.pop(listing, None)
                if row.state == "open":
                    disk.open_listings[listing] = row
                sale = sale_of(row)
                if sale is not None:
                    disk.sales[sale.mark] = sale
            counted_after_ms = disk.now_ms - SALES_KEPT_MS
            disk.sales = {mark: sale for mark, sale in disk.sales.items() if sale.at_ms > counted_after_ms}

        self._write("save_open_listings", effect)

    def forget(self, saved: dict[StoreId, int]) -> int:
        """Note that stores' files are durable at positions; cut off records that nobody needs. Returns how many."""
        disk = self._disk
        self._touches.forget(saved)
        cut = self._touches.cut(disk.feed_position)
        if cut is None:
            return 0
        before = disk.cut

        def effect() -> None:
            disk.cut = cut
            disk.batches = {last: entries for last, entries in disk.batches.items() if last > cut}

        self._write("forget", effect)
        return cut - before

    def unsaved(self, limit: int) -> list[StoreId]:
        """Stores whose files may lack records that the journal holds, longest so first."""
        return self._touches.stores(limit)

    def length(self) -> int:
        """How many records the journal holds."""
        return self._disk.position - self._disk.cut

    def close(self) -> None:
        """Take no more."""
        self._usable = False

    def _write(self, operation: str, effect: Callable[[], None]) -> None:
        if not self._usable:
            raise StorageFault("the journal in memory is closed, or failed before; open the storage again")
        self._usable = False
        self._disk.write(operation, self._before, effect)
        self._usable = True


class MemoryStoreFiles:
    """Implements `port.StoreFiles`."""

    def __init__(self, disk: _Disk, before: Before) -> None:
        self._disk = disk
        self._before = before

    def exists(self, store: StoreId) -> bool:
        """Whether a file is there."""
        return store in self._disk.files

    def load(self, store: StoreId) -> tuple[State, int] | None:
        """The store's state, of logs nothing, and the position it is true at; None without a file."""
        file = self._disk.files.get(store)
        if file is None:
            return None
        if file.damaged:
            raise StorageFault(f"the file in memory of store {store} is damaged; mend it")
        if file.position > self._disk.position:
            raise StorageFault(f"the file in memory of store {store} is ahead of the journal")
        state = file.state_class()
        for name in file.tables.keys() - state.LOGS:
            getattr(state, name).rows = {key: copy(row) for key, row in file.tables[name].items()}
        state.recount()
        return state, file.position

    def save(self, snapshots: list[Snapshot]) -> None:
        """Write changed rows, store after store."""
        for snapshot in snapshots:
            file = self._disk.files.get(snapshot.store)
            assert file is None or file.position <= snapshot.position, snapshot.store
            self._disk.write("save", self._before, partial(self._save, snapshot))

    def close(self) -> None:
        """Nothing is open."""

    def _save(self, snapshot: Snapshot) -> None:
        file = self._disk.files.setdefault(snapshot.store, _File(snapshot.kind))
        file.position = snapshot.position
        for name, changes in snapshot.changes.items():
            rows = file.tables[name]
            for key, row in changes.items():
                if row is None:
                    rows.pop(key, None)
                else:
                    rows[key] = row


class MemoryStorage:
    """Implements `port.Storage`. `open` after `close` or `crash` finds what is then on the disk.

    `before` may be replaced at any time.
    """

    journal: MemoryJournal
    stores: MemoryStoreFiles

    def __init__(
        self,
        *,
        identity: str = "memory",
        naming_key: bytes = bytes(NAMING_KEY_BYTES),
        before: Before = lambda _operation: None,
        durable: Durable = lambda _batch: None,
    ) -> None:
        self.before = before
        self._durable = durable
        self._disk = _Disk(identity, naming_key)

    def open(self) -> Recovered:
        """Read what is there; StorageFault where it is open already."""
        disk = self._disk
        if disk.in_use:
            raise StorageFault("the storage in memory is in use; close it first")
        disk.in_use = True
        disk.incarnation += 1
        self.journal = MemoryJournal(disk, self._before, self._durable)
        self.stores = MemoryStoreFiles(disk, self._before)
        return Recovered(disk.position, disk.now_ms, disk.incarnation, disk.naming_key, disk.identity)

    def close(self) -> None:
        """Close all."""
        self.journal.close()
        self._disk.in_use = False

    def crash(self, *, lose_unsynced: bool) -> None:
        """End without closing; what was under way when `before` raised is lost, or happened after all."""
        disk = self._disk
        if disk.unsynced is not None and not lose_unsynced:
            disk.unsynced()
        disk.unsynced = None
        disk.in_use = False

    def wipe(self) -> None:
        """Lose the disk, which nobody has open, and put an empty one of another identity in its place."""
        assert not self._disk.in_use, "crash or close it first"
        self._disk = _Disk(f"{self._disk.identity}'", self._disk.naming_key)

    def damage(self, store: StoreId, *, mended: bool = False) -> None:
        """Make a store's file unreadable, or readable again."""
        self._disk.files[store].damaged = not mended

    def log(self, store: StoreId, table: str) -> list[msgspec.Struct]:
        """The rows of a log in a store's file, in their order; none without a file."""
        file = self._disk.files.get(store)
        return [] if file is None else [row for _, row in sorted(file.tables[table].items())]

    def lose_open_listings(self) -> None:
        """Lose the rows of the open listings, as a torn database can without an error."""
        self._disk.open_listings.clear()

    def _before(self, operation: str) -> None:
        self.before(operation)
