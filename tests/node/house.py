"""A node in memory for tests: storage that can crash, lanes and a clock turned by hand, and whoever asks."""

from collections.abc import Callable
from typing import Any

import msgspec
from twisted.internet.base import DelayedCall
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from auction.commands import Ask, CreateListing, Grant, GrantedItem, PlaceBid
from auction.context import Answer, Caller, Request, Role
from auction.results import GrantResult, ListingResult
from auction.state import Notice
from shardnode.cluster.map import ClusterMap, alone
from shardnode.cluster.network import Network, NetworkEvents, NoPeers
from shardnode.node.clock import HouseClock
from shardnode.node.node import Node, NodeLimits, Surroundings
from shardnode.ops.metrics import Metrics
from shardnode.storage.memory import MemoryStorage
from shardnode.wire.events import WatchMatched
from tests.auction.house import CATALOG
from tests.node.hand_lane import HandLane
from worlddata.types import Rules

EPOCH_S = 1_800_000_000.0
HOUR_S = 3_600


class ReactorOfOneStart:
    """A clock as one start of a node sees it: when the start is over, its calls are."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._calls: list[DelayedCall] = []

    def seconds(self) -> float:
        """See Reactor."""
        return self._clock.seconds()

    def callLater(self, delay: float, call: Callable[..., Any], *args: Any, **kwargs: Any) -> DelayedCall:  # noqa: N802 - Twisted's name
        """See Reactor."""
        self._calls = [made for made in self._calls if made.active()]
        made = self._clock.callLater(delay, call, *args, **kwargs)
        self._calls.append(made)
        return made

    def end(self) -> None:
        """Nothing of this start happens any more."""
        for made in self._calls:
            if made.active():
                made.cancel()


class NodeInMemory:
    """One node on a storage that outlives it; `start` after `crash` or `stop` makes another on the same storage."""

    def __init__(
        self,
        limits: NodeLimits | None = None,
        *,
        name: str = "n1",
        cluster_map: ClusterMap | None = None,
        network_of: Callable[[NetworkEvents], Network] = lambda _events: NoPeers(),
        reactor: Clock | None = None,
        rules: Rules | None = None,
    ) -> None:
        self.name = name
        self.map = cluster_map or alone(name)
        self.network_of = network_of
        self.limits = limits or NodeLimits()
        self.catalog = msgspec.structs.replace(CATALOG, rules=rules or Rules())
        self.storage = MemoryStorage()
        self.reactor = reactor or Clock()
        self.wall_ahead_s = 0.0
        self.pushed: list[tuple[str, Notice]] = []
        self.matched: list[tuple[str, WatchMatched]] = []
        self.connected: set[str] = set()
        """Players with a session here; see `connect`."""
        self.failures: list[Failure] = []
        self._keys = 0
        self.start()

    def start(self) -> None:
        """Start a node on what the storage holds."""
        recovered = self.storage.open()
        self.journal_lane, self.files_lane, self.search_lane = HandLane(), HandLane(), HandLane()
        self.clock = HouseClock(
            lambda: EPOCH_S + self.reactor.seconds() + self.wall_ahead_s, self.reactor.seconds, recovered.now_ms
        )
        self.metrics = Metrics(self.name, "w")
        self.own_reactor = ReactorOfOneStart(self.reactor)
        self.node = Node(
            name=self.name,
            cluster_map=self.map,
            catalog=self.catalog,
            recovered=recovered,
            surroundings=Surroundings(
                storage=self.storage,
                reactor=self.own_reactor,
                clock=self.clock,
                journal_lane=self.journal_lane,
                files_lane=self.files_lane,
                search_lane=self.search_lane,
                network_of=self.network_of,
                random_int=lambda low, _high: low,
                metrics=self.metrics,
                push=lambda player, notice: self.pushed.append((player, notice)),
                match=lambda player, matched: self.matched.append((player, matched)),
                is_present=lambda player: player in self.connected,
                failed=self.failures.append,
            ),
            limits=self.limits,
        )
        self.node.start()

    def crash(self, *, lose_unsynced: bool = True) -> None:
        """End as by `kill -9`: what was in memory is gone, the reactor's calls with it."""
        self.own_reactor.end()
        self.storage.crash(lose_unsynced=lose_unsynced)

    def stop(self) -> None:
        """End in order."""
        done: list[object] = []
        self.node.stop().addBoth(done.append)
        self.work()
        assert done == [None], done
        self.storage.close()
        self.crash(lose_unsynced=False)

    def work(self, rounds: int = 50) -> None:
        """Let everything that is under way come to rest; no time passes."""
        for _ in range(rounds):
            self.reactor.advance(0)
            self.run_lanes()

    def run_lanes(self) -> None:
        """Do what the lanes were given."""
        for lane in (self.files_lane, self.journal_lane, self.search_lane):
            lane.run()

    def pass_time(self, seconds: float) -> None:
        """Let time pass, in steps short enough for every timer."""
        for _ in range(round(seconds / 0.05)):
            self.reactor.advance(0.05)
            self.run_lanes()

    def connect(self, player: str) -> None:
        """A player's first session here logs in."""
        self.connected.add(player)
        self.node.cluster.joined(player)

    def disconnect(self, player: str) -> None:
        """A player's last session here is gone."""
        self.connected.remove(player)
        self.node.cluster.left(player)

    def begin(self, player: str, ask: Ask, role: Role = "player") -> "Deferred[Answer]":
        """Ask, and let nothing happen yet."""
        return self.node.cluster.ask(Request(Caller(player, role), ask, self.node.mint_key()))

    def ask(self, player: str, ask: Ask, role: Role = "player") -> Any:
        """Ask and wait; the result or Refusal."""
        answers: list[Any] = []
        self.begin(player, ask, role).addBoth(answers.append)
        self.work()
        (answer,) = answers
        if isinstance(answer, Failure):
            answer.raiseException()
        assert isinstance(answer, Answer)
        return answer.body

    def grant(self, player: str, gold: int = 0, items: int = 0) -> list[str]:
        """Give gold and items; the items' ids."""
        self._keys += 1
        given = [GrantedItem(base=next(iter(CATALOG.bases)))] * items
        result = self.ask("game", Grant(key=f"g{self._keys}", player=player, gold=gold, items=given), "service")
        assert isinstance(result, GrantResult), result
        return [item.item for item in result.items]

    def list_item(self, seller: str, start_bid: int = 100) -> str:
        """Grant an item and put it up for an hour; the listing."""
        (item,) = self.grant(seller, items=1)
        result = self.ask(seller, CreateListing(item=item, start_bid=start_bid, duration_s=HOUR_S))
        assert isinstance(result, ListingResult), result
        return result.listing.listing

    def bid(self, player: str, listing: str, amount: int, key: str | None = None) -> Any:
        """Bid; the result or Refusal."""
        return self.ask(player, PlaceBid(listing=listing, amount=amount, key=key))
