"""Storms below the messages: frames, handshakes and bytes that are nearly right, and connections that go nowhere."""

import contextlib
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.conformance.client import JSON, Encoding, eventually
from tests.conformance.house import House, running
from tests.conformance.pages import get, self_signed
from tests.conformance.websocket import CONTINUATION, PING, TEXT, Closed, frame, plain_socket
from tests.hostile.conftest import SOCKETS_MAX
from tests.hostile.siege import GROWTH_BYTES_MAX, Bystander, Siege, storm
from tests.hostile.strategies import FRAMES, HANDSHAKES

TRY_AGAIN_LATER = 1013
TOO_LARGE = 1009
HEAD = b"GET /ws HTTP/1.1\r\nHost: house\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


@pytest.fixture
def encoding() -> Encoding:
    """One is enough here."""
    return JSON


def wire(siege: Siege) -> socket.socket:
    """A bare TCP connection to the node."""
    parts = urlsplit(siege.url)
    assert parts.hostname is not None and parts.port is not None
    return plain_socket(parts.hostname, parts.port)


def send_and_hear_out(connection: socket.socket, data: bytes) -> None:
    """Send bytes, say that there are no more, and read to the end; a server that cuts us off has heard enough."""
    with connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65_536):
                pass
        except OSError as error:
            assert not isinstance(error, TimeoutError)


def test_frames_of_any_kind_hurt_nobody_else(siege: Siege, house: House, examples: int) -> None:
    """Wrong opcodes, lengths, masks, fragments and closes, half frames and no frames, then the line is cut."""

    def attack(data: bytes) -> None:
        visitor = house.visitor()
        send_and_hear_out(visitor.socket.socket, data)
        siege.check_innocent()

    storm(examples, FRAMES, attack)


def test_handshakes_of_any_kind_hurt_nobody_else(siege: Siege, examples: int) -> None:
    """Requests that are nearly an upgrade, or nearly HTTP, or neither; what follows them is read by nobody."""

    def attack(data: bytes) -> None:
        send_and_hear_out(wire(siege), data)
        siege.check_innocent()

    storm(examples, HANDSHAKES, attack)


def test_slow_handshakes_keep_nobody_out(siege: Siege, house: House) -> None:
    """Hundreds of connections that never finish their request stand beside those that do."""
    with contextlib.ExitStack() as slow:
        for count in range(300):
            connection = slow.enter_context(wire(siege))
            connection.sendall(HEAD[: count % len(HEAD)])
        for _ in range(20):
            assert house.newcomer().call("player.get")["gold"]["available"] == 0
        siege.check_innocent()


@pytest.mark.slow
def test_a_connection_that_never_becomes_one_is_cut(siege: Siege, house: House) -> None:
    """A request that is never finished is not waited for beyond a bound."""
    with wire(siege) as connection, Bystander(house):
        connection.sendall(HEAD)
        connection.settimeout(60)
        assert connection.recv(1) == b""
    assert siege.innocent.call("player.get")


@pytest.mark.parametrize(
    "request_bytes",
    [
        HEAD + b"X: " + b"x" * 1_000_000,
        HEAD + b"X: y\r\n" * 200_000,
        b"GET /" + b"x" * 1_000_000 + b" HTTP/1.1\r\n\r\n",
        b"x" * 2_000_000,
        b"\r\n" * 500_000,
        b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n" + b"x" * 5_000_000,
        b"POST /ws HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"10000\r\n" + b"x" * 5_000_000,
        b"POST /ws HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 1_000_000,
    ],
    ids=["long header", "many headers", "long path", "no line", "empty lines", "body", "chunk", "chunk length"],
)
def test_requests_without_end_are_cut_off(siege: Siege, request_bytes: bytes) -> None:
    """Nothing of unknown length is collected."""
    send_and_hear_out(wire(siege), request_bytes)


@pytest.mark.parametrize("page", ["/openrpc.json", "/metrics", "/nothing"])
def test_pages_asked_for_ahead_are_not_made_ahead(siege: Siege, house: House, page: str) -> None:
    """A client that asks for ten thousand pages and reads none holds nobody up and makes the node no larger."""
    many = f"GET {page} HTTP/1.1\r\nHost: house\r\n\r\n".encode() * 10_000
    with Bystander(house), wire(siege) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(many)
        siege.check()


def test_a_message_in_endless_pieces_is_cut_off(house: House) -> None:
    """Fragments without content never make a message too large, and still there are only so many of them."""
    attacker = house.visitor()
    pieces = frame(CONTINUATION, b"", last=False) * 10_000
    with Bystander(house), pytest.raises((Closed, ConnectionError)):
        attacker.socket.send_bytes(frame(attacker.encoding.opcode, b"", last=False))
        for _ in range(100):
            attacker.socket.send_bytes(pieces)
        attacker.socket.receive(within_s=1)


def test_pings_without_end_hold_nobody_up(house: House) -> None:
    """Whether their answers are read or not."""
    attacker = house.visitor()
    attacker.socket.socket.settimeout(1)
    with Bystander(house), contextlib.suppress(TimeoutError, ConnectionError):
        for _ in range(100):
            attacker.socket.send_bytes(frame(PING, b"x" * 125) * 1_000)


def test_connections_beyond_the_bound_are_turned_away(siege: Siege, house: House) -> None:
    """One address gets so many sockets; those it has are served on, and all of them are free again afterwards."""
    with contextlib.ExitStack() as crowd, Bystander(house):
        let_in, turned_away = 0, 0
        for _ in range(SOCKETS_MAX + 50):
            try:
                crowd.enter_context(house.visitor())
                let_in += 1
            except Closed as closed:
                assert closed.code == TRY_AGAIN_LATER
                turned_away += 1
        assert 0 < let_in < SOCKETS_MAX
        assert turned_away >= 50
        siege.check_innocent()
    eventually(lambda: _is_let_in(house))


def _is_let_in(house: House) -> bool:
    try:
        house.visitor()
    except Closed:
        return False
    return True


def test_connections_that_come_and_go_leave_nothing_behind(siege: Siege, house: House) -> None:
    """Hundreds of clients that hang up in the middle of a request, or of nothing."""
    for count in range(500):
        visitor = house.visitor()
        visitor.socket.send_bytes(frame(TEXT, b'{"jsonrpc": "2.0"')[: count % 20])
        visitor.close()
    assert siege.resident_bytes_grown < GROWTH_BYTES_MAX
    sockets = next(
        line for line in get(siege.url, "/metrics")[2].decode().splitlines() if line.startswith("auction_sockets ")
    )
    assert float(sockets.split()[1]) < SOCKETS_MAX


def test_garbage_instead_of_tls_hurts_nobody(tmp_path: Path, siege: Siege) -> None:
    """A port that speaks TLS passes over what does not, with nothing to complain of."""
    certificate, key = self_signed(tmp_path)
    with running(tmp_path, "--tls-cert", certificate, "--tls-key", key) as (url, _):
        parts = urlsplit(url)
        assert parts.hostname is not None and parts.port is not None
        for data in (b"", b"\x16", b"\x16\x03\x01\xff\xff" + b"x" * 70_000, HEAD + b"\r\n", b"\0" * 100_000):
            send_and_hear_out(plain_socket(parts.hostname, parts.port), data)
    siege.check_innocent()
