"""A gateway without a network: a clock turned by hand, a house that answers when told to, clients made of bytes."""

import os
import struct
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from auction.context import Answer, Request
from auction.results import Gold, PlayerResult, Stash
from shardnode.gateway.gateway import Gateway
from shardnode.gateway.limits import GatewayLimits
from shardnode.gateway.ports import Ports
from shardnode.gateway.tokens import Identity, SigningKey, Verifier
from shardnode.ops.open_trades import OpenTrades
from shardnode.wire.methods import TokenRole
from worlddata.types import Catalog, Rules

NOW_S = 1_800_000_000
"""The house's instant when a test begins, in seconds."""
KEY = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
CATALOG = Catalog(
    version="1.0.0", hash="0" * 32, rules=Rules(), categories={}, rarities={}, stats={}, bases={}, commodities={}
)
PLAYER = Answer(PlayerResult("alice", Gold(1, 2), 3, 4, Stash(5, 6), 7), False)
"""An answer like any other."""


def token(player: str = "alice", role: TokenRole = "player", *, ttl_s: int = 3_600) -> str:
    """A good token of the house."""
    return KEY.mint(player, role, NOW_S + ttl_s)


class Counter:
    """Metrics that remember."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []
        self.limits: list[str] = []

    def request_done(self, method: str, outcome: str, seconds: float) -> None:
        """Remember an answer."""
        assert seconds >= 0
        self.done.append((method, outcome))

    def limit_hit(self, name: str) -> None:
        """Remember a bound; it must be one of the gateway's."""
        assert name in GatewayLimits.__struct_fields__
        self.limits.append(name)


class House:
    """What stands behind the gateway. It keeps questions until a test answers them, or answers `at_once`."""

    def __init__(self, at_once: Answer | None = None) -> None:
        self.clock = Clock()
        self.metrics = Counter()
        self.at_once = at_once
        self.asked: list[Request] = []
        self.answers: list[Deferred[Answer]] = []
        self.told: list[Request] = []
        self.presence: list[tuple[str, str]] = []
        """Whose first session came, and whose last one went."""
        self.failures: list[Failure] = []
        self.is_ready = True
        self.seq: Deferred[int] | None = None
        """What a login waits for, if it has to wait."""
        self._keys = 0

    def ask(self, request: Request) -> "Deferred[Answer]":
        """Take a question."""
        self.asked.append(request)
        answer: Deferred[Answer] = Deferred() if self.at_once is None else succeed(self.at_once)
        self.answers.append(answer)
        return answer

    def mint_key(self) -> str:
        """A key of the house's own."""
        self._keys += 1
        return f"house.{self._keys}"

    def latest_seq(self, _player: str) -> "Deferred[int]":
        """7, as soon as there is no reason to wait."""
        return succeed(7) if self.seq is None else self.seq

    def verify(self, token: str, now_ms: int) -> Identity:
        """Judge a token by the house's own key."""
        return Verifier([KEY.public]).verify(token, now_ms)

    def now_ms(self) -> int:
        """The house's clock, which goes with the clock turned by hand."""
        return NOW_S * 1000 + round(self.clock.seconds() * 1000)

    def ports(self) -> Ports:
        """The house as the gateway sees it."""
        return Ports(
            ask=self.ask,
            told=self.told.append,
            mint_key=self.mint_key,
            joined=lambda player: self.presence.append(("joined", player)),
            left=lambda player: self.presence.append(("left", player)),
            latest_seq=self.latest_seq,
            verify=self.verify,
            now_ms=self.now_ms,
            monotonic_s=self.clock.seconds,
            ready=lambda: self.is_ready,
            render_metrics=lambda: b"auction_up 1\n",
            open_trades=lambda: OpenTrades(0, []),
            failed=self.failures.append,
            metrics=self.metrics,
        )

    def gateway(self, **limits: Any) -> Gateway:
        """A gateway before this house."""
        return Gateway(
            reactor=self.clock, node="n1", catalog=CATALOG, limits=GatewayLimits(**limits), ports=self.ports()
        )


class Wire(StringTransport):
    """A TCP connection's server side. While `slow`, what the server writes stays in the buffer, and it is told so."""

    def __init__(self, address: str) -> None:
        super().__init__(peerAddress=IPv4Address("TCP", address, 40_000))
        self.slow = False
        self.aborted = False
        self.protocol: Any = None

    def setTcpNoDelay(self, enabled: bool) -> None:  # noqa: N802 - Twisted's name
        """Always so."""
        assert enabled

    def write(self, data: bytes) -> None:
        """Keep what the server sent."""
        super().write(data)
        if self.slow and self.producer is not None and self.producerState == "producing":
            self.producer.pauseProducing()

    def unregisterProducer(self) -> None:  # noqa: N802 - Twisted's name
        """Like TCP's, this takes no offence where there is none."""
        self.producer = None

    def abortConnection(self) -> None:  # noqa: N802 - Twisted's name
        """Gone, and the protocol is told."""
        self.aborted = True
        self.lose()

    def loseConnection(self) -> None:  # noqa: N802 - Twisted's name
        """Everything is written already, so this is the end as well."""
        self.lose()

    def lose(self) -> None:
        """The connection is over, whoever ended it."""
        if not self.disconnecting:
            self.disconnecting = True
            self.protocol.connectionLost(Failure(ConnectionDone()))


class Client:
    """A WebSocket client made of bytes. `messages` are decoded; `close_code` is the server's."""

    def __init__(self, gateway: Gateway, encoding: str | None = "json", *, address: str = "127.0.0.1") -> None:
        self.wire = Wire(address)
        self.encoding = encoding
        self.messages: list[Any] = []
        self.kinds: list[int] = []
        self.pings = 0
        self.pongs: list[bytes] = []
        self.close_code: int | None = None
        self.head = b""
        self._clock = gateway.site.reactor
        self._unread = b""
        channel = gateway.site.buildProtocol(self.wire.getPeer())
        self.wire.protocol = channel
        channel.makeConnection(self.wire)

    def upgrade(self, *, path: str = "/ws", protocols: str | None = None, headers: dict[str, str] | None = None) -> str:
        """Send the handshake; returns the status line's code and reason."""
        if protocols is None and self.encoding is not None:
            protocols = f"auction.v1.{self.encoding}"
        lines = [
            f"GET {path} HTTP/1.1",
            "Host: house:7780",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            *([f"Sec-WebSocket-Protocol: {protocols}"] if protocols else []),
            *(f"{name}: {value}" for name, value in (headers or {}).items()),
        ]
        self.feed("\r\n".join(lines).encode() + b"\r\n\r\n")
        self.head, _, self._unread = self.wire.value().partition(b"\r\n\r\n")
        self.wire.clear()
        self.read()
        return self.head.split(b"\r\n")[0].decode().removeprefix("HTTP/1.1 ")

    def feed(self, data: bytes) -> None:
        """Bytes arrive at the server."""
        if not self.wire.disconnecting:
            self.wire.protocol.dataReceived(data)

    def send(self, value: object) -> None:
        """One message."""
        binary = self.encoding == "msgpack"
        payload = msgspec.msgpack.encode(value) if binary else msgspec.json.encode(value)
        self.send_frame(2 if binary else 1, payload)

    def send_frame(self, opcode: int, payload: bytes, *, final: bool = True) -> None:
        """One frame."""
        self.feed(frame(opcode, payload, final=final))

    def call(self, method: str, request_id: object = 1, **params: object) -> None:
        """One request."""
        self.send({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params})

    def login(self, player: str = "alice", role: TokenRole = "player", *, ttl_s: int = 3_600) -> None:
        """Log in, and take the answer."""
        self.call("session.login", "login", token=token(player, role, ttl_s=ttl_s))
        answer = self.take()
        assert answer["result"]["player"] == player

    def take(self) -> Any:
        """The oldest message that was not taken yet."""
        self.read()
        return self.messages.pop(0)

    def take_all(self) -> list[Any]:
        """All messages that were not taken yet."""
        self.read()
        messages, self.messages = self.messages, []
        return messages

    def read(self) -> None:
        """Decode what the server sent, when its turn is over."""
        self._clock.advance(0)
        self._unread += self.wire.value()
        self.wire.clear()
        while len(self._unread) >= 2:
            opcode, (start, length) = self._unread[0] & 0x0F, _place(self._unread)
            if len(self._unread) < start + length:
                return
            payload, self._unread = self._unread[start : start + length], self._unread[start + length :]
            if opcode == 8:
                self.close_code = struct.unpack("!H", payload[:2])[0]
            elif opcode == 9:
                self.pings += 1
            elif opcode == 10:
                self.pongs.append(payload)
            else:
                self.kinds.append(opcode)
                decode = msgspec.json.decode if opcode == 1 else msgspec.msgpack.decode
                self.messages.append(decode(payload))

    def drain(self) -> None:
        """Read at last what waited in the buffer of a slow wire."""
        self.wire.slow = False
        self.wire.producerState = "producing"
        self.wire.producer.resumeProducing()


def connect(gateway: Gateway, encoding: str = "json", *, address: str = "127.0.0.1") -> Client:
    """A client that is through the handshake and has heard hello."""
    client = Client(gateway, encoding, address=address)
    assert client.upgrade().startswith("101 ")
    client.take()
    return client


def frame(opcode: int, payload: bytes, *, final: bool = True, masked: bool = True) -> bytes:
    """A client's frame (RFC 6455, section 5.2)."""
    head = bytes([opcode | (0x80 if final else 0)])
    bit = 0x80 if masked else 0
    if len(payload) < 126:
        head += bytes([bit | len(payload)])
    elif len(payload) < 65_536:
        head += struct.pack("!BH", bit | 126, len(payload))
    else:
        head += struct.pack("!BQ", bit | 127, len(payload))
    if not masked:
        return head + payload
    mask = os.urandom(4)
    stream = mask * (len(payload) // 4 + 1)
    return head + mask + bytes(a ^ b for a, b in zip(payload, stream, strict=False))


def _place(data: bytes) -> tuple[int, int]:
    """Where a server frame's payload begins, and its length."""
    length = data[1] & 0x7F
    if length == 126:
        return 4, struct.unpack("!H", data[2:4])[0]
    if length == 127:
        return 10, struct.unpack("!Q", data[2:10])[0]
    return 2, length
