"""`python -m load_tests.echo`: how many messages a second a bare Autobahn server sends back over MessagePack.

That is the ceiling for whatever speaks through Autobahn on the same machine, and so the measure of `load_tests.bids`.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click
import msgspec

from clients.codec import Message
from load_tests.figures import Figures, Spread, figures, rounds_of, spread, warm_up_of
from load_tests.generator import CODEC, Line, drive
from load_tests.processes import Server, running
from load_tests.websocket import Connection

LISTING_LIKE = "n" * 40
"""Stands for a listing's id, so that an echoed message is as large as a bid."""


class EchoReport(msgspec.Struct, frozen=True):
    """What `python -m load_tests.echo` prints."""

    connections: int
    messages_per_s: Spread
    echo: Figures


class EchoCaller:
    """Sends a message like a bid, and has its answer when the same message comes back."""

    def __init__(self) -> None:
        self._number = 0

    def request(self) -> bytes:
        """The next message."""
        self._number += 1
        return CODEC.request(self._number, "listing.bid", {"listing": LISTING_LIKE, "amount": self._number})

    def take(self, message: Message) -> bool:
        """Whether the last message came back."""
        return message.id == self._number


@contextmanager
def echo_lines(connections: int, directory: Path) -> Iterator[tuple[Server, list[Line]]]:
    """A running echo server, and callers connected to it; its log goes to the directory."""
    with (
        running([sys.executable, "-m", "load_tests.echo_server"], directory / "echo.log") as server,
        ExitStack() as stack,
    ):
        lines = [Line(Connection(server.url), EchoCaller()) for _ in range(connections)]
        for line in lines:
            stack.callback(line.connection.close)
        yield server, lines


def measure(connections: int, seconds: float) -> EchoReport:
    """Load an echo server for a time, after a warm-up."""
    with tempfile.TemporaryDirectory() as directory, echo_lines(connections, Path(directory)) as (server, lines):
        drive(lines, warm_up_of(seconds))
        measured = [drive(lines, round_s, server.cpu_s) for round_s in rounds_of(seconds)]
    return EchoReport(connections, spread([each.per_s for each in measured], 0), figures(measured))


@click.command()
@click.option("--connections", type=click.IntRange(1, 1_000), default=64, show_default=True)
@click.option("--seconds", type=click.FloatRange(0.1, 3_600), default=10.0, show_default=True, help="Measured time.")
def main(connections: int, seconds: float) -> None:
    """Measure a bare Autobahn MessagePack echo, one message in flight on each connection, and print JSON."""
    click.echo(msgspec.json.format(msgspec.json.encode(measure(connections, seconds))))


if __name__ == "__main__":
    main()
