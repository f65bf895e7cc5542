"""Whatever a client sends, it is answered as the protocol says: no bug is met, nothing is lost, nobody else suffers."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from shardnode.wire.methods import METHODS
from tests.gateway.rig import PLAYER, Client, House, connect, frame
from tests.gateway.test_session import plain_params

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
PARAM_NAMES = sorted({name for method in METHODS.values() for name in method.params.__struct_encode_fields__})
NAMES = st.sampled_from(list(METHODS)) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PARAMS = st.dictionaries(st.sampled_from(PARAM_NAMES), VALUES, max_size=6) | VALUES
GOOD_PARAMS = st.sampled_from(list(METHODS)).flatmap(
    lambda name: st.tuples(st.just(name), st.dictionaries(st.sampled_from(PARAM_NAMES), VALUES, max_size=2)).map(
        lambda pair: {"jsonrpc": "2.0", "method": pair[0], "params": {**plain_params(pair[0]), **pair[1]}}
    )
)
IDS = st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.none()


def messagepack(value: object) -> bytes:
    """MessagePack of a value, integers beyond 64 bits as floats, as a careless library writes them."""
    return msgspec.msgpack.encode(_within_64_bits(value))


def _within_64_bits(value: object) -> object:
    if isinstance(value, dict):
        return {key: _within_64_bits(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_within_64_bits(inner) for inner in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return float(value)
    return value


class Bystander:
    """Another client of the same gateway, who must not notice anything."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.gateway = house.gateway()
        self.client = connect(self.gateway)
        self.client.login("bystander")

    def check(self) -> None:
        """It is served, and nothing was met that stops a node."""
        self.client.call("player.get", "still here")
        assert self.client.take()["id"] == "still here"
        assert self.house.failures == []


def check_answer(answer: dict[str, object]) -> None:
    """An answer is a result, or an error with a code that a client can cause."""
    assert answer["jsonrpc"] == "2.0"
    if "error" in answer:
        error = msgspec.convert(answer["error"], dict[str, object])
        assert error["code"] != -32603
        assert set(error) == {"code", "message", "data"}
        assert "reason" in msgspec.convert(error["data"], dict[str, object])
    else:
        assert "result" in answer


def attacker(bystander: Bystander, encoding: str, *, role: str) -> Client:
    """A client that is logged in, and has everything to send."""
    client = connect(bystander.gateway, encoding)
    client.login("mallory", role)  # type: ignore[arg-type]  # the strategy gives roles only
    return client


@given(st.binary(max_size=300), st.sampled_from(["json", "msgpack"]))
def test_any_bytes_as_a_message(payload: bytes, encoding: str) -> None:
    """A message of any bytes is answered at most once, and the socket stays (text that is no UTF-8 apart)."""
    bystander = Bystander(House(PLAYER))
    client = attacker(bystander, encoding, role="player")
    client.send_frame(1 if encoding == "json" else 2, payload)
    answers = client.take_all()
    assert len(answers) <= 1
    for answer in answers:
        check_answer(answer) if isinstance(answer, dict) else [check_answer(one) for one in answer]
    assert client.close_code in {None, 1007}
    bystander.check()


@given(st.binary(max_size=300))
def test_any_bytes_as_frames(data: bytes) -> None:
    """Bytes that are no frames end this connection at most."""
    bystander = Bystander(House(PLAYER))
    client = attacker(bystander, "msgpack", role="player")
    client.feed(data)
    client.feed(data)
    bystander.check()


@given(VALUES, st.sampled_from(["json", "msgpack"]))
def test_any_value_as_a_message(value: object, encoding: str) -> None:
    """A whole value that is no request is told so once; an array, once a member or as a whole."""
    bystander = Bystander(House(PLAYER))
    client = attacker(bystander, encoding, role="player")
    client.send_frame(1, msgspec.json.encode(value)) if encoding == "json" else client.send_frame(2, messagepack(value))
    (answer,) = client.take_all()
    if isinstance(answer, list):
        assert isinstance(value, list)
        assert len(answer) == len(value)
        assert all(one["error"]["code"] == -32600 for one in answer)
    else:
        assert answer["error"]["code"] == -32600
    bystander.check()


@given(
    IDS,
    st.fixed_dictionaries({"jsonrpc": st.just("2.0"), "method": NAMES, "params": PARAMS}) | GOOD_PARAMS,
    st.sampled_from(["json", "msgpack"]),
    st.sampled_from(["player", "service"]),
)
def test_any_params_of_any_method(request_id: object, request: dict[str, object], encoding: str, role: str) -> None:
    """Every request has exactly one answer, with its id: the house's, or a fault of the client's."""
    bystander = Bystander(House(PLAYER))
    client = attacker(bystander, encoding, role=role)
    call = {**request, "id": request_id}
    client.send_frame(1, msgspec.json.encode(call)) if encoding == "json" else client.send_frame(2, messagepack(call))
    (answer,) = client.take_all()
    check_answer(answer)
    assert answer["id"] == request_id
    if "error" in answer and answer["error"]["code"] == -32602:
        assert isinstance(answer["error"]["data"]["path"], str)
    bystander.check()


@given(
    st.lists(st.tuples(IDS, NAMES | st.just("player.get")), min_size=1, max_size=50),
    st.sampled_from(["json", "msgpack"]),
)
def test_any_array_of_requests(calls: list[tuple[object, str]], encoding: str) -> None:
    """An array has as many answers as it has requests with an id."""
    bystander = Bystander(House(PLAYER))
    client = attacker(bystander, encoding, role="player")
    client.send([{"jsonrpc": "2.0", "id": request_id, "method": method} for request_id, method in calls])
    (answers,) = client.take_all()
    assert sorted(str(answer["id"]) for answer in answers) == sorted(str(request_id) for request_id, _ in calls)
    for answer in answers:
        check_answer(answer)
    bystander.check()


def test_a_flood_ends_the_flooder_alone() -> None:
    """Ten thousand requests at once close one connection; what it may cost is bounded, and the others are served."""
    house = House(PLAYER)
    bystander = Bystander(house)
    client = attacker(bystander, "json", role="player")
    request = frame(1, b'{"jsonrpc":"2.0","id":1,"method":"player.get"}')
    for _ in range(100):
        client.feed(request * 100)
    answers = client.take_all()
    assert client.close_code == 1008
    assert sum("result" in answer for answer in answers) == 3_999
    assert all(answer["error"]["data"]["reason"] == "rate_limited" for answer in answers if "error" in answer)
    assert len(answers) == 7_999
    bystander.check()
