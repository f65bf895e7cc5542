"""`python -m load_tests.comparison.profile`: where a bid's microseconds go, by samples of who holds the interpreter.

Bids run as in the comparison, and `py-spy` looks at the node some hundred times a second, for which it stops it for a
moment. It is no dependency of this project: `pip install py-spy`. Time in which nobody holds the interpreter's lock (in
the kernel, in SQLite, waiting) is in no sample.
"""

import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from shutil import which

import click
from rich.console import Console
from rich.table import Table

from load_tests.comparison.bids import Bids
from load_tests.house import running_house

REACTOR = "reactor"
THE_REST = "the reactor itself, and the rest"
PARTS = (
    ("execute (auction/house.py)", "rules"),
    ("(shardnode/node/records.py)", "record to the journal writer"),
    ("(shardnode/node/journal_writer.py)", "record to the journal writer"),
    ("(shardnode/search/", "index of listings"),
    ("(shardnode/gateway/presence.py)", "answers and pushes, encoded and sent"),
    ("(shardnode/gateway/outbox.py)", "answers and pushes, encoded and sent"),
    ("Connection.send (shardnode/gateway/connection.py)", "answers and pushes, encoded and sent"),
    ("Connection.flush (shardnode/gateway/connection.py)", "answers and pushes, encoded and sent"),
    ("Session._answered (shardnode/gateway/session.py)", "answers and pushes, encoded and sent"),
    ("(shardnode/node/gate.py)", "gate"),
    ("(shardnode/gateway/", "way in: frames, session, params"),
    ("EPollReactor.doPoll", "way in: frames, session, params"),
    ("(shardnode/node/checkpoints.py)", "checkpoints"),
    ("(shardnode/", "the node between these: routing, stores, timers"),
)
"""What a frame of a stack names, and the part of the program that it belongs to; the innermost frame that is named
decides, and of two entries that fit a frame the first."""


class NoSampler(Exception):
    """`py-spy` is not installed or may not look at the node; the text says what to do."""


def part_of(stack: list[str]) -> str:
    """The part of the program that a stack of the reactor's thread is in, outermost frame first."""
    named = (part for frame in reversed(stack) for marker, part in PARTS if marker in frame)
    return next(named, THE_REST)


def sampled(raw: str) -> Counter[tuple[str, str]]:
    """Samples by thread and, for the reactor's, by part of the program; `raw` is `py-spy`'s own format of that name."""
    samples: Counter[tuple[str, str]] = Counter()
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        thread, *frames = stack.split(";")
        name = thread.partition(": ")[2]
        is_reactor = name == "MainThread"
        samples[(REACTOR, part_of(frames)) if is_reactor else (name, "")] += int(count)
    return samples


def measure(directory: Path, connections: int, seconds: float, rate: int) -> tuple[Counter[tuple[str, str]], int]:
    """Samples of a node under bids, and how many bids took the lead meanwhile. Raises NoSampler."""
    spy = which("py-spy", path=str(Path(sys.executable).parent)) or which("py-spy")
    if spy is None:
        raise NoSampler("py-spy is not installed: `pip install py-spy`, and try again")
    file = directory / "samples"
    with running_house(directory) as house:
        bids = Bids("fractal", house, connections, dict)
        bids.turn(1.0)
        options = ["--format", "raw", "--threads", "--gil", "--nolineno"]
        lengths = ["--rate", str(rate), "--duration", str(round(seconds)), "--output", str(file)]
        command = [spy, "record", "--pid", str(house.server.process.pid), *options, *lengths]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as spying:
            turn = bids.turn(seconds)
            _, said = spying.communicate()
        bids.close()
    if spying.returncode != 0 or not file.exists():
        raise NoSampler(
            f"py-spy could not look at the node; may this user trace its processes? It says: {said.strip()}"
        )
    return sampled(file.read_text()), turn.done


def table(samples: Counter[tuple[str, str]], bids: int, rate: int) -> Table:
    """Shares of all samples, and what that makes a bid."""
    shown = Table("thread", "part", "share", "µs a bid", title_justify="left")
    shown.title = f"Who held the interpreter: {samples.total():,} samples, {bids:,} bids"
    for (thread, part), count in samples.most_common():
        shown.add_row(thread, part, f"{count / samples.total():.1%}", f"{count / rate / bids * 1e6:.1f}")
    return shown


@click.command()
@click.option("--connections", type=click.IntRange(3, 1_000), default=64, show_default=True)
@click.option("--seconds", type=click.IntRange(1, 600), default=20, show_default=True)
@click.option("--rate", type=click.IntRange(10, 1_000), default=250, show_default=True, help="Samples a second.")
def main(connections: int, seconds: int, rate: int) -> None:
    """Sample a node while bids run, and print who held the interpreter's lock, by part of the program."""
    with tempfile.TemporaryDirectory() as directory:
        try:
            samples, bids = measure(Path(directory), connections, seconds, rate)
        except NoSampler as error:
            raise click.ClickException(str(error)) from error
    Console().print(table(samples, bids, rate))


if __name__ == "__main__":
    main()
