"""A few nodes' engines, the messages between them and a clock by hand, played by commands and told in words.

Transcripts (`tests/agreement/transcripts`) are written in these commands; `COMMANDS` has them all:

    nodes n1 n2 n3             the nodes; all of them are acceptors
    open n1 a@n1 b@n2          n1 coordinates a trade of store a at n1 and store b at n2; named T1, T2, … in order
    vote b yes|no              the rules answer for store b; they answer `judge` and settle by themselves, unless told:
    slow-rules b               … from here on wait for `settle b`
    judge n1 yes|no            … after `slow-rules n1`
    deliver [n1->n2] [kind]    what is under way now and fits; without any of both, everything, and what it causes
    drop|repeat [n1->n2] [kind]
    keep-back …, let-go        hold messages back
    slow-disk n2, sync n2      what n2 persists from here on is durable with `sync` only
    crash n2, restart n2       … with what was durable
    replace n2                 … with an empty directory, in a new epoch
    tick 1.5                   so many seconds pass, then every node's tick is called
    recover n3 T1              n3, which need not be a participant, is told to find the outcome out
    show                       what is durable, and what is open
"""

from collections.abc import Callable

import msgspec

from shardnode.agreement import facts
from shardnode.agreement.effects import Effects, EndedTask, JudgeTask, PrepareTask, SettleTask
from shardnode.agreement.engine import Agreement
from shardnode.agreement.errors import DurabilityViolated
from shardnode.agreement.limits import AgreementLimits
from shardnode.agreement.messages import (
    Ballot,
    Close,
    ClosedTrades,
    Fact,
    Message,
    Outcome,
    Participant,
    Party,
    Prepared,
    Register,
    TradeId,
    Value,
)

DELIVERIES_MAX = 1_000


class Node:
    """One node: its engine while it is up, what is durable, and what waits for its disk."""

    def __init__(self, name: str, number: int) -> None:
        self.name = name
        self.chance = number / 10
        self.incarnation = 0
        self.since_epoch = 1
        self.engine: Agreement | None = None
        self.durable: dict[str, bytes] = {}
        self.slow_disk = False
        self.waiting: list[dict[str, Fact | None] | list[tuple[str, Message]]] = []
        """Records and what may leave after them, in order."""
        self.tasks: list[PrepareTask | JudgeTask | SettleTask] = []

    def start(self, now_s: float) -> None:
        """A new engine of what is durable."""
        self.incarnation += 1
        kept = [fact for key, value in self.durable.items() if (fact := facts.read(key, value)) is not None]
        self.engine = Agreement(
            self.name, self.incarnation, kept, AgreementLimits(), lambda: self.chance, now_s, self.since_epoch
        )

    def write(self, record: dict[str, Fact | None]) -> None:
        """Make a record durable."""
        for key, fact in record.items():
            if fact is None:
                del self.durable[key]
            else:
                self.durable[key] = msgspec.json.encode(fact)


class Stage:
    """Plays commands; `said` collects what happened."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.epoch = 1
        self.nodes: dict[str, Node] = {}
        self.wire: list[tuple[str, str, Message]] = []
        self.kept_back: list[tuple[str, str, Message]] = []
        self.trades: dict[TradeId, str] = {}
        self.parties: dict[str, Party] = {}
        self.slow_rules: set[str] = set()
        self.said: list[str] = []

    def play(self, command: str) -> None:
        """One line of a transcript."""
        word, *arguments = command.split()
        COMMANDS[word](self, *arguments)

    def engine(self, name: str) -> Agreement:
        """Of a node that is up."""
        engine = self.nodes[name].engine
        assert engine is not None, f"{name} is down"
        return engine

    # Commands

    def start(self, *names: str) -> None:
        """All nodes start."""
        for number, name in enumerate(names, 1):
            self.nodes[name] = Node(name, number)
            self.nodes[name].start(self.now_s)

    def open(self, name: str, *legs: str) -> None:
        """A node opens a trade."""
        participants = {Participant(*leg.split("@")): b"leg" for leg in legs}
        opened = self.engine(name).open(self.epoch, tuple(self.nodes), participants, self.now_s)
        assert opened is not None
        trade, effects = opened
        self.trades[trade] = short = f"T{len(self.trades) + 1}"
        self.parties[short] = Party(tuple(participants), tuple(self.nodes))
        self.said.append(f"{name} opens {short}")
        self.take(name, effects)

    def vote(self, store: str, answer: str) -> None:
        """The rules answer the oldest PrepareTask of a store."""
        for node in self.nodes.values():
            for task in node.tasks:
                if isinstance(task, PrepareTask) and task.store == store:
                    node.tasks.remove(task)
                    self.said.append(f"{node.name} {store} votes {answer}")
                    payload = (store if answer == "yes" else f"{store} refuses").encode()
                    self.take(
                        node.name,
                        self.engine(node.name).voted(task.trade, store, answer == "yes", payload, self.now_s),
                    )
                    return
        raise AssertionError(f"nobody asked {store}")

    def judge(self, name: str, answer: str) -> None:
        """The rules answer a JudgeTask."""
        node = self.nodes[name]
        task = next(task for task in node.tasks if isinstance(task, JudgeTask))
        node.tasks.remove(task)
        self.said.append(f"{name} judges {answer}")
        self.do_judge(name, task, answer == "yes")

    def settle(self, store: str) -> None:
        """A store has settled."""
        for node in self.nodes.values():
            for task in node.tasks:
                if isinstance(task, SettleTask) and task.store == store:
                    node.tasks.remove(task)
                    self.said.append(f"{node.name} {store} has settled")
                    self.take(node.name, self.engine(node.name).settled(task.trade, store, self.now_s))
                    return
        raise AssertionError(f"nothing to settle in {store}")

    def make_rules_slow(self, who: str) -> None:
        """Judging at a node, or settling of a store, waits for a command."""
        self.slow_rules.add(who)

    def deliver(self, *pattern: str) -> None:
        """Hand messages over."""
        if pattern:
            for passing in self.pick(pattern):
                self.wire.remove(passing)
                self.hand_over(*passing)
            return
        for _ in range(DELIVERIES_MAX):
            if not self.wire:
                return
            self.hand_over(*self.wire.pop(0))
        raise AssertionError("the nodes talk for ever")

    def drop(self, *pattern: str) -> None:
        """Lose messages."""
        for passing in self.pick(pattern):
            self.wire.remove(passing)
            self.said.append(f"lost: {passing[0]} → {passing[1]} {self.told(passing[2])}")

    def repeat(self, *pattern: str) -> None:
        """Double messages."""
        self.wire += self.pick(pattern)

    def keep_back(self, *pattern: str) -> None:
        """Hold one copy of messages back."""
        for passing in self.pick(pattern):
            if passing not in self.kept_back:
                self.wire.remove(passing)
                self.kept_back.append(passing)

    def let_go(self) -> None:
        """They are under way again."""
        self.wire += self.kept_back
        self.kept_back.clear()

    def make_disk_slow(self, name: str) -> None:
        """Nothing is durable until `sync`."""
        self.nodes[name].slow_disk = True

    def sync(self, name: str) -> None:
        """The disk has everything."""
        node = self.nodes[name]
        node.slow_disk = False
        for item in node.waiting:
            if isinstance(item, dict):
                node.write(item)
                self.said.append(f"{name} has durably: {'; '.join(map(self.told_fact, item.items()))}")
            else:
                self.send(name, item)
        node.waiting.clear()

    def crash(self, name: str) -> None:
        """Memory is gone, and what was not durable."""
        node = self.nodes[name]
        node.engine = None
        node.slow_disk = False
        node.waiting.clear()
        node.tasks.clear()

    def restart(self, name: str) -> None:
        """Up again."""
        self.nodes[name].start(self.now_s)

    def replace(self, name: str) -> None:
        """The directory is lost; the operator says so, which is a new epoch."""
        self.crash(name)
        self.epoch += 1
        node = self.nodes[name]
        node.durable.clear()
        node.since_epoch = self.epoch
        node.start(self.now_s)

    def tick(self, seconds: str) -> None:
        """Time passes."""
        self.now_s += float(seconds)
        for node in self.nodes.values():
            if node.engine is not None:
                effects = node.engine.tick(self.now_s)
                if effects.persist or effects.send or effects.tasks:
                    self.said.append(f"{node.name} at {self.now_s:g} s")
                    self.take(node.name, effects)

    def recover(self, name: str, short: str) -> None:
        """A node recovers a trade."""
        trade = next(trade for trade, named in self.trades.items() if named == short)
        self.said.append(f"{name} recovers {short}")
        self.take(name, self.engine(name).recover(trade, self.parties[short], self.now_s))

    def show(self) -> None:
        """What is durable, and what is open."""
        for node in self.nodes.values():
            kept = "; ".join(sorted(self.told_fact((key, facts.read(key, raw))) for key, raw in node.durable.items()))
            self.said.append(f"{node.name} {'keeps ' + kept if kept else 'keeps nothing'}")
            for trade in () if node.engine is None else node.engine.open_trades(self.now_s):
                waits = f", waits for {' '.join(trade.waits_for)}" if trade.waits_for else ""
                self.said.append(f"  {self.trades[trade.trade]} {trade.role}: {trade.state}{waits}")

    # What they do

    def pick(self, pattern: tuple[str, ...]) -> list[tuple[str, str, Message]]:
        """What is under way and fits `[n1->n2] [kind]`, either name or both `*`."""
        ways = [word.split("->") for word in pattern if "->" in word]
        kinds = [word for word in pattern if "->" not in word]
        picked = [
            passing
            for passing in self.wire
            if all(way[0] in ("*", passing[0]) and way[1] in ("*", passing[1]) for way in ways)
            and (not kinds or passing[2].__struct_config__.tag in kinds)
        ]
        assert picked, f"nothing under way is {' '.join(pattern)}"
        return picked

    def hand_over(self, sender: str, receiver: str, message: Message) -> None:
        """One message arrives."""
        self.said.append(f"{sender} → {receiver} {self.told(message)}")
        engine = self.nodes[receiver].engine
        if engine is None:
            self.said.append(f"  {receiver} is down")
            return
        try:
            effects = engine.step(sender, message, self.now_s)
        except DurabilityViolated as violated:
            self.said.append(f"  {receiver} stops {violated.store}: durability was violated")
            return
        self.take(receiver, effects)

    def take(self, name: str, effects: Effects) -> None:
        """Do what an engine says: persist, then send; tasks."""
        node = self.nodes[name]
        if effects.persist:
            self.said.append(f"  persists {'; '.join(map(self.told_fact, effects.persist.items()))}")
            if node.slow_disk:
                node.waiting.append(dict(effects.persist))
            else:
                node.write(effects.persist)
        if effects.binding and node.slow_disk:
            node.waiting.append(list(effects.send))
        else:
            self.send(name, effects.send)
        for task in effects.tasks:
            self.do(name, task)

    def send(self, sender: str, messages: list[tuple[str, Message]]) -> None:
        """Put messages on the wire."""
        for receiver, message in messages:
            self.said.append(f"  sends {receiver} {self.told(message)}")
            self.wire.append((sender, receiver, message))

    def do(self, name: str, task: PrepareTask | JudgeTask | SettleTask | EndedTask) -> None:
        """Tasks: those for which no command is needed are answered at once."""
        short = self.trades[task.trade]
        if isinstance(task, EndedTask):
            refusals = "; ".join(payload.decode() for payload in task.refusals.values())
            self.said.append(f"  ENDED {short} {told_value(task.value)}{': ' + refusals if refusals else ''}")
        elif isinstance(task, PrepareTask):
            self.said.append(f"  asks {task.store} whether it holds {short}, within {task.deadline_s:g} s")
            self.nodes[name].tasks.append(task)
        elif isinstance(task, JudgeTask):
            self.said.append(f"  asks what the votes on {short} make together")
            if name in self.slow_rules:
                self.nodes[name].tasks.append(task)
            else:
                self.do_judge(name, task, True)
        else:
            self.said.append(f"  has {task.store} settle {short} {told_value(task.value)}")
            if task.store in self.slow_rules:
                self.nodes[name].tasks.append(task)
            else:
                self.take(name, self.engine(name).settled(task.trade, task.store, self.now_s))

    def do_judge(self, name: str, task: JudgeTask, agree: bool) -> None:
        """The rules put the votes together."""
        payload = b" ".join(task.votes.values()) if agree else None
        self.take(name, self.engine(name).judged(task.trade, payload, self.now_s))

    # Words

    def told(self, message: Message) -> str:
        """A message in words."""
        words = [str(message.__struct_config__.tag)]
        if isinstance(message, Close):
            spans = [f"{low}-{high}" for low, high in message.intervals]
            return " ".join([*words, f"number {message.number}, below {message.below}", *spans])
        for field in message.__struct_fields__:
            value = getattr(message, field)
            if isinstance(value, TradeId):
                words.append(self.trades[value])
            elif isinstance(value, Value):
                words.append(told_value(value))
            elif isinstance(value, Ballot):
                words.append(f"{field} {told_ballot(value)}" if field != "ballot" else told_ballot(value))
            elif field == "yes":
                words.append("YES" if value else "NO")
            elif field == "number":
                words.append(f"number {value}")
            elif field == "last" and value:
                words.append("last")
            elif field == "store":
                words.append(str(value))
        return " ".join(words)

    def told_fact(self, item: tuple[str, Fact | None]) -> str:
        """A fact in words."""
        key, fact = item
        match fact:
            case Prepared():
                return f"prepared {self.trades[fact.trade]} {fact.store}"
            case Outcome():
                return f"finished {self.trades[fact.trade]} {fact.store} {told_value(fact.value)}"
            case Register(accepted=Ballot() as accepted, value=Value() as value):
                return (
                    f"register {self.trades[fact.trade]} promised {told_ballot(fact.promised)}, "
                    f"accepted {told_ballot(accepted)} {told_value(value)}"
                )
            case Register():
                return f"register {self.trades[fact.trade]} promised {told_ballot(fact.promised)}"
            case ClosedTrades():
                spans = " ".join(f"{low}-{high}" for low, high in fact.intervals)
                return f"closed {fact.node} in its life {fact.incarnation}: {spans}"
        names = {str(trade): short for trade, short in self.trades.items()}
        return "no more " + " ".join(names.get(word, word) for word in key.split("/"))


def told_value(value: Value) -> str:
    """An outcome in words."""
    return f"COMMIT ({value.payload.decode()})" if value.commit else "ABORT"


def told_ballot(ballot: Ballot) -> str:
    """A ballot in words."""
    return f"{ballot.round}.{ballot.node}.{ballot.incarnation}"


COMMANDS: dict[str, Callable[..., None]] = {
    "nodes": Stage.start,
    "open": Stage.open,
    "vote": Stage.vote,
    "slow-rules": Stage.make_rules_slow,
    "judge": Stage.judge,
    "settle": Stage.settle,
    "deliver": Stage.deliver,
    "drop": Stage.drop,
    "repeat": Stage.repeat,
    "keep-back": Stage.keep_back,
    "let-go": Stage.let_go,
    "slow-disk": Stage.make_disk_slow,
    "sync": Stage.sync,
    "crash": Stage.crash,
    "restart": Stage.restart,
    "replace": Stage.replace,
    "tick": Stage.tick,
    "recover": Stage.recover,
    "show": Stage.show,
}
