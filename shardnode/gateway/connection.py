"""One client's WebSocket: Autobahn's server protocol with the house's handshake, bounds, heartbeat and closes.

Two ways through Autobahn are cut short for speed alone, since every request passes them: `dataReceived` takes a whole
binary message as it is (`shardnode.gateway.frames`), and `send` collects frames for the turn's end
(`shardnode.gateway.outbox`) in place of `sendMessage`. `onMessageEnd` skips observers that nobody registered.
"""

from typing import Any

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.types import ConnectionDeny, ConnectionRequest
from twisted.internet.base import DelayedCall
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

from shardnode.gateway.fail_stop import fail_stop
from shardnode.gateway.frames import message_head, unmasked_message
from shardnode.gateway.limits import GatewayLimits
from shardnode.gateway.occupancy import Occupancy
from shardnode.gateway.outbox import TURN_BYTES_MAX, Outbox, write_now
from shardnode.gateway.ports import Ports
from shardnode.gateway.presence import Presence
from shardnode.gateway.session import Session
from shardnode.gateway.tokens import Identity
from shardnode.wire.codec import CODECS, JSON, Codec
from shardnode.wire.errors import ClientFault
from shardnode.wire.events import Hello, World
from shardnode.wire.transport import PROTOCOL, WEBSOCKET_PATH, CloseCode
from worlddata.types import Catalog


class ConnectionFactory(WebSocketServerFactory):
    """Makes connections, and knows those that are open."""

    def __init__(
        self,
        *,
        reactor: IReactorTime,
        node: str,
        catalog: Catalog,
        limits: GatewayLimits,
        ports: Ports,
        presence: Presence,
        occupancy: Occupancy,
    ) -> None:
        super().__init__(reactor=reactor, server="fractal-auction")
        self.setProtocolOptions(
            versions=[13],
            webStatus=False,
            utf8validateIncoming=True,
            maxFramePayloadSize=limits.message_bytes_max,
            maxMessagePayloadSize=limits.message_bytes_max,
            failByDrop=False,
            openHandshakeTimeout=0,  # the whole HTTP request is there when a connection is made
            closeHandshakeTimeout=0,  # `Connection.sendCloseFrame` sets one by our own reactor
            tcpNoDelay=True,
            perMessageCompressionAccept=_no_compression,
            allowedOrigins=["*"],  # a token is asked for in words, nothing depends on a browser's cookies
            allowNullOrigin=True,
        )
        self.protocol = Connection
        self.limits = limits
        self.ports = ports
        self.presence = presence
        self.occupancy = occupancy
        self.connections: set[Connection] = set()
        self.outbox = Outbox(reactor)
        self.stopping = False
        self._node = node
        self.catalog = catalog

    def stop(self) -> "Deferred[None]":
        """Close every connection once its calls are answered; fires when all are gone."""
        self.stopping = True
        self._all_gone: Deferred[None] = Deferred()
        if not self.connections:
            self._all_gone.callback(None)
        for connection in tuple(self.connections):
            connection.retire()
        return self._all_gone

    def left(self, connection: "Connection") -> None:
        """A connection that was open is gone."""
        self.connections.remove(connection)
        if self.stopping and not self.connections:
            self._all_gone.callback(None)

    def hello(self) -> Hello:
        """What every connection hears first."""
        world = World(self.catalog.version, self.catalog.hash)
        return Hello(self._node, PROTOCOL, self.ports.now_ms(), world, self.limits.message_bytes_max)


@implementer(IPushProducer)
class Connection(WebSocketServerProtocol):
    """One WebSocket. It is the transport's producer: when answers are not read, requests are not read either."""

    factory: ConnectionFactory
    transport: Any  # a TCP transport, or TLS over one; zope's interfaces say too little for a type checker

    def __init__(self) -> None:
        super().__init__()
        self._codec: Codec = JSON
        self._identity: Identity | None = None
        self._session: Session | None = None
        self._address = ""
        self._heard_s = 0.0
        self._pinged_s = 0.0
        self._leaving: list[bytes] = []
        """Frames of this turn, heads and payloads."""
        self._leaving_bytes = 0
        self.message_data: list[bytes] = []
        """Frames of a message that is not complete."""
        self._stalled = False
        """The transport's buffer is full: the client reads more slowly than it asks."""
        self._unsent_bytes = 0
        """Bytes written since `_stalled`."""
        self._heartbeat: DelayedCall | None = None
        self._overdue: DelayedCall | None = None
        self._cut: DelayedCall | None = None

    # handshake

    def stop_node(self, failure: Failure) -> None:
        """See FailStop."""
        self.factory.ports.failed(failure)

    @fail_stop
    def onConnect(self, request: ConnectionRequest) -> str | None:
        """Choose the subprotocol, and take a token that came along."""
        if request.path != WEBSOCKET_PATH:
            raise ConnectionDeny(ConnectionDeny.NOT_FOUND, f"WebSockets are served at {WEBSOCKET_PATH}")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            ports = self.factory.ports
            try:
                self._identity = ports.verify(token.strip(), ports.now_ms())
            except ClientFault as fault:
                raise ConnectionDeny(401, fault.message) from fault
        if not request.protocols:
            return None
        for subprotocol in request.protocols:
            if subprotocol in CODECS:
                self._codec = CODECS[subprotocol]
                return str(subprotocol)
        raise ConnectionDeny(ConnectionDeny.BAD_REQUEST, f"subprotocols spoken here: {', '.join(CODECS)}")

    @fail_stop
    def onOpen(self) -> None:
        """Greet the client, unless there is no room for it."""
        factory = self.factory
        if factory.stopping:
            self.close(CloseCode.GOING_AWAY)
            return
        address = getattr(self.transport.getPeer(), "host", "")
        full = factory.occupancy.open(address)
        if full is not None:
            factory.ports.metrics.limit_hit(full)
            self.close(CloseCode.TRY_AGAIN_LATER)
            return
        self._address = address
        factory.connections.add(self)
        self.transport.unregisterProducer()  # the HTTP channel, whose request this connection was
        self.transport.registerProducer(self, True)
        self._session = Session(
            codec=self._codec,
            catalog=factory.catalog,
            limits=factory.limits,
            ports=factory.ports,
            presence=factory.presence,
            outlet=self,
        )
        self.send(self._codec.push("hello", factory.hello()))
        if self._identity is not None:
            self._session.enter(self._identity)
        self._heard_s = self._pinged_s = factory.ports.monotonic_s()
        self._heartbeat = factory.reactor.callLater(factory.limits.ping_every_s, self._beat)

    @fail_stop
    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:  # noqa: ARG002 - Autobahn's
        """The TCP connection is gone."""
        for timer in (self._heartbeat, self._overdue, self._cut):
            if timer is not None and timer.active():
                timer.cancel()
        self.factory.occupancy.disconnect()
        if self._session is not None:
            self._session.closed()
            self.factory.occupancy.close(self._address)
            self.factory.left(self)

    # messages in

    def dataReceived(self, data: bytes) -> None:
        """Bytes from the client, of any length."""
        self._heard_s = self.factory.ports.monotonic_s()
        message = unmasked_message(data) if self._is_between_messages() else None
        if message is not None:
            self._take(message)
            return
        self._dataReceived(data)
        if len(self.message_data) > self.factory.limits.fragments_max:
            self.factory.ports.metrics.limit_hit("fragments_max")
            self.close(CloseCode.TOO_LARGE)

    def processData(self) -> bool:
        """Go on with what was received, unless the client does not read what it gets for it."""
        return not self._stalled and bool(super().processData())

    @fail_stop
    def onMessageEnd(self) -> None:
        """A message is complete."""
        frames = self.message_data
        self.message_data = []
        session = self._session
        if self.failedByMe or self.state != self.STATE_OPEN or session is None:
            return
        if self.message_is_binary != self._codec.binary:
            self.close(CloseCode.WRONG_FRAME_KIND)
        else:
            self._take(b"".join(frames))

    def _is_between_messages(self) -> bool:
        """Whether a binary message that comes now may be taken as it is."""
        return (
            self._codec.binary
            and self.state == self.STATE_OPEN
            and not (self.failedByMe or self._stalled or self.data or self.current_frame or self.inside_message)
            and self._session is not None
        )

    @fail_stop
    def _take(self, message: bytes) -> None:
        session = self._session
        assert session is not None
        session.receive(message)
        if self._overdue is None and session.waiting:
            self._overdue = self.factory.reactor.callLater(self.factory.limits.answer_within_s, self._answer_overdue)

    # outlet of the session

    @property
    def unsent_bytes(self) -> int:
        """What was written since the transport's buffer is full; 0 while it is not."""
        return self._unsent_bytes if self._stalled else 0

    def send(self, payload: bytes) -> None:
        """Send one message; nothing happens on a connection that is closing."""
        if self.state != self.STATE_OPEN:
            return
        if not self._leaving:
            self.factory.outbox.add(self)
        self._leaving.append(message_head(len(payload), binary=self._codec.binary))
        self._leaving.append(payload)
        self._leaving_bytes += len(payload)
        if self._leaving_bytes > TURN_BYTES_MAX:
            self.flush()

    @fail_stop
    def flush(self) -> None:
        """Write what was sent in this turn."""
        if not self._leaving:
            return
        data = b"".join(self._leaving)
        self._leaving.clear()
        self._leaving_bytes = 0
        write_now(self.transport, data)
        if self._stalled:
            self._unsent_bytes += len(data)
            if self._unsent_bytes > self.factory.limits.unsent_bytes_max and self.state == self.STATE_OPEN:
                self.factory.ports.metrics.limit_hit("unsent_bytes_max")
                self.close(CloseCode.TRY_AGAIN_LATER)

    def close(self, code: CloseCode) -> None:
        """Close the connection, saying why."""
        self.sendCloseFrame(code, code.meaning.encode(), False)

    def retire(self) -> None:
        """The node is stopping."""
        if self._session is not None:
            self._session.retire()

    # producer of the transport

    def pauseProducing(self) -> None:
        """The transport's buffer is full, and is again with each write until it is empty."""
        if not self._stalled:
            self._stalled = True
            self._unsent_bytes = 0
            self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        """The transport's buffer is empty again: read on, but not in the midst of whatever this was called from."""
        self._stalled = False
        self.factory.reactor.callLater(0, self._read_on)

    def stopProducing(self) -> None:
        """The transport is gone; `onClose` follows."""

    def _read_on(self) -> None:
        if not self._stalled and self.state != self.STATE_CLOSED:
            self._heard_s = self.factory.ports.monotonic_s()
            self.transport.resumeProducing()
            self.consumeData()

    # timers

    def sendCloseFrame(self, code: int | None = None, reasonUtf8: bytes | None = None, isReply: bool = False) -> None:
        """Begin, or answer, the closing handshake; a client that does not answer ours is cut off."""
        self.flush()
        super().sendCloseFrame(code, reasonUtf8, isReply)
        if not isReply and self._cut is None:
            self._cut = self.factory.reactor.callLater(self.factory.limits.close_within_s, self.dropConnection, True)

    @fail_stop
    def _answer_overdue(self) -> None:
        self._overdue = None
        assert self._session is not None
        again_s = self._session.overdue()
        if again_s is not None:
            self._overdue = self.factory.reactor.callLater(again_s, self._answer_overdue)

    @fail_stop
    def _beat(self) -> None:
        limits = self.factory.limits
        now_s = self.factory.ports.monotonic_s()
        if now_s - self._heard_s >= limits.silence_max_s:
            self.factory.ports.metrics.limit_hit("silence_max_s")
            if self._stalled:
                self.close(CloseCode.TRY_AGAIN_LATER)
            else:
                self.dropConnection(True)
            return
        if now_s - self._pinged_s >= limits.ping_every_s:
            self._pinged_s = now_s
            self.sendPing()
        next_s = min(self._pinged_s + limits.ping_every_s, self._heard_s + limits.silence_max_s)
        self._heartbeat = self.factory.reactor.callLater(next_s - now_s, self._beat)


def _no_compression(_offers: object) -> None:
    """Decline permessage-deflate: messages are small, and memory a connection is bounded."""
