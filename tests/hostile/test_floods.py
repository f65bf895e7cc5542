"""Too much of everything that is allowed: requests, answers that nobody reads, and searches."""

import contextlib
import threading
from typing import Any

from tests.conformance.client import eventually
from tests.conformance.house import House, Player
from tests.conformance.pages import get
from tests.conformance.websocket import Closed, frame
from tests.hostile.siege import Bystander, Siege, attacker_in

FLOODING, TRY_AGAIN_LATER = 1008, 1013
BATCH = 50


def batch(method: str, **params: Any) -> list[dict[str, Any]]:
    """As many requests as one message may carry."""
    return [{"jsonrpc": "2.0", "id": count, "method": method, "params": params} for count in range(BATCH)]


def flood(attacker: Player, messages: int) -> list[int | None]:
    """Send batch after batch, read all answers, and tell with which code the server had enough, if it had."""
    codes: list[int | None] = []

    def read() -> None:
        try:
            while True:
                attacker.next_answer()
        except Closed as closed:
            codes.append(closed.code)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    with contextlib.suppress(ConnectionError):
        for _ in range(messages):
            attacker.send(batch("player.get"))
    reader.join()
    return codes


def test_floods_are_cut_off_while_everybody_else_is_served(siege: Siege, house: House) -> None:
    """Each flooding connection is told `rate_limited`, then closed with 1008; it may come back at once."""
    with Bystander(house):
        for _ in range(3):
            assert flood(attacker_in(house), 400) == [FLOODING]
            siege.check_innocent()
    house.newcomer().call("player.get")


def test_a_client_that_waits_as_told_is_served_again(house: House) -> None:
    """After `retry_after_ms` there is room for a request; the answers until then were results and `rate_limited`."""
    attacker = attacker_in(house)
    messages = 100
    outcomes: list[dict[str, Any]] = []
    for _ in range(messages):
        attacker.send(batch("player.get"))
    for _ in range(messages):
        outcomes += attacker.next_answer()
    errors = [answer["error"]["data"] for answer in outcomes if "error" in answer]
    assert errors
    assert {error["reason"] for error in errors} == {"rate_limited"}
    with contextlib.suppress(TimeoutError):
        attacker.socket.receive(within_s=errors[-1]["retry_after_ms"] / 1000)
    attacker.call("player.get")


def test_a_slow_reader_is_dropped_while_everybody_else_is_served(siege: Siege, house: House) -> None:
    """Who asks for more than it reads is closed with 1013, and what was made for it is forgotten."""
    seller = house.enter(house.new_name())
    granted = house.grant(seller.name, items=[{"base": house.base}] * 112)["items"]
    items = [item["item"] for item in granted]
    for item in items[:100]:
        seller.call("listing.create", item=item, start_bid=5, duration_s=3600)
    attacker = house.enter(seller.name)
    data = b""
    for item in items[100:]:
        # what is read after a change waits until the change is durable, so all of these are answered at once
        change = {"method": "listing.create", "params": {"item": item, "start_bid": 5, "duration_s": 3600}}
        message = [{"jsonrpc": "2.0", "id": "change", **change}, *batch("listing.mine", limit=100)[1:]]
        data += frame(attacker.encoding.opcode, attacker.encoding.dumps(message))
    with Bystander(house):
        attacker.socket.send_bytes(data)
        eventually(lambda: "unsent_bytes_max" in get(siege.url, "/metrics")[2].decode())
        try:
            while True:
                attacker.next_answer()
        except Closed as closed:
            assert closed.code == TRY_AGAIN_LATER


def test_searches_in_great_number_are_answered_one_way_or_the_other(siege: Siege, house: House) -> None:
    """More than may wait are `unavailable` at once; each gets its answer, and others are served meanwhile."""
    attacker = attacker_in(house)
    with Bystander(house):
        for _ in range(10):
            attacker.send(batch("listing.search", text="a", sort="price", limit=1))
        answers = [answer for _ in range(10) for answer in attacker.next_answer()]
    assert len(answers) == 10 * BATCH
    for answer in answers:
        assert "result" in answer or answer["error"]["data"]["reason"] == "unavailable", answer
    siege.check_innocent()
