"""Data directories as older versions of the program left them, kept as text and made into files again.

`versions/<n>/` has the dump of every database, `journal.end`, and `kept.json`: every store's rows (table → rows) when
it was left. Version 1: three players trade; six records were cut off, the files know twelve, the journal three more,
and one listing is open.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from tests.storage.shell import store_file

VERSIONS = Path(__file__).parent / "versions"


def restore(version: int, data: Path) -> Path:
    """Make the data directory of a version."""
    kept = VERSIONS / str(version)
    data.mkdir()
    _load(kept / "node.sql", data / "node.sqlite")
    for dump in (kept / "stores").iterdir():
        file = store_file(data, dump.stem)
        file.parent.mkdir(parents=True, exist_ok=True)
        _load(dump, file)
    (data / "journal.end").write_bytes((kept / "journal.end").read_bytes())
    return data


def rows_kept(version: int) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Store → table → rows, as that version knew them."""
    return msgspec.json.decode((VERSIONS / str(version) / "kept.json").read_bytes())


def _load(dump: Path, file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(dump.read_text())
        connection.execute("PRAGMA journal_mode = WAL")
