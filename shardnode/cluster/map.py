"""The map of a cluster: nodes, slots and acceptors. A value; nothing assumes that it stays as it is.

A store id says its slot, the map says the slot's node: its home. `version` grows with every change of the map, `epoch`
with every change of the acceptors or of a node's data directory, so each epoch has its own acceptor set.
"""

import functools

import msgspec

SLOTS_DEFAULT = 4096
NODES_MAX = 1_000
_BASE32 = {character: value for value, character in enumerate("abcdefghijklmnopqrstuvwxyz234567")}
_SLOT_CHARACTERS = 8
"""Leading characters of a store id that make its slot: 40 bits, far more than slots."""


class NodeEntry(msgspec.Struct, frozen=True):
    """One node of the cluster."""

    id: str
    host: str
    port: int
    url: str
    """Where clients reach it: ws://… or wss://…"""
    region: str
    since_epoch: int
    """The epoch in which this node's data directory joined: its stores' life, and its membership as acceptor."""


class ClusterMap(msgspec.Struct, frozen=True):
    """Who is in the cluster. `homes` maps every slot to a node id."""

    cluster: str
    """The cluster's random id, for ever."""
    version: int
    epoch: int
    nodes: dict[str, NodeEntry]
    homes: tuple[str, ...]
    acceptors: tuple[str, ...]

    def home_of(self, store: str) -> str:
        """The id of the node where a store lives."""
        homes = self.homes
        return homes[slot_of(store, len(homes))] if len(homes) > 1 else homes[0]

    def life_of(self, store: str) -> int:
        """Which life of a store this is: a replaced data directory begins another."""
        return self.nodes[self.home_of(store)].since_epoch


@functools.lru_cache(65_536)
def slot_of(store: str, slots: int) -> int:
    """The slot of a store id."""
    number = 0
    for character in store[:_SLOT_CHARACTERS]:
        number = number << 5 | _BASE32[character]
    return number % slots


def alone(node: str) -> ClusterMap:
    """The map of a house with one node."""
    entry = NodeEntry(node, "", 0, "", "", 1)
    return ClusterMap(cluster="", version=1, epoch=1, nodes={node: entry}, homes=(node,), acceptors=(node,))
