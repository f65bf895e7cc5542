"""One node of the agreement's simulator: the production engine with a disk, a clock, and stores that hold and settle.

It drives the engine as `shardnode.agreement` says, and takes every liberty that this contract leaves: it sends what
is not binding although no record is durable yet, answers tasks late, and dies anywhere between a record and the last
message that follows it.
"""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from shardnode.agreement.effects import Effects, EndedTask, JudgeTask, PrepareTask, SettleTask, Task
from shardnode.agreement.engine import Agreement
from shardnode.agreement.facts import read, register_key
from shardnode.agreement.limits import AgreementLimits
from shardnode.agreement.messages import (
    Accept,
    Accepted,
    Acked,
    Close,
    CloseTaken,
    Decided,
    Fact,
    Message,
    Participant,
    Party,
    Prepare,
    Promise,
    Propose,
    Register,
    TradeId,
    Vote,
)
from tests.simulation.agreement_checks import Checks
from tests.simulation.agreement_story import message_told, record_told, value_told
from tests.simulation.histories import Violation
from tests.simulation.world import World

LIFE = 1_000_000
"""A node that was replaced counts its incarnations on from a number that none before it had."""
WEAKNESSES = (
    *(None, None, None, None, None, Propose, Propose, Propose, Propose, Accept, Accept, Accept),
    *(Prepare, Vote, Vote, Promise, Accepted, Decided, Acked, Close, CloseTaken),
)
"""A node draws one of these: a kind of message at which it is often cut off or paused, and that it survives …"""
DANGER = 15.0
"""… so many times less often than others."""
SMALL_OUTAGE_S = 0.02
"""Half of all outages are shorter than this, the others than the plan's bound."""
TIMER_S = 0.00001
"""How much later than asked a timer fires at least."""
NEVER_S = float("inf")


class Record(NamedTuple):
    """One call's effects, with what a store took or settled in the same record, by the key of its `Prepared`."""

    effects: Effects
    held: str | None = None
    settled: str | None = None


class House(NamedTuple):
    """What the nodes of one history share."""

    world: World
    checks: Checks
    limits: AgreementLimits
    refusing: set[str]
    """Legs whose next vote is NO and trades that are judged to abort; looked up, never listed."""
    send: Callable[[str, str, Message], None]
    proposed: Callable[[TradeId], None]
    """A coordinator proposes a commit, or has decided not to."""
    struck: Callable[["Node"], None]
    """A node is about to handle a message of the kind that is its weakness."""
    replaced: Callable[["Node"], int]
    """Whether a crashed node loses its disk: its new epoch, or 0."""


class Node:
    """One node. `engine` is None while it is down; `facts` and `disk_held` are its disk."""

    __slots__ = (
        "asked_s", "checks", "danger", "disk_held", "engine", "facts", "held", "house", "life", "name", "offset_s",
        "paused_until_s", "rate", "since_epoch", "starts", "unsynced", "wakes_at_s", "weakness", "world",
    )  # fmt: skip

    def __init__(self, name: str, house: House) -> None:
        world = house.world
        self.name = name
        self.house = house
        self.world = world
        self.checks = house.checks
        self.engine: Agreement | None = None
        self.since_epoch = 1
        self.starts = 0
        """How many times it was started on this disk."""
        self.life = 0
        """The incarnation under which the engine runs, or ran last."""
        self.facts: dict[str, Fact] = {}
        self.disk_held: dict[str, None] = {}
        self.held: dict[str, None] = {}
        self.unsynced: list[Record] = []
        self.rate = 1.0 + world.rates.drift * (2 * world.share() - 1)
        self.offset_s = 1_000 * world.share()
        self.paused_until_s = 0.0
        self.wakes_at_s = NEVER_S
        self.asked_s: float | None = None
        """When its next tick is; and by its clock, when the engine asked for it."""
        self.weakness = WEAKNESSES[int(world.share() * len(WEAKNESSES))]
        self.danger = 1.0
        """How many times as likely as usual its present step is its last."""

    def start(self) -> None:
        """Start it of what is on its disk, if it is down."""
        if self.engine is not None:
            return
        self.starts += 1
        self.life = self.since_epoch * LIFE + self.starts
        self.held = self.disk_held.copy()
        self.asked_s = None
        self.world.tell(self.name, f"starts as incarnation {self.life}")
        facts = [fact for key, kept in self.facts.items() if (fact := read(key, msgspec.json.encode(kept))) is not None]
        self.engine = Agreement(
            self.name, self.life, facts, self.house.limits, self.world.share, self.clock_s(), self.since_epoch
        )
        self._wake_later()

    def pause(self) -> None:
        """Let it stand still for a while."""
        if self.engine is not None:
            self.paused_until_s = self.world.now_s + outage_s(self.world)
            self.world.tell(self.name, f"stands still until {self.paused_until_s:.4f} s")

    def jump(self) -> None:
        """Put its clock forward."""
        jump_s = outage_s(self.world)
        self.offset_s += jump_s
        self.asked_s = None
        self.world.tell(self.name, f"has a clock that jumps by {jump_s:.3f} s")
        self._wake_later()

    def sound(self) -> None:
        """Let it run, now that nothing goes wrong any more."""
        self.paused_until_s = 0.0
        self.start()

    def clock_s(self) -> float:
        """Its monotonic clock."""
        return self.offset_s + self.rate * self.world.now_s

    def open(self, epoch: int, acceptors: tuple[str, ...], parties: list[Participant]) -> TradeId | None:
        """Open a trade, if it can."""
        if not self._runs():
            return None
        assert self.engine is not None
        opened = self.engine.open(epoch, acceptors, {each: each.store.encode() for each in parties}, self.clock_s())
        if opened is None:
            return None
        trade, effects = opened
        self.checks.opened(trade, Party(tuple(parties), acceptors))
        if self.world.told:
            stores = ", ".join(f"{each.store} at {each.node}" for each in parties)
            self.world.tell(self.name, f"opens {trade} of {stores}; acceptors {', '.join(acceptors)}")
        self._obey(effects)
        return trade

    def recover(self, trade: TradeId, party: Party) -> None:
        """Recover a trade, whether or not it has to do with this node."""
        if self._runs():
            assert self.engine is not None
            self.world.tell(self.name, f"is told to recover {trade}")
            self._obey(self.engine.recover(trade, party, self.clock_s()))

    def receive(self, sender: str, message: Message) -> None:
        """A message arrives; while the node stands still, it waits."""
        world = self.world
        if self.engine is None:
            if world.told:
                world.tell(f"{sender} ⇥ {self.name}", f"{message_told(message)}: it is down")
        elif self.paused_until_s > world.now_s:
            world.after(self.paused_until_s - world.now_s, self.receive, sender, message)
        else:
            if world.told:
                world.tell(f"{sender} → {self.name}", message_told(message))
            if type(message) is self.weakness:
                self.house.struck(self)
                self.danger = DANGER
            self._obey(self.engine.step(sender, message, self.offset_s + self.rate * world.now_s))
            self.danger = 1.0

    def _runs(self) -> bool:
        return self.engine is not None and self.paused_until_s <= self.world.now_s

    def _wake_later(self) -> None:
        """Let the engine tick when it wants to."""
        wake_at_s = self.engine.wake_at_s() if self.engine is not None else None
        if wake_at_s == self.asked_s:
            return
        self.asked_s = wake_at_s
        if wake_at_s is None:
            self.wakes_at_s = NEVER_S
        else:
            delay_s = max((wake_at_s - self.clock_s()) / self.rate, 0.0) + TIMER_S
            self.wakes_at_s = self.world.now_s + delay_s
            self.world.after(delay_s, self._tick, self.wakes_at_s)

    def _tick(self, at_s: float) -> None:
        if self.engine is None or self.wakes_at_s != at_s:
            return
        self.asked_s = None
        if self.paused_until_s > self.world.now_s:
            self.wakes_at_s = self.paused_until_s
            self.world.after(self.paused_until_s - self.world.now_s, self._tick, self.paused_until_s)
        else:
            self.wakes_at_s = NEVER_S
            self._obey(self.engine.tick(self.clock_s()))

    def _obey(self, effects: Effects, held: str | None = None, settled: str | None = None) -> None:
        """Persist, send and do, as the contract says; unless the node dies of it."""
        world = self.world
        rates = world.rates
        if rates.crashes and world.strikes(rates.crashes * self.danger):
            self._die(Record(effects, held, settled))
            return
        unsynced = self.unsynced
        if effects.persist or held or settled:
            if unsynced or world.strikes(rates.slow_fsyncs):
                unsynced.append(Record(effects, held, settled))
                if len(unsynced) == 1:
                    world.after(world.share() * rates.fsync_s, self._synced, self.engine)
            elif world.strikes(rates.failed_fsyncs):
                unsynced.append(Record(effects, held, settled))
                self.crash()
                return
            else:
                self._on_disk(effects, held, settled)
        elif unsynced and effects.binding:
            unsynced.append(Record(effects))
        if effects.send and not (unsynced and effects.binding):
            self._send(effects.send)
        if effects.tasks:
            self._ask(effects.tasks)
        self._wake_later()

    def _synced(self, engine: Agreement) -> None:
        if self.engine is not engine:
            return
        records, self.unsynced = self.unsynced, []
        for record in records:
            self._on_disk(*record)
        for record in records:
            if record.effects.binding:
                self._send(record.effects.send)

    def _die(self, record: Record) -> None:
        """Its last step: the record is written or not; once they may leave, all or some of the messages are sent."""
        share = self.world.share
        written = not self.unsynced and share() < 1 / 3
        if written:
            self._on_disk(*record)
        else:
            self.unsynced.append(record)
        if written or not record.effects.binding:
            sends = record.effects.send
            self._send(sends if share() < 1 / 2 else sends[: int(share() * (len(sends) + 1))])
        self.crash()

    def crash(self) -> None:
        """It is gone; of what was not synced, some first records are on the disk all the same."""
        world = self.world
        for record in self.unsynced[: int(world.share() * (len(self.unsynced) + 1))]:
            self._on_disk(*record)
        self.unsynced.clear()
        self.engine = None
        self.paused_until_s = 0.0
        world.tell(self.name, "crashes")
        epoch = self.house.replaced(self)
        if epoch:
            self.facts = {}
            self.since_epoch = epoch
            self.starts = 0
        world.after(outage_s(world), self.start)

    def _on_disk(self, effects: Effects, held: str | None, settled: str | None) -> None:
        changed = effects.persist
        if not (changed or held or settled):
            return
        for key, fact in changed.items():
            if fact is None:
                self.facts.pop(key, None)
            else:
                self.facts[key] = fact
        if held is not None:
            self.disk_held[held] = None
        if settled is not None:
            del self.disk_held[settled]
        if self.world.told:
            self.world.tell(self.name, f"writes {record_told(changed, held, settled)}")
        self.checks.durable(self.name, self.facts, changed, held, settled)

    def _ask(self, tasks: list[Task]) -> None:
        world, engine = self.world, self.engine
        for task in tasks:
            if type(task) is EndedTask:
                world.tell(self.name, f"tells the end of {task.trade}: {value_told(task.value)}")
                self.checks.ended(self.name, task)
            elif world.strikes(world.rates.slow_tasks):
                world.after(outage_s(world), self._do, engine, task, self.clock_s())
            else:
                self._do(engine, task, self.clock_s())

    def _send(self, sends: list[tuple[str, Message]]) -> None:
        for to, message in sends:
            self.checks.said(self.name, self.life, message)
            self.house.send(self.name, to, message)

    def _do(self, engine: Agreement | None, task: Task, asked_s: float) -> None:
        """The rules answer a task, unless the engine that asked is gone."""
        world = self.world
        if engine is None or self.engine is not engine:
            return
        if self.paused_until_s > world.now_s:
            world.after(self.paused_until_s - world.now_s, self._do, engine, task, asked_s)
            return
        if type(task) is PrepareTask:
            self._vote(engine, task, in_time=asked_s + task.deadline_s >= self.clock_s())
        elif type(task) is JudgeTask:
            payload = None if str(task.trade) in self.house.refusing else b"+".join(task.votes.values())
            self.checks.judged(task.trade, payload)
            self._obey(engine.judged(task.trade, payload, self.clock_s()))
            self.house.proposed(task.trade)
        elif type(task) is SettleTask:
            self._settle(engine, task)

    def _vote(self, engine: Agreement, task: PrepareTask, in_time: bool) -> None:
        key = f"prepared/{task.trade}/{task.store}"
        if key in self.held:
            raise Violation("prepare once", f"{self.name} is to prepare {key}, which it holds")
        yes = in_time and key not in self.house.refusing
        payload = task.leg.upper() if yes else b"refused"
        effects = engine.voted(task.trade, task.store, yes, payload, self.clock_s())
        if yes:
            self.held[key] = None
        else:
            self.house.refusing.discard(key)
        self._obey(effects, held=key if yes else None)

    def _settle(self, engine: Agreement, task: SettleTask) -> None:
        key = f"prepared/{task.trade}/{task.store}"
        self.checks.settles(self.name, task.trade, task.store, task.value, self._unsynced_register(task.trade))
        if key not in self.held:
            raise Violation("settle once", f"{self.name} is to settle {key}, which it does not hold")
        del self.held[key]
        self._obey(engine.settled(task.trade, task.store, self.clock_s()), settled=key)

    def _unsynced_register(self, trade: TradeId) -> Register | None:
        """What this node has accepted for a trade, or promised, in the latest record that is on its way to the disk."""
        register = None
        for record in self.unsynced:
            fact = record.effects.persist.get(register_key(trade))
            if isinstance(fact, Register):
                register = fact
        return register


def outage_s(world: World) -> float:
    """How long something lasts that went wrong."""
    return world.share() * (SMALL_OUTAGE_S if world.share() < 0.5 else world.rates.outage_s)
