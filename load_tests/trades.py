"""`python -m load_tests.trades`: trades between players of one node against trades between players of two.

Three local nodes; rounds of trades within a node and across nodes (`load_tests.town`) take turns, under the same load
from the same generator.
"""

import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import click
import msgspec

from load_tests.figures import Spread, figures, rounds_of, spread, warm_up_of
from load_tests.generator import drive
from load_tests.house import audit, running_cluster
from load_tests.machine import fsync_ms
from load_tests.town import BIDDERS_A_NODE_MIN, NODES, Kind, Side, make_market


class TradesReport(msgspec.Struct, frozen=True):
    """What `python -m load_tests.trades` prints."""

    nodes: int
    connections: int
    """Of each kind."""
    auctions: int
    """Of each kind."""
    throughput_ratio: Spread
    """Trades/s across nodes ÷ trades/s within them, of rounds side by side."""
    p50_ratio: Spread
    """The latency of half of the answers, across nodes ÷ within them, of rounds side by side."""
    same: Kind
    cross: Kind
    fsync_ms: float
    """Median time of an fsync of one page beside the nodes' data: what durable costs here."""
    balanced: bool
    """What `auction audit` said in the end of all nodes' directories."""


def measure(directory: Path, connections: int, seconds: float) -> TradesReport:
    """Let both kinds of trades take turns, each for a time, with all files in the directory."""
    with ExitStack() as stack:
        cluster = stack.enter_context(running_cluster(directory, NODES))
        _tell("making a market")
        sides = same, cross = make_market(cluster, connections, stack)
        for side in sides:
            drive(side.lines, warm_up_of(seconds))
        for number, round_s in enumerate(rounds_of(seconds), 1):
            _tell(f"round {number} of {len(rounds_of(seconds))}")
            for side in sides:
                side.round(cluster, round_s)
        for side in sides:
            side.settle()
        disk_ms = fsync_ms(directory)
    _tell("auditing")
    return TradesReport(
        nodes=NODES,
        connections=len(same.lines),
        auctions=same.auctions,
        throughput_ratio=spread(_ratios(cross.trades_per_s, same.trades_per_s), 3),
        p50_ratio=spread(_ratios(_p50s(cross), _p50s(same)), 2),
        same=same.kind(),
        cross=cross.kind(),
        fsync_ms=disk_ms,
        balanced=audit(*sorted((directory / "data").glob("n*/"))),
    )


def _ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    return [left / right for left, right in zip(above, below, strict=True)]


def _p50s(side: Side) -> list[float]:
    return [figures([measured]).latency_ms.p50 for measured in side.measured]


@click.command()
@click.option(
    "--connections",
    type=click.IntRange(NODES * BIDDERS_A_NODE_MIN, 900),
    default=48,
    show_default=True,
    help="Of each kind, all nodes together.",
)
@click.option(
    "--seconds", type=click.FloatRange(0.1, 3_600), default=10.0, show_default=True, help="Measured time, of each kind."
)
@click.option(
    "--dir",
    "parent",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Where the nodes' data is kept meanwhile; name a real disk.  [default: the system's temporary directory]",
)
def main(connections: int, seconds: float, parent: Path | None) -> None:
    """Measure trades within and across three nodes, one in flight on each connection, and print JSON."""
    with tempfile.TemporaryDirectory(dir=parent) as directory:
        report = measure(Path(directory), connections, seconds)
    click.echo(msgspec.json.format(msgspec.json.encode(report)))


def _tell(progress: str) -> None:
    if sys.stderr.isatty():
        click.echo(progress, err=True)


if __name__ == "__main__":
    main()
