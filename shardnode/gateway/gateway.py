"""The gateway as the node's composition root sees it: made of ports, listening on one endpoint, told what to push."""

from functools import cache
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from auction.state import Notice
from shardnode.gateway.connection import ConnectionFactory
from shardnode.gateway.limits import GatewayLimits
from shardnode.gateway.occupancy import Occupancy
from shardnode.gateway.ports import Ports
from shardnode.gateway.presence import Presence
from shardnode.gateway.site import build_site
from shardnode.wire.events import WatchMatched
from shardnode.wire.openrpc import openrpc_document
from worlddata.types import Catalog


class Gateway:
    """All clients of one node. `site` is the protocol factory to listen with (`shardnode.gateway.listen`).

    `peers` is the factory of a cluster's links, which come in on the same port.
    """

    def __init__(
        self,
        *,
        reactor: IReactorTime,
        node: str,
        catalog: Catalog,
        limits: GatewayLimits,
        ports: Ports,
        peers: Any = None,
    ) -> None:
        self._presence = Presence(ports.joined, ports.left)
        self._occupancy = Occupancy(limits)
        self._connections = ConnectionFactory(
            reactor=reactor,
            node=node,
            catalog=catalog,
            limits=limits,
            ports=ports,
            presence=self._presence,
            occupancy=self._occupancy,
        )
        self.site = build_site(
            self._connections, reactor=reactor, limits=limits, ports=ports, openrpc=_encoded_openrpc, peers=peers
        )

    @property
    def sockets(self) -> int:
        """How many WebSockets are open."""
        return self._occupancy.sockets

    def is_present(self, player: str) -> bool:
        """Whether a player has a session here."""
        return self._presence.is_present(player)

    def push(self, player: str, notice: Notice) -> None:
        """Tell a player's sessions; call it only once the notice is durable, in the order of `seq`."""
        self._presence.push(player, notice)

    def match(self, player: str, matched: WatchMatched) -> None:
        """Tell a player's sessions that something they watch has come; nothing is kept for those that do not read."""
        self._presence.match(player, matched)

    def stop(self) -> "Deferred[None]":
        """Take no more calls, answer those under way, close every socket with 1001. Fires when all are gone, at the
        latest after `answer_within_s` and `close_within_s`.
        """
        return self._connections.stop()


@cache
def _encoded_openrpc() -> bytes:
    return msgspec.json.format(msgspec.json.encode(openrpc_document()), indent=2)
