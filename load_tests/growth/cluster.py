"""Bids against nodes of one machine, and against the share of trades that cross nodes."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import cycle

from load_tests.duels import Duellist
from load_tests.growth.bidding import Side, audited, measure_bids, panels
from load_tests.growth.market import Market, duellists, ring
from load_tests.growth.record import Panel
from load_tests.growth.setting import Setting
from load_tests.house import LISTINGS_A_SELLER, Cluster, open_auctions, running_cluster
from load_tests.town import Town
from load_tests.websocket import Connection

CONNECTIONS = 48
"""All nodes together; a multiple of all numbers of nodes."""
NODES = 3


def measure_nodes(setting: Setting, sizes: Sequence[int]) -> list[Panel]:
    """A cluster for each number of nodes, whose bidders meet listings of their own node only. Raises Lost."""
    with ExitStack() as kept:
        directories = [kept.enter_context(setting.directory()) for _ in sizes]
        with ExitStack() as stack:
            sides = []
            for nodes, directory in zip(sizes, directories, strict=True):
                setting.tell(f"nodes: {nodes}")
                cluster = stack.enter_context(running_cluster(directory, nodes))
                sides.append(Side(_Fair(cluster, stack).market(0), cluster.cpu_s))
            setting.tell("rounds in turns")
            biddings = measure_bids(sides, setting.point_s)
        for directory in directories:
            audited(*sorted((directory / "data").glob("n*/")))
    return panels("nodes", sizes, biddings)


def measure_share(setting: Setting, sizes: Sequence[float]) -> list[Panel]:
    """One cluster with a market for each share, and rounds in turns. Raises Lost."""
    with setting.directory() as directory:
        with running_cluster(directory, NODES) as cluster, ExitStack() as stack:
            fair = _Fair(cluster, stack)
            sides = []
            for share in sizes:
                setting.tell(f"a market with {share:.0%} of its trades across nodes")
                sides.append(Side(fair.market(share), cluster.cpu_s))
                for side in sides:
                    side.market.keep_alive()
            setting.tell("rounds in turns")
            biddings = measure_bids(sides, setting.point_s)
        audited(*sorted((directory / "data").glob("n*/")))
    return panels("share of trades across nodes", sizes, biddings, "line")


def crossing(share: float) -> Iterator[bool]:
    """Which of many listings, one after the other, has its seller on another node, so that such a share of them has."""
    owed = 0.0
    while True:
        owed += share
        yield owed >= 1
        owed -= owed >= 1


class _Fair:
    """Makes markets in a cluster; the stack closes their connections."""

    def __init__(self, cluster: Cluster, stack: ExitStack) -> None:
        self._cluster = cluster
        self._stack = stack
        self._nodes = list(cluster.urls)
        self._service = cluster.connect(self._nodes[0], "load-test", "service")
        stack.callback(self._service.close)
        self._town = Town(self._service)

    def market(self, share: float) -> Market:
        """Bidders of all nodes, each connected to its home; a share of the listings is of sellers elsewhere."""
        duels = ring(CONNECTIONS // len(self._nodes))
        market = Market()
        for node in self._nodes:
            for connection, bidder in self._bidders(node, duels, share):
                market.add(connection, bidder)
        return market

    def _bidders(
        self, node: str, duels: Sequence[tuple[int, int]], share: float
    ) -> Iterator[tuple[Connection, Duellist]]:
        here = self._listings([node])
        elsewhere = self._listings([other for other in self._nodes if other != node])
        listings = [next(elsewhere if crosses else here) for crosses, _ in zip(crossing(share), duels, strict=False)]
        for bidder in duellists(CONNECTIONS // len(self._nodes), duels, listings):
            connection = self._cluster.connect(node, self._town.player(node))
            self._stack.callback(connection.close)
            yield connection, bidder

    def _listings(self, nodes: Sequence[str]) -> Iterator[str]:
        for node in cycle(nodes):
            seller = self._town.player(node)
            connection = self._cluster.connect(node, seller)
            listings = open_auctions(self._service, connection, seller, LISTINGS_A_SELLER)
            connection.close()
            yield from listings
