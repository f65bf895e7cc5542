"""One connection's session: what a client sent, step by step, until it has its answer. It has no socket and no clock.

    state      after a good login   when its token runs out   a call other than session.login
    CONNECTED  LOGGED_IN            -                         unauthenticated
    LOGGED_IN  LOGGED_IN            EXPIRED                   what the house answers
    EXPIRED    LOGGED_IN            -                         token_expired

Each request in a message passes the connection's rate, the check of its params, of who asks and in what role, and
then goes to the house. A request with an id gets one answer: the house's, a fault's, or after `answer_within_s` the
gateway's own, after which the house's is dropped and what the house has not decided by then is not done any more.
"""

from enum import Enum, auto
from typing import Protocol

import msgspec
from msgspec import UNSET, UnsetType
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from auction.commands import AdminMutation, Ask, Mutation
from auction.context import Answer, Caller, Request
from auction.params import bad_param
from shardnode.gateway.limits import GatewayLimits
from shardnode.gateway.ports import Ports
from shardnode.gateway.presence import Presence
from shardnode.gateway.rate import RequestRate
from shardnode.gateway.tokens import Identity
from shardnode.wire.codec import Codec, Envelope, RequestId, refusal_of
from shardnode.wire.errors import (
    BadParams,
    ClientFault,
    Forbidden,
    InDoubt,
    InvalidRequest,
    RateLimited,
    TokenExpired,
    Unauthenticated,
    Unavailable,
    UnknownMethod,
)
from shardnode.wire.methods import METHODS, Login, LoginResult, Method
from shardnode.wire.transport import CloseCode
from worlddata.types import Catalog


class State(Enum):
    """Who the session is for."""

    CONNECTED = auto()
    LOGGED_IN = auto()
    EXPIRED = auto()


class Input(Enum):
    """What moves a session from state to state."""

    LOGIN = auto()
    EXPIRY = auto()


TRANSITIONS: dict[tuple[State, Input], State] = {
    (State.CONNECTED, Input.LOGIN): State.LOGGED_IN,
    (State.LOGGED_IN, Input.LOGIN): State.LOGGED_IN,
    (State.EXPIRED, Input.LOGIN): State.LOGGED_IN,
    (State.LOGGED_IN, Input.EXPIRY): State.EXPIRED,
}

UNKNOWN = "unknown"
"""What metrics call a method that is none of ours."""


class Outlet(Protocol):
    """What a session may do with its connection."""

    @property
    def unsent_bytes(self) -> int:
        """How much waits for a client that reads slowly."""

    def send(self, payload: bytes) -> None:
        """Send one message; nothing happens on a connection that is closing."""

    def close(self, code: CloseCode) -> None:
        """Close the connection, saying why."""


class _Batch:
    """The answers of an array of requests, until all `missing` ones are there."""

    __slots__ = ("answers", "missing")

    def __init__(self, size: int) -> None:
        self.answers: list[bytes] = []
        self.missing = size


class _Call(msgspec.Struct, eq=False):
    """One request on its way; `request` is what the house was asked, if it was, and `answer` what it gave for it."""

    id: RequestId | UnsetType
    method: str
    batch: _Batch | None
    since_s: float
    request: Request | None = None
    answer: "Deferred[Answer] | None" = None


class Session:
    """One client's session in one encoding."""

    def __init__(
        self,
        *,
        codec: Codec,
        catalog: Catalog,
        limits: GatewayLimits,
        ports: Ports,
        presence: Presence,
        outlet: Outlet,
    ) -> None:
        self.codec = codec
        self.state = State.CONNECTED
        self._catalog = catalog
        self._limits = limits
        self._ports = ports
        self._presence = presence
        self._outlet = outlet
        self._rate = RequestRate(
            limits.requests_per_s, limits.requests_burst, limits.flood_requests, ports.monotonic_s()
        )
        self._caller = Caller(player="", role="player")
        """Who is, or was last, logged in; it counts in state LOGGED_IN alone."""
        self._redirects = False
        """Whether the login asked to be told where the caller's home is, rather than served through this node."""
        self._expires_at_ms = 0
        self._pending: dict[_Call, None] = {}
        """Calls that wait for their answer, the oldest first."""
        self._retiring = False

    @property
    def waiting(self) -> bool:
        """Whether any call waits for its answer, so that `overdue` must be asked in time."""
        return bool(self._pending)

    def enter(self, identity: Identity, *, redirects: bool = False) -> None:
        """Log in as whom a good token names, in place of who was logged in before."""
        self._leave()
        self._move(Input.LOGIN)
        self._caller = Caller(identity.player, identity.role)
        self._redirects = redirects
        self._expires_at_ms = identity.expires_at_ms
        self._presence.join(identity.player, self)

    def receive(self, payload: bytes) -> None:
        """Take one message: a request, an array of them, or something that is neither and is told so."""
        now_s = self._ports.monotonic_s()
        try:
            message = self.codec.read(payload)
        except ClientFault as fault:
            self._refuse(fault, None, now_s)
        else:
            if isinstance(message, Envelope):
                self._take(message, None, now_s)
            else:
                self._take_all(message, now_s)

    def push(self, payload: bytes) -> None:
        """Pass on a push to who is logged in. Once the token has expired it stays away; events.since has it later."""
        if self._is_logged_in():
            self._outlet.send(payload)

    def push_if_read(self, payload: bytes) -> None:
        """The same, but nothing piles up for a client that reads more slowly than it is told: it is told less."""
        if self._outlet.unsent_bytes > self._limits.unsent_for_watches_max:
            self._ports.metrics.limit_hit("unsent_for_watches_max")
        else:
            self.push(payload)

    def overdue(self) -> float | None:
        """Answer what the house did not in time. Returns in how many seconds to look again, None for not at all."""
        due_s = self._ports.monotonic_s() - self._limits.answer_within_s
        for call in tuple(self._pending):
            if call.since_s > due_s:
                return call.since_s - due_s
            self._give_up(call)
        return None

    def retire(self) -> None:
        """The node is stopping: take no more calls, and close when the last one under way is answered."""
        self._retiring = True
        if not self._pending:
            self._outlet.close(CloseCode.GOING_AWAY)

    def closed(self) -> None:
        """The connection is gone."""
        self._leave()

    def _take_all(self, members: list[Envelope | InvalidRequest], now_s: float) -> None:
        batch = _Batch(sum(isinstance(member, InvalidRequest) or member.id is not UNSET for member in members))
        for member in members:
            if isinstance(member, InvalidRequest):
                self._refuse(member, batch, now_s)
            else:
                self._take(member, batch, now_s)

    def _refuse(self, fault: ClientFault, batch: _Batch | None, now_s: float) -> None:
        request_id = fault.request_id if isinstance(fault, InvalidRequest) else None
        call = _Call(request_id, UNKNOWN, batch, now_s)
        try:
            self._admit(now_s)
        except RateLimited as limited:
            self._tell(limited, call)
        else:
            self._tell(fault, call)

    def _take(self, envelope: Envelope, batch: _Batch | None, now_s: float) -> None:
        method = METHODS.get(envelope.method)
        call = _Call(envelope.id, UNKNOWN if method is None else method.name, batch, now_s)
        try:
            self._admit(now_s)
            if method is None:
                raise UnknownMethod("there is no such method; see /openrpc.json")
            params = self.codec.params(method, envelope.params)
            self._check_room()
            if isinstance(params, Login):
                self._login(params, call)
            else:
                bad = bad_param(params, self._catalog, self._caller.player if self.state is State.LOGGED_IN else None)
                if bad is not None:
                    raise BadParams(bad.path, bad.message)
                self._ask(method, params, call)
        except ClientFault as fault:
            self._tell(fault, call)

    def _admit(self, now_s: float) -> None:
        wait_ms = self._rate.take(now_s)
        if wait_ms:
            self._ports.metrics.limit_hit("requests_per_s")
            if self._rate.flooding:
                self._ports.metrics.limit_hit("flood_requests")
                self._outlet.close(CloseCode.FLOODING)
            raise RateLimited("too many requests on this connection; wait data.retry_after_ms", wait_ms)

    def _check_room(self) -> None:
        if self._retiring:
            raise Unavailable("the node is stopping; connect again in a moment", self._limits.retry_after_ms)
        if len(self._pending) >= self._limits.in_flight_max:
            self._ports.metrics.limit_hit("in_flight_max")
            raise Unavailable("too many calls of this connection wait for answers", self._limits.retry_after_ms)

    def _login(self, params: Login, call: _Call) -> None:
        identity = self._ports.verify(params.token, self._ports.now_ms())
        self.enter(identity, redirects=params.redirects)
        self._pending[call] = None
        latest_seq = self._ports.latest_seq(identity.player)
        latest_seq.addCallbacks(self._logged_in, self._failed, (call, identity), {}, (call,))

    def _ask(self, method: Method, params: Ask, call: _Call) -> None:
        if not self._is_logged_in():
            raise TokenExpired if self.state is State.EXPIRED else Unauthenticated
        caller = self._caller
        if caller.role not in method.roles:
            raise Forbidden(method.name, caller.role)
        own_key = self._ports.mint_key() if isinstance(params, Mutation) and params.key is None else ""
        call.request = Request(caller, params, own_key, self._redirects)
        self._pending[call] = None
        call.answer = self._ports.ask(call.request)
        call.answer.addCallbacks(self._answered, self._failed, (call,), {}, (call,))

    def _is_logged_in(self) -> bool:
        if self.state is not State.LOGGED_IN:
            return False
        if self._ports.now_ms() < self._expires_at_ms:
            return True
        self._leave()
        self._move(Input.EXPIRY)
        return False

    def _leave(self) -> None:
        if self.state is State.LOGGED_IN:
            self._presence.leave(self._caller.player, self)

    def _move(self, what: Input) -> None:
        assert (self.state, what) in TRANSITIONS, (self.state, what)
        self.state = TRANSITIONS[self.state, what]

    def _answered(self, answer: Answer, call: _Call) -> None:
        try:
            if call not in self._pending:
                return  # too late: the gateway has answered in the house's place
            del self._pending[call]
            if call.id is not UNSET:
                self._send(self.codec.answer(call.id, answer), call)
            self._finish(call, refusal_of(answer).reason if answer.refused else "ok")
        except Exception:  # a bug of ours must stop the node, not end in a Deferred that nobody reads
            self._ports.failed(Failure())

    def _logged_in(self, seq: int, call: _Call, identity: Identity) -> None:
        try:
            if call not in self._pending:
                return
            del self._pending[call]
            if call.id is not UNSET:
                result = LoginResult(identity.player, identity.role, self._ports.now_ms(), seq)
                self._send(self.codec.result(call.id, result), call)
            self._finish(call, "ok")
        except Exception:  # as above
            self._ports.failed(Failure())

    def _failed(self, failure: Failure, call: _Call) -> None:
        fault = failure.value
        if isinstance(fault, CancelledError):
            return  # given up by `_give_up`, which has answered
        if not isinstance(fault, ClientFault):
            self._ports.failed(failure)
        elif call in self._pending:
            del self._pending[call]
            self._tell(fault, call)
            if isinstance(fault, InDoubt):
                self._doubt_told(call)

    def _give_up(self, call: _Call) -> None:
        del self._pending[call]
        self._ports.metrics.limit_hit("answer_within_s")
        request = call.request
        if call.answer is not None:
            call.answer.cancel()
        if request is None or not isinstance(request.ask, Mutation | AdminMutation):
            self._tell(Unavailable("the node took too long; nothing was done", self._limits.retry_after_ms), call)
            return
        self._tell(InDoubt(request.ask.key or request.own_key, None), call)
        self._doubt_told(call)

    def _doubt_told(self, call: _Call) -> None:
        """A client that was told the node's own key of a mutation may repeat it from now on."""
        request = call.request
        if request is not None and request.own_key and call.id is not UNSET:
            self._ports.told(request)

    def _tell(self, fault: ClientFault, call: _Call) -> None:
        if call.id is not UNSET:
            self._send(self.codec.error(call.id, fault.error()), call)
        self._finish(call, fault.reason)

    def _send(self, payload: bytes, call: _Call) -> None:
        batch = call.batch
        if batch is None:
            self._outlet.send(payload)
            return
        batch.answers.append(payload)
        batch.missing -= 1
        if not batch.missing:
            self._outlet.send(self.codec.array(batch.answers))

    def _finish(self, call: _Call, outcome: str) -> None:
        self._ports.metrics.request_done(call.method, outcome, self._ports.monotonic_s() - call.since_s)
        if self._retiring and not self._pending:
            self._outlet.close(CloseCode.GOING_AWAY)
