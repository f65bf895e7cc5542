"""Several nodes in memory for tests: one house, links that the test cuts, and one clock turned by hand."""

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from auction.commands import Ask
from auction.context import Answer, Caller, Request, Role
from auction.ids import player_store
from shardnode.cluster.map import ClusterMap, NodeEntry
from shardnode.cluster.network import Network, NetworkEvents
from tests.node.house import NodeInMemory
from worlddata.types import Rules

NAMING_KEY = bytes(32)
SLOTS = 64


def map_of(nodes: int, version: int = 1) -> ClusterMap:
    """A cluster n1, n2, … with the slots dealt out in turn, all of them acceptors."""
    names = [f"n{number}" for number in range(1, nodes + 1)]
    entries = {name: NodeEntry(name, "", 0, f"ws://{name}/ws", "", 1) for name in names}
    homes = tuple(names[slot % nodes] for slot in range(SLOTS))
    return ClusterMap("test", version, 1, entries, homes, tuple(names))


class Wire:
    """All links of a house: frames arrive when the test lets them."""

    def __init__(self) -> None:
        self.frames: deque[tuple[str, str, bytes]] = deque()
        self.events: dict[str, NetworkEvents] = {}
        self.cut: set[frozenset[str]] = set()
        self.drop: Callable[[str, str, bytes], bool] = lambda _sender, _to, _frame: False

    def of(self, node: str) -> Callable[[NetworkEvents], Network]:
        """What a node gets as `network_of`."""

        def network_of(events: NetworkEvents) -> Network:
            self.events[node] = events
            return _Links(self, node)

        return network_of

    def are_linked(self, one: str, other: str) -> bool:
        """Whether frames pass between two nodes."""
        return one in self.events and other in self.events and frozenset((one, other)) not in self.cut

    def up(self, node: str) -> None:
        """Link a node with all that run."""
        for other in list(self.events):
            if other != node and self.are_linked(node, other):
                self.events[node].link_up(other)
                self.events[other].link_up(node)

    def down(self, node: str) -> None:
        """A node is gone: its frames with it."""
        del self.events[node]
        self.frames = deque(frame for frame in self.frames if node not in frame[:2])
        for other in self.events.values():
            other.link_down(node)

    def sever(self, one: str, other: str) -> None:
        """Cut a link."""
        self.cut.add(frozenset((one, other)))
        self.frames = deque(frame for frame in self.frames if {one, other} != set(frame[:2]))
        self.events[one].link_down(other)
        self.events[other].link_down(one)

    def heal(self, one: str, other: str) -> None:
        """Mend a link."""
        self.cut.discard(frozenset((one, other)))
        self.events[one].link_up(other)
        self.events[other].link_up(one)

    def deliver(self) -> None:
        """Hand over all frames that are under way."""
        for _ in range(len(self.frames)):
            sender, to, frame = self.frames.popleft()
            if self.are_linked(sender, to) and not self.drop(sender, to, frame):
                self.events[to].received(sender, frame)


class _Links:
    """One node's end of the wire."""

    def __init__(self, wire: Wire, node: str) -> None:
        self._wire = wire
        self._node = node

    def send(self, node: str, frame: bytes) -> bool:
        """See Network."""
        if not self._wire.are_linked(self._node, node):
            return False
        self._wire.frames.append((self._node, node, frame))
        return True

    def is_up(self, node: str) -> bool:
        """See Network."""
        return self._wire.are_linked(self._node, node)


class HouseInMemory:
    """A house of several nodes."""

    def __init__(self, nodes: int = 3, rules: Rules | None = None) -> None:
        self.wire = Wire()
        self.reactor = Clock()
        self.map = map_of(nodes)
        self.nodes = {
            name: NodeInMemory(
                name=name, cluster_map=self.map, network_of=self.wire.of(name), reactor=self.reactor, rules=rules
            )
            for name in self.map.nodes
        }
        for name in self.nodes:
            self.wire.up(name)
        self.work()

    def home_of(self, player: str) -> str:
        """The node where a player lives."""
        return self.map.home_of(player_store(NAMING_KEY, player))

    def player_at(self, node: str, but: tuple[str, ...] = ()) -> str:
        """Some player who lives at a node."""
        return next(name for number in range(1_000) if (name := f"p{number}") not in but and self.home_of(name) == node)

    def work(self) -> None:
        """Let everything that is under way come to rest; no time passes."""
        for _ in range(60):
            self.step()

    def step(self) -> None:
        """Let every node work a little, and hand over the frames that are under way then."""
        for node in self.nodes.values():
            node.work(rounds=2)
        self.wire.deliver()

    def pass_time(self, seconds: float) -> None:
        """Let time pass, in steps short enough for every timer."""
        for _ in range(round(seconds / 0.05)):
            self.reactor.advance(0.05)
            for _ in range(4):
                for node in self.nodes.values():
                    node.run_lanes()
                self.wire.deliver()
                self.reactor.advance(0)

    def begin(self, player: str, ask: Ask, *, through: str | None = None, role: Role = "player") -> "Deferred[Answer]":
        """Ask through a node (the player's home), and let nothing happen yet."""
        node = self.nodes[through or self.home_of(player)].node
        return node.cluster.ask(Request(Caller(player, role), ask, node.mint_key()))

    def ask(self, player: str, ask: Ask, *, through: str | None = None, role: Role = "player") -> Any:
        """Ask and wait; the result or Refusal, or the fault raised."""
        answers: list[Any] = []
        self.begin(player, ask, through=through, role=role).addBoth(answers.append)
        self.work()
        (answer,) = answers
        self.check_whole()
        if isinstance(answer, Failure):
            answer.raiseException()
        return answer

    def check_whole(self) -> None:
        """No node met a bug of ours."""
        for node in self.nodes.values():
            for failure in node.failures:
                failure.raiseException()

    def crash(self, node: str) -> None:
        """A node ends as by `kill -9`."""
        self.nodes[node].crash()
        self.wire.down(node)

    def restart(self, node: str) -> None:
        """It comes back on what its disk holds."""
        self.nodes[node].start()
        self.wire.up(node)
