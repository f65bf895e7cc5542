"""Clusters without sockets and without a house: a network turned by hand, and homes that do as a test says."""

import base64
import hashlib
import random
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from auction.commands import EventsSince, GetPlayer, ListWatches, SearchListings
from auction.context import Answer, Request, a_players
from auction.events import Record, Refund, TransferSent
from auction.results import EventsResult, Gold, PlayerResult, Stash, WatchesResult, WatchView
from auction.sales import Sale, sale_of
from auction.state import Listing, Notice
from shardnode.agreement.messages import Message
from shardnode.cluster.cluster import Cluster, ClusterLimits
from shardnode.cluster.map import ClusterMap, NodeEntry, slot_of
from shardnode.cluster.messages import Transfer
from shardnode.cluster.network import PeerFault
from shardnode.ops.metrics import Metrics
from shardnode.search.index import ListingIndex
from shardnode.wire.errors import Unavailable
from shardnode.wire.events import WatchMatched

NODES = ("n1", "n2", "n3")
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


def a_map(*, version: int = 1, epoch: int = 1, since: dict[str, int] | None = None) -> ClusterMap:
    """Three nodes with a slot each."""
    entries = {node: NodeEntry(node, "h", 1, f"ws://{node}/ws", "", (since or {}).get(node, 1)) for node in NODES}
    return ClusterMap("c0", version, epoch, entries, NODES, NODES)


def store_of(player: str) -> str:
    """The store of a player whose name ends in the id of its home; of any other at home on n2."""
    place = NODES.index(player[-2:] if player[-2:] in NODES else "n2")
    store = base64.b32encode(hashlib.blake2b(player.encode(), digest_size=16).digest()).decode().lower()[:26]
    tries = (f"{store[:7]}{letter}{store[8:]}" for letter in _LETTERS)
    return next(found for found in tries if slot_of(found, len(NODES)) == place)


class FakeNames:
    """Markets, and the house's own store, named as players are."""

    store_of = market_of = staticmethod(store_of)
    house = store_of("house")
    kind_of = staticmethod(a_players)


class FakeHome:
    """One node's stores, as far as a cluster sees them. What would be durable is in `disk` and outlives a restart."""

    def __init__(self, name: str, disk: "Disk", clock: Clock) -> None:
        disk.starts += 1
        self.incarnation = disk.starts
        self.index = ListingIndex()
        self.index.of(name).apply(disk.listings.values())
        self.index.of(name).settle()
        for sale in disk.sales.values():
            self.index.of(name).sales.add(sale)
        self.name = name
        self.names = FakeNames()
        self.disk = disk
        self.clock = clock
        self.asked: list[Request] = []
        self.answers: list[Deferred[Answer]] = []
        self.at_once: Answer | None = None
        self.searched: list[tuple[SearchListings, str]] = []
        self.told_keys: list[tuple[str, str]] = []
        self.agreed: list[tuple[str, Message]] = []
        self.here: set[str] = set()
        self.delivered: list[tuple[str, Notice]] = []
        self.matched: list[tuple[str, WatchMatched]] = []
        self.watches: dict[str, list[WatchView]] = {}
        """Of players who have some."""
        self.taking: Callable[[], bool] = lambda: True
        self.refusing: set[str] = set()
        """Whether there is room to take a transfer in."""
        self.reads = True
        """Whether stores can be read."""
        self.first_kept = 1
        """The oldest notice that can still be read."""

    def durable(self) -> int:
        """See Home."""
        return self.disk.position

    def ask(self, request: Request) -> "Deferred[Answer]":
        """Of players who were told something that is answered; the rest `at_once`, or when a test says so."""
        told = self.disk.notices.get(request.caller.player)
        if not self.reads:
            return _fail(Unavailable("stores cannot be read", 1))
        if told is not None and isinstance(request.ask, EventsSince):
            after = max(request.ask.seq, self.first_kept - 1)
            page = told[after : after + request.ask.limit]
            last = page[-1].seq if page else min(request.ask.seq, len(told))
            return succeed(Answer(EventsResult(page, last, self.first_kept, len(told)), False))
        if isinstance(request.ask, ListWatches) and request.caller.role == "service":
            return succeed(Answer(WatchesResult(self.watches.get(request.caller.player, [])), False))
        if told is not None and isinstance(request.ask, GetPlayer):
            return succeed(Answer(player_result(request.caller.player, len(told)), False))
        self.asked.append(request)
        if self.at_once is not None:
            return succeed(self.at_once)
        answer: Deferred[Answer] = Deferred()
        self.answers.append(answer)
        return answer

    def search(self, query: SearchListings, player: str) -> "Deferred[Answer]":
        """See Home."""
        self.searched.append((query, player))
        answer: Deferred[Answer] = Deferred()
        self.answers.append(answer)
        return answer

    def tell_key(self, store: str, key: str) -> None:
        """See Home."""
        self.told_keys.append((store, key))

    def take_transfer(self, transfer: Transfer, sent: TransferSent) -> "Deferred[None]":
        """Take each number of a series once, in order; durable a little later, or, after a crash before that, never."""
        series = transfer.sender, transfer.life, transfer.to
        taken = self.disk.taken.setdefault(series, [])
        done: Deferred[None] = Deferred()
        if not self.taking() or transfer.to in self.refusing or transfer.number > len(taken) + 1:
            return _fail(Unavailable("it has to come again", 1))
        if transfer.number == len(taken) + 1:
            assert sent.number == transfer.number
            taken.append(sent)
        self.clock.callLater(0.003, done.callback, None)
        return done

    def forget(self, facts: list[str]) -> None:
        """See Home."""
        for key in facts:
            del self.disk.facts[key]

    def keep(self, facts: dict[str, msgspec.Struct]) -> None:
        """See Home; durable at once."""
        self.disk.facts.update({key: msgspec.json.encode(fact) for key, fact in facts.items()})

    def agree(self, node: str, message: Message) -> None:
        """See Home."""
        self.agreed.append((node, message))

    def deliver(self, player: str, notice: Notice) -> None:
        """See Home."""
        if player in self.here:
            self.delivered.append((player, notice))

    def deliver_match(self, player: str, matched: WatchMatched) -> None:
        """See Home."""
        if player in self.here:
            self.matched.append((player, matched))

    def now_ms(self) -> int:
        """See Home."""
        return int(self.clock.seconds() * 1000)

    def sessions(self, player: str) -> bool:
        """See Home."""
        return player in self.here


class Disk:
    """What outlives a node."""

    def __init__(self) -> None:
        self.starts = 0
        self.position = 0
        self.listings: dict[str, Listing] = {}
        self.sales: dict[int, Sale] = {}
        self.notices: dict[str, list[Notice]] = {}
        self.facts: dict[str, bytes] = {}
        self.taken: dict[tuple[str, int, str], list[TransferSent]] = {}
        self.numbers: dict[tuple[str, str], int] = {}


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """How often the network does what."""

    lose: float = 0.0
    double: float = 0.0
    delay_s: float = 0.0
    """Up to so long, each frame for itself, so that later ones overtake it."""


class _Wire:
    """The network as one start of a node sees it; once the node is dead it leads nowhere."""

    def __init__(self, house: "House", node: str) -> None:
        self._house = house
        self._node = node
        self.dead = False

    def send(self, node: str, frame: bytes) -> bool:
        """See Network."""
        return self.is_up(node) and self._house.carry(self._node, node, frame)

    def is_up(self, node: str) -> bool:
        """See Network."""
        return not self.dead and self._house.is_up(self._node, node)


class House:
    """Three nodes and their links, all up, none with faults until a test says so."""

    def __init__(self, limits: ClusterLimits | None = None, *, seed: int = 0, cluster_map: ClusterMap | None = None):
        self.clock = Clock()
        self.random = random.Random(seed)
        self.map = cluster_map or a_map()
        self.limits = limits or ClusterLimits()
        self.faults = Faults()
        self.frames: list[tuple[str, str, bytes]] = []
        """All that were sent over a link."""
        self.failures: list[Failure] = []
        self.peer_faults: list[str] = []
        self.disks = {node: Disk() for node in NODES}
        self.homes: dict[str, FakeHome] = {}
        self.nodes: dict[str, Cluster] = {}
        self.metrics: dict[str, Metrics] = {}
        self._wires: dict[str, _Wire] = {}
        self._up: set[frozenset[str]] = set()
        self.full: set[str] = set()
        """Nodes whose links hold as much as they may."""
        for node in NODES:
            self.start(node)
        for one, other in (("n1", "n2"), ("n1", "n3"), ("n2", "n3")):
            self.join(one, other)
        self.settle()
        self.frames.clear()

    def start(self, node: str) -> None:
        """Start a node on its disk, without links."""
        home = self.homes[node] = FakeHome(node, self.disks[node], self.clock)
        self.metrics[node] = Metrics(node, "w")
        wire = self._wires[node] = _Wire(self, node)
        self.nodes[node] = Cluster(
            node=node,
            cluster_map=lambda: self.map,
            network_of=lambda _: wire,
            home=home,
            facts=dict(self.disks[node].facts),
            reactor=self.clock,
            limits=self.limits,
            metrics=self.metrics[node],
            failed=self.failures.append,
        )
        self.nodes[node].start()

    def restart(self, node: str) -> None:
        """End a node as by `kill -9`, start another on its disk, and link it as before."""
        linked = [other for other in NODES if other != node and self.is_up(node, other)]
        for other in linked:
            self.cut(node, other)
        self.nodes[node].stop()
        self._wires[node].dead = True
        self.start(node)
        for other in linked:
            self.join(node, other)

    def is_up(self, one: str, other: str) -> bool:
        """Whether there is a link."""
        return frozenset((one, other)) in self._up

    def join(self, one: str, other: str) -> None:
        """Make a link."""
        self._up.add(frozenset((one, other)))
        self.nodes[one].link_up(other)
        self.nodes[other].link_up(one)

    def cut(self, one: str, other: str) -> None:
        """End a link; what was under way on it may still come, on the next one."""
        self._up.remove(frozenset((one, other)))
        self.nodes[one].link_down(other)
        self.nodes[other].link_down(one)

    def carry(self, sender: str, to: str, frame: bytes) -> bool:
        """Take a frame and lose, double or delay it."""
        if not self.is_up(sender, to) or to in self.full:
            return False
        self.frames.append((sender, to, frame))
        for _ in range(1 + (self.random.random() < self.faults.double)):
            if self.random.random() >= self.faults.lose:
                delay_s = 0.001 + self.random.random() * self.faults.delay_s
                self.clock.callLater(delay_s, self._arrive, sender, to, frame, self._wires[to])
        return True

    def settle(self, seconds: float = 0.1) -> None:
        """Let time pass in small steps; nothing may have gone wrong."""
        for _ in range(round(seconds / 0.005)):
            self.clock.advance(0.005)
        assert not self.failures, self.failures

    def heal(self) -> None:
        """No faults any more, and all links up."""
        self.faults = Faults()
        for one, other in (("n1", "n2"), ("n1", "n3"), ("n2", "n3")):
            if not self.is_up(one, other):
                self.join(one, other)

    def _arrive(self, sender: str, to: str, frame: bytes, wire: _Wire) -> None:
        if wire.is_up(sender):
            try:
                self.nodes[to].received(sender, frame)
            except PeerFault as fault:
                self.peer_faults.append(str(fault))
                self.cut(sender, to)

    def send_gold(self, sender: str, to: str, amount: int) -> Record:
        """A durable record in which a player's store sends gold to another's; the node is told of it."""
        node, disk = sender[-2:], self.disks[sender[-2:]]
        pair = store_of(sender), store_of(to)
        disk.numbers[pair] = number = disk.numbers.get(pair, 0) + 1
        life = self.map.life_of(pair[1])
        record: Record = {pair[0]: [TransferSent(pair[1], number, Refund("l", amount, False, 1, None), 5, life)]}
        facts = self.nodes[node].unsent(record)
        disk.facts.update({key: msgspec.json.encode(fact) for key, fact in facts.items()})
        self.nodes[node].leave(facts)
        return record

    def tell(self, player: str) -> Notice:
        """A player is told something: it is durable, and pushed."""
        told = self.disks[player[-2:]].notices.setdefault(player, [])
        notice = Notice(len(told) + 1, "listing.sold", 5, {"listing": "l", "price": 1, "proceeds": 1})
        told.append(notice)
        self.nodes[player[-2:]].push(player, notice)
        return notice

    def show(self, node: str, rows: Iterable[Listing]) -> None:
        """Rows of a node's own listings have changed, durably."""
        rows = list(rows)
        disk = self.disks[node]
        disk.position += 1
        for row in rows:
            if row.state == "open":
                disk.listings[row.listing] = row
            else:
                disk.listings.pop(row.listing, None)
            sale = sale_of(row)
            if sale is not None:
                disk.sales[sale.mark] = sale
        self.homes[node].index.of(node).apply(rows)
        self.nodes[node].listings_durable(rows, disk.position)


def player_result(player: str, seq: int = 0) -> PlayerResult:
    """What player.get answers."""
    return PlayerResult(player, Gold(1, 2), 3, 4, Stash(5, 6), seq)


def _fail(fault: Exception) -> "Deferred[Any]":
    failed: Deferred[Any] = Deferred()
    failed.errback(fault)
    return failed


def outcome(deferred: "Deferred[Any]") -> list[Any]:
    """What a Deferred comes to, when it does: a value, or the exception it fails with."""
    found: list[Any] = []
    deferred.addCallbacks(found.append, lambda failure: found.append(failure.value))
    return found
