"""From records to durable batches."""

from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from auction.events import StoreOpened
from auction.state import Listing
from shardnode.node.gate import Gate
from shardnode.node.journal_writer import BATCH_RECORDS_MAX, JournalWriter
from shardnode.ops.metrics import Metrics
from shardnode.storage.port import Append, StorageFault
from tests.node.hand_lane import HandLane


class Bench:
    """A writer with a journal that only remembers, a lane and a clock moved by hand."""

    def __init__(self) -> None:
        self.reactor = Clock()
        self.lane = HandLane()
        self.gate = Gate(0, self.reactor.seconds, lambda _: None)
        self.batches: list[Append] = []
        self.told: list[dict[str, Listing]] = []
        self.failures: list[Failure] = []
        self.broken = False
        self.writer = JournalWriter(
            reactor=self.reactor,
            lane=self.lane,
            journal=self,  # type: ignore[arg-type]  # only append is called
            gate=self.gate,
            metrics=Metrics("n1", "w"),
            on_listings=lambda listings, _position: self.told.append(listings),
            failed=self.failures.append,
        )

    def append(self, batch: Append) -> None:
        """The journal's part."""
        if self.broken:
            raise StorageFault("no space left")
        self.batches.append(batch)

    def add(self, **more: Any) -> int:
        """Hand in a small record."""
        return self.writer.add(
            {"s": [StoreOpened("ann", "s")]},
            1_000,
            more.get("wakeups", {}),
            more.get("listings", {}),
            more.get("facts", {}),
        )

    def turn(self) -> None:
        """One turn of the reactor, and of the lane."""
        self.reactor.advance(0)
        self.lane.run()


@pytest.fixture
def bench() -> Bench:
    """A fresh one."""
    return Bench()


def test_records_of_one_turn_share_a_batch(bench: Bench) -> None:
    """Everything that one turn of the reactor decides is committed together, in order."""
    assert [bench.add(), bench.add(), bench.add()] == [1, 2, 3]
    bench.turn()
    assert [[entry.position for entry in batch.entries] for batch in bench.batches] == [[1, 2, 3]]


def test_the_gate_opens_only_when_the_batch_is_durable(bench: Bench) -> None:
    """What depends on a record leaves after its commit, not before."""
    left: list[int] = []
    bench.gate.when(bench.add(), left.append, 1)
    bench.reactor.advance(0)
    assert left == []
    bench.lane.run()
    assert left == [1]


def test_one_batch_at_a_time(bench: Bench) -> None:
    """While a batch is being committed the next one only collects."""
    bench.add()
    bench.reactor.advance(0)
    bench.add()
    bench.add()
    bench.reactor.advance(0)
    assert len(bench.lane.waiting) == 1
    bench.lane.run_one()
    assert len(bench.lane.waiting) == 1
    bench.lane.run()
    assert [len(batch.entries) for batch in bench.batches] == [1, 2]


def test_batches_are_bounded(bench: Bench) -> None:
    """More records than a batch may hold are committed in several, without a gap."""
    for _ in range(2 * BATCH_RECORDS_MAX + 1):
        bench.add()
    bench.turn()
    assert [len(batch.entries) for batch in bench.batches] == [BATCH_RECORDS_MAX, BATCH_RECORDS_MAX, 1]
    assert [entry.position for batch in bench.batches for entry in batch.entries] == list(
        range(1, 2 * BATCH_RECORDS_MAX + 2)
    )
    assert len(bench.writer) == 0


def test_changed_wakeups_go_with_their_batch(bench: Bench) -> None:
    """Of several wake-ups of one store in a batch the last one holds."""
    bench.add(wakeups={"s": 5})
    bench.add(wakeups={"s": None, "t": 7})
    bench.turn()
    assert bench.batches[0].wakeups == {"s": None, "t": 7}


def test_a_journal_that_cannot_be_written_lets_nothing_out(bench: Bench) -> None:
    """After a failed commit the node is told, nothing is retried and nothing leaves, ever."""
    left: list[int] = []
    bench.broken = True
    bench.gate.when(bench.add(), left.append, 1)
    bench.turn()
    bench.broken = False
    bench.gate.when(bench.add(), left.append, 2)
    bench.turn()
    assert left == []
    assert bench.batches == []
    assert [failure.type for failure in bench.failures] == [StorageFault]


def test_what_a_batch_brings_after_a_failure_lets_nothing_out(bench: Bench) -> None:
    """A batch that was under way when the node failed may become durable, but nobody hears of it."""
    left: list[int] = []
    bench.gate.when(bench.add(), lambda: 1 // 0)
    bench.reactor.advance(0)
    bench.gate.when(bench.add(), left.append, 2)
    bench.lane.run_one()
    assert [failure.type for failure in bench.failures] == [ZeroDivisionError]
    bench.lane.run()
    assert left == []
