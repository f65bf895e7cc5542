"""The measure of all figures: a bare Autobahn server that decodes each MessagePack message and sends it back.

`python -m load_tests.comparison.echo_server` prints `ready ws://H:P/` and serves until a signal ends it.
"""

from typing import Any

import click
import msgpack
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet.defer import Deferred
from twisted.internet.task import react

INTERFACE = "127.0.0.1"


class Echo(WebSocketServerProtocol):
    """One connection."""

    def onMessage(self, payload: bytes, is_binary: bool) -> None:
        """Send back what came, decoded and encoded once."""
        self.sendMessage(msgpack.packb(msgpack.unpackb(payload)), is_binary)  # type: ignore[no-untyped-call]  # Autobahn's


def serve(reactor: Any) -> "Deferred[None]":
    """Listen on a free port of this machine, for ever."""
    factory = WebSocketServerFactory()
    factory.protocol = Echo
    port = reactor.listenTCP(0, factory, interface=INTERFACE).getHost().port
    click.echo(f"ready ws://{INTERFACE}:{port}/")
    return Deferred()


if __name__ == "__main__":
    react(serve)
