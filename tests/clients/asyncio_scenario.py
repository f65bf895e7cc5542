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
        is_binary = self.websocket_protocol_in_use.endswith("msgpack")
        self.connection = self.factory.house.connect(self.factory.node, binary=is_binary)
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
    """Connect, call, batch, listen, watch, lose the socket, go on, move, close, and fail as one should."""
    house = FakeHouse()
    server, factory = await serve(house, encoding)
    url = factory.node
    other_server, other_factory = await serve(house, encoding)

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
    house.tell_of_watch("ann", commodity="iron", price=19, at_ms=5, volume=1)
    factory.sockets[0].flush()
    assert (await anext(client.matches())).watch == "ann.w1"
    factory.sockets[0].transport.abort()
    house.connections.clear()
    house.tell("ann")
    assert (await anext(events)).seq == 2
    assert (await client.bid("e.l1", 7)).winning
    assert len(house.executed) == 5

    house.homes["ann"] = other_factory.node
    assert (await client.bid("f.l1", 7)).winning
    assert len(house.executed) == 6
    assert [connection.url for connection in house.connections][-1] == other_factory.node
    other_server.close()
    other_factory.sockets[0].transport.abort()
    house.homes["ann"] = "ws://127.0.0.1:1/ws"
    assert (await client.bid("g.l1", 7)).winning
    house.tell("ann")
    factory.sockets[-1].flush()
    assert (await anext(events)).seq == 3
    await client.close()
    assert [event async for event in events] == []

    await expect(Unauthenticated, url, "forged", encoding)
    second = await connect(["ws://127.0.0.1:1/ws", url], "token-ben", encoding=encoding)
    assert second.player == "ben"
    await second.close()
    server.close()
    await expect(Unavailable, url, "token-ann", encoding)


async def serve(house: FakeHouse, encoding: Encoding) -> tuple[asyncio.Server, Any]:
    """Open one node of the house: its server, and the factory of its sockets."""
    loop = asyncio.get_running_loop()
    factory = WebSocketServerFactory(protocols=[codec_for(encoding).subprotocol], loop=loop)
    factory.protocol = _HouseSocket
    factory.house = house
    factory.sockets = []
    server = await loop.create_server(factory, "127.0.0.1", 0)
    factory.node = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ws"
    return server, factory


async def expect(error: type[Exception], url: str, token: str, encoding: Encoding) -> None:
    """Connecting fails with this error."""
    try:
        await connect(url, token, encoding=encoding)
    except error:
        return
    raise AssertionError(f"{error.__name__} was not raised")


if __name__ == "__main__":
    asyncio.run(asyncio.wait_for(scenario(sys.argv[1]), timeout=20))  # type: ignore[arg-type]  # what the test passes
