"""Reading a directory that no node uses: what its node would know, with nothing changed."""

import shutil
from pathlib import Path

import pytest

from shardnode.storage.offline import OfflineDirectory
from shardnode.storage.port import StorageFault
from tests.auction.house import HOUSE_STORE, market_of, store_of
from tests.storage.histories import as_kept, every_kind, logs_of, trade, write
from tests.storage.rows import kept
from tests.storage.shell import sql, store_file


def contents(directory: Path) -> dict[str, bytes]:
    """Every file, byte by byte."""
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.parametrize("saved", [0, 3, 16, 19, 21])
@pytest.mark.parametrize("crashed", [True, False])
def test_every_store_is_read_as_its_node_would_know_it(tmp_path: Path, saved: int, crashed: bool) -> None:
    """File and journal together give every store and its logs, after a clean stop and after a crash, and no byte
    changes.
    """
    house = every_kind()
    assert saved <= len(house.records)
    storage = write(house, tmp_path / "data", saved)
    data = tmp_path / "data"
    if crashed:
        data = tmp_path / "crashed"
        shutil.copytree(tmp_path / "data", data)
    storage.close()
    before = contents(data)
    assert any(name.endswith("-wal") for name in before) is crashed
    with OfflineDirectory(data) as directory:
        read = {store: kept(directory.load(store)) for store in directory.stores()}
        assert kept(directory.player("ann")) == read[store_of("ann")]
        assert kept(directory.market("tin")) == read[market_of("tin")]
        assert kept(directory.house()) == read[HOUSE_STORE]
        assert not directory.player("nobody").account
        assert not directory.market("salt").book
        logs = {
            store: {log: list(directory.log(store, log)) for log in directory.load(store).LOGS}
            for store in directory.stores()
        }
    assert read == as_kept(house)
    assert logs == logs_of(house)
    assert contents(data) == before


def test_logs_are_read_side_by_side_with_the_stores_that_they_are_of(tmp_path: Path) -> None:
    """Of a crashed directory whose files are copied to be read: readers of one file do not disturb one another."""
    house = every_kind()
    storage = write(house, tmp_path / "data", 19)
    shutil.copytree(tmp_path / "data", tmp_path / "crashed")
    storage.close()
    ann = store_of("ann")
    with OfflineDirectory(tmp_path / "crashed") as directory:
        first, second = directory.log(ann, "history"), directory.log(ann, "history")
        pairs = []
        for row in first:
            pairs.append((row, next(second)))
            assert kept(directory.player("ann")) == as_kept(house)[ann]
    assert pairs == [(row, row) for row in house.state("ann").history]


def test_a_store_of_a_kind_without_that_log_has_no_rows_of_it(tmp_path: Path) -> None:
    """Whoever reads a log of all stores need not know which kinds have it; what was never a log is none either."""
    write(every_kind(), tmp_path, 21).close()
    with OfflineDirectory(tmp_path) as directory:
        assert list(directory.log(HOUSE_STORE, "history")) == []
        assert len(list(directory.log(HOUSE_STORE, "audit"))) == 2
        assert list(directory.log(store_of("ann"), "items")) == []
        assert list(directory.log(store_of("nobody"), "history")) == []


def test_a_directory_in_use_is_refused_and_kept_from_others_while_it_is_read(tmp_path: Path) -> None:
    """The lock works both ways."""
    storage = write(trade(), tmp_path, 3)
    with pytest.raises(StorageFault, match="in use by process"), OfflineDirectory(tmp_path):
        pass
    storage.close()
    with OfflineDirectory(tmp_path), pytest.raises(StorageFault, match="in use by another process"):
        storage.open()
    storage.open()
    storage.close()


def test_a_copy_without_a_lock_file_is_read(tmp_path: Path) -> None:
    """A backup that left the lock out is a directory that nobody uses."""
    write(trade(), tmp_path, 3).close()
    (tmp_path / "node.lock").unlink()
    with OfflineDirectory(tmp_path) as directory:
        assert len(directory.stores()) == 3


def test_what_is_no_data_directory_is_refused(tmp_path: Path) -> None:
    """An empty directory, and none at all, are told from an empty house."""
    for path in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(StorageFault, match=r"node\.sqlite: is not there"), OfflineDirectory(path):
            pass


def test_a_damaged_journal_or_store_is_refused_by_name(tmp_path: Path) -> None:
    """The journal refuses the whole directory, a store only itself, and the lock is free again."""
    write(trade(), tmp_path, 3).close()
    ann = store_file(tmp_path, store_of("ann"))
    ann.write_bytes(ann.read_bytes()[:3_000])
    with OfflineDirectory(tmp_path) as directory:
        with pytest.raises(StorageFault, match=f"{store_of('ann')}.sqlite: .*restore the file"):
            directory.load(store_of("ann"))
        assert directory.player("bob").account
    sql(tmp_path / "node.sqlite", "UPDATE batches SET payload = CAST(payload || '!' AS BLOB) WHERE last_position = 2")
    for _ in range(2):
        with pytest.raises(StorageFault, match=r"node\.sqlite: the records up to 2"), OfflineDirectory(tmp_path):
            pass


def test_a_file_of_another_time_is_refused(tmp_path: Path) -> None:
    """A store's file that is older than what was cut, or newer than the journal, does not pass for the store."""
    house = trade()
    write(house, tmp_path / "data", 3).close()
    write(house, tmp_path / "older", 1).close()
    sql(store_file(tmp_path / "data", store_of("ann")), "UPDATE store SET position = 99")
    with OfflineDirectory(tmp_path / "data") as directory, pytest.raises(StorageFault, match="knows record 99"):
        directory.load(store_of("ann"))
    sql(store_file(tmp_path / "older", store_of("ann")), "UPDATE store SET position = 0")
    with OfflineDirectory(tmp_path / "older") as directory, pytest.raises(StorageFault, match="does not fit"):
        directory.load(store_of("ann"))
