"""The agreement alone: the production engines of several nodes, and everything else simulated.

A history opens a few trades over a few stores while faults happen, for some simulated seconds. Then faults stop, every
node runs, and all that was begun must come to its end: safety first, then liveness.
"""

import math
import traceback
from random import Random

from msgspec.structs import replace

from shardnode.agreement.limits import AgreementLimits
from shardnode.agreement.messages import (
    Accept,
    Accepted,
    Acked,
    Close,
    Decided,
    Message,
    Participant,
    Promise,
    TradeId,
)
from tests.simulation.agreement_checks import Checks
from tests.simulation.agreement_network import Network
from tests.simulation.agreement_node import House, Node, outage_s
from tests.simulation.agreement_story import message_told
from tests.simulation.faults import Faults, draw
from tests.simulation.histories import History, Level, Plan, Violation
from tests.simulation.world import World

TROUBLE_S = (0.5, 8.0)
"""Shortest and longest time of faults."""
FIRST_S = 0.0005
"""The first fault of the ones that are planned comes so soon."""
LIVENESS_S = 60.0
"""After the last fault, everything is over within so long."""
OPENING_S = 0.3
"""Trades are opened within so long from the beginning, most of them early; and so is trouble with nodes and links."""
REFUSED = 0.05
"""Share of legs whose vote is NO."""
REFUSED_TOGETHER = 0.03
"""Share of trades that their votes together make an abort."""
NODES = (3, 3, 3, 3, 4, 5, 5, 5, 5)
"""How many nodes a history has."""
SIZES = (1, 1, 1, 2, 3)
"""How many trades a history has."""
CONTEST, CROWD = (0.15, 1.0), (0.3, 2.0)
"""Absence and mildness of the kinds of faults around a single trade, and around several."""
PRELUDES = (None, None, Accept, Accept, Accept, Promise, Promise, Accepted, Decided, Acked, Close)
PRELUDE_S = 1.0
"""A seed draws one of these: faults begin at once, or with the first message of a kind; at the latest after this."""
SELF_S = 0.00001
"""How long a message takes from a node to itself."""
BYSTANDERS_MAX = 6
BYSTANDER_S = (0.0003, 1.0)
"""So many nodes may begin to recover a trade by themselves, this long after its coordinator sent ACCEPT."""
DURATIONS = tuple(name for name in AgreementLimits.__struct_fields__ if name.endswith("_s"))
RECOVERY = ("recovery_s", "recovery_jitter_s", "ask_s", "backoff_s", "backoff_max_s")


def plan(seed: int) -> Plan:
    """The history of a seed."""
    random = Random(~seed)
    nodes = random.choice(NODES)
    size = random.choice(SIZES)
    return Plan(seed, draw(random, *(CONTEST if size == 1 else CROWD)), nodes, size)


def play(plan: Plan, story: list[str] | None = None) -> History:
    """One history; what the production code raises is a violation like any other."""
    agreement = _Agreement(plan, story)
    violation = None
    try:
        agreement.run()
    except Violation as broken:
        violation = broken
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        violation = Violation(type(error).__name__, f"{error} ({where.name}: {where.line})")
    if violation is not None:
        agreement.world.tell("VIOLATION", str(violation))
    return History(agreement.world.faults, violation)


LEVEL = Level("agreement", plan, play, nodes_min=3, shrink_histories=4_000)


def hasty(patience: float, before_recovery: float) -> AgreementLimits:
    """The production code's limits, all durations so many times as long, those of recoveries again."""
    usual = AgreementLimits()
    durations = {name: getattr(usual, name) * patience for name in DURATIONS}
    durations |= {name: durations[name] * before_recovery for name in RECOVERY}
    return replace(usual, **durations)


LIMITS = tuple(hasty(patience, before) for patience in (1.0, 0.3) for before in (1.0, 0.2))
"""A seed draws one. In haste recoveries meet coordinators that are alive, and each other."""


class _Agreement:
    """The nodes of one history, what is asked of them, and what goes wrong."""

    def __init__(self, plan: Plan, story: list[str] | None) -> None:
        self.world = world = World(plan, story)
        self._checks = Checks()
        self._refusing: set[str] = set()
        limits = LIMITS[int(world.share() * len(LIMITS))]
        names = [f"n{number}" for number in range(1, plan.nodes + 1)]
        self._victim = world.random.choice(names)
        house = House(
            world, self._checks, limits, self._refusing, self._send, self._proposed, self._struck, self._replaced
        )
        self._nodes = [Node(name, house) for name in names]
        self._network = Network(world, names, self._victim)
        self._prelude = PRELUDES[int(world.share() * len(PRELUDES))]
        self._troubled = False
        world.rates = Faults(outage_s=world.rates.outage_s)
        self._by_name = {node.name: node for node in self._nodes}
        self._trouble_s = TROUBLE_S[0] + (TROUBLE_S[1] - TROUBLE_S[0]) * world.share() ** 2
        self._homes = self._nodes[: 2 + int(world.share() * (plan.nodes - 1 - bool(plan.faults.lost_disks)))]
        """Nodes with stores; with lost disks in the plan not all: the stores of a lost disk are lost for good."""
        self._epochs = [self._acceptors()]
        self._lost = [0]
        """Per epoch from the first: its acceptors, and how many of them lost their disks."""

    def run(self) -> None:
        """The whole history. Raises Violation."""
        world = self.world
        for node in self._nodes:
            node.start()
        self._plan_trades()
        world.after(0.0 if self._prelude is None else PRELUDE_S, self._begin_trouble)
        world.run(PRELUDE_S + self._trouble_s + LIVENESS_S)
        self._check_all_over()

    def _plan_trades(self) -> None:
        world = self.world
        stores = [Participant("abc"[number], self._homes[number % len(self._homes)].name) for number in range(3)]
        for _ in range(world.plan.size):
            parties = world.random.sample(stores, 2 if world.share() < 0.7 else 3)
            coordinator = world.random.choice(self._nodes)
            world.after(world.share() ** 2 * OPENING_S, self._open, coordinator, parties)

    def _begin_trouble(self) -> None:
        world = self.world
        if self._troubled:
            return
        self._troubled = True
        rates = world.rates = world.plan.faults
        self._network.trouble()
        world.tell("all", "faults begin")
        for rate, act in ((rates.cuts, self._cut), (rates.pauses, self._pause), (rates.jumps, self._jump)):
            for _ in range(int(rate * self._trouble_s + world.share()) if rate else 0):
                world.after(self._soon_s(), act, self._unlucky())
        for node in self._nodes:
            if (rates.crashes and world.share() < 0.5) or (rates.lost_disks and node not in self._homes):
                world.after(self._soon_s(), self._crash, node)
        world.after(self._trouble_s, self._calm)

    def _soon_s(self) -> float:
        """A time within the time of faults, as likely in its first milliseconds as in its last seconds."""
        return FIRST_S * math.pow(self._trouble_s / FIRST_S, self.world.share())

    def _unlucky(self) -> Node:
        """Whom it meets: often the victim of the history, so that one thing comes on top of another."""
        return self._by_name[self._victim] if self.world.share() < 0.5 else self.world.random.choice(self._nodes)

    def _open(self, node: Node, parties: list[Participant]) -> None:
        world = self.world
        epoch = len(self._epochs) - (len(self._epochs) > 1 and world.share() < 0.2)
        trade = node.open(epoch, self._epochs[epoch - 1], parties)
        if trade is None:
            world.after(0.5, self._open, node, parties)
            return
        for each in parties:
            if world.share() < REFUSED:
                self._refusing.add(f"prepared/{trade}/{each.store}")
        if world.share() < REFUSED_TOGETHER:
            self._refusing.add(str(trade))

    def _proposed(self, trade: TradeId) -> None:
        """A coordinator has just sent ACCEPT; others may recover the trade meanwhile."""
        world = self.world
        first_s, last_s = BYSTANDER_S
        for _ in range(BYSTANDERS_MAX):
            if world.strikes(world.rates.bystanders):
                at_s = first_s * (last_s / first_s) ** world.share()
                world.after(at_s, self._recover, world.random.choice(self._nodes), trade)

    def _send(self, sender: str, to: str, message: Message) -> None:
        world = self.world
        if type(message) is self._prelude:
            self._begin_trouble()
        if to == sender:
            world.after(SELF_S, self._by_name[to].receive, sender, message)
            return
        latencies_s = self._network.latencies_s(sender, to, message)
        for latency_s in latencies_s:
            world.after(latency_s, self._by_name[to].receive, sender, message)
        if world.told and not latencies_s:
            world.tell(f"{sender} ⇥ {to}", f"{message_told(message)}: is lost")

    def _cut(self, node: Node) -> None:
        world = self.world
        other = world.random.choice(self._nodes)
        if other is not node and world.strikes(1.0):
            until_s, both_ways = world.now_s + outage_s(world), world.share() < 0.5
            self._network.cut(node.name, other.name, until_s, both_ways)
            world.tell(f"{node.name} {'↮' if both_ways else '↛'} {other.name}", f"cut until {until_s:.4f} s")

    def _struck(self, node: Node) -> None:
        """A node is about to handle a message of its weak kind."""
        world = self.world
        if world.strikes(world.rates.cuts):
            until_s = world.now_s + outage_s(world)
            for other in self._nodes:
                if other is not node:
                    self._network.cut(node.name, other.name, until_s, both_ways=True)
            world.tell(node.name, f"is cut off until {until_s:.4f} s")
        if world.strikes(world.rates.pauses):
            node.pause()

    def _crash(self, node: Node) -> None:
        if node.engine is not None and self.world.strikes(1.0):
            node.crash()

    def _pause(self, node: Node) -> None:
        if self.world.strikes(1.0):
            node.pause()

    def _jump(self, node: Node) -> None:
        if self.world.strikes(1.0):
            node.jump()

    def _recover(self, node: Node, trade: TradeId) -> None:
        node.recover(trade, self._checks.truths[trade].party)

    def _replaced(self, node: Node) -> int:
        """A node that lost its disk has a new identity and makes a new epoch; no acceptor set loses a majority."""
        world = self.world
        if node in self._homes or not world.rates.lost_disks:
            return 0
        members = [epoch >= node.since_epoch and node.name in names for epoch, names in enumerate(self._epochs, 1)]
        lost = [count + member for count, member in zip(self._lost, members, strict=True)]
        bearable = all(2 * count < len(names) for count, names in zip(lost, self._epochs, strict=True))
        if not bearable or not world.strikes(world.rates.lost_disks):
            return 0
        self._lost = [*lost, 0]
        self._epochs.append(self._acceptors())
        epoch = len(self._epochs)
        world.tell(node.name, f"loses its disk; epoch {epoch} has acceptors {', '.join(self._epochs[-1])}")
        return epoch

    def _acceptors(self) -> tuple[str, ...]:
        random = self.world.random
        count = 5 if len(self._nodes) == 5 and random.random() < 0.8 else 3
        return tuple(node.name for node in random.sample(self._nodes, count))

    def _calm(self) -> None:
        self.world.calm()
        self._network.heal()
        self.world.tell("all", "faults stop, links are whole, every node runs")
        for node in self._nodes:
            node.sound()

    def _check_all_over(self) -> None:
        for node in self._nodes:
            for key in node.held:
                raise Violation("liveness", f"{node.name} holds {key} for ever")
            assert node.engine is not None
            for trade in node.engine.open_trades(node.clock_s()):
                if trade.role != "acceptor":
                    raise Violation("liveness", f"{trade.trade} stays open at {node.name}, its {trade.role}: {trade}")
        for trade_id, truth in self._checks.truths.items():
            coordinator = self._by_name[trade_id.node]
            if trade_id.incarnation != coordinator.life:
                continue
            if not truth.ended:
                raise Violation("liveness", f"{coordinator.name} runs, opened {trade_id} and never told its end")
            keys = {f"register/{trade_id}", *(f"finished/{trade_id}/{each.store}" for each in truth.party.participants)}
            for node in self._nodes:
                if not keys.isdisjoint(node.facts):
                    raise Violation("forgetting", f"{node.name} keeps {trade_id} for ever, although it is closed")
