"""What a store's file holds: one table a class of `auction.state`, and one row about the store itself.

`read` and `write` work on an open connection and know nothing of files.
"""

from collections.abc import Collection, Mapping
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

from auction.player_state import TABLES, PlayerState
from auction.state import STORE_VERSION, StoreId
from shardnode.storage.columns import RowDamaged, drop_rows, keys_text, put_rows, rows_text, table_of, to_rows
from shardnode.storage.port import Snapshot

KIND = "player"
PAGE_BYTES = 1024
"""Page size of a store's file: with one page a table and an index at least, a new store takes about 25 KiB."""

METADATA = MetaData()
STORE = Table(
    "store",
    METADATA,
    Column("store", Text, primary_key=True, nullable=False),
    Column("kind", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("player", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("start", Text, nullable=False),
    sqlite_strict=True,
)
STATE = {name: table_of(name, row_class, METADATA) for name, row_class in TABLES.items()}
"""The tables of a store's state, by name."""
_KEYS = {name: next(iter(table.primary_key)) for name, table in STATE.items()}

_CHECK = text("PRAGMA quick_check(1)")
_IDENTIFY = select(STORE)
_FILLED = select(*(exists().select_from(table).label(name) for name, table in STATE.items()))
_READ = {name: select(table) for name, table in STATE.items()}
_PUT = {name: put_rows(table) for name, table in STATE.items()}
_DROP = {name: drop_rows(table) for name, table in STATE.items()}
_ENTER = insert(STORE)
_MOVE = update(STORE).where(STORE.c.position <= bindparam("to")).values(position=bindparam("to"), start=bindparam("by"))


class StoreRow(msgspec.Struct, frozen=True):
    """A store's file about itself."""

    store: StoreId
    kind: str
    version: int
    player: str
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
    if row.kind != KIND:
        raise RowDamaged(f"its kind is {row.kind!r}; known is {KIND!r}")
    if row.store != store:
        raise RowDamaged(f"holds the store {row.store}, not the one that it is named by")
    return row


def read(connection: Connection, tables: Collection[str] = TABLES.keys()) -> PlayerState:
    """The rows of a store, of all or of some tables; raises RowDamaged, or what SQLite raises for a damaged file."""
    verdict = connection.execute(_CHECK).scalar_one()
    if verdict != "ok":
        raise RowDamaged(verdict)
    state = PlayerState()
    filled = connection.execute(_FILLED).mappings().one()
    for name in tables:
        if not filled[name]:
            continue
        rows = to_rows(TABLES[name], connection.execute(_READ[name]).all())
        table = getattr(state, name)
        if name == "account":
            table.rows = dict(enumerate(rows))
        else:
            key = _KEYS[name].name
            table.rows = {getattr(row, key): row for row in rows}
    state.recount()
    return state


def enter(connection: Connection, snapshot: Snapshot, start: str) -> None:
    """Write the first snapshot of a store into its empty tables, in the caller's transaction."""
    accounts: Mapping[Any, Any] = snapshot.changes.get("account", {})
    account = accounts.get(0)
    if account is None:
        raise RowDamaged("the store was written before, but its file is gone")
    row = StoreRow(snapshot.store, KIND, STORE_VERSION, account.player, snapshot.position, start)
    connection.execute(_ENTER, msgspec.structs.asdict(row))
    _write_rows(connection, snapshot.changes)


def write(connection: Connection, snapshot: Snapshot, start: str) -> None:
    """Write what changed in a store since its last snapshot, in the caller's transaction."""
    moved = connection.execute(_MOVE, {"to": snapshot.position, "by": start})
    assert moved.rowcount == 1, f"a snapshot of {snapshot.store} is older than its file"
    _write_rows(connection, snapshot.changes)


def _write_rows(connection: Connection, changes: Mapping[str, Mapping[Any, msgspec.Struct | None]]) -> None:
    for name, rows in changes.items():
        if put := [row for row in rows.values() if row is not None]:
            connection.execute(_PUT[name], {"rows": rows_text(put)})
        if dropped := [key for key, row in rows.items() if row is None]:
            connection.execute(_DROP[name], {"keys": keys_text(dropped)})
