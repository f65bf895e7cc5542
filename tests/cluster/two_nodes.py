"""Two nodes' links over real sockets, in a process of their own: `-m tests.cluster.two_nodes HOST [CERT KEY CA]`.

Prints what happened, as JSON: frames that arrived whole either way, or why there was no link; and what was left open.
"""

import json
import os
import random
import sys
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react
from twisted.logger import globalLogPublisher

from shardnode.cluster.dialler import connector
from shardnode.cluster.links import Links, Self
from shardnode.cluster.map import ClusterMap, NodeEntry
from shardnode.gateway.gateway import Gateway
from shardnode.gateway.limits import GatewayLimits
from shardnode.gateway.listen import ListenOptions, Tls, listen
from shardnode.storage.facts import Peer
from tests.cluster.wires import SECRET
from tests.gateway.rig import CATALOG, House

FRAMES = [bytes([number]) * size for number, size in enumerate((1, 70_000, 3_000_000, 0, 125, 1_000_000))]


class Talking:
    """A node that answers its peer's frames with the same, and ends the talk when all are back, or at a complaint."""

    def __init__(self, reactor: Any, name: str, maps: dict[str, ClusterMap], tls_ca: Path | None) -> None:
        self.back: list[bytes] = []
        self.all_back: Deferred[None] = Deferred()
        self.peers: dict[str, Peer] = {}
        self._is_first = name == "n1"
        self.links = Links(
            me=Self(name, f"{name}'s own", CATALOG.hash, CATALOG.version),
            cluster_map=lambda: maps["now"],
            secret=SECRET,
            position=lambda: 1,
            peers=self,
            events=self,
            reactor=reactor,
            connect=connector(reactor, tls_ca),
            tls=tls_ca is not None,
            jitter=random.random,
            random_bytes=os.urandom,
            metrics=self,
            failed=lambda failure: failure.raiseException(),
        )
        self.gateway = Gateway(
            reactor=reactor,
            node=name,
            catalog=CATALOG,
            limits=GatewayLimits(),
            ports=House().ports(),
            peers=self.links.listener,
        )

    def known(self, node: str) -> Peer | None:
        """What is remembered of a node."""
        return self.peers.get(node)

    def remember(self, node: str, peer: Peer) -> None:
        """Remember it."""
        self.peers[node] = peer

    def limit_hit(self, name: str) -> None:
        """No bound is met here."""
        raise AssertionError(name)

    def link_up(self, node: str) -> None:
        """The first node begins to talk."""
        if self._is_first:
            for frame in FRAMES:
                assert self.links.send(node, frame)

    def link_down(self, node: str) -> None:
        """The other one stopped first."""

    def received(self, node: str, frame: bytes) -> None:
        """The second node answers with the same."""
        self.back.append(frame)
        if not self._is_first:
            self.links.send(node, frame)
        elif len(self.back) == len(FRAMES):
            self.all_back.callback(None)


async def main(reactor: Any, host: str, *files: str) -> None:
    """The talk."""
    certificate, key, tls_ca = (Path(file) for file in files) if files else (None, None, None)
    tls = Tls(certificate, key) if certificate is not None and key is not None else None
    maps: dict[str, ClusterMap] = {}
    nodes = {name: Talking(reactor, name, maps, tls_ca) for name in ("n1", "n2")}
    ports = {
        name: await listen(reactor, node.gateway.site, ListenOptions(host="127.0.0.1", port=0, tls=tls))
        for name, node in nodes.items()
    }
    entries = {name: NodeEntry(name, host, port.getHost().port, "", "", 1) for name, port in ports.items()}
    maps["now"] = ClusterMap("c" * 32, 1, 1, entries, ("n1",), ("n1",))
    complaints: list[str] = []
    first = nodes["n1"]

    def complain(event: dict[str, Any]) -> None:
        if event["log_format"] == "unreachable":
            complaints.append(event["why"])
            reactor.callLater(0, lambda: first.all_back.called or first.all_back.callback(None))

    globalLogPublisher.addObserver(complain)
    for node in reversed(nodes.values()):
        node.links.start()
    await first.all_back
    globalLogPublisher.removeObserver(complain)
    for name, node in nodes.items():
        await ports[name].stopListening()
        await node.links.stop()
    counted = sum(node.gateway._occupancy.tcp_connections for node in nodes.values())
    left = [type(call).__name__ for call in reactor.getDelayedCalls() if call.func.__module__.startswith("shardnode")]
    json.dump(
        {
            "whole": [node.back == FRAMES for node in nodes.values()],
            "complaints": complaints,
            "left": left,
            "counted": counted,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    react(lambda reactor: Deferred.fromCoroutine(main(reactor, *sys.argv[1:])))
