"""JSON-RPC 2.0 as the node speaks it: ids, notifications, batches, params, and messages that are none."""

from typing import Any

import pytest

from tests.conformance.client import Encoding, eventually
from tests.conformance.contract import (
    BAD_PARAMS,
    INVALID_REQUEST,
    PARSE_ERROR,
    REQUIRED,
    RESULTS,
    UNKNOWN_METHOD,
)
from tests.conformance.house import House, Player
from tests.conformance.websocket import CONTINUATION, frame

BROKEN = {
    "auction.v1.json": [
        b"",
        b"{",
        b"[",
        b"nonsense",
        b'{"jsonrpc": "2.0", "id": 1, "method": "player.get"',
        b'[{"jsonrpc": "2.0", "id": 1, "method": "player.get"},',
        b'{"jsonrpc": "2.0", "id": NaN, "method": "player.get"}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "player.get"} trailing',
    ],
    "auction.v1.msgpack": [
        b"",
        b"\x81",
        b"\x92\x80",
        b"\xc1",
        b"\x81\xa6method\xdb\xff\xff\xff\xff",
        b"\xdd\xff\xff\xff\xff",
        b"\x80\x80",
    ],
}
"""Messages that do not parse."""


def get(request_id: Any) -> dict[str, Any]:
    """A request for player.get."""
    return {"jsonrpc": "2.0", "id": request_id, "method": "player.get", "params": {}}


@pytest.mark.parametrize("request_id", ["", "a", "ünïcode ✓", "1", 0, 1, -1, 2**31, 2**53 - 1, None], ids=repr)
def test_an_answer_carries_its_requests_id(house: House, request_id: str | int | None) -> None:
    """Whatever string or integer the client chose comes back as it was; an id of null is an id too."""
    player = house.newcomer()
    player.send(get(request_id))
    assert player.answer(request_id)["result"]["player"] == player.name


@pytest.mark.parametrize("request_id", [True, [], {}, ["a"]], ids=repr)
def test_an_id_of_another_type_makes_a_request_invalid(house: House, request_id: Any) -> None:
    """An id is a string, a number or null; anything else is answered with an id of null."""
    player = house.newcomer()
    player.send(get(request_id))
    assert player.answer(None)["error"]["code"] == INVALID_REQUEST


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"jsonrpc": None}, INVALID_REQUEST),
        ({"jsonrpc": "1.0"}, INVALID_REQUEST),
        ({"jsonrpc": 2.0}, INVALID_REQUEST),
        ({"jsonrpc": 2}, INVALID_REQUEST),
        ({"method": None}, INVALID_REQUEST),
        ({"method": 7}, INVALID_REQUEST),
        ({"method": ["player.get"]}, INVALID_REQUEST),
        ({"method": ""}, UNKNOWN_METHOD),
    ],
    ids=str,
)
def test_a_value_that_is_no_request_is_told_so_under_its_id(house: House, change: dict[str, Any], code: int) -> None:
    """A request without version or method is invalid; its id is told back, for it could be read."""
    player = house.newcomer()
    player.send({name: value for name, value in {**get(5), **change}.items() if value is not None})
    assert player.answer(5)["error"]["code"] == code


@pytest.mark.parametrize("value", [1, "player.get", True, None, {}], ids=repr)
def test_a_value_without_an_id_that_is_no_request_is_answered_with_null(house: House, value: Any) -> None:
    """Numbers, strings and empty objects are values, but no requests."""
    player = house.newcomer()
    player.send(value)
    assert player.answer(None)["error"]["code"] == INVALID_REQUEST


def test_a_message_that_does_not_parse_is_answered_and_the_socket_stays(house: House) -> None:
    """Each gets −32700 with an id of null, after which the session goes on as it was."""
    player = house.newcomer()
    for payload in BROKEN[house.encoding.subprotocol]:
        player.send_raw(payload)
        assert player.answer(None)["error"]["code"] == PARSE_ERROR, payload
    assert player.call("player.get")["player"] == player.name


def test_a_request_without_an_id_is_executed_and_not_answered(house: House) -> None:
    """A grant by notification arrives, and the next answer is the next request's."""
    player = house.newcomer()
    house.service.notify("admin.grant", player=player.name, gold=7, key="n")
    eventually(lambda: player.call("player.get")["gold"]["available"] == 7)
    assert house.service.ask("player.get", {})["result"]["player"] == "service"


def test_a_notification_is_not_answered_even_where_it_fails(house: House) -> None:
    """Unknown methods, bad params, refusals and faults all stay silent without an id."""
    player = house.newcomer()
    for method, params in (
        ("no.such", {}),
        ("player.get", {"x": 1}),
        ("player.get", [1]),
        ("listing.get", {"listing": "none"}),
        ("admin.player", {"player": "x"}),
        ("session.login", {"token": "x"}),
    ):
        player.send({"jsonrpc": "2.0", "method": method, "params": params})
    player.send(get("last"))
    assert player.next_answer()["id"] == "last"


def test_params_may_be_left_out_where_none_is_required(house: House) -> None:
    """A request without `params` is one with none."""
    player = house.newcomer()
    player.send({"jsonrpc": "2.0", "id": 1, "method": "player.get"})
    assert player.answer(1)["result"]["player"] == player.name


@pytest.mark.parametrize("params", [[], ["x"], [{"listing": "x"}]], ids=repr)
def test_params_by_position_are_refused(house: House, params: list[Any]) -> None:
    """Params go by name, even where there are none to name."""
    player = house.newcomer()
    for method in RESULTS:
        player.send({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        assert player.answer(1)["error"]["code"] == BAD_PARAMS, method


def test_an_unknown_param_is_refused_by_name(house: House) -> None:
    """Every method answers −32602 and names the param that it does not have."""
    player = house.newcomer()
    for method, params in REQUIRED.items():
        refusal = player.refusal(method, **params, surprise=1)
        assert (refusal.code, refusal.data["path"]) == (BAD_PARAMS, "surprise"), method


def test_a_missing_param_is_named(house: House) -> None:
    """Every required param that is left out is told by name; of several of which one is needed, the first."""
    player = house.newcomer()
    assert player.refusal("watch.create").data["path"] == "query"
    for method, params in REQUIRED.items():
        for name in params.keys() - {"start_bid", *(params if method == "watch.create" else ())}:
            rest = {other: value for other, value in params.items() if other != name}
            refusal = player.refusal(method, **rest)
            assert (refusal.code, refusal.data["path"]) == (BAD_PARAMS, name), method


def test_a_param_of_a_wrong_type_is_named(house: House) -> None:
    """No value is bent to fit: a map where a string or number belongs is −32602."""
    player = house.newcomer()
    for method, params in REQUIRED.items():
        for name in params:
            refusal = player.refusal(method, **{**params, name: {"a": 1}})
            assert (refusal.code, refusal.data["path"].split(".")[0]) == (BAD_PARAMS, name), method


def test_a_bad_param_inside_another_is_told_with_its_path(house: House) -> None:
    """The path begins with the param that the client gave."""
    refusal = house.service.refusal("admin.grant", player="x", key="k", items=[{"base": 1}])
    assert refusal.code == BAD_PARAMS
    assert refusal.data["path"].startswith("items")
    refusal = house.service.refusal("listing.search", level={"min": "low"})
    assert refusal.code == BAD_PARAMS
    assert refusal.data["path"].startswith("level")


@pytest.mark.parametrize("method", ["", "player", "player.Get", "player.get ", "rpc.nothing", "commodity.steal"])
def test_a_method_that_is_not_there_is_unknown(house: House, method: str) -> None:
    """Whatever is not in the tables, or not built yet, is −32601, with whatever params."""
    assert house.newcomer().refusal(method, anything="goes").code == UNKNOWN_METHOD


@pytest.mark.parametrize("size", [1, 2, 50])
def test_an_array_of_requests_is_answered_by_an_array(house: House, size: int) -> None:
    """Each request of 1 to 50 gets one answer in it; their order is free."""
    player = house.newcomer()
    player.send([get(count) for count in range(size)])
    answers = player.next_answer()
    assert isinstance(answers, list)
    assert sorted(answer["id"] for answer in answers) == list(range(size))
    assert all(answer["result"]["player"] == player.name for answer in answers)


@pytest.mark.parametrize("size", [0, 51, 400])
def test_an_array_of_another_size_is_no_request_and_does_nothing(house: House, size: int) -> None:
    """It gets one answer, and none of it is executed."""
    player = house.newcomer()
    house.service.send([_grant(player.name, count) for count in range(size)])
    answer = house.service.next_answer()
    assert (answer["id"], answer["error"]["code"]) == (None, INVALID_REQUEST)
    assert player.call("player.get")["gold"]["available"] == 0


def test_an_array_may_mix_all_kinds_of_requests(house: House) -> None:
    """Results, refusals, errors and invalid members stand in one array; notifications are executed and left out."""
    player = house.newcomer()
    unwanted = {"jsonrpc": "2.0", "method": "player.get", "params": {}}
    house.service.send(
        [
            get("good"),
            unwanted,
            {"jsonrpc": "2.0", "id": "refused", "method": "listing.get", "params": {"listing": "none"}},
            {"jsonrpc": "2.0", "id": "unknown", "method": "no.such"},
            {"jsonrpc": "2.0", "id": "bad", "method": "listing.get", "params": {}},
            {"id": "invalid", "method": "player.get"},
            17,
            _grant(player.name, 0),
        ]
    )
    answers = {answer["id"]: answer for answer in house.service.next_answer()}
    assert {request_id: answer.get("error", {}).get("code") for request_id, answer in answers.items()} == {
        "good": None,
        "refused": -32004,
        "unknown": UNKNOWN_METHOD,
        "bad": BAD_PARAMS,
        "invalid": INVALID_REQUEST,
        None: INVALID_REQUEST,
        0: None,
    }
    assert player.call("player.get")["gold"]["available"] == 1


def test_an_array_of_notifications_is_not_answered(house: House) -> None:
    """There is nothing to say, so nothing is said."""
    player = house.newcomer()
    player.send([{"jsonrpc": "2.0", "method": "player.get", "params": {}}] * 3)
    player.send(get("last"))
    assert player.next_answer()["id"] == "last"


def test_every_request_of_a_flight_gets_its_own_answer(house: House) -> None:
    """A client need not wait for one answer before it asks again."""
    player = house.newcomer()
    for count in range(200):
        player.send(get(count))
    assert sorted(player.next_answer()["id"] for _ in range(200)) == list(range(200))


def test_a_burst_of_4000_requests_is_served(house: House) -> None:
    """That many at once are not too many for one connection."""
    player = house.visitor()
    for start in range(0, 4000, 50):
        player.send([get(start + count) for count in range(50)])
    answers = [answer for _ in range(80) for answer in player.next_answer()]
    assert sorted(answer["id"] for answer in answers) == list(range(4000))
    assert {answer["error"]["data"]["reason"] for answer in answers} == {"unauthenticated"}


def test_a_message_may_come_in_fragments(house: House, encoding: Encoding) -> None:
    """A message cut into several frames is one message."""
    player = house.newcomer()
    _send_in_parts(player, encoding.dumps(get("parts")), 3)
    assert player.answer("parts")["result"]["player"] == player.name


def test_a_message_of_the_largest_size_is_taken(house: House, encoding: Encoding) -> None:
    """65,536 bytes are not too many."""
    player = house.newcomer()
    empty = len(encoding.dumps(get("")))
    request = next(r for r in map(get, _strings_near(65_536 - empty)) if len(encoding.dumps(r)) == 65_536)
    player.send(request)
    assert player.answer(request["id"])["result"]["player"] == player.name


def _grant(player: str, number: int) -> dict[str, Any]:
    return {
        "jsonrpc": "2.0",
        "id": number,
        "method": "admin.grant",
        "params": {"player": player, "gold": 1, "key": f"member-{number}"},
    }


def _strings_near(length: int) -> list[str]:
    return ["x" * (length - fewer) for fewer in range(8)]


def _send_in_parts(player: Player, payload: bytes, count: int) -> None:
    size = -(-len(payload) // count)
    parts = [payload[start : start + size] for start in range(0, len(payload), size)]
    for place, part in enumerate(parts):
        opcode = player.encoding.opcode if place == 0 else CONTINUATION
        player.socket.send_bytes(frame(opcode, part, last=place == len(parts) - 1))
