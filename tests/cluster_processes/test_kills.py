"""`kill -9` of one node after the other, under load: the others go on, and nothing acknowledged is missing."""

import pytest

from tests.cluster_processes.cluster import NODES, Cluster
from tests.cluster_processes.house import House
from tests.crash.loop import Loop


def kill_each(house: House, rounds: int, answers: int) -> None:
    """Kill and restart each node in turn, with answers of the others while it is away."""
    house.open()
    for _ in range(rounds):
        for node in NODES:
            house.trade.until_answered(house.random.randint(1, answers))
            house.cluster.kill(node)
            house.trade.until_answered(house.random.randint(1, answers))
            house.cluster.start(node)
        house.assert_nothing_is_lost()
        house.trade.begin()
    house.assert_nothing_is_lost()


def test_killing_each_node_once_loses_nothing(cluster: Cluster, loop: Loop, figures: list[str]) -> None:
    """After a kill and a restart of each node under load everything acknowledged is there, once, and nothing else."""
    house = House(cluster, loop, seed=3)
    kill_each(house, rounds=1, answers=50)
    figures.append(f"cluster, each node killed once: {house.close()}")


@pytest.mark.slow
def test_killing_each_node_often_loses_nothing(cluster: Cluster, loop: Loop, figures: list[str]) -> None:
    """The same holds after eight kills of each node."""
    house = House(cluster, loop, seed=8)
    kill_each(house, rounds=8, answers=300)
    figures.append(f"cluster, each node killed eight times: {house.close()}")


@pytest.mark.slow
def test_killing_all_nodes_at_once_loses_nothing(cluster: Cluster, loop: Loop, figures: list[str]) -> None:
    """When the power fails on all nodes together, they find everything again and finish every trade."""
    house = House(cluster, loop, seed=4)
    house.open()
    for _ in range(5):
        house.trade.until_answered(house.random.randint(50, 300))
        for node in NODES:
            cluster.kill(node)
        cluster.start()
        house.assert_nothing_is_lost()
        house.trade.begin()
    house.assert_nothing_is_lost()
    figures.append(f"cluster, all nodes killed five times: {house.close()}")
