"""The client's protocol core: everything between typed calls and bytes, without sockets, clock or chance of its own.

One Session outlives many sockets. Whoever drives it (see `clients.client`) tells it what happened, and performs in
order the effects that each call returns:

    start · opened · received · closed · tick · ask · release · catch_up · stop   ──►   effects

          start           opened           login's result
    OFFLINE ──► OPENING ──────────► LOGIN ──────────────► ONLINE          any ── stop, login refused ──► ENDED
       ▲           │ closed           │ closed              │ closed
       └───────────┴──────────────────┴─────────────────────┘                moved: from ONLINE to OPENING, elsewhere

- A call is repeated after a dropped socket, `unavailable`, `rate_limited` and `in_doubt`, until `deadline_s` after it
  was asked. Every mutation carries a key, so a repeat executes nothing twice. A call without an answer by then fails,
  as InDoubt where an attempt may have been executed.
- Where sockets go is the route's to say. A call that is answered `moved` goes to its home, and all open calls with it.
- Events go through the inbox, which asks for what it lacks. What watches tell is no event: nobody keeps it, and of what
  is not taken the oldest falls away.
- Time is a monotonic clock in seconds; `tick` is due at `wake_at_s()`.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Protocol

import msgspec

from auction.results import EventsResult
from auction.state import Notice
from clients.codec import Codec, Garbled, Message
from clients.effects import Drop, Effect, Ended, Failed, Finished, LoggedIn, Open, Send, Told
from clients.errors import (
    REPEATED,
    AuctionError,
    Moved,
    Unauthenticated,
    bad_params,
    error_from,
    in_doubt,
    server_fault,
    unavailable,
)
from clients.inbox import Inbox
from clients.route import Route
from clients.watched import Match, match_of
from shardnode.wire.events import Hello
from shardnode.wire.methods import LoginResult
from shardnode.wire.transport import BATCH_MAX, MESSAGE_BYTES_MAX


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits and patience of a session."""

    deadline_s: float = 30.0
    """No attempt at a call begins later than this after it was asked."""
    answer_timeout_s: float = 8.0
    """A socket on which an answer takes longer is given up; nodes answer within 5 s."""
    open_timeout_s: float = 10.0
    """A socket that is not open and logged in by then is given up."""
    backoff_min_s: float = 0.25
    backoff_max_s: float = 10.0
    """Waits between attempts double from the one to the other; chance takes off up to a half."""
    calls_max: int = 4_096
    """Calls without an answer; one more fails at once."""
    events_max: int = 1_000
    """Events in the inbox; more wait at the house, which keeps them."""
    matches_max: int = 100
    """What watches told and nobody took yet."""
    hops_max: int = 3
    hops_window_s: float = 60.0
    """A session that was sent elsewhere `hops_max` times, each within this time of the last, stays where it is."""
    message_bytes_max: int = MESSAGE_BYTES_MAX
    """The largest request, until the node's `hello` says otherwise."""


class Randomness(Protocol):
    """The part of `random.Random` that a session uses."""

    def random(self) -> float:
        """Uniform in [0, 1)."""

    def getrandbits(self, k: int, /) -> int:
        """Uniform `k`-bit integer."""


class State(Enum):
    """Where a session stands; the picture above has the transitions."""

    OFFLINE = "offline"
    OPENING = "opening"
    LOGIN = "login"
    ONLINE = "online"
    ENDED = "ended"


class _Call:
    """One request from asking to answer, over as many attempts as it takes."""

    __slots__ = (
        "attempts",
        "deadline_s",
        "error",
        "key",
        "not_before_s",
        "number",
        "payload",
        "result",
        "sent_at_s",
        "unsure",
        "waiter",
    )

    def __init__(
        self, number: int, payload: bytes, result: type, waiter: Any, key: str | None, deadline_s: float
    ) -> None:
        self.number = number
        self.payload = payload
        self.result = result
        self.waiter = waiter
        """Whoever waits, opaque here; LOGIN and RESUME are the session's own."""
        self.key = key
        """None for what changes nothing."""
        self.deadline_s = deadline_s
        self.sent_at_s = 0.0
        self.not_before_s = 0.0
        self.attempts = 0
        self.unsure = False
        """An attempt may have been executed, and no answer says whether."""
        self.error: AuctionError | None = None
        """What the last attempt was answered."""


_LOGIN = object()
_RESUME = object()


class Session:
    """See the module's text. `since` is the `seq` of the last event the program has seen, None for "from now on".

    `urls` are nodes of one house; with `redirects` the session asks to be sent to its player's home among them.
    """

    def __init__(
        self,
        urls: Sequence[str],
        codec: Codec,
        token: Callable[[], str],
        randomness: Randomness,
        settings: Settings | None = None,
        since: int | None = None,
        *,
        redirects: bool = True,
    ) -> None:
        self.state = State.OFFLINE
        self.doubted = 0
        """Mutations of which an attempt was cut off or answered `in_doubt`, so that nobody knew whether it was done."""
        self.resolved = 0
        """Of these, those that a repeat under the same key made certain."""
        self.hello: Hello | None = None
        self.login: LoginResult | None = None
        self._settings = settings or Settings()
        self.inbox = Inbox(since, self._settings.events_max)
        self.matches: deque[Match] = deque(maxlen=self._settings.matches_max)
        self._route = Route(
            urls,
            redirects=redirects,
            hops_max=self._settings.hops_max,
            hops_window_s=self._settings.hops_window_s,
        )
        self._codec = codec
        self._token = token
        self._randomness = randomness
        self._message_bytes_max = self._settings.message_bytes_max
        self._key_prefix = f"{randomness.getrandbits(96):024x}"
        self._keys = 0
        self._numbers = 0
        self._sent: dict[int, _Call] = {}
        """Calls on their way, oldest attempt first."""
        self._waiting: list[_Call] = []
        """Calls to be sent when their time comes and the session is online."""
        self._held: list[bytes] | None = None
        self._due_s = 0.0
        """OFFLINE: when to open a socket. OPENING, LOGIN: when to give it up."""
        self._failures = 0
        """Sockets lost since the last login."""
        self._resuming = False
        self._ended: AuctionError | None = None

    # What the program asks

    def new_key(self) -> str:
        """A key that no other call of any client has."""
        self._keys += 1
        return f"{self._key_prefix}-{self._keys}"

    def ask(
        self, now_s: float, method: str, params: dict[str, Any], result: type, waiter: Any, key: str | None = None
    ) -> Sequence[Effect]:
        """Make a request; `key` is the one in `params`, None for what changes nothing. Finished or Failed follows."""
        if self.state is State.ENDED:
            return (Failed(waiter, self._ended or unavailable("the client was closed")),)
        calls_max = self._settings.calls_max
        if len(self._sent) + len(self._waiting) >= calls_max:
            return (Failed(waiter, unavailable(f"{calls_max} calls await their answers; wait for some")),)
        call = self._call(now_s, method, params, result, waiter, key)
        if len(call.payload) > self._message_bytes_max:
            text = f"a request of {len(call.payload)} bytes is more than the {self._message_bytes_max} a node takes"
            return (Failed(waiter, bad_params(text)),)
        if self.state is State.ONLINE:
            return self._send(call, now_s)
        self._waiting.append(call)
        return ()

    def hold(self) -> None:
        """Keep the requests that follow, to be sent together by `release`."""
        if self._held is None:
            self._held = []

    def release(self) -> Sequence[Effect]:
        """Send what was held, in as few messages as the protocol allows."""
        held, self._held = self._held or [], None
        messages: list[list[bytes]] = []
        room = 0
        for payload in held:
            if len(payload) + 1 > room or len(messages[-1]) == BATCH_MAX:
                messages.append([])
                room = self._message_bytes_max - 3
            messages[-1].append(payload)
            room -= len(payload) + 1
        return [Send(message[0] if len(message) == 1 else self._codec.join(message)) for message in messages]

    def catch_up(self, now_s: float) -> Sequence[Effect]:
        """Read the events that the inbox lacks and has room for."""
        wanted = self.inbox.wanted()
        if wanted is None or self._resuming or self.state is not State.ONLINE:
            return ()
        self._resuming = True
        call = self._call(now_s, "events.since", wanted, EventsResult, _RESUME)
        call.deadline_s = math.inf
        return self._send(call, now_s)

    def stop(self) -> Sequence[Effect]:
        """End the session on the program's wish."""
        return self._end(None)

    # What happens at the edge

    def start(self, now_s: float) -> Sequence[Effect]:
        """Begin. Where no URL leads to a first login the session ends; later on, sockets are opened again and again."""
        return self._open(now_s)

    def opened(self, now_s: float) -> Sequence[Effect]:
        """The socket is open."""
        return self._log_in(now_s)

    def received(self, now_s: float, payload: bytes) -> Sequence[Effect]:
        """A message came in."""
        try:
            message = self._codec.read(payload)
        except Garbled as error:
            return self._drop(now_s, f"the node sent what is no message of the protocol: {error}")
        if isinstance(message, Message):
            return self._take(now_s, message)
        return [effect for each in message for effect in self._take(now_s, each)]

    def closed(self, now_s: float, why: str) -> Sequence[Effect]:
        """The socket is gone or could not be opened; `why` is for people."""
        if self.state is State.ENDED:
            return ()
        self._route.lost(was_online=self.state is State.ONLINE)
        self._let_go()
        if self.login is None:
            return self._end(unavailable(why)) if self._route.has_tried_all else self._open(now_s)
        self.state = State.OFFLINE
        self._failures += 1
        self._due_s = now_s + self._backoff_s(self._failures)
        return ()

    def tick(self, now_s: float) -> Sequence[Effect]:
        """Time has passed."""
        effects: list[Effect] = []
        if self.state is State.OFFLINE and now_s >= self._due_s:
            effects += self._open(now_s)
        elif self.state in (State.OPENING, State.LOGIN) and now_s >= self._due_s:
            effects += self._drop(now_s, f"no login within {self._settings.open_timeout_s:g} s")
        elif self._sent and now_s >= self._oldest_s() + self._settings.answer_timeout_s:
            effects += self._drop(now_s, f"no answer within {self._settings.answer_timeout_s:g} s")
        if self._waiting:
            effects += self._send_waiting(now_s)
        return effects

    def wake_at_s(self) -> float | None:
        """When `tick` is due, None for never. Every input may move it."""
        wake_at_s = None
        if self.state in (State.OFFLINE, State.OPENING, State.LOGIN):
            wake_at_s = self._due_s
        elif self._sent:
            wake_at_s = self._oldest_s() + self._settings.answer_timeout_s
        for call in self._waiting:
            at_s = call.not_before_s if self.state is State.ONLINE else call.deadline_s
            wake_at_s = at_s if wake_at_s is None else min(wake_at_s, at_s)
        return wake_at_s

    # Requests on their way

    def _call(
        self, now_s: float, method: str, params: dict[str, Any], result: type, waiter: Any, key: str | None = None
    ) -> _Call:
        self._numbers += 1
        payload = self._codec.request(self._numbers, method, params)
        return _Call(self._numbers, payload, result, waiter, key, now_s + self._settings.deadline_s)

    def _send(self, call: _Call, now_s: float) -> Sequence[Effect]:
        call.sent_at_s = now_s
        self._sent[call.number] = call
        if self._held is None or call.waiter is _LOGIN:
            return (Send(call.payload),)
        self._held.append(call.payload)
        return ()

    def _send_waiting(self, now_s: float) -> Sequence[Effect]:
        effects: list[Effect] = []
        waiting, self._waiting = self._waiting, []
        for call in sorted(waiting, key=lambda call: call.number):
            if now_s >= call.deadline_s:
                effects.append(Failed(call.waiter, self._verdict(call)))
            elif self.state is State.ONLINE and now_s >= call.not_before_s:
                effects += self._send(call, now_s)
            else:
                self._waiting.append(call)
        return effects

    def _repeat_later(self, now_s: float, call: _Call, at_least_s: float = 0.0) -> Sequence[Effect]:
        call.attempts += 1
        call.not_before_s = now_s + max(self._backoff_s(call.attempts), at_least_s)
        if call.not_before_s >= call.deadline_s:
            return (Failed(call.waiter, self._verdict(call)),)
        self._waiting.append(call)
        return ()

    def _verdict(self, call: _Call) -> AuctionError:
        if call.unsure:
            assert call.key is not None
            return in_doubt("the request may have been executed; repeat it with the same key to learn it", call.key)
        return call.error or unavailable(f"no node could be asked within {self._settings.deadline_s:g} s")

    def _oldest_s(self) -> float:
        return next(iter(self._sent.values())).sent_at_s

    def _backoff_s(self, attempts: int) -> float:
        longest_s = min(self._settings.backoff_max_s, self._settings.backoff_min_s * 2.0 ** min(attempts - 1, 32))
        return longest_s * (2 - self._randomness.random()) / 2

    # Answers and pushes

    def _take(self, now_s: float, message: Message) -> Sequence[Effect]:
        if message.method is not None:
            return self._pushed(now_s, message)
        call = self._sent.pop(message.id, None) if message.id is not None else None
        if call is None:
            return ()
        if message.error is not None:
            return self._answered_error(now_s, call, error_from(message.error))
        try:
            result: Any = self._codec.result(message.result, call.result)
        except Garbled as error:
            fault = server_fault(f"the node's answer does not fit the protocol: {error}")
            return self._answered_error(now_s, call, fault)
        if call.waiter is _LOGIN:
            return self._logged_in(now_s, result)
        if call.waiter is _RESUME:
            return self._resumed(now_s, call, result)
        self.resolved += call.unsure
        return (Finished(call.waiter, result),)

    def _answered_error(self, now_s: float, call: _Call, error: AuctionError) -> Sequence[Effect]:
        if call.waiter is _LOGIN:
            return self._drop(now_s, str(error)) if isinstance(error, REPEATED) else self._end(error)
        if isinstance(error, Moved):
            return self._moved(now_s, call, error.url)
        logged_out = isinstance(error, Unauthenticated)
        if not logged_out and not isinstance(error, REPEATED) and call.waiter is not _RESUME:
            self.resolved += call.unsure
            return (Failed(call.waiter, error),)
        call.error = error
        if error.reason == "in_doubt":
            self._doubt(call)
        failed = self._repeat_later(now_s, call, error.retry_after_ms / 1000)
        return [*failed, *self._log_in(now_s)] if logged_out and self.state is State.ONLINE else failed

    def _moved(self, now_s: float, call: _Call, home: str) -> Sequence[Effect]:
        """Repeat a call at its home, or here once the node was asked to serve us itself."""
        if self.state is State.ONLINE and not self._route.redirects:
            call.error = unavailable(f"the node does not serve us itself, though it was asked to; our home is {home}")
            return self._repeat_later(now_s, call)
        self._waiting.append(call)
        if self.state is not State.ONLINE:
            return ()
        if not self._route.follow(now_s, home):
            return self._log_in(now_s)
        self._let_go()
        return [Drop(f"moved to {home}"), *self._open(now_s)]

    def _log_in(self, now_s: float) -> Sequence[Effect]:
        self.state = State.LOGIN
        self._due_s = now_s + self._settings.open_timeout_s
        params = {"token": self._token(), "redirects": self._route.redirects}
        return self._send(self._call(now_s, "session.login", params, LoginResult, _LOGIN), now_s)

    def _logged_in(self, now_s: float, login: LoginResult) -> Sequence[Effect]:
        self.state = State.ONLINE
        self.login = login
        self._failures = 0
        self.inbox.begin(login.seq)
        return [LoggedIn(), *self._send_waiting(now_s), *self.catch_up(now_s)]

    def _pushed(self, now_s: float, message: Message) -> Sequence[Effect]:
        try:
            if message.method == "event":
                event = self._codec.result(message.params, Notice)
                return (Told(),) if self.inbox.put(event) else self.catch_up(now_s)
            if message.method == "watch":
                match = match_of(self._codec.result(message.params, dict[str, Any]))
                self.matches += [] if match is None else [match]
                return (Told(),)
            if message.method == "hello":
                self.hello = self._codec.result(message.params, Hello)
                self._message_bytes_max = self.hello.max_message_bytes
        except (Garbled, msgspec.ValidationError) as error:
            return self._drop(now_s, f"the node's {message.method} does not fit the protocol: {error}")
        return ()

    def _resumed(self, now_s: float, call: _Call, page: EventsResult) -> Sequence[Effect]:
        if not self.inbox.put_page(page) and self.inbox.wanted() is not None:
            return self._repeat_later(now_s, call)
        self._resuming = False
        return [Told(), *self.catch_up(now_s)]

    # The beginning and end of a socket, and the end of the session

    def _open(self, now_s: float) -> Sequence[Effect]:
        self.state = State.OPENING
        self._due_s = now_s + self._settings.open_timeout_s
        return (Open(self._route.url),)

    def _doubt(self, call: _Call) -> None:
        """A mutation was sent and may have been executed."""
        if call.key is not None and not call.unsure:
            call.unsure = True
            self.doubted += 1

    def _let_go(self) -> None:
        """Nothing more comes on this socket: keep what was sent on it, to be sent again."""
        for call in self._sent.values():
            self._doubt(call)
        calls = [*self._sent.values(), *self._waiting]
        self._waiting = [call for call in calls if call.waiter is not _LOGIN]
        self._sent.clear()
        if self._held is not None:
            self._held.clear()

    def _drop(self, now_s: float, why: str) -> Sequence[Effect]:
        return [Drop(why), *self.closed(now_s, why)]

    def _end(self, error: AuctionError | None) -> Sequence[Effect]:
        if self.state is State.ENDED:
            return ()
        self.state = State.ENDED
        self._ended = error
        for call in self._sent.values():
            self._doubt(call)
        calls = [*self._sent.values(), *self._waiting]
        self._sent.clear()
        self._waiting.clear()
        why = error or unavailable("the client was closed")
        failures = [
            Failed(call.waiter, self._verdict(call) if call.unsure else why)
            for call in calls
            if call.waiter is not _LOGIN and call.waiter is not _RESUME
        ]
        return [Drop(str(why)), *failures, Ended(error)]
