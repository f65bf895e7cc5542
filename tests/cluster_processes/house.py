"""A house of three nodes under load: the crash tests' crowd, two players at home on each node, all trading with all."""

import time
from random import Random

from clients.session import Settings
from tests.cluster_processes.cluster import NODES, Cluster
from tests.crash.crowd import Crowd
from tests.crash.house import assert_balanced
from tests.crash.loop import Loop
from tests.crash.trade import Trade

TREES = ("ash", "birch", "cedar", "elm", "fir", "hazel")
PATIENCE = Settings(deadline_s=3.0, backoff_max_s=1.0)
"""Whoever needs a node that is away soon turns to something else, and asks again in the end."""
TRADES_END_WITHIN_S = 20.0
"""How long trades may stay open once all nodes are there; they take moments, and their timers some seconds."""


class House:
    """Players, what they were answered, and the directories that must remember it."""

    def __init__(self, cluster: Cluster, loop: Loop, seed: int) -> None:
        self.cluster = cluster
        self.loop = loop
        self.random = Random(seed)
        names = [cluster.player_at(NODES[number % len(NODES)], tree) for number, tree in enumerate(TREES)]
        self.crowd = Crowd(loop, names, cluster.token, PATIENCE)
        self.trade = Trade(loop, self.crowd, seed)

    def open(self) -> None:
        """Start all nodes and let everybody trade."""
        self.cluster.start()
        self.crowd.enter(*self.cluster.urls)
        self.trade.welcome()
        self.trade.begin()

    def assert_nothing_is_lost(self) -> None:
        """All nodes are there again: everybody finishes, every trade ends, and what anybody was told holds."""
        self.trade.rest()
        self.cluster.until_linked()
        self.assert_trades_end()
        self.crowd.assert_nothing_is_lost(self.random)

    def assert_trades_end(self) -> None:
        """No trade stays open on any node."""
        until_s = time.monotonic() + TRADES_END_WITHIN_S
        while left := self.cluster.open_trades():
            assert time.monotonic() < until_s, left

    def close(self) -> str:
        """Stop all nodes and count everything; what was counted, in one line."""
        self.crowd.leave()
        self.cluster.stop()
        report = assert_balanced(*self.cluster.directories)
        assert report["open_trades"] == 0
        for what, figures in self.crowd.books().totals().items():
            assert figures.items() <= report[what].items()
        refused = sum(self.crowd.refusals.values())
        return f"{self.trade.answered} answered, {refused} of them refused; balanced"
