"""The Twisted edge: real WebSocket frames between the client and the house in memory, over pipes and a fake clock."""

from random import Random
from typing import Any

import pytest
from autobahn.twisted.websocket import (
    WebSocketClientFactory,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.error import ConnectError
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.test.iosim import FakeTransport, connect

from auction.state import Notice
from clients.client import SOCKET_OPTIONS
from clients.codec import codec_for
from clients.errors import AuctionError, EventsMissed, Unauthenticated, Unavailable
from clients.session import Session
from clients.twisted_client import TwistedClient, Way
from clients.watched import Match
from shardnode.wire.events import ListingsMatched, PriceMatched
from tests.clients.fake_house import FakeHouse, listing_of

URL = "ws://house.example:7117/ws"
OTHER_URL = "ws://house.example:7118/ws"


class _HouseSocket(WebSocketServerProtocol):
    """The house's end of a WebSocket."""

    def onConnect(self, request: Any) -> str | None:
        """Choose the first subprotocol offered that the house speaks."""
        return next((name for name in request.protocols if name in self.factory.protocols), None)

    def onOpen(self) -> None:
        """Let the house say hello."""
        is_binary = self.websocket_protocol_in_use.endswith("msgpack")
        self.connection = self.factory.house.connect(self.factory.url, binary=is_binary)
        self.flush()

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N803 - Autobahn's name
        """Let the house answer."""
        assert isBinary == self.connection.binary
        self.connection.receive(payload)
        self.flush()

    def flush(self) -> None:
        """Send what the house wants to send."""
        for message in self.connection.sent:
            self.sendMessage(message, self.connection.binary)
        self.connection.sent.clear()


class Street:
    """An endpoint that leads to a node as long as it is `open`, and keeps the pipes that lead there."""

    def __init__(self, house: FakeHouse, url: str, subprotocols: list[str]) -> None:
        self.open = True
        self.server_factory = WebSocketServerFactory(url, protocols=subprotocols)
        self.server_factory.protocol = _HouseSocket
        self.server_factory.house = house
        self.pumps: list[Any] = []
        self.sockets: list[_HouseSocket] = []

    def connect(self, factory: Any) -> "Deferred[Any]":
        """Connect a client's protocol to a new socket of the house."""
        opened: Deferred[Any] = Deferred()
        if not self.open:
            opened.errback(Failure(ConnectError("no such house")))
            return opened
        client = factory.buildProtocol(None)
        server = self.server_factory.buildProtocol(None)
        pump = connect(server, FakeTransport(server, True), client, FakeTransport(client, False), greet=False)
        self.pumps.append(pump)
        self.sockets.append(server)
        opened.callback(client)
        return opened

    def flush(self) -> None:
        """Move bytes until none is left."""
        for pump in self.pumps:
            pump.flush()

    def cut(self) -> None:
        """Every connection is lost."""
        for pump in self.pumps:
            pump.serverIO.abortConnection()
        self.flush()
        self.pumps.clear()


class Scene:
    """A client on its street."""

    def __init__(
        self, encoding: Any = "msgpack", token: str = "token-ann", subprotocols: list[str] | None = None
    ) -> None:
        self.house = FakeHouse()
        self.clock = Clock()
        codec = codec_for(encoding)
        self.street, self.other_street = (
            Street(self.house, url, subprotocols or [codec.subprotocol]) for url in (URL, OTHER_URL)
        )

        def way_to(url: str) -> Way:
            factory = WebSocketClientFactory(url, protocols=[codec.subprotocol], reactor=self.clock)
            factory.setProtocolOptions(**SOCKET_OPTIONS)
            return factory, {URL: self.street, OTHER_URL: self.other_street}[url]

        session = Session([URL], codec, lambda: token, Random(3))
        self.client = TwistedClient(session, codec.subprotocol, binary=codec.binary, reactor=self.clock)
        self.client.open_with(way_to)

    def begin(self) -> "Deferred[TwistedClient]":
        """Connect and log in, as far as it goes."""
        connected = self.client.begin()
        self.street.flush()
        return connected

    def finish(self, waiting: Any) -> Any:
        """The result of what is awaited; bytes move until it is there."""
        outcomes: list[Any] = []
        deferred = waiting if isinstance(waiting, Deferred) else ensureDeferred(waiting)
        deferred.addBoth(outcomes.append)
        self.street.flush()
        (outcome,) = outcomes
        if isinstance(outcome, Failure):
            outcome.raiseException()
        return outcome


@pytest.fixture(params=["msgpack", "json"])
def scene(request: pytest.FixtureRequest) -> Scene:
    """A client that is logged in."""
    scene = Scene(request.param)
    assert scene.finish(scene.begin()) is scene.client
    return scene


def test_calls_are_awaited(scene: Scene) -> None:
    """A coroutine awaits typed calls, one after the other."""

    async def trade() -> tuple[str, bool]:
        shown = await scene.client.listing("seller.l1")
        won = await scene.client.bid(shown.listing.listing, 200)
        return scene.client.player, won.winning

    assert scene.finish(trade()) == ("ann", True)
    assert [method for _, method, _ in scene.house.executed] == ["listing.bid"]


def test_a_batch_is_one_frame(scene: Scene) -> None:
    """Calls of a batch leave together and are each answered."""
    with scene.client.batch():
        first, second = scene.client.bid("a.l1", 1), scene.client.bid("b.l1", 2)
    connection = scene.house.connections[0]
    assert scene.finish(first).winning
    assert scene.finish(second).winning
    assert [message["method"] for message in connection.received[-1]] == ["listing.bid"] * 2


def test_waiting_inside_a_batch_sends_what_there_is(scene: Scene) -> None:
    """A call awaited before its batch has ended is sent all the same."""

    async def trade() -> bool:
        with scene.client.batch():
            first = await scene.client.bid("a.l1", 1)
            second = scene.client.bid("b.l1", 2)
        return first.winning and (await second).winning

    trading = ensureDeferred(trade())
    scene.clock.advance(0)
    assert scene.finish(trading)


def test_events_come_by_iteration(scene: Scene) -> None:
    """`async for` takes each event once, across a lost socket, and ends when the client is closed."""
    seen: list[int] = []

    async def listen() -> str:
        async for event in scene.client.events():
            seen.append(event.seq)
        return "closed"

    listening = ensureDeferred(listen())
    scene.house.tell("ann")
    scene.street.sockets[0].flush()
    scene.street.flush()
    assert seen == [1]
    scene.street.cut()
    scene.house.connections.clear()
    scene.house.tell("ann")
    scene.clock.advance(1)
    scene.street.flush()
    assert seen == [1, 2]
    scene.client.close()
    assert scene.finish(listening) == "closed"


def test_events_come_by_callback(scene: Scene) -> None:
    """A callback gets each event on a stack of its own, so what it raises disturbs no socket."""
    seen: list[Notice] = []

    def on_event(event: Notice) -> None:
        seen.append(event)
        raise RuntimeError("a fault of the program")

    scene.client.listen(on_event, on_missed=lambda _missed: None)
    scene.house.tell("ann")
    scene.street.sockets[0].flush()
    scene.street.flush()
    with pytest.raises(RuntimeError):
        scene.clock.advance(0)
    assert [event.seq for event in seen] == [1]
    assert scene.finish(scene.client.bid("a.l1", 1)).winning


def test_what_watches_tell_comes_by_iteration(scene: Scene) -> None:
    """`async for` takes each match, beside the events, and ends when the client is closed."""
    prices: list[int] = []

    async def listen() -> str:
        async for match in scene.client.matches():
            assert isinstance(match, PriceMatched)
            prices.append(match.data.price)
        return "closed"

    listening = ensureDeferred(listen())
    for price in (19, 20):
        scene.house.tell_of_watch("ann", commodity="iron", price=price, at_ms=5, volume=1)
        scene.street.sockets[0].flush()
        scene.street.flush()
    assert prices == [19, 20]
    scene.client.close()
    assert scene.finish(listening) == "closed"


def test_what_watches_tell_comes_by_callback(scene: Scene) -> None:
    """A callback gets what came before it was named, and what comes after."""
    told: list[Match] = []
    scene.house.tell_of_watch("ann", commodity="iron", price=19, at_ms=5, volume=1)
    scene.street.sockets[0].flush()
    scene.street.flush()
    scene.client.listen_to_watches(told.append)
    scene.house.tell_of_watch("ann", listings=[listing_of()], missed=0)
    scene.street.sockets[0].flush()
    scene.street.flush()
    scene.clock.advance(0)
    assert [type(match) for match in told] == [PriceMatched, ListingsMatched]


def test_missed_events_are_told_to_the_callback() -> None:
    """Where the house has forgotten events, `on_missed` says which."""
    scene = Scene()
    for _ in range(9):
        scene.house.tell("ann")
    scene.house.oldest_seq = 6
    scene.client.session.inbox.last_seq = 2
    scene.finish(scene.begin())
    missed: list[EventsMissed] = []
    seen: list[int] = []
    scene.client.listen(lambda event: seen.append(event.seq), missed.append)
    scene.clock.advance(0)
    assert [(one.first_seq, one.last_seq) for one in missed] == [(3, 5)]
    assert seen == [6, 7, 8, 9]


def test_calls_outlive_their_socket(scene: Scene) -> None:
    """A call that was open when the socket broke is answered over the next one."""
    bidding = scene.client.bid("a.l1", 1)
    scene.street.cut()
    scene.street.open = False
    scene.clock.advance(1)
    scene.street.open = True
    scene.clock.pump([1] * 5)
    assert scene.finish(bidding).winning
    assert len(scene.house.executed) == 1


def test_a_client_goes_to_its_players_home(scene: Scene) -> None:
    """A call that is answered `moved` is made again at the home, whose socket takes the place of the first."""
    scene.house.homes["ann"] = OTHER_URL
    bidding = scene.client.bid("a.l1", 1)
    scene.street.flush()
    scene.other_street.flush()
    assert scene.finish(bidding).winning
    assert len(scene.house.executed) == 1
    assert scene.street.sockets[0].wasClean
    assert not scene.other_street.sockets[0].wasClean


@pytest.mark.parametrize("home", [OTHER_URL, "ws://house.example:0/nowhere"])
def test_a_home_that_cannot_be_reached_is_done_without(scene: Scene, home: str) -> None:
    """Whether nobody answers there or the URL is none, the first node is asked to serve the player itself."""
    scene.house.homes["ann"] = home
    scene.other_street.open = False
    bidding = scene.client.bid("a.l1", 1)
    scene.street.flush()
    scene.clock.pump([1] * 5)
    assert scene.finish(bidding).winning
    assert len(scene.house.executed) == 1


def test_a_house_that_is_not_there_is_named() -> None:
    """The first connection that fails tells the URL and why."""
    scene = Scene()
    scene.street.open = False
    with pytest.raises(Unavailable, match=f"cannot connect to {URL}: .*; is a house open there"):
        scene.finish(scene.begin())


def test_a_server_of_something_else_is_told() -> None:
    """A WebSocket server without our subprotocol is no house."""
    scene = Scene(subprotocols=["chat"])
    with pytest.raises(Unavailable, match="does not speak"):
        scene.finish(scene.begin())


def test_a_forged_token_fails_the_connect() -> None:
    """The reason of a refused login reaches the program."""
    scene = Scene(token="forged")
    with pytest.raises(Unauthenticated):
        scene.finish(scene.begin())


def test_nothing_is_left_after_close(scene: Scene) -> None:
    """A closed client leaves no timer and no socket, and later calls fail."""
    scene.finish(scene.client.close())
    scene.clock.advance(2)
    assert scene.clock.getDelayedCalls() == []
    scene.finish(scene.client.close())
    with pytest.raises(Unavailable):
        scene.finish(scene.client.bid("a.l1", 1))


def test_a_cancelled_call_is_left_to_itself(scene: Scene) -> None:
    """Who cancels a Deferred hears no more of it, and the client goes on."""
    bidding = scene.client.bid("a.l1", 1)
    bidding.addErrback(lambda _failure: None)
    bidding.cancel()
    assert scene.finish(scene.client.bid("b.l1", 1)).winning


def test_a_program_may_close_in_the_middle_of_answers(scene: Scene) -> None:
    """Closing from inside an awaited answer is safe, whatever else that message brought."""
    with scene.client.batch():
        first, second = scene.client.bid("a.l1", 1), scene.client.bid("b.l1", 2)
    outcomes: list[Any] = []
    first.addCallback(lambda _result: scene.client.close())
    second.addBoth(outcomes.append)
    scene.street.flush()
    (outcome,) = outcomes
    assert not isinstance(outcome, Failure) or isinstance(outcome.value, AuctionError)
