"""Load on a simulated house, open or closed, and what came of it once it is warm."""

from collections.abc import Callable
from random import Random

import msgspec

from load_tests.capacity.calibration import Calibration
from load_tests.capacity.events import SharedCores
from load_tests.capacity.house import House, Setting
from load_tests.capacity.node import Node, NodeCosts, Work

SLOTS = 4_096
"""Of a cluster's map; nodes have whole slots, so with many nodes some have a larger share than others."""


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """Bids of players: so many a second on the average node, or so many players of a node who each bid again as soon
    as they are answered. One of the two is 0.
    """

    per_node_s: float = 0.0
    players_a_node: int = 0
    warm_s: float
    seconds: float
    """Measured, after the warm-up."""


class Outcome(msgspec.Struct, frozen=True):
    """What a simulated run gave. Rates are of all nodes, those included that were not simulated one by one."""

    offered: int
    done: int
    refused: int
    in_flight: int
    """Of the simulated nodes, since the start: bids, answered ones, those refused since too many wait, and the rest."""
    per_s: float
    p50_ms: float
    p99_ms: float
    reactor: float
    """Busy share of an ordinary node's reactor, in the measured time; so are the next ones. Where there are others,
    acceptors that all trades ask do not count as ordinary."""
    acceptor: float
    """Busy share of the busiest acceptor's reactor."""
    journal: float
    """Share of the time in which a node's journal had a batch under way."""
    search: float
    """Busy share of the thread that keeps the index."""
    records_a_batch: float
    rows_heard_per_s: float
    frames_per_s: float
    """Sent by an ordinary node."""
    events: int


Latency = Callable[[Random], float]


def simulate(setting: Setting, load: Load, costs: Calibration, latency: Latency, seed: int) -> Outcome:
    """Run a house under load for a while."""
    house = House(setting, costs, latency, seed)
    drive = _Drive(house, load)
    drive.begin()
    house.loop.run(load.warm_s)
    before = {node: msgspec.structs.replace(node.done) for node in house.nodes}
    house.loop.run(load.warm_s + load.seconds)
    return drive.outcome(before)


def shares_of_slots(nodes: int, sample: int) -> list[float]:
    """How much more or less than the average node each of some nodes is home to; the largest share is among them."""
    least, larger = divmod(SLOTS, nodes)
    large = min(sample, max(1, round(sample * larger / nodes))) if larger else 0
    slots = [least + 1] * large + [least] * (sample - large)
    return [each * nodes / SLOTS for each in slots]


class _Drive:
    """Players of a house."""

    def __init__(self, house: House, load: Load) -> None:
        self._house = house
        self._load = load
        self._latencies_s: list[float] = []
        self._offered = self._done = self._refused = 0
        self._generator: Node | None = None
        if isinstance(house.processor, SharedCores):
            self._generator = Node(house.loop, house.processor, NodeCosts())

    def begin(self) -> None:
        """Let players begin, not all at once."""
        house, load = self._house, self._load
        shares = shares_of_slots(house.setting.nodes, len(house.ordinary))
        for node, share in zip(house.ordinary, shares, strict=True):
            if load.per_node_s:
                self._arrive(node, load.per_node_s * share, first=True)
            for _ in range(load.players_a_node):
                house.loop.after(house.random.random() * load.warm_s / 10, self._ask, node, None)

    def _arrive(self, node: Node, rate: float, *, first: bool = False) -> None:
        if not first:
            self._bid(node, None, self._house.loop.now_s)
        self._house.loop.after(self._house.random.expovariate(rate), self._arrive, node, rate)

    def _ask(self, node: Node, _: object) -> None:
        """A player of a closed loop bids, through the generator where there is one."""
        now_s = self._house.loop.now_s
        if self._generator is None:
            self._bid(node, node, now_s)
        else:
            self._generator.do(self._house.costs.generator_s, self._bid, node, node, now_s)

    def _bid(self, node: Node, again: Node | None, since_s: float) -> None:
        self._offered += 1
        self._house.bid(node, lambda taken: self._ended(again, since_s, taken))

    def _ended(self, again: Node | None, since_s: float, taken: bool) -> None:
        now_s = self._house.loop.now_s
        if taken:
            self._done += 1
        else:
            self._refused += 1
        if now_s >= self._load.warm_s and taken:
            self._latencies_s.append(now_s - since_s)
        if again is not None:
            self._house.loop.after(0.0, self._ask, again, None)

    def outcome(self, before: dict[Node, Work]) -> Outcome:
        """Sum up."""
        house, seconds = self._house, self._load.seconds
        times_ms = sorted(latency_s * 1_000 for latency_s in self._latencies_s)

        def rate(name: str, node: Node) -> float:
            return float(getattr(node.done, name) - getattr(before[node], name)) / seconds

        asked_always = house.acceptors[: house.majority]
        plain = [node for node in house.ordinary if node not in asked_always] or house.ordinary

        def average(name: str) -> float:
            return sum(rate(name, node) for node in plain) / len(plain)

        batches = average("batches")
        return Outcome(
            offered=self._offered,
            done=self._done,
            refused=self._refused,
            in_flight=self._offered - self._done - self._refused,
            per_s=len(times_ms) / seconds * house.setting.nodes / len(house.ordinary),
            p50_ms=_quantile(times_ms, 0.5),
            p99_ms=_quantile(times_ms, 0.99),
            reactor=average("reactor_s"),
            acceptor=max(rate("reactor_s", node) for node in house.acceptors),
            journal=average("committing_s"),
            search=average("search_s"),
            records_a_batch=average("records") / batches if batches else 0.0,
            rows_heard_per_s=average("heard_rows"),
            frames_per_s=average("frames"),
            events=house.loop.events,
        )


def _quantile(in_order: list[float], share: float) -> float:
    return in_order[int(share * (len(in_order) - 1))] if in_order else 0.0
