"""The SDK for asyncio programs: calls return futures.

    client = await connect("ws://127.0.0.1:7117/ws", token)
    page = await client.search(category="swords", sort="price")

Autobahn serves one event loop a process, so a process uses this module or `clients.twisted_client`, never both.
"""

import asyncio
import logging
import random
import ssl
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol

from clients.client import SOCKET_OPTIONS, Client, SocketEvents
from clients.codec import Encoding, codec_for
from clients.session import Session, Settings

logging.getLogger("autobahn").addHandler(logging.NullHandler())  # a library says nothing unless its log is asked for


async def connect(
    url: str | Sequence[str],
    token: str | Callable[[], str],
    *,
    encoding: Encoding = "msgpack",
    settings: Settings | None = None,
    since: int | None = None,
    redirects: bool = True,
    ca_pem: str | None = None,
) -> "AsyncioClient":
    """Connect and log in. Raises Unavailable or Unauthenticated, and ValueError for what is no WebSocket's URL.

    `url` is a node, or several nodes of one house, tried in turn. With `redirects` the client goes on to the player's
    home when a node names it, which saves a hop within the house; without, and where that fails, any node serves it.
    `token` may be a function, asked again with every login, for tokens that expire. `since` is the `seq` of the last
    event that the program has seen: events begin after it, or else with this login. `ca_pem` is the certificate to
    trust for `wss`, in place of the machine's own.
    """
    loop = asyncio.get_running_loop()
    codec = codec_for(encoding)
    ask_token = token if callable(token) else lambda: token
    urls = (url,) if isinstance(url, str) else tuple(url)
    session = Session(urls, codec, ask_token, random.SystemRandom(), settings, since, redirects=redirects)
    factory_of = partial(_factory, loop, codec.subprotocol)
    for each in urls:
        factory_of(each)
    client = AsyncioClient(session, codec.subprotocol, binary=codec.binary, loop=loop)
    client.open_with(factory_of, ca_pem)
    connected: AsyncioClient = await client.begin()
    return connected


def _factory(loop: asyncio.AbstractEventLoop, subprotocol: str, url: str) -> Any:
    """Makes sockets to one node. Raises ValueError for what is no WebSocket's URL."""
    factory = WebSocketClientFactory(url, protocols=[subprotocol], loop=loop)
    factory.setProtocolOptions(**SOCKET_OPTIONS)
    return factory


class _Socket(SocketEvents, WebSocketClientProtocol):  # type: ignore[misc]  # Autobahn's own bases disagree
    def __init__(self, client: Client, attempt: int) -> None:
        super().__init__()
        self.client = client
        self.attempt = attempt


class AsyncioClient(Client):
    """A Client on an asyncio loop."""

    def __init__(self, session: Session, subprotocol: str, *, binary: bool, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._opening: asyncio.Task[None] | None = None
        super().__init__(session, subprotocol, binary=binary)

    def open_with(self, factory_of: Callable[[str], Any], ca_pem: str | None) -> None:
        """Open sockets from here on by the factory for a URL."""
        self._factory_of = factory_of
        self._ca_pem = ca_pem

    def _now_s(self) -> float:
        return self._loop.time()

    def _later(self, delay_s: float, action: Callable[[], None]) -> Callable[[], None]:
        return self._loop.call_later(delay_s, action).cancel

    def _soon(self, action: Callable[..., object], *args: object) -> None:
        self._loop.call_soon(action, *args)

    def _new_waiter(self) -> asyncio.Future[Any]:
        return self._loop.create_future()

    def _resolve(self, waiter: asyncio.Future[Any], result: object) -> None:
        if not waiter.done():
            waiter.set_result(result)

    def _reject(self, waiter: asyncio.Future[Any], error: Exception) -> None:
        if not waiter.done():
            waiter.set_exception(error)

    def _open_socket(self, attempt: int, url: str) -> None:
        self._opening = self._loop.create_task(self._open(attempt, url))

    async def _open(self, attempt: int, url: str) -> None:
        try:
            factory = self._factory_of(url)
            factory.protocol = partial(_Socket, self, attempt)
            tls = ssl.create_default_context(cadata=self._ca_pem) if factory.isSecure else None
            await self._loop.create_connection(factory, factory.host, factory.port, ssl=tls)
        except (OSError, ValueError) as error:
            self.socket_closed(attempt, f"cannot connect to {url}: {error}; is a house open there?")

    def _stop_opening(self) -> None:
        opening, self._opening = self._opening, None
        if opening is not None:
            opening.cancel()
