"""Links without a network: a clock turned by hand, and wires that lead from node to node in memory."""

from collections.abc import Callable
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectError, ConnectionAborted, ConnectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from shardnode.cluster.links import Links, Self
from shardnode.cluster.map import ClusterMap, NodeEntry
from shardnode.cluster.network import PeerFault
from shardnode.storage.facts import Peer

SECRET = bytes(range(32))
STEP_S = 0.05
BUFFER_BYTES = 65_536
"""What a wire's sending end holds before it tells its producer that it is full."""


def a_map(*nodes: str, version: int = 1, epoch: int = 1, since: dict[str, int] | None = None) -> ClusterMap:
    """A map of these nodes, all of them acceptors, with a slot each."""
    entries = {
        node: NodeEntry(node, f"{node}.example", 7_000, f"ws://{node}.example", "", (since or {}).get(node, 1))
        for node in nodes
    }
    return ClusterMap("c" * 32, version, epoch, entries, nodes, nodes)


class End:
    """One end of a wire, as a transport."""

    def __init__(self, host: str) -> None:
        self.protocol: Any = None
        self.other: End
        self.sent = b""
        """What the other end has not received yet."""
        self.stuck = False
        """Nothing that is sent here arrives, nor does the end of the connection."""
        self.lost: Exception | None = None
        self.producer: Any = None
        self._host = host
        self._full = False

    def write(self, data: bytes) -> None:
        """Send."""
        if self.lost is None:
            self.sent += data
            if self.producer is not None and len(self.sent) > BUFFER_BYTES:
                self._full = True
                self.producer.pauseProducing()

    def writeSequence(self, parts: list[bytes]) -> None:  # noqa: N802 - Twisted's name
        """Send."""
        self.write(b"".join(parts))

    def loseConnection(self) -> None:  # noqa: N802 - Twisted's name
        """End it, once everything is sent."""
        self.lost = self.lost or ConnectionDone()

    def abortConnection(self) -> None:  # noqa: N802 - Twisted's name
        """End it at once."""
        self.sent = b""
        self.lost = ConnectionAborted()

    def registerProducer(self, producer: Any, streaming: bool) -> None:  # noqa: N802 - Twisted's name
        """Whom to tell when the buffer is full."""
        assert streaming and self.producer is None
        self.producer = producer

    def unregisterProducer(self) -> None:  # noqa: N802 - Twisted's name
        """Nobody any more."""
        self.producer = None

    def setTcpNoDelay(self, enabled: bool) -> None:  # noqa: N802 - Twisted's name
        """Always so."""
        assert enabled

    def getPeer(self) -> IPv4Address:  # noqa: N802 - Twisted's name
        """Where the other end is."""
        return IPv4Address("TCP", self._host, 40_000)

    getHost = getPeer  # noqa: N815 - Twisted's name

    def deliver(self) -> bool:
        """Let the other end have what was sent; whether there was anything."""
        if self.stuck or not self.sent:
            return False
        data, self.sent = self.sent, b""
        if self.other.lost is None:
            self.other.protocol.dataReceived(data)
        if self._full and self.producer is not None:
            self._full = False
            self.producer.resumeProducing()
        return True


class Wire:
    """A connection between two protocols."""

    def __init__(self, dialling: Any, dialled: Any) -> None:
        self.ends = (End("dialled.example"), End("dialling.example"))
        self.open = True
        for end, other, protocol in zip(self.ends, reversed(self.ends), (dialling, dialled), strict=True):
            end.protocol, end.other = protocol, other

    def begin(self) -> None:
        """Both ends are told that they are connected."""
        for end in reversed(self.ends):
            end.protocol.makeConnection(end)

    def pump(self) -> bool:
        """Let arrive what can; whether anything happened."""
        if not self.open:
            return False
        moved = [end.deliver() for end in self.ends]
        ended = [end for end in self.ends if end.lost is not None and not end.sent]
        if not any(moved) and ended and not any(end.stuck for end in self.ends):
            self.open = False
            for end in self.ends:
                end.lost = end.lost or ConnectionDone()
                end.protocol.connectionLost(Failure(end.lost))
            return True
        return any(moved)

    def stick(self) -> None:
        """From now on nothing arrives, either way."""
        for end in self.ends:
            end.stuck = True

    def cut(self) -> None:
        """The connection breaks."""
        for end in self.ends:
            end.stuck = False
            end.abortConnection()


class LinkedNode:
    """A node that has links and nothing else; what they told it stands in `heard`."""

    def __init__(self, town: "Town", name: str, cluster_map: ClusterMap, secret: bytes, **me: str) -> None:
        self.name = name
        self.map = cluster_map
        self.heard: list[tuple[str, str] | tuple[str, str, bytes]] = []
        self.failures: list[Failure] = []
        self.limits: list[str] = []
        self.peers: dict[str, Peer] = {}
        self.durable = 5
        self.listening = True
        self.on_frame: Callable[[str, bytes], None] | None = None
        self.links = Links(
            me=Self(name, me.get("identity", f"{name}'s own"), me.get("catalog", "0" * 32), me.get("world", "1.0.0")),
            cluster_map=lambda: self.map,
            secret=secret,
            position=lambda: self.durable,
            peers=self,
            events=self,
            reactor=town.clock,
            connect=lambda entry, factory: town.connect(name, entry, factory),
            tls=False,
            jitter=lambda: 0.5,
            random_bytes=town.random_bytes,
            metrics=self,
            failed=self.failures.append,
        )

    def known(self, node: str) -> Peer | None:
        """What is remembered of a node."""
        return self.peers.get(node)

    def remember(self, node: str, peer: Peer) -> None:
        """Remember it."""
        self.peers[node] = peer

    def limit_hit(self, name: str) -> None:
        """A bound was met."""
        self.limits.append(name)

    def link_up(self, node: str) -> None:
        """A link is there."""
        assert self.links.is_up(node)
        self.heard.append(("up", node))

    def link_down(self, node: str) -> None:
        """A link is gone."""
        assert not self.links.is_up(node)
        self.heard.append(("down", node))

    def received(self, node: str, frame: bytes) -> None:
        """A frame came."""
        if frame == b"nonsense":
            raise PeerFault("this is nonsense")
        self.heard.append(("frame", node, frame))
        if self.on_frame is not None:
            self.on_frame(node, frame)

    def take(self) -> list[tuple[str, str] | tuple[str, str, bytes]]:
        """What was heard since the last time."""
        heard, self.heard = self.heard, []
        return heard


class Town:
    """Nodes, and the wires between them."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.nodes: dict[str, LinkedNode] = {}
        self.wires: list[Wire] = []
        self.dialled: list[tuple[str, str, float]] = []
        """Who tried to connect to whom, when."""
        self._randoms = 0

    def add(self, name: str, cluster_map: ClusterMap, *, secret: bytes = SECRET, **me: str) -> LinkedNode:
        """A node comes up with the next turn; one that had its name is forgotten."""
        node = self.nodes[name] = LinkedNode(self, name, cluster_map, secret, **me)
        self.clock.callLater(0, node.links.start)
        return node

    def random_bytes(self, length: int) -> bytes:
        """Never the same again."""
        self._randoms += 1
        return self._randoms.to_bytes(length, "big")

    def connect(self, dialling: str, entry: NodeEntry, factory: Any) -> "Deferred[Any]":
        """A wire to where a node should be."""
        self.dialled.append((dialling, entry.id, self.clock.seconds()))
        node = self.nodes.get(entry.host.removesuffix(".example"))
        if node is None or not node.listening:
            return fail(ConnectError(string="refused"))
        wire = self.wire(factory.buildProtocol(None), node)
        return succeed(wire.ends[0].protocol)

    def wire(self, dialling: Any, node: LinkedNode) -> Wire:
        """A wire from a protocol to a node."""
        wire = Wire(dialling, node.links.listener.buildProtocol(None))
        self.wires.append(wire)
        self.clock.callLater(0, wire.begin)
        return wire

    def run(self, seconds: float = 0.0) -> None:
        """Let everything arrive, and time pass."""
        until_s = self.clock.seconds() + seconds
        self._settle()
        while self.clock.seconds() < until_s - 1e-9:
            self.clock.advance(STEP_S)
            self._settle()

    def _settle(self) -> None:
        self.clock.advance(0)
        while sum(wire.pump() for wire in self.wires):
            self.clock.advance(0)
        self.wires = [wire for wire in self.wires if wire.open]
