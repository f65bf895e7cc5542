"""`cluster.toml`: who is in the cluster, and the secrets beside it. Every node has the same file, or a newer one.

    [cluster]            id, version, epoch, slots, acceptors, secret, naming_key, token_key, optional tls_ca
    [[node]] per node    id, host, port, url, region, slots, since_epoch

Peers dial `host` and `port`, clients are sent to `url`. A node takes its slots as ranges, both ends included; one
without slots holds no stores and is an acceptor only. Files are named from the directory in which cluster.toml lies.
"""

import os
import secrets
import tomllib
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import msgspec

from auction.ids import NAMING_KEY_BYTES
from shardnode.cluster.map import NODES_MAX, SLOTS_DEFAULT, ClusterMap, NodeEntry

CLUSTER_FILE = "cluster.toml"
SECRET_FILE = "cluster.secret"  # noqa: S105 - a file's name
NAMING_KEY_FILE = "naming.key"
TOKEN_KEY_FILE = "token-key.pem"  # noqa: S105 - a file's name
"""As in a data directory, so that `auction token` finds it in the cluster's directory as well."""
SECRET_BYTES = 32
FILE_BYTES_MAX = 4_194_304
ACCEPTORS = (1, 3, 5)
"""How many acceptors there may be: an even number costs one more and survives no more losses."""
READABLE_BY_OTHERS = 0o007


class ClusterFault(Exception):
    """The cluster's file cannot be used; the text says which part and what to do."""


class ClusterConfig(msgspec.Struct, frozen=True):
    """What a node learns from cluster.toml and from the files that it names."""

    path: Path
    map: ClusterMap
    secret: bytes
    """By which nodes know one another."""
    naming_key: bytes
    """By which names become store ids."""
    token_key: Path
    """The private key that signs players' tokens, PEM."""
    tls_ca: Path | None
    """Who signed the nodes' certificates, PEM; without it, nodes talk in the clear."""


NodeId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{1,32}\Z")]
Positive = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
FileName = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]{1,4096}\Z")]


class _ClusterTable(msgspec.Struct, forbid_unknown_fields=True):
    id: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}\Z")]
    version: Positive
    epoch: Positive
    acceptors: list[NodeId]
    secret: FileName
    naming_key: FileName
    token_key: FileName
    slots: Annotated[int, msgspec.Meta(ge=1, le=65_536)] = SLOTS_DEFAULT
    tls_ca: FileName | None = None


class _NodeTable(msgspec.Struct, forbid_unknown_fields=True):
    id: NodeId
    host: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.:_-]{1,253}\Z")]
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)]
    url: Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,1024}\Z")]
    region: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9 ._-]{0,64}\Z")] = ""
    slots: list[Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,5}(-[0-9]{1,5})?\Z")]] = []
    since_epoch: Positive = 1


class _File(msgspec.Struct, forbid_unknown_fields=True):
    cluster: _ClusterTable
    node: Annotated[list[_NodeTable], msgspec.Meta(min_length=1, max_length=NODES_MAX)]


def read_cluster(path: Path) -> ClusterConfig:
    """The cluster as its file tells it, and its secrets. Raises ClusterFault."""
    file = _read(path)
    table, beside = file.cluster, path.parent
    return ClusterConfig(
        path=path,
        map=_map(path, file),
        secret=_hex_file(beside / table.secret, SECRET_BYTES),
        naming_key=_hex_file(beside / table.naming_key, NAMING_KEY_BYTES),
        token_key=_private_file(beside / table.token_key),
        tls_ca=None if table.tls_ca is None else _there(beside / table.tls_ca),
    )


def read_map(path: Path) -> ClusterMap:
    """The map alone, without a look at the secrets. Raises ClusterFault."""
    return _map(path, _read(path))


def make_cluster(directory: Path, nodes: list[NodeEntry]) -> Path:
    """Write cluster.toml and new secrets for nodes that share the slots evenly; returns the file's path.

    The token key is not made here: `shardnode.gateway.tokens` makes it as TOKEN_KEY_FILE. Raises OSError.
    """
    path = directory / CLUSTER_FILE
    directory.mkdir(parents=True, exist_ok=True)
    for name, length in ((SECRET_FILE, SECRET_BYTES), (NAMING_KEY_FILE, NAMING_KEY_BYTES)):
        _install(directory / name, f"{secrets.token_hex(length)}\n", 0o600)
    table = _ClusterTable(
        id=secrets.token_hex(16),
        version=1,
        epoch=1,
        acceptors=[node.id for node in nodes[: max(count for count in ACCEPTORS if count <= len(nodes))]],
        secret=SECRET_FILE,
        naming_key=NAMING_KEY_FILE,
        token_key=TOKEN_KEY_FILE,
    )
    bounds = [SLOTS_DEFAULT * number // len(nodes) for number in range(len(nodes) + 1)]
    tables = [
        _NodeTable(node.id, node.host, node.port, node.url, node.region, [f"{first}-{after - 1}"], node.since_epoch)
        for node, (first, after) in zip(nodes, pairwise(bounds), strict=True)
    ]
    _install(path, _toml(_File(table, tables)), 0o644)
    return path


def replace_node(path: Path, node: str) -> ClusterMap:
    """Say that a node begins anew on an empty data directory: another epoch and version. Raises ClusterFault."""
    file = _read(path)
    _map(path, file)
    found = [table for table in file.node if table.id == node]
    if not found:
        raise ClusterFault(f"{path}: there is no node {node!r}; the nodes are {_names(file)}")
    file.cluster.version += 1
    file.cluster.epoch += 1
    found[0].since_epoch = file.cluster.epoch
    try:
        _install(path, _toml(file), path.stat().st_mode & 0o777)
    except OSError as error:
        raise ClusterFault(f"{path}: cannot be written ({error.strerror}); nothing has changed") from error
    return _map(path, file)


def check_live(path: Path, old: ClusterMap, new: ClusterMap) -> None:
    """Whether a running node can take a changed map from `path` over. Raises ClusterFault where it cannot."""
    if new.cluster != old.cluster:
        raise ClusterFault(f"{path}: is another cluster's; put this cluster's own file back")
    if new.version <= old.version or new.epoch < old.epoch:
        raise ClusterFault(
            f"{path}: has changed, but has version {new.version} and epoch {new.epoch}, and here are {old.version} and "
            f"{old.epoch}; every change has a higher version"
        )
    if new.nodes.keys() != old.nodes.keys() or new.homes != old.homes or new.acceptors != old.acceptors:
        raise ClusterFault(
            f"{path}: nodes, slots and acceptors do not change while nodes run; stop all nodes and start them with it"
        )
    if any(new.nodes[node].since_epoch < entry.since_epoch for node, entry in old.nodes.items()):
        raise ClusterFault(f"{path}: a node's since_epoch never goes back; put it right")


def _read(path: Path) -> _File:
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
        if len(content) > FILE_BYTES_MAX:
            raise ClusterFault(f"{path}: is longer than {FILE_BYTES_MAX} bytes; name the cluster's file")
        return msgspec.convert(tomllib.loads(content.decode()), _File)
    except OSError as error:
        raise ClusterFault(f"{path}: cannot be read ({error.strerror}); name the cluster's file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ClusterFault(f"{path}: is not TOML: {error}; mend it there") from error
    except msgspec.ValidationError as error:
        raise ClusterFault(f"{path}: {error}; mend it there (docs/operating.md describes the file)") from error


def _map(path: Path, file: _File) -> ClusterMap:
    table = file.cluster
    for told, values in (
        ("the node id", [node.id for node in file.node]),
        ("the address", [(node.host, node.port) for node in file.node]),
    ):
        for value, count in Counter(values).items():
            if count > 1:
                raise ClusterFault(f"{path}: {told} {_shown(value)} is given to {count} nodes; each has its own")
    for node in file.node:
        _check_node(path, node, table.epoch)
    _check_acceptors(path, file)
    return ClusterMap(
        cluster=table.id,
        version=table.version,
        epoch=table.epoch,
        nodes={n.id: NodeEntry(n.id, n.host, n.port, n.url, n.region, n.since_epoch) for n in file.node},
        homes=_homes(path, file),
        acceptors=tuple(table.acceptors),
    )


def _check_node(path: Path, node: _NodeTable, epoch: int) -> None:
    if not node.url.startswith(("ws://", "wss://")):
        raise ClusterFault(
            f"{path}: node {node.id}: {node.url!r} is no URL for clients; write one as ws://… or wss://…"
        )
    if node.since_epoch > epoch:
        raise ClusterFault(f"{path}: node {node.id}: since_epoch {node.since_epoch} is after epoch {epoch}; mend it")


def _check_acceptors(path: Path, file: _File) -> None:
    acceptors = file.cluster.acceptors
    if len(acceptors) not in ACCEPTORS:
        raise ClusterFault(
            f"{path}: {len(acceptors)} acceptors; name 1, 3 or 5: a majority decides, and an even number survives no "
            "more losses than one fewer does"
        )
    for name in acceptors:
        if acceptors.count(name) > 1:
            raise ClusterFault(f"{path}: the acceptor {name} is named twice; name different nodes")
        if all(node.id != name for node in file.node):
            raise ClusterFault(f"{path}: the acceptor {name} is no node; the nodes are {_names(file)}")


def _homes(path: Path, file: _File) -> tuple[str, ...]:
    """Every slot's node; each slot has exactly one."""
    slots = file.cluster.slots
    homes: list[str | None] = [None] * slots
    for node in file.node:
        for written in node.slots:
            first, _, last = written.partition("-")
            span = range(int(first), int(last or first) + 1)
            if not span or span.stop > slots:
                raise ClusterFault(
                    f"{path}: node {node.id}: {written!r} is no range within 0-{slots - 1}; mend its slots"
                )
            for slot in span:
                if homes[slot] is not None:
                    raise ClusterFault(f"{path}: slot {slot} is given to {homes[slot]} and to {node.id}; take one away")
                homes[slot] = node.id
    whole = tuple(home for home in homes if home is not None)
    if len(whole) < slots:
        raise ClusterFault(f"{path}: slot {homes.index(None)} is given to no node; give out all of 0-{slots - 1}")
    return whole


def _hex_file(path: Path, length: int) -> bytes:
    text = _private_file(path).read_text("ascii", "replace").strip()
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        secret = b""
    if len(secret) != length:
        raise ClusterFault(f"{path}: does not hold {length} bytes as {2 * length} hexadecimal digits; copy it anew")
    return secret


def _private_file(path: Path) -> Path:
    if _there(path).stat().st_mode & READABLE_BY_OTHERS:
        raise ClusterFault(f"{path}: everybody on this machine may read or change it; take that away: chmod 600 {path}")
    return path


def _there(path: Path) -> Path:
    if not path.is_file() or not os.access(path, os.R_OK):
        raise ClusterFault(f"{path}: is not there, or not for this user to read; copy it from another node")
    return path


def _install(path: Path, text: str, mode: int) -> None:
    """Write a file whole or not at all, durably, in the place of another if there is one."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _toml(file: _File) -> str:
    lines = ["# The same on every node; docs/operating.md describes it. `auction cluster replace` rewrites this file."]
    for heading, table in (("[cluster]", file.cluster), *(("[[node]]", node) for node in file.node)):
        lines += ["", heading]
        lines += [
            f"{name} = {_toml_value(value)}" for name, value in msgspec.to_builtins(table).items() if value is not None
        ]
    return "\n".join(lines) + "\n"


def _toml_value(value: Any) -> str:
    """Integers, strings and lists of strings are written in TOML as in JSON."""
    return msgspec.json.encode(value).decode().replace('","', '", "')


def _names(file: _File) -> str:
    return ", ".join(node.id for node in file.node)


def _shown(value: object) -> str:
    return ":".join(map(str, value)) if isinstance(value, tuple) else str(value)
