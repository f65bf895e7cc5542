"""One WebSocket between two nodes: the handshake, then frames, until either side ends it.

The two ends differ only in who dialled. Frames leave unmasked both ways: masks protect proxies from scripts in
browsers (RFC 6455, section 10.3), and there are none here. A heartbeat is a pong that nobody asked for (section 5.5.3);
it carries the sender's durable journal position in eight bytes.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from autobahn.twisted.websocket import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)
from autobahn.util import encode_truncate
from autobahn.websocket.types import ConnectionDeny, ConnectionRequest
from twisted.internet.base import DelayedCall
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from shardnode.cluster.handshake import HANDSHAKE_BYTES_MAX, PEER_PROTOCOL, Handshake, Hello
from shardnode.cluster.network import FRAME_BYTES_MAX
from shardnode.gateway.fail_stop import fail_stop
from shardnode.gateway.frames import message_head
from shardnode.gateway.outbox import write_now

PEER_PATH = "/peer"
UNSENT_BYTES_MAX = 33_554_432
"""Bytes that wait for a peer that reads slowly; a frame more cuts the link."""
HANDSHAKE_S = 2.0
"""From the TCP connection to the welcome."""
CLOSE_S = 1.0
"""How long a peer has to answer a close before its connection is cut."""
POSITION_BYTES = 8
REASON_BYTES_MAX = 123
"""The longest reason that a close can carry."""
GOING_AWAY = 1001
POLICY_VIOLATION = 1008
TRY_AGAIN_LATER = 1013

OPTIONS = {
    "maxFramePayloadSize": HANDSHAKE_BYTES_MAX,  # until the other side is known
    "maxMessagePayloadSize": HANDSHAKE_BYTES_MAX,
    "failByDrop": True,
    "openHandshakeTimeout": 0,  # timers are the socket's own, by the reactor it was given
    "closeHandshakeTimeout": 0,
    "tcpNoDelay": True,
}


class SocketEvents(Protocol):
    """Who keeps the sockets; `Links`."""

    reactor: Any

    def connected(self, socket: "PeerSocket") -> None:
        """A TCP connection is there."""

    def opened(self, socket: "PeerSocket") -> Handshake:
        """A WebSocket is there; how to shake hands on it."""

    def why_full(self) -> str | None:
        """Why nobody else may come in now, if so."""

    def welcomed(self, socket: "PeerSocket", hello: Hello) -> None:
        """The other side is a node of this cluster."""

    def refused(self, socket: "PeerSocket", node: str | None, why: str) -> None:
        """Nothing came of the handshake; `node` is who it proved to be, if it did."""

    def heard(self, socket: "PeerSocket", position: int) -> None:
        """A heartbeat: the other node's durable position."""

    def received(self, socket: "PeerSocket", frame: bytes) -> None:
        """A frame of a node that was welcomed."""

    def closed(self, socket: "PeerSocket", why: str) -> None:
        """The socket is gone, whoever ended it."""

    def failed(self, failure: Failure) -> None:
        """A bug of this node."""


@implementer(IPushProducer)
class PeerSocket:
    """What both ends have in common; a base beside Autobahn's protocol. It is its transport's producer."""

    transport: Any  # a TCP transport, or TLS over one; zope's interfaces say too little for a type checker
    state: int
    STATE_OPEN: int
    message_data: list[bytes]
    message_is_binary: bool
    droppedByMe: bool
    wasNotCleanReason: str | None
    _dataReceived: Callable[[bytes], None]
    sendPong: Callable[[bytes], None]
    sendCloseFrame: Callable[[int, bytes, bool], None]

    def __init__(self, events: SocketEvents, dialled: str | None) -> None:
        super().__init__()
        self.events = events
        self.dialled = dialled
        """Whom this node meant to reach, where it was the one to dial."""
        self.hello: Hello | None = None
        """Of the other node, once it was welcomed."""
        self.was_refused = False
        """Whether the handshake ended without a welcome."""
        self.heard_at_s = 0.0
        self._handshake: Handshake | None = None
        self._deadline: DelayedCall | None = None
        self._full = False
        """The transport's buffer is full, and what is to be sent is kept in `_unsent`."""
        self._unsent: deque[bytes] = deque()
        self._unsent_bytes = 0
        self._why = ""
        """Why this side ended it."""
        self._lost = ""
        """Why the TCP connection ended."""

    @property
    def address(self) -> str:
        """Where the other side is."""
        peer = self.transport.getPeer()
        return f"{getattr(peer, 'host', '?')}:{getattr(peer, 'port', '?')}"

    def connectionMade(self) -> None:
        """There is a TCP connection; the rest must follow soon."""
        self._deadline = self.events.reactor.callLater(HANDSHAKE_S, self.cut, "the handshake took too long")
        self.events.connected(self)
        super().connectionMade()  # type: ignore[misc]  # Autobahn's, the other base

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The TCP connection is gone; `onClose` follows, which is not told the reason."""
        self._lost = reason.getErrorMessage() or repr(reason.value)
        super().connectionLost(reason)  # type: ignore[misc]  # Autobahn's, the other base

    def stop_node(self, failure: Failure) -> None:
        """See FailStop."""
        self.events.failed(failure)

    @fail_stop
    def onOpen(self) -> None:
        """There is a WebSocket; begin the handshake."""
        self.transport.unregisterProducer()  # on the dialled side the HTTP channel, whose request this was
        self.transport.registerProducer(self, True)
        self._handshake = self.events.opened(self)
        self._write(self._handshake.begin())

    def dataReceived(self, data: bytes) -> None:
        """Bytes of the other side."""
        self.heard_at_s = self.events.reactor.seconds()
        self._dataReceived(data)

    @fail_stop
    def onMessageEnd(self) -> None:
        """A message of the handshake, or a frame. Autobahn's own way from here asks for observers that nobody has."""
        message = b"".join(self.message_data)
        self.message_data = []
        if self.state != self.STATE_OPEN:
            return
        if not self.message_is_binary:
            self.close(POLICY_VIOLATION, "nodes send binary messages only")
        elif self.hello is not None:
            self.events.received(self, message)
        else:
            self._shake_hands(message)

    @fail_stop
    def onPong(self, payload: bytes) -> None:
        """A heartbeat."""
        if self.hello is not None and len(payload) == POSITION_BYTES:
            self.events.heard(self, int.from_bytes(payload, "big"))

    @fail_stop
    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """The TCP connection is gone."""
        self._stop_deadline()
        if wasClean:
            why = f"the other side closed it: {reason or code}"
        elif self.droppedByMe:
            why = f"the WebSocket failed: {self.wasNotCleanReason}"
        else:
            why = self._lost
        self.events.closed(self, self._why or why)

    def onCloseFrame(self, code: int | None, reasonRaw: bytes | None) -> bool | None:
        """The other side closes, or answers our close; it has a moment to end the TCP connection."""
        if self._deadline is None:
            self._deadline = self.events.reactor.callLater(CLOSE_S, self.cut, "the other side did not finish its close")
        return super().onCloseFrame(code, reasonRaw)  # type: ignore[misc, no-any-return]  # Autobahn's, the other base

    def _shake_hands(self, message: bytes) -> None:
        assert self._handshake is not None
        step = self._handshake.receive(message)
        for answer in step.send:
            self._write(answer)
        if step.refusal is not None:
            self.was_refused = True
            self.events.refused(self, step.node, step.refusal)
            self.close(POLICY_VIOLATION, "refused")
        elif step.welcome is not None:
            self._stop_deadline()
            self.hello = step.welcome
            self.maxFramePayloadSize = self.maxMessagePayloadSize = FRAME_BYTES_MAX
            self.events.welcomed(self, step.welcome)

    # what Links asks of it

    def send(self, frame: bytes) -> bool:
        """Send a frame; False where too much waits already."""
        if not self._full:
            self._write(frame)
        elif self._unsent_bytes + len(frame) > UNSENT_BYTES_MAX:
            return False
        else:
            self._unsent.append(frame)
            self._unsent_bytes += len(frame)
        return True

    def beat(self, position: int) -> None:
        """Say that this node is there; what waits to be sent says so as well."""
        if not self._full:
            self.sendPong(position.to_bytes(POSITION_BYTES, "big"))

    def close(self, code: int, why: str) -> None:
        """End it and tell the other side why; cut it if that does not answer."""
        self._why = self._why or why
        if self.state != self.STATE_OPEN:
            self.cut(why)
            return
        self._stop_deadline()
        self._deadline = self.events.reactor.callLater(CLOSE_S, self.cut, why)
        self.sendCloseFrame(code, encode_truncate(why, REASON_BYTES_MAX), False)

    def cut(self, why: str) -> None:
        """End it at once."""
        self._why = self._why or why
        self._stop_deadline()
        self.transport.abortConnection()

    # producer of the transport

    def pauseProducing(self) -> None:
        """The transport's buffer is full, and is again with each write until it is empty."""
        self._full = True

    def resumeProducing(self) -> None:
        """The transport's buffer is empty again."""
        self._full = False
        while self._unsent and not self._full:
            frame = self._unsent.popleft()
            self._unsent_bytes -= len(frame)
            self._write(frame)

    def stopProducing(self) -> None:
        """The transport is gone; `onClose` follows."""

    def _write(self, message: bytes) -> None:
        if self.state == self.STATE_OPEN:
            write_now(self.transport, message_head(len(message), binary=True) + message)

    def _stop_deadline(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None


class DiallingSocket(PeerSocket, WebSocketClientProtocol):  # type: ignore[misc]  # Autobahn's own bases disagree
    """The end that dialled."""


class DialledSocket(PeerSocket, WebSocketServerProtocol):  # type: ignore[misc]  # Autobahn's own bases disagree
    """The end that was dialled."""

    @fail_stop
    def onConnect(self, request: ConnectionRequest) -> str:
        """Let in who speaks as nodes do, while there is room."""
        if request.path != PEER_PATH or PEER_PROTOCOL not in request.protocols:
            raise ConnectionDeny(ConnectionDeny.BAD_REQUEST, f"nodes speak {PEER_PROTOCOL} at {PEER_PATH}")
        full = self.events.why_full()
        if full is not None:
            raise ConnectionDeny(ConnectionDeny.SERVICE_UNAVAILABLE, full)
        return PEER_PROTOCOL


class DiallingFactory(WebSocketClientFactory):
    """Makes the ends that dial one node, at an origin like ws://host:port."""

    noisy = False

    def __init__(self, events: SocketEvents, node: str, origin: str) -> None:
        url = f"{origin}{PEER_PATH}"
        super().__init__(url, protocols=[PEER_PROTOCOL], useragent="fractal-auction", reactor=events.reactor)
        self.setProtocolOptions(**OPTIONS, maskClientFrames=False, serverConnectionDropTimeout=0)
        self._events = events
        self._node = node

    def buildProtocol(self, address: object) -> DiallingSocket:  # noqa: ARG002 - Twisted's interface
        """One socket."""
        socket = DiallingSocket(self._events, self._node)
        socket.factory = self
        return socket


class DialledFactory(WebSocketServerFactory):
    """Makes the ends that are dialled; mounted at PEER_PATH."""

    def __init__(self, events: SocketEvents) -> None:
        super().__init__(reactor=events.reactor, server="fractal-auction")
        self.setProtocolOptions(**OPTIONS, versions=[13], webStatus=False, requireMaskedClientFrames=False)
        self._events = events

    def buildProtocol(self, address: object) -> DialledSocket:  # noqa: ARG002 - Twisted's interface
        """One socket."""
        socket = DialledSocket(self._events, None)
        socket.factory = self
        return socket
