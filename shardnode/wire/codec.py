"""JSON-RPC 2.0 in the two encodings of `auction.v1`: the server's side of every message.

A message is read in two steps. `read` finds the requests in it; `params` then decodes one request's params straight
into the command that its method binds, so that types, bounds and unknown params are settled before anybody acts.
Whatever a client sends ends in a request or in a `ClientFault`, never in another exception.

Members of a request that JSON-RPC does not name are passed over, of members given twice the last one holds, and an id
is a string, an integer of 64 bits, or null.
"""

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, Protocol

import msgspec
from msgspec import UNSET, Raw, UnsetType

from auction.context import Answer
from auction.refusals import Refusal
from shardnode.wire.errors import BadParams, ErrorObject, InvalidRequest, ParseError, refusal_error
from shardnode.wire.methods import METHODS, Method
from shardnode.wire.transport import BATCH_MAX, SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK

RequestId = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | str | None

NAME_SHOWN_MAX = 80
"""How much of a name that a client made up is told back to it."""

_MALFORMED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Envelope(msgspec.Struct):
    """One request as it came: params still encoded. A request without an id is a notification."""

    jsonrpc: Literal["2.0"]
    method: str
    id: RequestId | UnsetType = UNSET
    params: Raw | UnsetType = UNSET


class _ResultMessage(msgspec.Struct):
    jsonrpc: str
    id: RequestId
    result: Any


class _ErrorMessage(msgspec.Struct):
    jsonrpc: str
    id: RequestId
    error: ErrorObject


class _PushMessage(msgspec.Struct):
    jsonrpc: str
    method: str
    params: Any


class _Decoder(Protocol):
    def decode(self, data: bytes | Raw, /) -> Any: ...


class Codec:
    """One encoding; `binary` says whether its messages travel in binary frames."""

    def __init__(
        self,
        subprotocol: str,
        *,
        binary: bool,
        encode: Callable[[object], bytes],
        decoder: Callable[[Any], _Decoder],
        is_array: Callable[[bytes], bool],
        empty_map: bytes,
    ) -> None:
        self.subprotocol = subprotocol
        self.binary = binary
        self._encode = encode
        self._is_array = is_array
        self._empty_map = empty_map
        self._decode_envelope = decoder(Envelope).decode
        self._decode_array = decoder(list[Raw]).decode
        self._decode_raw = decoder(Raw).decode
        self._decode_members = decoder(dict[str, Raw]).decode
        self._decode_anything = decoder(Any).decode
        self._params = {name: decoder(method.params).decode for name, method in METHODS.items()}

    def read(self, payload: bytes) -> "Envelope | list[Envelope | InvalidRequest]":
        """Find the request, or the 1 … BATCH_MAX requests, in a message. Raises ParseError, InvalidRequest."""
        if not self._is_array(payload):
            return self._envelope(payload)
        try:
            members = self._decode_array(payload)
        except _MALFORMED as error:
            raise ParseError(_why(error)) from error
        if not 1 <= len(members) <= BATCH_MAX:
            raise InvalidRequest(f"an array carries 1 to {BATCH_MAX} requests, not {len(members)}")
        return [self._member(member) for member in members]

    def params(self, method: Method, raw: Raw | UnsetType) -> Any:
        """Decode a request's params into `method.params`; left out they are empty. Raises BadParams."""
        encoded = self._empty_map if isinstance(raw, UnsetType) else raw
        try:
            return self._params[method.name](encoded)
        except msgspec.ValidationError as error:
            raise BadParams(*_place(str(error))) from error
        except _MALFORMED as error:
            raise BadParams(self._malformed_param(encoded), _why(error)) from error

    def answer(self, request_id: RequestId, answer: Answer) -> bytes:
        """Encode what the house answered; a result that is MessagePack already is not encoded again."""
        if answer.refused:
            return self.error(request_id, refusal_error(refusal_of(answer)))
        if answer.encoded is None:
            return self.result(request_id, answer.body)
        if self.binary:
            return self.result(request_id, Raw(answer.encoded))
        return self.result(request_id, answer.body or msgspec.msgpack.decode(answer.encoded))

    def result(self, request_id: RequestId, result: object) -> bytes:
        """Encode a result."""
        return self._encode(_ResultMessage("2.0", request_id, result))

    def error(self, request_id: RequestId, error: ErrorObject) -> bytes:
        """Encode an error."""
        return self._encode(_ErrorMessage("2.0", request_id, error))

    def array(self, answers: Sequence[bytes]) -> bytes:
        """Make one message of a batch's encoded answers."""
        return self._encode([Raw(answer) for answer in answers])

    def push(self, method: str, params: object) -> bytes:
        """Encode a server's notification."""
        return self._encode(_PushMessage("2.0", method, params))

    def _envelope(self, payload: bytes | Raw) -> Envelope:
        try:
            envelope: Envelope = self._decode_envelope(payload)
        except msgspec.ValidationError as error:
            self._check_whole(payload)
            raise InvalidRequest(str(error), self._readable_id(payload)) from error
        except _MALFORMED as error:
            raise ParseError(_why(error)) from error
        return envelope

    def _member(self, member: Raw) -> "Envelope | InvalidRequest":
        try:
            return self._envelope(member)
        except InvalidRequest as fault:
            return fault

    def _check_whole(self, payload: bytes | Raw) -> None:
        """Raise ParseError where what follows the first thing that is wrong does not even parse."""
        try:
            self._decode_raw(payload)
        except _MALFORMED as error:
            raise ParseError(_why(error)) from error

    def _readable_id(self, payload: bytes | Raw) -> RequestId:
        """The id of something that is no request otherwise; null where it has none, or none that is allowed."""
        try:
            raw = self._decode_members(payload).get("id")
            return None if raw is None else msgspec.convert(self._decode_anything(raw), RequestId)
        except _MALFORMED:
            return None

    def _malformed_param(self, raw: bytes | Raw) -> str:
        """Name of the first member of params that cannot be decoded; "" where its name cannot be either."""
        try:
            members = self._decode_members(raw)
        except _MALFORMED:
            return ""
        for name, member in members.items():
            try:
                self._decode_anything(member)
            except _MALFORMED:
                return str(name[:NAME_SHOWN_MAX])
        return ""


def refusal_of(answer: Answer) -> Refusal:
    """The refusal that an answer with `refused` carries, in whichever form."""
    refusal = answer.body
    if refusal is None:
        assert answer.encoded is not None, "an answer has a body or an encoded one"
        return msgspec.msgpack.decode(answer.encoded, type=Refusal)
    assert isinstance(refusal, Refusal), refusal
    return refusal


_PLACE = re.compile(r"(?P<why>.*?)(?: - at `(?P<key>key` in `)?\$(?P<path>[^`]*)`)?", re.DOTALL)
_FIELD = re.compile(r"Object (?:missing required|contains unknown) field `(?P<field>.*)`", re.DOTALL)


def _place(message: str) -> tuple[str, str]:
    """Path inside params and reason, from what msgspec says of a value that does not fit."""
    match = _PLACE.fullmatch(message)
    assert match is not None, message
    why, path = match["why"], (match["path"] or "").split("[...]")[0].removeprefix(".")
    field = _FIELD.fullmatch(why)
    if field is not None:
        name = field["field"][:NAME_SHOWN_MAX]
        path = f"{path}.{name}" if path else name
        why = "is required" if "missing" in why[:20] else "is not a param of this method"
    return path, f"a key: {why}" if match["key"] else why


def _why(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    if isinstance(error, UnicodeDecodeError):
        return "a string is not UTF-8"
    return str(error)


def _is_msgpack_array(payload: bytes) -> bool:
    return payload[:1] in _MSGPACK_ARRAYS


_MSGPACK_ARRAYS = frozenset(bytes([head]) for head in (*range(0x90, 0xA0), 0xDC, 0xDD))


def _is_json_array(payload: bytes) -> bool:
    return payload.lstrip(b" \t\r\n")[:1] == b"["


MSGPACK = Codec(
    SUBPROTOCOL_MSGPACK,
    binary=True,
    encode=msgspec.msgpack.Encoder().encode,
    decoder=msgspec.msgpack.Decoder,
    is_array=_is_msgpack_array,
    empty_map=b"\x80",
)
JSON = Codec(
    SUBPROTOCOL_JSON,
    binary=False,
    encode=msgspec.json.Encoder().encode,
    decoder=msgspec.json.Decoder,
    is_array=_is_json_array,
    empty_map=b"{}",
)
CODECS: dict[str, Codec] = {codec.subprotocol: codec for codec in (MSGPACK, JSON)}
"""Codecs by subprotocol, the preferred one first."""
