"""The SDK for Twisted programs: calls return Deferreds, to be awaited or chained.

client = await connect("ws://127.0.0.1:7117/ws", token)
page = await client.search(category="swords", sort="price")
"""

import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates
from twisted.python.failure import Failure

from clients.client import SOCKET_OPTIONS, Client, SocketEvents
from clients.codec import Encoding, codec_for
from clients.session import Session, Settings

Way = tuple[Any, Any]
"""To one node: the factory of its sockets, and the endpoint over which they connect."""


def connect(
    url: str | Sequence[str],
    token: str | Callable[[], str],
    *,
    reactor: Any = None,
    encoding: Encoding = "msgpack",
    settings: Settings | None = None,
    since: int | None = None,
    redirects: bool = True,
    ca_pem: str | None = None,
) -> "Deferred[TwistedClient]":
    """Connect and log in; fires with the client, or fails with Unavailable or Unauthenticated. Raises ValueError for
    what is no WebSocket's URL.

    `url` is a node, or several nodes of one house, tried in turn. With `redirects` the client goes on to the player's
    home when a node names it, which saves a hop within the house; without, and where that fails, any node serves it.
    `token` may be a function, asked again with every login, for tokens that expire. `since` is the `seq` of the last
    event that the program has seen: events begin after it, or else with this login. `ca_pem` is the certificate to
    trust for `wss`, in place of the machine's own.
    """
    if reactor is None:
        from twisted.internet import reactor  # here, because importing it installs it
    codec = codec_for(encoding)
    ask_token = token if callable(token) else lambda: token
    urls = (url,) if isinstance(url, str) else tuple(url)
    session = Session(urls, codec, ask_token, random.SystemRandom(), settings, since, redirects=redirects)
    way_to = partial(_way, reactor, codec.subprotocol, ca_pem)
    for each in urls:
        way_to(each)
    client = TwistedClient(session, codec.subprotocol, binary=codec.binary, reactor=reactor)
    client.open_with(way_to)
    return cast("Deferred[TwistedClient]", client.begin())


def _way(reactor: Any, subprotocol: str, ca_pem: str | None, url: str) -> Way:
    """Raises ValueError for what is no WebSocket's URL."""
    factory = WebSocketClientFactory(url, protocols=[subprotocol], reactor=reactor)
    factory.setProtocolOptions(**SOCKET_OPTIONS)
    endpoint: Any = HostnameEndpoint(reactor, factory.host, factory.port)
    if factory.isSecure:
        trust = trustRootFromCertificates([Certificate.loadPEM(ca_pem.encode())]) if ca_pem else None
        endpoint = wrapClientTLS(optionsForClientTLS(factory.host, trust), endpoint)
    return factory, endpoint


class _Socket(SocketEvents, WebSocketClientProtocol):  # type: ignore[misc]  # Autobahn's own bases disagree
    def __init__(self, client: Client, attempt: int) -> None:
        super().__init__()
        self.client = client
        self.attempt = attempt


class TwistedClient(Client):
    """A Client on a Twisted reactor."""

    def __init__(self, session: Session, subprotocol: str, *, binary: bool, reactor: Any) -> None:
        self._reactor = reactor
        self._opening: Deferred[Any] | None = None
        super().__init__(session, subprotocol, binary=binary)

    def open_with(self, way_to: Callable[[str], Way]) -> None:
        """Open sockets from here on by the way to a URL."""
        self._way_to = way_to

    def _now_s(self) -> float:
        return cast("float", self._reactor.seconds())

    def _later(self, delay_s: float, action: Callable[[], None]) -> Callable[[], None]:
        return cast("Callable[[], None]", self._reactor.callLater(delay_s, action).cancel)

    def _soon(self, action: Callable[..., object], *args: object) -> None:
        self._reactor.callLater(0, action, *args)

    def _new_waiter(self) -> "Deferred[Any]":
        return Deferred()

    def _resolve(self, waiter: "Deferred[Any]", result: object) -> None:
        if not waiter.called:
            waiter.callback(result)

    def _reject(self, waiter: "Deferred[Any]", error: Exception) -> None:
        if not waiter.called:
            waiter.errback(error)

    def _open_socket(self, attempt: int, url: str) -> None:
        self._opening = opening = maybeDeferred(self._connect, attempt, url)
        opening.addCallbacks(self._opened, self._not_opened, errbackArgs=(attempt, url))

    def _connect(self, attempt: int, url: str) -> "Deferred[Any]":
        factory, endpoint = self._way_to(url)
        factory.protocol = partial(_Socket, self, attempt)
        return cast("Deferred[Any]", endpoint.connect(factory))

    def _opened(self, socket: object) -> None:  # noqa: ARG002 - the socket tells us itself when it is ready
        self._opening = None

    def _not_opened(self, failure: Failure, attempt: int, url: str) -> None:
        self._opening = None
        self.socket_closed(attempt, f"cannot connect to {url}: {failure.getErrorMessage()}; is a house open there?")

    def _stop_opening(self) -> None:
        opening, self._opening = self._opening, None
        if opening is not None:
            opening.cancel()
