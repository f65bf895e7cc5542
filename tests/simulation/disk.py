"""The simulated disk: lanes whose work takes simulated time, fsyncs that are slow or fail, and what was made durable.

Work of a lane takes effect at one instant and is told to the node a little later, so that a crash may come before the
one, between them, or after both.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from shardnode.storage.memory import MemoryStorage
from shardnode.storage.port import Append, Recovered, Snapshot, StorageFault
from tests.simulation.clock import Process
from tests.simulation.world import World

WORK_S = (0.000_05, 0.001)
"""Shortest and longest time that a sound disk takes for a piece of work."""
TELL_S = 0.000_02
"""From the effect of a piece of work to the reactor's hearing of it."""
BEFORE, AFTER, HALF = "before its record", "after its record", "with half of it sent"
ENDS = (BEFORE, AFTER, HALF)
WORDS_MAX = 6
"""A node that dies with half of it sent says fewer words than this before."""


class SimulatedLane:
    """A lane of one process (`shardnode.node.lanes.Lane`), whose work is slow at the rate that `slow` says."""

    def __init__(self, world: World, process: Process, slow: Callable[[], float], slow_s: float) -> None:
        self._world = world
        self._process = process
        self._slow = slow
        self._slow_s = slow_s
        self._waiting: deque[tuple[Deferred[Any], Callable[..., Any], tuple[Any, ...]]] = deque()

    def do(self, work: Callable[..., Any], *args: Any) -> "Deferred[Any]":
        """See Lane."""
        done: Deferred[Any] = Deferred()
        self._waiting.append((done, work, args))
        if len(self._waiting) == 1:
            self._begin()
        return done

    def close(self) -> "Deferred[None]":
        """See Lane."""
        return self.do(_nothing)

    def _begin(self) -> None:
        low, high = WORK_S
        takes_s = low + self._world.share() ** 2 * (high - low)
        if self._world.strikes(self._slow()):
            takes_s += self._world.share() * self._slow_s
        self._world.after(takes_s, self._effect)

    def _effect(self) -> None:
        """The work is done on the disk, whether or not the process stands still."""
        world, process = self._world, self._process
        if not process.alive:
            return
        done, work, args = self._waiting[0]
        end = None
        if work.__name__ == "append" and world.strikes(world.rates.crashes):
            end = ENDS[int(world.share() * len(ENDS))]
            world.tell(process.name, f"dies {end}")
        if end == BEFORE:
            process.die()
            return
        try:
            result = work(*args)
        except Exception:  # what went wrong is told to who asked, as in a thread
            world.after(TELL_S, process.reach, done.errback, Failure())
        else:
            world.after(TELL_S, process.reach, done.callback, result)
        self._waiting.popleft()
        if end == AFTER:
            process.die()
        elif end == HALF:
            process.die_after(int(world.share() * WORDS_MAX))
        if self._waiting:
            self._begin()


def _nothing() -> None:
    """What is done last in a lane."""


class SimulatedDisk(MemoryStorage):
    """Storage whose writes fail as the faults say; `durable` hears each batch at the instant in which it is safe.

    What is saved to a store's file must be in the journal already.
    """

    def __init__(self, world: World, *, identity: str, naming_key: bytes, durable: Callable[[Append], None]) -> None:
        super().__init__(identity=identity, naming_key=naming_key, before=self._may_fail, durable=self._is_durable)
        self._world = world
        self._identity = identity
        self._tell_durable = durable
        self._position = 0

    def open(self) -> Recovered:
        """See Storage."""
        recovered = super().open()
        save = self.stores.save

        def checked(snapshots: list[Snapshot]) -> None:
            for snapshot in snapshots:
                if snapshot.position > self._position:
                    self._world.violate(
                        "journal first", f"{self._identity} saves {snapshot.store} ahead of its journal"
                    )
            save(snapshots)

        self.stores.save = checked  # type: ignore[method-assign]  # this one object is watched
        return recovered

    def _is_durable(self, batch: Append) -> None:
        self._position = batch.entries[-1].position
        self._tell_durable(batch)

    def _may_fail(self, operation: str) -> None:
        if self._world.strikes(self._world.rates.failed_fsyncs):
            self._world.tell(self._identity, f"the disk fails at {operation}")
            raise StorageFault(f"the simulated disk failed at {operation}")
