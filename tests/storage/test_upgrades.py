"""Directories of older versions open, are brought forward and read right; later ones are refused and left alone."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from auction.conservation import faults
from auction.outcomes import a_player
from auction.state import STORE_VERSION
from auction.stores import State
from shardnode.ops.audit import audit
from shardnode.storage.node_tables import FORMAT_VERSION
from shardnode.storage.offline import OfflineDirectory
from shardnode.storage.port import StorageFault
from shardnode.storage.sqlite_storage import SqliteStorage
from tests.storage.houses import OnDisk
from tests.storage.old_versions import HOUSES, LEFT, restore, rows_kept
from tests.storage.rows import Fact, batch, first_snapshot, kept
from tests.storage.shell import sql, store_file
from tests.storage.states import caught_up, taken
from tests.storage.test_offline import contents


@pytest.fixture(params=LEFT)
def name(request: pytest.FixtureRequest) -> str:
    """Each directory that was kept."""
    return str(request.param)


@pytest.fixture
def data(name: str, tmp_path: Path) -> Path:
    """The directory as it was left."""
    return restore(name, tmp_path / "data")


Rows = dict[str, list[dict[str, Any]]]


def rows_of(state: State, known: Rows) -> Rows:
    """The rows of the tables that a version knew, with the fields that it knew; no table that came later has any."""
    read = {}
    for table in kept(state):
        rows = msgspec.json.decode(msgspec.json.encode(list(getattr(state, table))))
        if table in known:
            fields = known[table][0].keys() if known[table] else ()
            rows = read[table] = [{field: row[field] for field in fields} for row in rows]
        assert table in known or not rows, table
    return read


def test_an_older_directory_is_opened_with_everything_in_it(name: str, data: Path) -> None:
    """Position, instant, naming key, wake-ups, open listings, facts, the uncut journal and every row of every store."""
    left = LEFT[name]
    for start in (2, 3):
        storage = SqliteStorage(data)
        recovered = storage.open()
        assert (recovered.position, recovered.incarnation) == (left.position, start)
        assert recovered.naming_key == bytes(range(32))
        journal = storage.journal
        assert (journal.length(), journal.feed_position()) == (left.length, left.feed_position)
        assert tuple(key.partition("/")[0] for key in journal.facts()) == left.facts
        assert len(journal.due(10**15, 9)) == left.due
        assert [row.state for row in journal.open_listings("", 9)] == ["open"] * left.open_listings
        begin = left.position - left.length
        assert [position for position, _ in journal.feed_tail(begin, 99)] == list(range(begin + 1, left.position + 1))
        for store, known in rows_kept(name).items():
            state = caught_up(storage, store)
            assert rows_of(state, known) == known
            assert faults(state) == []
        storage.close()


def test_what_an_older_row_does_not_say_is_as_of_old(name: str, data: Path) -> None:
    """A field that came later has its default in every row of a file that was brought forward."""
    storage = SqliteStorage(data)
    storage.open()
    later = set()
    for store, known in rows_kept(name).items():
        loaded = storage.stores.load(store)
        for table, rows in known.items():
            for row in getattr(loaded[0], table) if loaded and rows else ():
                for field in msgspec.structs.fields(row):
                    if field.name not in rows[0]:
                        later.add((table, field.name))
                        default = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
                        assert getattr(row, field.name) == default
    storage.close()
    assert ("account", "opened_at_ms") in later


@pytest.mark.parametrize("names", HOUSES)
def test_an_older_house_is_balanced(names: tuple[str, ...], tmp_path: Path) -> None:
    """The audit reads the directories of a house as they were left, and nothing is amiss."""
    report = audit(restore(name, tmp_path / name) for name in names)
    assert report.faults == []
    assert report.balanced


def test_files_brought_forward_are_what_this_version_makes(name: str, data: Path, tmp_path: Path) -> None:
    """Tables, columns and triggers of an upgraded directory are those of a new one, so nothing behaves otherwise."""
    store = min(rows_kept(name))
    storage = SqliteStorage(tmp_path / "new")
    storage.open()
    storage.journal.append(batch(1, {store: b""}))
    storage.stores.save([first_snapshot(store, 1)])
    storage.close()
    storage = SqliteStorage(data)
    storage.open()
    assert storage.stores.load(store) is not None
    storage.close()
    assert schema(store_file(data, store)) == schema(store_file(tmp_path / "new", store))
    assert schema(data / "node.sqlite") == schema(tmp_path / "new" / "node.sqlite")
    (about,) = sql(store_file(data, store), "SELECT kind, version, name FROM store")
    assert about == ("player", STORE_VERSION, rows_kept(name)[store]["account"][0]["player"])


def test_an_upgraded_directory_takes_records_facts_and_snapshots(name: str, data: Path) -> None:
    """Batches of several versions stand in one journal, and are all there after a crash, a cut and a restart."""
    left, stores = LEFT[name], sorted(rows_kept(name))
    end = left.position + 1
    house = OnDisk(data.parent)
    shutil.move(data, house.data)
    house.open()
    house.storage.journal.append(batch(end, {}, facts={"a": Fact(1)}))
    assert house.crash().position == end
    states = {store: caught_up(house.storage, store) for store in stores}
    facts = list(house.storage.journal.facts())
    assert facts[0] == "a"
    assert len(facts) == len(left.facts) + 1
    histories = {store: list(a_player(state).history) for store, state in states.items()}
    house.storage.stores.save([taken(store, state, end) for store, state in states.items()])
    house.storage.journal.save_open_listings({}, end)
    assert house.storage.journal.forget(dict.fromkeys(stores, end)) == left.length + 1
    assert house.restart().position == end
    assert list(house.storage.journal.facts()) == facts
    for store in stores:
        loaded = house.storage.stores.load(store)
        assert loaded is not None
        assert kept(loaded[0]) == kept(states[store])
    for store in stores:
        assert house.log(store, "player", "history") == histories[store]
    house.close()


@pytest.mark.parametrize("crashed", [True, False])
def test_offline_commands_read_an_older_directory_without_changing_a_byte(
    name: str, data: Path, tmp_path: Path, crashed: bool
) -> None:
    """They bring copies forward, of files with a WAL and of files without."""
    if crashed:
        left_by_a_crash(data, tmp_path / "crashed")
        data = tmp_path / "crashed"
    before = contents(data)
    assert any(path.endswith("-wal") for path in before) is crashed
    with OfflineDirectory(data) as directory:
        assert len(directory.facts) == len(LEFT[name].facts)
        assert directory.stores() == sorted(rows_kept(name))
        for store, known in rows_kept(name).items():
            state = directory.load(store)
            assert rows_of(state, known) == known
            assert list(directory.log(store, "history")) == list(a_player(state).history)
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
    said = rf"node\.sqlite: has version 99, this program knows 1 to {FORMAT_VERSION}: start the program that wrote it"
    for _ in range(2):
        with pytest.raises(StorageFault, match=said):
            SqliteStorage(later).open()
        with pytest.raises(StorageFault, match=said), OfflineDirectory(later):
            pass


def test_a_later_version_of_a_store_is_refused_and_the_others_go_on(name: str, data: Path) -> None:
    """One file that a later program wrote, restored among others, is refused by name."""
    later, other, *_ = sorted(rows_kept(name))
    sql(store_file(data, later), "UPDATE store SET version = 99")
    said = rf"{later}\.sqlite: has version 99, this program knows .*start the program that wrote it, or a later"
    storage = SqliteStorage(data)
    storage.open()
    with pytest.raises(StorageFault, match=said):
        storage.stores.load(later)
    assert caught_up(storage, other).head()
    storage.close()
    with OfflineDirectory(data) as directory:
        with pytest.raises(StorageFault, match=said):
            directory.load(later)
        assert directory.load(other).head()


def test_damage_in_an_older_file_is_found_and_not_carried_forward(name: str, data: Path) -> None:
    """A row that does not fit its checksum refuses the store and leaves its file at its version."""
    store = min(rows_kept(name))
    file = store_file(data, store)
    before = schema(file)
    sql(file, "UPDATE account SET gold = gold + 1")
    storage = SqliteStorage(data)
    storage.open()
    for _ in range(2):
        with pytest.raises(StorageFault, match="does not fit its checksum"):
            storage.stores.load(store)
    storage.close()
    assert sql(file, "SELECT version FROM store") == [(LEFT[name].version,)]
    assert schema(file) == before


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
