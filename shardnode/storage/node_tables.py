"""The tables of node.sqlite: the journal, and what must be known without opening stores.

A batch is appended by one statement. Triggers do the rest of the append within it, so that the thread which runs it,
and shares the interpreter with the reactor, is away from Python for the whole of it: they move the wake-ups and the
facts that the batch changed to their tables, and drop the two oldest batches that were cut off, so that cutting never
makes anyone wait. (Measured beside a busy thread: twelve statements and a row a wake-up take 5–40 times as long.)
"""

from typing import Any

from sqlalchemy import DDL, Column, Connection, Index, Integer, LargeBinary, MetaData, Table, Text, event

from auction.state import Listing
from shardnode.storage.columns import Json

FORMAT_VERSION = 3
PAGE_BYTES = 8192

METADATA = MetaData()


def _table(name: str, *columns: Column[Any], without_rowid: bool = False) -> Table:
    return Table(name, METADATA, *columns, sqlite_strict=True, sqlite_with_rowid=not without_rowid)


def _integer(name: str, *, primary_key: bool = False) -> Column[Any]:
    return Column(name, Integer, primary_key=primary_key, nullable=False)


def _text(name: str, *, primary_key: bool = False) -> Column[Any]:
    return Column(name, Text, primary_key=primary_key, nullable=False)


def _blob(name: str) -> Column[Any]:
    return Column(name, LargeBinary, nullable=False)


NODE = _table(
    "node",
    _text("identity", primary_key=True),
    _integer("version"),
    _blob("naming_key"),
    _integer("cut_position"),
    _blob("cut_checksum"),
    _integer("cut_now_ms"),
    _integer("feed_position"),
)
"""One row: the data directory's identity; where the journal begins: position, checksum and instant of the last batch
cut off; the position up to which `open_listings` is true."""

STARTS = _table("starts", _integer("incarnation", primary_key=True), _text("start"), _integer("position"))
"""One row a start of the node: its random name, and where the journal ended then."""

BATCHES = _table(
    "batches",
    _integer("last_position", primary_key=True),
    _integer("first_position"),
    _integer("version"),
    _integer("now_ms"),
    _blob("previous_checksum"),
    _blob("checksum"),
    _text("touched"),
    _text("wakeups"),
    _blob("payload"),
    Column("facts", Text, nullable=False, server_default="{}"),
)
"""The journal: `payload` is the MessagePack form of the batch's entries, `touched` JSON of store → its last position in
the batch, `wakeups` JSON of store → wake-up or null, where changed, `facts` JSON of key → [fact, its checksum] or null,
where changed. `batches` says what the checksums cover."""

WAKEUPS = _table("wakeups", _text("store", primary_key=True), _integer("wake_at_ms"), without_rowid=True)
Index("wakeups_by_instant", WAKEUPS.c.wake_at_ms, WAKEUPS.c.store)

FACTS = _table("facts", _text("key", primary_key=True), _text("value"), _integer("checksum"), without_rowid=True)
"""What the node knows besides its stores' states, as JSON."""

OPEN_LISTINGS = _table(
    "open_listings", _text("listing", primary_key=True), Column("row", Json(Listing), nullable=False)
)
"""Every listing that was open at `node.feed_position`, as JSON."""

SALES = _table("sales", _integer("mark", primary_key=True), _text("base"), _integer("price"), _integer("at_ms"))
"""What was sold here within the last day up to `node.feed_position`; see `auction.sales`."""
Index("sales_by_instant", SALES.c.at_ms)

_WAKE = DDL(  # type: ignore[no-untyped-call]  # SQLAlchemy gives it no types
    """
CREATE TRIGGER wake AFTER INSERT ON batches WHEN NEW.wakeups <> '{}' BEGIN
    DELETE FROM wakeups WHERE store IN (SELECT key FROM json_each(NEW.wakeups));
    INSERT INTO wakeups SELECT key, value FROM json_each(NEW.wakeups) WHERE value IS NOT NULL;
END
"""
)
KEEP = DDL(  # type: ignore[no-untyped-call]  # SQLAlchemy gives it no types
    """
CREATE TRIGGER keep AFTER INSERT ON batches WHEN NEW.facts <> '{}' BEGIN
    DELETE FROM facts WHERE key IN (SELECT key FROM json_each(NEW.facts));
    INSERT INTO facts SELECT key, json_extract(value, '$[0]'), json_extract(value, '$[1]')
        FROM json_each(NEW.facts) WHERE value IS NOT NULL;
END
"""
)
_DROP_CUT = DDL(  # type: ignore[no-untyped-call]  # SQLAlchemy gives it no types
    """
CREATE TRIGGER drop_cut AFTER INSERT ON batches BEGIN
    DELETE FROM batches WHERE last_position IN (
        SELECT last_position FROM batches WHERE last_position <= (SELECT cut_position FROM node)
        ORDER BY last_position LIMIT 2
    );
END
"""
)
event.listen(METADATA, "after_create", _WAKE)
event.listen(METADATA, "after_create", KEEP)
event.listen(METADATA, "after_create", _DROP_CUT)


def enter(connection: Connection, identity: str, naming_key: bytes) -> None:
    """Write the row of NODE in a new database."""
    row = {
        "identity": identity,
        "version": FORMAT_VERSION,
        "naming_key": naming_key,
        "cut_position": 0,
        "cut_checksum": b"",
        "cut_now_ms": 0,
        "feed_position": 0,
    }
    connection.execute(NODE.insert(), row)
