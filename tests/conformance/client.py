"""A client written from the protocol's page alone: two encodings, calls, pushes, and a check of all that comes."""

import json
import ssl
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgpack

from tests.conformance.contract import RESULTS, check, check_error, check_push
from tests.conformance.websocket import BINARY, PATIENCE_S, TEXT, WebSocket


class Encoding(NamedTuple):
    """One subprotocol."""

    subprotocol: str
    opcode: int
    dumps: Callable[[Any], bytes]
    loads: Callable[[bytes], Any]


JSON = Encoding("auction.v1.json", TEXT, lambda value: json.dumps(value).encode(), json.loads)
MSGPACK = Encoding("auction.v1.msgpack", BINARY, msgpack.packb, msgpack.unpackb)
ENCODINGS = (JSON, MSGPACK)


def eventually(happened: Callable[[], bool]) -> None:
    """Ask again and again until something has happened that the protocol promises, but not exactly when."""
    until = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < until, "it did not happen"


class Refused(Exception):
    """A call was answered with an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(str(error))
        self.code: int = error["code"]
        self.data: dict[str, Any] = error["data"]
        self.reason: str | None = error["data"].get("reason")


class Client:
    """One connection in one encoding; `hello` was the first thing that it heard."""

    def __init__(
        self,
        url: str,
        encoding: Encoding,
        *,
        headers: dict[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        receive_buffer_bytes: int | None = None,
    ) -> None:
        self.encoding = encoding
        self.socket = WebSocket(
            url,
            subprotocols=(encoding.subprotocol,),
            headers=headers,
            tls=tls,
            receive_buffer_bytes=receive_buffer_bytes,
        )
        self._pushes: deque[tuple[str, Any]] = deque()
        self._answers: list[Any] = []
        self._last_id = 0
        try:
            assert self.socket.subprotocol == encoding.subprotocol
            first = self._read()
            assert first.get("method") == "hello", first
            self.hello = self._pushes.popleft()[1]
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self.socket.close()

    def call(self, method: str, /, **params: Any) -> Any:
        """The result of one call, of the protocol's shape. Raises Refused."""
        answer = self.ask(method, params)
        if "error" in answer:
            raise Refused(answer["error"])
        check(answer["result"], RESULTS[method], method)
        return answer["result"]

    def refusal(self, method: str, /, **params: Any) -> Refused:
        """The error that a call is answered with."""
        answer = self.ask(method, params)
        assert "error" in answer, answer
        return Refused(answer["error"])

    def pages(self, method: str, /, **params: Any) -> list[list[Any]]:
        """All pages of a list, from the first to the one without a next."""
        found = []
        cursor: str | None = None
        while True:
            result = self.call(method, **params, **({} if cursor is None else {"cursor": cursor}))
            found.append(next(value for value in result.values() if isinstance(value, list)))
            cursor = result["next"]
            if cursor is None:
                return found

    def ask(self, method: str, params: Any) -> dict[str, Any]:
        """The whole answer to one call."""
        self._last_id += 1
        self.send({"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params})
        return self.answer(self._last_id)

    def notify(self, method: str, /, **params: Any) -> None:
        """Ask for something without wanting an answer."""
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def send(self, message: Any) -> None:
        """Send one message of whatever content."""
        self.send_raw(self.encoding.dumps(message))

    def send_raw(self, payload: bytes) -> None:
        """Send one message of whatever bytes, in the frame kind of the encoding."""
        self.socket.send(self.encoding.opcode, payload)

    def answer(self, request_id: Any) -> dict[str, Any]:
        """The answer to a request that was sent; answers to others are kept for whoever asks for them."""
        while True:
            for answer in self._answers:
                if isinstance(answer, dict) and _is_same(answer["id"], request_id):
                    self._answers.remove(answer)
                    return answer
            self._read()

    def next_answer(self) -> Any:
        """The next answer of all: an object, or the array that answers a batch."""
        while not self._answers:
            self._read()
        return self._answers.pop(0)

    def event(self, kind: str | None = None, within_s: float = PATIENCE_S) -> dict[str, Any]:
        """The next push `event`; with a type, the next one of it, others being passed over."""
        while True:
            while self._pushes:
                _, event = self._pushes.popleft()
                if kind in (None, event["type"]):
                    return event
            self._read(within_s)

    def events_heard(self) -> list[dict[str, Any]]:
        """The pushes that have come so far and were not asked for yet."""
        heard = [event for _, event in self._pushes]
        self._pushes.clear()
        return heard

    def _read(self, within_s: float = PATIENCE_S) -> Any:
        """Read one message, check its form and put it where it belongs."""
        opcode, payload = self.socket.receive(within_s)
        assert opcode == self.encoding.opcode, opcode
        message = self.encoding.loads(payload)
        for member in message if isinstance(message, list) else [message]:
            assert member["jsonrpc"] == "2.0", member
            if "method" in member:
                assert member is message and member.keys() == {"jsonrpc", "method", "params"}, member
                check_push(member["method"], member["params"])
                self._pushes.append((member["method"], member["params"]))
                return message
            if "error" in member:
                assert member.keys() == {"jsonrpc", "id", "error"}, member
                check_error(member["error"])
            else:
                assert member.keys() == {"jsonrpc", "id", "result"}, member
        self._answers.append(message)
        return message


def _is_same(left: Any, right: Any) -> bool:
    return type(left) is type(right) and left == right
