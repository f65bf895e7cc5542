"""Files of older versions, brought forward one version at a time.

Each step makes the tables of the version after its own. What it needs of a form that has changed since, it keeps.
"""

from collections.abc import Callable, Mapping
from functools import partial

import msgspec
from sqlalchemy import Connection, MetaData, Table, select, text, update
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable

from auction.player_state import PlayerState
from auction.state import STORE_VERSION
from shardnode.storage.columns import put_rows, rows_text, table_of, to_rows
from shardnode.storage.node_tables import FACTS, FORMAT_VERSION, KEEP, NODE, SALES
from shardnode.storage.store_tables import STORE

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


def _give_node_sales(connection: Connection) -> None:
    connection.execute(CreateTable(SALES))
    for index in SALES.indexes:
        connection.execute(CreateIndex(index))


class _New(msgspec.Struct, frozen=True):
    """What players' stores have since a version."""

    fields: dict[str, tuple[str, ...]]
    """Table → fields of its class; the default of each is true of the rows from before."""
    tables: tuple[str, ...]
    made_anew: tuple[str, ...] = ()
    """Tables that are laid out otherwise from here on."""


_NEW = {
    2: _New({"account": ("gold_held", "life"), "bids": ("refund_due",)}, ("trades",)),
    3: _New(
        {
            "account": (
                "orders_made",
                "offers_made",
                "watches_made",
                "passages_made",
                "audited",
                "opened_at_ms",
            ),
            "listings": ("ended_at_ms",),
            "trades": ("items", "commodities"),
        },
        (
            "orders",
            "awaited",
            "quotes",
            "purchases",
            "offers",
            "inbox",
            "watches",
            "cooldowns",
            "history",
            "audit",
        ),
        ("items", "commodities", "bids", "deliveries", "keys", "transfers_out", "transfers_in"),
    ),
}
"""Version → what is new in it."""


def _form(name: str, version: int) -> type[msgspec.Struct]:
    """The row class of a player's table as a version had it."""
    row_class = PlayerState.TABLES[name]
    later = {field for since, new in _NEW.items() if since > version for field in new.fields.get(name, ())}
    known = [(field.name, field.type) for field in msgspec.structs.fields(row_class) if field.name not in later]
    return msgspec.defstruct(row_class.__name__, known)


def _table(name: str, version: int) -> Table:
    return table_of(name, _form(name, version), MetaData())


def _give_players(version: int, connection: Connection) -> None:
    """Bring a player's store to a version from the one before."""
    new = _NEW[version]
    for name in (*new.fields, *new.made_anew):
        row_class, older, newer = PlayerState.TABLES[name], _form(name, version - 1), _form(name, version)
        kept = list(to_rows(older, connection.execute(select(_table(name, version - 1))).all()))
        connection.execute(DropTable(_table(name, version - 1)))
        connection.execute(CreateTable(_table(name, version)))
        completed = [row_class(**msgspec.structs.asdict(row)) for row in kept]
        rows = [newer(*(getattr(row, field) for field in newer.__struct_fields__)) for row in completed]
        connection.execute(put_rows(_table(name, version)), {"rows": rows_text(rows)})
    for name in new.tables:
        connection.execute(CreateTable(_table(name, version)))


def _give_stores_kinds(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE store RENAME COLUMN player TO name"))
    _give_players(3, connection)


NODE_FILE = Versions(NODE, FORMAT_VERSION, {1: _give_node_facts, 2: _give_node_sales})
STORE_FILE = Versions(STORE, STORE_VERSION, {1: partial(_give_players, 2), 2: _give_stores_kinds})
