"""What goes wrong in the course of time: links cut, nodes that stand still, clocks that jump, needless recoveries.

What goes wrong with a single message or record is in `network` and `disk`.
"""

from collections.abc import Callable

from tests.simulation.house import House, SimulatedNode
from tests.simulation.world import World

CRASHES_PER_S = 10
"""How often a node dies out of the blue, per second, as a multiple of how often one dies with a record."""
WORDS_MAX = 20
ALARM_S = 1.0
"""How soon an operator sees an alarm, when all is calm."""
STOPPED = 0.25
"""Share of these that are no deaths but orderly stops."""


class Troubles:
    """Makes trouble from now on, each kind at its rate, until the world is calm."""

    def __init__(self, world: World, house: House) -> None:
        self._world = world
        self._house = house
        self._random = world.random
        self._nodes = list(house.nodes.values())
        self._wall_ahead_s = dict.fromkeys(house.nodes, 0.0)
        kinds: dict[str, Callable[[], None]] = {
            "cuts": self._cut,
            "pauses": self._pause,
            "jumps": self._jump,
            "bystanders": self._recover,
            "crashes": self._crash,
            "lost_disks": self._lose,
        }
        for kind, act in kinds.items():
            self._again(kind, act)

    def end(self) -> None:
        """Mend everything: links, clocks, and nodes that stand still. Nodes that are down come back by themselves."""
        for one in self._house.nodes:
            for other in self._house.nodes:
                self._house.network.heal(one, other)
        for node in self._nodes:
            self._go_on(node, node.process)
            node.machine.jump(monotonic_s=0.0, wall_s=-self._wall_ahead_s[node.name])
        self._world.after(ALARM_S, self._see_alarms)

    def _see_alarms(self) -> None:
        """An operator restarts nodes that do not believe their clocks, and so says that these are right."""
        for node in self._house.running():
            if node.clock.held and node.process is not None:
                self._world.tell(node.name, "is restarted, as its clock is right")
                node.process.die()

    def _again(self, kind: str, act: Callable[[], None]) -> None:
        rate = getattr(self._world.rates, kind) * (CRASHES_PER_S if kind == "crashes" else 1)
        if rate:
            self._world.after(self._random.expovariate(rate), self._happen, kind, act)

    def _happen(self, kind: str, act: Callable[[], None]) -> None:
        if getattr(self._world.rates, kind) and self._world.happens():
            act()
            self._again(kind, act)

    def _outage_s(self) -> float:
        return self._world.share() * self._world.rates.outage_s

    def _cut(self) -> None:
        if len(self._nodes) < 2:
            return
        one, other = (node.name for node in self._random.sample(self._nodes, 2))
        ways = [(one, other)] if self._world.share() < 0.5 else [(one, other), (other, one)]
        outage_s = self._outage_s()
        self._world.tell(one, f"cut from {other}, {len(ways)} way(s), for {outage_s:.2f} s")
        for way in ways:
            self._house.network.cut(*way)
            self._world.after(outage_s, self._house.network.heal, *way)

    def _pause(self) -> None:
        running = self._house.running()
        if running:
            node = self._random.choice(running)
            outage_s = self._outage_s()
            self._world.tell(node.name, f"stands still for {outage_s:.2f} s")
            assert node.process is not None
            node.process.pause()
            self._house.network.silent(node.name, on=True)
            self._world.after(outage_s, self._go_on, node, node.process)

    def _go_on(self, node: SimulatedNode, process: object) -> None:
        if node.process is not None and node.process is process and node.process.paused:
            self._world.tell(node.name, "goes on")
            node.process.go_on()
            if node.process is process:
                self._house.network.silent(node.name, on=False)

    def _crash(self) -> None:
        """Some node dies out of the blue, at once or while it says something."""
        node = self._random.choice(self._nodes)
        process = node.process
        if process is not None and self._world.share() < STOPPED:
            self._house.stop(node)
        elif process is not None:
            self._world.tell(process.name, "dies out of the blue")
            process.die_after(self._random.randrange(WORDS_MAX)) if self._world.share() < 0.5 else process.die()

    def _lose(self) -> None:
        """A node that only votes dies, and its disk with it."""
        lost = [node for node in self._nodes if node.process is not None and self._house.may_be_lost(node)]
        if lost:
            node = self._random.choice(lost)
            assert node.process is not None
            node.disk_fails = True
            node.process.die()

    def _jump(self) -> None:
        node = self._random.choice(self._nodes)
        ahead_s = self._outage_s() if self._world.share() < 0.5 else 0.0
        wall_s = self._outage_s() * self._random.choice((-1, 1)) if not ahead_s or self._world.share() < 0.5 else 0.0
        self._world.tell(node.name, f"clocks jump: monotonic {ahead_s:.2f} s, time of day {wall_s:.2f} s")
        self._wall_ahead_s[node.name] += wall_s
        node.machine.jump(monotonic_s=ahead_s, wall_s=wall_s)
        if node.process is not None:
            node.process.clock_jumped()

    def _recover(self) -> None:
        """Some node decides a trade that is open somewhere, whether it has to do with it or not."""
        running = self._house.running()
        open_trades = [trade for node in running for trade in node.node.trades.open_trades() if trade.party is not None]
        if open_trades:
            trade, node = self._random.choice(open_trades), self._random.choice(running)
            self._world.tell(node.name, f"recovers {trade.trade}")
            assert node.process is not None
            node.process.reach(node.node.trades.recover, trade)
