"""Directories of older versions open, are brought forward and read right; later ones are refused and left alone."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from auction.conservation import Totals, faults
from auction.player_state import TABLES, PlayerState
from shardnode.storage.offline import OfflineDirectory
from shardnode.storage.port import Snapshot, StorageFault
from shardnode.storage.sqlite_storage import SqliteStorage
from tests.storage.houses import OnDisk
from tests.storage.old_versions import restore, rows_kept
from tests.storage.rows import Fact, batch, first_snapshot, tables_of
from tests.storage.shell import sql, store_file
from tests.storage.states import caught_up
from tests.storage.test_offline import contents

STORES = sorted(rows_kept(1))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """What version 1 left."""
    return restore(1, tmp_path / "data")


def rows_of(state: PlayerState, known: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """The rows of the tables that a version knew, with the fields that it knew; what came later is as of old."""
    read = {}
    for name, row_class in TABLES.items():
        rows = msgspec.json.decode(msgspec.json.encode(list(getattr(state, name))))
        fields = known[name][0].keys() if known.get(name) else ()
        for row in rows:
            later = {field: value for field, value in row.items() if field not in fields}
            assert later == {field: _default(row_class, field) for field in later}
        if name in known:
            read[name] = [{field: row[field] for field in fields} for row in rows]
    return read


def test_a_directory_of_version_1_is_opened_with_everything_in_it(data: Path) -> None:
    """Position, instant, naming key, wake-ups, open listings, the uncut journal and every row of every store."""
    for start in (2, 3):
        storage = SqliteStorage(data)
        recovered = storage.open()
        assert (recovered.position, recovered.incarnation) == (15, start)
        assert recovered.naming_key == bytes(range(32))
        journal = storage.journal
        assert (journal.length(), journal.feed_position(), journal.facts()) == (9, 12, {})
        assert [store for store, _ in journal.due(10**15, 9)] == [STORES[0]]
        assert [row.state for row in journal.open_listings("", 9)] == ["open"]
        assert [position for position, _ in journal.feed_tail(6, 99)] == list(range(7, 16))
        totals = Totals()
        for store, known in rows_kept(1).items():
            state = caught_up(storage, store)
            assert rows_of(state, known) == known
            assert faults(state) == []
            totals.add(state)
        assert totals.balanced()
        storage.close()


def test_files_brought_forward_are_what_this_version_makes(data: Path, tmp_path: Path) -> None:
    """Tables, columns and triggers of an upgraded directory are those of a new one, so nothing behaves otherwise."""
    storage = SqliteStorage(tmp_path / "new")
    storage.open()
    storage.journal.append(batch(1, {STORES[0]: b""}))
    storage.stores.save([first_snapshot(STORES[0], 1)])
    storage.close()
    storage = SqliteStorage(data)
    storage.open()
    assert storage.stores.load(STORES[0]) is not None
    storage.close()
    assert schema(store_file(data, STORES[0])) == schema(store_file(tmp_path / "new", STORES[0]))
    assert schema(data / "node.sqlite") == schema(tmp_path / "new" / "node.sqlite")


def test_an_upgraded_directory_takes_records_facts_and_snapshots(data: Path) -> None:
    """Batches of both versions stand in one journal, and are all there after a crash, a cut and a restart."""
    house = OnDisk(data.parent)
    shutil.move(data, house.data)
    house.open()
    house.storage.journal.append(batch(16, {}, facts={"a": Fact(1)}))
    assert house.crash().position == 16
    states = {store: caught_up(house.storage, store) for store in STORES}
    assert list(house.storage.journal.facts()) == ["a"]
    house.storage.stores.save([Snapshot(store, 16, tables_of(state)) for store, state in states.items()])
    house.storage.journal.save_open_listings({}, 16)
    assert house.storage.journal.forget(dict.fromkeys(STORES, 16)) == 10
    assert house.restart().position == 16
    assert list(house.storage.journal.facts()) == ["a"]
    for store in STORES:
        loaded = house.storage.stores.load(store)
        assert loaded is not None
        assert tables_of(loaded[0]) == tables_of(states[store])
    house.close()


@pytest.mark.parametrize("crashed", [True, False])
def test_offline_commands_read_version_1_without_changing_a_byte(data: Path, tmp_path: Path, crashed: bool) -> None:
    """They bring copies forward, of files with a WAL and of files without."""
    if crashed:
        left_by_a_crash(data, tmp_path / "crashed")
        data = tmp_path / "crashed"
    before = contents(data)
    assert any(name.endswith("-wal") for name in before) is crashed
    with OfflineDirectory(data) as directory:
        assert directory.facts == {}
        assert directory.stores() == STORES
        for store, known in rows_kept(1).items():
            assert rows_of(directory.load(store), known) == known
    assert contents(data) == before


@pytest.fixture
def later(data: Path) -> Iterator[Path]:
    """A directory of a version that nobody knows yet."""
    sql(data / "node.sqlite", "UPDATE node SET version = 99")
    before = contents(data)
    yield data
    left = contents(data)
    assert {name: left[name] for name in before} == before


def test_a_later_version_of_the_directory_is_refused_and_left_alone(later: Path) -> None:
    """Neither a node nor an offline command guesses: both name the file and say which program to start."""
    said = r"node\.sqlite: has version 99, this program knows 1 to 2: start the program that wrote it, or a later one"
    for _ in range(2):
        with pytest.raises(StorageFault, match=said):
            SqliteStorage(later).open()
        with pytest.raises(StorageFault, match=said), OfflineDirectory(later):
            pass


def test_a_later_version_of_a_store_is_refused_and_the_others_go_on(data: Path) -> None:
    """One file that a later program wrote, restored among others, is refused by name."""
    sql(store_file(data, STORES[0]), "UPDATE store SET version = 99")
    said = rf"{STORES[0]}\.sqlite: has version 99, this program knows .*start the program that wrote it, or a later"
    storage = SqliteStorage(data)
    storage.open()
    with pytest.raises(StorageFault, match=said):
        storage.stores.load(STORES[0])
    assert storage.stores.load(STORES[1]) is not None
    storage.close()
    with OfflineDirectory(data) as directory:
        with pytest.raises(StorageFault, match=said):
            directory.load(STORES[0])
        assert directory.load(STORES[1]).account


def test_damage_in_an_older_file_is_found_and_not_carried_forward(data: Path) -> None:
    """A row that does not fit its checksum refuses the store and leaves its file at its version."""
    file = store_file(data, STORES[0])
    sql(file, "UPDATE account SET gold = gold + 1")
    storage = SqliteStorage(data)
    storage.open()
    for _ in range(2):
        with pytest.raises(StorageFault, match="does not fit its checksum"):
            storage.stores.load(STORES[0])
    storage.close()
    assert sql(file, "SELECT version FROM store") == [(1,)]
    assert sql(file, "SELECT name FROM sqlite_schema WHERE name = 'trades'") == []


def left_by_a_crash(data: Path, copy: Path) -> None:
    """A copy of the directory with a WAL beside every database."""
    open_files = []
    for path in [data / "node.sqlite", *data.glob("stores/*/*.sqlite")]:
        connection = sqlite3.connect(path)
        open_files.append(closing(connection))
        connection.execute("PRAGMA user_version = 1")
        connection.commit()
    shutil.copytree(data, copy, ignore=shutil.ignore_patterns("*-shm"))
    for file in open_files:
        with file:
            pass


def schema(file: Path) -> list[Any]:
    """What a database is made of."""
    return sql(file, "SELECT type, name, tbl_name FROM sqlite_schema ORDER BY 1, 2") + [
        (table, *column)
        for (table,) in sql(file, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        for column in sql(file, f"SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_info('{table}')")
    ]


def _default(row_class: type[msgspec.Struct], field: str) -> object:
    return next(known.default for known in msgspec.structs.fields(row_class) if known.name == field)
