"""Sessions: who may call, what becomes of each call, and that each gets exactly one answer."""

from typing import Any

import msgspec
import pytest
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from auction.commands import Mutation
from auction.context import Answer
from auction.refusals import Refusal
from auction.results import ListingResult
from auction.state import Notice
from shardnode.gateway.limits import GatewayLimits
from shardnode.gateway.presence import Presence
from shardnode.gateway.session import TRANSITIONS, Input, Session, State
from shardnode.gateway.tokens import Identity
from shardnode.wire.codec import JSON
from shardnode.wire.errors import InDoubt, Moved, Unavailable
from shardnode.wire.methods import METHODS, TOKEN_ROLES
from shardnode.wire.transport import CloseCode
from tests.gateway.rig import CATALOG, NOW_S, PLAYER, Client, House, connect, token
from tests.wire.samples import OPEN, PARAMS

HOUSE_METHODS = [name for name in METHODS if name != "session.login"]
LISTING = Answer(ListingResult(OPEN), False)


def plain_params(name: str) -> dict[str, Any]:
    """Params of a method's sample, as a client writes them."""
    given = msgspec.to_builtins(PARAMS[name])
    defaults = {field.encode_name: field.default for field in msgspec.structs.fields(METHODS[name].params)}
    return {key: value for key, value in given.items() if value is not None and value != defaults.get(key)}


def logged_in(house: House, encoding: str = "json", role: Any = "player", **limits: Any) -> Client:
    """A client that is logged in as alice."""
    client = connect(house.gateway(**limits), encoding)
    client.login(role=role)
    return client


def error_of(client: Client) -> tuple[int, str]:
    """Code and reason of the next answer."""
    error = client.take()["error"]
    return error["code"], error["data"]["reason"]


class Nowhere:
    """A connection that nobody looks at."""

    unsent_bytes = 0

    def send(self, payload: bytes) -> None:
        """Nobody gets it."""

    def close(self, code: CloseCode) -> None:
        """There is nothing to close."""


def make_session() -> Session:
    """A session without a client."""
    ports = House().ports()
    return Session(
        codec=JSON,
        catalog=CATALOG,
        limits=GatewayLimits(),
        ports=ports,
        presence=Presence(ports.joined, ports.left),
        outlet=Nowhere(),
    )


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_login_says_who_one_is(encoding: str) -> None:
    """The answer names player and role, the house's time and the player's latest seq."""
    house = House()
    client = connect(house.gateway(), encoding)
    client.call("session.login", 9, token=token("bob", "operator"))
    assert client.take() == {
        "jsonrpc": "2.0",
        "id": 9,
        "result": {"player": "bob", "role": "operator", "server_time_ms": NOW_S * 1000, "seq": 7},
    }
    assert house.metrics.done == [("session.login", "ok")]


@pytest.mark.parametrize("name", HOUSE_METHODS)
def test_nothing_may_be_called_before_login(name: str) -> None:
    """Every method but session.login is unauthenticated, and the house hears nothing."""
    house = House()
    client = connect(house.gateway())
    client.call(name, **plain_params(name))
    assert error_of(client) == (-32001, "unauthenticated")
    assert house.asked == []


def test_params_are_checked_before_the_login_is() -> None:
    """The order of checks is the protocol's: params first."""
    client = connect(House().gateway())
    client.call("listing.bid", listing="a")
    assert error_of(client) == (-32602, "bad_params")
    client.call("no.such.method")
    assert error_of(client) == (-32601, "unknown_method")


@pytest.mark.parametrize("role", TOKEN_ROLES)
@pytest.mark.parametrize("name", HOUSE_METHODS)
def test_each_role_may_call_its_methods(name: str, role: str) -> None:
    """The house is asked the very command, by whom the token names; another role is forbidden."""
    house = House()
    client = logged_in(house, role=role)
    client.call(name, **plain_params(name))
    if role not in METHODS[name].roles:
        assert error_of(client) == (-32002, "forbidden")
        assert house.asked == []
        return
    (request,) = house.asked
    assert request.ask == PARAMS[name]
    assert (request.caller.player, request.caller.role) == ("alice", role)


def test_admins_have_their_roles() -> None:
    """Roles of the admin methods are the protocol's."""
    roles = {name: method.roles for name, method in METHODS.items() if name.startswith("admin.")}
    assert roles == {
        "admin.grant": ("service",),
        "admin.take": ("service",),
        "admin.player": ("service", "operator"),
        "admin.freeze": ("operator",),
        "admin.thaw": ("operator",),
    }


@pytest.mark.parametrize("name", HOUSE_METHODS)
def test_a_mutation_without_a_key_gets_one(name: str) -> None:
    """The node gives its own key where the client gave none, and nowhere else."""
    house = House()
    client = logged_in(house, role=METHODS[name].roles[0])
    params = plain_params(name)
    if issubclass(METHODS[name].params, Mutation):
        params.pop("key", None)
        client.call(name, **params)
        assert house.asked[-1].own_key == "house.1"
        params["key"] = "mine"
    client.call(name, **params)
    assert house.asked[-1].own_key == ""


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_results_and_refusals_reach_the_caller(encoding: str) -> None:
    """Answers come in the order in which the house gives them, each with its request's id."""
    house = House()
    client = logged_in(house, encoding)
    client.call("player.get", "a")
    client.call("listing.get", "b", listing="x")
    house.answers[1].callback(Answer(Refusal("no_such_listing"), True))
    house.answers[0].callback(PLAYER)
    refused, answered = client.take_all()
    assert (refused["id"], refused["error"]["code"]) == ("b", -32004)
    assert (answered["id"], answered["result"]["seq"]) == ("a", 7)
    assert house.metrics.done[1:] == [("listing.get", "no_such_listing"), ("player.get", "ok")]


@pytest.mark.parametrize(
    ("fault", "code"), [(Unavailable("catching up", 250), -32006), (Moved("wss://other/ws"), -32008)]
)
def test_a_fault_from_behind_is_told(fault: Exception, code: int) -> None:
    """What kept the house from deciding reaches the caller as it is."""
    house = House()
    client = logged_in(house)
    client.call("player.get")
    house.answers[0].errback(fault)
    assert client.take()["error"]["code"] == code
    assert house.failures == []


def test_a_bug_behind_stops_the_node_and_is_not_answered() -> None:
    """An unexpected failure goes to whoever stops the node; no answer is made up."""
    house = House()
    client = logged_in(house)
    client.call("player.get")
    house.answers[0].errback(ZeroDivisionError("a bug"))
    assert client.take_all() == []
    assert [failure.type for failure in house.failures] == [ZeroDivisionError]


def test_an_answer_that_cannot_be_told_stops_the_node() -> None:
    """A bug in what the house answered does not end in a Deferred that nobody reads."""
    house = House()
    client = logged_in(house)
    client.call("player.get")
    house.answers[0].callback(Answer(None, True))
    assert client.take_all() == []
    assert [failure.type for failure in house.failures] == [AssertionError]


def test_a_house_that_raises_stops_the_node() -> None:
    """So does a bug before there is a Deferred at all."""
    house = House()
    client = logged_in(house)
    house.answers = None  # type: ignore[assignment]  # so that `ask` raises
    client.call("player.get")
    assert client.take_all() == []
    assert [failure.type for failure in house.failures] == [AttributeError]


def test_a_notification_is_executed_and_not_answered() -> None:
    """Without an id there is no answer, whatever becomes of it."""
    house = House()
    client = logged_in(house)
    client.send({"jsonrpc": "2.0", "method": "listing.cancel", "params": {"listing": "x"}})
    client.send({"jsonrpc": "2.0", "method": "listing.cancel", "params": {}})
    client.send({"jsonrpc": "2.0", "method": "no.such.method"})
    client.send({"jsonrpc": "2.0", "method": "session.login", "params": {"token": token("bob")}})
    client.send({"jsonrpc": "2.0", "method": "player.get"})
    house.answers[0].callback(LISTING)
    house.answers[1].errback(Unavailable("stopping", 1))
    assert client.take_all() == []
    assert [request.caller.player for request in house.asked] == ["alice", "bob"]


def test_a_null_id_is_an_id() -> None:
    """A request with id null is answered with id null."""
    client = logged_in(House(PLAYER))
    client.call("player.get", None)
    assert client.take()["id"] is None


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_an_array_is_answered_as_an_array_when_all_is_answered(encoding: str) -> None:
    """Each request with an id has its answer in it, those that are no requests too; notifications have none."""
    house = House()
    client = logged_in(house, encoding)
    client.send(
        [
            {"jsonrpc": "2.0", "id": 1, "method": "player.get"},
            {"jsonrpc": "2.0", "method": "player.get"},
            {"jsonrpc": "2.0", "id": 2, "method": "no.such.method"},
            {"id": "bad"},
            7,
            {"jsonrpc": "2.0", "id": 3, "method": "player.get"},
        ]
    )
    for answer in (house.answers[2], house.answers[1]):
        answer.callback(PLAYER)
        assert client.take_all() == []
    house.answers[0].callback(PLAYER)
    answers = client.take()
    told = sorted((str(answer["id"]), answer.get("error", {}).get("code")) for answer in answers if "error" in answer)
    assert told == [("2", -32601), ("None", -32600), ("bad", -32600)]
    assert sorted(answer["id"] for answer in answers if "result" in answer) == [1, 3]
    assert client.take_all() == []


def test_an_array_of_notifications_is_not_answered() -> None:
    """Not even with an empty array."""
    house = House(PLAYER)
    client = logged_in(house)
    client.send([{"jsonrpc": "2.0", "method": "player.get"}] * 3)
    assert len(house.asked) == 3
    assert client.take_all() == []


@pytest.mark.parametrize("size", [0, 51])
def test_an_array_of_the_wrong_size_is_one_error(size: int) -> None:
    """Nothing of it is executed."""
    house = House(PLAYER)
    client = logged_in(house)
    client.send([{"jsonrpc": "2.0", "id": 1, "method": "player.get"}] * size)
    answer = client.take()
    assert (answer["id"], answer["error"]["code"]) == (None, -32600)
    assert house.asked == []


def test_a_failed_second_login_leaves_the_session_as_it_was() -> None:
    """Who was logged in still is, and still hears what is pushed."""
    house = House(PLAYER)
    gateway = house.gateway()
    client = connect(gateway)
    client.login()
    for bad, reason in (("nonsense", "token_invalid"), (token("bob", ttl_s=0), "token_expired")):
        client.call("session.login", token=bad)
        assert error_of(client) == (-32001, reason)
    client.call("player.get")
    assert "result" in client.take()
    assert house.asked[0].caller.player == "alice"
    assert gateway.is_present("alice")


def test_a_second_login_changes_who_calls() -> None:
    """Pushes follow the session to the new player."""
    house = House(PLAYER)
    gateway = house.gateway()
    client = connect(gateway)
    client.login("alice")
    client.login("bob")
    assert (gateway.is_present("alice"), gateway.is_present("bob")) == (False, True)
    client.call("player.get")
    assert house.asked[0].caller.player == "bob"


def test_an_expired_token_ends_the_right_to_call_until_the_next_login() -> None:
    """Calls are answered token_expired and pushes stay away; a new token mends both."""
    house = House(PLAYER)
    gateway = house.gateway()
    client = connect(gateway)
    client.login(ttl_s=10)
    house.clock.advance(9.9)
    client.call("player.get")
    assert "result" in client.take()
    house.clock.advance(0.1)
    gateway.push("alice", Notice(1, "listing.expired", 0, {}))
    for _ in range(2):
        client.call("player.get")
        assert error_of(client) == (-32001, "token_expired")
    assert not gateway.is_present("alice")
    assert len(house.asked) == 1
    client.login(ttl_s=100)
    client.call("player.get")
    assert "result" in client.take()


def test_a_session_moves_only_along_its_table() -> None:
    """A step that the table does not have is a bug, named with state and input."""
    for state in State:
        for what in Input:
            session = make_session()
            session.state = state
            if (state, what) in TRANSITIONS:
                session._move(what)
                assert session.state is TRANSITIONS[state, what]
            else:
                with pytest.raises(AssertionError, match=f"{state}.*{what}"):
                    session._move(what)


def test_a_session_can_be_entered_without_a_call() -> None:
    """A token on the upgrade request does what session.login does."""
    session = make_session()
    session.enter(Identity("alice", "player", NOW_S * 1000 + 1))
    assert session.state is State.LOGGED_IN
    session.closed()


def test_a_query_without_an_answer_is_unavailable() -> None:
    """Nothing was done by a query, so that is what is said; the house's own answer comes too late."""
    house = House()
    client = logged_in(house)
    client.call("player.get")
    house.clock.advance(4.5)
    answer = client.take()
    assert (answer["error"]["code"], answer["error"]["data"]["retry_after_ms"]) == (-32006, 1_000)
    house.answers[0].callback(PLAYER)
    assert client.take_all() == []
    assert house.told == []
    assert house.metrics.done[1:] == [("player.get", "unavailable")]
    assert house.metrics.limits == ["answer_within_s"]


@pytest.mark.parametrize("key", [None, "mine"])
def test_a_mutation_without_an_answer_is_in_doubt(key: str | None) -> None:
    """The client learns the key to repeat it with; a key of the house's own is told to the house as well."""
    house = House()
    client = logged_in(house)
    client.call("listing.cancel", listing="x", **({} if key is None else {"key": key}))
    house.clock.advance(4.5)
    error = client.take()["error"]
    assert error["code"] == -32007
    assert error["data"] == {"reason": "in_doubt", "key": key or "house.1", "trade": None}
    assert house.told == ([house.asked[0]] if key is None else [])
    assert house.answers[0].called  # given up: a house that has not decided by now never will
    house.answers[0].callback(LISTING)
    assert client.take_all() == []


def test_a_service_that_hears_nothing_is_in_doubt_too() -> None:
    """Admin mutations carry their client's key."""
    house = House()
    client = logged_in(house, role="service")
    client.call("admin.take", key="k9", player="bob")
    house.clock.advance(4.5)
    assert client.take()["error"]["data"]["key"] == "k9"
    assert house.told == []


def test_an_overdue_fault_is_not_told_twice() -> None:
    """A failure that comes after the gateway's answer is dropped like an answer."""
    house = House()
    client = logged_in(house)
    client.call("player.get")
    house.clock.advance(4.5)
    client.take()
    house.answers[0].errback(Failure(Unavailable("late", 1)))
    assert client.take_all() == []
    assert house.failures == []


def test_an_overdue_notification_is_told_to_nobody() -> None:
    """There is nobody who could repeat it."""
    house = House()
    client = logged_in(house)
    client.send({"jsonrpc": "2.0", "method": "listing.cancel", "params": {"listing": "x"}})
    house.clock.advance(4.5)
    assert client.take_all() == []
    assert house.told == []


def test_an_array_is_answered_in_time_with_what_there_is() -> None:
    """One request without an answer does not hold up the others beyond the bound."""
    house = House()
    client = logged_in(house)
    client.send(
        [
            {"jsonrpc": "2.0", "id": 1, "method": "player.get"},
            {"jsonrpc": "2.0", "id": 2, "method": "listing.cancel", "params": {"listing": "x", "key": "k"}},
        ]
    )
    house.answers[0].callback(PLAYER)
    house.clock.advance(4.5)
    answers = {answer["id"]: answer for answer in client.take()}
    assert "result" in answers[1]
    assert answers[2]["error"]["code"] == -32007


def test_a_login_without_a_seq_is_unavailable() -> None:
    """A login is no mutation: it can be repeated."""
    house = House()
    house.seq = Deferred()
    client = connect(house.gateway())
    client.call("session.login", token=token())
    house.clock.advance(4.5)
    assert error_of(client) == (-32006, "unavailable")


def test_calls_that_wait_are_bounded() -> None:
    """One more than may wait is answered at once, and served again when there is room."""
    house = House()
    client = logged_in(house, in_flight_max=2)
    for request_id in (1, 2, 3):
        client.call("player.get", request_id)
    answer = client.take()
    assert (answer["id"], answer["error"]["data"]["reason"]) == (3, "unavailable")
    house.answers[0].callback(PLAYER)
    client.call("player.get", 4)
    assert [request["id"] for request in client.take_all()] == [1]
    assert len(house.asked) == 3
    assert house.metrics.limits == ["in_flight_max"]


def test_too_many_requests_are_told_when_to_come_again() -> None:
    """A client that waits as long as it is told is served."""
    house = House(PLAYER)
    client = logged_in(house, requests_per_s=10, requests_burst=5, flood_requests=100)
    for _ in range(4):
        client.call("player.get")
        assert "result" in client.take()
    for _ in range(3):
        client.call("player.get")
        error = client.take()["error"]
        assert (error["code"], error["data"]["reason"]) == (-32005, "rate_limited")
    retry_after_ms = error["data"]["retry_after_ms"]
    assert retry_after_ms == 400
    house.clock.advance(retry_after_ms / 1000)
    client.call("player.get")
    assert "result" in client.take()
    assert len(house.asked) == 5


def test_a_client_that_goes_on_flooding_is_closed() -> None:
    """Told often enough that it is too fast, it is closed with 1008."""
    house = House(PLAYER)
    client = logged_in(house, requests_per_s=10, requests_burst=5, flood_requests=20)
    for _ in range(24):
        client.call("player.get")
        client.read()
        assert client.close_code is None
    client.call("player.get")
    client.read()
    assert client.close_code == 1008
    assert len(house.asked) == 4
    assert house.metrics.limits[-1] == "flood_requests"


def test_each_request_of_an_array_counts() -> None:
    """An array is no way around the rate, and neither is nonsense."""
    house = House(PLAYER)
    client = logged_in(house, requests_per_s=10, requests_burst=5, flood_requests=100)
    client.send([{"jsonrpc": "2.0", "id": number, "method": "player.get"} for number in range(6)])
    assert sum("result" in answer for answer in client.take()) == 4
    house.clock.advance(0.35)
    client.send_frame(1, b"nonsense")
    assert client.take()["error"]["code"] == -32700
    client.send_frame(1, b"nonsense")
    assert client.take()["error"]["code"] == -32005


def test_a_player_is_told_on_every_session() -> None:
    """Pushes reach all sessions of a player, in order, each in its encoding, and nobody else."""
    gateway = House().gateway()
    one, two, other, nobody = (connect(gateway, name) for name in ("json", "msgpack", "json", "json"))
    one.login("alice")
    two.login("alice")
    other.login("bob")
    for seq in (1, 2):
        gateway.push("alice", Notice(seq, "delivery.arrived", 5, {"delivery": "d", "kind": "won"}))
    expected = [
        {
            "jsonrpc": "2.0",
            "method": "event",
            "params": {"seq": seq, "type": "delivery.arrived", "at_ms": 5, "data": {"delivery": "d", "kind": "won"}},
        }
        for seq in (1, 2)
    ]
    assert one.take_all() == two.take_all() == expected
    assert other.take_all() == nobody.take_all() == []


def test_a_push_to_somebody_who_is_not_here_is_nothing() -> None:
    """The notice is in the player's store; events.since has it."""
    gateway = House().gateway()
    client = connect(gateway)
    client.login()
    client.wire.lose()
    gateway.push("alice", Notice(1, "listing.sold", 5, {}))
    assert not gateway.is_present("alice")


def test_the_house_hears_of_a_players_first_and_last_session() -> None:
    """Sessions between them make no difference, and a change of who is logged in is both."""
    house = House()
    gateway = house.gateway()
    one, two = connect(gateway), connect(gateway)
    one.login("alice")
    two.login("alice")
    one.login("bob")
    assert house.presence == [("joined", "alice"), ("joined", "bob")]
    two.wire.lose()
    assert house.presence[2:] == [("left", "alice")]
    one.wire.lose()
    assert house.presence[3:] == [("left", "bob")]


def test_a_request_says_whether_its_client_follows_redirects() -> None:
    """As the latest good login asked for; one that failed changes nothing."""
    house = House(PLAYER)
    client = connect(house.gateway())
    for params, redirects in (({}, False), ({"redirects": True}, True), ({"token": "bad"}, True), ({}, False)):
        client.call("session.login", **{"token": token(), **params})
        client.call("player.get")
        client.take_all()
        assert house.asked.pop().redirects is redirects


def test_a_key_that_the_house_itself_told_in_doubt_is_told_to_the_house() -> None:
    """Where another node's answer was cut off the client learns the key of the house's making, so it is kept."""
    house = House()
    client = logged_in(house)
    client.call("listing.cancel", listing="l")
    house.answers[0].errback(InDoubt(house.asked[0].own_key, None))
    assert client.take()["error"]["data"]["key"] == "house.1"
    assert house.told == [house.asked[0]]
    client.call("listing.cancel", listing="l", key="mine")
    house.answers[1].errback(InDoubt("mine", "1.n1.1.7"))
    assert client.take()["error"]["data"] == {"reason": "in_doubt", "key": "mine", "trade": "1.n1.1.7"}
    assert len(house.told) == 1
