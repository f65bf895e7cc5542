"""How a connection begins: the subprotocol, the first push, and a token that comes with the upgrade."""

import json

import msgpack
import pytest

from tests.conformance.contract import HELLO, check
from tests.conformance.house import House
from tests.conformance.websocket import BINARY, TEXT, HandshakeRefused, WebSocket

KNOWN = ("auction.v1.msgpack", "auction.v1.json")


def test_a_client_that_offers_no_subprotocol_gets_json(url: str) -> None:
    """Without an offer none is chosen, and messages are JSON in text frames."""
    with WebSocket(url) as socket:
        assert socket.subprotocol is None
        opcode, payload = socket.receive()
        assert opcode == TEXT
        assert json.loads(payload)["method"] == "hello"


@pytest.mark.parametrize("offer", [KNOWN[:1], KNOWN[1:], KNOWN, KNOWN[::-1], ("graphql-ws", KNOWN[1])])
def test_the_subprotocol_is_one_that_was_offered_and_is_spoken(url: str, offer: tuple[str, ...]) -> None:
    """Whatever is offered beside it, a known subprotocol is chosen, and the first message is in its encoding."""
    with WebSocket(url, subprotocols=offer) as socket:
        assert socket.subprotocol in set(offer) & set(KNOWN)
        opcode, payload = socket.receive()
        if socket.subprotocol == "auction.v1.json":
            assert (opcode, json.loads(payload)["method"]) == (TEXT, "hello")
        else:
            assert (opcode, msgpack.unpackb(payload)["method"]) == (BINARY, "hello")


@pytest.mark.parametrize("offer", [("graphql-ws",), ("auction.v2.json", "auction.v0.msgpack"), ("AUCTION.V1.JSONX",)])
def test_a_client_that_offers_only_unknown_subprotocols_is_refused(url: str, offer: tuple[str, ...]) -> None:
    """The upgrade is answered with HTTP 400."""
    with pytest.raises(HandshakeRefused) as refused, WebSocket(url, subprotocols=offer):
        pass
    assert refused.value.status == 400


def test_hello_says_who_serves_which_world(house: House) -> None:
    """The first message is `hello`; its world is the one that `world.describe` tells of."""
    hello = house.visitor().hello
    check(hello, HELLO, "hello")
    assert hello["max_message_bytes"] == 65_536
    world = house.newcomer().call("world.describe")
    assert hello["world"] == {"version": world["version"], "hash": world["hash"]}


def test_a_token_on_the_upgrade_request_logs_in(house: House) -> None:
    """With `Authorization: Bearer` the session is the token's player's from the start."""
    name = house.new_name()
    visitor = house.visitor(headers={"Authorization": f"Bearer {house.issuer.token(name)}"})
    assert visitor.call("player.get")["player"] == name


def test_a_role_comes_with_the_token_on_the_upgrade_request(house: House) -> None:
    """A service's token on the upgrade lets its bearer grant."""
    visitor = house.visitor(headers={"Authorization": f"Bearer {house.issuer.token('bearer', 'service')}"})
    assert visitor.call("admin.grant", player=house.new_name(), gold=5, key=house.new_name())["gold"] == 5
