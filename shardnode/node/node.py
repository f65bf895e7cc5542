"""One node: it holds stores, and answers whatever is asked of them through one `ask(request) → answer`.

    ask ─► execute (auction.house: pure rules over the states in memory) ─► record ─► journal ══► gate ─► answer, pushes

A decision that needs a store which sleeps changes nothing and is made again when the store is awake. All that a
decision changes is in memory at once and leaves the node only through the gate. The node has no rules of its own; its
clock, randomness, reactor, lanes and storage are handed in by the composition root (`shardnode.node.serve`, or a
test).
"""

from collections.abc import Callable, Generator
from typing import Any

import msgspec
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.logger import Logger
from twisted.python.failure import Failure

from auction import keys
from auction.commands import Ask, Command, EndListing, SearchListings
from auction.context import HOUSE, Answer, Context, Request
from auction.events import Record
from auction.evolve import evolve, listings_changed
from auction.house import Asleep, execute
from auction.ids import player_store
from auction.state import Listing, Notice, StoreId
from shardnode.node.awake_stores import AwakeStores, StoreLimits
from shardnode.node.checkpoints import CheckpointLimits, Checkpoints
from shardnode.node.clock import HouseClock
from shardnode.node.gate import Gate
from shardnode.node.journal_writer import JournalWriter
from shardnode.node.lanes import Lane
from shardnode.node.reactor import Reactor
from shardnode.node.searches import Searches, SearchLimits
from shardnode.node.timers import TimerLimits, Timers
from shardnode.ops.metrics import Metrics
from shardnode.storage.port import Recovered, Storage, StorageFault
from shardnode.wire.errors import Unavailable
from worlddata.types import Catalog

log = Logger()


class NodeLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of one node; each part has its own."""

    stores: StoreLimits = StoreLimits()
    checkpoints: CheckpointLimits = CheckpointLimits()
    timers: TimerLimits = TimerLimits()
    searches: SearchLimits = SearchLimits()
    undecided_max: int = 10_000
    """Requests waiting for stores to wake; beyond it requests are refused as unavailable."""
    unsynced_max: int = 20_000
    """Records not yet handed to the disk; beyond it mutations are refused as unavailable."""
    wake_tries_max: int = 8
    """How often one request may find that it needs yet another store."""
    names_max: int = 100_000
    """Player names whose store ids are remembered."""
    retry_after_ms: int = 250
    """What a client is told to wait, and a timer waits, when the node is at a bound."""
    damaged_retry_after_ms: int = 60_000
    """What a client is told to wait where a store's file is damaged."""


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """All that a node touches outside itself; a test or a simulation hands in its own."""

    storage: Storage
    """Open already."""
    reactor: Reactor
    clock: HouseClock
    journal_lane: Lane
    files_lane: Lane
    search_lane: Lane
    random_int: Callable[[int, int], int]
    """Uniform integer within inclusive bounds."""
    metrics: Metrics
    push: Callable[[str, Notice], None]
    """Tell a player's sessions something that is durable."""
    is_present: Callable[[str], bool]
    """Whether a player has a session here."""
    failed: Callable[[Failure], None]
    """The node must not go on."""


class Node:
    """A started node. `stop` leaves a clean data directory; `failed` fires once if the node must not go on."""

    def __init__(
        self, *, name: str, catalog: Catalog, recovered: Recovered, surroundings: Surroundings, limits: NodeLimits
    ) -> None:
        self.name = name
        self.catalog = catalog
        self._naming_key = recovered.naming_key
        self._incarnation = recovered.incarnation
        self._limits = limits
        self._outside = outside = surroundings
        self._store_ids: dict[str, StoreId] = {}
        self._undecided = 0
        self._keys_minted = 0
        self._stopping = False
        self._has_failed = False
        self.gate = Gate(recovered.position, outside.reactor.seconds, outside.metrics.gate_waited)
        self.searches = Searches(
            node=name,
            start=recovered.incarnation,
            journal=outside.storage.journal,
            journal_lane=outside.journal_lane,
            search_lane=outside.search_lane,
            now_ms=outside.clock.now_ms,
            limits=limits.searches,
            metrics=outside.metrics,
        )
        self.stores = AwakeStores(
            reactor=outside.reactor,
            storage=outside.storage,
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
        self._show()

    def start(self) -> None:
        """Begin to keep time and to write checkpoints, and read what is for sale."""
        self.timers.start()
        self.searches.load(self.gate.durable).addCallback(self.checkpoints.start).addErrback(self.fail)

    @inlineCallbacks
    def stop(self) -> Generator["Deferred[None]", None, None]:
        """Take no more requests, finish what is under way, and write everything into the stores' files.

        A node that has failed does none of this.
        """
        self._stopping = True
        self.timers.stop()
        if self._has_failed:
            return
        durable: Deferred[None] = Deferred()
        self.gate.when(self.writer.position, durable.callback, None)
        yield durable
        yield self.checkpoints.stop()

    def fail(self, failure: Failure) -> None:
        """Something happened after which the node must not answer any more: a fault of the disk, or a bug of ours."""
        self._stopping = self._has_failed = True
        self.writer.cease()
        self.checkpoints.cease()
        self._outside.failed(failure)

    def ask(self, request: Request) -> "Deferred[Answer]":
        """The answer, once everything that it tells is durable; fails with Unavailable where nothing was done."""
        answer: Deferred[Answer] = Deferred()
        try:
            if isinstance(request.ask, SearchListings):
                return self.searches.ask(request.ask, request.caller.player)
            self._admit(request.ask)
            self._decide(request, answer, self._limits.wake_tries_max)
        except Unavailable:
            answer.errback(Failure())
        except Exception:  # a bug of ours: the node stops before it lies, and the caller hears nothing
            self.fail(Failure())
        return answer

    def tell_key(self, request: Request) -> None:
        """A client was told that a mutation is in doubt: keep the key that the node gave it."""
        store = self.store_of(request.caller.player)
        state = None if self._has_failed else self.stores.state(store)
        now_ms = self._outside.clock.now_ms()
        events = [] if state is None else keys.tell(state, request.own_key, now_ms)
        if state is not None and events:
            for event in events:
                evolve(state, event)
            self._commit({store: events}, now_ms)

    def mint_key(self) -> str:
        """A key for a mutation whose client gave none, unique for ever."""
        self._keys_minted += 1
        return f"{self.name}.{self._incarnation}.{self._keys_minted}"

    def store_of(self, player: str) -> StoreId:
        """The id of a player's store."""
        store = self._store_ids.get(player)
        if store is None:
            if len(self._store_ids) >= self._limits.names_max:
                self._store_ids.clear()
            store = self._store_ids[player] = player_store(self._naming_key, player)
        return store

    def _admit(self, ask: Ask) -> None:
        if self._stopping:
            raise Unavailable("the node is stopping; connect again in a moment", self._limits.retry_after_ms)
        if not isinstance(ask, Command):
            return
        for full, limit in (
            (len(self.writer) >= self._limits.unsynced_max, "unsynced_max"),
            (len(self.stores.dirty) >= self._limits.stores.dirty_max, "dirty_max"),
        ):
            if full:
                self._outside.metrics.limit_hit(limit)
                raise Unavailable(f"the node is catching up ({limit}); try again", self._limits.retry_after_ms)

    def _decide(self, request: Request, answer: "Deferred[Answer]", tries: int) -> None:
        """Execute a request and put its answer before the gate.

        Nothing is done for one that was given up meanwhile, nor where a bug may have left the states in memory halfway.
        """
        if answer.called or self._has_failed:
            return
        now_ms = self._outside.clock.now_ms()
        context = Context(
            self.catalog, now_ms, self.store_of, self._outside.random_int, self.name, self._outside.is_present
        )
        outcome = execute(request, self.stores.state, context)
        if isinstance(outcome, Asleep):
            self._wake(request, answer, outcome, tries)
            return
        position = self._commit(outcome.record, now_ms) if outcome.record else self.stores.position(outcome.reads)
        self.gate.when(position, answer.callback, outcome.answer)
        for player, notice in outcome.notices:
            self.gate.when(position, self._outside.push, player, notice)

    def _wake(self, request: Request, answer: "Deferred[Answer]", asleep: Asleep, tries: int) -> None:
        if not self.stores.make_room() or self._undecided >= self._limits.undecided_max:
            self._outside.metrics.limit_hit("awake_max" if self.stores.full() else "undecided_max")
            raise Unavailable("the node holds as many stores as it may; try again", self._limits.retry_after_ms)
        assert tries > 0, f"{request.ask!r} needs ever more stores"
        self._undecided += 1
        awake = self.stores.wake(asleep.stores)
        awake.addBoth(self._awake)
        awake.addCallback(lambda _: self._decide(request, answer, tries - 1))
        awake.addErrback(self._undecidable, answer)

    def _awake(self, result: Failure | None) -> Failure | None:
        self._undecided -= 1
        return result

    def _undecidable(self, failure: Failure, answer: "Deferred[Answer]") -> None:
        if failure.check(StorageFault):
            log.error("store cannot be opened; what needs it is refused, the rest goes on", why=str(failure.value))
            self._outside.metrics.limit_hit("damaged_store")
            answer.errback(
                Unavailable(
                    "a store that this needs cannot be opened; tell an operator", self._limits.damaged_retry_after_ms
                )
            )
        elif failure.check(Unavailable):
            answer.errback(failure)
        else:
            self.fail(failure)

    def _commit(self, record: Record, now_ms: int) -> int:
        """Hand a record to the journal, with what else the node must know of it; returns its position."""
        listings: dict[str, Listing] = {}
        wakeups: dict[StoreId, int | None] = {}
        for store, events in record.items():
            for listing in listings_changed(events):
                state = self.stores.state(store)
                assert state is not None, store
                listings[listing] = state.listings.rows[listing]
                if self.stores.wakeup_changed(store):
                    wakeups[store] = wake_at_ms = state.wake_at_ms()
                    if wake_at_ms is not None:
                        self.timers.set(store, wake_at_ms)
        position = self.writer.add(record, now_ms, wakeups, listings)
        self.stores.touched(record, position)
        return position

    def _listings_durable(self, listings: dict[str, Listing]) -> None:
        self.searches.own.apply(listings.values())
        self.checkpoints.listings_changed(listings)

    @inlineCallbacks
    def _settle(self, store: StoreId) -> Generator["Deferred[Any]", Any, None]:
        """End every listing of a store that is due.

        One that needs a damaged store, or finds the node full, is left: it stays due, so the timers read it again.
        """
        left: set[str] = set()
        try:
            while not self._stopping:
                yield self.stores.wake([store])
                state = self.stores.state(store)
                assert state is not None, store
                due = [listing for listing in state.due_listings(self._outside.clock.now_ms()) if listing not in left]
                if not due:
                    break
                if not (yield self._end(due[0])):
                    left.add(due[0])
        except StorageFault as fault:
            log.warn("the store of a listing that is due cannot be opened", store=store, why=str(fault))
            left.add(store)
        if left:  # the place among those in flight is kept for a moment, so that a storm of these does not spin
            pause: Deferred[None] = Deferred()
            self._outside.reactor.callLater(self._limits.retry_after_ms / 1000, pause.callback, None)
            yield pause

    @inlineCallbacks
    def _end(self, listing: str) -> Generator["Deferred[Any]", Any, bool]:
        """End a listing; whether that could be done now."""
        try:
            yield self._ask_house(EndListing(listing=listing))
        except Unavailable as fault:
            log.warn("a listing that is due cannot be settled yet", listing=listing, why=str(fault))
            return False
        self._outside.metrics.timer_fired()
        return True

    def _ask_house(self, command: EndListing) -> "Deferred[Answer]":
        answer: Deferred[Answer] = Deferred()
        self._decide(Request(HOUSE, command), answer, self._limits.wake_tries_max)
        return answer

    def _show(self) -> None:
        gauge = self._outside.metrics.gauge
        gauge("stores_awake", "Stores in memory", lambda: len(self.stores))
        gauge("stores_waking", "Stores being loaded", lambda: self.stores.waking)
        gauge("stores_dirty", "Stores whose file lacks something", lambda: len(self.stores.dirty))
        gauge("gate_waiting", "Answers and pushes waiting to be durable", lambda: len(self.gate))
        gauge("journal_unsynced", "Records not yet handed to the disk", lambda: len(self.writer))
        gauge("journal_position", "Position of the last durable record", lambda: self.gate.durable)
        gauge("listings_open", "Open listings in the search index", lambda: len(self.searches.index))
        gauge("timers_waiting", "Wake-ups in memory", lambda: len(self.timers))
        gauge("timers_in_flight", "Stores being settled", lambda: self.timers.in_flight)
        gauge(
            "clock_held",
            "1 while the wall clock has jumped ahead and timers rest",
            lambda: float(self._outside.clock.held),
        )
        gauge("requests_undecided", "Requests waiting for stores to wake", lambda: self._undecided)
