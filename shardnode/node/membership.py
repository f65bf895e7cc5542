"""A node's place in its cluster, as the composition root puts it together: links, what is known of peers, cluster.toml.

A house of one node has none of it.
"""

import os
import random
from collections.abc import Callable
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from shardnode.cluster.admission import own_objection
from shardnode.cluster.dialler import connector
from shardnode.cluster.file import ClusterConfig, ClusterFault
from shardnode.cluster.links import Links, Self
from shardnode.cluster.map import ClusterMap
from shardnode.cluster.network import Network, NetworkEvents
from shardnode.cluster.watcher import Watcher
from shardnode.node.known_peers import KnownPeers
from shardnode.node.node import Node
from shardnode.ops.metrics import Metrics
from shardnode.storage.facts import Peer
from shardnode.storage.port import Recovered
from worlddata.types import Catalog


class Membership:
    """One node's. Raises ClusterFault where it must not take part on this data directory.

    `running` gives the node, from `start` on; `replaced` hears, in words, that an operator gave this node's place to
    another data directory.
    """

    def __init__(
        self,
        *,
        name: str,
        running: Callable[[], Node],
        cluster: ClusterConfig,
        catalog: Catalog,
        recovered: Recovered,
        facts: dict[str, bytes],
        reactor: Any,
        metrics: Metrics,
        replaced: Callable[[str], None],
        failed: Callable[[Failure], None],
    ) -> None:
        self.map = cluster.map
        self._running = running
        self._peers = KnownPeers(facts, self._note)
        self._me = Peer(recovered.identity, cluster.map.nodes[name].since_epoch, recovered.position)
        self._name = name
        why_not = own_objection(name, self._me.since_epoch, self._peers.known(name))
        if why_not is not None:
            raise ClusterFault(why_not)
        connect = connector(reactor, cluster.tls_ca)
        me = Self(name, recovered.identity, catalog=catalog.hash, world=catalog.version)
        self._links_to: Callable[[NetworkEvents], Links] = lambda events: Links(
            me=me,
            cluster_map=lambda: self.map,
            secret=cluster.secret,
            position=self._position,
            peers=self._peers,
            events=events,
            reactor=reactor,
            connect=connect,
            tls=cluster.tls_ca is not None,
            jitter=random.random,
            random_bytes=os.urandom,
            metrics=metrics,
            failed=failed,
        )
        self._links: Links
        self._watcher = Watcher(reactor, cluster.path, name, cluster.map, self._remap, replaced, failed)

    def network_of(self, events: NetworkEvents) -> Network:
        """The links, which tell `events` from `start` on."""
        self._links = self._links_to(events)
        return self._links

    @property
    def listener(self) -> Any:
        """What is served at `/peer`."""
        return self._links.listener

    def start(self) -> None:
        """Begin to dial and to be dialled, and to watch cluster.toml."""
        self._peers.remember(self._name, self._me)
        self._links.start()
        self._watcher.start()

    def stop(self) -> "Deferred[None]":
        """Fires when all links are gone."""
        self._watcher.stop()
        return self._links.stop()

    def _remap(self, cluster_map: ClusterMap) -> None:
        self.map = cluster_map
        self._running().remap(cluster_map)
        self._links.map_changed()

    def _position(self) -> int:
        return self._running().durable()

    def _note(self, facts: dict[str, msgspec.Struct | None]) -> None:
        self._running().records.note(facts)
