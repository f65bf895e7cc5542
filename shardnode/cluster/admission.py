"""What speaks against another node that knows the cluster's secret: each reason with what to do about it."""

import hashlib
from typing import Protocol

import msgspec

from shardnode.cluster.handshake import Hello
from shardnode.cluster.map import ClusterMap
from shardnode.storage.facts import Peer


class Peers(Protocol):
    """What a node remembers of others, across restarts; asked and told in the reactor's thread."""

    def known(self, node: str) -> Peer | None:
        """What is remembered of a node, if it was ever accepted."""

    def remember(self, node: str, peer: Peer) -> None:
        """Remember this from now on; it goes into the journal before anything that is learnt from that node."""


def map_digest(cluster_map: ClusterMap) -> str:
    """A hash of all that nodes must agree on; not of addresses, under which networks may see a node differently."""
    agreed = (
        sorted((node.id, node.since_epoch) for node in cluster_map.nodes.values()),
        cluster_map.homes,
        sorted(cluster_map.acceptors),
    )
    return hashlib.sha256(msgspec.msgpack.encode(agreed)).hexdigest()[:32]


def objection(ours: Hello, theirs: Hello, *, dialled: str | None, known: Peer | None) -> str | None:
    """Why not to accept another node; None where nothing speaks against it.

    `dialled` is whom this node meant to reach, where it was the one to dial; `known` is what it remembers of the other.
    """
    return (
        _other_address(ours, theirs, dialled)
        or _other_cluster(ours, theirs)
        or _other_map(ours, theirs)
        or _other_world(ours, theirs)
        or (_other_directory(ours, theirs, known) if known is not None else None)
    )


def own_objection(node: str, since_epoch: int, known: Peer | None) -> str | None:
    """Why a node must not start on its own data directory, of which `known` is what it remembers of itself."""
    if known is None or known.since_epoch == since_epoch:
        return None
    return (
        f"{node}'s data directory joined in epoch {known.since_epoch}, but cluster.toml says that {node} began anew in "
        f"epoch {since_epoch}; start it on an empty directory, or give it the cluster.toml that belongs to this one"
    )


def _other_address(ours: Hello, theirs: Hello, dialled: str | None) -> str | None:
    if theirs.node == ours.node:
        return f"both are {ours.node}; give each node its own --node-id, and its own host and port in cluster.toml"
    if dialled not in (None, theirs.node):
        return f"{theirs.node} answers where {dialled} should; mend host and port in the cluster.toml of {ours.node}"
    return None


def _other_cluster(ours: Hello, theirs: Hello) -> str | None:
    if theirs.cluster != ours.cluster:
        return (
            f"{theirs.node} is of the cluster {theirs.cluster}, {ours.node} of {ours.cluster}; give both the same "
            "cluster.toml, and two clusters different secrets"
        )
    return None


def _other_map(ours: Hello, theirs: Hello) -> str | None:
    if (theirs.version, theirs.epoch, theirs.digest) == (ours.version, ours.epoch, ours.digest):
        return None
    if theirs.version == ours.version:
        return (
            f"the cluster.toml of {theirs.node} and of {ours.node} differ, but both say version {ours.version}; "
            "give all nodes the same file"
        )
    older, newer = sorted((ours, theirs), key=lambda hello: hello.version)
    return (
        f"{older.node} has version {older.version} (epoch {older.epoch}) of cluster.toml, {newer.node} has version "
        f"{newer.version} (epoch {newer.epoch}); give {older.node} the newer file"
    )


def _other_world(ours: Hello, theirs: Hello) -> str | None:
    if theirs.catalog != ours.catalog:
        return (
            f"{theirs.node} has the world {theirs.world} ({theirs.catalog}), {ours.node} has {ours.world} "
            f"({ours.catalog}); start all nodes with the same release and the same --rules"
        )
    return None


def _other_directory(ours: Hello, theirs: Hello, known: Peer) -> str | None:
    node = theirs.node
    if theirs.since_epoch < known.since_epoch:
        return (
            f"{ours.node} knows {node} since epoch {known.since_epoch}, but both have a cluster.toml that says "
            f"{theirs.since_epoch}; give both the newest file"
        )
    if theirs.since_epoch > known.since_epoch:
        if theirs.identity == known.identity:
            return f"{node} was replaced in epoch {theirs.since_epoch}, but has its old directory; give it an empty one"
        return None
    if theirs.identity != known.identity:
        return (
            f"{node}'s data directory is another one than {ours.node} knows: if it was replaced, run `auction cluster "
            f"replace {node} --cluster FILE` and give every node the new file; else give {node} its own directory back"
        )
    if theirs.position < known.position:
        return (
            f"{node}'s data directory is an old copy: its journal ends at {theirs.position}, and {ours.node} knows it "
            f"up to {known.position}; give {node} its latest directory or, if that is lost, an empty one and run "
            f"`auction cluster replace {node} --cluster FILE`"
        )
    return None
