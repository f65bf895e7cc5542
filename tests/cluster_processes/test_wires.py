"""Wires between nodes are cut or silenced under load, and healed: trades that need them wait, and nothing is lost."""

from itertools import combinations

import pytest

from tests.cluster_processes.cluster import NODES, Cluster
from tests.cluster_processes.house import House
from tests.crash.loop import Loop

PAIRS = list(combinations(NODES, 2))
STALLED_S = 2.0
"""Longer than it takes to notice that a wire is silent."""


def disturb(house: House, pair: tuple[str, str], how: str, answers: int) -> None:
    """Cut or silence the wire between two nodes for a while, with answers meanwhile, and heal it."""
    house.trade.until_answered(answers)
    for wire in house.cluster.wires_of(*pair):
        getattr(wire, how)()
    house.loop.until_moment(STALLED_S)
    house.trade.until_answered(answers)
    for wire in house.cluster.wires_of(*pair):
        wire.heal()


@pytest.mark.slow
def test_a_cut_wire_loses_nothing(wired_cluster: Cluster, loop: Loop, figures: list[str]) -> None:
    """Two nodes that cannot talk to each other go on with everybody else, and with each other once they can."""
    house = House(wired_cluster, loop, seed=2)
    house.open()
    disturb(house, ("n1", "n2"), "cut", answers=40)
    house.assert_nothing_is_lost()
    figures.append(f"cluster, one wire cut: {house.close()}")


@pytest.mark.slow
@pytest.mark.parametrize("how", ["cut", "silence"])
def test_each_wire_disturbed_in_turn_loses_nothing(
    wired_cluster: Cluster, loop: Loop, figures: list[str], how: str
) -> None:
    """The same holds for every pair of nodes, twice, whether the wire breaks or only carries nothing."""
    house = House(wired_cluster, loop, seed=6)
    house.open()
    for pair in (*PAIRS, *PAIRS):
        disturb(house, pair, how, answers=150)
        house.assert_nothing_is_lost()
        house.trade.begin()
    house.assert_nothing_is_lost()
    figures.append(f"cluster, each wire twice, {how}: {house.close()}")


@pytest.mark.slow
@pytest.mark.parametrize("how", ["cut", "silence"])
def test_a_node_without_wires_loses_nothing(wired_cluster: Cluster, loop: Loop, figures: list[str], how: str) -> None:
    """A node that can talk to no other for a while is one of the house again later, and nothing was lost meanwhile."""
    house = House(wired_cluster, loop, seed=7)
    house.open()
    for node in NODES:
        house.trade.until_answered(100)
        for wire in wired_cluster.wires_of(node):
            getattr(wire, how)()
        house.loop.until_moment(STALLED_S)
        house.trade.until_answered(100)
        for wire in wired_cluster.wires_of(node):
            wire.heal()
        house.assert_nothing_is_lost()
        house.trade.begin()
    house.assert_nothing_is_lost()
    figures.append(f"cluster, each node alone once, {how}: {house.close()}")
