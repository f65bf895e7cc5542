"""The node's HTTP: the WebSocket upgrade, and a few pages for machines and operators."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import msgspec
from autobahn.twisted.resource import WebSocketResource
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.http import Request as HTTPRequest
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from shardnode.gateway.connection import ConnectionFactory
from shardnode.gateway.limits import GatewayLimits
from shardnode.gateway.occupancy import Occupancy
from shardnode.gateway.ports import Ports
from shardnode.wire.errors import TokenExpired, TokenInvalid

TEXT = b"text/plain; charset=utf-8"
JSON = b"application/json"
PROMETHEUS = b"text/plain; version=0.0.4; charset=utf-8"


class PageAnswer(msgspec.Struct, frozen=True):
    """What a page shows: status, content type, content."""

    status: int
    content_type: bytes
    content: bytes


class Page(Resource):
    """One page, read with GET or HEAD, made anew for every request."""

    isLeaf = True

    def __init__(self, answer: Callable[[], PageAnswer]) -> None:
        super().__init__()
        self._answer = answer

    def render(self, request: Request) -> bytes:
        """Answer one request."""
        if request.method in (b"GET", b"HEAD"):
            answer = self._answer()
        else:
            request.setHeader(b"allow", b"GET, HEAD")
            answer = PageAnswer(405, TEXT, b"this page can only be read (GET)\n")
        request.setResponseCode(answer.status)
        request.setHeader(b"content-type", answer.content_type)
        request.setHeader(b"content-length", str(len(answer.content)).encode())
        return b"" if request.method == b"HEAD" else answer.content


class OperatorPage(Page):
    """A page for whoever brings an operator's token: `authorization: Bearer TOKEN`."""

    def __init__(self, answer: Callable[[], PageAnswer], ports: Ports) -> None:
        super().__init__(answer)
        self._ports = ports

    def render(self, request: Request) -> bytes:
        """Answer one request."""
        return super().render(request) if self._is_operators(request) else _FOR_OPERATORS.render(request)

    def _is_operators(self, request: Request) -> bool:
        scheme, _, token = (request.getHeader("authorization") or "").partition(" ")
        try:
            return scheme.lower() == "bearer" and self._ports.verify(token, self._ports.now_ms()).role == "operator"
        except (TokenInvalid, TokenExpired):
            return False


_FOR_OPERATORS = Page(
    lambda: PageAnswer(401, TEXT, b"this page is for operators: send `authorization: Bearer` and an operator's token\n")
)


class Root(Resource):
    """The top of the site: it has children only."""

    def getChild(self, path: bytes, request: Request) -> Resource:  # noqa: ARG002 - Twisted's interface
        """Whatever is not there."""
        return Page(
            lambda: PageAnswer(404, TEXT, b"there is no such page; see /openrpc.json for what this node serves\n")
        )


class BoundedRequest(Request):
    """An HTTP request whose body never grows: no page needs one."""

    channel: "Channel"
    content: BytesIO

    def gotLength(self, length: int | None) -> None:
        """A body of this length follows (None: unknown)."""
        if length is not None and length > self.channel.site.limits.http_body_bytes_max:
            self.channel.refuse_body()
            length = 0
        super().gotLength(length or 0)

    def handleContentChunk(self, data: bytes) -> None:
        """A part of the body."""
        if self.content.tell() + len(data) > self.channel.site.limits.http_body_bytes_max:
            self.channel.refuse_body()
        else:
            super().handleContentChunk(data)


class Channel(HTTPChannel):
    """One HTTP connection; after an upgrade `Connection` has its transport, and this never hears of it again."""

    site: "GatewaySite"
    transport: Any  # a TCP transport, or TLS over one; zope's interfaces say too little for a type checker

    def connectionMade(self) -> None:
        """A TCP connection was accepted; one too many is cut."""
        super().connectionMade()
        if not self.site.occupancy.connect():
            self.site.ports.metrics.limit_hit("tcp_connections_spare")
            self.transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """A TCP connection that was never upgraded is gone."""
        self.site.occupancy.disconnect()
        super().connectionLost(reason)

    def checkPersistence(self, request: HTTPRequest, version: bytes) -> bool:  # noqa: ARG002 - Twisted's interface
        """One page a connection: answers to requests that a client sends ahead would pile up, and hold everybody up."""
        request.responseHeaders.setRawHeaders(b"connection", [b"close"])
        return False

    def refuse_body(self) -> None:
        """Cut off a client that sends more than any page takes."""
        self.site.ports.metrics.limit_hit("http_body_bytes_max")
        self.transport.abortConnection()


class PeerResource(WebSocketResource):
    """Where other nodes come in. From here on a connection is theirs to count, and not among the clients' any more."""

    def __init__(self, listener: Any, occupancy: Occupancy) -> None:
        super().__init__(listener)
        self._occupancy = occupancy

    def render(self, request: Request) -> Any:
        """Hand one connection over."""
        self._occupancy.disconnect()
        return super().render(request)


class GatewaySite(Site):
    """HTTP/1.1 with the gateway's bounds. Requests are counted, not logged."""

    protocol = Channel  # type: ignore[assignment]  # HTTP/1.1 alone, without Twisted's choice of HTTP/2
    requestFactory = BoundedRequest

    def __init__(
        self,
        root: Resource,
        *,
        reactor: IReactorTime,
        limits: GatewayLimits,
        ports: Ports,
        occupancy: Occupancy,
    ) -> None:
        super().__init__(root, reactor=reactor, timeout=limits.http_idle_s, parsePOSTFormSubmission=False)
        self.limits = limits
        self.ports = ports
        self.occupancy = occupancy

    def log(self, request: HTTPRequest) -> None:
        """Nothing: `/metrics` is scraped every few seconds for years."""


def build_site(
    connections: ConnectionFactory,
    *,
    reactor: IReactorTime,
    limits: GatewayLimits,
    ports: Ports,
    openrpc: Callable[[], bytes],
    peers: Any = None,
) -> GatewaySite:
    """All that is served on the node's port; `peers` is the factory of a cluster's links, if there is a cluster."""

    def readyz() -> PageAnswer:
        if connections.stopping or not ports.ready():
            return PageAnswer(503, TEXT, b"not ready\n")
        return PageAnswer(200, TEXT, b"ready\n")

    children: dict[bytes, Any] = {
        b"ws": WebSocketResource(connections),
        b"healthz": Page(lambda: PageAnswer(200, TEXT, b"alive\n")),
        b"readyz": Page(readyz),
        b"metrics": Page(lambda: PageAnswer(200, PROMETHEUS, ports.render_metrics())),
        b"trades": OperatorPage(lambda: PageAnswer(200, JSON, msgspec.json.encode(ports.open_trades())), ports),
        b"openrpc.json": Page(lambda: PageAnswer(200, JSON, openrpc())),
    }
    if peers is not None:
        children[b"peer"] = PeerResource(peers, connections.occupancy)
    root = Root()
    for name, child in children.items():
        root.putChild(name, child)
    return GatewaySite(root, reactor=reactor, limits=limits, ports=ports, occupancy=connections.occupancy)
