"""`python -m load_tests.bids`: durable bids a second of one node, as a share of a bare echo's messages in the same run.

Rounds of bids (`load_tests.duels`) and rounds of echo take turns, under the same load from the same generator.
"""

import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import click
import msgspec

from load_tests.duels import connect, pairs, settle
from load_tests.echo import echo_lines
from load_tests.figures import Figures, Spread, figures, rounds_of, spread, warm_up_of
from load_tests.generator import Measured, drive
from load_tests.house import audit, running_house
from load_tests.machine import fsync_ms


class BidsReport(msgspec.Struct, frozen=True):
    """What `python -m load_tests.bids` prints."""

    connections: int
    auctions: int
    ratio: Spread
    """Bids/s ÷ the echo's messages/s of the same round."""
    bids_per_s: Spread
    echo_per_s: Spread
    bids: Figures
    echo: Figures
    outcomes: dict[str, int]
    """How bids were answered, warm-up included: "leads", or the refusal's reason."""
    outbid: int
    """How often somebody lost a lead, warm-up included."""
    pushes: int
    """How often somebody was told so; the same, if the node told everybody."""
    fsync_ms: float
    """Median time of an fsync of one page beside the node's data: what durable costs here."""
    balanced: bool
    """What `auction audit` said in the end."""


def measure(directory: Path, connections: int, seconds: float) -> BidsReport:
    """Let bids and echo take turns, each for a time, with all files in the directory."""
    bid: list[Measured] = []
    echoed: list[Measured] = []
    bids_per_s: list[float] = []
    with ExitStack() as stack:
        echo_server, echoes = stack.enter_context(echo_lines(connections, directory))
        house = stack.enter_context(running_house(directory))
        _tell("making a market")
        lines, players = connect(house, connections)
        for line in lines:
            stack.callback(line.connection.close)
        drive(echoes, warm_up_of(seconds))
        drive(lines, warm_up_of(seconds))
        for round_s in rounds_of(seconds):
            _tell(f"round {len(bid) + 1} of {len(rounds_of(seconds))}")
            leads_before = sum(player.outcomes["leads"] for player in players)
            echoed.append(drive(echoes, round_s, echo_server.cpu_s))
            bid.append(drive(lines, round_s, house.server.cpu_s))
            leads = sum(player.outcomes["leads"] for player in players)
            bids_per_s.append((leads - leads_before) / bid[-1].seconds)
        settle(lines)
        disk_ms = fsync_ms(directory)
    _tell("auditing")
    outcomes = sum((player.outcomes for player in players), Counter[str]())
    auctions = len(pairs(connections))
    return BidsReport(
        connections=connections,
        auctions=auctions,
        ratio=spread([bids / echo.per_s for bids, echo in zip(bids_per_s, echoed, strict=True)], 3),
        bids_per_s=spread(bids_per_s, 0),
        echo_per_s=spread([each.per_s for each in echoed], 0),
        bids=figures(bid),
        echo=figures(echoed),
        outcomes=dict(outcomes),
        outbid=outcomes["leads"] - auctions,
        pushes=sum(player.pushes for player in players),
        fsync_ms=disk_ms,
        balanced=audit(directory / "data"),
    )


@click.command()
@click.option("--connections", type=click.IntRange(3, 1_000), default=64, show_default=True)
@click.option("--seconds", type=click.FloatRange(0.1, 3_600), default=10.0, show_default=True, help="Measured time.")
@click.option(
    "--dir",
    "parent",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Where the node's data is kept meanwhile; name a real disk.  [default: the system's temporary directory]",
)
def main(connections: int, seconds: float, parent: Path | None) -> None:
    """Measure durable bids beside a bare echo, one in flight on each connection, and print JSON."""
    with tempfile.TemporaryDirectory(dir=parent) as directory:
        report = measure(Path(directory), connections, seconds)
    click.echo(msgspec.json.format(msgspec.json.encode(report)))


def _tell(progress: str) -> None:
    if sys.stderr.isatty():
        click.echo(progress, err=True)


if __name__ == "__main__":
    main()
