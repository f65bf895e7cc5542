"""Trades between players of one node, and between players of two, in a house of three nodes."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from load_tests.comparison.checks import Check
from load_tests.comparison.turns import Clock, Turn, turn_of
from load_tests.house import Cluster, running_cluster
from load_tests.town import NODES, Kind, Side, make_market


class Trades:
    """Trades of one kind, measured by the bids that took the lead or were outbid; each is one trade, committed."""

    def __init__(self, name: str, cluster: Cluster, side: Side) -> None:
        self._name = name
        self._cluster = cluster
        self._side = side

    def turn(self, seconds: float) -> Turn:
        """See `Side`."""
        clock, before = Clock(lambda: {"nodes": self._cluster.cpu_s()}), self._side.trades
        self._side.round(self._cluster, seconds)
        return turn_of(self._side.measured[-1], self._side.trades - before, clock)

    def kind(self) -> Kind:
        """What went between the nodes, and to their disks."""
        return self._side.kind()

    def checks(self) -> Iterator[Check]:
        """Whether everybody who lost a lead was told."""
        self._side.settle()
        kind = self._side.kind()
        told = f"{kind.pushes:,} of {kind.outbid:,}"
        yield Check(f"{self._name}: whoever was outbid was told", kind.pushes == kind.outbid, told)


@contextmanager
def running_trades(directory: Path, connections: int, same: str, cross: str) -> Iterator[dict[str, Trades]]:
    """Three nodes with a market of each kind, as two sides with the names given; `connections` are of each kind."""
    with ExitStack() as stack:
        cluster = stack.enter_context(running_cluster(directory, NODES))
        markets = make_market(cluster, connections, stack)
        yield {name: Trades(name, cluster, side) for name, side in zip((same, cross), markets, strict=True)}
