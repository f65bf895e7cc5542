"""What a store's file holds: one table a class of its kind's state, and one row about the store itself.

`read` and `write` work on an open connection and know nothing of files. The rows of a log (`auction.tables.LogTable`)
are written like any others, but only `read_log` reads them.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    Table,
    Text,
    bindparam,
    exists,
    insert,
    select,
    text,
    update,
)

from auction.state import STORE_VERSION, StoreId
from auction.stores import KINDS, Kind, State
from auction.tables import OneRow
from shardnode.storage.columns import RowDamaged, drop_rows, keys_text, put_rows, rows_text, table_of, to_rows
from shardnode.storage.port import Snapshot

PAGE_BYTES = 1024
"""Page size of a store's file: with a page a table at least, a new player's store takes about 36 KiB."""
ROWS_PUT = 1_000
"""How many rows one statement writes: while they are put into words, the interpreter does nothing else."""
LOG_ROWS_READ = 1_000
"""How many rows of a log are fetched at once."""

STORE = Table(
    "store",
    MetaData(),
    Column("store", Text, primary_key=True, nullable=False),
    Column("kind", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("start", Text, nullable=False),
    sqlite_strict=True,
)


class Layout:
    """The tables in the files of one kind of stores, and the statements on them, by table."""

    def __init__(self, kind: Kind) -> None:
        self.state_class = KINDS[kind]
        self.metadata = MetaData()
        STORE.to_metadata(self.metadata)
        tables = {name: table_of(name, row_class, self.metadata) for name, row_class in self.state_class.TABLES.items()}
        self.head = next(iter(tables))
        """The table of the one row; its key is the store's name."""
        self.keys = {name: next(iter(table.primary_key)).name for name, table in tables.items()}
        self.kept = [name for name in tables if name not in self.state_class.LOGS]
        """Those whose rows are in memory."""
        self.filled = select(*(exists().select_from(tables[name]).label(name) for name in self.kept))
        self.read = {name: select(table) for name, table in tables.items()}
        self.read_log = {
            name: select(tables[name]).order_by(*tables[name].primary_key) for name in self.state_class.LOGS
        }
        self.put = {name: put_rows(table) for name, table in tables.items()}
        self.drop = {name: drop_rows(table) for name, table in tables.items()}


LAYOUTS = {kind: Layout(kind) for kind in KINDS}

_IDENTIFY = select(STORE.c.store, STORE.c.kind, STORE.c.version, STORE.c.position, STORE.c.start)
"""What stands in files of every version."""
_DAMAGE = text(
    "SELECT quick_check FROM json_each(:tables) AS named, pragma_quick_check(named.value) "
    "WHERE quick_check <> 'ok' LIMIT 1"
)
_ENTER = insert(STORE)
_MOVE = update(STORE).where(STORE.c.position <= bindparam("to")).values(position=bindparam("to"), start=bindparam("by"))


class StoreRow(msgspec.Struct, frozen=True):
    """A store's file about itself."""

    store: StoreId
    kind: Kind
    version: int
    position: int
    """Position of the last record that the file contains."""
    start: str
    """The start of the node in which it was written last."""


def identify(connection: Connection, store: StoreId) -> StoreRow:
    """What the file of `store` says about itself; RowDamaged for another store, or an unknown kind."""
    rows = connection.execute(_IDENTIFY).all()
    if len(rows) != 1:
        raise RowDamaged("its one row about itself is missing")
    row = StoreRow(*rows[0])
    if row.kind not in KINDS:
        raise RowDamaged(f"its kind is {row.kind!r}; known are {', '.join(KINDS)}")
    if row.store != store:
        raise RowDamaged(f"holds the store {row.store}, not the one that it is named by")
    return row


def read(connection: Connection, kind: Kind, tables: Collection[str] | None = None) -> State:
    """The rows of a store, of all tables or of some, and of no log. Raises RowDamaged, or what SQLite raises for a
    damaged file. What it takes does not depend on the logs' length.
    """
    layout = LAYOUTS[kind]
    state = layout.state_class()
    _check(connection, layout.kept)
    for name, has_rows in connection.execute(layout.filled).mappings().one().items():
        if not has_rows or not (tables is None or name in tables):
            continue
        rows = to_rows(layout.state_class.TABLES[name], connection.execute(layout.read[name]).all())
        table = getattr(state, name)
        if isinstance(table, OneRow):
            table.rows = dict(enumerate(rows))
        else:
            key = layout.keys[name]
            table.rows = {getattr(row, key): row for row in rows}
    state.recount()
    return state


def read_log(connection: Connection, kind: Kind, log: str) -> Iterator[msgspec.Struct]:
    """The rows of a log in their order, as they are fetched; raises as `read` does."""
    layout = LAYOUTS[kind]
    _check(connection, [log])
    rows = connection.execution_options(yield_per=LOG_ROWS_READ).execute(layout.read_log[log])
    yield from to_rows(layout.state_class.TABLES[log], rows)


def enter(connection: Connection, snapshot: Snapshot, start: str) -> None:
    """Write the first snapshot of a store into its empty tables, in the caller's transaction."""
    layout = LAYOUTS[snapshot.kind]
    heads: Mapping[Any, Any] = snapshot.changes.get(layout.head, {})
    head = heads.get(0)
    if head is None:
        raise RowDamaged("the store was written before, but its file is gone")
    row = {
        "store": snapshot.store,
        "kind": snapshot.kind,
        "version": STORE_VERSION,
        "name": getattr(head, layout.keys[layout.head]),
        "position": snapshot.position,
        "start": start,
    }
    connection.execute(_ENTER, row)
    _write_rows(connection, snapshot)


def write(connection: Connection, snapshot: Snapshot, start: str) -> None:
    """Write what changed in a store since its last snapshot, in the caller's transaction."""
    moved = connection.execute(_MOVE, {"to": snapshot.position, "by": start})
    assert moved.rowcount == 1, f"a snapshot of {snapshot.store} is older than its file"
    _write_rows(connection, snapshot)


def _check(connection: Connection, tables: Sequence[str]) -> None:
    damage = connection.execute(_DAMAGE, {"tables": keys_text(tables)}).scalar_one_or_none()
    if damage is not None:
        raise RowDamaged(damage)


def _write_rows(connection: Connection, snapshot: Snapshot) -> None:
    layout = LAYOUTS[snapshot.kind]
    for name, rows in snapshot.changes.items():
        put = [row for row in rows.values() if row is not None]
        for begin in range(0, len(put), ROWS_PUT):
            connection.execute(layout.put[name], {"rows": rows_text(put[begin : begin + ROWS_PUT])})
        if dropped := [key for key, row in rows.items() if row is None]:
            connection.execute(layout.drop[name], {"keys": keys_text(dropped)})
