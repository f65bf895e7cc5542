"""One simulated node: a reactor that works in turns, a journal with one batch under way, and what it sends.

As the real one does (`shardnode.node.journal_writer`, `shardnode.cluster.post`): a turn of the reactor takes all that
has come meanwhile; at its end the messages of the turn leave in a frame to each node they are for, and its records go
to the journal, unless a batch is under way: then they collect. When a batch is durable a turn opens the gate for what
depends on it. Journal and search threads have time of their own, and hold up the reactor while they hold the
interpreter's lock.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from load_tests.capacity.events import Loop, Processor

BATCH_RECORDS_MAX = 1_000

Act = Callable[..., None]


class NodeCosts(msgspec.Struct, frozen=True):
    """What a node takes besides the work of its jobs, in seconds."""

    wake_up_s: float = 0.0
    batch_s: float = 0.0
    frame_s: float = 0.0
    journal_batch_s: float = 0.0
    commit_wait_s: float = 0.0
    index_row_s: float = 0.0
    """Search thread: a changed listing of another node."""
    lock_share: float = 0.0
    """Of the other threads' time, what the reactor has to wait for."""
    jobs_max: int = 1_000_000
    """Jobs of one turn."""


class Work(msgspec.Struct):
    """What a node was given, or what it has done, until now."""

    reactor_s: float = 0.0
    journal_s: float = 0.0
    search_s: float = 0.0
    records: float = 0.0
    batches: float = 0.0
    rows: float = 0.0
    """Own listings changed."""
    frames: float = 0.0
    """Frames sent."""
    frames_in: float = 0.0
    """Frames received one by one, not as a part of a background."""
    votes: float = 0.0
    """Of an acceptor, on trades' outcomes."""
    tellings: float = 0.0
    """How often others were told of changed listings."""
    heard_rows: float = 0.0
    committing_s: float = 0.0
    """While a batch was under way."""


class Node:
    """`background` says what came up, from nodes that are not simulated one by one, since it was asked last."""

    def __init__(
        self,
        loop: Loop,
        processor: Processor,
        costs: NodeCosts,
        latency: Callable[[], float] = lambda: 0.0,
        background: Callable[["Node", float], Work] | None = None,
        on_durable: Callable[["Node", int], None] = lambda _node, _rows: None,
    ) -> None:
        self.done = Work()
        self.held: dict[int, list[tuple[Act, tuple[Any, ...]]]] = {}
        """Listings that undecided trades hold, and who waits for them."""
        self._loop = loop
        self._processor = processor
        self._costs = costs
        self._latency = latency
        self._background = background
        self._on_durable = on_durable
        self._jobs: list[tuple[float, Act, tuple[Any, ...]]] = []
        self._turn: list[tuple[float, Act, tuple[Any, ...]]] = []
        self._running = False
        self._idle_since_s = loop.now_s
        self._looked_at_s = loop.now_s
        self._owed_s = 0.0
        """Work that no job asked for: frames sent, and waiting for the interpreter's lock."""
        self._outbox: dict[Node, list[tuple[float, Act, tuple[Any, ...]]]] = {}
        self._entries: list[tuple[float, int, Act, tuple[Any, ...]]] = []
        self._silent_records = 0.0
        self._committing = False
        self._committing_since_s = 0.0

    # what the simulated program asks of it

    def do(self, work_s: float, act: Act, *args: Any) -> None:
        """Let the reactor work for so long, and then act."""
        self._jobs.append((work_s, act, args))
        if not self._running:
            self._running = True
            self._begin_turn()

    def persist(self, journal_s: float, rows: int, then: Act, *args: Any) -> None:
        """Within an act: make a record durable, which changes so many listings, and then act."""
        self._entries.append((journal_s, rows, then, args))

    def send(self, to: "Node", work_s: float, act: Act, *args: Any) -> None:
        """Within an act: a message, that asks the other node for so much work and then to act."""
        self._outbox.setdefault(to, []).append((work_s, act, args))

    def owe(self, work_s: float) -> None:
        """Add work to the next turn."""
        self._owed_s += work_s

    def frames_of_turn(self) -> int:
        """To how many nodes a frame leaves at the end of this turn."""
        return len(self._outbox)

    # turns

    def _begin_turn(self) -> None:
        now_s, limit = self._loop.now_s, self._costs.jobs_max
        self._turn, self._jobs = self._jobs[:limit], self._jobs[limit:]
        work_s = self._owed_s + sum(job[0] for job in self._turn)
        self._owed_s = 0.0
        idle_s = now_s - self._idle_since_s if self._idle_since_s >= 0 else 0.0
        came_s, frames_a_s = self._take_background(now_s)
        absorbed_s = min(came_s, idle_s)
        if idle_s > 0:
            work_s += self._costs.wake_up_s * (1 - absorbed_s / idle_s)
            free_s = idle_s - absorbed_s
            absorbed_s += min(frames_a_s * free_s * self._costs.wake_up_s, free_s)
        work_s += max(0.0, came_s - idle_s)
        self._idle_since_s = -1.0
        self.done.reactor_s += work_s + absorbed_s
        self._processor.run(work_s, self._end_turn)

    def _take_background(self, now_s: float) -> tuple[float, float]:
        """Work of the reactor that came up since the last turn began, its records joining the next batch; and frames a
        second: each wakes a reactor that has nothing to do.
        """
        elapsed_s = now_s - self._looked_at_s
        if self._background is None or elapsed_s <= 0:
            return 0.0, 0.0
        came = self._background(self, elapsed_s)
        self._looked_at_s = now_s
        self._silent_records += came.records
        self.done.search_s += came.search_s
        self.done.heard_rows += came.heard_rows
        return came.reactor_s + self._costs.lock_share * came.search_s, came.frames_in / elapsed_s

    def _end_turn(self) -> None:
        for _, act, args in self._turn:
            act(*args)
        if self._outbox:
            self._post()
        if self._entries and not self._committing:
            self._commit()
        if self._jobs:
            self._begin_turn()
        else:
            self._running = False
            self._idle_since_s = self._loop.now_s

    def _post(self) -> None:
        outbox, self._outbox = self._outbox, {}
        self._owed_s += self._costs.frame_s * len(outbox)
        self.done.frames += len(outbox)
        for to, messages in outbox.items():
            self._loop.after(self._latency(), to.arrive, messages)

    def arrive(self, messages: list[tuple[float, Act, tuple[Any, ...]]]) -> None:
        """A frame of another node is here."""
        self.done.frames_in += 1
        self.do(self._costs.frame_s + sum(message[0] for message in messages), _act_on, messages)

    def hear(self, rows: int) -> None:
        """What a message with changed listings of another node does; its reactor's work came with the message."""
        self.done.heard_rows += rows
        self.done.search_s += rows * self._costs.index_row_s
        self._owed_s += rows * self._costs.index_row_s * self._costs.lock_share

    # the journal

    def _commit(self) -> None:
        batch, self._entries = self._entries[:BATCH_RECORDS_MAX], self._entries[BATCH_RECORDS_MAX:]
        silent, self._silent_records = self._silent_records, 0.0
        a_record_s = sum(entry[0] for entry in batch) / len(batch)
        work_s = self._costs.journal_batch_s + (len(batch) + silent) * a_record_s
        self._committing = True
        self._committing_since_s = self._loop.now_s
        self.done.journal_s += work_s
        self.done.batches += 1
        self.done.records += len(batch) + silent
        self._owed_s += self._costs.lock_share * work_s
        self._processor.run(work_s, lambda: self._loop.after(self._costs.commit_wait_s, self._committed, batch))

    def _committed(self, batch: list[tuple[float, int, Act, tuple[Any, ...]]]) -> None:
        self.done.committing_s += self._loop.now_s - self._committing_since_s
        self.do(self._costs.batch_s, self._open_gate, batch)

    def _open_gate(self, batch: list[tuple[float, int, Act, tuple[Any, ...]]]) -> None:
        self._committing = False
        rows = sum(entry[1] for entry in batch)
        for _, _, then, args in batch:
            then(*args)
        if rows:
            self.done.rows += rows
            self._on_durable(self, rows)


def _act_on(messages: list[tuple[float, Act, tuple[Any, ...]]]) -> None:
    for _, act, args in messages:
        act(*args)
