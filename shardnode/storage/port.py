"""What the node needs of its disk: a journal of records, and one file a store. Two implementations stand behind it.

`SqliteStorage` keeps the node's database and the stores' files; `MemoryStorage` keeps both in memory and can lose what
was not synced, for tests and the simulator. One contract suite runs on both. Nothing here knows of Twisted: every call
blocks, and the node makes it from a thread of its own choosing: all `Journal` calls from one thread, all `StoreFiles`
calls from one thread (so each SQLite file has one connection, ever, used by one thread at a time).

Positions number the records of a node from 1, without gaps. A record is durable when `append` returned.
"""

from typing import Protocol

import msgspec

from auction.sales import Sale
from auction.state import Listing, StoreId
from auction.stores import Kind, State


class StorageFault(Exception):
    """The disk did not do what it must; the node stops and says what to do next."""


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One record on its way into the journal."""

    position: int
    events: dict[StoreId, bytes]
    """Store → its part of the record, as `auction.events.encode_events` wrote it; empty for a record of facts only."""


class Append(msgspec.Struct, frozen=True):
    """A batch: committed in one transaction with one fsync."""

    entries: list[Entry]
    wakeups: dict[StoreId, int | None]
    """Changed earliest wake-ups of stores; None: nothing to wake for."""
    now_ms: int
    """The largest instant in these records; the clock never falls behind the largest one journaled."""
    facts: dict[str, msgspec.Struct | None] = {}
    """Key → what the node knows from this batch on besides its stores' states, or None where it need not know it any
    longer. Facts outlive the records that they came with. A key holds no NUL."""


class Recovered(msgspec.Struct, frozen=True):
    """What a start reads, whatever the journal's length."""

    position: int
    """Position of the last durable record, 0 for none."""
    now_ms: int
    """The last journaled instant, 0 for none."""
    incarnation: int
    """Number of this start, already durable."""
    naming_key: bytes
    """32 random bytes made at the first start: stores are named under it, so it never changes."""
    identity: str
    """The data directory's random identity."""


class Snapshot(msgspec.Struct, frozen=True):
    """Rows of one store that changed since its last snapshot, true at `position`; nothing changes these rows."""

    store: StoreId
    kind: Kind
    position: int
    changes: dict[str, dict[str, msgspec.Struct | None] | dict[int, msgspec.Struct | None]]
    """Table → key → row, or None where the row was removed; of a log, the rows that were added."""


class Journal(Protocol):
    """The node's log of records, and what must be known without opening stores."""

    def append(self, batch: Append) -> None:
        """Make a batch durable; raises StorageFault, after which the journal must not be used again."""

    def replay(self, store: StoreId, after: int) -> list[tuple[int, bytes]]:
        """The store's parts of all records past a position, in order."""

    def due(self, before_ms: int, limit: int) -> list[tuple[StoreId, int]]:
        """Stores to be woken before an instant, earliest first."""

    def facts(self) -> dict[str, bytes]:
        """All facts by key, as JSON: what a start reads. Raises StorageFault where one is damaged."""

    def open_listings(self, after: str, limit: int) -> list[Listing]:
        """A page, by id, of the open listings as of the last `save_open_listings`: what a start reads, not stores."""

    def feed_position(self) -> int:
        """The position up to which `open_listings` is true."""

    def feed_tail(self, after: int, limit: int) -> list[tuple[int, list[bytes]]]:
        """A page of whole records past a position, for what `open_listings` lacks: position and each store's part."""

    def sales(self, after: int, limit: int) -> list[Sale]:
        """A page, by mark, of what was sold here lately, as of the last `save_open_listings`."""

    def save_open_listings(self, changed: dict[str, Listing], position: int) -> None:
        """Write the rows that changed up to a position: open listings, and the sales of those that were sold. Sales too
        old to count go."""

    def forget(self, saved: dict[StoreId, int]) -> int:
        """Note that stores' files are durable at positions; cut off records that nobody needs. Returns how many."""

    def unsaved(self, limit: int) -> list[StoreId]:
        """Stores whose files may lack records that the journal holds, longest so first. After a crash these keep the
        journal from being cut until each was loaded, replayed and saved, or found complete, and `forget` was told."""

    def length(self) -> int:
        """How many records the journal holds."""

    def close(self) -> None:
        """Leave the database whole and closed."""


class StoreFiles(Protocol):
    """One file a store: its checkpoint."""

    def exists(self, store: StoreId) -> bool:
        """Whether a file is there."""

    def load(self, store: StoreId) -> tuple[State, int] | None:
        """The store's state, of logs nothing, and the position it is true at; None without a file. StorageFault for one
        damaged or of an unknown version, naming the file and what to do."""

    def save(self, snapshots: list[Snapshot]) -> None:
        """Write changed rows, a transaction and an fsync a store; durable when it returns. Raises StorageFault."""

    def close(self) -> None:
        """Close every file."""


class Storage(Protocol):
    """A data directory, opened by one process at a time."""

    @property
    def journal(self) -> Journal:
        """The node's log, once open."""

    @property
    def stores(self) -> StoreFiles:
        """The stores' files, once open."""

    def open(self) -> Recovered:
        """Lock the directory, create or read what is there; StorageFault where it is in use or damaged."""

    def close(self) -> None:
        """Close all and release the lock."""
