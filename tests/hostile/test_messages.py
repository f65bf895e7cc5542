"""Storms of messages: requests that are nearly right, values that are none, bytes that are spoilt."""

import itertools
import json
from typing import Any

import pytest

from tests.conformance.client import JSON, MSGPACK
from tests.conformance.contract import PARSE_ERROR, REQUIRED
from tests.conformance.house import House, Player
from tests.conformance.websocket import Closed
from tests.hostile.siege import Siege, attacker_in, names_for, storm
from tests.hostile.strategies import CUTS, MESSAGES, REQUESTS, encoded, filled_in, spoilt

BAD_UTF8 = 1007

_numbers = itertools.count()


def answers_until_caught_up(attacker: Player) -> list[Any]:
    """Everything that is answered before the answer to one more request; all of it is of the protocol's form."""
    mark = f"caught up {next(_numbers)}"
    attacker.send({"jsonrpc": "2.0", "id": mark, "method": "player.get", "params": {}})
    answers: list[Any] = []
    while True:
        answer = attacker.next_answer()
        if isinstance(answer, dict) and answer["id"] == mark:
            return answers
        answers.append(answer)


@pytest.mark.parametrize("role", ["player", "service", "operator"])
def test_every_request_is_answered_once_as_the_protocol_says(
    siege: Siege, house: House, role: str, examples: int
) -> None:
    """Any params for any method, real ids among them: a result or an error of the protocol's, and the socket stays."""
    attacker = attacker_in(house, role)
    names = names_for(attacker, siege)

    def attack(request: tuple[str, Any]) -> None:
        method, params = filled_in(list(request), names)
        attacker.send_raw(encoded({"jsonrpc": "2.0", "id": "it", "method": method, "params": params}, house.encoding))
        answer = attacker.next_answer()
        assert answer["id"] == "it" or answer["error"]["code"] == PARSE_ERROR, answer
        siege.check_innocent()

    storm(examples, REQUESTS, attack)


def test_before_login_nothing_can_be_reached(siege: Siege, house: House, examples: int) -> None:
    """The same requests by nobody: errors only."""
    visitor = house.visitor()

    def attack(request: tuple[str, Any]) -> None:
        method, params = filled_in(list(request), siege.real)
        visitor.send_raw(encoded({"jsonrpc": "2.0", "id": "it", "method": method, "params": params}, house.encoding))
        assert "error" in visitor.next_answer()
        siege.check_innocent()

    storm(examples, REQUESTS, attack)


def test_any_value_is_answered_or_passed_over(siege: Siege, house: House, examples: int) -> None:
    """Values of any shape as whole messages: the session goes on, and none is answered twice."""
    attacker = attacker_in(house)
    names = names_for(attacker, siege)
    unanswered = 0

    def attack(message: Any) -> None:
        nonlocal unanswered
        attacker.send_raw(encoded(filled_in(message, names), house.encoding))
        unanswered += 1 - len(answers_until_caught_up(attacker))
        assert unanswered >= 0
        siege.check_innocent()

    storm(examples, MESSAGES, attack)


def test_spoilt_bytes_are_answered(siege: Siege, house: House, examples: int) -> None:
    """Messages with bytes cut out and put in: one answer at most, or a close for text that is not UTF-8."""
    attacker = attacker_in(house)
    unanswered = 0
    whole = [
        encoded({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}, house.encoding)
        for method, params in REQUIRED.items()
    ]

    def attack(cuts: list[tuple[int, int, bytes]]) -> None:
        nonlocal attacker, unanswered
        try:
            attacker.send_raw(spoilt(whole[len(cuts[0][2]) % len(whole)], cuts))
            unanswered += 1 - len(answers_until_caught_up(attacker))
            assert unanswered >= 0
        except Closed as closed:
            assert (house.encoding, closed.code) == (JSON, BAD_UTF8)
            attacker = house.enter(attacker.name)
        siege.check_innocent()

    storm(examples, CUTS, attack)


DEEP = 60_000
NESTED = {
    JSON: [
        b"[" * DEEP,
        b"[" * (DEEP // 2) + b"]" * (DEEP // 2),
        b'{"a":' * (DEEP // 5),
        b'{"jsonrpc":"2.0","id":1,"method":"listing.search","params":' + b"[" * DEEP,
        b'{"jsonrpc":"2.0","id":1,"method":"listing.search","params":{"stats":' + b"[" * 30_000 + b"]" * 30_000 + b"}}",
        b'{"jsonrpc":"2.0","id":' + b"[" * 30_000 + b"]" * 30_000 + b',"method":"player.get"}',
        b'{"jsonrpc":"2.0","id":1,"method":"player.get","more":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
        b'{"jsonrpc":"2.0","id":1,"method":"player.get","params":{"x":' + b"1" * 60_000 + b"}}",
        b'{"jsonrpc":"2.0","id":' + b"9" * 60_000 + b',"method":"player.get"}',
        json.dumps({"jsonrpc": "2.0", "id": 1, "method": "m" * 60_000}).encode(),
        json.dumps({"jsonrpc": "2.0", "id": 1, "method": "player.get", "params": {"p" * 60_000: 1}}).encode(),
        json.dumps(
            {"jsonrpc": "2.0", "id": 1, "method": "player.get", "params": {str(n): n for n in range(4000)}}
        ).encode(),
        b"[" + b",".join([b"1"] * 30_000) + b"]",
    ],
    MSGPACK: [
        b"\x91" * DEEP,
        b"\x91" * DEEP + b"\xc0",
        b"\x81\xa1a" * (DEEP // 3),
        b"\x84\xa7jsonrpc\xa32.0\xa2id\x01\xa6method\xaelisting.search\xa6params" + b"\x91" * DEEP + b"\xc0",
        b"\x84\xa7jsonrpc\xa32.0\xa2id\x01\xa6method\xaelisting.search\xa6params\x81\xa5stats"
        + b"\x91" * DEEP
        + b"\xc0",
        b"\x83\xa7jsonrpc\xa32.0\xa6method\xaaplayer.get\xa2id" + b"\x91" * DEEP + b"\xc0",
        b"\x84\xa7jsonrpc\xa32.0\xa2id\x01\xa6method\xaaplayer.get\xa4more" + b"\x91" * DEEP + b"\xc0",
        b"\xdc\xff\xff" + b"\xc0" * DEEP,
        b"\xdd\x7f\xff\xff\xff" + b"\xc0" * DEEP,
        b"\xdf\x7f\xff\xff\xff" + b"\xc0" * DEEP,
    ],
}
"""Messages that are nested deep, or very long in one place."""


def test_deep_and_long_messages_are_answered(house: House) -> None:
    """Each gets one answer, and the session goes on."""
    attacker = attacker_in(house)
    for payload in NESTED[house.encoding]:
        assert len(payload) <= 65_536
        attacker.send_raw(payload)
        assert "error" in attacker.next_answer(), payload[:80]
        attacker.call("player.get")
