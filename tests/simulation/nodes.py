"""Whole nodes: one history of a house of production nodes, from a plan to what came of it.

    a quiet start ─► trouble while the crowd trades ─► calm: faults end, all nodes run ─► rest ─► all die and come back
    ─► rest ─► everybody looks round and bids ─► rest

Safety is checked at every step (`books`, `checks.Answers`); after the last fault everything must come to its end
within LIVENESS_S (`checks.Rest`), again after a restart of all nodes, and then everybody must be served.
"""

import gc
import traceback
from random import Random
from typing import Any

from twisted.logger import LogEvent, LogLevel, formatEvent, globalLogPublisher

from tests.auction.house import store_of
from tests.simulation.books import Books
from tests.simulation.checks import Answers, Rest, check_frozen, check_keys, check_one_by_one
from tests.simulation.faults import Faults, draw
from tests.simulation.frozen import FrozenThings
from tests.simulation.histories import History, Level, Plan, Violation
from tests.simulation.house import House, SimulatedNode
from tests.simulation.node_story import STORE_SHOWN
from tests.simulation.troubles import Troubles
from tests.simulation.workload import BEGIN_S, Crowd
from tests.simulation.world import World

TROUBLE_S = (1.5, 9.0)
"""Shortest and longest time of faults."""
LIVENESS_S = 30.0
"""After the last fault, everything is over within so long."""
LOOK_S = 0.25
"""How often a house is asked whether it is at rest."""
RESTARTED = 0.5
"""Share of histories at whose end all nodes die once more."""
NODES = (1, 3, 3, 3, 3, 3, 3, 3, 4, 4, 5, 5)
PLAYERS = (3, 6)
SIZES = (50, 160)


def plan(seed: int) -> Plan:
    """The history of a seed."""
    random = Random(~seed)
    return Plan(seed, draw(random), random.choice(NODES), random.randint(*SIZES))


def play(plan: Plan, story: list[str] | None = None) -> History:
    """One history; whatever goes wrong in the nodes is a violation like any other.

    Its garbage is collected before it is over: an error that nobody took is told when its Deferred is collected.
    """
    collecting = gc.isenabled()
    gc.disable()
    unhandled: list[str] = []

    def observe(event: LogEvent) -> None:
        if event.get("log_level") is LogLevel.critical:
            failure = event.get("log_failure")
            unhandled.append(str(formatEvent(event)) if failure is None else failure.getTraceback()[-1500:])

    globalLogPublisher.addObserver(observe)
    try:
        faults, violation = _played(plan, story)
        gc.collect(0)
    finally:
        globalLogPublisher.removeObserver(observe)
        if collecting:
            gc.enable()
    if violation is None and unhandled:
        violation = Violation("sound node", unhandled[0])
    if violation is not None and story is not None:
        story.append(str(violation))
    return History(faults, violation)


def _played(plan: Plan, story: list[str] | None) -> tuple[int, Violation | None]:
    world = World(plan, story)
    try:
        _History(world).run()
    except Violation as violation:
        return world.faults, violation.with_traceback(None)
    except Exception as error:
        return world.faults, Violation(type(error).__name__, "".join(traceback.format_exception(error))[-1500:])
    return world.faults, None


LEVEL = Level("nodes", plan, play, nodes_min=1, shrink_histories=200)


class _History:
    def __init__(self, world: World) -> None:
        plan = world.plan
        self.world = world
        world.rates = Faults(drift=plan.faults.drift, outage_s=plan.faults.outage_s, fsync_s=plan.faults.fsync_s)
        self.house = House(world, self._durable, self._died)
        count = world.random.randint(*PLAYERS)
        players = world.random.sample([f"p{number}" for number in range(1, 13)], count)
        home_of = self.house.map.home_of
        self.frozen = FrozenThings(world, self.house.nodes, players, home_of, self.house.links_of)
        self.house.network.ear = self.frozen
        self.books = Books(world, home_of, self.house.latest_ms, self.frozen)
        self.answers = Answers(world, self.books, self.frozen)
        self.rest = Rest(world, self.house, self.books, self.frozen)
        told = self.answers
        self.crowd = Crowd(world, self.house, players, told.answered, told.noticed, told.matched)
        for player in players:
            store = store_of(player)
            world.tell(player, f"lives in {store[:STORE_SHOWN]} on {self.house.map.home_of(store)}")

    def run(self) -> None:
        """From the first step to the last check."""
        world = self.world
        low, high = TROUBLE_S
        quiet_at_s = low + (high - low) * world.share() ** 2
        world.run(BEGIN_S)
        world.rates = world.plan.faults
        troubles = Troubles(world, self.house)
        world.run(BEGIN_S + quiet_at_s)
        world.tell("world", "calm from here on")
        world.calm()
        troubles.end()
        self._come_to_rest()
        if world.share() < RESTARTED:
            world.tell("world", "all nodes die once more")
            for node in self.house.nodes.values():
                if node.process is not None:
                    node.process.die()
            self._come_to_rest()
        self.crowd.look_round()
        self._come_to_rest()
        self.rest.check_disks()
        self.rest.check_histories()
        check_keys(world, self.books, self.crowd.attempts)
        check_one_by_one(world, self.books, self.crowd.attempts)
        check_frozen(self.frozen, self.crowd.attempts)
        if world.violation is not None:
            raise world.violation

    def _come_to_rest(self) -> None:
        world = self.world
        until_s = world.now_s + LIVENESS_S
        while True:
            world.run(world.now_s + LOOK_S)
            missing = "clients wait" if not self.crowd.done() else self.rest.missing(self.crowd.visits)
            if missing is None:
                break
            if world.now_s >= until_s:
                raise Violation("liveness", f"{LIVENESS_S} s after the last fault {missing}")
        self.rest.check()
        if world.violation is not None:
            raise world.violation

    def _durable(self, node: str, batch: Any) -> None:
        try:
            self.books.durable(node, batch)
        except Exception:  # the disk's own caller would take it for a fault of the disk
            self.world.violate("sound books", traceback.format_exc())

    def _died(self, node: SimulatedNode) -> None:
        self.crowd.died(node)
        self.frozen.died(node.name)
