"""The cluster as one node sees it: the whole house behind one `ask`, and what this node does for the others.

Composed of its parts, each with its own file; all that comes from the network, from the node and from the gateway
passes here and is handed on. A bug met on the way stops the node.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast, get_args

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from auction.context import Answer, Request
from auction.events import Record
from auction.freezes import Freezes
from auction.results import ListingView
from auction.state import Listing, Notice
from shardnode.agreement import messages as agreement
from shardnode.cluster import messages
from shardnode.cluster.attach import AttachLimits, HomeSide, SessionSide
from shardnode.cluster.feed import FeedLimits, Origin, Subscriber
from shardnode.cluster.freezes import FrozenThings
from shardnode.cluster.map import ClusterMap
from shardnode.cluster.network import Network, NetworkEvents, PeerFault
from shardnode.cluster.ports import Home
from shardnode.cluster.post import Post, PostLimits
from shardnode.cluster.prices import LastPrices, PriceLimits
from shardnode.cluster.reactor import Reactor
from shardnode.cluster.router import Router, RouterLimits
from shardnode.cluster.transfers import TransferLimits, Transfers
from shardnode.cluster.watchers import WatcherLimits, Watchers
from shardnode.ops.metrics import Metrics
from shardnode.storage.facts import Unsent
from shardnode.watches.news import News


class ClusterLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of the cluster's parts."""

    post: PostLimits = PostLimits()
    router: RouterLimits = RouterLimits()
    transfers: TransferLimits = TransferLimits()
    attach: AttachLimits = AttachLimits()
    feed: FeedLimits = FeedLimits()
    watchers: WatcherLimits = WatcherLimits()
    prices: PriceLimits = PriceLimits()
    tick_s: float = 0.5
    """How often the parts look for what is overdue."""


class Cluster:
    """Implements NetworkEvents. `network_of` makes the network that tells this object; it tells nothing before `start`.

    `facts` are those of the node's database at its start.
    """

    def __init__(
        self,
        *,
        node: str,
        cluster_map: Callable[[], ClusterMap],
        network_of: Callable[[NetworkEvents], Network],
        home: Home,
        facts: Mapping[str, bytes],
        reactor: Reactor,
        limits: ClusterLimits,
        metrics: Metrics,
        failed: Callable[[Failure], None],
    ) -> None:
        self.name = node
        self._map = cluster_map
        self._home = home
        self._limits = limits
        self._metrics = metrics
        self._failed = failed
        self._network = network_of(self)
        place: dict[str, Any] = {"node": node, "cluster_map": cluster_map}
        post = self._post = Post(
            **place, network=self._network, reactor=reactor, limits=limits.post, metrics=metrics, failed=failed
        )
        common: dict[str, Any] = {**place, "post": post, "home": home, "failed": failed}
        seconds = reactor.seconds
        self._router = Router(**common, seconds=seconds, limits=limits.router, metrics=metrics)
        self._transfers = Transfers(**common, facts=facts, seconds=seconds, limits=limits.transfers, metrics=metrics)
        self._home_side = HomeSide(**common, limits=limits.attach, metrics=metrics, changed=self._look)
        self._session_side = SessionSide(**common, router=self._router, seconds=seconds, limits=limits.attach)
        self._origin = Origin(
            start=home.incarnation,
            position=home.durable(),
            listings=home.index.of(node),
            post=post,
            seconds=seconds,
            limits=limits.feed,
        )
        self._subscriber = Subscriber(
            **place, index=home.index, post=post, seconds=seconds, limits=limits.feed, metrics=metrics
        )
        self._loops = [
            (_loop(reactor, self._tick), limits.tick_s),
            (_loop(reactor, self._origin.tick), limits.feed.sign_of_life_s),
        ]
        self._watchers = Watchers(
            home=home,
            is_present=self.is_present,
            tell=self._home_side.match,
            reactor=reactor,
            limits=limits.watchers,
            metrics=metrics,
            failed=failed,
        )
        self._prices = LastPrices(**common, reactor=reactor, limits=limits.prices, changed=self._watchers.price_changed)
        self._frozen = FrozenThings(**place, post=post, home=home, facts=facts, seconds=seconds, metrics=metrics)
        self._connect()
        self._show()

    def start(self) -> None:
        """Begin to keep time; a house of one node has nothing to wait for."""
        if len(self._map().nodes) > 1:
            for loop, interval_s in self._loops:
                loop.start(interval_s, now=False).addErrback(self._failed)

    def stop(self) -> None:
        """Keep time no more."""
        self._watchers.cease()
        for loop, _ in self._loops:
            if loop.running:
                loop.stop()

    def can_reach(self, node: str) -> bool:
        """Whether a node is this one, or there is a link to it now."""
        return node == self.name or self._network.is_up(node)

    def ask(self, request: Request) -> "Deferred[Answer]":
        """The answer of the whole house. Fails with Unavailable, InDoubt, or, where the request asks for it, Moved."""
        return self._router.ask(request)

    def ask_home_of(self, listing: str, request: Request) -> "Deferred[ListingView | None]":
        """A listing of another node as its home shows it to who asks `request`; None where there is no such listing.

        Where the home cannot be reached a query is shown what the index has; a mutation fails with Unavailable.
        """
        return self._router.ask_home_of(listing, request)

    def tell_key(self, request: Request) -> None:
        """A client was told that a mutation is in doubt under the node's own key: its home keeps the key."""
        self._router.tell_key(request)

    def latest_seq(self, player: str) -> "Deferred[int]":
        """The seq of a player's latest notice; 0 where it cannot be learnt now."""
        return self._session_side.latest_seq(player)

    def joined(self, player: str) -> None:
        """A player's first session here has logged in."""
        self._session_side.joined(player)
        self._look(player)

    def left(self, player: str) -> None:
        """A player's last session here is gone."""
        self._session_side.left(player)
        self._look(player)

    def push(self, player: str, notice: Notice) -> None:
        """Tell a player of this node, wherever it is connected; durable notices, in the order of `seq`."""
        self._home_side.push(player, notice)

    def is_present(self, player: str) -> bool:
        """Whether a player of this node has a session here or on another node."""
        return self._home.sessions(player) or self._home_side.is_attached(player)

    def news_durable(self, news: News) -> None:
        """Watches of players of this node were made or deleted, or markets of this node have traded, durably."""
        self._watchers.heed(news)
        for price in news.prices:
            self._prices.traded(price)

    def unsent(self, record: Record) -> dict[str, Unsent]:
        """The facts of those transfers of a record that leave this node; they are durable with it."""
        return self._transfers.unsent(record)

    def leave(self, unsent: Mapping[str, Unsent]) -> None:
        """What `unsent` said of a record is durable: its transfers may go."""
        self._transfers.leave(unsent)

    def say(self, node: str, message: agreement.Message) -> None:
        """Send another node a message of the agreement; it may be lost."""
        self._post.send(node, message)

    def listings_durable(self, rows: Iterable[Listing], position: int) -> None:
        """Rows of this node have changed, durably, up to a position; they are in its index already."""
        if len(self._map().nodes) > 1:
            self._origin.changed(rows, position)

    @property
    def freezes(self) -> Freezes:
        """What is frozen, as far as this node knows."""
        return self._frozen.current

    def freezes_durable(self, freezes: Freezes) -> None:
        """The house's own store is here, and has changed, durably."""
        self._frozen.changed(freezes)

    def link_up(self, node: str) -> None:
        """See NetworkEvents."""
        for part in (
            *(self._frozen, self._router, self._transfers),
            *(self._session_side, self._subscriber, self._prices),
        ):
            self._guard(part.link_up, node)

    def link_down(self, node: str) -> None:
        """See NetworkEvents."""
        for part in (self._router, self._home_side, self._session_side, self._origin):
            self._guard(part.link_down, node)

    def received(self, node: str, frame: bytes) -> None:
        """See NetworkEvents."""
        self._guard(self._post.received, node, frame)

    def _look(self, player: str) -> None:
        """A player may have come, or gone; the watches of those who live here are this node's business."""
        if self._map().home_of(self._home.names.store_of(player)) == self.name:
            self._watchers.look(player)

    def _guard(self, act: Callable[..., None], *args: Any) -> None:
        try:
            act(*args)
        except PeerFault:
            raise
        except Exception:  # a bug of ours: the node stops before it lies
            self._failed(Failure())

    def _tick(self) -> None:
        for part in (self._router, self._transfers, self._session_side, self._subscriber, self._frozen):
            part.tick()

    def _connect(self) -> None:
        self._post.handle(dict.fromkeys(get_args(agreement.Message), self._home.agree))
        self._post.handle(
            {
                messages.Ask: self._router.asked,
                messages.Answered: self._router.answered,
                messages.Faulted: self._router.faulted,
                messages.TellKey: self._router.key_told,
                messages.Transfer: self._transfers.received,
                messages.TransferDone: self._transfers.done,
                messages.Attach: self._home_side.attach,
                messages.Attached: self._session_side.attached,
                messages.Detach: self._home_side.detach,
                messages.Push: self._session_side.pushed,
                messages.Matched: self._session_side.matched,
                messages.Prices: self._prices.heard,
                messages.FeedFrom: self._origin.subscribe,
                messages.FeedNext: self._origin.next_page,
                messages.FeedPage: self._subscriber.page,
                messages.FeedChanges: self._subscriber.changes,
                messages.Frozen: self._frozen.heard,
            }
        )

    def _show(self) -> None:
        gauge, gauges = self._metrics.gauge, self._metrics.gauges
        gauge("peers_up", "Other nodes to which there is a link", self._peers_up)
        gauge("requests_forwarded", "Requests under way to other nodes", lambda: len(self._router))
        gauge("transfers_unsent", "Transfers to other nodes that are not taken in yet", lambda: len(self._transfers))
        gauge(
            "transfers_held",
            "Transfers to stores of a data directory that was replaced; they wait for an operator",
            lambda: self._transfers.held,
        )
        gauge("players_attached", "Players of this node who are connected to others", lambda: len(self._home_side))
        gauge("players_elsewhere", "Players connected here who live elsewhere", lambda: len(self._session_side))
        gauges(
            "listing_feed_staleness_seconds",
            "How long ago a node's open listings were known to be all there are",
            "origin",
            self._subscriber.staleness_s,
        )
        gauges("listing_feed_rows", "Open listings of other nodes in the index", "origin", self._subscriber.rows)

    def _peers_up(self) -> float:
        return sum(self._network.is_up(node) for node in self._map().nodes if node != self.name)


def _loop(reactor: Reactor, act: Callable[[], None]) -> LoopingCall:
    loop = LoopingCall(act)
    loop.clock = cast(Any, reactor)
    return loop
