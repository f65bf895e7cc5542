"""What a client can get wrong in a message, and what it is told."""

from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from shardnode.wire.codec import JSON, MSGPACK, NAME_SHOWN_MAX, Codec, Envelope
from shardnode.wire.errors import BadParams, InvalidRequest, ParseError
from shardnode.wire.methods import METHODS
from shardnode.wire.transport import BATCH_MAX

ENCODINGS = pytest.mark.parametrize("codec", [JSON, MSGPACK], ids=["json", "msgpack"])


def encode(codec: Codec, value: object) -> bytes:
    """A message that a client made with a codec of its own."""
    return msgspec.json.encode(value) if codec is JSON else msgspec.msgpack.encode(value)


def bad_params(codec: Codec, method: str, params: object) -> tuple[str, str]:
    """Path and message of the fault that these params are."""
    with pytest.raises(BadParams) as caught:
        codec.params(METHODS[method], msgspec.Raw(encode(codec, params)))
    error = caught.value.error()
    assert error.code == -32602
    assert error.data["reason"] == "bad_params"
    return str(error.data["path"]), error.message


@pytest.mark.parametrize(
    "payload",
    [
        *(b"", b"{", b"nonsense", b"{'id': 1}", b'{"id": NaN}', b'{"id": Infinity}', b"[1,]", b'{"a": 1} x'),
        *(b"\xff", b"\xef\xbb\xbf{}", b'"\\ud800"', b"[" * 65_536, b'{"a":' * 10_000),
    ],
)
def test_bytes_that_are_no_json_do_not_parse(payload: bytes) -> None:
    """Whatever is not one whole JSON value is −32700, nested however deep."""
    with pytest.raises(ParseError) as caught:
        JSON.read(payload)
    assert caught.value.error().code == -32700


@pytest.mark.parametrize(
    "payload",
    [
        *(b"", b"\xc1", b"\x82\xa1a", b"\x80\x80", b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\x91" * 65_536),
        *(b"\x81\xa1a" * 20_000, b"\x81\xa6method\xa2\xff\xfe", b"\xc7\xff", b"\xdb\xff\xff\xff\xffabc"),
    ],
)
def test_bytes_that_are_no_messagepack_do_not_parse(payload: bytes) -> None:
    """Whatever is not one whole MessagePack value with UTF-8 in its strings is −32700, nested however deep."""
    with pytest.raises(ParseError) as caught:
        MSGPACK.read(payload)
    assert caught.value.error().code == -32700


@ENCODINGS
@pytest.mark.parametrize(
    ("value", "request_id"),
    [
        (None, None),
        (5, None),
        ("player.get", None),
        ({}, None),
        ({"jsonrpc": "2.0", "id": 1}, 1),
        ({"jsonrpc": "2.0", "id": "x", "method": 7}, "x"),
        ({"jsonrpc": "1.0", "id": 1, "method": "player.get"}, 1),
        ({"jsonrpc": 2.0, "id": 1, "method": "player.get"}, 1),
        ({"id": None, "method": "player.get"}, None),
        ({"jsonrpc": "2.0", "id": 1.5, "method": "player.get"}, None),
        ({"jsonrpc": "2.0", "id": True, "method": "player.get"}, None),
        ({"jsonrpc": "2.0", "id": [1], "method": "player.get"}, None),
        ({"jsonrpc": "2.0", "id": {"a": 1}, "method": "player.get"}, None),
        ({"jsonrpc": "2.0", "id": 2**63, "method": "player.get"}, None),
    ],
)
def test_a_value_that_is_no_request_is_told_with_its_id(codec: Codec, value: object, request_id: object) -> None:
    """−32600 carries the id where there is one that may be an id, and null otherwise."""
    with pytest.raises(InvalidRequest) as caught:
        codec.read(encode(codec, value))
    assert caught.value.error().code == -32600
    assert caught.value.request_id == request_id


def test_an_id_beyond_64_bits_is_refused_without_harm() -> None:
    """JSON writes integers of any size; as an id they are −32600 with id null."""
    with pytest.raises(InvalidRequest) as caught:
        JSON.read(b'{"jsonrpc": "2.0", "method": "player.get", "id": 1' + b"0" * 10_000 + b"}")
    assert caught.value.request_id is None


@ENCODINGS
@pytest.mark.parametrize("request_id", [0, -1, 2**63 - 1, -(2**63), "", "x" * 1_000, None])
def test_ids_are_integers_strings_or_null(codec: Codec, request_id: Any) -> None:
    """An id comes back as it was sent."""
    envelope = codec.read(encode(codec, {"jsonrpc": "2.0", "id": request_id, "method": "player.get"}))
    assert isinstance(envelope, Envelope)
    assert envelope.id == request_id


@ENCODINGS
def test_a_request_without_an_id_is_a_notification(codec: Codec) -> None:
    """No id is something else than the id null."""
    envelope = codec.read(encode(codec, {"jsonrpc": "2.0", "method": "player.get"}))
    assert isinstance(envelope, Envelope)
    assert envelope.id is UNSET


@ENCODINGS
def test_members_that_json_rpc_does_not_name_are_passed_over(codec: Codec) -> None:
    """A library may add members of its own to its requests."""
    envelope = codec.read(encode(codec, {"jsonrpc": "2.0", "id": 1, "method": "player.get", "traceparent": [1, {}]}))
    assert isinstance(envelope, Envelope)


def test_of_members_given_twice_the_last_one_holds() -> None:
    """Duplicate names are settled in one way, in the envelope and in params alike."""
    envelope = JSON.read(
        b'{"jsonrpc":"2.0","id":1,"id":2,"method":"x","method":"listing.get","params":{"listing":"a"}}'
    )
    assert isinstance(envelope, Envelope)
    assert (envelope.id, envelope.method) == (2, "listing.get")
    params = JSON.params(METHODS["listing.bid"], msgspec.Raw(b'{"listing":"a","amount":1,"amount":2}'))
    assert params.amount == 2


@ENCODINGS
@pytest.mark.parametrize("size", [1, BATCH_MAX])
def test_an_array_holds_one_to_fifty_requests(codec: Codec, size: int) -> None:
    """Each member of an array is read as a request, or told what is wrong with it alone."""
    good: dict[str, object] = {"jsonrpc": "2.0", "id": 1, "method": "player.get"}
    members = codec.read(encode(codec, [good] * (size - 1) + [{"id": 2}]))
    assert isinstance(members, list)
    assert [type(member) for member in members] == [Envelope] * (size - 1) + [InvalidRequest]
    assert isinstance(members[-1], InvalidRequest)
    assert members[-1].request_id == 2


@ENCODINGS
@pytest.mark.parametrize("size", [0, BATCH_MAX + 1, 60_000])
def test_an_array_of_another_size_is_no_request(codec: Codec, size: int) -> None:
    """−32600, whatever the members are."""
    with pytest.raises(InvalidRequest):
        codec.read(encode(codec, [0] * size))


def test_blanks_may_stand_before_an_array() -> None:
    """JSON's white space changes nothing."""
    members = JSON.read(b' \r\n\t[{"jsonrpc":"2.0","id":1,"method":"player.get"}] ')
    assert isinstance(members, list)


@ENCODINGS
def test_params_left_out_are_empty(codec: Codec) -> None:
    """A method whose params are all optional needs none."""
    assert codec.params(METHODS["inventory.list"], UNSET).limit == 50


@ENCODINGS
@pytest.mark.parametrize("params", [None, [], ["a", 1], 5, "listing", True])
def test_params_that_are_no_object_are_bad_as_a_whole(codec: Codec, params: object) -> None:
    """Params go by name; the path of params themselves is empty."""
    assert bad_params(codec, "listing.bid", params)[0] == ""


@ENCODINGS
@pytest.mark.parametrize(
    ("method", "params", "path"),
    [
        ("listing.bid", {"amount": 1}, "listing"),
        ("listing.bid", {"listing": "a"}, "amount"),
        ("listing.bid", {"listing": "a", "amount": 1, "max": 2}, "max"),
        ("player.get", {"player": "alice"}, "player"),
        ("listing.bid", {"listing": 1, "amount": 1}, "listing"),
        ("listing.bid", {"listing": "", "amount": 1}, "listing"),
        ("listing.bid", {"listing": "a" * 81, "amount": 1}, "listing"),
        ("listing.bid", {"listing": "a", "amount": 1, "key": ""}, "key"),
        ("listing.bid", {"listing": "a", "amount": 1, "key": "k" * 65}, "key"),
        ("listing.search", {"stats": [{"stat": 5}]}, "stats[0].stat"),
        ("listing.search", {"stats": [{"stat": "might"}, {"min": 5}]}, "stats[1].stat"),
        ("listing.search", {"stats": [{"stat": "might", "least": 5}]}, "stats[0].least"),
        ("listing.search", {"level": {"min": "3"}}, "level.min"),
        ("listing.search", {"rarity": ["rare", 5]}, "rarity[1]"),
        ("listing.search", {"score": {"might": "much"}}, "score"),
        ("listing.search", {"sort": "beauty"}, "sort"),
        ("listing.search", {"order": "up"}, "order"),
        ("listing.search", {"limit": 101}, "limit"),
        ("listing.search", {"limit": 0}, "limit"),
        ("admin.grant", {"key": "k", "player": "al ice"}, "player"),
        ("admin.grant", {"player": "alice"}, "key"),
        ("admin.grant", {"key": "k", "player": "alice", "items": [{"base": "b", "level": 0}]}, "items[0].level"),
        ("admin.grant", {"key": "k", "player": "alice", "commodities": {"salt": -1}}, "commodities"),
        ("session.login", {}, "token"),
        ("session.login", {"token": "t", "redirects": 1}, "redirects"),
    ],
)
def test_the_path_of_a_bad_param_leads_to_it(codec: Codec, method: str, params: object, path: str) -> None:
    """−32602 names the param: inside objects and lists, and by its name where it is missing or unknown."""
    found, message = bad_params(codec, method, params)
    assert found == path
    assert message.startswith(path)


@pytest.mark.parametrize(
    "amount", ["1.0", "1e3", "-0.0", "1E400", "true", "null", '"1"', "[1]", "{}", "-1", str(2**53)]
)
def test_amounts_are_plain_integers_in_json(amount: str) -> None:
    """No floats, strings or booleans, and nothing outside 0 … 2^53 − 1."""
    with pytest.raises(BadParams) as caught:
        JSON.params(METHODS["listing.bid"], msgspec.Raw(f'{{"listing":"a","amount":{amount}}}'.encode()))
    assert caught.value.figures["path"] == "amount"


@pytest.mark.parametrize("digits", [20, 400, 5_000, 60_000])
@pytest.mark.parametrize("sign", ["", "-"])
def test_integers_of_any_length_do_no_harm(sign: str, digits: int) -> None:
    """An integer beyond 64 bits is a bad param like others."""
    with pytest.raises(BadParams) as caught:
        JSON.params(METHODS["listing.bid"], msgspec.Raw(f'{{"listing":"a","amount":{sign}{"9" * digits}}}'.encode()))
    assert caught.value.figures["path"] == "amount"


@pytest.mark.parametrize(
    "amount",
    [
        *(1.0, float("nan"), float("inf"), True, None, "1", b"1", [1], {"a": 1}, -1, 2**53, 2**63, 2**64 - 1, -(2**63)),
        *(msgspec.msgpack.Ext(5, b"xx"), msgspec.msgpack.Ext(-1, b"\x00\x00\x00\x00")),
    ],
    ids=repr,
)
def test_amounts_are_plain_integers_in_messagepack(amount: object) -> None:
    """Neither floats nor any of MessagePack's other types pass for an integer."""
    assert bad_params(MSGPACK, "listing.bid", {"listing": "a", "amount": amount})[0] == "amount"


def test_names_of_params_are_strings() -> None:
    """MessagePack allows any key in a map; params do not."""
    for key in (1, None, b"amount", True):
        assert bad_params(MSGPACK, "listing.bid", {key: 1})[0] == ""
    assert (
        bad_params(MSGPACK, "admin.grant", {"key": "k", "player": "alice", "commodities": {1: 1}})[0] == "commodities"
    )


@pytest.mark.parametrize(
    ("params", "path"),
    [
        (b"\x82\xa7listing\xa2\xff\xfe\xa6amount\x01", "listing"),
        (b"\x82\xa7listing\xa1a\xa6amount\x91\xa1\xff", "amount"),
        (b"\x82\xa2\xff\xfe\xa1a\xa6amount\x01", ""),
        (b"\x81\xa6amount" + b"\x91" * 10_000 + b"\x01", "amount"),
    ],
)
def test_params_that_cannot_be_decoded_name_the_member(params: bytes, path: str) -> None:
    """A string that is not UTF-8, or a value nested too deep, is told with the request's id and the param's name."""
    with pytest.raises(BadParams) as caught:
        MSGPACK.params(METHODS["listing.bid"], msgspec.Raw(params))
    assert caught.value.figures["path"] == path


@ENCODINGS
def test_a_client_gets_little_of_a_long_name_back(codec: Codec) -> None:
    """An unknown param's name is cut short, so that answers stay smaller than questions."""
    path, message = bad_params(codec, "player.get", {"x" * 60_000: 1})
    assert path == "x" * NAME_SHOWN_MAX
    assert len(message) < 200
