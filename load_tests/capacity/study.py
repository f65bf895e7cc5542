"""All sizes of a house, as the program is and as it could be: throughput, latency, cost, and what breaks first."""

from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from itertools import takewhile
from multiprocessing import get_context

import msgspec

from load_tests.capacity.assumptions import Evening, Prices
from load_tests.capacity.calibration import Calibration, CapacityFault
from load_tests.capacity.house import HEARTBEATS_PER_S, Design, Setting
from load_tests.capacity.load import Load, Outcome, simulate

SIZES = (3, 10, 30, 100, 300, 1_000)
DESIGNS = (
    Design(),
    Design("spread acceptors", spread_acceptors=True),
    Design("seldom told", spread_acceptors=True, tell_every_s=0.25),
    Design("index in parts", spread_acceptors=True, tell_every_s=0.25, index_parts=16),
)
"""The program, and what could be changed, each with what stands before it: other nodes told of changed listings four
times a second, and the index in 16 parts."""
WHOLE_MAX = 10
"""Up to so many nodes each is simulated; of more, SAMPLE ordinary ones."""
SAMPLE = 12
PLAYERS_A_NODE = 64
"""Of the closed loop that finds the most a house can do."""
LOADS = (0.3, 0.5, 0.7, 0.85, 0.95)
"""Shares of that, offered in an open loop."""
KNEE = 3.0
"""The knee is the largest of LOADS at which the 99th percentile is at most so many times that of the least load."""
BEHIND, BEHIND_MIN = 0.1, 20
"""A house does not keep up when so large a share of what was offered, and so much, is still unanswered in the end."""
LISTING_BYTES = 670
"""Memory of a listing in an index: docs/performance.md, section Search."""
SCAN_S_A_LISTING = 0.9e-9
"""Search thread: what a page takes longer for each listing: the same section, 870 pages a second over a million."""
MESSAGE_BYTES = 150
"""Of a message between nodes, about: a frame of a trade has one or two, of some hundred bytes."""


class Usage(msgspec.Struct, frozen=True):
    """Busy shares of one node's resources, the busiest one named first in `first`."""

    first: str
    reactor: float
    feed: float
    """Of the reactor's time, what goes into changed listings of other nodes, taken in and told."""
    links: float
    """Of the reactor's time, heartbeats."""
    acceptor: float
    journal: float
    search: float
    network: float


class Point(msgspec.Struct, frozen=True):
    """One load."""

    share: float
    """Of the most that the house does."""
    per_s: float
    """Offered."""
    p50_ms: float
    p99_ms: float
    kept_up: bool
    """Whether trades ended as fast as they came."""


class Row(msgspec.Struct, frozen=True):
    """One size of one design."""

    design: str
    nodes: int
    per_s: float
    """Trades a second, the most."""
    settled: bool
    """Whether so many players were all answered before it was measured; if not, it may do more, or less for long."""
    usage: Usage
    """At that load."""
    points: list[Point]
    knee: float
    """Share of the most."""
    dollars: float
    """Machines and disks of a million trades, at the knee."""
    traffic_dollars: float
    """And what nodes in several zones send one another."""


class Evenings(msgspec.Struct, frozen=True):
    """The peak on a house of some size."""

    design: str
    nodes: int
    trades_per_s: float
    p50_ms: float
    p99_ms: float
    usage: Usage
    memory: float
    """Share of a machine's."""
    busiest_listing: float
    """Busy share of the most fought for listing: at most, as if each bid held it until its answer."""
    dollars: float
    """Machines and disks of a million trades at the peak."""
    holds: bool
    """Whether nothing is beyond what it can do."""


class War(msgspec.Struct, frozen=True):
    """Everybody bids on one listing: what a single seller's store allows, whatever the number of nodes."""

    nodes: int
    per_s: float
    p50_ms: float
    p99_ms: float


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How long and how much is simulated."""

    sizes: tuple[int, ...] = SIZES
    designs: tuple[Design, ...] = DESIGNS
    seconds: float = 1.0
    """Simulated time of a run with few nodes; more of them get more, since their answers take longer."""
    seed: int = 1
    workers: int = 2
    locality: float = 0.0


class Study(msgspec.Struct, frozen=True):
    """What is known in the end."""

    seed: int
    calibrated: str
    prices: str
    rows: list[Row]
    evenings: list[Evenings]
    wars: list[War]
    events: int


class World(msgspec.Struct, frozen=True):
    """All figures that the model starts from."""

    costs: Calibration
    prices: Prices
    evening: Evening

    def in_the_cloud(self) -> Calibration:
        """The measured costs, with the disk of the price list in the place of this machine's."""
        wait_s = max(0.0, self.costs.commit_wait_s - self.costs.fsync_s) + self.prices.disk.fsync_ms / 1_000
        return msgspec.structs.replace(self.costs, commit_wait_s=wait_s)


def study(world: World, options: Options, tell: Callable[[str], None]) -> Study:
    """Simulate every size of every design, in processes of their own; `tell` hears of each that is done."""
    jobs = [(design, nodes) for design in options.designs for nodes in options.sizes]
    rows, evenings, events = [], [], 0
    with ProcessPoolExecutor(options.workers, get_context("forkserver")) as pool:
        war = pool.submit(bid_war, world, options, 10)
        futures = [pool.submit(one_size, world, options, design, nodes) for design, nodes in jobs]
        for (design, nodes), future in zip(jobs, futures, strict=True):
            row, evening, happened = future.result()
            tell(f"{nodes:,} nodes, {design.name}")
            rows.append(row)
            evenings.append(evening)
            events += happened
        return Study(options.seed, world.costs.machine, world.prices.noted, rows, evenings, [war.result()], events)


def one_size(world: World, options: Options, design: Design, nodes: int) -> tuple[Row, Evenings, int]:
    """The most that so many nodes do, their latency at shares of that, and the peak of the evening."""
    setting = _setting(options, design, nodes)
    run = _Runs(world, options, setting)
    most = run.closed()
    points = [run.at(share, most.per_s) for share in LOADS]
    borne = [point.share for point in points if point.kept_up and point.p99_ms <= KNEE * points[0].p99_ms]
    knee = max(borne, default=points[0].share)
    settled = PLAYERS_A_NODE * nodes / most.per_s <= run.warm_s
    at_knee_s = knee * most.per_s
    sent = bytes_per_s(world.costs, setting, most) * knee * nodes
    row = Row(
        design=design.name,
        nodes=nodes,
        per_s=most.per_s,
        settled=settled,
        usage=usage(world, setting, most, 0.0),
        points=points,
        knee=knee,
        dollars=world.prices.per_million(nodes, at_knee_s),
        traffic_dollars=world.prices.traffic_per_million(sent, at_knee_s),
    )
    return row, run.evening(most.per_s if settled else None), run.events


def bid_war(world: World, options: Options, nodes: int) -> War:
    """Players of several nodes bid on one listing, each as soon as the last bid is answered."""
    setting = Setting(nodes=nodes, hot_share=1.0)
    load = Load(players_a_node=3, warm_s=options.seconds / 2, seconds=options.seconds)
    outcome = simulate(setting, load, world.in_the_cloud(), world.prices.network, options.seed)
    return War(nodes, outcome.per_s, outcome.p50_ms, outcome.p99_ms)


class _Runs:
    """Simulated runs of one size."""

    def __init__(self, world: World, options: Options, setting: Setting) -> None:
        self._world, self._options, self._setting = world, options, setting
        self._costs = world.in_the_cloud()
        self._seconds = options.seconds * (1 + setting.nodes / 100)
        self.warm_s = 2 * self._seconds
        self.events = 0

    def closed(self) -> Outcome:
        """All that it can do."""
        load = Load(players_a_node=PLAYERS_A_NODE, warm_s=self.warm_s, seconds=2 * self._seconds)
        outcome = self._simulate(self._setting, load)
        if not outcome.per_s:
            nodes = self._setting.nodes
            raise CapacityFault(
                f"no trade of {nodes} nodes ended in {load.seconds:g} simulated seconds: raise --seconds"
            )
        return outcome

    def at(self, share: float, most_per_s: float) -> Point:
        """Some share of the most of the whole house, offered whatever becomes of it."""
        outcome = self._open(self._setting, share * most_per_s)
        return Point(share, share * most_per_s, outcome.p50_ms, outcome.p99_ms, _kept_up(outcome))

    def evening(self, most_per_s: float | None) -> Evenings:
        """The peak; where it asks for more trades than the house is known to do, it is not simulated: it has no end."""
        evening, costs, nodes = self._world.evening, self._world.costs, self._setting.nodes
        trades = evening.per_s(evening.actions.bid)
        others_s = other_requests_s(evening, costs) / nodes
        scans = scanning(evening, costs, self._setting)
        setting = msgspec.structs.replace(self._setting, other_share=others_s)
        bearable = (most_per_s is None or trades < most_per_s) and others_s < 1
        outcome = self._open(setting, trades) if bearable else None
        busy = (
            usage(self._world, setting, outcome, scans)
            if outcome
            else _beyond((trades / most_per_s if most_per_s else 0.0) + others_s, scans)
        )
        memory = memory_bytes(evening, costs, self._setting) / self._world.prices.machine.memory_bytes
        held_s = (outcome.p50_ms if outcome else 0.0) / 1_000
        busiest = evening.busiest_listing_share * trades * held_s
        shares = (busy.reactor, busy.acceptor, busy.search, busy.network, memory, busiest)
        kept_up = outcome is not None and _kept_up(outcome)
        return Evenings(
            design=self._setting.design.name,
            nodes=nodes,
            trades_per_s=trades,
            p50_ms=outcome.p50_ms if outcome else 0.0,
            p99_ms=outcome.p99_ms if outcome else 0.0,
            usage=busy,
            memory=memory,
            busiest_listing=busiest,
            dollars=self._world.prices.per_million(nodes, trades),
            holds=kept_up and max(shares) < 1,
        )

    def _open(self, setting: Setting, per_s: float) -> Outcome:
        load = Load(per_node_s=per_s / setting.nodes, warm_s=self._seconds, seconds=self._seconds)
        return self._simulate(setting, load)

    def _simulate(self, setting: Setting, load: Load) -> Outcome:
        outcome = simulate(setting, load, self._costs, self._world.prices.network, self._options.seed)
        self.events += outcome.events
        return outcome


def _kept_up(outcome: Outcome) -> bool:
    """Whether what was offered was also done, but for what is always under way."""
    return outcome.in_flight < max(BEHIND_MIN, BEHIND * outcome.offered)


def _setting(options: Options, design: Design, nodes: int) -> Setting:
    sample = None if nodes <= WHOLE_MAX else SAMPLE
    return Setting(nodes=nodes, sample=sample, design=design, locality=options.locality)


def bytes_per_s(costs: Calibration, setting: Setting, outcome: Outcome) -> float:
    """What an ordinary node sends to others."""
    feed = outcome.rows_heard_per_s * costs.row_bytes
    trades = outcome.per_s / setting.nodes * (1 - 1 / setting.nodes)
    return feed + trades * costs.messages_a_trade * MESSAGE_BYTES


def usage(world: World, setting: Setting, outcome: Outcome, scans: float) -> Usage:
    """Busy shares of a run; `scans` is what searches take of the search thread besides it."""
    costs = world.costs
    told = outcome.frames_per_s * costs.frame_s
    shares = {
        "the acceptors": outcome.acceptor if setting.nodes > 1 and not setting.design.spread_acceptors else 0.0,
        "the reactor": outcome.reactor,
        "the journal's disk": outcome.journal,
        "the search thread": outcome.search + scans,
        "the network": bytes_per_s(costs, setting, outcome) / world.prices.machine.network_bytes_per_s,
    }
    feed = outcome.rows_heard_per_s * costs.feed_row_s + 2 * told
    first = max(shares, key=lambda name: shares[name])
    if first == "the reactor" and feed > outcome.reactor / 2:
        first = "the reactor, by the feed"
    return Usage(
        first=first,
        reactor=outcome.reactor,
        feed=feed,
        links=(setting.nodes - 1) * 2 * HEARTBEATS_PER_S * costs.frame_s,
        acceptor=shares["the acceptors"],
        journal=outcome.journal,
        search=shares["the search thread"],
        network=shares["the network"],
    )


def other_requests_s(evening: Evening, costs: Calibration) -> float:
    """Reactors' time a second of the whole house for what is no bid: searches asked, looks, new listings, logins."""
    actions = evening.actions
    logins = evening.online / (evening.session_minutes * 60)
    asked_s = evening.per_s(actions.search + actions.look) * costs.request_s
    return asked_s + evening.per_s(actions.list) * costs.bid_s + logins * (costs.login_s + costs.wake_s)


def scanning(evening: Evening, costs: Calibration, setting: Setting) -> float:
    """Busy share of a node's search thread by the pages that players ask for."""
    page_s = costs.search_s + evening.listings / setting.design.index_parts * SCAN_S_A_LISTING
    return evening.per_s(evening.actions.search) / setting.nodes * page_s


def memory_bytes(evening: Evening, costs: Calibration, setting: Setting) -> float:
    """Of a node at the peak: itself, its players with their stores, and its index."""
    players = evening.online / setting.nodes * costs.connection_bytes
    return costs.node_bytes + players + evening.listings / setting.design.index_parts * LISTING_BYTES


def _beyond(load: float, scans: float) -> Usage:
    """Of a house that is asked for more than it does."""
    return Usage("trades", load, 0.0, 0.0, 0.0, 0.0, scans, 0.0)


def least_that_holds(evenings: Iterable[Evenings], design: str) -> int | None:
    """The smallest of the simulated sizes from which on all bear the peak."""
    sizes = sorted((each for each in evenings if each.design == design), key=lambda each: -each.nodes)
    return min((each.nodes for each in takewhile(lambda each: each.holds, sizes)), default=None)
