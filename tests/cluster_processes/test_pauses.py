"""Nodes that stand still beyond every timeout and go on as if nothing had been."""

import pytest

from tests.cluster_processes.cluster import NODES, Cluster
from tests.cluster_processes.house import House
from tests.crash.loop import Loop

PAUSE_S = 12.0
"""Longer than links wait (1 s), trades (2 s), answers (5 s) and the SDK for an answer (8 s)."""


@pytest.mark.slow
def test_each_node_paused_in_turn_loses_nothing(cluster: Cluster, loop: Loop, figures: list[str]) -> None:
    """The others trade on without the one that stands still, and when it wakes up nothing is lost or done twice."""
    house = House(cluster, loop, seed=5)
    house.open()
    for node in NODES:
        house.trade.until_answered(100)
        cluster.pause(node)
        answered = house.trade.answered
        loop.until_moment(PAUSE_S)
        assert house.trade.answered > answered
        cluster.resume(node)
        house.assert_nothing_is_lost()
        house.trade.begin()
    house.assert_nothing_is_lost()
    figures.append(f"cluster, each node paused for {PAUSE_S:g} s: {house.close()}")
