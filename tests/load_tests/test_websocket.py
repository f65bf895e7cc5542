"""The generator's WebSocket client, against bytes as RFC 6455 has them."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from threading import Thread

import pytest

from load_tests.websocket import Connection, ConnectionLost

UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
PATIENCE_S = 5.0


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A listening socket on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE_S)
        yield server


@contextmanager
def connected(listener: socket.socket, answer: bytes) -> Iterator[tuple[Connection, socket.socket]]:
    """A connection, and the server's end of it, which answered the handshake with these bytes."""
    with ThreadPoolExecutor(1) as pool, ExitStack() as stack:
        accepted = pool.submit(accept, listener, answer)
        stack.callback(lambda: accepted.result().close())
        connection = Connection(f"ws://127.0.0.1:{listener.getsockname()[1]}/ws", "auction.v1.msgpack")
        with closing(connection):
            yield connection, accepted.result()


def accept(listener: socket.socket, answer: bytes) -> socket.socket:
    """The server's part of a handshake."""
    end, _ = listener.accept()
    end.settimeout(PATIENCE_S)
    end.recv(65_536)
    end.sendall(answer)
    return end


def test_a_message_is_sent_masked_in_one_frame(listener: socket.socket) -> None:
    """A client's frame carries the mask bit, a masking key and its length in the least form."""
    with connected(listener, UPGRADED) as (connection, server):
        connection.send(b"abc")
        assert server.recv(100) == b"\x82\x83\0\0\0\0abc"
        connection.send(b"x" * 200)
        assert server.recv(1_000) == b"\x82\xfe\x00\xc8\0\0\0\0" + b"x" * 200


@pytest.mark.parametrize("cut", range(1, 12))
def test_messages_are_read_wherever_the_stream_is_cut(listener: socket.socket, cut: int) -> None:
    """Frames of every form of length come out whole, however the bytes arrive, those behind the handshake included."""
    stream = b"\x82\x03abc\x82\x7e\x00\x7e" + b"y" * 126 + b"\x82\x7f" + (70_000).to_bytes(8) + b"z" * 70_000
    with connected(listener, UPGRADED + stream[:cut]) as (connection, server):
        writer = Thread(target=server.sendall, args=(stream[cut:],))
        writer.start()
        messages: list[bytes] = []
        while len(messages) < 3:
            messages += connection.receive()
        writer.join()
        assert messages == [b"abc", b"y" * 126, b"z" * 70_000]


def test_a_ping_is_answered_with_its_own_payload(listener: socket.socket) -> None:
    """A server that pings hears the same bytes back, and no message comes of it."""
    with connected(listener, UPGRADED) as (connection, server):
        server.sendall(b"\x89\x02hi")
        assert connection.receive() == []
        assert server.recv(100) == b"\x8a\x82\0\0\0\0hi"


@pytest.mark.parametrize("frame", [b"\x88\x02\x03\xe9", b"\x81\x02hi", b"\x02\x02hi"])
def test_a_frame_that_is_no_whole_binary_message_ends_the_connection(listener: socket.socket, frame: bytes) -> None:
    """A close, a text frame and a fragment are each told as ConnectionLost, with what came."""
    with connected(listener, UPGRADED) as (connection, server):
        server.sendall(frame)
        with pytest.raises(ConnectionLost, match="not a binary frame"):
            connection.receive()


def test_a_refused_handshake_tells_the_servers_answer(listener: socket.socket) -> None:
    """Whoever is turned away reads why."""
    with (
        pytest.raises(ConnectionLost, match="401 Unauthorized"),
        connected(listener, b"HTTP/1.1 401 Unauthorized\r\n\r\n"),
    ):
        pytest.fail("the handshake was refused")
