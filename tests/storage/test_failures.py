"""What a damaged, full, misplaced or occupied disk does: it says which file, and what to do, and loses nothing."""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from auction.player_state import PlayerState
from shardnode.storage.offline import OfflineDirectory
from shardnode.storage.port import StorageFault
from shardnode.storage.sqlite_storage import SqliteStorage
from tests.storage.rows import STORES, Fact, batch, first_snapshot, kept
from tests.storage.shell import sql, store_file

ANN, BOB, CYD, _ = STORES


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A closed data directory: three records, not yet cut, and the files of two stores."""
    storage = SqliteStorage(tmp_path / "data")
    storage.open()
    storage.journal.append(batch(1, {ANN: b"a1"}, {BOB: b"b2"}))
    storage.journal.append(batch(3, {ANN: b"a3"}))
    storage.stores.save([first_snapshot(ANN, 3), first_snapshot(BOB, 2)])
    storage.close()
    return tmp_path / "data"


@pytest.fixture
def crashed(tmp_path: Path) -> Path:
    """A data directory as kill -9 leaves it: twenty batches, most of them only in node.sqlite-wal."""
    storage = SqliteStorage(tmp_path / "running")
    storage.open()
    for position in range(1, 21):
        storage.journal.append(batch(position, {ANN: bytes([position]) * 500}))
    shutil.copytree(tmp_path / "running", tmp_path / "crashed")
    storage.close()
    return tmp_path / "crashed"


def refusal_of(data: Path) -> str:
    """What a start on the directory says."""
    with pytest.raises(StorageFault) as refused:
        SqliteStorage(data).open()
    return str(refused.value)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE batches SET payload = CAST(payload || '!' AS BLOB) WHERE last_position = 3",
        "UPDATE batches SET now_ms = now_ms + 1 WHERE last_position = 3",
        "UPDATE batches SET version = 3 WHERE last_position = 3",
        "UPDATE batches SET version = 1 WHERE last_position = 3",
        "UPDATE batches SET facts = '{\"a\":null}' WHERE last_position = 3",
        "DELETE FROM batches WHERE last_position = 2",
        "DELETE FROM batches WHERE last_position = 3",
        "DELETE FROM batches",
        "DELETE FROM node",
        "UPDATE node SET version = 4",
        "UPDATE node SET version = 0",
        "DROP TABLE wakeups",
    ],
)
def test_a_journal_that_was_changed_by_hand_refuses_the_start(data: Path, change: str) -> None:
    """A lost, changed or newer batch, or a missing table, refuses the start and names node.sqlite."""
    sql(data / "node.sqlite", change)
    if change.startswith("DROP"):
        storage = SqliteStorage(data)
        storage.open()
        with pytest.raises(StorageFault, match=r"node\.sqlite: .*wakeups"):
            storage.journal.due(1, 1)
        storage.close()
    else:
        assert "node.sqlite: " in refusal_of(data)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE facts SET value = replace(value, '7', '8')",
        "UPDATE facts SET key = 'register/2'",
        "UPDATE facts SET checksum = 0",
    ],
)
def test_a_fact_that_was_changed_by_hand_is_refused(data: Path, change: str) -> None:
    """A changed value or key does not pass for what the node knew, though its batch is cut off long since."""
    storage = SqliteStorage(data)
    storage.open()
    storage.journal.append(batch(4, {ANN: b""}, facts={"register/1": Fact(7)}))
    storage.journal.save_open_listings({}, 4)
    storage.journal.forget({ANN: 4, BOB: 4})
    storage.close()
    sql(data / "node.sqlite", change)
    storage = SqliteStorage(data)
    storage.open()
    with pytest.raises(
        StorageFault, match=r"node\.sqlite: the fact 'register/\d' does not fit its checksum: .*restore"
    ):
        storage.journal.facts()
    storage.close()


def test_every_refused_start_says_what_to_do(data: Path) -> None:
    """The message names the backup and the audit, and the lock is free again after it."""
    sql(data / "node.sqlite", "DELETE FROM batches WHERE last_position = 3")
    for _ in range(2):
        message = refusal_of(data)
        assert "ends at record 2, but 3 was acknowledged" in message
        assert "backup" in message
        assert "auction audit" in message


def test_a_flipped_byte_anywhere_in_the_wal_loses_nothing_silently(crashed: Path) -> None:
    """A damaged tail is refused for what is known to be durable; a start that is let through has all records."""
    wal = crashed / "node.sqlite-wal"
    content = wal.read_bytes()
    dice = random.Random(7)
    refused = 0
    for at in [*dice.sample(range(len(content)), 40), len(content) - 1]:
        damaged = bytearray(content)
        damaged[at] ^= 1 << dice.randrange(8)
        copy = crashed.parent / "damaged"
        shutil.copytree(crashed, copy)
        (copy / "node.sqlite-wal").write_bytes(damaged)
        storage = SqliteStorage(copy)
        try:
            assert storage.open().position == 20, at
            assert len(storage.journal.replay(ANN, 0)) == 20
        except StorageFault as fault:
            assert "node.sqlite" in str(fault)
            refused += 1
        finally:
            storage.close()
            shutil.rmtree(copy)
    assert refused > 20


def test_a_lost_wal_refuses_the_start(crashed: Path) -> None:
    """A crashed directory copied without its WAL file is not taken for one with fewer records."""
    (crashed / "node.sqlite-wal").unlink()
    assert "but 20 was acknowledged" in refusal_of(crashed)


def test_a_torn_append_is_as_if_it_never_was(tmp_path: Path) -> None:
    """Whatever part of an unfinished append reached the disk, a start finds all records before it."""
    storage = SqliteStorage(tmp_path / "running")
    storage.open()
    storage.journal.append(batch(1, {ANN: b"a1"}))
    shutil.copytree(tmp_path / "running", tmp_path / "before")
    storage.journal.append(batch(2, {ANN: b"a2" * 5_000}))
    after = (tmp_path / "running" / "node.sqlite-wal").read_bytes()
    storage.close()
    begin = (tmp_path / "before" / "node.sqlite-wal").stat().st_size
    for end in range(begin, len(after), 997):
        shutil.copytree(tmp_path / "before", tmp_path / "torn")
        (tmp_path / "torn" / "node.sqlite-wal").write_bytes(after[:end])
        torn = SqliteStorage(tmp_path / "torn")
        assert torn.open().position == 1, end
        torn.close()
        shutil.rmtree(tmp_path / "torn")


def test_files_that_are_no_databases_refuse(data: Path) -> None:
    """node.sqlite and journal.end are refused by name where they hold something else."""
    (data / "journal.end").write_bytes(b"not a number at all!")
    assert "journal.end: " in refusal_of(data)
    (data / "node.sqlite").write_bytes(b"not a database " * 100)
    assert "node.sqlite: file is not a database" in refusal_of(data)


def test_a_missing_node_database_is_not_taken_for_a_new_directory(data: Path) -> None:
    """Where stores' files are, a new node.sqlite, and with it a new naming key, would lose them all: it is refused."""
    (data / "node.sqlite").unlink()
    assert "node.sqlite: is missing" in refusal_of(data)
    assert not (data / "node.sqlite").exists()


def test_an_older_node_database_is_refused(data: Path, tmp_path: Path) -> None:
    """node.sqlite restored alone, from before, is refused; restored with journal.end, the stores ahead of it are."""
    shutil.copytree(data, tmp_path / "backup")
    storage = SqliteStorage(data)
    storage.open()
    storage.journal.append(batch(4, {ANN: b"a4"}))
    storage.stores.save([first_snapshot(ANN, 4)])
    storage.close()
    shutil.copy(tmp_path / "backup" / "node.sqlite", data / "node.sqlite")
    assert "but 4 was acknowledged" in refusal_of(data)
    shutil.copy(tmp_path / "backup" / "journal.end", data / "journal.end")
    storage = SqliteStorage(data)
    storage.open()
    storage.journal.append(batch(4, {BOB: b"b4"}, {BOB: b"b5"}))
    storage.close()
    storage = SqliteStorage(data)
    storage.open()
    with pytest.raises(StorageFault, match="not of one time"):
        storage.stores.load(ANN)
    assert storage.stores.load(BOB) is not None
    storage.close()


@pytest.mark.parametrize("at_once", [1, 64])
def test_flipped_bytes_in_a_store_file_are_found_or_harmless(data: Path, at_once: int) -> None:
    """Whatever bytes flip, a store is loaded as it was saved or refused by name; other stores go on."""
    path = store_file(data, ANN)
    content = path.read_bytes()
    first = first_snapshot(ANN, 3).changes
    saved = {name: first.get(name, {}) for name in kept(PlayerState())}
    dice = random.Random(5)
    storage = SqliteStorage(data)
    storage.open()
    refused = 0
    for _ in range(150):
        damaged = bytearray(content)
        begin = dice.randrange(len(content) - at_once)
        for at in range(begin, begin + at_once):
            damaged[at] ^= 1 << dice.randrange(8)
        path.write_bytes(damaged)
        try:
            loaded = storage.stores.load(ANN)
            assert loaded is not None
            assert (kept(loaded[0]), loaded[1]) == (saved, 3), begin
        except StorageFault as fault:
            assert str(path) in str(fault)
            refused += 1
        storage.stores._drop(ANN)
    assert refused > 0
    assert storage.stores.load(BOB) is not None
    path.write_bytes(content)
    assert storage.stores.load(ANN) is not None, "a restored file is read without a restart"
    storage.close()


def test_flipped_bytes_in_a_log_are_found_or_harmless(data: Path) -> None:
    """Whatever bytes flip, a log is read as it was written or refused by name, perhaps after some of its rows."""
    path = store_file(data, ANN)
    content = path.read_bytes()
    written = list(first_snapshot(ANN, 3).changes["history"].values())
    dice = random.Random(5)
    refused = 0
    with OfflineDirectory(data) as directory:
        for _ in range(150):
            damaged = bytearray(content)
            begin = dice.randrange(len(content) - 64)
            for at in range(begin, begin + 64):
                damaged[at] ^= 1 << dice.randrange(8)
            path.write_bytes(damaged)
            read = []
            try:
                read.extend(directory.log(ANN, "history"))
                assert read == written, begin
            except StorageFault as fault:
                assert str(path) in str(fault)
                assert read == written[: len(read)]
                refused += 1
    assert refused > 0


def test_damage_in_a_log_does_not_keep_a_store_from_its_owner(data: Path) -> None:
    """What no decision reads is not read to wake a store; whoever reads the log hears of it."""
    path = store_file(data, ANN)
    sql(path, "UPDATE history SET gold_in = 10000 WHERE number = 2")
    storage = SqliteStorage(data)
    storage.open()
    assert storage.stores.load(ANN) is not None
    storage.close()
    with OfflineDirectory(data) as directory:
        log = directory.log(ANN, "history")
        assert next(log) == first_snapshot(ANN, 3).changes["history"][1]
        with pytest.raises(
            StorageFault, match=rf"{ANN}\.sqlite: row 2 of Passage does not fit its checksum: .*restore"
        ):
            next(log)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE items SET level = 99", "does not fit its checksum"),
        ("UPDATE account SET gold = 10000", "does not fit its checksum"),
        ("UPDATE store SET kind = 'shop'", "its kind is 'shop'; known are player, market, house"),
        ("UPDATE store SET kind = 'market'", "no such table: book"),
        (f"UPDATE store SET store = '{CYD}'", "not the one that it is named by"),
        ("DELETE FROM store", "one row about itself"),
        ("DROP TABLE items", "no such table: items"),
        ("ALTER TABLE bids DROP COLUMN at_ms", "no such column: bids.at_ms"),
        ("UPDATE items SET stats = '{' , row_checksum = 0", "Input data was truncated"),
        ("UPDATE store SET position = 4", "not of one time"),
        ("UPDATE store SET start = 'another'", "not of one time"),
    ],
)
def test_a_store_file_changed_by_hand_is_refused(data: Path, change: str, said: str) -> None:
    """Rows, columns, versions and positions are what was written, or the file is refused with the reason."""
    path = store_file(data, ANN)
    sql(path, change)
    storage = SqliteStorage(data)
    storage.open()
    with pytest.raises(StorageFault) as refused:
        storage.stores.load(ANN)
    assert str(refused.value).startswith(f"{path}: ")
    assert said in str(refused.value)
    assert "restore" in str(refused.value)
    assert storage.stores.load(BOB) is not None
    storage.close()


@pytest.mark.parametrize("left", [0, 1, 100, 5_000, 20_000])
def test_a_truncated_store_file_is_refused(data: Path, left: int) -> None:
    """A file that was cut short is not taken for an emptier store."""
    path = store_file(data, ANN)
    path.write_bytes(path.read_bytes()[:left])
    storage = SqliteStorage(data)
    storage.open()
    with pytest.raises(StorageFault, match="restore"):
        storage.stores.load(ANN)
    storage.close()


def test_a_store_file_that_vanished_is_not_written_anew(data: Path) -> None:
    """Changes of a store whose file is gone are refused rather than written as if they were all of it."""
    storage = SqliteStorage(data)
    storage.open()
    store_file(data, ANN).unlink()
    change = first_snapshot(ANN, 3)
    del change.changes["account"]
    with pytest.raises(StorageFault, match="its file is gone"):
        storage.stores.save([change])
    storage.close()


def test_a_crash_while_a_store_is_created_leaves_no_half_file(data: Path) -> None:
    """What was being made lies in `new`, is gone after the next start, and was never taken for a store."""
    (data / "new" / f"{CYD}.sqlite").write_bytes(b"half")
    storage = SqliteStorage(data)
    storage.open()
    assert storage.stores.load(CYD) is None
    assert list((data / "new").iterdir()) == []
    storage.close()


def test_a_data_path_that_cannot_be_a_directory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A regular file in the way, or a place that was removed, is named, with what to do."""
    (tmp_path / "file").write_text("")
    (tmp_path / "removed").mkdir()
    monkeypatch.chdir(tmp_path / "removed")
    (tmp_path / "removed").rmdir()
    for path in (tmp_path / "file", tmp_path / "file" / "data", Path("data")):
        assert "choose a data directory" in refusal_of(path)


def test_a_journal_that_cannot_be_written_takes_nothing_more(data: Path) -> None:
    """After one failed append every further one is refused, and a start finds what was durable before it."""
    storage = SqliteStorage(data)
    storage.open()
    pages = storage.journal._connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    storage.journal._connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageFault, match=r"node\.sqlite: database or disk is full: free space"):
        storage.journal.append(batch(4, {ANN: b"a" * 50_000}))
    storage.journal._connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    with pytest.raises(StorageFault, match="failed before"):
        storage.journal.append(batch(4, {ANN: b"a4"}))
    storage.close()
    storage = SqliteStorage(data)
    assert storage.open().position == 3
    storage.close()


_FILL_THE_DISK = """
import resource, signal, sys
from pathlib import Path
from shardnode.storage.port import StorageFault
from shardnode.storage.sqlite_storage import SqliteStorage
from tests.storage.rows import STORES, batch

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
storage = SqliteStorage(Path(sys.argv[1]))
position = storage.open().position
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
try:
    while True:
        storage.journal.append(batch(position + 1, {STORES[0]: b"x" * 10_000}))
        position += 1
except StorageFault as fault:
    print(position, fault, flush=True)
    storage.close()
"""


def test_a_full_disk_stops_the_journal_and_loses_nothing(data: Path) -> None:
    """A write that the system refuses is a StorageFault; the next start has all that was acknowledged before it."""
    ran = subprocess.run(
        [sys.executable, "-c", _FILL_THE_DISK, str(data)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )
    position, said = ran.stdout.split(" ", 1)
    assert int(position) > 3
    assert "node.sqlite: " in said
    storage = SqliteStorage(data)
    assert storage.open().position == int(position)
    storage.close()


@pytest.fixture
def read_only(data: Path) -> Iterator[Path]:
    """The data directory without the right to write it; root, who may write all the same, is not tested."""
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    for path in [*data.rglob("*"), data]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield data
    for path in [data, *data.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


def test_a_read_only_directory_is_refused(read_only: Path) -> None:
    """The message says that the node's user must be able to write it."""
    assert "right to write it" in refusal_of(read_only)
