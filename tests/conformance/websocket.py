"""A WebSocket client over a blocking socket (RFC 6455), small enough to misbehave on purpose."""

import base64
import contextlib
import hashlib
import os
import socket
import ssl
import struct
from types import TracebackType
from typing import NamedTuple
from urllib.parse import urlsplit

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
PATIENCE_S = 10.0
"""How long anything may take that the protocol promises at all; the protocol itself allows an answer 5 s."""
READ_BYTES = 65_536
ACCEPT_SALT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Closed(Exception):
    """The server closed the connection; `code` is None where it did so without a close frame."""

    def __init__(self, code: int | None, reason: str) -> None:
        super().__init__(f"closed with {code} {reason}")
        self.code = code


class HandshakeRefused(Exception):
    """The upgrade was answered with another status than 101."""

    def __init__(self, status: int, head: str) -> None:
        super().__init__(head)
        self.status = status


class Handshake(NamedTuple):
    """What the server's 101 said; header names in lower case."""

    headers: dict[str, str]


class WebSocket:
    """One connection. Pings are answered wherever a message is received."""

    def __init__(
        self,
        url: str,
        *,
        subprotocols: tuple[str, ...] = (),
        headers: dict[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        receive_buffer_bytes: int | None = None,
    ) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None and parts.port is not None, url
        self._closing = False
        self._unread = bytearray()
        self.socket = plain_socket(parts.hostname, parts.port, receive_buffer_bytes)
        try:
            if tls is not None:
                self.socket = tls.wrap_socket(self.socket, server_hostname=parts.hostname)
            key = base64.b64encode(os.urandom(16))
            self.socket.sendall(upgrade_request(parts.netloc, parts.path, key, subprotocols, headers))
            self.handshake = self._read_handshake()
            accepted = base64.b64encode(hashlib.sha1(key + ACCEPT_SALT).digest()).decode()
            assert self.handshake.headers["sec-websocket-accept"] == accepted
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self) -> "WebSocket":
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self.close()

    @property
    def subprotocol(self) -> str | None:
        """What the server chose."""
        return self.handshake.headers.get("sec-websocket-protocol")

    def send(self, opcode: int, payload: bytes) -> None:
        """Send one whole message."""
        self.send_bytes(frame(opcode, payload))

    def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are, frames or not."""
        self.socket.sendall(data)

    def receive(self, within_s: float = PATIENCE_S) -> tuple[int, bytes]:
        """The next message: opcode and payload. Raises Closed, and TimeoutError where nothing comes."""
        self.socket.settimeout(within_s)
        try:
            while True:
                opcode, payload = self.read_frame()
                if opcode == PING:
                    self.send(PONG, payload)
                elif opcode == CLOSE:
                    self._answer_close(payload)
                    code = struct.unpack(">H", payload[:2])[0] if payload else None
                    raise Closed(code, payload[2:].decode())
                elif opcode != PONG:
                    return opcode, payload
        except ConnectionError as error:
            raise Closed(None, str(error)) from error

    def close(self) -> None:
        """End the connection without waiting for the server's good-bye."""
        self.socket.close()

    def _answer_close(self, payload: bytes) -> None:
        if not self._closing:
            self._closing = True
            with contextlib.suppress(ConnectionError):  # a server that has said good-bye need not wait for ours
                self.send(CLOSE, payload[:2])

    def _read_handshake(self) -> Handshake:
        while b"\r\n\r\n" not in self._unread:
            self._read_more()
        head, _, rest = bytes(self._unread).partition(b"\r\n\r\n")
        self._unread = bytearray(rest)
        first, *lines = head.decode("latin-1").split("\r\n")
        status = int(first.split()[1])
        if status != 101:
            raise HandshakeRefused(status, head.decode("latin-1"))
        pairs = (line.partition(":") for line in lines)
        return Handshake({name.strip().lower(): value.strip() for name, _, value in pairs})

    def read_frame(self) -> tuple[int, bytes]:
        """The next frame, whatever it is; the server never cuts a message into several."""
        first, second = self._read_exactly(2)
        assert first & 0x80 and not first & 0x70 and not second & 0x80, "a whole, unmasked frame without extensions"
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack(">H", self._read_exactly(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", self._read_exactly(8))
        return first & 0x0F, self._read_exactly(length)

    def _read_exactly(self, count: int) -> bytes:
        while len(self._unread) < count:
            self._read_more()
        taken = bytes(self._unread[:count])
        del self._unread[:count]
        return taken

    def _read_more(self) -> None:
        data = self.socket.recv(READ_BYTES)
        if not data:
            raise Closed(None, "the server hung up")
        self._unread += data


def plain_socket(host: str, port: int, receive_buffer_bytes: int | None = None) -> socket.socket:
    """A connected TCP socket whose operations take PATIENCE_S at most."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if receive_buffer_bytes is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        made.settimeout(PATIENCE_S)
        made.connect((host, port))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        made.close()
        raise
    return made


def upgrade_request(
    host: str, path: str, key: bytes, subprotocols: tuple[str, ...] = (), headers: dict[str, str] | None = None
) -> bytes:
    """The HTTP request that asks for a WebSocket."""
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key.decode()}",
        "Sec-WebSocket-Version: 13",
        *([f"Sec-WebSocket-Protocol: {', '.join(subprotocols)}"] if subprotocols else []),
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def frame(opcode: int, payload: bytes, *, last: bool = True) -> bytes:
    """One masked frame, as clients must send them; the mask is zero, so the payload stands in it as it is."""
    head = bytes([(0x80 if last else 0) | opcode])
    if len(payload) < 126:
        length = bytes([0x80 | len(payload)])
    elif len(payload) < 65_536:
        length = b"\xfe" + struct.pack(">H", len(payload))
    else:
        length = b"\xff" + struct.pack(">Q", len(payload))
    return head + length + bytes(4) + payload
