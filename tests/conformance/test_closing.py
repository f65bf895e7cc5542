"""How connections end: every close code, for its reason and for no other."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.client import JSON, Encoding, eventually
from tests.conformance.house import House, Issuer, Player, running
from tests.conformance.websocket import BINARY, CONTINUATION, PING, PONG, TEXT, Closed, frame
from tests.processes import NodeProcess

GOING_AWAY, WRONG_KIND, BAD_UTF8, FLOODING, TOO_LARGE, TRY_AGAIN_LATER = 1001, 1003, 1007, 1008, 1009, 1013


def close_code(player: Player) -> int | None:
    """Listen until the server closes the connection."""
    with pytest.raises(Closed) as closed:
        while True:
            player.socket.receive()
    return closed.value.code


def test_a_message_that_is_too_large_closes_with_1009(house: House) -> None:
    """65,537 bytes are too many, as one frame or in several."""
    player = house.newcomer()
    player.send_raw(b" " * 65_537)
    assert close_code(player) == TOO_LARGE
    player = house.newcomer()
    player.socket.send_bytes(frame(player.encoding.opcode, b" " * 40_000, last=False))
    player.socket.send_bytes(frame(CONTINUATION, b" " * 40_000))
    assert close_code(player) == TOO_LARGE


def test_a_frame_of_the_wrong_kind_closes_with_1003(house: House) -> None:
    """JSON travels in text frames, MessagePack in binary ones."""
    player = house.newcomer()
    wrong = BINARY if player.encoding is JSON else TEXT
    player.socket.send(wrong, b"{}")
    assert close_code(player) == WRONG_KIND


@pytest.mark.parametrize("payload", [b"\xff", b'{"a": "\xc3\x28"}', b"\xed\xa0\x80", b"\xc0\x80", b'"\xe2\x82'])
def test_text_that_is_not_utf_8_closes_with_1007(url: str, issuer: Issuer, payload: bytes) -> None:
    """Stray bytes, surrogates, overlong and cut-off sequences."""
    with House(url, issuer, JSON) as house:
        player = house.newcomer()
        player.send_raw(payload)
        assert close_code(player) == BAD_UTF8


def test_one_connections_end_is_no_others(house: House) -> None:
    """The same player's other connection goes on."""
    player = house.newcomer()
    twin = house.enter(player.name)
    twin.send_raw(b" " * 70_000)
    close_code(twin)
    assert player.call("player.get")["player"] == player.name


def test_a_ping_is_answered(house: House) -> None:
    """With its own payload, whatever else is under way."""
    player = house.newcomer()
    player.socket.send(PING, b"are you there?")
    assert player.socket.read_frame() == (PONG, b"are you there?")


@pytest.mark.slow
def test_a_silent_client_is_asked_and_then_dropped(url: str, issuer: Issuer) -> None:
    """A ping comes after 15 s; who answers nothing is dropped after 25 s, and who answers pings is kept."""
    with House(url, issuer) as house:
        silent, heedful = house.visitor(), house.newcomer()
        since_s = time.monotonic()
        silent.socket.socket.settimeout(20)
        assert silent.socket.read_frame()[0] == PING
        assert 13 <= time.monotonic() - since_s <= 18
        with pytest.raises(TimeoutError):
            heedful.socket.receive(within_s=1)
        with pytest.raises((Closed, ConnectionError)):
            while True:
                silent.socket.read_frame()
        assert 22 <= time.monotonic() - since_s <= 30
        with pytest.raises(TimeoutError):
            heedful.socket.receive(within_s=15)
        assert heedful.call("player.get")["player"] == heedful.name


def test_a_stopping_node_closes_with_1001(tmp_path: Path, issuer: Issuer, encoding: Encoding) -> None:
    """Whoever is connected hears it, logged in or not."""
    with running(tmp_path, "--token-key", issuer.public_file) as (url, node), House(url, issuer, encoding) as house:
        connections = [house.newcomer(), house.newcomer(), house.visitor()]
        node.process.terminate()
        assert [close_code(connection) for connection in connections] == [GOING_AWAY] * 3
        assert node.exit_code() == 0


SMALL = {"AUCTION_CONNECTIONS_PER_ADDRESS_MAX": "4", "AUCTION_REQUESTS_PER_S": "200", "AUCTION_REQUESTS_BURST": "200"}
"""Limits that a test can meet."""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[tuple[str, NodeProcess]]:
    """A node that takes four connections of one address, and 200 requests a second on each."""
    directory = tmp_path_factory.mktemp("small")
    with running(directory, "--token-key", issuer.public_file, environment=SMALL) as node:
        yield node


@pytest.fixture
def small_house(small: tuple[str, NodeProcess], issuer: Issuer, encoding: Encoding) -> Iterator[House]:
    """The small node, in one encoding, once the sockets of the last test are gone."""
    with House(small[0], issuer, encoding) as house:
        eventually(lambda: _has_room(house))
        yield house


def _has_room(house: House) -> bool:
    try:
        with House(house.url, house.issuer) as other:
            for _ in range(4):
                other.visitor()
    except Closed:
        return False
    return True


def test_a_connection_too_many_is_closed_with_1013(small_house: House) -> None:
    """Those that were there first are served on, and one that leaves makes room."""
    players = [small_house.newcomer() for _ in range(4)]
    for _ in range(3):
        with pytest.raises(Closed) as closed:
            small_house.visitor()
        assert closed.value.code == TRY_AGAIN_LATER
    assert all(player.call("player.get")["player"] == player.name for player in players)
    players[0].close()
    eventually(lambda: _is_let_in(small_house))
    assert players[1].call("player.get")["player"] == players[1].name


def _is_let_in(house: House) -> bool:
    try:
        house.visitor()
    except Closed:
        return False
    return True


def test_a_client_in_a_hurry_is_told_when_to_ask_again(small_house: House) -> None:
    """Beyond its rate it is `rate_limited`; after `retry_after_ms` it is served, and others were served all along."""
    player, other = small_house.newcomer(), small_house.newcomer()
    for _ in range(6):
        player.send([_get(count) for count in range(50)])
    errors = [answer["error"]["data"] for _ in range(6) for answer in player.next_answer() if "error" in answer]
    refused = errors[-1]
    assert refused["reason"] == "rate_limited"
    wait_ms = refused["retry_after_ms"]
    assert 0 < wait_ms <= 2_000
    assert other.call("player.get")["player"] == other.name
    with pytest.raises(TimeoutError):
        player.socket.receive(within_s=wait_ms / 1000)
    assert player.call("player.get")["player"] == player.name


def test_a_node_that_is_behind_says_so_and_does_nothing(tmp_path: Path, issuer: Issuer) -> None:
    """`unavailable` tells how long to wait; nothing was done, and what needs no change is answered all the same."""
    environment = {"AUCTION_DIRTY_STORES_MAX": "1", "AUCTION_CHECKPOINT_INTERVAL_S": "3600"}
    with (
        running(tmp_path, "--token-key", issuer.public_file, environment=environment) as (url, _),
        House(url, issuer) as house,
    ):
        house.grant("first", gold=1)
        for player in ("first", "second"):
            assert house.service.refusal("admin.grant", player=player, gold=5, key="k").reason == "unavailable"
        assert house.enter("first").gold() == (1, 0)
        assert house.enter("second").gold() == (0, 0)


def test_a_client_that_floods_on_is_closed_with_1008(small_house: House) -> None:
    """Every request until then is answered, the last ones `rate_limited`; another's connection goes on."""
    player, other = small_house.newcomer(), small_house.newcomer()
    try:
        for _ in range(200):
            player.send([_get(count) for count in range(50)])
    except (Closed, ConnectionError):
        pass
    assert close_code(player) == FLOODING
    assert other.call("player.get")["player"] == other.name


def _get(request_id: int) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": request_id, "method": "player.get", "params": {}}
