"""A town of players on several nodes: who is at home where, and markets whose trades stay on a node or cross nodes.

Each bidder is connected to its home. Bidders duel (`load_tests.duels`) for listings whose sellers live on the same
node, or for listings whose sellers live on the other nodes, so that what differs is where the seller is at home.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import cycle

import msgspec

from load_tests.duels import Duellist, pairs, settle
from load_tests.figures import Figures, Spread, figures, spread
from load_tests.generator import Line, Measured, drive
from load_tests.house import LISTINGS_A_SELLER, Cluster, call, give_gold, open_auctions
from load_tests.websocket import Connection

NODES = 3
BIDDERS_A_NODE_MIN = 3
"""The fewest of a node who can duel in a ring."""
HEADROOM_EVERY = 8
"""One bid in so many has headroom, so that a share of the trades ends with `outbid`."""
SETTLE_ROUNDS_MAX = 200
SYNCS = "auction_journal_batch_records_count"
MESSAGES = "auction_peer_messages_total"
FRAMES = "auction_peer_frames_total"


class Kind(msgspec.Struct, frozen=True):
    """Figures of trades of one kind."""

    trades_per_s: Spread
    """Bids that took the lead or were outbid; each is one trade, committed."""
    figures: Figures
    messages_a_trade: float
    """Messages between nodes, all of them: the agreement's, transfers, pushes, the listing feed's."""
    frames_a_trade: float
    """What carried them."""
    fsyncs_a_trade: float
    """Journal batches of all nodes; many trades share one."""
    outcomes: dict[str, int]
    """How bids were answered, warm-up included: "leads", or the refusal's reason."""
    outbid: int
    """How often somebody lost a lead, warm-up included."""
    pushes: int
    """How often somebody was told so; the same, if the nodes told everybody."""


class Side:
    """All bidders of one kind, and what was measured of them."""

    def __init__(self, lines: list[Line], duellists: list[Duellist], auctions: int) -> None:
        self.lines = lines
        self.duellists = duellists
        self.auctions = auctions
        self.measured: list[Measured] = []
        self.trades_per_s: list[float] = []
        self.counts: Counter[str] = Counter()
        self.trades = 0

    def round(self, cluster: Cluster, seconds: float) -> None:
        """Measure for a time."""
        counters, trades = cluster.counters(), self._traded()
        self.measured.append(drive(self.lines, seconds, cluster.cpu_s))
        done = self._traded() - trades
        self.trades += done
        self.trades_per_s.append(done / self.measured[-1].seconds)
        after = cluster.counters()
        for name in (SYNCS, MESSAGES, FRAMES):
            self.counts[name] += int(after[name] - counters[name])

    def settle(self) -> None:
        """Wait until everybody who lost a lead was told, for a while."""
        for _ in range(SETTLE_ROUNDS_MAX):
            settle(self.lines)
            if self._pushes() == self._outbid():
                return

    def kind(self) -> Kind:
        """All figures."""
        return Kind(
            trades_per_s=spread(self.trades_per_s, 0),
            figures=figures(self.measured),
            messages_a_trade=round(self.counts[MESSAGES] / self.trades, 2),
            frames_a_trade=round(self.counts[FRAMES] / self.trades, 2),
            fsyncs_a_trade=round(self.counts[SYNCS] / self.trades, 3),
            outcomes=dict(sum((each.outcomes for each in self.duellists), Counter[str]())),
            outbid=self._outbid(),
            pushes=self._pushes(),
        )

    def _traded(self) -> int:
        return sum(each.outcomes["leads"] + each.outcomes["outbid"] for each in self.duellists)

    def _outbid(self) -> int:
        return sum(each.outcomes["leads"] for each in self.duellists) - self.auctions

    def _pushes(self) -> int:
        return sum(each.pushes for each in self.duellists)


class Town:
    """Finds players who are at home on a given node; whoever was looked at by the way waits for its turn."""

    def __init__(self, service: Connection) -> None:
        self._service = service
        self._waiting: dict[str, list[str]] = {}
        self._names = 0

    def player(self, node: str) -> str:
        """Somebody who is at home on a node, with gold, asked for the first time."""
        while not self._waiting.get(node):
            name = f"player-{self._names}"
            self._names += 1
            give_gold(self._service, [name])
            home = call(self._service, "admin.player", player=name)["node"]
            self._waiting.setdefault(home, []).append(name)
        return self._waiting[node].pop()


def duels_at(
    cluster: Cluster, town: Town, service: Connection, node: str, sellers_at: Sequence[str], bidders: int
) -> tuple[list[Line], list[Duellist]]:
    """Bidders of one node, each with its auctions before it, whose sellers live on other given nodes in turn."""
    duels = pairs(bidders)
    listings = _listings(cluster, town, service, sellers_at)
    auctions: list[list[str]] = [[] for _ in range(bidders)]
    for first, second in duels:
        listing = next(listings)
        auctions[first].append(listing)
        auctions[second].append(listing)
    duellists = [Duellist(each, HEADROOM_EVERY) for each in auctions]
    return [Line(cluster.connect(node, town.player(node)), each) for each in duellists], duellists


def make_market(cluster: Cluster, connections: int, stack: ExitStack) -> tuple[Side, Side]:
    """Bidders and auctions of both kinds: within nodes, and across."""
    nodes = list(cluster.urls)
    service = cluster.connect(nodes[0], "load-test", "service")
    stack.callback(service.close)
    town = Town(service)
    within = [duels_at(cluster, town, service, node, [node], connections // NODES) for node in nodes]
    across = [
        duels_at(cluster, town, service, node, [other for other in nodes if other != node], connections // NODES)
        for node in nodes
    ]
    sides = []
    for groups in (within, across):
        lines = [line for group, _ in groups for line in group]
        for line in lines:
            stack.callback(line.connection.close)
        duellists = [each for _, group in groups for each in group]
        sides.append(Side(lines, duellists, sum(len(pairs(len(group))) for group, _ in groups)))
    return sides[0], sides[1]


def _listings(cluster: Cluster, town: Town, service: Connection, nodes: Sequence[str]) -> Iterator[str]:
    for node in cycle(nodes):
        seller = town.player(node)
        connection = cluster.connect(node, seller)
        listings = open_auctions(service, connection, seller, LISTINGS_A_SELLER)
        connection.close()
        yield from listings
