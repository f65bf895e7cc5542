"""WebSockets from the first byte to the last: handshake, frames, bounds, heartbeat, closes."""

import pytest
from msgspec import msgpack

from auction.state import Notice
from shardnode.gateway.limits import GatewayLimits
from tests.gateway.rig import CATALOG, NOW_S, PLAYER, Client, House, connect, frame, token

LIMITS = GatewayLimits()


@pytest.mark.parametrize(
    ("offered", "chosen", "opcode"),
    [
        (None, None, 1),
        ("auction.v1.json", "auction.v1.json", 1),
        ("auction.v1.msgpack", "auction.v1.msgpack", 2),
        ("soap, auction.v1.msgpack, auction.v1.json", "auction.v1.msgpack", 2),
        ("auction.v1.json, auction.v1.msgpack", "auction.v1.json", 1),
    ],
)
def test_the_subprotocol_settles_the_encoding(offered: str | None, chosen: str | None, opcode: int) -> None:
    """A client gets the first encoding of its list that is spoken here, and JSON if it names none."""
    client = Client(House().gateway(), None)
    assert client.upgrade(protocols=offered) == "101 Switching Protocols"
    assert (b"Sec-WebSocket-Protocol" in client.head) == (chosen is not None)
    if chosen is not None:
        assert f"Sec-WebSocket-Protocol: {chosen}".encode() in client.head
    assert client.kinds == [opcode]


def test_a_client_that_speaks_nothing_of_ours_is_refused_at_the_handshake() -> None:
    """Only unknown subprotocols: HTTP 400, with the known ones in the reason."""
    client = Client(House().gateway(), None)
    status = client.upgrade(protocols="auction.v2.msgpack, soap")
    assert status.startswith("400 ")
    assert "auction.v1.json" in status
    assert client.wire.disconnecting


def test_websockets_are_served_at_one_path() -> None:
    """Nothing below /ws is one."""
    assert Client(House().gateway()).upgrade(path="/ws/more").startswith("404 ")
    assert Client(House().gateway()).upgrade(path="/ws?from=lobby").startswith("101 ")


def test_compression_is_declined() -> None:
    """permessage-deflate is off, whatever a client offers."""
    client = Client(House().gateway())
    assert client.upgrade(headers={"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"})
    assert b"Sec-WebSocket-Extensions" not in client.head


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_every_connection_opens_with_hello(encoding: str) -> None:
    """The first push says which node, protocol, world and bounds these are."""
    client = Client(House().gateway(), encoding)
    client.upgrade()
    assert client.take() == {
        "jsonrpc": "2.0",
        "method": "hello",
        "params": {
            "node": "n1",
            "protocol": "auction.v1",
            "server_time_ms": NOW_S * 1000,
            "world": {"version": CATALOG.version, "hash": CATALOG.hash},
            "max_message_bytes": 65_536,
        },
    }


def test_a_token_on_the_upgrade_logs_in() -> None:
    """Authorization: Bearer does what session.login does, after hello."""
    house = House(PLAYER)
    gateway = house.gateway()
    client = Client(gateway)
    assert client.upgrade(headers={"Authorization": f"Bearer {token('bob', 'service')}"}).startswith("101 ")
    assert client.take()["method"] == "hello"
    client.call("player.get")
    assert client.take()["result"]["player"] == "alice"
    assert (house.asked[0].caller.player, house.asked[0].caller.role) == ("bob", "service")
    assert gateway.is_present("bob")


@pytest.mark.parametrize("bearer", ["nonsense", token(ttl_s=0), ""])
def test_a_bad_token_on_the_upgrade_is_refused_there(bearer: str) -> None:
    """HTTP 401 with the reason, instead of a socket that may do nothing."""
    status = Client(House().gateway()).upgrade(headers={"Authorization": f"Bearer {bearer}"})
    assert status.startswith("401 ")
    assert "token" in status


def test_other_authorizations_are_not_ours() -> None:
    """A proxy's own credentials do not keep a client out."""
    assert Client(House().gateway()).upgrade(headers={"Authorization": "Basic YTpi"}).startswith("101 ")


def test_a_message_that_does_not_parse_leaves_the_socket_open() -> None:
    """It is answered −32700 with id null, and the next one is served."""
    client = connect(House().gateway())
    client.send_frame(1, b"{nonsense")
    answer = client.take()
    assert (answer["id"], answer["error"]["code"]) == (None, -32700)
    client.call("player.get")
    assert client.take()["error"]["data"]["reason"] == "unauthenticated"
    assert client.close_code is None


@pytest.mark.parametrize(("encoding", "opcode"), [("json", 2), ("msgpack", 1)])
def test_a_frame_of_the_wrong_kind_closes_with_1003(encoding: str, opcode: int) -> None:
    """JSON travels in text frames, MessagePack in binary ones."""
    client = connect(House().gateway(), encoding)
    client.send_frame(opcode, b"{}")
    assert client.take_all() == []
    assert client.close_code == 1003


def test_text_that_is_not_utf8_closes_with_1007() -> None:
    """A text frame's encoding is part of the WebSocket protocol."""
    client = connect(House().gateway())
    client.send_frame(1, b'{"jsonrpc": "\xff"}')
    assert client.take_all() == []
    assert client.close_code == 1007


def test_a_message_of_65536_bytes_is_served_and_one_more_byte_closes_with_1009() -> None:
    """The bound is on the message, and inclusive."""
    client = connect(House().gateway())
    request = b'{"jsonrpc":"2.0","id":1,"method":"player.get"}'
    client.send_frame(1, request.ljust(65_536))
    assert client.take()["id"] == 1
    client.send_frame(1, request.ljust(65_537))
    client.read()
    assert client.close_code == 1009


def test_fragments_together_may_not_be_larger_either() -> None:
    """A message cut into frames has the same bound, and is refused before all of it is there."""
    client = connect(House().gateway())
    client.send_frame(1, b" " * 40_000, final=False)
    assert client.close_code is None
    client.send_frame(0, b" " * 40_000, final=False)
    client.read()
    assert client.close_code == 1009


def test_a_message_in_fragments_is_one_message() -> None:
    """Frames are joined before anybody reads them."""
    client = connect(House().gateway(), "msgpack")
    payload = msgpack.encode({"jsonrpc": "2.0", "id": 5, "method": "player.get"})
    client.send_frame(2, payload[:10], final=False)
    client.send_frame(9, b"ping between")
    client.send_frame(0, payload[10:20], final=False)
    client.send_frame(0, payload[20:])
    assert [message["id"] for message in client.take_all()] == [5]
    assert client.pongs == [b"ping between"]


def test_bytes_may_come_one_by_one_or_many_messages_at_once() -> None:
    """How TCP cuts the stream changes nothing."""
    client = connect(House().gateway())
    request = frame(1, b'{"jsonrpc":"2.0","id":1,"method":"player.get"}')
    for byte in request:
        client.feed(bytes([byte]))
    assert client.take()["id"] == 1
    client.feed(request * 20 + request[:7])
    assert len(client.take_all()) == 20
    client.feed(request[7:])
    assert client.take()["id"] == 1


@pytest.mark.parametrize(
    "data", [frame(1, b"{}", masked=False), frame(3, b""), b"\xc1\x80" + bytes(4), frame(0, b"x"), frame(9, b"x" * 126)]
)
def test_bytes_that_are_no_websocket_frames_close_with_1002(data: bytes) -> None:
    """Unmasked frames, unknown opcodes, reserved bits, stray continuations: the library's protocol errors."""
    client = connect(House().gateway())
    client.feed(data)
    client.read()
    assert client.close_code == 1002


def test_a_close_from_the_client_is_answered() -> None:
    """The closing handshake is completed, and the session is gone."""
    gateway = House().gateway()
    client = connect(gateway)
    client.login()
    client.send_frame(8, b"\x03\xe8")
    client.read()
    assert client.close_code == 1000
    assert client.wire.disconnecting
    assert gateway.sockets == 0
    assert not gateway.is_present("alice")


def test_the_node_pings_every_15_seconds() -> None:
    """A client that answers pings stays."""
    house = House()
    client = connect(house.gateway())
    for beat in range(1, 8):
        house.clock.advance(14.9)
        client.read()
        assert client.pings == beat - 1
        house.clock.advance(0.1)
        client.read()
        assert client.pings == beat
        client.send_frame(10, b"")
    assert client.close_code is None
    assert not client.wire.disconnecting


def test_a_silent_connection_is_dropped_after_25_seconds() -> None:
    """The silence counts from the last byte that was heard, whatever it was."""
    house = House()
    client = connect(house.gateway())
    house.clock.advance(7)
    client.send_frame(10, b"")
    for _ in range(249):
        house.clock.advance(0.1)
    assert not client.wire.disconnecting
    house.clock.advance(0.2)
    assert client.wire.aborted
    assert house.metrics.limits == ["silence_max_s"]


def test_requests_are_a_sign_of_life() -> None:
    """A client that never answers a ping but goes on asking is not silent."""
    house = House()
    client = connect(house.gateway())
    for _ in range(10):
        house.clock.advance(12)
        client.call("player.get")
    assert not client.wire.disconnecting


def test_a_call_that_the_house_does_not_answer_is_answered_in_time() -> None:
    """After 4.5 s, and with the timers of one connection only."""
    house = House()
    client = connect(house.gateway())
    client.login()
    client.call("player.get", 1)
    house.clock.advance(2)
    client.call("player.get", 2)
    house.clock.advance(2.4)
    assert client.take_all() == []
    house.clock.advance(0.1)
    assert client.take()["id"] == 1
    house.clock.advance(1.9)
    assert client.take_all() == []
    house.clock.advance(0.1)
    answer = client.take()
    assert (answer["id"], answer["error"]["data"]["reason"]) == (2, "unavailable")
    client.call("player.get", 3)
    house.clock.advance(4.5)
    assert client.take()["id"] == 3


def test_one_address_has_so_many_sockets_and_no_more() -> None:
    """One more is closed with 1013, until another goes."""
    house = House()
    gateway = house.gateway(sockets_per_address_max=2)
    first, _second = connect(gateway), connect(gateway)
    third = Client(gateway)
    assert third.upgrade().startswith("101 ")
    assert third.take_all() == []
    assert third.close_code == 1013
    connect(gateway, address="127.0.0.2")
    first.wire.lose()
    connect(gateway)
    assert gateway.sockets == 3
    assert house.metrics.limits == ["sockets_per_address_max"]


def test_a_node_has_so_many_sockets_and_no_more() -> None:
    """One more is closed with 1013, whatever its address."""
    house = House()
    gateway = house.gateway(sockets_max=1)
    connect(gateway)
    other = Client(gateway, address="127.0.0.2")
    other.upgrade()
    assert other.close_code == 1013
    assert house.metrics.limits == ["sockets_max"]


def test_tcp_connections_beyond_all_bounds_are_cut() -> None:
    """Whoever does not even upgrade has a bound as well."""
    house = House()
    gateway = house.gateway(sockets_max=1, tcp_connections_spare=1)
    idle = [Client(gateway), Client(gateway)]
    assert not any(client.wire.aborted for client in idle)
    assert Client(gateway).wire.aborted
    assert house.metrics.limits == ["tcp_connections_spare"]
    idle[0].wire.lose()
    assert not Client(gateway).wire.aborted


def test_a_client_that_does_not_answer_a_close_is_cut_off() -> None:
    """The closing handshake has a bound in time."""
    house = House()
    client = connect(house.gateway())
    client.send_frame(2, b"")
    house.clock.advance(LIMITS.close_within_s - 0.1)
    assert not client.wire.disconnecting
    house.clock.advance(0.2)
    assert client.wire.aborted


def test_what_comes_after_a_close_is_not_served() -> None:
    """A request behind the frame that closed the socket has no effect."""
    house = House(PLAYER)
    client = connect(house.gateway())
    client.login()
    request = frame(1, b'{"jsonrpc":"2.0","id":1,"method":"player.get"}')
    client.feed(frame(2, b"wrong kind") + request)
    assert house.asked == []
    assert client.take_all() == []


def test_a_slow_reader_is_not_read_from() -> None:
    """While answers wait in the buffer, requests wait unread, and none is lost."""
    house = House(PLAYER)
    client = connect(house.gateway())
    client.login()
    client.wire.slow = True
    request = frame(1, b'{"jsonrpc":"2.0","id":1,"method":"player.get"}')
    client.feed(request)
    house.clock.advance(0)
    client.feed(request * 4)
    assert len(house.asked) == 1
    assert client.wire.producerState == "paused"
    client.drain()
    house.clock.advance(0)
    assert len(house.asked) == 5
    assert len(client.take_all()) == 5


def test_a_slow_reader_is_dropped_when_too_much_waits() -> None:
    """Pushes go on coming; beyond the bound the socket is closed with 1013 and then cut."""
    house = House(PLAYER)
    gateway = house.gateway(unsent_bytes_max=1_000)
    client = connect(gateway)
    client.login()
    client.wire.slow = True
    notice = Notice(1, "listing.outbid", NOW_S * 1000, {"listing": "l", "price": 1, "min_bid": 2})
    while client.close_code is None and len(client.wire.value()) < 10_000:
        gateway.push("alice", notice)
        house.clock.advance(0)
        if b"\x88" in client.wire.value():
            client.read()
    assert client.close_code == 1013
    assert sum(len(msgpack.encode(message)) for message in client.messages) < 1_500
    house.clock.advance(LIMITS.close_within_s)
    assert client.wire.aborted
    assert not gateway.is_present("alice")
    assert house.metrics.limits == ["unsent_bytes_max"]


def test_a_reader_that_stands_still_is_dropped() -> None:
    """Nothing is heard from a client that is not read from; after 25 s it is closed with 1013."""
    house = House(PLAYER)
    client = connect(house.gateway())
    client.login()
    client.wire.slow = True
    client.call("player.get")
    for _ in range(26):
        house.clock.advance(1)
    client.read()
    assert client.close_code == 1013
    house.clock.advance(LIMITS.close_within_s)
    assert client.wire.aborted


def test_stopping_closes_every_socket_with_1001() -> None:
    """Calls under way are answered first; newcomers are turned away; the stop is done when all are gone."""
    house = House()
    gateway = house.gateway()
    idle, busy = connect(gateway), connect(gateway)
    busy.login()
    busy.call("player.get", "old")
    stopped: list[None] = []
    gateway.stop().addCallback(stopped.append)
    idle.read()
    assert idle.close_code == 1001
    busy.call("player.get", "new")
    answer = busy.take()
    assert (answer["id"], answer["error"]["data"]["reason"]) == ("new", "unavailable")
    assert busy.close_code is None
    house.answers[0].callback(PLAYER)
    assert busy.take()["id"] == "old"
    assert busy.close_code == 1001
    late = Client(gateway)
    late.upgrade()
    assert late.close_code == 1001
    assert stopped == []
    idle.send_frame(8, b"\x03\xe9")
    busy.send_frame(8, b"\x03\xe9")
    assert stopped == [None]


def test_stopping_an_empty_gateway_is_done_at_once() -> None:
    """Nobody needs to be waited for."""
    stopped: list[None] = []
    House().gateway().stop().addCallback(stopped.append)
    assert stopped == [None]


def test_a_connection_leaves_nothing_behind() -> None:
    """However it ends, no timer, count or presence stays."""
    house = House()
    gateway = house.gateway()
    for ending in ("close", "lost", "wrong kind", "denied"):
        client = Client(gateway)
        client.upgrade(protocols="soap" if ending == "denied" else "auction.v1.json")
        if ending != "denied":
            client.take()
            client.login()
            client.call("player.get")
        if ending == "close":
            client.send_frame(8, b"\x03\xe8")
        elif ending == "lost":
            client.wire.lose()
        elif ending == "wrong kind":
            client.send_frame(2, b"")
            client.send_frame(8, b"\x03\xeb")
        assert client.wire.disconnecting
        assert house.clock.getDelayedCalls() == []
        assert gateway.sockets == 0
        assert not gateway.is_present("alice")
    for answer in house.answers:
        answer.callback(PLAYER)
    assert house.failures == []


@pytest.mark.parametrize("step", ["verify", "now_ms"])
def test_a_bug_in_any_step_stops_the_node(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """During the handshake as well, an unexpected exception is not just logged away by a library."""
    house = House()
    monkeypatch.setattr(house, step, lambda *_: 1 // 0, raising=False)
    client = Client(house.gateway())
    client.upgrade(headers={"Authorization": f"Bearer {token()}"})
    assert {failure.type for failure in house.failures} == {ZeroDivisionError}


def test_a_bug_in_sending_stops_the_node(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that cannot be written for a reason of our own is not dropped in silence."""
    house = House(PLAYER)
    client = connect(house.gateway())
    client.login()

    def buggy(_data: bytes) -> None:
        raise RuntimeError("no such thing")

    monkeypatch.setattr(client.wire, "write", buggy)
    client.call("player.get")
    house.clock.advance(0)
    assert [failure.type for failure in house.failures] == [RuntimeError]
