"""Files of older versions, brought forward one version at a time.

Each step makes the tables of the version after its own. What it needs of a form that has changed since, it keeps.
"""

from collections.abc import Callable, Mapping

import msgspec
from sqlalchemy import Connection, MetaData, Table, select, text, update
from sqlalchemy.schema import CreateTable, DropTable

from auction.player_state import TABLES
from auction.state import STORE_VERSION, StoreId
from shardnode.storage.columns import put_rows, rows_text, table_of, to_rows
from shardnode.storage.node_tables import FACTS, FORMAT_VERSION, KEEP, NODE
from shardnode.storage.store_tables import STATE, STORE

Step = Callable[[Connection], None]


class UnknownVersion(Exception):
    """A file is of a version that this program does not know."""


class Versions:
    """The versions of one kind of file, up to `known`; `table` has one row, which says the version of its file."""

    def __init__(self, table: Table, known: int, steps: Mapping[int, Step]) -> None:
        assert list(steps) == list(range(1, known)), "a step from each version but the last"
        self._known = known
        self._steps = steps
        self._read = select(table.c.version)
        self._write = update(table).values(version=known)

    def of(self, connection: Connection) -> int:
        """The version of a file."""
        version: int = connection.execute(self._read).scalar_one()
        return version

    def is_older(self, version: int) -> bool:
        """Whether a file has to be brought forward; raises UnknownVersion."""
        if not 1 <= version <= self._known:
            raise UnknownVersion(f"has version {version}, this program knows 1 to {self._known}")
        return version < self._known

    def bring_forward(self, connection: Connection, version: int) -> None:
        """Make an older file what this version writes, in one transaction; close the connection where it fails."""
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        for older in range(version, self._known):
            self._steps[older](connection)
        connection.execute(self._write)
        connection.exec_driver_sql("COMMIT")


def _give_node_facts(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE batches ADD COLUMN facts TEXT DEFAULT '{}' NOT NULL"))
    connection.execute(CreateTable(FACTS))
    connection.execute(KEEP)


class _Account1(msgspec.Struct):
    player: str
    store: StoreId
    gold: int
    gold_escrowed: int
    gold_waiting: int
    gold_elsewhere: int
    gold_granted: int
    gold_burned: int
    items_granted: int
    items_burned: int
    items_made: int
    listings_made: int
    deliveries_made: int
    notices_made: int


class _Bid1(msgspec.Struct):
    listing: str
    amount: int
    winning: bool
    at_ms: int


def _give_stores_trades(connection: Connection) -> None:
    older: dict[str, type[msgspec.Struct]] = {"account": _Account1, "bids": _Bid1}
    for name, row_class in older.items():
        table = table_of(name, row_class, MetaData())
        kept = list(to_rows(row_class, connection.execute(select(table)).all()))
        connection.execute(DropTable(table))
        connection.execute(CreateTable(STATE[name]))
        rows = [TABLES[name](**msgspec.structs.asdict(row)) for row in kept]
        connection.execute(put_rows(STATE[name]), {"rows": rows_text(rows)})
    connection.execute(CreateTable(STATE["trades"]))


NODE_FILE = Versions(NODE, FORMAT_VERSION, {1: _give_node_facts})
STORE_FILE = Versions(STORE, STORE_VERSION, {1: _give_stores_trades})
