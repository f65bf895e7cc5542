"""The protocol core, message by message, without sockets."""

import pytest

from auction.results import BidResult, ListingResult, PlayerResult
from clients.errors import (
    BadParams,
    InDoubt,
    Outbid,
    RateLimited,
    ServerFault,
    Unauthenticated,
    Unavailable,
)
from clients.session import Settings, State
from tests.clients.fake_house import FakeHouse, Json, Refuse, listing_of
from tests.clients.line import Line

BID = {"listing": "seller.l1", "amount": 200}


def bid(line: Line, waiter: str) -> None:
    """Make a bid."""
    line.ask(waiter, "listing.bid", BID, BidResult, keyed=True)


def refusing(reason: str, code: int, times: int, **data: object) -> tuple[FakeHouse, list[str]]:
    """A house that refuses the first bids, and the keys of all bids it saw."""
    house, keys = FakeHouse(), []

    def handle(_player: str, params: Json) -> Json:
        keys.append(params["key"])
        if len(keys) <= times:
            raise Refuse(code, reason, **data)
        return {"listing": listing_of(winning=True), "winning": True}

    house.handlers["listing.bid"] = handle
    return house, keys


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
def test_a_call_gets_its_typed_result(encoding: str) -> None:
    """In either encoding, an answer becomes the method's result class."""
    line = Line(FakeHouse(), encoding=encoding)
    line.log_in()
    line.ask("call", "listing.get", {"listing": "seller.l1"}, ListingResult)
    line.settle()
    result = line.results["call"]
    assert isinstance(result, ListingResult)
    assert result.listing.item.stats == {"damage": 31, "agility": 7}


def test_hello_and_login_are_known_afterwards() -> None:
    """A program can read who it is and which node and world it talks to."""
    line = Line(FakeHouse())
    line.log_in()
    assert line.session.login.player == "ann"
    assert line.session.hello.world.version == "1.0.0"


def test_calls_made_before_the_login_wait_for_it() -> None:
    """A call may be made at once; it goes out after the login, never before."""
    line = Line(FakeHouse())
    line.perform(line.session.start(line.now_s))
    line.ask("early", "listing.get", {"listing": "seller.l1"}, ListingResult)
    line.connect()
    connection = line.connection
    line.settle()
    assert [message["method"] for message in connection.received] == ["session.login", "listing.get"]
    assert "early" in line.results


def test_answers_are_matched_by_id_in_any_order() -> None:
    """Answers that overtake each other reach the calls they belong to."""
    house = FakeHouse()
    house.handlers["listing.get"] = lambda _player, params: {"listing": listing_of(params["listing"])}
    line = Line(house)
    line.log_in()
    for name in ("a.l1", "b.l1", "c.l1"):
        line.ask(name, "listing.get", {"listing": name}, ListingResult)
    while line.to_house:
        line.carry_out()
    line.connection.sent.reverse()
    line.settle()
    assert {name: result.listing.listing for name, result in line.results.items()} == {
        name: name for name in ("a.l1", "b.l1", "c.l1")
    }


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
def test_held_calls_travel_in_arrays_of_at_most_fifty(encoding: str) -> None:
    """A batch of 51 calls is two messages, an array of 50 and a single request, and every call is answered."""
    line = Line(FakeHouse(), encoding=encoding)
    line.log_in()
    line.session.hold()
    for number in range(51):
        bid(line, f"call {number}")
    assert line.to_house == []
    line.perform(line.session.release())
    line.settle()
    batches = line.connection.received[1:]
    assert [len(batch) if isinstance(batch, list) else 1 for batch in batches] == [50, 1]
    assert len(line.results) == 51


def test_holding_twice_keeps_what_is_held() -> None:
    """A batch inside a batch loses nothing, and releasing twice sends nothing twice."""
    line = Line(FakeHouse())
    line.log_in()
    line.session.hold()
    bid(line, "first")
    line.session.hold()
    bid(line, "second")
    line.perform(line.session.release())
    line.perform(line.session.release())
    line.settle()
    assert set(line.results) == {"first", "second"}
    assert len(line.connection.received) == 2


def test_a_batch_keeps_within_the_largest_message() -> None:
    """Held calls are split by bytes as well, so no message is larger than a node takes."""
    line = Line(FakeHouse(), settings=Settings(message_bytes_max=1_000))
    line.log_in()
    line.session._message_bytes_max = 1_000
    line.session.hold()
    for number in range(20):
        line.ask(number, "listing.get", {"listing": "x" * 80}, ListingResult)
    line.perform(line.session.release())
    assert max(map(len, line.to_house)) <= 1_000
    line.settle()
    assert len(line.results) == 20


def test_a_request_too_large_is_told_before_it_is_sent() -> None:
    """A request that a node would hang up on fails by itself and leaves the socket open."""
    line = Line(FakeHouse())
    line.log_in()
    line.ask("big", "listing.search", {"text": "x" * 70_000}, ListingResult)
    assert isinstance(line.errors["big"], BadParams)
    assert line.to_house == []
    assert line.session.state is State.ONLINE


def test_a_refusal_is_an_exception_with_figures() -> None:
    """`outbid` comes as Outbid, with price and min_bid, and is not repeated."""
    house, keys = refusing("outbid", -32003, 1, price=210, min_bid=221)
    line = Line(house)
    line.log_in()
    bid(line, "bid")
    line.settle()
    error = line.errors["bid"]
    assert isinstance(error, Outbid)
    assert (error.price, error.min_bid, error.reason) == (210, 221, "outbid")
    assert len(keys) == 1


@pytest.mark.parametrize(("reason", "code"), [("unavailable", -32006), ("rate_limited", -32005), ("in_doubt", -32007)])
def test_what_may_pass_is_repeated_under_the_same_key(reason: str, code: int) -> None:
    """After `unavailable`, `rate_limited` or `in_doubt` the client asks again, with the key of the first attempt."""
    house, keys = refusing(reason, code, 2, retry_after_ms=5, key="k", trade=None)
    line = Line(house)
    line.log_in()
    bid(line, "bid")
    line.settle()
    while "bid" not in line.results:
        line.sleep_until_woken()
        line.settle()
    assert len(keys) == 3
    assert len(set(keys)) == 1


def test_retry_after_is_honoured() -> None:
    """A call that was told to come again in 3 s is not sent before."""
    house, keys = refusing("rate_limited", -32005, 1, retry_after_ms=3_000)
    line = Line(house)
    line.log_in()
    bid(line, "bid")
    line.settle()
    line.pass_time(2.999)
    line.settle()
    assert len(keys) == 1
    line.pass_time(0.002)
    line.settle()
    assert len(keys) == 2
    assert "bid" in line.results


def test_a_wait_beyond_the_deadline_fails_at_once() -> None:
    """Who is told to wait longer than the deadline learns it now, with the figure."""
    house, _ = refusing("rate_limited", -32005, 1, retry_after_ms=60_000)
    line = Line(house)
    line.log_in()
    bid(line, "bid")
    line.settle()
    error = line.errors["bid"]
    assert isinstance(error, RateLimited)
    assert error.retry_after_ms == 60_000


def test_unavailable_until_the_deadline_says_nothing_was_done() -> None:
    """Where every attempt was answered `unavailable`, so is the call, after its deadline and not much later."""
    house, keys = refusing("unavailable", -32006, 1_000_000)
    line = Line(house)
    line.log_in()
    started_s = line.now_s
    bid(line, "bid")
    line.settle()
    while "bid" not in line.errors:
        line.sleep_until_woken()
        line.settle()
    assert type(line.errors["bid"]) is Unavailable
    assert line.now_s - started_s <= Settings().deadline_s
    assert 5 < len(keys) < 40


def test_a_mutation_lost_on_the_line_is_in_doubt() -> None:
    """A mutation that was sent and never answered ends as InDoubt, with the key to repeat it by."""
    line = Line(FakeHouse())
    line.log_in()
    bid(line, "bid")
    line.cut()
    while not line.errors:
        line.sleep_until_woken()
        if line.opening:
            line.refuse()
    error = line.errors["bid"]
    assert isinstance(error, InDoubt)
    assert error.key.endswith("-1")
    assert (line.session.doubted, line.session.resolved) == (1, 0)


def test_a_question_lost_on_the_line_is_unavailable() -> None:
    """What changes nothing is never in doubt."""
    line = Line(FakeHouse())
    line.log_in()
    line.ask("read", "player.get", {}, PlayerResult)
    line.cut()
    while not line.errors:
        line.sleep_until_woken()
        if line.opening:
            line.refuse()
    assert type(line.errors["read"]) is Unavailable


def test_a_lost_socket_is_opened_again_and_calls_are_repeated() -> None:
    """After a cut the session waits, connects, logs in, and repeats what was open, executed once."""
    house = FakeHouse()
    line = Line(house)
    line.log_in()
    bid(line, "bid")
    line.carry_out()
    line.cut()
    assert len(house.executed) == 1
    line.come_back()
    assert "bid" in line.results
    assert len(house.executed) == 1
    assert (line.session.doubted, line.session.resolved) == (1, 1)


def test_back_off_doubles_up_to_its_bound() -> None:
    """Waits between attempts to connect grow from a quarter of a second to ten, with chance taking off up to a half."""
    line = Line(FakeHouse())
    line.log_in()
    line.cut()
    waits = []
    for _ in range(10):
        before_s = line.now_s
        line.sleep_until_woken()
        waits.append(line.now_s - before_s)
        line.refuse()
    bounds = [min(10.0, 0.25 * 2**n) for n in range(10)]
    assert all(bound / 2 <= wait <= bound for wait, bound in zip(waits, bounds, strict=True))


def test_a_node_that_does_not_answer_is_given_up() -> None:
    """A socket on which an answer is overdue is dropped and another one opened."""
    line = Line(FakeHouse())
    line.log_in()
    bid(line, "bid")
    line.pass_time(Settings().answer_timeout_s)
    assert line.connection is None
    line.come_back()
    assert "bid" in line.results


def test_a_node_that_never_logs_us_in_is_given_up() -> None:
    """A second login without an answer ends with its socket, and the session tries on."""
    line = Line(FakeHouse())
    line.log_in()
    line.cut()
    line.sleep_until_woken()
    line.connect()
    line.pass_time(Settings().open_timeout_s)
    assert line.connection is None
    assert line.session.state is State.OFFLINE


def test_the_first_connection_fails_at_once() -> None:
    """A program with a wrong URL learns it from the first attempt."""
    line = Line(FakeHouse())
    line.perform(line.session.start(line.now_s))
    line.ask("early", "player.get", {}, PlayerResult)
    line.refuse()
    assert line.ended
    assert isinstance(line.errors["early"], Unavailable)


def test_a_refused_token_ends_the_session() -> None:
    """A token of another house fails every call, with the reason."""
    line = Line(FakeHouse(), token="forged")
    line.perform(line.session.start(line.now_s))
    line.ask("early", "player.get", {}, PlayerResult)
    line.connect()
    line.settle()
    assert line.ended
    assert isinstance(line.errors["early"], Unauthenticated)
    assert line.errors["early"].reason == "token_invalid"
    line.ask("late", "player.get", {}, PlayerResult)
    assert line.errors["late"].reason == "token_invalid"


def test_an_expired_token_is_asked_for_again() -> None:
    """`token_expired` makes the session log in with a fresh token on the same socket, and repeat the call."""
    tokens = iter(["token-ann", "token-ann"])
    asked = []

    def token() -> str:
        asked.append(next(tokens))
        return asked[-1]

    house, keys = refusing("token_expired", -32001, 1)
    line = Line(house, token=token)
    line.log_in()
    bid(line, "bid")
    line.settle()
    line.sleep_until_woken()
    line.settle()
    assert "bid" in line.results
    assert len(asked) == 2
    assert len(line.opened) == 1
    assert len(set(keys)) == 1


@pytest.mark.parametrize("garbage", [b"\xc1", b"", b"\x91\x05", b"\x81\xa2id\xa1x", b"\x91" * 5_000])
def test_garbage_from_a_node_costs_only_the_socket(garbage: bytes) -> None:
    """Bytes that are no message make the session drop the socket and ask again elsewhere."""
    line = Line(FakeHouse())
    line.log_in()
    bid(line, "bid")
    line.perform(line.session.received(line.now_s, garbage))
    assert line.connection is None
    line.come_back()
    assert "bid" in line.results


def test_an_answer_of_the_wrong_shape_is_a_fault_of_the_server() -> None:
    """A result that does not fit its class fails that call alone."""
    house = FakeHouse()
    house.handlers["listing.get"] = lambda _player, _params: {"listing": 5}
    line = Line(house)
    line.log_in()
    line.ask("call", "listing.get", {"listing": "seller.l1"}, ListingResult)
    line.settle()
    assert isinstance(line.errors["call"], ServerFault)
    assert line.session.state is State.ONLINE


def test_unknown_fields_and_pushes_are_passed_over() -> None:
    """A newer node may say more: it does not disturb an older client."""
    house = FakeHouse()
    house.handlers["listing.get"] = lambda _player, _params: {"listing": listing_of(mood="calm"), "extra": 1}
    line = Line(house)
    line.log_in()
    line.connection.push("weather", {"sun": True})
    line.ask("call", "listing.get", {"listing": "seller.l1"}, ListingResult)
    line.settle()
    assert "call" in line.results


def test_calls_without_answers_are_bounded() -> None:
    """One call more than the limit fails at once; nothing was done."""
    line = Line(FakeHouse(), settings=Settings(calls_max=2))
    line.log_in()
    for number in range(3):
        bid(line, f"call {number}")
    assert isinstance(line.errors["call 2"], Unavailable)
    line.settle()
    assert set(line.results) == {"call 0", "call 1"}


def test_closing_fails_what_is_open() -> None:
    """After `stop`, a mutation that was sent is in doubt, and later calls fail at once."""
    line = Line(FakeHouse())
    line.log_in()
    bid(line, "sent")
    line.perform(line.session.stop())
    bid(line, "late")
    assert isinstance(line.errors["sent"], InDoubt)
    assert isinstance(line.errors["late"], Unavailable)
    assert line.ended
    assert line.session.wake_at_s() is None


def test_keys_never_repeat() -> None:
    """Keys differ between the calls of a session."""
    session = Line(FakeHouse()).session
    assert len({session.new_key() for _ in range(1_000)}) == 1_000


def test_a_gap_between_pushes_is_read_at_once() -> None:
    """A push that skips an event makes the session read what it lacks, without waiting for the program."""
    house = FakeHouse()
    line = Line(house)
    line.log_in()
    house.tell("ann")
    line.connection.sent.clear()
    house.tell("ann")
    line.settle()
    assert line.session.inbox.last_seq == 2


def test_reading_events_outlasts_any_deadline() -> None:
    """A house that cannot read events for minutes is asked until it can."""
    house, asked = FakeHouse(), []

    def unable(_player: str, _params: Json) -> Json:
        asked.append(line.now_s)
        if line.now_s < 1_200:
            raise Refuse(-32006, "unavailable")
        return {"events": house.events["ann"], "next_seq": 1, "oldest_seq": 1, "last_seq": 1}

    house.tell("ann")
    line = Line(house, since=0)
    house._events_since = unable
    line.log_in()
    while line.session.inbox.last_seq == 0:
        line.sleep_until_woken()
        line.settle()
    assert line.taken_events() == [1]
    assert len(asked) < 50
