"""The load: many connections, one request in flight on each, whoever the server is.

A caller (`Caller`) knows what to ask and what the answers mean; `drive` does the rest, the same for every caller, so
that what differs between two measurements is the server.
"""

import selectors
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import msgspec

from clients.codec import Message, codec_for
from load_tests.websocket import Connection

SILENCE_MAX_S = 5.0
"""A server that says nothing for this long, with requests in flight, has failed."""

CODEC = codec_for("msgpack")


class ServerSilent(Exception):
    """Requests are in flight, and the server answers none."""


class Caller(Protocol):
    """One user of the server."""

    def request(self) -> bytes | None:
        """The next request, None while there is nothing to ask; called when none is in flight."""

    def take(self, message: Message) -> bool:
        """Take in a message; True for the answer to the request in flight."""


class Line:
    """A caller on its connection, and since when its request is in flight (0: there is none)."""

    __slots__ = ("caller", "connection", "sent_at_s")

    def __init__(self, connection: Connection, caller: Caller) -> None:
        self.connection = connection
        self.caller = caller
        self.sent_at_s = 0.0


class Measured(msgspec.Struct, frozen=True):
    """One round: from the first request until its time was over and the last answer was in."""

    seconds: float
    latencies_s: list[float]
    """Of every answer."""
    generator_cpu_s: float
    server_cpu_s: float

    @property
    def per_s(self) -> float:
        """Answers a second."""
        return len(self.latencies_s) / self.seconds


def messages(connection: Connection) -> Iterator[Message]:
    """Wait for data, and read the messages in it, maybe none."""
    for payload in connection.receive():
        message = CODEC.read(payload)
        assert isinstance(message, Message), "nobody sends arrays here"
        yield message


def drive(lines: Sequence[Line], seconds: float, server_cpu_s: Callable[[], float] = lambda: 0.0) -> Measured:
    """Keep one request in flight on every line for `seconds`, then wait for the answers to those still in flight.

    Raises ServerSilent, and ConnectionLost where a connection breaks. `server_cpu_s` reads the server's CPU time.
    """
    latencies_s: list[float] = []
    with selectors.DefaultSelector() as selector:
        for line in lines:
            selector.register(line.connection, selectors.EVENT_READ, line)
        server_before_s, generator_before_s = server_cpu_s(), time.process_time()
        now_s = started_at_s = time.perf_counter()
        stop_at_s = started_at_s + seconds
        in_flight = sum(_ask(line, now_s) for line in lines)
        while in_flight or now_s < stop_at_s:
            ready = selector.select(SILENCE_MAX_S)
            if not ready:
                raise ServerSilent(f"no answer for {SILENCE_MAX_S:g} s with {in_flight} requests in flight")
            now_s = time.perf_counter()
            for key, _ in ready:
                line = key.data
                for message in messages(line.connection):
                    if line.caller.take(message):
                        latencies_s.append(now_s - line.sent_at_s)
                        line.sent_at_s = 0.0
                        in_flight -= 1
                if not line.sent_at_s and now_s < stop_at_s:
                    in_flight += _ask(line, now_s)
        generator_cpu_s = time.process_time() - generator_before_s
        return Measured(now_s - started_at_s, latencies_s, generator_cpu_s, server_cpu_s() - server_before_s)


def _ask(line: Line, now_s: float) -> bool:
    payload = line.caller.request()
    if payload is None:
        return False
    line.sent_at_s = now_s
    line.connection.send(payload)
    return True
