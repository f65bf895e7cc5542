"""Every message of the protocol, from fixed bytes and to fixed bytes, in both encodings."""

from pathlib import Path

import msgspec
import pytest

from auction.context import Answer
from auction.refusals import Refusal
from shardnode.wire.codec import JSON, MSGPACK, Codec, Envelope
from shardnode.wire.errors import BadParams, ErrorObject, InDoubt, ParseError, refusal_error
from shardnode.wire.events import EVENTS, ListingsMatched, PriceMatched, WatchMatched
from shardnode.wire.methods import METHODS
from tests.wire.samples import PARAMS, PUSHES, RESULTS

WATCHED = ("watch of listings", "watch of a commodity")
ERRORS: dict[str, tuple[str | None, ErrorObject]] = {
    "outbid": ("x-1", refusal_error(Refusal("outbid", {"price": 250, "min_bid": 263}))),
    "bad_params": ("x-1", BadParams("items[0].level", "Expected `int` >= 1").error()),
    "in_doubt": ("x-1", InDoubt("n1.4.17", None).error()),
    "parse_error": (None, ParseError("Input data was truncated").error()),
}


def load_messages() -> dict[str, dict[Codec, bytes]]:
    """Kind and name → the message's bytes in each encoding."""
    blocks = (Path(__file__).parent / "messages.txt").read_text().split("\n\n")[1:]
    messages = {}
    for block in blocks:
        name, text, hexadecimal = block.strip().split("\n")
        messages[name] = {JSON: text.encode(), MSGPACK: bytes.fromhex(hexadecimal)}
    return messages


MESSAGES = load_messages()
ENCODINGS = pytest.mark.parametrize("codec", [JSON, MSGPACK], ids=["json", "msgpack"])


def test_no_message_of_the_protocol_is_left_out() -> None:
    """The file has each method's request and result, and each push."""
    expected = {f"request {name}" for name in METHODS} | {f"result {name}" for name in METHODS}
    expected |= {f"push {name}" for name in ("hello", *EVENTS, *WATCHED)} | {f"error {name}" for name in ERRORS}
    assert set(MESSAGES) == expected


@ENCODINGS
@pytest.mark.parametrize("name", PARAMS)
def test_a_request_is_read_from_its_bytes(codec: Codec, name: str) -> None:
    """The bytes of a request give its id, its method and the command that the method binds."""
    envelope = codec.read(MESSAGES[f"request {name}"][codec])
    assert isinstance(envelope, Envelope)
    assert envelope.id == list(PARAMS).index(name) + 1
    assert envelope.method == name
    params = codec.params(METHODS[name], envelope.params)
    assert type(params) is METHODS[name].params
    assert params == PARAMS[name]


@ENCODINGS
@pytest.mark.parametrize("name", RESULTS)
def test_a_result_becomes_its_bytes(codec: Codec, name: str) -> None:
    """A result gives the same bytes whether it comes as an object, with its MessagePack, or as MessagePack alone."""
    request_id, result = list(RESULTS).index(name) + 1, RESULTS[name]
    expected = MESSAGES[f"result {name}"][codec]
    encoded = msgspec.msgpack.encode(result)
    assert codec.result(request_id, result) == expected
    for answer in (Answer(result, False), Answer(result, False, encoded), Answer(None, False, encoded)):  # type: ignore[arg-type]  # session.login's result is none of the house's
        assert codec.answer(request_id, answer) == expected


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_is_of_the_class_that_its_method_names(name: str) -> None:
    """A client that reads a result by its method's class gets all of it back."""
    message = msgspec.json.decode(MESSAGES[f"result {name}"][JSON])
    assert msgspec.convert(message["result"], METHODS[name].result) == RESULTS[name]


@ENCODINGS
@pytest.mark.parametrize("name", PUSHES)
def test_a_push_becomes_its_bytes(codec: Codec, name: str) -> None:
    """Pushes are notifications: they have no id."""
    assert codec.push(*PUSHES[name]) == MESSAGES[f"push {name}"][codec]


@pytest.mark.parametrize("name", EVENTS)
def test_the_data_of_an_event_is_of_its_class(name: str) -> None:
    """An event's data has the fields that the table of events says, and no others."""
    data = msgspec.json.decode(MESSAGES[f"push {name}"][JSON])["params"]["data"]
    assert msgspec.to_builtins(msgspec.convert(data, EVENTS[name])) == data


@pytest.mark.parametrize(("name", "kind"), list(zip(WATCHED, (ListingsMatched, PriceMatched), strict=True)))
def test_what_a_watch_tells_is_of_its_class(name: str, kind: type[WatchMatched]) -> None:
    """A client that reads the params by their class gets all of them back."""
    params = msgspec.json.decode(MESSAGES[f"push {name}"][JSON])["params"]
    assert msgspec.convert(params, kind) == PUSHES[name][1]


@ENCODINGS
@pytest.mark.parametrize("name", ERRORS)
def test_an_error_becomes_its_bytes(codec: Codec, name: str) -> None:
    """Errors carry code, message and data with the stable reason."""
    request_id, error = ERRORS[name]
    assert codec.error(request_id, error) == MESSAGES[f"error {name}"][codec]


@ENCODINGS
def test_a_refusal_becomes_the_same_error_from_either_form(codec: Codec) -> None:
    """A stored refusal, which is MessagePack alone, is told like a fresh one."""
    refusal = Refusal("outbid", {"price": 250, "min_bid": 263})
    encoded = msgspec.msgpack.encode(refusal)
    expected = MESSAGES["error outbid"][codec]
    for answer in (Answer(refusal, True), Answer(refusal, True, encoded), Answer(None, True, encoded)):
        assert codec.answer("x-1", answer) == expected


@ENCODINGS
def test_answers_of_a_batch_are_one_array(codec: Codec) -> None:
    """Encoded answers are joined as they are."""
    one, two = codec.result(1, RESULTS["player.get"]), codec.error(None, ParseError("why").error())
    decode = msgspec.json.decode if codec is JSON else msgspec.msgpack.decode
    assert decode(codec.array([one, two])) == [decode(one), decode(two)]
