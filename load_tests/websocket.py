"""The cheapest WebSocket client that can load a server: blocking sockets, whole frames, no extensions.

A generator must cost less than the server it measures, or it measures itself. Autobahn as the client costs about as
much as Autobahn as the server, so the load comes from here: one `recv` and one `send` a message, and RFC 6455 only as
far as it binds a client. For everything else there is `clients`.
"""

import base64
import os
import socket
import struct
from contextlib import suppress
from urllib.parse import urlsplit

BINARY, CLOSE, PING, PONG = 0x2, 0x8, 0x9, 0xA
FINAL = 0x80
MASKED = 0x80
NO_MASK = bytes(4)
"""A masking key of zeros is a masking key; the server unmasks with it as with any other."""
RECEIVE_BYTES = 65_536
HANDSHAKE_BYTES_MAX = 16_384
PATIENCE_S = 10.0
"""How long a connection may take to open, and a blocking `receive` to bring a message."""


class ConnectionLost(Exception):
    """The server refused the connection, closed it, or sent what this client does not understand."""


class Connection:
    """One open WebSocket connection for binary messages."""

    __slots__ = ("_rest", "_socket")

    def __init__(self, url: str, subprotocol: str | None = None, headers: dict[str, str] | None = None) -> None:
        """Connect and shake hands. Raises ConnectionLost where the server does not upgrade."""
        place = urlsplit(url)
        assert place.hostname is not None, url
        self._socket = socket.create_connection((place.hostname, place.port or 80), PATIENCE_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(_handshake(url, subprotocol, headers))
        try:
            self._rest = self._upgraded()
        except (ConnectionLost, OSError):
            self._socket.close()
            raise

    @classmethod
    def opened(cls, connected: socket.socket, rest: bytes) -> "Connection":
        """A connection that has shaken hands already, and what came after that."""
        connection = cls.__new__(cls)
        connection._socket = connected
        connection._socket.settimeout(PATIENCE_S)
        connection._rest = rest
        return connection

    def fileno(self) -> int:
        """For selectors."""
        return self._socket.fileno()

    def send(self, payload: bytes) -> None:
        """Send one binary message."""
        self._socket.sendall(_head(BINARY, len(payload)) + payload)

    def receive(self) -> list[bytes]:
        """Wait for data and return the messages that are whole, maybe none. Raises ConnectionLost."""
        received = self._socket.recv(RECEIVE_BYTES)
        if not received:
            raise ConnectionLost("the server closed the connection")
        return self._whole(self._rest + received if self._rest else received)

    def received(self) -> list[bytes]:
        """The messages that came along with the handshake, maybe none. Raises ConnectionLost."""
        return self._whole(self._rest)

    def close(self) -> None:
        """Say goodbye and hang up, without waiting for the answer."""
        with self._socket, suppress(OSError):  # a server that is gone needs no goodbye
            self._socket.sendall(_head(CLOSE, 0))

    def cut(self) -> None:
        """Hang up without a word, as a broken line does."""
        self._socket.close()

    def _whole(self, data: bytes) -> list[bytes]:
        """The messages in it; what is left is kept until more comes."""
        messages = []
        at = 0
        while (frame := _frame(data, at)) is not None:
            kind, start, at = frame
            if kind == FINAL | BINARY:
                messages.append(data[start:at])
            elif kind == FINAL | PING:
                self._socket.sendall(_head(PONG, at - start) + data[start:at])
            elif kind != FINAL | PONG:
                raise ConnectionLost(f"not a binary frame, but {data[start:at]!r} (first byte {kind:#x})")
        self._rest = data[at:]
        return messages

    def _upgraded(self) -> bytes:
        """What came after the server's handshake."""
        answer = b""
        while (rest := _after_handshake(answer)) is None:
            received = self._socket.recv(RECEIVE_BYTES)
            if not received:
                raise ConnectionLost(f"the server did not answer the handshake: {answer[:200]!r}")
            answer += received
        return rest


class Dialling:
    """A connection that is being opened while others are served: its socket is never waited for.

    `proceed` is called when the socket can be written to, then whenever it can be read, until it gives the connection.
    """

    __slots__ = ("_answer", "_asking", "_socket", "asked")

    def __init__(self, url: str, subprotocol: str | None = None, headers: dict[str, str] | None = None) -> None:
        """Begin to connect. Raises OSError."""
        place = urlsplit(url)
        assert place.hostname is not None, url
        self._asking = _handshake(url, subprotocol, headers)
        self._answer = b""
        self.asked = False
        """Whether the handshake is sent, so that from now on the socket is read."""
        family, kind, protocol, _, address = socket.getaddrinfo(
            place.hostname, place.port or 80, type=socket.SOCK_STREAM
        )[0]
        self._socket = socket.socket(family, kind, protocol)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._socket.connect(address)
        except BlockingIOError:
            return  # it is under way
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """For selectors."""
        return self._socket.fileno()

    def proceed(self) -> Connection | None:
        """Go on; None while it is not open. Raises ConnectionLost and OSError: then `cut` it."""
        if not self.asked:
            self._socket.sendall(self._asking)
            self.asked = True
            return None
        received = self._socket.recv(RECEIVE_BYTES)
        if not received:
            raise ConnectionLost(f"the server did not answer the handshake: {self._answer[:200]!r}")
        self._answer += received
        rest = _after_handshake(self._answer)
        return None if rest is None else Connection.opened(self._socket, rest)

    def cut(self) -> None:
        """Give up."""
        self._socket.close()


def _handshake(url: str, subprotocol: str | None, headers: dict[str, str] | None) -> bytes:
    """The request to upgrade."""
    place = urlsplit(url)
    offered = {"Sec-WebSocket-Protocol": subprotocol} if subprotocol else {}
    fields = {
        "Host": place.netloc,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Version": "13",
        **offered,
        **(headers or {}),
    }
    lines = [f"GET {place.path or '/'} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(lines).encode()


def _after_handshake(answer: bytes) -> bytes | None:
    """What came after the server's handshake; None while that is not whole. Raises ConnectionLost."""
    head, end, rest = answer.partition(b"\r\n\r\n")
    if not end:
        if len(answer) > HANDSHAKE_BYTES_MAX:
            raise ConnectionLost(f"the server did not answer the handshake: {answer[:200]!r}")
        return None
    if not head.startswith(b"HTTP/1.1 101"):
        raise ConnectionLost(f"the server refused the connection: {answer[:500].decode('latin-1')}")
    return rest


def _head(opcode: int, length: int) -> bytes:
    if length < 126:
        return bytes((FINAL | opcode, MASKED | length)) + NO_MASK
    assert length <= 0xFFFF, length
    return struct.pack(">BBH", FINAL | opcode, MASKED | 126, length) + NO_MASK


def _frame(data: bytes, at: int) -> tuple[int, int, int] | None:
    """First byte, start and end of the payload of the frame that begins at `at`; None while it is not whole."""
    left = len(data) - at
    if left < 2:
        return None
    length = data[at + 1]
    start = at + 2
    if length == 126:
        if left < 4:
            return None
        length = int.from_bytes(data[start : start + 2])
        start += 2
    elif length == 127:
        if left < 10:
            return None
        length = int.from_bytes(data[start : start + 8])
        start += 8
    return (data[at], start, start + length) if len(data) >= start + length else None
