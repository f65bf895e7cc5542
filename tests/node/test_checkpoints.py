"""Checkpoints: the journal grows short again, whatever a crash left behind."""

from auction.commands import GetPlayer
from shardnode.storage.port import StorageFault
from tests.node.house import NodeInMemory


def crash_between_save_and_forget(house: NodeInMemory) -> None:
    """Let the files hold everything, and the journal know nothing of it."""

    def fail(operation: str) -> None:
        if operation == "forget":
            raise StorageFault("the power went out")

    house.storage.before = fail
    house.pass_time(6)
    assert [failure.type for failure in house.failures] == [StorageFault]
    house.failures.clear()
    house.crash()
    house.storage.before = lambda _operation: None
    house.start()
    assert house.storage.journal.length() > 0


def test_the_journal_forgets_what_complete_files_hold_though_a_crash_kept_it_from_hearing_so() -> None:
    """A file that lacks nothing is not saved again, and must not keep its records in the journal for ever."""
    house = NodeInMemory()
    for number in range(5):
        house.grant(f"p{number}", 10)
    crash_between_save_and_forget(house)
    house.pass_time(12)
    assert house.storage.journal.length() == 0


def test_the_journal_forgets_also_what_complete_files_of_stores_in_use_hold() -> None:
    """It is the same for stores that players woke before the first checkpoint."""
    house = NodeInMemory()
    for number in range(5):
        house.grant(f"p{number}", 10)
    crash_between_save_and_forget(house)
    for number in range(5):
        house.ask(f"p{number}", GetPlayer())
    house.pass_time(12)
    assert house.storage.journal.length() == 0


def test_a_wake_up_waits_behind_a_part_of_a_checkpoint_alone() -> None:
    """However many stores are dirty, who asks for one that sleeps is served between two parts of the pass."""
    house = NodeInMemory()
    for number in range(100):
        house.grant(f"p{number}", 10)
    did: list[str] = []
    house.storage.before = did.append
    while not house.files_lane.waiting:
        house.reactor.advance(0.05)
        house.journal_lane.run()
    answers: list[object] = []
    house.begin("newcomer", GetPlayer()).addBoth(answers.append)
    for _ in ("a part of the pass", "the newcomer's file"):
        house.files_lane.run_one()
    house.journal_lane.run()
    saved = did.count("save")
    assert answers
    house.pass_time(1)
    assert did.count("save") > saved


def histories(house: NodeInMemory) -> list[list[int]]:
    """The numbers of the rows in each player's history, as the files have them."""
    stores = [house.node.names.store_of(f"p{number}") for number in range(5)]
    return [[row.number for row in house.storage.log(store, "history")] for store in stores]


def test_a_save_that_failed_loses_nothing_of_any_log() -> None:
    """What a checkpoint took out of memory and did not bring to the disk, the next start has from the journal."""
    house = NodeInMemory()
    for number in range(5):
        house.grant(f"p{number}", 10)
    saves = iter(range(99))

    def fail(operation: str) -> None:
        if operation == "save" and next(saves) == 2:
            raise StorageFault("the power went out")

    house.storage.before = fail
    house.pass_time(6)
    assert [failure.type for failure in house.failures] == [StorageFault]
    assert histories(house) == [[1], [1], [], [], []]
    house.failures.clear()
    house.crash()
    house.storage.before = lambda _operation: None
    house.start()
    house.grant("p4", 10)
    house.pass_time(12)
    assert histories(house) == [[1], [1], [1], [1], [1, 2]]
    assert house.storage.journal.length() == 0


def test_a_store_that_was_condemned_loses_nothing_of_its_logs() -> None:
    """It leaves memory with what no checkpoint took; the journal keeps that for the next start."""
    house = NodeInMemory()
    for number in range(5):
        house.grant(f"p{number}", 10)
    house.node.stores.condemn(house.node.names.store_of("p0"), "it is not what it should be")
    house.pass_time(12)
    assert histories(house) == [[], [1], [1], [1], [1]]
    house.crash()
    house.start()
    house.grant("p0", 10)
    house.pass_time(12)
    assert histories(house) == [[1, 2], [1], [1], [1], [1]]
