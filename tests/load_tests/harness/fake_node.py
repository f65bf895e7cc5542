"""A node of few words: it upgrades every connection and answers every request as a test has it."""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Lock, Thread
from typing import Any

import msgspec

UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
PATIENCE_S = 10.0
CUT = object()
"""Instead of an answer: the connection is closed."""

Answer = Callable[[str, dict[str, Any]], object]


class FakeNode:
    """Listens on loopback; `asked` are all requests, in the order in which they came."""

    def __init__(self, answer: Answer) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.connections = 0
        self._answer = answer
        self._lock = Lock()
        self._server = socket.create_server(("127.0.0.1", 0))
        self._threads = [Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"ws://127.0.0.1:{self._server.getsockname()[1]}/ws"

    def close(self) -> None:
        """Stop listening, and wait until everybody has hung up."""
        self._server.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE_S)
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):  # nobody listens any more
            while True:
                end, _ = self._server.accept()
                end.settimeout(PATIENCE_S)
                self.connections += 1
                thread = Thread(target=self._serve, args=(end,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, end: socket.socket) -> None:
        with end, suppress(ConnectionError):  # the generator hung up
            end.recv(65_536)
            end.sendall(UPGRADED)
            while (payload := _received(end)) is not None:
                request = msgspec.msgpack.decode(payload)
                with self._lock:
                    self.asked.append((request["method"], request["params"]))
                answer = self._answer(request["method"], request["params"])
                if answer is CUT:
                    return
                body = msgspec.msgpack.encode({"jsonrpc": "2.0", "id": request["id"], **msgspec.to_builtins(answer)})
                end.sendall(struct.pack(">BBH", 0x82, 126, len(body)) + body)


@contextmanager
def fake_node(answer: Answer) -> Iterator[FakeNode]:
    """A node that answers so, until the end."""
    node = FakeNode(answer)
    try:
        yield node
    finally:
        node.close()


def _received(end: socket.socket) -> bytes | None:
    """The payload of a short masked frame (the mask is of zeros); None for any other, and when all is over."""
    head = end.recv(6)
    if len(head) < 6 or head[0] != 0x82:
        return None
    length = head[1] & 0x7F
    if length == 126:
        rest = end.recv(2)
        length, extra = int.from_bytes(head[2:4]), len(rest)
        assert extra == 2
    payload = b""
    while len(payload) < length:
        payload += end.recv(length - len(payload))
    return payload
