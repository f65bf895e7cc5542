"""A stop by signal in the middle of trading: everything answered is there, and nothing has to be mended."""

import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet.endpoints import TCP4ClientEndpoint

from clients.codec import Message, codec_for
from clients.twisted_client import connect
from tests.crash.crowd import SERVICE
from tests.crash.house import NEVER, House
from tests.crash.loop import Loop
from tests.processes import Nodes

ANSWERS = 150
STOP_S = 10.0
REQUESTS = 600
"""More than a node answers at once."""
GOING_AWAY = 1001
CODEC = codec_for("msgpack")


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_under_load_loses_nothing(nodes: Nodes, loop: Loop, by: signal.Signals) -> None:
    """A signal ends the node within ten seconds, each stash in its player's own file, and the next start goes on."""
    house = House(nodes, loop, seed=7)
    node = house.serve_and_trade(ANSWERS, NEVER)
    began_s = time.monotonic()
    node.process.send_signal(by)
    assert house.until_ended(node) == 0, node.log
    house.trade.cut_off()
    assert time.monotonic() - began_s < STOP_S
    left = {path.name for path in house.data.rglob("*")}
    assert not left & {"node.pid", "node.url"}
    assert not [name for name in left if name.endswith(("-wal", "-shm"))]
    stashes = dict(read_stash(file) for file in house.data.glob("stores/*/*.sqlite"))

    house.serve()
    held = loop.run(house.crowd.look())
    assert stashes == {player: holdings.items for player, holdings in held.items()}
    house.assert_nothing_is_lost()


def test_a_stop_answers_what_was_taken(nodes: Nodes, loop: Loop) -> None:
    """Whoever is connected is answered or closed with 1001: what was answered happened, what was not did not."""
    node = nodes.start()
    line = Line.open(loop, node.url(), nodes.token(SERVICE, "service"))
    for number in range(REQUESTS):
        line.ask(number, "admin.grant", {"player": "ash", "gold": 1, "key": f"key-{number}"})
    loop.until(lambda: bool(line.answers))
    node.process.terminate()
    loop.until(lambda: line.close_code is not None)
    assert line.close_code == GOING_AWAY
    assert node.exit_code() == 0, node.log
    assert len({answer.id for answer in line.answers}) == len(line.answers)
    refused = [answer.error for answer in line.answers if answer.error is not None]
    assert all(error.data is not None and error.data["reason"] == "unavailable" for error in refused)

    ash = loop.run(connect(nodes.start().url(), nodes.token("ash"), reactor=loop.reactor))
    wallet = loop.run(ash.wallet())
    ash.close()
    assert 0 < wallet.gold.available == len(line.answers) - len(refused)


def read_stash(file: Path) -> tuple[str, set[str]]:
    """Whose store it is, and the items in it, as anybody reads them who has SQLite."""
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
        ((player,),) = database.execute("SELECT name FROM store").fetchall()
        return player, {item for (item,) in database.execute("SELECT item FROM items")}


class Line(WebSocketClientProtocol):
    """A WebSocket that keeps every answer, and how it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.is_ready = False
        self.answers: list[Message] = []
        self.close_code: int | None = None

    @classmethod
    def open(cls, loop: Loop, url: str, token: str) -> "Line":
        """A line to a node, logged in."""
        headers = {"Authorization": f"Bearer {token}"}
        factory = WebSocketClientFactory(url, protocols=[CODEC.subprotocol], headers=headers, reactor=loop.reactor)
        factory.protocol = cls
        endpoint: Any = TCP4ClientEndpoint(loop.reactor, factory.host, factory.port)
        line: Line = loop.run(endpoint.connect(factory))
        loop.until(lambda: line.is_ready)
        return line

    def ask(self, number: int, method: str, params: dict[str, Any]) -> None:
        """Send a request; its answer will carry the number."""
        self.sendMessage(CODEC.request(number, method, params), True)

    def onOpen(self) -> None:
        """The handshake succeeded."""
        self.is_ready = True

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: ARG002, N803 - Autobahn's signature
        """A message came in."""
        message = CODEC.read(payload)
        assert isinstance(message, Message)
        if message.id is not None:
            self.answers.append(message)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:  # noqa: ARG002 - as above
        """The node, or something on the way, closed it."""
        self.close_code = code
