"""A connected client on any event loop: performs what its Session asks for. Each edge adds sockets and timers."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from auction.state import Notice
from clients.calls import Calls
from clients.effects import Drop, Effect, Ended, Failed, Finished, LoggedIn, Open, Send, Told
from clients.errors import AuctionError, EventsMissed
from clients.session import Session
from clients.watched import Match

T = TypeVar("T")

SOCKET_OPTIONS: dict[str, Any] = {
    "openHandshakeTimeout": 5,
    "closeHandshakeTimeout": 1,
    "autoPingInterval": 15,
    "autoPingTimeout": 10,
    "maxMessagePayloadSize": 8 * 1024 * 1024,
    "tcpNoDelay": True,
}
"""Autobahn's protocol options, in seconds and bytes."""


class Socket(Protocol):
    """What a client needs of a WebSocket; Autobahn's on either loop has it."""

    websocket_protocol_in_use: str | None

    def sendMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803 - Autobahn's names
        """Send one message."""

    def sendClose(self, code: int | None) -> None:  # noqa: N802 - Autobahn's name
        """Begin the closing handshake."""


class SocketEvents:
    """Mixed into either loop's Autobahn protocol: tells the client what happens on one socket."""

    client: "Client"
    attempt: int
    """Which `Open` of the client this socket answers; what an older one tells is not heard."""

    def onOpen(self: Any) -> None:
        """The WebSocket handshake succeeded."""
        self.client.socket_opened(self.attempt, self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: ARG002, N803 - Autobahn's signature
        """A message came in."""
        self.client.socket_received(self.attempt, payload)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:  # noqa: ARG002 - Autobahn's signature
        """The socket is gone, or its handshake failed."""
        self.client.socket_closed(self.attempt, f"the connection closed: {reason or code}")


class Client(Calls):
    """A player's (or service's) connection to a house, kept up until `close`.

    `login` of the session says who we are; calls may be made from any number of tasks of the loop at once.
    """

    def __init__(self, session: Session, subprotocol: str, *, binary: bool) -> None:
        self.session = session
        self._subprotocol = subprotocol
        self._binary = binary
        self._socket: Socket | None = None
        self._attempt = 0
        self._alarm: Callable[[], None] | None = None
        """Cancels the pending tick."""
        self._alarm_at_s = 0.0
        self._connected: Any = self._new_waiter()
        self._goodbye: tuple[int, Any] | None = None
        """Which socket is being closed on the program's wish, and who waits for that."""
        self._ended = False
        self._error: AuctionError | None = None
        self._listeners: list[Any] = []
        self._on_event: Callable[[Notice], object] | None = None
        self._on_missed: Callable[[EventsMissed], object] | None = None
        self._on_match: Callable[[Match], object] | None = None

    # For the program

    @property
    def player(self) -> str:
        """Who the token made us."""
        return self.session.login.player if self.session.login else ""

    def call(self, method: str, params: dict[str, Any], result: type[T], key: str | None = None) -> Awaitable[T]:
        """Ask for any method; see `Calls.call`."""
        waiter: Awaitable[T] = self._new_waiter()
        self._perform(self.session.ask(self._now_s(), method, params, result, waiter, key))
        return waiter

    def new_key(self) -> str:
        """A key that no other call of any client has."""
        return self.session.new_key()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Send all calls made inside the block together: at its end, or when it first waits for something."""
        self.session.hold()
        self._soon(self._release)
        try:
            yield
        finally:
            self._release()

    async def events(self) -> AsyncIterator[Notice]:
        """Our events, each once and in order; ends with `close`. One reader at a time.

        Raises EventsMissed where the house no longer keeps some (iterate again afterwards), and the error that ended
        the session, if one did.
        """
        while True:
            event = self._next_event()
            if event is not None:
                yield event
            elif not await self._told():
                return

    async def matches(self) -> AsyncIterator[Match]:
        """What our watches tell while we are connected; ends as `events` does.

        The house keeps none of it, and the client no more than `Settings.matches_max`, the latest.
        """
        while True:
            if self.session.matches:
                yield self.session.matches.popleft()
            elif not await self._told():
                return

    def listen(self, on_event: Callable[[Notice], object], on_missed: Callable[[EventsMissed], object]) -> None:
        """Call `on_event` for each of our events from now on, instead of `events`."""
        self._on_event = on_event
        self._on_missed = on_missed
        self._hand_out()

    def listen_to_watches(self, on_match: Callable[[Match], object]) -> None:
        """Call `on_match` for whatever our watches tell from now on, instead of `matches`."""
        self._on_match = on_match
        self._hand_out()

    def close(self) -> Awaitable[None]:
        """End the session; open calls fail. Await it to know that the socket is closed as well."""
        gone: Awaitable[None] = self._new_waiter()
        if self._socket is None:
            self._resolve(gone, None)
        else:
            self._goodbye = (self._attempt, gone)
        self._perform(self.session.stop())
        return gone

    # For the edge

    def begin(self) -> Any:
        """Open the first socket; returns the waiter for this client, logged in."""
        connected = self._connected
        self._perform(self.session.start(self._now_s()))
        return connected

    def socket_opened(self, attempt: int, socket: Socket) -> None:
        """A socket is ready for messages."""
        if attempt != self._attempt:
            socket.sendClose(1000)
        elif socket.websocket_protocol_in_use != self._subprotocol:
            socket.sendClose(1000)
            self.socket_closed(attempt, f"the server does not speak {self._subprotocol}; is it an auction house?")
        else:
            self._socket = socket
            self._perform(self.session.opened(self._now_s()))

    def socket_received(self, attempt: int, payload: bytes) -> None:
        """A socket received a message."""
        if attempt == self._attempt:
            self._perform(self.session.received(self._now_s(), payload))

    def socket_closed(self, attempt: int, why: str) -> None:
        """A socket is gone, or could not be opened."""
        if attempt == self._attempt:
            self._attempt += 1
            self._socket = None
            self._perform(self.session.closed(self._now_s(), why))
        elif self._goodbye is not None and attempt == self._goodbye[0]:
            self._resolve(self._goodbye[1], None)
            self._goodbye = None

    @abstractmethod
    def _now_s(self) -> float:
        """The loop's clock."""

    @abstractmethod
    def _later(self, delay_s: float, action: Callable[[], None]) -> Callable[[], None]:
        """Run an action later; returns what cancels it."""

    @abstractmethod
    def _soon(self, action: Callable[..., object], *args: object) -> None:
        """Run an action of the program on a stack of its own."""

    @abstractmethod
    def _new_waiter(self) -> Any:
        """What a call returns."""

    @abstractmethod
    def _resolve(self, waiter: Any, result: object) -> None:
        """Give a waiter its result, unless it was cancelled."""

    @abstractmethod
    def _reject(self, waiter: Any, error: Exception) -> None:
        """Give a waiter its error, unless it was cancelled."""

    @abstractmethod
    def _open_socket(self, attempt: int, url: str) -> None:
        """Begin to open a socket to a node; `socket_opened` or `socket_closed` follows."""

    @abstractmethod
    def _stop_opening(self) -> None:
        """Give up what `_open_socket` began, if it is still at it."""

    # Performing effects

    def _release(self) -> None:
        self._perform(self.session.release())

    def _perform(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Send):
                if self._socket is not None:  # it is None where an effect before this one made the program close us
                    self._socket.sendMessage(effect.payload, self._binary)
            elif isinstance(effect, Finished):
                self._resolve(effect.waiter, effect.result)
            else:
                self._perform_rare(effect)
        self._set_alarm()

    def _perform_rare(self, effect: Open | Drop | Failed | LoggedIn | Told | Ended) -> None:
        match effect:
            case Failed(waiter=waiter, error=error):
                self._reject(waiter, error)
            case Told():
                self._hand_out()
            case Open(url=url):
                self._attempt += 1
                self._open_socket(self._attempt, url)
            case Drop():
                self._attempt += 1
                self._stop_opening()
                if self._socket is not None:
                    self._socket.sendClose(1000)
                    self._socket = None
            case LoggedIn():
                connected, self._connected = self._connected, None
                if connected is not None:
                    self._resolve(connected, self)
            case Ended(error=error):
                self._end(error)

    def _end(self, error: AuctionError | None) -> None:
        self._ended = True
        self._error = error
        self._cancel_alarm()
        connected, self._connected = self._connected, None
        if connected is not None and error is not None:
            self._reject(connected, error)
        self._hand_out()

    def _set_alarm(self) -> None:
        """An alarm that rings too early is left alone: it costs less than one reset with every call."""
        wake_at_s = self.session.wake_at_s()
        if wake_at_s is None or (self._alarm is not None and self._alarm_at_s <= wake_at_s):
            return
        self._cancel_alarm()
        self._alarm_at_s = wake_at_s
        self._alarm = self._later(max(0.0, wake_at_s - self._now_s()), self._tick)

    def _cancel_alarm(self) -> None:
        alarm, self._alarm = self._alarm, None
        if alarm is not None:
            alarm()

    def _tick(self) -> None:
        self._alarm = None
        self._perform(self.session.tick(self._now_s()))

    # Events and matches

    def _next_event(self) -> Notice | None:
        event = self.session.inbox.take()
        if event is None:
            self._perform(self.session.catch_up(self._now_s()))
        return event

    async def _told(self) -> bool:
        """Wait until there may be something to take; False, or the session's error, at its end."""
        if not self._ended:
            listener = self._new_waiter()
            self._listeners.append(listener)
            await listener
            return True
        if self._error is not None:
            raise self._error
        return False

    def _hand_out(self) -> None:
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            self._resolve(listener, None)
        while self._on_match is not None and self.session.matches:
            self._soon(self._on_match, self.session.matches.popleft())
        while self._on_event is not None and self._on_missed is not None:
            try:
                event = self._next_event()
            except EventsMissed as missed:
                self._soon(self._on_missed, missed)
                continue
            if event is None:
                return
            self._soon(self._on_event, event)
