"""The two encodings of `auction.v1`, the client's side of every message: requests out, answers and pushes in.

Results stay encoded until their type is known, so an answer is read once, straight into its result class.
"""

import struct
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol, TypeVar

import msgspec

from clients.errors import ErrorBody
from shardnode.wire.transport import SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK

T = TypeVar("T")


class Message(msgspec.Struct, frozen=True):
    """One answer (`id`, and `result` or `error`) or one push (`method`, `params`)."""

    id: int | None = None
    result: msgspec.Raw = msgspec.Raw()
    error: ErrorBody | None = None
    method: str | None = None
    params: msgspec.Raw = msgspec.Raw()


class Garbled(Exception):
    """The bytes are no message of the protocol, or not of the expected type."""


class _Decoder(Protocol):
    def decode(self, data: bytes | msgspec.Raw, /) -> Any: ...


_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Codec:
    """One encoding; `binary` says whether its messages travel in binary frames."""

    def __init__(
        self,
        subprotocol: str,
        *,
        binary: bool,
        encode: Callable[[object], bytes],
        decoder: Callable[[Any], _Decoder],
        join: Callable[[Sequence[bytes]], bytes],
    ) -> None:
        self.subprotocol = subprotocol
        self.binary = binary
        self.join = join
        """Makes one message of some encoded requests."""
        self._encode = encode
        self._decoder = decoder
        self._decode_message = decoder(Message | list[Message]).decode
        self._result_decoders: dict[type, _Decoder] = {}

    def request(self, number: int, method: str, params: dict[str, Any]) -> bytes:
        """Encode one request; its answer will carry `number` as id."""
        return self._encode({"jsonrpc": "2.0", "id": number, "method": method, "params": params})

    def read(self, payload: bytes) -> Message | list[Message]:
        """Decode one inbound message. Raises Garbled."""
        try:
            message: Message | list[Message] = self._decode_message(payload)
        except _UNREADABLE as error:
            raise Garbled(str(error)) from error
        return message

    def result(self, raw: msgspec.Raw, kind: type[T]) -> T:
        """Decode a message's `result` or `params`; unknown fields are passed over. Raises Garbled."""
        decoder = self._result_decoders.get(kind)
        if decoder is None:
            decoder = self._result_decoders[kind] = self._decoder(kind)
        try:
            result: T = decoder.decode(raw)
        except _UNREADABLE as error:
            raise Garbled(str(error)) from error
        return result


def _join_msgpack(requests: Sequence[bytes]) -> bytes:
    array_16 = struct.pack(">BH", 0xDC, len(requests))
    return array_16 + b"".join(requests)


def _join_json(requests: Sequence[bytes]) -> bytes:
    return b"[" + b",".join(requests) + b"]"


Encoding = Literal["msgpack", "json"]


def codec_for(encoding: Encoding) -> Codec:
    """A codec of `auction.v1.msgpack`, the smaller and faster, or of `auction.v1.json`, which people can read."""
    if encoding == "msgpack":
        return Codec(
            SUBPROTOCOL_MSGPACK,
            binary=True,
            encode=msgspec.msgpack.Encoder().encode,
            decoder=msgspec.msgpack.Decoder,
            join=_join_msgpack,
        )
    return Codec(
        SUBPROTOCOL_JSON,
        binary=False,
        encode=msgspec.json.Encoder().encode,
        decoder=msgspec.json.Decoder,
        join=_join_json,
    )
