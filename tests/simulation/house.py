"""The house of a history: production nodes, each on a simulated machine and disk, that die and come back.

A node here is what `shardnode.node.serve` composes, with other arguments: clock, network and disk are the simulation's,
and clients speak to the production session of the gateway without a socket between.
"""

import traceback
from collections.abc import Callable
from random import Random
from typing import Any, cast

from msgspec.structs import replace
from twisted.python.failure import Failure

from auction.state import Notice
from shardnode.cluster.admission import map_digest, objection
from shardnode.cluster.attach import AttachLimits
from shardnode.cluster.cluster import ClusterLimits
from shardnode.cluster.feed import FeedLimits
from shardnode.cluster.handshake import Hello
from shardnode.cluster.map import ClusterMap, NodeEntry
from shardnode.gateway.limits import GatewayLimits
from shardnode.gateway.ports import Ports
from shardnode.gateway.presence import Presence
from shardnode.gateway.session import Outlet, Session
from shardnode.gateway.tokens import Identity
from shardnode.node.awake_stores import StoreLimits
from shardnode.node.checkpoints import CheckpointLimits
from shardnode.node.clock import HouseClock
from shardnode.node.known_peers import KnownPeers
from shardnode.node.node import Node, NodeLimits, Surroundings
from shardnode.node.timers import TimerLimits
from shardnode.ops.metrics import Metrics
from shardnode.ops.open_trades import OpenTrades
from shardnode.storage.facts import Peer
from shardnode.storage.port import Append, StorageFault
from shardnode.wire.codec import MSGPACK
from shardnode.wire.events import WatchMatched
from tests.auction.house import CATALOG, NAMING_KEY
from tests.simulation.clock import Machine, Process
from tests.simulation.disk import SimulatedDisk, SimulatedLane
from tests.simulation.network import Link, SimulatedNetwork
from tests.simulation.world import World
from worlddata.types import BuyLimit, Rules

RULES = Rules(
    fee_bp=1000,
    deposit_bp=100,
    durations_s=(2, 5, 3_600),
    cancel_window_s=2,
    snipe_window_s=1,
    snipe_extension_s=1,
    snipe_max_s=2,
    max_listings=6,
    max_bids=5,
    stash_capacity=12,
    max_orders=4,
    max_offers=3,
    offers_inbox_max=4,
    offers_from_one_max=2,
    offer_expires_s=2,
    offer_expires_max_s=5,
    max_watches=3,
    buy_limits={"salt": BuyLimit(quantity=15, window_s=2)},
    audit_worth=100,
)
"""Short lives and low limits: in a few simulated seconds everything that can happen does."""
WORLD = replace(CATALOG, rules=RULES)
GATEWAY = GatewayLimits()
SLOTS = 16
FOREVER_MS = 2**52
SOON_S = 0.3
"""Half of all restarts come this soon."""
MAP_KNOWN_S = 0.5
"""A new map is with every running node within so long."""


class _Silence:
    """Metrics that nobody reads."""


def _nothing(*_: object) -> None:
    """What a metric does here."""


for _name in vars(Metrics):
    if not _name.startswith("_"):
        setattr(_Silence, _name, staticmethod(_nothing))
SILENCE = cast(Metrics, _Silence())


class SimulatedNode:
    """One node by name: its machine and disk, and its process, node and sessions from one start to the next death."""

    process: Process | None = None
    disk_fails = False
    """Whether it loses its disk when it dies."""
    node: Node
    ports: Ports
    presence: Presence
    peers: KnownPeers
    identity: str
    clock: HouseClock
    minted: str
    """The key that was minted last."""

    def __init__(self, world: World, name: str, disk: SimulatedDisk) -> None:
        self.name = name
        self.starts = 0
        self.machine = Machine(world, 1 + world.rates.drift * (2 * world.share() - 1))
        self.disk = disk

    @property
    def runs(self) -> bool:
        """Whether it is alive and does not stand still."""
        return self.process is not None and not self.process.paused

    def session(self, outlet: Outlet) -> Session:
        """A client connects."""
        return Session(
            codec=MSGPACK, catalog=WORLD, limits=GATEWAY, ports=self.ports, presence=self.presence, outlet=outlet
        )

    def push(self, player: str, notice: Notice) -> None:
        """Tell a player's sessions here."""
        self.presence.push(player, notice)

    def match(self, player: str, matched: WatchMatched) -> None:
        """Tell them that something they watch has come."""
        self.presence.match(player, matched)

    def is_present(self, player: str) -> bool:
        """Whether a player has a session here."""
        return self.presence.is_present(player)

    def mint_key(self) -> str:
        """See Ports."""
        self.minted = self.node.mint_key()
        return self.minted

    def hello(self) -> Hello:
        """What it says of itself to others."""
        known = self.node.map
        return Hello(
            cluster=known.cluster,
            node=self.name,
            identity=self.identity,
            since_epoch=known.nodes[self.name].since_epoch,
            version=known.version,
            epoch=known.epoch,
            digest=map_digest(known),
            catalog=WORLD.hash,
            world=WORLD.version,
            position=self.node.durable(),
        )


class House:
    """All nodes. `durable` hears what becomes durable where, `died` of each process that ended."""

    def __init__(
        self, world: World, durable: Callable[[str, Append], None], died: Callable[[SimulatedNode], None]
    ) -> None:
        self._world = world
        self._durable = durable
        self._died = died
        self.network = SimulatedNetwork(world, self._meet)
        self._limits = draw_limits(world)
        self.map = draw_map(world.plan.nodes, world.random)
        self._lost: dict[int, tuple[tuple[str, ...], set[str]]] = {1: (self.map.acceptors, set())}
        """Epoch → its acceptors, and those of them that lost their disk since."""
        self.nodes = {name: SimulatedNode(world, name, self._disk(name)) for name in self.map.nodes}
        for node in self.nodes.values():
            self.start(node)

    def running(self) -> list[SimulatedNode]:
        """The nodes that are alive and do not stand still."""
        return [node for node in self.nodes.values() if node.runs]

    def links_of(self, name: str) -> dict[str, Link]:
        """The links of a node by the node at the other end; of one that cannot speak now, none."""
        process = self.nodes[name].process
        can_speak = process is not None and not process.paused and process.words_left is None
        return self.network.links_of(name) if can_speak else {}

    def now_ms(self, name: str) -> int:
        """The time of day on a node's machine."""
        return int(self.nodes[name].machine.wall_s() * 1000)

    def latest_ms(self, name: str) -> int:
        """The latest time of day that a node's machine has ever shown."""
        return int(self.nodes[name].machine.latest_s() * 1000)

    def start(self, node: SimulatedNode) -> None:
        """Start a node on what its disk holds."""
        if node.process is None:
            node.starts += 1
            node.process = process = Process(self._world, node.machine, node.name, lambda _: self._end(node))
            self._world.tell(node.name, f"starts, for the {node.starts}. time")
            self._compose(node, process)
            node.node.start()
            self.network.listen(process)

    def _compose(self, node: SimulatedNode, process: Process) -> None:
        world, rates = self._world, self._world.rates
        recovered = node.disk.open()
        clock = HouseClock(node.machine.wall_s, node.machine.monotonic_s, recovered.now_ms)

        def lane(slow: Callable[[], float]) -> SimulatedLane:
            return SimulatedLane(world, process, slow, rates.fsync_s)

        node.node = Node(
            name=node.name,
            cluster_map=self.map,
            catalog=WORLD,
            recovered=recovered,
            surroundings=Surroundings(
                storage=node.disk,
                reactor=process,
                clock=clock,
                journal_lane=lane(lambda: world.rates.slow_fsyncs),
                files_lane=lane(lambda: world.rates.slow_tasks),
                search_lane=lane(lambda: 0.0),
                network_of=lambda events: self.network.join(process, events),
                random_int=world.random.randint,
                metrics=SILENCE,
                push=node.push,
                match=node.match,
                is_present=node.is_present,
                failed=lambda failure: self._failed(node, process, failure),
            ),
            limits=self._limits,
        )
        cluster = node.node.cluster
        node.identity, node.clock = recovered.identity, clock
        node.peers = KnownPeers(node.disk.journal.facts(), node.node.records.note)
        node.presence = Presence(cluster.joined, cluster.left)
        node.ports = Ports(
            ask=cluster.ask,
            told=cluster.tell_key,
            mint_key=node.mint_key,
            joined=cluster.joined,
            left=cluster.left,
            latest_seq=cluster.latest_seq,
            verify=lambda token, _now_ms: identity(token),
            now_ms=clock.now_ms,
            monotonic_s=process.seconds,
            ready=lambda: True,
            render_metrics=bytes,
            open_trades=lambda: OpenTrades(0, []),
            failed=node.node.fail,
            metrics=SILENCE,
        )

    def _disk(self, name: str) -> SimulatedDisk:
        epoch = self.map.nodes[name].since_epoch
        return SimulatedDisk(
            self._world,
            identity=f"{name}.{epoch}",
            naming_key=NAMING_KEY,
            durable=lambda batch: self._durable(name, batch),
        )

    def _meet(self, one: str, other: str) -> bool:
        """Whether two nodes accept each other, by the rules of production."""
        nodes = self.nodes[one], self.nodes[other]
        hellos = nodes[0].hello(), nodes[1].hello()
        for here, ours, theirs in ((nodes[0], *hellos), (nodes[1], *reversed(hellos))):
            why = objection(ours, theirs, dialled=None, known=here.peers.known(theirs.node))
            if why is not None:
                self._world.tell(here.name, f"refuses {theirs.node}: {why}")
                if ours.version == theirs.version:
                    self._world.violate("peers", why)
                return False
        for here, theirs in ((nodes[0], hellos[1]), (nodes[1], hellos[0])):
            here.peers.remember(theirs.node, Peer(theirs.identity, theirs.since_epoch, theirs.position))
        return True

    def _failed(self, node: SimulatedNode, process: Process, failure: Failure) -> None:
        """A node must not go on: the disk's fault, or a bug."""
        if process.alive:
            if failure.check(StorageFault) is None:
                self._world.violate("sound node", f"{node.name} stops: {told(failure)}")
            self._world.tell(node.name, f"stops: {failure.value}")
            process.die()

    def _end(self, node: SimulatedNode) -> None:
        """A process died; what it had in memory is gone, what was not synced is lost or kept."""
        world = self._world
        assert node.process is not None
        world.tell(node.name, "is dead")
        self.network.leave(node.process)
        node.process = None
        node.disk.crash(lose_unsynced=world.share() < 0.5)
        self._died(node)
        if self.may_be_lost(node) and (node.disk_fails or world.strikes(world.rates.lost_disks)):
            self._replace(node)
        longest_s = SOON_S if world.share() < 0.5 else max(world.rates.outage_s, SOON_S)
        world.after(world.share() * longest_s, self.start, node)

    def stop(self, node: SimulatedNode) -> None:
        """An operator stops a node in order, and starts it again."""
        process = node.process
        assert process is not None
        self._world.tell(node.name, "is stopped in order")
        stopped = node.node.stop()
        stopped.addCallbacks(lambda _: process.die(), lambda failure: self._failed(node, process, failure))

    def may_be_lost(self, node: SimulatedNode) -> bool:
        """Whether nobody's store is on a node, and of each acceptor set that it belongs to a majority would be left."""
        name = node.name
        sets = [acceptors for acceptors in self._lost.values() if name in acceptors[0]]
        minority = all(2 * len(lost | {name}) < len(acceptors) for acceptors, lost in sets)
        return bool(sets) and minority and name not in self.map.homes

    def _replace(self, node: SimulatedNode) -> None:
        """A node's disk is lost, and an operator says that it was replaced: a new epoch, which soon everybody knows."""
        known = self.map
        epoch = known.epoch + 1
        entry = replace(known.nodes[node.name], since_epoch=epoch)
        nodes = {**known.nodes, node.name: entry}
        self.map = replace(known, version=known.version + 1, epoch=epoch, nodes=nodes)
        self._world.tell(node.name, f"has lost its disk, and was replaced in epoch {epoch}")
        for acceptors, lost in self._lost.values():
            if node.name in acceptors:
                lost.add(node.name)
        self._lost[epoch] = known.acceptors, set()
        node.disk, node.disk_fails = self._disk(node.name), False
        for other in self.nodes.values():
            if other.process is not None:
                self._world.after(self._world.share() * MAP_KNOWN_S, other.process.reach, self._remap, other, self.map)

    def _remap(self, node: SimulatedNode, new: ClusterMap) -> None:
        if new.version > node.node.map.version:
            assert node.process is not None
            node.node.remap(new)
            self.network.listen(node.process)


def draw_limits(world: World) -> NodeLimits:
    """Limits so low that stores fall asleep, snapshots have pages and gaps are met within seconds."""
    return NodeLimits(
        stores=StoreLimits(idle_s=world.between(0.2, 2.0)),
        checkpoints=CheckpointLimits(interval_s=world.between(0.2, 1.5)),
        timers=TimerLimits(tick_s=0.2),
        cluster=ClusterLimits(
            feed=FeedLimits(page_rows=1, kept_rows_max=4, sign_of_life_s=0.4), attach=AttachLimits(refresh_s=3.0)
        ),
    )


def draw_map(count: int, random: Random) -> ClusterMap:
    """A cluster of so many nodes: who is at home where, and who the acceptors are. Some have no stores."""
    names = [f"n{number}" for number in range(1, count + 1)]
    homes = random.sample(names, random.randint(1 if count == 1 else 2, count))
    slots = homes + random.choices(homes, k=SLOTS - len(homes))
    acceptors = random.sample(names, min(count, 5 if count >= 5 and random.random() < 0.5 else 3))
    entries = {name: NodeEntry(name, "", 0, f"ws://{name}/ws", "", 1) for name in names}
    return ClusterMap("simulated", 1, 1, entries, tuple(random.sample(slots, SLOTS)), tuple(acceptors))


def identity(token: str) -> Identity:
    """Who a token names: in a simulation it is role and name themselves."""
    role, _, player = token.partition(" ")
    return Identity(player, cast(Any, role), FOREVER_MS)


def told(failure: Failure) -> str:
    """What went wrong and where, on one line."""
    error = failure.value
    frames = traceback.extract_tb(error.__traceback__)
    where = "; ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.name}" for frame in frames[-4:])
    return f"{type(error).__name__}: {error} ({where})"
