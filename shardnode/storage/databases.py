"""SQLite files by path, through one Engine: one dialect and one cache of compiled statements for all of them.

Every file is in WAL mode and opened with `synchronous=FULL` in SQLite's exclusive locking mode: SQLite itself refuses a
second opener, and no shared-memory file is needed. Not for two threads at once.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import cast

from sqlalchemy import Connection, MetaData, NullPool, create_engine

_PRAGMAS = """
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA synchronous = FULL;
PRAGMA cache_size = -{cache_kib};
PRAGMA journal_size_limit = {wal_limit_bytes};
"""
_WAL_MODE = b"\x02\x02"
_WAL_MODE_AT = 18
"""Where a file says that it is in WAL mode (sqlite.org/fileformat2.html, 1.3.3); a database in memory never is."""


class Databases:
    """Opens SQLite files. A connection belongs to whoever opened it, who closes it."""

    def __init__(self, *, cache_kib: int, wal_limit_bytes: int) -> None:
        self._pragmas = _PRAGMAS.format(cache_kib=cache_kib, wal_limit_bytes=wal_limit_bytes)
        self._uri = ""
        self._engine = create_engine("sqlite://", creator=self._open, poolclass=NullPool)

    def connect(self, path: Path) -> Connection:
        """Open a file that is there. Raises sqlalchemy.exc.DBAPIError."""
        return self._connect(f"{path.absolute().as_uri()}?mode=rw")

    def read(self, path: Path) -> Connection:
        """Open for reading a file that was closed in order and that nobody writes; leaves no trace on the disk."""
        return self._connect(f"{path.absolute().as_uri()}?immutable=1")

    def in_memory(self) -> Connection:
        """Open a new database in memory."""
        return self._connect(":memory:")

    def _connect(self, uri: str) -> Connection:
        self._uri = uri
        return self._engine.connect()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._uri, uri=True, check_same_thread=False)
        try:
            connection.executescript(self._pragmas)
        except BaseException:
            connection.close()
            raise
        return connection


class Nursery:
    """Where new databases are filled before they become files: in memory, in empty tables made once.

    A database is filled in a transaction, copied, and rolled back. (Not by `deserialize`: SQLite 3.40 goes on using
    statements prepared before it, whose tables it has freed.)
    """

    def __init__(self, databases: Databases, metadata: MetaData, page_bytes: int) -> None:
        self._connection = databases.in_memory()
        self._driver = cast(sqlite3.Connection, self._connection.connection.dbapi_connection)
        self._connection.exec_driver_sql(f"PRAGMA page_size = {page_bytes}")
        metadata.create_all(self._connection, checkfirst=False)
        self._connection.commit()

    def make(self, fill: Callable[[Connection], None]) -> bytes:
        """The content of a new database file, in WAL mode, with what `fill` writes into its empty tables."""
        with self._connection.begin() as transaction:
            fill(self._connection)
            content = bytearray(self._driver.serialize())
            transaction.rollback()
        content[_WAL_MODE_AT : _WAL_MODE_AT + len(_WAL_MODE)] = _WAL_MODE
        return bytes(content)

    def close(self) -> None:
        """Forget it."""
        self._connection.close()
