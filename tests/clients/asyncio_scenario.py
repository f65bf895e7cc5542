"""The asyncio edge against the house in memory, over loopback; run as a process of its own, because Autobahn serves one
event loop a process and the tests' own process has Twisted's.
"""

import asyncio
import sys
from typing import Any

from autobahn.asyncio.websocket import WebSocketServerFactory, WebSocketServerProtocol

from clients.asyncio_client import connect
from clients.codec import Encoding, codec_for
from clients.errors import Unauthenticated, Unavailable
from tests.clients.fake_house import FakeHouse


class _HouseSocket(WebSocketServerProtocol):
    """The house's end of a WebSocket."""

    def onConnect(self, request: Any) -> str | None:
        """Choose the first subprotocol offered that the house speaks."""
        return next((name for name in request.protocols if name in self.factory.protocols), None)

    def onOpen(self) -> None:
        """Let the house say hello."""
        self.factory.sockets.append(self)
        self.connection = self.factory.house.connect(binary=self.websocket_protocol_in_use.endswith("msgpack"))
        self.flush()

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: ARG002, N803 - Autobahn's signature
        """Let the house answer."""
        self.connection.receive(payload)
        self.flush()

    def flush(self) -> None:
        """Send what the house wants to send."""
        for message in self.connection.sent:
            self.sendMessage(message, self.connection.binary)
        self.connection.sent.clear()


async def scenario(encoding: Encoding) -> None:
    """Connect, call, batch, listen, lose the socket, go on, close, and fail as one should."""
    loop = asyncio.get_running_loop()
    factory = WebSocketServerFactory(protocols=[codec_for(encoding).subprotocol], loop=loop)
    factory.protocol = _HouseSocket
    factory.house = house = FakeHouse()
    factory.sockets = []
    server = await loop.create_server(factory, "127.0.0.1", 0)
    url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws"

    client = await connect(url, "token-ann", encoding=encoding)
    assert client.player == "ann"
    assert (await client.bid("a.l1", 7)).winning
    with client.batch():
        calls = [client.bid(f"{name}.l1", 7) for name in "bcd"]
    assert all(result.winning for result in await asyncio.gather(*calls))

    events = client.events()
    house.tell("ann")
    factory.sockets[0].flush()
    assert (await anext(events)).seq == 1
    factory.sockets[0].transport.abort()
    house.connections.clear()
    house.tell("ann")
    assert (await anext(events)).seq == 2
    assert (await client.bid("e.l1", 7)).winning
    assert len(house.executed) == 5
    await client.close()
    assert [event async for event in events] == []

    await expect(Unauthenticated, url, "forged", encoding)
    server.close()
    await expect(Unavailable, url, "token-ann", encoding)


async def expect(error: type[Exception], url: str, token: str, encoding: Encoding) -> None:
    """Connecting fails with this error."""
    try:
        await connect(url, token, encoding=encoding)
    except error:
        return
    raise AssertionError(f"{error.__name__} was not raised")


if __name__ == "__main__":
    asyncio.run(asyncio.wait_for(scenario(sys.argv[1]), timeout=20))  # type: ignore[arg-type]  # what the test passes
