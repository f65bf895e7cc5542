"""A session and the house in memory, on a line that the test moves message by message, under a clock of its own."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from clients.codec import Encoding, codec_for
from clients.effects import Drop, Effect, Ended, Failed, Finished, Open, Send
from clients.errors import AuctionError
from clients.session import Session, Settings, State
from tests.clients.fake_house import FakeConnection, FakeHouse

URL = "ws://n1.example/ws"


class Line:
    """The edge of a session, without sockets. `results` and `errors` are by the waiters that the test chose."""

    def __init__(
        self,
        house: FakeHouse,
        *,
        token: str | Callable[[], str] = "token-ann",
        encoding: Encoding = "msgpack",
        settings: Settings | None = None,
        since: int | None = None,
        urls: Sequence[str] = (URL,),
        redirects: bool = True,
    ) -> None:
        self.house = house
        ask_token = token if callable(token) else lambda: token
        codec = codec_for(encoding)
        self.binary = codec.binary
        self.session = Session(urls, codec, ask_token, Random(7), settings, since, redirects=redirects)
        self.now_s = 1000.0
        self.connection: FakeConnection | None = None
        self.opening = False
        self.to_house: list[bytes] = []
        self.results: dict[Any, Any] = {}
        self.errors: dict[Any, AuctionError] = {}
        self.answered = 0
        self.ended = False
        self.opened: list[str] = []
        """Where the session wanted sockets to, one after the other."""

    def perform(self, effects: Sequence[Effect]) -> None:
        """Do what the session wants done."""
        for effect in effects:
            match effect:
                case Open(url=url):
                    assert self.connection is None
                    self.opening = True
                    self.opened.append(url)
                case Send(payload=payload):
                    assert self.connection is not None
                    self.to_house.append(payload)
                case Drop():
                    self._hang_up()
                case Finished(waiter=waiter, result=result):
                    self.results[waiter] = result
                    self.answered += 1
                case Failed(waiter=waiter, error=error):
                    self.errors[waiter] = error
                    self.answered += 1
                case Ended():
                    self.ended = True

    def ask(self, waiter: Any, method: str, params: dict[str, Any], result: type, *, keyed: bool = False) -> None:
        """Make a call on behalf of `waiter`."""
        key = self.session.new_key() if keyed else None
        if keyed:
            params = {**params, "key": key}
        self.perform(self.session.ask(self.now_s, method, params, result, waiter, key))

    def connect(self) -> None:
        """The socket that the session wants opens."""
        assert self.opening
        self.opening = False
        self.connection = self.house.connect(self.opened[-1], binary=self.binary)
        self.perform(self.session.opened(self.now_s))

    def refuse(self) -> None:
        """The socket that the session wants cannot be opened."""
        assert self.opening
        self.opening = False
        self.perform(self.session.closed(self.now_s, "refused"))

    def carry_out(self) -> None:
        """The house receives the next message."""
        assert self.connection is not None
        self.connection.receive(self.to_house.pop(0))

    def carry_in(self) -> None:
        """The session receives the next message."""
        assert self.connection is not None
        self.perform(self.session.received(self.now_s, self.connection.sent.pop(0)))

    def settle(self) -> None:
        """Carry everything, both ways, until nothing moves."""
        while self.connection is not None and (self.to_house or self.connection.sent):
            if self.connection.sent:
                self.carry_in()
            else:
                self.carry_out()

    def cut(self) -> None:
        """The socket is lost, with everything on it."""
        assert self.connection is not None
        self._hang_up()
        self.perform(self.session.closed(self.now_s, "cut"))

    def pass_time(self, seconds: float) -> None:
        """Let time pass and tick if it is due."""
        self.now_s += seconds
        self.tick_if_due()

    def tick_if_due(self) -> None:
        """Tick as an edge does: when the session's alarm has rung."""
        wake_at_s = self.session.wake_at_s()
        if wake_at_s is not None and self.now_s >= wake_at_s:
            self.perform(self.session.tick(self.now_s))

    def sleep_until_woken(self) -> None:
        """Let time pass up to the session's alarm."""
        wake_at_s = self.session.wake_at_s()
        assert wake_at_s is not None
        self.pass_time(max(0.0, wake_at_s - self.now_s))

    def log_in(self) -> None:
        """Connect and log in for the first time."""
        self.perform(self.session.start(self.now_s))
        self.connect()
        self.settle_where_it_leads()
        assert self.session.state is State.ONLINE

    def settle_where_it_leads(self) -> None:
        """As `settle`, and on whatever sockets the session wants next without waiting."""
        self.settle()
        while self.opening:
            self.connect()
            self.settle()

    def come_back(self) -> None:
        """Wait out the back-off after a cut, and log in again."""
        while self.session.state is not State.ONLINE:
            if self.opening:
                self.connect()
            else:
                self.sleep_until_woken()
            self.settle()

    def taken_events(self) -> list[int]:
        """Empty the inbox as a program does; the `seq` of each event."""
        taken = []
        while True:
            event = self.session.inbox.take()
            if event is None:
                before = len(self.to_house)
                self.perform(self.session.catch_up(self.now_s))
                if len(self.to_house) == before:
                    return taken
                self.settle_where_it_leads()
            else:
                taken.append(event.seq)

    def _hang_up(self) -> None:
        self.opening = False
        self.to_house.clear()
        if self.connection is not None:
            self.house.connections.remove(self.connection)
            self.connection = None
