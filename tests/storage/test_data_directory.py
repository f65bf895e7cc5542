"""The data directory: one user at a time, and nothing but whole files in it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from auction.state import STORE_VERSION
from shardnode.storage.port import StorageFault
from shardnode.storage.sqlite_storage import SqliteStorage
from tests.storage.rows import STORES, SWORD, batch, first_snapshot
from tests.storage.shell import sql, store_file

ANN, BOB, *_ = STORES
ROOT = Path(__file__).parents[2]

_OPEN_IT = """
import sys
from pathlib import Path
from shardnode.storage.port import StorageFault
from shardnode.storage.sqlite_storage import SqliteStorage

try:
    SqliteStorage(Path(sys.argv[1])).open()
except StorageFault as fault:
    print(fault)
"""
_APPEND_FOR_EVER = """
import sys
from pathlib import Path
from shardnode.storage.sqlite_storage import SqliteStorage
from tests.storage.rows import STORES, batch, first_snapshot

storage = SqliteStorage(Path(sys.argv[1]))
position = storage.open().position
while True:
    position += 1
    storage.journal.append(batch(position, {STORES[0]: b"x" * 3_000}))
    print(position, flush=True)
    if position % 7 == 0:
        storage.stores.save([first_snapshot(STORES[0], position)])
        storage.journal.save_open_listings({}, position)
        storage.journal.forget({STORES[0]: position})
"""


def test_a_second_process_is_refused_and_told_who_is_there(tmp_path: Path) -> None:
    """The lock keeps a second node out, and its message names the process that holds the directory."""
    storage = SqliteStorage(tmp_path / "data")
    storage.open()
    ran = subprocess.run(
        [sys.executable, "-c", _OPEN_IT, str(tmp_path / "data")],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=ROOT,
    )
    assert f"{tmp_path / 'data'}: in use by process {os.getpid()};" in ran.stdout
    storage.close()


def test_a_refused_opener_leaves_the_first_alone(tmp_path: Path) -> None:
    """After a refusal the first one still writes, is still the one in node.pid, and still keeps others out."""
    storage = SqliteStorage(tmp_path)
    storage.open()
    for _ in range(2):
        with pytest.raises(StorageFault, match="in use by process"):
            SqliteStorage(tmp_path).open()
    assert (tmp_path / "node.pid").read_text() == f"{os.getpid()}\n"
    storage.journal.append(batch(1, {ANN: b""}))
    storage.close()


def test_a_clean_stop_leaves_whole_files_only(tmp_path: Path) -> None:
    """After `close` there is no WAL, no shared memory, no pid, and the directory is laid out as documented."""
    storage = SqliteStorage(tmp_path)
    storage.open()
    storage.journal.append(batch(1, {ANN: b"", BOB: b""}))
    storage.stores.save([first_snapshot(ANN, 1), first_snapshot(BOB, 1)])
    storage.stores.save([first_snapshot(ANN, 1)])
    storage.close()
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    stores = {f"stores/{store[:2]}/{store}.sqlite" for store in (ANN, BOB)}
    assert files == {"node.lock", "node.sqlite", "journal.end", *stores}


def test_a_store_reads_well_in_the_sqlite_shell(tmp_path: Path) -> None:
    """`select * from items` shows the stash as a person expects: typed columns, JSON where a value has parts."""
    storage = SqliteStorage(tmp_path)
    storage.open()
    storage.journal.append(batch(1, {ANN: b""}))
    storage.stores.save([first_snapshot(ANN, 1)])
    storage.close()
    file = store_file(tmp_path, ANN)
    columns = [name for (name,) in sql(file, "SELECT name FROM pragma_table_info('items')")]
    assert columns == ["item", "base", "name", "category", "rarity", "level", "stats", "bound", "row_checksum"]
    ((*item, _),) = sql(file, "SELECT * FROM items")
    assert item == ["s.i1", "sword", SWORD.name, "swords", "rare", 30, '{"might":7,"luck":2}', 1]
    assert sql(file, "SELECT player, gold FROM account") == [("ann", 100)]
    assert sql(file, "SELECT kind, version, name, position FROM store") == [("player", STORE_VERSION, "ann", 1)]


def test_identity_and_naming_key_are_made_once(tmp_path: Path) -> None:
    """A directory keeps its random identity and naming key; another one has others."""
    made = []
    for name in ("one", "one", "other"):
        storage = SqliteStorage(tmp_path / name)
        recovered = storage.open()
        made.append((recovered.identity, recovered.naming_key))
        storage.close()
    assert made[0] == made[1]
    assert made[0][0] != made[2][0]
    assert made[0][1] != made[2][1]
    assert len(made[0][1]) == 32


def test_a_cluster_names_all_stores_by_its_own_key(tmp_path: Path) -> None:
    """A new directory takes the key given, is opened with it or without; one with another key says what to do."""
    for key in (b"c" * 32, b"c" * 32, None):
        storage = SqliteStorage(tmp_path, key)
        assert storage.open().naming_key == b"c" * 32
        storage.close()
    for _ in range(2):
        with pytest.raises(StorageFault, match="data directory of another house; start the node with its own"):
            SqliteStorage(tmp_path, b"d" * 32).open()


def test_kill_9_at_any_moment_loses_nothing_that_was_told(tmp_path: Path) -> None:
    """Killed again and again under load, the directory opens each time with every record that was acknowledged."""
    told = 0
    for lines in (20, 7, 35):
        writer = subprocess.Popen(
            [sys.executable, "-c", _APPEND_FOR_EVER, str(tmp_path / "data")],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        with writer:
            assert writer.stdout is not None
            for _ in range(lines):
                told = int(writer.stdout.readline())
            writer.kill()
        storage = SqliteStorage(tmp_path / "data")
        recovered = storage.open()
        assert recovered.position >= told
        loaded = storage.stores.load(ANN)
        saved = 0 if loaded is None else loaded[1]
        replayed = [position for position, _ in storage.journal.replay(ANN, saved)]
        assert replayed == list(range(saved + 1, recovered.position + 1))
        storage.close()


def test_the_journal_does_not_grow_when_it_is_cut(tmp_path: Path) -> None:
    """Under steady appends and cuts the database and its WAL stay within bounds, and end small."""
    storage = SqliteStorage(tmp_path)
    storage.open()
    sizes = []
    for position in range(1, 451):
        storage.journal.append(batch(position, {ANN: b"x" * 30_000}))
        if position % 20 == 0:
            storage.journal.save_open_listings({}, position)
            assert storage.journal.forget({ANN: position}) == 20
        if position in (150, 450):
            sizes.append(sum(path.stat().st_size for path in tmp_path.glob("node.sqlite*")))
    assert sizes[1] < sizes[0] * 1.2 < 30_000_000
    storage.close()
