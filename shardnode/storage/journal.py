"""The journal in node.sqlite: one row a batch, one statement and one fsync an append.

A start checks that the chain of all batches is without a gap and that the latest TAIL_BATCHES are what was written; the
others are checked when they are read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from auction.sales import SALES_KEPT_MS, Sale, sale_of
from auction.state import Listing, StoreId
from shardnode.storage import batches
from shardnode.storage.batches import Chain
from shardnode.storage.data_directory import DataDirectory
from shardnode.storage.databases import Databases
from shardnode.storage.faults import DISK_ERRORS, RESTORE_NODE, fault
from shardnode.storage.journal_end import JournalEnd
from shardnode.storage.node_tables import BATCHES, FACTS, NODE, OPEN_LISTINGS, SALES, STARTS, WAKEUPS
from shardnode.storage.port import Append, Entry, Recovered, StorageFault
from shardnode.storage.touches import Touches
from shardnode.storage.upgrades import NODE_FILE

TAIL_BATCHES = 1_000
"""How many of the latest batches a start reads and checks whole."""
READ_BATCHES = 200
"""How many batches a replay reads at once."""
CACHE_KIB = 8_192
"""Page cache of node.sqlite."""
WAL_LIMIT_BYTES = 16 << 20
"""What node.sqlite-wal is cut back to after a checkpoint, which SQLite makes every 1,000 pages."""

_rows_given = func.json_each(bindparam("rows")).table_valued("value")
_sold_given = func.json_each(bindparam("sold")).table_valued("value")
_closed_given = func.json_each(bindparam("closed")).table_valued("value")

_IDENTIFY = select(NODE)
_CHAIN = (
    select(
        BATCHES.c.last_position,
        BATCHES.c.first_position,
        BATCHES.c.now_ms,
        BATCHES.c.previous_checksum,
        BATCHES.c.checksum,
        BATCHES.c.touched,
    )
    .where(BATCHES.c.last_position > bindparam("cut"))
    .order_by(BATCHES.c.last_position)
)
_TAIL = select(BATCHES).order_by(BATCHES.c.last_position.desc()).limit(TAIL_BATCHES)
_NAMED = (
    select(BATCHES)
    .where(BATCHES.c.last_position.in_(bindparam("names", expanding=True)))
    .order_by(BATCHES.c.last_position)
)
_NEXT = select(BATCHES).where(BATCHES.c.last_position > bindparam("after")).order_by(BATCHES.c.last_position).limit(1)
_APPEND = insert(BATCHES)
_last_cut = {
    "cut_position": BATCHES.c.last_position,
    "cut_checksum": BATCHES.c.checksum,
    "cut_now_ms": BATCHES.c.now_ms,
}
_CUT = update(NODE).values(
    {
        name: select(column).where(BATCHES.c.last_position == bindparam("cut")).scalar_subquery()
        for name, column in _last_cut.items()
    }
)
_DROP_CUT = delete(BATCHES).where(BATCHES.c.last_position <= bindparam("cut"))
_STARTS = select(STARTS).order_by(STARTS.c.incarnation)
_START = insert(STARTS)
_DUE = (
    select(WAKEUPS.c.store, WAKEUPS.c.wake_at_ms)
    .where(WAKEUPS.c.wake_at_ms < bindparam("before"))
    .order_by(WAKEUPS.c.wake_at_ms, WAKEUPS.c.store)
    .limit(bindparam("most"))
)
_FACTS = select(FACTS).order_by(FACTS.c.key)
_OPEN_LISTINGS = (
    select(OPEN_LISTINGS.c.row)
    .where(OPEN_LISTINGS.c.listing > bindparam("after"))
    .order_by(OPEN_LISTINGS.c.listing)
    .limit(bindparam("most"))
)
_LIST = (
    insert(OPEN_LISTINGS)
    .prefix_with("OR REPLACE")
    .from_select(["listing", "row"], select(func.json_extract(_rows_given.c.value, "$.listing"), _rows_given.c.value))
)
_DELIST = delete(OPEN_LISTINGS).where(OPEN_LISTINGS.c.listing.in_(select(_closed_given.c.value)))
_SALES = select(SALES).where(SALES.c.mark > bindparam("after")).order_by(SALES.c.mark).limit(bindparam("most"))
_sale_fields = Sale.__struct_fields__
_SELL = (
    insert(SALES)
    .prefix_with("OR REPLACE")
    .from_select(
        _sale_fields,
        select(*(func.json_extract(_sold_given.c.value, f"$[{place}]") for place in range(len(_sale_fields)))),
    )
)
_FORGET_SALES = delete(SALES).where(SALES.c.at_ms <= bindparam("until"))
_FEED = update(NODE).values(feed_position=bindparam("to"))

_encode_json = msgspec.json.Encoder().encode


class SqliteJournal:
    """Implements `port.Journal`."""

    def __init__(self, directory: DataDirectory) -> None:
        self._path = directory.node_database
        self._end_path = directory.journal_end
        self._databases = Databases(cache_kib=CACHE_KIB, wal_limit_bytes=WAL_LIMIT_BYTES)
        self._touches = Touches()
        self._chain = Chain(0, b"", 0)
        self._cut = 0
        self._feed_position = 0
        self._start = ""
        self._ends: dict[str, int] = {}
        """Earlier start of the node → where the journal ended when it was over."""
        self._usable = False
        self._connection: Connection
        self._end: JournalEnd

    def open(self, start: str) -> Recovered:
        """Check the journal, count this start under a name of its own, return what it reads. Raises StorageFault."""
        with self._reading():
            self._connection = self._databases.connect(self._path).execution_options(isolation_level="AUTOCOMMIT")
            node = self._connection.execute(_IDENTIFY).one()
            if NODE_FILE.is_older(node.version):
                NODE_FILE.bring_forward(self._connection, node.version)
            self._follow_chain(node)
            for row in self._connection.execute(_TAIL).mappings():
                batches.entries_of(row)
            self._check_end()
            incarnation = self._count_start(start)
        self._usable = True
        return Recovered(self._chain.position, self._chain.now_ms, incarnation, node.naming_key, node.identity)

    @property
    def position(self) -> int:
        """Position of the last durable record."""
        return self._chain.position

    def end_of(self, start: str) -> int | None:
        """Where the journal ended when that start of the node was over, or ends now; None for a start never counted."""
        return self._chain.position if start == self._start else self._ends.get(start)

    def append(self, batch: Append) -> None:
        """Make a batch durable. After a StorageFault nothing more is taken: what the disk holds then, nobody knows."""
        touched = batches.touched_by(batch.entries)
        row = self._chain.row(batch, touched)
        with self._writing():
            self._connection.execute(_APPEND, row)
        self._chain.follow(row)
        self._end.put(self._chain.position)
        self._touches.add(self._chain.position, touched)

    def replay(self, store: StoreId, after: int) -> list[tuple[int, bytes]]:
        """The store's parts of all records past a position, in order."""
        names = self._touches.batches(store, after)
        parts = []
        for begin in range(0, len(names), READ_BATCHES):
            for entry in self._entries(names[begin : begin + READ_BATCHES]):
                if entry.position > after and store in entry.events:
                    parts.append((entry.position, entry.events[store]))
        return parts

    def due(self, before_ms: int, limit: int) -> list[tuple[StoreId, int]]:
        """Stores to be woken before an instant, earliest first."""
        with self._reading():
            rows = self._connection.execute(_DUE, {"before": before_ms, "most": limit})
            return [(store, wake_at_ms) for store, wake_at_ms in rows]

    def facts(self) -> dict[str, bytes]:
        """All facts by key, as JSON."""
        with self._reading():
            return batches.facts_of(self._connection.execute(_FACTS).all())

    def open_listings(self, after: str, limit: int) -> list[Listing]:
        """A page, by id, of the open listings as of `feed_position`."""
        with self._reading():
            return list(self._connection.execute(_OPEN_LISTINGS, {"after": after, "most": limit}).scalars())

    def feed_position(self) -> int:
        """The position up to which `open_listings` is true."""
        return self._feed_position

    def feed_tail(self, after: int, limit: int) -> list[tuple[int, list[bytes]]]:
        """A page of whole records past a position."""
        assert after >= self._cut, (after, self._cut)
        tail: list[tuple[int, list[bytes]]] = []
        position = after
        while position < self._chain.position and len(tail) < limit:
            with self._reading():
                entries = batches.entries_of(self._connection.execute(_NEXT, {"after": position}).mappings().one())
            tail += [(entry.position, list(entry.events.values())) for entry in entries if entry.position > after]
            position = entries[-1].position
        return tail[:limit]

    def sales(self, after: int, limit: int) -> list[Sale]:
        """A page, by mark, of what was sold here within a day of `feed_position`."""
        with self._reading():
            return [Sale(*row) for row in self._connection.execute(_SALES, {"after": after, "most": limit})]

    def save_open_listings(self, changed: dict[str, Listing], position: int) -> None:
        """Write the rows that changed up to a position: open listings, and sales."""
        assert self._feed_position <= position <= self._chain.position, position
        rows = _encode_json([row for row in changed.values() if row.state == "open"]).decode()
        closed = _encode_json([listing for listing, row in changed.items() if row.state != "open"]).decode()
        sold = _encode_json([sale for sale in map(sale_of, changed.values()) if sale is not None]).decode()
        with self._writing():
            self._connection.exec_driver_sql("BEGIN")
            self._connection.execute(_LIST, {"rows": rows})
            self._connection.execute(_DELIST, {"closed": closed})
            self._connection.execute(_SELL, {"sold": sold})
            self._connection.execute(_FORGET_SALES, {"until": self._chain.now_ms - SALES_KEPT_MS})
            self._connection.execute(_FEED, {"to": position})
            self._connection.exec_driver_sql("COMMIT")
        self._feed_position = position

    def forget(self, saved: dict[StoreId, int]) -> int:
        """Note that stores' files are durable at positions; cut off records that nobody needs. Returns how many."""
        self._touches.forget(saved)
        cut = self._touches.cut(self._feed_position)
        if cut is None:
            return 0
        with self._writing():
            self._connection.execute(_CUT, {"cut": cut})
        before, self._cut = self._cut, cut
        return cut - before

    def unsaved(self, limit: int) -> list[StoreId]:
        """Stores whose files may lack records that the journal holds, longest so first."""
        return self._touches.stores(limit)

    def length(self) -> int:
        """How many records the journal holds."""
        return self._chain.position - self._cut

    def close(self) -> None:
        """Leave the database whole and closed."""
        if self._usable:
            with self._writing():
                self._connection.execute(_DROP_CUT, {"cut": self._cut})
            self._usable = False
        if hasattr(self, "_connection"):
            self._connection.close()
        if hasattr(self, "_end"):
            self._end.close()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except DISK_ERRORS as error:
            raise fault(self._path, error, RESTORE_NODE) from error

    @contextmanager
    def _writing(self) -> Iterator[None]:
        if not self._usable:
            raise StorageFault(f"{self._path}: is closed, or failed before; start the node again")
        self._usable = False
        with self._reading():
            yield
        self._usable = True

    def _entries(self, names: list[int]) -> list[Entry]:
        with self._reading():
            rows = self._connection.execute(_NAMED, {"names": names}).mappings().all()
            if len(rows) != len(names):
                raise batches.BatchDamaged(f"{len(names) - len(rows)} batches are missing among {names[0]}–{names[-1]}")
            return [entry for row in rows for entry in batches.entries_of(row)]

    def _follow_chain(self, node: Row[Any]) -> None:
        self._feed_position = node.feed_position
        self._cut = node.cut_position
        self._chain = Chain(node.cut_position, node.cut_checksum, node.cut_now_ms)
        for row in self._connection.execute(_CHAIN, {"cut": node.cut_position}).mappings():
            self._chain.follow(row)
            self._touches.add(self._chain.position, batches.touched_in(row))

    def _count_start(self, start: str) -> int:
        starts = self._connection.execute(_STARTS).all()
        ends = [row.position for row in starts[1:]] + [self._chain.position]
        self._ends = {row.start: end for row, end in zip(starts, ends, strict=False)}
        self._start = start
        incarnation = len(starts) + 1
        row = {"incarnation": incarnation, "start": start, "position": self._chain.position}
        self._connection.execute(_START, row)
        return incarnation

    def _check_end(self) -> None:
        try:
            self._end = JournalEnd(self._end_path, self._chain.position)
            end = self._end.get()
        except (OSError, ValueError) as error:
            raise fault(self._end_path, error, f"cannot be read; {RESTORE_NODE}") from error
        if end > self._chain.position:
            raise StorageFault(
                f"{self._path}: the journal ends at record {self._chain.position}, but {end} was acknowledged; "
                f"node.sqlite or node.sqlite-wal is damaged, missing or older than journal.end: {RESTORE_NODE}"
            )
        self._end.put(self._chain.position)
