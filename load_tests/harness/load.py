"""The loop of one generator: many players, each with one request in flight, on sockets that nobody waits for.

A request is meant to start at an instant (`load_tests.harness.pace`). Where its player's last one is still unanswered
it waits behind it, and its waiting counts. A connection that breaks, or says nothing for SILENCE_MAX_S, is an outcome
`no_answer`; the request is then repeated on a new connection, a mutation with its key, until it has an answer or
REPEATS_MAX is reached, so that in the end nearly every effect is known.
"""

import heapq
import select
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import count
from random import Random

from clients.codec import Message
from load_tests.generator import CODEC
from load_tests.harness.acts import Asked
from load_tests.harness.messages import Seat
from load_tests.harness.pace import arrivals_s, think_s
from load_tests.harness.player import Player
from load_tests.harness.recorder import Recorder
from load_tests.scenario import Open, Scenario
from load_tests.websocket import Connection, ConnectionLost, Dialling

SILENCE_MAX_S = 10.0
"""A request without an answer for so long is lost, and its connection with it; a node answers within 5 s."""
LOOK_EVERY_S = 1.0
"""How often requests in flight are looked through for that."""
DRAIN_S = 15.0
"""How long what was begun may take when the load is over."""
REPEATS_MAX = 6
REPEAT_AFTER_S = 0.1
"""Before the first repeat; the time doubles with each."""
NOT_NOW = frozenset(("unavailable", "rate_limited"))
"""Refusals that say nothing of an earlier attempt: of a request that was repeated they are no answer yet."""
DIALS_MAX = 256
"""Connections that are being opened at once; further requests that need one wait, and their waiting counts."""

Later = Callable[["Line", float, float], None]
"""What to do with a line at an instant: it is given that, and what time it is now."""


class Line:
    """A player at its place: the connection, what is in flight on it, and what waits."""

    __slots__ = (
        *("arrivals", "asked", "connection", "dialling", "meant_at_s", "number", "payload", "player", "repeats"),
        *("seat", "sent_at_s", "tried_at_s", "waiting"),
    )

    def __init__(self, seat: Seat, player: Player, arrivals: Iterator[float]) -> None:
        self.seat = seat
        self.player = player
        self.arrivals = arrivals
        self.connection: Connection | None = None
        self.dialling: Dialling | None = None
        self.waiting: deque[float] = deque()
        """When requests were meant to start that wait for the one in flight."""
        self.asked: Asked | None = None
        self.payload = b""
        self.number = 0
        self.repeats = 0
        self.meant_at_s = 0.0
        self.sent_at_s = 0.0
        self.tried_at_s = 0.0

    @property
    def headers(self) -> dict[str, str]:
        """What the player shows at the door."""
        return {"Authorization": f"Bearer {self.seat.token}"}


class Load:
    """All lines of a generator, from the first request to the last answer."""

    def __init__(
        self, scenario: Scenario, lines: Sequence[Line], chances: Random, clock_s: Callable[[], float]
    ) -> None:
        """`chances` are for the time to think."""
        self._pace = scenario.pace
        self._warm_up_s = scenario.warm_up_s
        self._seconds = scenario.seconds
        self._lines = lines
        self._chances = chances
        self._clock_s = clock_s
        self._waiting = 0
        self._dials = 0
        self._undialled: deque[Line] = deque()
        self._later: list[tuple[float, int, Later, Line]] = []
        self._order = count()
        self._looked_at_s = 0.0
        self._until_s = 0.0
        self._recorder = Recorder(0.0, 0.0)
        self._epoll = select.epoll()
        """Made before any connection, so that its descriptor is one of those that `select` can wait for."""
        self._at_socket: dict[int, Line] = {}

    def connect(self) -> int:
        """Connect all players but those who come only to leave again; how many these are. Raises ConnectionLost."""
        for line in self._lines:
            if not line.player.comes_and_goes:
                line.connection = Connection(line.seat.url, CODEC.subprotocol, line.headers)
                self._watch(line, line.connection.fileno(), select.EPOLLIN)
        return sum(line.connection is not None for line in self._lines)

    def close(self) -> None:
        """Hang up everywhere."""
        for line in self._lines:
            self._hang_up(line)
        self._epoll.close()

    def run(self, begin_at_s: float) -> Recorder:
        """Load the server from an instant on, and return when the last answer is in, or is waited for no longer."""
        from_s = begin_at_s + self._warm_up_s
        self._until_s = from_s + self._seconds
        self._recorder = Recorder(from_s, self._until_s)
        for number, line in enumerate(self._lines):
            self._at(self._first_s(line, number, begin_at_s), self._due, line)
        while not self._over():
            self._step()
        self._give_up()
        return self._recorder

    def _first_s(self, line: Line, number: int, begin_at_s: float) -> float:
        if isinstance(self._pace, Open):
            line.arrivals = (begin_at_s + each for each in line.arrivals)
            return next(line.arrivals)
        return begin_at_s + think_s(self._pace, self._chances) + number * 1e-5

    def _over(self) -> bool:
        now_s = self._clock_s()
        if now_s < self._until_s:
            return False
        busy = any(line.asked is not None or line.waiting for line in self._lines)
        return not busy or now_s > self._until_s + DRAIN_S

    def _step(self) -> None:
        """Take in what came, or wait for it until something is due; then begin what is due."""
        now_s = self._clock_s()
        ready = self._epoll.poll(0)
        if not ready:
            due_s = self._later[0][0] if self._later else now_s + LOOK_EVERY_S
            self._wait(min(due_s - now_s, LOOK_EVERY_S))
            ready = self._epoll.poll(0)
        now_s = self._clock_s()
        for socket, _ in ready:
            self._ready(self._at_socket[socket], now_s)
        later = self._later
        while later and later[0][0] <= now_s:
            at_s, _, do, line = heapq.heappop(later)
            do(line, at_s, now_s)
        if now_s > self._looked_at_s + LOOK_EVERY_S:
            self._look(now_s)

    def _wait(self, seconds: float) -> None:
        """Wait for a socket, more exactly than in epoll's milliseconds: by `select`, on the epoll itself."""
        if seconds > 0:
            select.select((self._epoll,), (), (), seconds)

    def _watch(self, line: Line, socket: int, events: int) -> None:
        self._epoll.register(socket, events)
        self._at_socket[socket] = line

    def _unwatch(self, socket: int) -> None:
        self._epoll.unregister(socket)
        del self._at_socket[socket]

    def _at(self, at_s: float, do: Later, line: Line) -> None:
        heapq.heappush(self._later, (at_s, next(self._order), do, line))

    def _due(self, line: Line, at_s: float, now_s: float) -> None:
        """A request is meant to start."""
        if at_s >= self._until_s:
            return
        if isinstance(self._pace, Open):
            self._at(next(line.arrivals), self._due, line)
        if line.asked is None and not line.waiting:
            self._recorder.late(at_s, now_s)
            self._begin(line, at_s if isinstance(self._pace, Open) else now_s, now_s)
        elif isinstance(self._pace, Open) and self._waiting < self._pace.waiting_max:
            line.waiting.append(at_s)
            self._waiting += 1
        else:
            self._recorder.answered("not_sent", at_s, now_s, now_s, "not_sent", expected=False)

    def _begin(self, line: Line, meant_at_s: float, now_s: float) -> None:
        asked = line.asked = line.player.next()
        line.number += 1
        line.payload = CODEC.request(line.number, asked.act.method, asked.params)
        line.meant_at_s = meant_at_s
        line.sent_at_s = line.tried_at_s = now_s
        line.repeats = 0
        if asked.act.anew and line.connection is not None:
            self._hang_up(line)
        self._send(line, now_s)

    def _send(self, line: Line, now_s: float) -> None:
        """Send what was asked, on a new connection where there is none."""
        if line.connection is None:
            if self._dials < DIALS_MAX:
                self._dial(line, now_s)
            else:
                self._undialled.append(line)
            return
        try:
            line.connection.send(line.payload)
        except OSError:
            self._lost(line, now_s)

    def _dial(self, line: Line, now_s: float) -> None:
        line.tried_at_s = now_s
        try:
            line.dialling = Dialling(line.seat.url, CODEC.subprotocol, line.headers)
        except OSError:
            self._lost(line, now_s)
            return
        self._dials += 1
        self._watch(line, line.dialling.fileno(), select.EPOLLOUT)

    def _ready(self, line: Line, now_s: float) -> None:
        try:
            if line.dialling is not None:
                self._proceed(line, line.dialling, now_s)
            elif line.connection is not None:
                self._take(line, line.connection.receive(), now_s)
        except (ConnectionLost, OSError):
            self._lost(line, now_s)

    def _proceed(self, line: Line, dialling: Dialling, now_s: float) -> None:
        """Go on with a connection that is being opened; when it is open, send what waits for it."""
        connection = dialling.proceed()
        if connection is None:
            self._epoll.modify(dialling.fileno(), select.EPOLLIN)
            return
        line.dialling = None
        line.connection = connection
        self._dialled(now_s)
        line.tried_at_s = now_s
        connection.send(line.payload)
        self._take(line, connection.received(), now_s)

    def _dialled(self, now_s: float) -> None:
        """One connection fewer is being opened."""
        self._dials -= 1
        if self._undialled:
            self._dial(self._undialled.popleft(), now_s)

    def _take(self, line: Line, payloads: list[bytes], now_s: float) -> None:
        for payload in payloads:
            message = CODEC.read(payload)
            assert isinstance(message, Message), "nobody sends arrays here"
            if message.method is not None:
                line.player.hear(message)
            elif message.id == line.number and line.asked is not None:
                self._answered(line, line.asked, message, now_s)

    def _answered(self, line: Line, asked: Asked, message: Message, now_s: float) -> None:
        reason = None if message.error is None else (message.error.data or {}).get("reason")
        if reason == "in_doubt" or (line.repeats and reason in NOT_NOW):
            self._repeat(line, asked, now_s, reason)
            return
        outcome = line.player.take(asked, message)
        expected = outcome == "ok" or outcome in asked.act.expected
        self._recorder.answered(asked.name, line.meant_at_s, line.sent_at_s, now_s, outcome, expected=expected)
        if asked.act.leaves:
            self._hang_up(line)
        self._go_on(line, now_s)

    def _lost(self, line: Line, now_s: float) -> None:
        """The connection is gone, or said nothing for too long."""
        self._hang_up(line)
        if line.asked is not None:
            self._repeat(line, line.asked, now_s, "no_answer")

    def _repeat(self, line: Line, asked: Asked, now_s: float, outcome: str) -> None:
        """Ask again after a while, a mutation under the same key; what was repeated too often is let go."""
        if line.repeats < REPEATS_MAX:
            line.repeats += 1
            self._recorder.repeated(asked.name, line.meant_at_s, outcome)
            line.tried_at_s = float("inf")
            self._at(now_s + REPEAT_AFTER_S * 2 ** (line.repeats - 1), self._again, line)
        else:
            self._recorder.answered(asked.name, line.meant_at_s, line.sent_at_s, now_s, outcome, expected=False)
            asked.act.unknown(line.player, asked)
            self._go_on(line, now_s)

    def _again(self, line: Line, at_s: float, now_s: float) -> None:  # noqa: ARG002 - see Later
        line.tried_at_s = now_s
        self._send(line, now_s)

    def _go_on(self, line: Line, now_s: float) -> None:
        """The player is free for what waits, or begins to think."""
        line.asked = None
        if line.waiting:
            self._waiting -= 1
            self._begin(line, line.waiting.popleft(), now_s)
        elif not isinstance(self._pace, Open):
            if self._pace.think_s:
                self._at(now_s + think_s(self._pace, self._chances), self._due, line)
            elif now_s < self._until_s:
                self._begin(line, now_s, now_s)

    def _look(self, now_s: float) -> None:
        """Give up what was silent for too long."""
        self._looked_at_s = now_s
        for line in self._lines:
            if line.asked is not None and now_s - line.tried_at_s > SILENCE_MAX_S:
                self._lost(line, now_s)

    def _hang_up(self, line: Line) -> None:
        if line.dialling is not None:
            self._unwatch(line.dialling.fileno())
            line.dialling.cut()
            line.dialling = None
            self._dialled(self._clock_s())
        elif line.connection is not None:
            self._unwatch(line.connection.fileno())
            line.connection.cut()
            line.connection = None
        else:
            with suppress(ValueError):  # it did not wait to dial
                self._undialled.remove(line)

    def _give_up(self) -> None:
        """What is still open when the time to drain is over was not answered, or not even sent."""
        now_s = self._clock_s()
        for line in self._lines:
            if line.asked is not None:
                asked, line.asked = line.asked, None
                self._recorder.answered(asked.name, line.meant_at_s, line.sent_at_s, now_s, "no_answer", expected=False)
                asked.act.unknown(line.player, asked)
            for meant_at_s in line.waiting:
                self._recorder.answered("not_sent", meant_at_s, now_s, now_s, "not_sent", expected=False)
            line.waiting.clear()


def line_for(seat: Seat, player: Player, scenario: Scenario, players: int, chances: Random) -> Line:
    """A player at its place, not connected yet; the chances are those of its arrivals."""
    pace = scenario.pace
    arrivals = arrivals_s(pace, players, chances) if isinstance(pace, Open) else iter(())
    return Line(seat, player, arrivals)
