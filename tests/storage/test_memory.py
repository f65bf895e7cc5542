"""What only the storage in memory can: fail on demand, and crash with or without what was under way."""

import pytest

from shardnode.storage.memory import MemoryStorage
from shardnode.storage.port import Recovered, StorageFault
from tests.storage.rows import STORES, Fact, batch, first_snapshot, listing

ANN, BOB, *_ = STORES


def failing(*operations: str) -> MemoryStorage:
    """An open storage with one record, in which some operations fail from now on."""
    storage = MemoryStorage()
    storage.open()
    storage.journal.append(batch(1, {ANN: b"a1", BOB: b"b1"}))

    def fail(operation: str) -> None:
        if operation in operations:
            raise StorageFault("no more")

    storage.before = fail
    return storage


@pytest.mark.parametrize("lost", [True, False])
def test_an_append_that_failed_is_there_after_a_crash_or_not(lost: bool) -> None:
    """The journal takes nothing after a fault; a crash decides whether the batch reached the disk."""
    storage = failing("append")
    with pytest.raises(StorageFault, match="no more"):
        storage.journal.append(batch(2, {ANN: b"a2"}, wakeups={ANN: 5}, facts={"a": Fact(1)}))
    with pytest.raises(StorageFault, match="failed before"):
        storage.journal.append(batch(2, {ANN: b"a2"}))
    storage.crash(lose_unsynced=lost)
    recovered = storage.open()
    assert recovered.position == (1 if lost else 2)
    assert storage.journal.due(9, 9) == ([] if lost else [(ANN, 5)])
    assert list(storage.journal.facts()) == ([] if lost else ["a"])


def test_a_wiped_disk_is_another_one() -> None:
    """It comes back empty, counts its starts anew, and has another identity each time, but the cluster's naming key."""
    storage = MemoryStorage(identity="n1", naming_key=b"k" * 32)
    identities = set()
    for _ in range(3):
        recovered = storage.open()
        identities.add(recovered.identity)
        assert recovered == Recovered(0, 0, 1, b"k" * 32, recovered.identity)
        assert (storage.journal.facts(), storage.stores.exists(ANN)) == ({}, False)
        storage.journal.append(batch(1, {ANN: b"a1"}, facts={"a": Fact(1)}))
        storage.stores.save([first_snapshot(ANN, 1)])
        storage.crash(lose_unsynced=True)
        storage.wipe()
    assert len(identities) == 3


@pytest.mark.parametrize("lost", [True, False])
def test_a_save_that_failed_is_there_after_a_crash_or_not(lost: bool) -> None:
    """What was saved before the fault stays; the store under way is as before, or as after."""
    storage = failing("save")
    with pytest.raises(StorageFault, match="no more"):
        storage.stores.save([first_snapshot(ANN, 1), first_snapshot(BOB, 1)])
    storage.crash(lose_unsynced=lost)
    storage.open()
    assert storage.stores.exists(ANN) is not lost
    assert not storage.stores.exists(BOB)


def test_other_operations_fail_on_demand_too() -> None:
    """A fault while the feed is saved, or while the journal is cut, leaves both as they were after a crash."""
    storage = failing("save_open_listings")
    with pytest.raises(StorageFault, match="no more"):
        storage.journal.save_open_listings({"a": listing("a")}, 1)
    storage.crash(lose_unsynced=True)
    storage.before = lambda _operation: None
    storage.open()
    assert storage.journal.open_listings("", 9) == []
    storage.journal.save_open_listings({}, 1)
    storage.crash(lose_unsynced=True)
    storage.before = failing("forget").before
    storage.open()
    with pytest.raises(StorageFault, match="no more"):
        storage.journal.forget({ANN: 1, BOB: 1})
    storage.crash(lose_unsynced=True)
    storage.open()
    assert storage.journal.length() == 1


def test_a_damaged_store_is_refused_and_the_others_go_on() -> None:
    """`damage` makes one file unreadable."""
    storage = failing()
    storage.stores.save([first_snapshot(ANN, 1), first_snapshot(BOB, 1)])
    storage.damage(ANN)
    with pytest.raises(StorageFault, match="damaged"):
        storage.stores.load(ANN)
    assert storage.stores.load(BOB) is not None
