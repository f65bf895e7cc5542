"""One node: it holds stores, and answers whatever is asked of them through one `ask(request) → answer`.

    ask ─► execute (auction.house: pure rules over the states in memory) ─► record ─► journal ══► gate ─► answer, pushes

A decision that needs a store which sleeps changes nothing and is made again when the store is awake. All that a
decision changes is in memory at once and leaves the node only through the gate. The node has no rules of its own; its
clock, randomness, reactor, lanes, storage and network are handed in by the composition root (`shardnode.node.serve`,
or a test). `cluster.ask` is the whole house's ask; a node alone is a cluster of one.
"""

from collections.abc import Callable, Generator, Iterable, Mapping

import msgspec
from twisted.internet.defer import Deferred, inlineCallbacks, succeed
from twisted.python.failure import Failure

from auction.commands import SearchListings
from auction.context import Answer, Context, Request
from auction.events import TransferSent
from auction.outcomes import Proposal
from auction.state import Listing, Notice, StoreId
from shardnode.agreement.messages import Message
from shardnode.cluster.cluster import Cluster, ClusterLimits
from shardnode.cluster.map import ClusterMap
from shardnode.cluster.messages import Transfer
from shardnode.cluster.network import Network, NetworkEvents
from shardnode.cluster.reactor import Reactor
from shardnode.cluster.router import is_of_the_caller
from shardnode.node.arrivals import Arrivals
from shardnode.node.awake_stores import AwakeStores, StoreLimits
from shardnode.node.checkpoints import CheckpointLimits, Checkpoints
from shardnode.node.clock import HouseClock
from shardnode.node.endings import Endings
from shardnode.node.gate import Gate
from shardnode.node.journal_writer import JournalWriter
from shardnode.node.lanes import Lane
from shardnode.node.names import StoreNames
from shardnode.node.rates import RateLimits, Rates
from shardnode.node.records import Records
from shardnode.node.requests import RequestLimits, Requests
from shardnode.node.searches import Searches, SearchLimits
from shardnode.node.timers import TimerLimits, Timers
from shardnode.node.told_keys import ToldKeys
from shardnode.node.trades import TradeLimits, Trades
from shardnode.node.turns import Turns
from shardnode.ops.metrics import Metrics
from shardnode.storage.port import Recovered, Storage
from shardnode.wire.errors import Unavailable
from shardnode.wire.events import WatchMatched
from worlddata.types import Catalog

INCARNATIONS_A_LIFE = 1_000_000
"""Starts of one data directory, so that one that takes the place of another begins above all of its starts."""


class NodeLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of one node; each part has its own."""

    stores: StoreLimits = StoreLimits()
    requests: RequestLimits = RequestLimits()
    checkpoints: CheckpointLimits = CheckpointLimits()
    timers: TimerLimits = TimerLimits()
    searches: SearchLimits = SearchLimits()
    trades: TradeLimits = TradeLimits()
    cluster: ClusterLimits = ClusterLimits()
    rates: RateLimits = RateLimits()
    names_max: int = 100_000
    """Player names whose store ids are remembered."""


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """All that a node touches outside itself; a test or a simulation hands in its own."""

    storage: Storage
    """Open already."""
    reactor: Reactor
    clock: HouseClock
    journal_lane: Lane
    files_lane: Lane
    search_lane: Lane
    network_of: Callable[[NetworkEvents], Network]
    """The links to other nodes, which tell the cluster what happens to them."""
    random_int: Callable[[int, int], int]
    """Uniform integer within inclusive bounds."""
    metrics: Metrics
    push: Callable[[str, Notice], None]
    """Tell a player's sessions here something that is durable."""
    match: Callable[[str, WatchMatched], None]
    """Tell them that something they watch has come."""
    is_present: Callable[[str], bool]
    """Whether a player has a session here."""
    failed: Callable[[Failure], None]
    """The node must not go on."""


class Node:
    """A started node. `stop` leaves a clean data directory; `failed` fires once if the node must not go on."""

    def __init__(
        self,
        *,
        name: str,
        cluster_map: ClusterMap,
        catalog: Catalog,
        recovered: Recovered,
        surroundings: Surroundings,
        limits: NodeLimits,
    ) -> None:
        self.name = name
        self.map = cluster_map
        self.catalog = catalog
        self.names = StoreNames(recovered.naming_key, catalog.commodities, limits.names_max)
        self.incarnation = INCARNATIONS_A_LIFE * cluster_map.nodes[name].since_epoch + recovered.incarnation
        self._limits = limits
        self._outside = outside = surroundings
        self._keys_minted = 0
        self._last_context: Context | None = None
        self._stopping = False
        self._has_failed = False
        self.gate = Gate(recovered.position, outside.reactor.seconds, outside.metrics.gate_waited)
        self.rates = Rates(
            rates=catalog.rules.rates, seconds=outside.reactor.seconds, limits=limits.rates, metrics=outside.metrics
        )
        self._build_storage()
        facts = outside.storage.journal.facts()
        self._build_house(facts)
        self._build_trades(facts)
        self._show()

    def _build_storage(self) -> None:
        """What keeps stores: in memory, in the journal, in their files."""
        outside, limits = self._outside, self._limits
        self.searches = Searches(
            node=self.name,
            start=self.incarnation,
            reactor=outside.reactor,
            journal=outside.storage.journal,
            journal_lane=outside.journal_lane,
            search_lane=outside.search_lane,
            now_ms=outside.clock.now_ms,
            failed=self.fail,
            limits=limits.searches,
            metrics=outside.metrics,
        )
        self.index = self.searches.index
        self.stores = AwakeStores(
            reactor=outside.reactor,
            storage=outside.storage,
            kind_of=self.names.kind_of,
            journal_lane=outside.journal_lane,
            files_lane=outside.files_lane,
            limits=limits.stores,
            metrics=outside.metrics,
        )
        self.checkpoints = Checkpoints(
            reactor=outside.reactor,
            stores=self.stores,
            storage=outside.storage,
            gate=self.gate,
            journal_lane=outside.journal_lane,
            files_lane=outside.files_lane,
            limits=limits.checkpoints,
            metrics=outside.metrics,
            failed=self.fail,
        )
        self.writer = JournalWriter(
            reactor=outside.reactor,
            lane=outside.journal_lane,
            journal=outside.storage.journal,
            gate=self.gate,
            metrics=outside.metrics,
            on_listings=self._listings_durable,
            failed=self.fail,
        )
        self.timers = Timers(
            reactor=outside.reactor,
            clock=outside.clock,
            journal=outside.storage.journal,
            journal_lane=outside.journal_lane,
            limits=limits.timers,
            settle=self._settle,
            failed=self.fail,
        )

    def _build_house(self, facts: dict[str, bytes]) -> None:
        """What answers: the cluster, and requests to stores here."""
        outside, limits = self._outside, self._limits
        self.cluster = Cluster(
            node=self.name,
            cluster_map=lambda: self.map,
            network_of=outside.network_of,
            home=self,
            facts=facts,
            reactor=outside.reactor,
            limits=limits.cluster,
            metrics=outside.metrics,
            failed=self.fail,
        )
        self.records = Records(
            stores=self.stores,
            writer=self.writer,
            timers=self.timers,
            gate=self.gate,
            carrier=self.cluster if len(self.map.nodes) > 1 else None,
            house=self.names.house,
            freezes_durable=self.cluster.freezes_durable,
            news_durable=self.cluster.news_durable,
        )
        self.turns = Turns(outside.reactor, outside.metrics, self.fail)
        self.requests = Requests(
            stores=self.stores,
            records=self.records,
            writer=self.writer,
            gate=self.gate,
            turns=self.turns,
            context=self._context,
            propose=self._propose,
            read_elsewhere=self.cluster.ask_home_of,
            push=self.cluster.push,
            seconds=outside.reactor.seconds,
            failed=self.fail,
            limits=limits.requests,
            metrics=outside.metrics,
        )
        self.told_keys = ToldKeys(
            stores=self.stores,
            records=self.records,
            now_ms=outside.clock.now_ms,
            reactor=outside.reactor,
            failed=self.fail,
            metrics=outside.metrics,
        )
        self.endings = Endings(
            stores=self.stores,
            decide=self.requests.decide,
            clock=outside.clock,
            reactor=outside.reactor,
            pause_s=limits.requests.retry_after_ms / 1000,
            metrics=outside.metrics,
        )

    def _build_trades(self, facts: dict[str, bytes]) -> None:
        """What it takes to trade with stores of other nodes."""
        outside, limits = self._outside, self._limits
        self.trades = Trades(
            here=self.name,
            incarnation=self.incarnation,
            facts=facts,
            cluster_map=lambda: self.map,
            stores=self.stores,
            records=self.records,
            gate=self.gate,
            turns=self.turns,
            requests=self.requests,
            context=self._context,
            now_ms=outside.clock.now_ms,
            say=self.cluster.say,
            can_reach=self.cluster.can_reach,
            remind=self._remind,
            random=lambda: outside.random_int(0, 1 << 30) / (1 << 30),
            reactor=outside.reactor,
            failed=self.fail,
            limits=limits.trades,
            metrics=outside.metrics,
        )
        self.arrivals = Arrivals(
            stores=self.stores,
            records=self.records,
            requests=self.requests,
            trades=self.trades,
            turns=self.turns,
            gate=self.gate,
            context=self._context,
            failed=self.fail,
        )

    def remap(self, cluster_map: ClusterMap) -> None:
        """The cluster has a newer map."""
        assert cluster_map.version > self.map.version, cluster_map
        self.map = cluster_map

    def start(self) -> None:
        """Begin to keep time, to write checkpoints and to talk to other nodes, and read what is for sale."""
        self.timers.start()
        self.trades.start()
        self.cluster.start()
        self.searches.load(self.gate.durable).addCallback(self.checkpoints.start).addErrback(self.fail)

    @inlineCallbacks
    def stop(self) -> Generator["Deferred[None]", None, None]:
        """Take no more requests, finish what is under way, and write everything into the stores' files.

        A node that has failed does none of this.
        """
        self._stopping = True
        self.timers.stop()
        self.endings.cease()
        self.cluster.stop()
        if self._has_failed:
            return
        self.trades.cease()
        self.told_keys.cease()
        self.records.write_noted()
        durable: Deferred[None] = Deferred()
        self.gate.when(self.writer.position, durable.callback, None)
        yield durable
        yield self.checkpoints.stop()

    def fail(self, failure: Failure) -> None:
        """Something happened after which the node must not answer any more: a fault of the disk, or a bug of ours."""
        self._stopping = self._has_failed = True
        self.writer.cease()
        self.requests.cease()
        self.trades.cease()
        self.told_keys.cease()
        self.endings.cease()
        self.checkpoints.cease()
        self._outside.failed(failure)

    def ask_house(self, request: Request) -> "Deferred[Answer]":
        """What the whole house answers to somebody who is connected here; see `Cluster.ask`."""
        early = None if is_of_the_caller(request.ask) else self.rates.refused(request)
        return self.cluster.ask(request) if early is None else succeed(early)

    def ask(self, request: Request) -> "Deferred[Answer]":
        """The answer of stores here, once everything that it tells is durable.

        Fails with Unavailable where nothing was done, with InDoubt where a trade is not decided in time.
        """
        early = self.rates.refused(request) if is_of_the_caller(request.ask) else None
        if early is not None:
            return succeed(early)
        answer: Deferred[Answer] = Deferred()
        try:
            self._check_running()
            self.requests.check_room(request.ask)
            self.requests.decide(request, answer)
        except Unavailable:
            answer.errback(Failure())
        except Exception:  # a bug of ours: the node stops before it lies, and the caller hears nothing
            self.fail(Failure())
        return answer

    def search(self, query: SearchListings, player: str) -> "Deferred[Answer]":
        """A page of the whole house's open listings, from this node's index."""
        return self.searches.ask(query, player)

    def take_transfer(self, transfer: Transfer, sent: TransferSent) -> "Deferred[None]":
        """Fires when what another node's store sent is taken in; fails with Unavailable where it has to come again."""
        return self.arrivals.take(transfer, sent)

    def agree(self, node: str, message: Message) -> None:
        """A message of the agreement came from another node."""
        self.trades.received(node, message)

    def keep(self, facts: Mapping[str, msgspec.Struct]) -> None:
        """These facts are true from now on."""
        self.records.note(facts)
        self.records.write_noted()

    def forget(self, facts: Iterable[str]) -> None:
        """These facts hold no longer."""
        self.records.note(dict.fromkeys(facts))

    def deliver(self, player: str, notice: Notice) -> None:
        """Tell a player's sessions here."""
        self._outside.push(player, notice)

    def deliver_match(self, player: str, matched: WatchMatched) -> None:
        """Tell them that something they watch has come."""
        self._outside.match(player, matched)

    def sessions(self, player: str) -> bool:
        """Whether a player has a session here."""
        return self._outside.is_present(player)

    def tell_key(self, store: StoreId, key: str) -> None:
        """A client was told a key that a node gave its mutation: keep it like a client's own."""
        self.told_keys.keep(store, key)

    def mint_key(self) -> str:
        """A key for a mutation whose client gave none, unique for ever."""
        self._keys_minted += 1
        return f"{self.name}.{self.incarnation}.{self._keys_minted}"

    def now_ms(self) -> int:
        """The house's clock."""
        return self._outside.clock.now_ms()

    def durable(self) -> int:
        """Position of the last durable record."""
        return self.gate.durable

    def _check_running(self) -> None:
        if self._stopping:
            retry_after_ms = self._limits.requests.retry_after_ms
            raise Unavailable("the node is stopping; connect again in a moment", retry_after_ms)

    def _settle(self, store: StoreId) -> "Deferred[None]":
        return self.endings.settle(store)

    def _propose(self, request: Request, proposal: Proposal, answer: "Deferred[Answer]", until_s: float) -> None:
        self.trades.propose(request, proposal, answer, until_s)

    def _context(self) -> Context:
        """What decisions at this instant may know: the same for all requests of a millisecond."""
        now_ms, freezes = self._outside.clock.now_ms(), self.cluster.freezes
        last = self._last_context
        if last is not None and last.now_ms == now_ms and last.freezes is freezes:
            return last
        self._last_context = context = Context(
            self.catalog,
            now_ms,
            self.names.store_of,
            self.names.market_of,
            self.names.house,
            self.names.seal,
            self._outside.random_int,
            self.name,
            self.cluster.is_present,
            self._at_home,
            self._life_of,
            self._can_reach,
            self.names.kind_of,
            freezes,
        )
        return context

    def _at_home(self, store: StoreId) -> bool:
        return self.map.home_of(store) == self.name

    def _life_of(self, store: StoreId) -> int:
        return self.map.life_of(store)

    def _can_reach(self, store: StoreId) -> bool:
        return self.cluster.can_reach(self.map.home_of(store))

    def _listings_durable(self, listings: dict[str, Listing], position: int) -> None:
        self.searches.own.apply(listings.values())
        self.checkpoints.listings_changed(listings)
        self.cluster.listings_durable(listings.values(), position)

    def _remind(self, store: StoreId) -> None:
        """A listing of a store may have come due while it was held for a trade: then its timer is spent already."""
        state = self.stores.state(store)
        wake_at_ms = None if state is None else state.wake_at_ms()
        if wake_at_ms is not None and wake_at_ms <= self._outside.clock.now_ms():
            self.timers.set(store, wake_at_ms)

    def _show(self) -> None:
        gauge = self._outside.metrics.gauge
        gauge("stores_awake", "Stores in memory", lambda: len(self.stores))
        gauge("stores_waking", "Stores being loaded", lambda: self.stores.waking)
        gauge("stores_dirty", "Stores whose file lacks something", lambda: len(self.stores.dirty))
        gauge("gate_waiting", "Answers and pushes waiting to be durable", lambda: len(self.gate))
        gauge("journal_unsynced", "Records not yet handed to the disk", lambda: len(self.writer))
        gauge("journal_position", "Position of the last durable record", lambda: self.gate.durable)
        gauge("listings_open", "Open listings in the search index", lambda: len(self.searches.index))
        gauge("listings_pending", "Changed listings that the search thread has to take in", self.index.pending)
        gauge("timers_waiting", "Wake-ups in memory", lambda: len(self.timers))
        gauge("timers_in_flight", "Stores being settled", lambda: self.timers.in_flight)
        gauge(
            "clock_held",
            "1 while the wall clock has jumped ahead and timers rest",
            lambda: float(self._outside.clock.held),
        )
        gauge("rate_buckets", "Players' rates in memory", lambda: len(self.rates))
        gauge("requests_undecided", "Requests waiting for stores to wake", lambda: self.requests.undecided)
        gauge(
            "turns_waiting",
            "Requests, trades and transfers waiting for a listing that is held",
            lambda: len(self.turns),
        )
        ages_s = self.trades.ages_s
        gauge(
            "trades_open", "Trades with other nodes that hold something here or are waited for", lambda: len(ages_s())
        )
        gauge("trades_awaited", "Trades that callers here wait for, or are in doubt about", lambda: self.trades.awaited)
        gauge("trades_oldest_seconds", "Age of the oldest of them", lambda: max(ages_s(), default=0.0))
