"""A file changed or read by hand, as with the sqlite3 shell."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from auction.state import StoreId


def sql(path: Path, statement: str, *parameters: object) -> list[Any]:
    """Run one statement on a file, commit, close; the rows it gave."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(statement, parameters).fetchall()


def store_file(data: Path, store: StoreId) -> Path:
    """Where a store lies in a data directory, as docs/storage.md says it."""
    return data / "stores" / store[:2] / f"{store}.sqlite"
