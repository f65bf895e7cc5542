"""Bids against players who bid at once, each on a connection of its own with one bid in flight."""

from collections.abc import Sequence
from contextlib import ExitStack

from load_tests.growth.bidding import Bidding, Side, audited, measure_bids, panels
from load_tests.growth.market import open_market
from load_tests.growth.node import allow_connections, running_node
from load_tests.growth.record import Panel
from load_tests.growth.setting import Setting


def measure(setting: Setting, sizes: Sequence[int]) -> list[Panel]:
    """A new house for each size. Raises TooFewFiles, Lost."""
    allow_connections(max(sizes))
    biddings: list[Bidding] = []
    for connections in sizes:
        setting.tell(f"{connections:,} connections")
        with setting.directory() as directory:
            with running_node(directory) as house, ExitStack() as stack:
                market = open_market(house, connections, stack)
                biddings += measure_bids([Side(market, house.server.cpu_s)], setting.point_s)
            audited(directory / "data")
    return panels("connections", sizes, biddings)
