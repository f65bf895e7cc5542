"""Last prices of commodities, told by the homes of their markets to every other node.

    a trade is durable ──► the latest of each commodity, a few times a second: Prices ──► every other node
    a link is up ────────► all that were traded here since the start: Prices ──► that node

A node that was cut off hears of what it missed when the link is back, and what it has heard before is no news.
"""

from collections.abc import Callable, Collection, Iterator

import msgspec
from twisted.python.failure import Failure

from shardnode.cluster.map import ClusterMap
from shardnode.cluster.messages import Prices
from shardnode.cluster.network import PeerFault
from shardnode.cluster.ports import Home
from shardnode.cluster.post import Post
from shardnode.cluster.reactor import Reactor
from shardnode.wire.events import Price


class PriceLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of telling prices; there are as many as the world has commodities."""

    told_every_s: float = 0.25
    """How long it takes at least until other nodes hear of the same commodity again."""
    told_at_once: int = 1_000
    """Prices of one message."""


class LastPrices:
    """The latest trade of each commodity, as far as this start of the node has heard; `changed` hears of each."""

    def __init__(
        self,
        *,
        node: str,
        cluster_map: Callable[[], ClusterMap],
        post: Post,
        home: Home,
        reactor: Reactor,
        limits: PriceLimits,
        changed: Callable[[Price], None],
        failed: Callable[[Failure], None],
    ) -> None:
        self._node = node
        self._map = cluster_map
        self._post = post
        self._home = home
        self._reactor = reactor
        self._limits = limits
        self._changed = changed
        self._failed = failed
        self._own: dict[str, Price] = {}
        self._others: dict[str, Price] = {}
        self._untold: dict[str, Price] = {}
        self._told_at_s = reactor.seconds() - limits.told_every_s

    def traded(self, price: Price) -> None:
        """A market of this node has traded, durably."""
        self._own[price.commodity] = price
        self._changed(price)
        if len(self._map().nodes) > 1:
            if not self._untold:
                wait_s = self._told_at_s + self._limits.told_every_s - self._reactor.seconds()
                self._reactor.callLater(max(wait_s, 0.0), self._tell)
            self._untold[price.commodity] = price

    def link_up(self, node: str) -> None:
        """Tell another node what it may not have heard."""
        for message in self._messages(self._own.values()):
            self._post.send(node, message)

    def heard(self, node: str, message: Prices) -> None:
        """Another node's markets have traded. Raises PeerFault where they are not that node's."""
        for price in message.prices:
            if self._map().home_of(self._home.names.market_of(price.commodity)) != node:
                raise PeerFault(f"{node} tells the price of {price.commodity!r}, whose market is elsewhere")
            known = self._others.get(price.commodity)
            if known is None or (price != known and price.at_ms >= known.at_ms):
                self._others[price.commodity] = price
                self._changed(price)

    def _tell(self) -> None:
        try:
            untold, self._untold = self._untold, {}
            self._told_at_s = self._reactor.seconds()
            others = [node for node in self._map().nodes if node != self._node]
            for message in self._messages(untold.values()):
                self._post.send_all(others, message)
        except Exception:  # a bug of ours must stop the node, not end in the reactor's log
            self._failed(Failure())

    def _messages(self, prices: Collection[Price]) -> Iterator[Prices]:
        rows, size = tuple(prices), self._limits.told_at_once
        for first in range(0, len(rows), size):
            yield Prices(rows[first : first + size])
