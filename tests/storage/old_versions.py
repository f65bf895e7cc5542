"""Data directories as older versions of the program left them, kept as text and made into files again.

`versions/<name>/` has the dump of every database, `journal.end`, and `kept.json`: every store's rows (table → rows)
when it was left. LEFT says what else is in each.

    1        three players trade; the files know twelve of fifteen records
    2/n1     of a house of two nodes: the files know five of sixteen records, a trade prepared here among them; the
             journal has every event of that version; at the end a trade is settled on the other node alone
    2/n2     the other node: the files know five of ten records
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tests.storage.shell import store_file

VERSIONS = Path(__file__).parent / "versions"


class Left(NamedTuple):
    """What stands in a directory besides its stores' rows."""

    version: int
    position: int
    length: int
    feed_position: int
    due: int
    """How many stores are to be woken."""
    open_listings: int
    facts: tuple[str, ...]
    """What each begins with."""


LEFT = {
    "1": Left(1, position=15, length=9, feed_position=12, due=1, open_listings=1, facts=()),
    "2/n1": Left(
        2,
        position=16,
        length=11,
        feed_position=5,
        due=1,
        open_listings=1,
        facts=("finished", "finished", "prepared", "transfer", "transfer"),
    ),
    "2/n2": Left(
        2,
        position=10,
        length=5,
        feed_position=5,
        due=0,
        open_listings=0,
        facts=("finished", "finished", "finished"),
    ),
}
HOUSES = [("1",), ("2/n1", "2/n2")]
"""The directories of each house."""


def restore(name: str, data: Path) -> Path:
    """Make a data directory of those kept."""
    kept = VERSIONS / name
    data.mkdir(parents=True)
    _load(kept / "node.sql", data / "node.sqlite")
    for dump in (kept / "stores").iterdir():
        file = store_file(data, dump.stem)
        file.parent.mkdir(parents=True, exist_ok=True)
        _load(dump, file)
    (data / "journal.end").write_bytes((kept / "journal.end").read_bytes())
    return data


def rows_kept(name: str) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Store → table → rows, as that version knew them."""
    return msgspec.json.decode((VERSIONS / name / "kept.json").read_bytes())


def _load(dump: Path, file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(dump.read_text())
        connection.execute("PRAGMA journal_mode = WAL")
