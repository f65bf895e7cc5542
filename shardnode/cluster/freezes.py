"""What is frozen, as this node knows it: every node decides by its own knowledge, without asking anybody.

    home of the house's store                       every other node
    a change is durable: Frozen ──────────────────► keeps it, if it is newer than what it has, and decides by it
    a link is up: Frozen ◄────────────────────────► the same, either way: so one that was cut off catches up
    now and then: Frozen ─────────────────────────► the same: a frame may be lost on a link that stays

The home tells the others no later than it answers its operator, on the links on which everything else comes as well:
a linked node knows after one message's way, and before anything that its peer does then. One that is cut off does not
know, and goes on.
"""

from collections import Counter
from collections.abc import Callable, Mapping

import msgspec
from twisted.logger import Logger

from auction.freezes import NOTHING_FROZEN, Freezes
from shardnode.cluster.map import ClusterMap
from shardnode.cluster.messages import Frozen
from shardnode.cluster.ports import Home
from shardnode.cluster.post import Post
from shardnode.ops.metrics import Metrics
from shardnode.storage.facts import FREEZES

TOLD_AGAIN_S = 2.0
"""How often the home says again what is frozen."""

log = Logger()


class FrozenThings:
    """The newest Freezes that this node has heard of; `facts` has those that it knew when it stopped."""

    def __init__(
        self,
        *,
        node: str,
        cluster_map: Callable[[], ClusterMap],
        post: Post,
        home: Home,
        facts: Mapping[str, bytes],
        seconds: Callable[[], float],
        metrics: Metrics,
    ) -> None:
        self._node = node
        self._map = cluster_map
        self._post = post
        self._home = home
        self._seconds = seconds
        self._told_at_s = seconds()
        known = facts.get(FREEZES)
        self.current = NOTHING_FROZEN if known is None else msgspec.json.decode(known, type=Freezes)
        metrics.gauges("frozen", "Things that are not traded now, by what they are", "what", self._count)

    def changed(self, freezes: Freezes) -> None:
        """The house's own store is here, and this is what it says, durably."""
        if self._take(freezes):
            self._tell_all()

    def heard(self, _node: str, message: Frozen) -> None:
        """Another node knows this to be frozen."""
        if self._take(message.freezes):
            self._home.keep({FREEZES: message.freezes})

    def link_up(self, node: str) -> None:
        """Tell another node what is known here."""
        if self.current.version:
            self._post.send(node, Frozen(self.current))

    def tick(self) -> None:
        """Tell all others again, at home; to be called now and then."""
        is_due = self._seconds() - self._told_at_s >= TOLD_AGAIN_S
        if is_due and self.current.version and self._map().home_of(self._home.names.house) == self._node:
            self._tell_all()

    def _tell_all(self) -> None:
        self._told_at_s = self._seconds()
        others = [node for node in self._map().nodes if node != self._node]
        self._post.send_all(others, Frozen(self.current))

    def _take(self, freezes: Freezes) -> bool:
        """Decide by these from now on, if they are newer."""
        known = self.current
        if freezes.version <= known.version:
            return False
        self.current = freezes
        for name, row in freezes.rows.items():
            if known.rows.get(name) != row:
                log.warn("trading is stopped", what=name, claims=row.claims, by=row.by)
        for name in known.rows.keys() - freezes.rows.keys():
            log.warn("trading goes on", what=name)
        return True

    def _count(self) -> dict[str, float]:
        counted = Counter(row.what for row in self.current.rows.values())
        return {what: float(counted[what]) for what in ("house", "category", "commodity", "player")}
