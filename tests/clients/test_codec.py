"""Bytes: what the client sends is what the protocol says, read by other libraries than it was written with."""

import json

import msgpack
import msgspec
import pytest

from clients.codec import Garbled, Message, codec_for
from shardnode.wire.codec import CODECS

REQUEST = {
    "jsonrpc": "2.0",
    "id": 7,
    "method": "listing.bid",
    "params": {"listing": "s.l1", "amount": 2**53 - 1, "key": "k-1"},
}


def test_a_request_as_messagepack_bytes() -> None:
    """The exact bytes of one request in MessagePack."""
    payload = codec_for("msgpack").request(7, "listing.get", {"listing": "s.l1"})
    assert payload == (b"\x84\xa7jsonrpc\xa32.0\xa2id\x07\xa6method\xablisting.get\xa6params\x81\xa7listing\xa4s.l1")


def test_a_request_as_json_bytes() -> None:
    """The exact bytes of one request in JSON."""
    payload = codec_for("json").request(7, "listing.get", {"listing": "s.l1"})
    assert payload == b'{"jsonrpc":"2.0","id":7,"method":"listing.get","params":{"listing":"s.l1"}}'


def test_other_libraries_read_what_we_write() -> None:
    """msgpack and json read requests and batches, the largest amount included."""
    one = codec_for("msgpack").request(7, REQUEST["method"], REQUEST["params"])
    assert msgpack.unpackb(one) == REQUEST
    assert msgpack.unpackb(codec_for("msgpack").join([one] * 50)) == [REQUEST] * 50
    one = codec_for("json").request(7, REQUEST["method"], REQUEST["params"])
    assert json.loads(codec_for("json").join([one] * 50)) == [REQUEST] * 50


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
def test_the_node_reads_what_we_write(encoding: str) -> None:
    """The server's side of the codec finds our requests, alone and in arrays."""
    codec = codec_for(encoding)
    server = CODECS[codec.subprotocol]
    one = codec.request(7, REQUEST["method"], REQUEST["params"])
    assert server.read(one).method == "listing.bid"
    assert [envelope.id for envelope in server.read(codec.join([one, one]))] == [7, 7]
    assert codec.binary == server.binary


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
def test_answers_errors_and_pushes_are_read(encoding: str) -> None:
    """One value gives one message, an array gives its messages."""
    dump = msgpack.packb if encoding == "msgpack" else lambda value: json.dumps(value).encode()
    codec = codec_for(encoding)
    answer = {"jsonrpc": "2.0", "id": 1, "result": {"a": 1}}
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "no", "data": None}}
    push = {"jsonrpc": "2.0", "method": "event", "params": {"seq": 1}}
    first, second, third = codec.read(dump([answer, error, push]))
    assert codec.result(first.result, dict) == {"a": 1}
    assert (second.id, second.error.code) == (None, -32700)
    assert (third.method, codec.result(third.params, dict)) == ("event", {"seq": 1})
    assert isinstance(codec.read(dump(answer)), Message)


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
@pytest.mark.parametrize("payload", [b"", b"\xc1", b"{", b"[" * 5_000, b"\x91" * 5_000, b'{"id":"\xff"}', b"\xa1\xff"])
def test_what_is_no_message_is_garbled(encoding: str, payload: bytes) -> None:
    """Any bytes end in a message or in Garbled."""
    with pytest.raises(Garbled):
        codec_for(encoding).read(payload)


def test_a_result_of_another_type_is_garbled() -> None:
    """A result that does not fit its class is not half a result."""
    with pytest.raises(Garbled):
        codec_for("json").result(msgspec.Raw(b'"x"'), int)
