"""Files of older versions, brought forward one version at a time.

Each step makes the tables of the version after its own. What it needs of a form that has changed since, it keeps.
"""

from collections.abc import Callable, Mapping

from sqlalchemy import Connection, Table, text, update
from sqlalchemy.schema import CreateTable

from shardnode.storage.node_tables import FACTS, FORMAT_VERSION, KEEP, NODE

Step = Callable[[Connection], None]


class UnknownVersion(Exception):
    """A file is of a version that this program does not know."""


class Versions:
    """The versions of one kind of file, up to `known`; `table` has one row, which says the version of its file."""

    def __init__(self, table: Table, known: int, steps: Mapping[int, Step]) -> None:
        assert list(steps) == list(range(1, known)), "a step from each version but the last"
        self._known = known
        self._steps = steps
        self._write = update(table).values(version=known)

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


NODE_FILE = Versions(NODE, FORMAT_VERSION, {1: _give_node_facts})
