"""The model held against real nodes: one, two and three of them, under the same bids, on the cores of this machine.

The nodes share the cores with the generator, so the model is told to share them as well, less what other programs took
of them meanwhile. Bidders live on all nodes;
what each bids on is spread over all nodes alike.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import msgspec

from load_tests.capacity.calibration import Calibration
from load_tests.capacity.house import Setting
from load_tests.capacity.load import Load, simulate
from load_tests.duels import Duellist, settle
from load_tests.figures import latency
from load_tests.generator import drive
from load_tests.house import audit, running_cluster
from load_tests.machine import OtherLoad
from load_tests.processes import ServerFailed
from load_tests.town import BIDDERS_A_NODE_MIN, Town, duels_at

LOOPBACK_S = 30e-6
"""One way between two nodes of one machine, waking up left out; assumed, and small beside all else."""
SIMULATED_S = 2.0
CORES_MIN = 0.25
"""However busy other programs are, the nodes get some of the machine."""


class Compared(msgspec.Struct, frozen=True):
    """A house of some nodes, as predicted and as measured."""

    nodes: int
    predicted_per_s: float
    measured_per_s: float
    predicted_p50_ms: float
    measured_p50_ms: float
    predicted_p99_ms: float
    measured_p99_ms: float
    others_cpus: float
    """Cores that other programs kept busy while it was measured; the nodes' own and the generator's left out."""

    @property
    def error(self) -> float:
        """Of the predicted throughput, by the measured one."""
        return self.predicted_per_s / self.measured_per_s - 1


class Checking(msgspec.Struct, frozen=True):
    """What is held against the model: houses of these sizes, bidders of all nodes together, for a time each."""

    nodes: tuple[int, ...]
    connections: int
    seconds: float


def checked(
    directory: Path, costs: Calibration, checking: Checking, seed: int, tell: Callable[[str], None]
) -> list[Compared]:
    """Measure each of these sizes for a time, and predict it. Raises ServerFailed where a house is not balanced."""
    compared = []
    for size in checking.nodes:
        tell(f"{size} real nodes")
        compared.append(_compare(directory / f"check-{size}", costs, size, checking, seed))
    return compared


def _compare(directory: Path, costs: Calibration, nodes: int, checking: Checking, seed: int) -> Compared:
    directory.mkdir()
    bidders, seconds = max(BIDDERS_A_NODE_MIN, checking.connections // nodes), checking.seconds
    with running_cluster(directory, nodes) as cluster:
        names = list(cluster.urls)
        service = cluster.connect(names[0], "load-test", "service")
        town = Town(service)
        # each bidder's home comes at another place in the order of the sellers' homes, so that all pairs are alike
        groups = [
            duels_at(cluster, town, service, node, names[place:] + names[:place], bidders)
            for place, node in enumerate(names)
        ]
        lines = [line for group, _ in groups for line in group]
        duellists = [each for _, group in groups for each in group]
        service.close()
        drive(lines, min(1.0, seconds))
        others, nodes_before_s = OtherLoad(), cluster.cpu_s()
        before = _traded(duellists)
        measured = drive(lines, seconds)
        trades_per_s = (_traded(duellists) - before) / measured.seconds
        others_cpus = max(0.0, others.cpus() - (cluster.cpu_s() - nodes_before_s) / measured.seconds)
        settle(lines)
        for line in lines:
            line.connection.close()
    if not audit(*sorted((directory / "data").glob("n*/"))):
        raise ServerFailed(f"the house of {nodes} nodes is not balanced: what was measured counts for nothing")
    cores = max(CORES_MIN, (os.cpu_count() or 1) - others_cpus)
    setting = Setting(nodes=nodes, rivals_at_home=True, cores=cores)
    load = Load(players_a_node=bidders, warm_s=SIMULATED_S / 2, seconds=SIMULATED_S)
    predicted = simulate(setting, load, costs, _loopback, seed)
    found = latency(measured.latencies_s)
    return Compared(
        nodes=nodes,
        predicted_per_s=predicted.per_s,
        measured_per_s=trades_per_s,
        predicted_p50_ms=predicted.p50_ms,
        measured_p50_ms=found.p50,
        predicted_p99_ms=predicted.p99_ms,
        measured_p99_ms=found.p99,
        others_cpus=others_cpus,
    )


def _loopback(_: Random) -> float:
    return LOOPBACK_S


def _traded(duellists: Sequence[Duellist]) -> int:
    """Bids that led or were outbid: each is one trade."""
    return sum(each.outcomes["leads"] + each.outcomes["outbid"] for each in duellists)
