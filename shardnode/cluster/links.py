"""The network of a cluster by WebSockets: one link a pair of nodes, on the port where clients come in as well.

The node with the smaller id dials, and dials again with back-off when a link is gone. A link is up once both sides
welcomed each other (`shardnode.cluster.handshake`, `shardnode.cluster.admission`). Of two links to one node the newer
holds: the other side would not have made it, had it still had the older. Every HEARTBEAT_S each side says that it is
there and how far its journal is durable; a link that is silent is cut before it was so for STALLED_S.
"""

from collections.abc import Callable
from typing import Any, Protocol

import msgspec
from twisted.internet.base import DelayedCall
from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from shardnode.cluster.admission import Peers, map_digest, objection
from shardnode.cluster.dialler import Connect, Dialler
from shardnode.cluster.handshake import NONCE_BYTES, Handshake, Hello
from shardnode.cluster.map import ClusterMap
from shardnode.cluster.network import FRAME_BYTES_MAX, HEARTBEAT_S, STALLED_S, NetworkEvents, PeerFault
from shardnode.cluster.peer_socket import (
    GOING_AWAY,
    POLICY_VIOLATION,
    DialledFactory,
    DiallingFactory,
    PeerSocket,
)
from shardnode.storage.facts import Peer

STRANGERS_MAX = 64
"""Sockets at once whose other side is not known yet; a further caller is turned away."""
TOLD_MAX = 1_000
"""Of how many others the last complaint is remembered, so that the log has each only once."""

log = Logger()


class Self(msgspec.Struct, frozen=True):
    """What a node says of itself all its life."""

    node: str
    identity: str
    """Its data directory's."""
    catalog: str
    """The hash of its world, rules included."""
    world: str
    """Its version."""


class Metrics(Protocol):
    """Where it is counted how often a bound was met."""

    def limit_hit(self, name: str) -> None:
        """A bound was met."""


class Links:
    """All links of one node: a `Network`, and the keeper of its sockets. `listener` is what to mount at `/peer`."""

    def __init__(
        self,
        *,
        me: Self,
        cluster_map: Callable[[], ClusterMap],
        secret: bytes,
        position: Callable[[], int],
        peers: Peers,
        events: NetworkEvents,
        reactor: Any,
        connect: Connect,
        tls: bool,
        jitter: Callable[[], float],
        random_bytes: Callable[[int], bytes],
        metrics: Metrics,
        failed: Callable[[Failure], None],
    ) -> None:
        self.reactor = reactor
        self.failed = failed
        self.listener = DialledFactory(self)
        self._me = me
        self._map = cluster_map
        self._secret = secret
        self._position = position
        self._peers = peers
        self._events = events
        self._connect = connect
        self._tls = tls
        self._jitter = jitter
        self._random_bytes = random_bytes
        self._metrics = metrics
        self._links: dict[str, PeerSocket] = {}
        self._sockets: set[PeerSocket] = set()
        self._diallers: dict[str, Dialler] = {}
        self._heartbeat: DelayedCall | None = None
        self._heartbeat_at_s = 0.0
        self._told: dict[str, str] = {}
        self._all_gone: Deferred[None] | None = None

    # life

    def start(self) -> None:
        """Dial, and let others in."""
        self._await_heartbeat()
        for node in self._map().nodes:
            if node > self._me.node:
                self._diallers[node] = dialler = Dialler(
                    self.reactor,
                    lambda node=node: self._dial(node),  # type: ignore[misc]  # mypy does not follow the default
                    lambda why, node=node: self._tell(node, "unreachable", node, why),  # type: ignore[misc]  # as above
                    self._jitter,
                )
                dialler.dial()

    def stop(self) -> "Deferred[None]":
        """End all links, without a word to the cluster; fires when they are gone."""
        if self._heartbeat is not None:
            self._heartbeat.cancel()
            self._heartbeat = None
        self._links.clear()
        for dialler in self._diallers.values():
            dialler.stop()
        self._all_gone = Deferred() if self._sockets else succeed(None)
        for socket in tuple(self._sockets):
            socket.close(GOING_AWAY, f"{self._me.node} stops")
        return self._all_gone

    def map_changed(self) -> None:
        """The map is another: dial by it, and keep no link to a directory that was replaced."""
        nodes = self._map().nodes
        for dialler in self._diallers.values():
            dialler.hurry()
        for node, socket in tuple(self._links.items()):
            assert socket.hello is not None
            if nodes[node].since_epoch != socket.hello.since_epoch:
                socket.close(POLICY_VIOLATION, f"{node} was replaced")
                self._down(socket, "it was replaced")

    # the network

    def send(self, node: str, frame: bytes) -> bool:
        """Send a frame; False where there is no link, or it holds as much unsent as it may: then it is cut."""
        assert len(frame) <= FRAME_BYTES_MAX
        socket = self._links.get(node)
        if socket is None:
            return False
        if socket.send(frame):
            return True
        self._metrics.limit_hit("peer_unsent_bytes_max")
        self._cut(socket, "it reads too slowly")
        return False

    def is_up(self, node: str) -> bool:
        """Whether there is a link now."""
        return node in self._links

    # what sockets tell

    def why_full(self) -> str | None:
        """Why nobody else may come in now, if so."""
        if self._heartbeat is None:
            return "this node does not serve now"
        if sum(socket.hello is None for socket in self._sockets) > STRANGERS_MAX:
            self._metrics.limit_hit("peer_strangers_max")
            return "too many callers at once"
        return None

    def connected(self, socket: PeerSocket) -> None:
        """A TCP connection is there."""
        self._sockets.add(socket)

    def opened(self, socket: PeerSocket) -> Handshake:
        """A WebSocket is there; how to shake hands on it."""
        hello = self._hello()
        return Handshake(
            role="dialling" if socket.dialled else "dialled",
            secret=self._secret,
            nonce=self._random_bytes(NONCE_BYTES),
            hello=hello,
            judge=lambda theirs: objection(hello, theirs, dialled=socket.dialled, known=self._peers.known(theirs.node)),
        )

    def welcomed(self, socket: PeerSocket, hello: Hello) -> None:
        """The other side is a node of this cluster; there is a link."""
        node = hello.node
        older = self._links.get(node)
        if older is not None:
            older.close(GOING_AWAY, "another link took its place")
            self._down(older, "another link took its place")
        self._links[node] = socket
        self._remember(node, Peer(hello.identity, hello.since_epoch, hello.position))
        if socket.dialled:
            self._diallers[node].linked()
        self._told.pop(node, None)
        log.info("link up", node=node, address=socket.address, position=hello.position)
        self._events.link_up(node)

    def refused(self, socket: PeerSocket, node: str | None, why: str) -> None:
        """Nothing came of the handshake."""
        who = node or socket.dialled
        self._tell(who or socket.address.rsplit(":", 1)[0], "refused", who or f"a stranger at {socket.address}", why)

    def heard(self, socket: PeerSocket, position: int) -> None:
        """A heartbeat: the other node's durable position."""
        assert socket.hello is not None
        known = self._peers.known(socket.hello.node)
        if known is not None and known.identity == socket.hello.identity and known.position < position:
            self._remember(socket.hello.node, msgspec.structs.replace(known, position=position))

    def received(self, socket: PeerSocket, frame: bytes) -> None:
        """A frame of a node that was welcomed; not of one whose link was replaced meanwhile."""
        assert socket.hello is not None
        if self._links.get(socket.hello.node) is not socket:
            return
        try:
            self._events.received(socket.hello.node, frame)
        except PeerFault as fault:
            socket.close(POLICY_VIOLATION, str(fault))
            self._down(socket, str(fault))

    def closed(self, socket: PeerSocket, why: str) -> None:
        """The socket is gone, whoever ended it."""
        self._sockets.discard(socket)
        if socket.hello is not None:
            self._down(socket, why)
        elif socket.dialled and not socket.was_refused:
            self._tell(socket.dialled, "unreachable", socket.dialled, why)
        if socket.dialled:
            self._diallers[socket.dialled].lost()
        if self._all_gone is not None and not self._sockets and not self._all_gone.called:
            self._all_gone.callback(None)

    # inside

    def _hello(self) -> Hello:
        cluster_map, me = self._map(), self._me
        return Hello(
            cluster=cluster_map.cluster,
            node=me.node,
            identity=me.identity,
            since_epoch=cluster_map.nodes[me.node].since_epoch,
            version=cluster_map.version,
            epoch=cluster_map.epoch,
            digest=map_digest(cluster_map),
            catalog=me.catalog,
            world=me.world,
            position=self._position(),
        )

    def _dial(self, node: str) -> "Deferred[Any]":
        entry = self._map().nodes[node]
        host = f"[{entry.host}]" if ":" in entry.host else entry.host
        origin = f"{'wss' if self._tls else 'ws'}://{host}:{entry.port}"
        return self._connect(entry, DiallingFactory(self, node, origin))

    def _remember(self, node: str, peer: Peer) -> None:
        if self._peers.known(node) != peer:
            self._peers.remember(node, peer)

    def _await_heartbeat(self) -> None:
        self._heartbeat_at_s = self.reactor.seconds() + HEARTBEAT_S
        self._heartbeat = self.reactor.callLater(HEARTBEAT_S, self._beat)

    def _beat(self) -> None:
        """Say that this node is there, and cut who does not. If it was held up itself, it reads before it judges."""
        now_s, position = self.reactor.seconds(), self._position()
        in_time = now_s - self._heartbeat_at_s < HEARTBEAT_S
        self._await_heartbeat()
        for socket in tuple(self._links.values()):
            silent_s = now_s - socket.heard_at_s
            if in_time and silent_s + HEARTBEAT_S > STALLED_S:
                self._cut(socket, f"nothing was heard of it for {silent_s:.1f} s")
            else:
                socket.beat(position)

    def _cut(self, socket: PeerSocket, why: str) -> None:
        self._down(socket, why)
        socket.cut(why)

    def _down(self, socket: PeerSocket, why: str) -> None:
        assert socket.hello is not None
        node = socket.hello.node
        if self._links.get(node) is socket:
            del self._links[node]
            log.warn("link down", node=node, why=why)
            self._events.link_down(node)

    def _tell(self, key: str, what: str, who: str, why: str) -> None:
        """Log a complaint, aloud when it is not the one of last time."""
        is_new = self._told.get(key) != why
        if is_new:
            if len(self._told) >= TOLD_MAX:
                self._told.clear()
            self._told[key] = why
        log.emit(LogLevel.warn if is_new else LogLevel.debug, what, node=who, why=why)
