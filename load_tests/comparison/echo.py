"""A bare Autobahn server that sends back what it gets: the ceiling for whatever speaks through Autobahn."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from clients.codec import Message
from load_tests.comparison.turns import Driven
from load_tests.generator import CODEC, Line
from load_tests.processes import running
from load_tests.websocket import Connection

SERVER = "load_tests.comparison.echo_server"
LISTING_LIKE = "n" * 40
"""Stands for a listing's id, so that an echoed message is as large as a bid."""


class EchoCaller:
    """Sends a message like a bid, and has its answer when the same message comes back."""

    def __init__(self) -> None:
        self.answered = 0
        self._number = 0

    def request(self) -> bytes:
        """The next message."""
        self._number += 1
        return CODEC.request(self._number, "listing.bid", {"listing": LISTING_LIKE, "amount": self._number})

    def take(self, message: Message) -> bool:
        """Whether the last message came back."""
        is_answer = message.id == self._number
        self.answered += is_answer
        return is_answer


@contextmanager
def running_echo(directory: Path, connections: int) -> Iterator[Driven]:
    """An echo server and callers connected to it, as a side; its log goes to the directory."""
    with running([sys.executable, "-m", SERVER], directory / "echo.log") as server, ExitStack() as stack:
        callers = [EchoCaller() for _ in range(connections)]
        lines = [Line(Connection(server.url), caller) for caller in callers]
        for line in lines:
            stack.callback(line.connection.close)
        yield Driven(lines, lambda: {"echo": server.cpu_s()}, lambda: sum(caller.answered for caller in callers))
