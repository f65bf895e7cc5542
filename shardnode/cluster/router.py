"""The router: who answers a request, this node or the home of the store that it goes to first.

    world.*, listing.search         here; a search goes on where its cursor was given
    listing.get                     the listing's home
    commodity.quote, book, history  the commodity's home
    admin.freeze, admin.thaw        the home of the house's own store
    other admin.*                   the named player's home
    everything else                 the caller's home

A request travels one hop at most: who receives an Ask answers it from its own stores or not at all. Where the link is
known to be down the answer is `unavailable` at once. Where it is cut after the request was sent, nobody here knows what
became of it: a mutation is `in_doubt`, and a query, which did nothing, `unavailable`.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, get_args

import msgspec
from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from auction import commands
from auction.commands import AdminMutation, GetListing, Mutation, SearchListings, WorldQuery
from auction.context import Answer, Caller, Request
from auction.keys import use_of
from auction.needs import AT_THE_HOUSE, AT_THE_LISTING, AT_THE_MARKET, AT_THE_NAMED_PLAYER, first_store
from auction.refusals import Refusal
from auction.results import ListingResult, ListingView
from auction.views import listing_view
from shardnode.cluster.map import ClusterMap
from shardnode.cluster.messages import Answered, Ask, Faulted, TellKey
from shardnode.cluster.network import PeerFault
from shardnode.cluster.ports import Home
from shardnode.cluster.post import Post
from shardnode.ops.metrics import Metrics
from shardnode.search.pages import node_of
from shardnode.wire.codec import MSGPACK
from shardnode.wire.errors import BadParams, ClientFault, InDoubt, Moved, Unavailable
from shardnode.wire.methods import METHODS, TOKEN_ROLES, Login
from shardnode.wire.transport import ANSWERED_WITHIN_S

OF_THE_WORLD = frozenset(get_args(WorldQuery))
NOT_OF_THE_CALLER = (
    OF_THE_WORLD | {SearchListings} | AT_THE_LISTING | AT_THE_NAMED_PLAYER | AT_THE_MARKET | AT_THE_HOUSE
)

NUMBERS_A_START = 2**32
"""Numbers of Asks that one start of a node may use, so that no answer to an earlier start is taken for another's."""

_NAMES = {method.params: method.name for method in METHODS.values()}
_encode = msgspec.msgpack.Encoder().encode
_check_whole = msgspec.msgpack.Decoder(msgspec.Raw).decode
_decode_refusal = msgspec.msgpack.Decoder(Refusal).decode
_decode_listing = msgspec.msgpack.Decoder(ListingResult).decode


def is_of_the_caller(ask: commands.Ask) -> bool:
    """Whether it is the caller's home that answers."""
    return type(ask) not in NOT_OF_THE_CALLER


class RouterLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of forwarding."""

    forwarded_max: int = 10_000
    """Requests under way to one node; beyond it requests for its stores are refused as unavailable."""
    answer_within_s: float = ANSWERED_WITHIN_S
    """When another node has not answered by then, its answer is taken for lost."""
    asks_remembered: int = 20_000
    """How many of the latest Asks of each node are known again, at least, when the wire brings them twice."""
    keys_kept_max: int = 10_000
    """Keys told to clients of one node that cannot be reached, until they can be passed on to it."""
    retry_after_ms: int = 1_000
    """What a client is told to wait."""


class _Forwarded(msgspec.Struct, eq=False):
    """A request on its way to another node."""

    request: Request
    answer: "Deferred[Answer]"
    since_s: float


class _Known:
    """The numbers of a node's latest Asks: two generations, each of so many; what is older than both is known too."""

    __slots__ = ("_before", "_floor", "_latest", "_size")

    def __init__(self, size: int) -> None:
        self._size = size
        self._latest: set[int] = set()
        self._before: set[int] = set()
        self._floor = 0

    def add(self, number: int) -> bool:
        """Whether the number is new; from now on it is not."""
        if number <= self._floor or number in self._latest or number in self._before:
            return False
        self._latest.add(number)
        if len(self._latest) >= self._size:
            self._floor = max(self._before, default=self._floor)
            self._before, self._latest = self._latest, set()
        return True


class Router:
    """Asks the whole house, and answers what other nodes ask of this one."""

    def __init__(
        self,
        *,
        node: str,
        cluster_map: Callable[[], ClusterMap],
        post: Post,
        home: Home,
        seconds: Callable[[], float],
        limits: RouterLimits,
        metrics: Metrics,
        failed: Callable[[Failure], None],
    ) -> None:
        self._node = node
        self._map = cluster_map
        self._post = post
        self._home = home
        self._seconds = seconds
        self._limits = limits
        self._metrics = metrics
        self._failed = failed
        self._number = home.incarnation * NUMBERS_A_START
        self._forwarded: dict[str, dict[int, _Forwarded]] = {}
        """By node and number, those under way, the oldest first."""
        self._untold: dict[str, deque[TellKey]] = {}
        self._known: dict[str, _Known] = {}

    def __len__(self) -> int:
        """Requests under way to other nodes."""
        return sum(map(len, self._forwarded.values()))

    def ask(self, request: Request) -> "Deferred[Answer]":
        """The answer of the house. Fails with Unavailable, InDoubt, or, where the request asks for it, Moved."""
        ask, home = request.ask, self._home
        kind = type(ask)
        if kind in OF_THE_WORLD:
            return home.ask(request)
        if isinstance(ask, SearchListings):
            node = self._searched_at(ask)
            return home.search(ask, request.caller.player) if node == self._node else self.forward(node, request)
        store = first_store(request, home.names)
        known = self._map()
        node = self._node if store is None else known.home_of(store)
        if node == self._node:
            return home.ask(request)
        if request.redirects and kind not in NOT_OF_THE_CALLER and self._post.is_up(node):
            return fail(Moved(known.nodes[node].url))
        return self.forward(node, request)

    def ask_home_of(self, listing: str, request: Request) -> "Deferred[ListingView | None]":
        """A listing of another node as its home shows it to who asks `request`; None where there is no such listing.

        Where the home cannot be reached a query is shown what the index has; a mutation fails with Unavailable.
        """
        seen = self.ask(Request(request.caller, GetListing(listing=listing)))
        return seen.addCallbacks(_view, self._view_from_index, (), {}, (listing, request))

    def forward(self, node: str, request: Request) -> "Deferred[Answer]":
        """What another node answers from its stores. Fails as `ask` does."""
        forwarded = self._forwarded.setdefault(node, {})
        if len(forwarded) >= self._limits.forwarded_max:
            self._metrics.limit_hit("forwarded_max")
            return fail(self._unavailable(f"too many requests wait for node {node}; try again"))
        self._number = number = self._number + 1
        caller, params = request.caller, msgspec.Raw(_encode(request.ask))
        ask = Ask(number, caller.player, caller.role, _NAMES[type(request.ask)], params, request.own_key)
        if not self._post.send(node, ask):
            return fail(self._unavailable(f"node {node}, the home of this, cannot be reached now; try again"))

        def given_up(_: "Deferred[Answer]") -> None:
            forwarded.pop(number, None)

        answer: Deferred[Answer] = Deferred(given_up)
        forwarded[number] = _Forwarded(request, answer, self._seconds())
        return answer

    def tell_key(self, request: Request) -> None:
        """A client was told that a mutation is in doubt under the node's own key: its home keeps the key."""
        store, use = first_store(request, self._home.names), use_of(request)
        if store is None or use is None:
            return
        node = self._map().home_of(store)
        if node == self._node:
            self._home.tell_key(store, use.key)
            return
        told = TellKey(store, use.key)
        if not self._post.send(node, told):
            untold = self._untold.setdefault(node, deque(maxlen=self._limits.keys_kept_max))
            if len(untold) == self._limits.keys_kept_max:
                self._metrics.limit_hit("keys_kept_max")
            untold.append(told)

    def link_up(self, node: str) -> None:
        """Pass on what could not be told before."""
        for told in self._untold.pop(node, ()):
            self._post.send(node, told)

    def link_down(self, node: str) -> None:
        """What is under way to that node is cut off."""
        for forwarded in self._forwarded.pop(node, {}).values():
            self._cut_off(node, forwarded)

    def tick(self) -> None:
        """Take answers that are overdue for lost; to be called now and then."""
        before_s = self._seconds() - self._limits.answer_within_s
        for node, under_way in tuple(self._forwarded.items()):
            for number, forwarded in tuple(under_way.items()):
                if forwarded.since_s > before_s:
                    break
                del under_way[number]
                self._cut_off(node, forwarded)

    def asked(self, node: str, ask: Ask) -> None:
        """Another node asks: answer from the stores here. Raises PeerFault for nonsense."""
        known = self._known.get(node)
        if known is None:
            known = self._known[node] = _Known(self._limits.asks_remembered)
        if not known.add(ask.number):
            return
        answer = self._answer(self._request(node, ask))
        answer.addCallbacks(self._answer_back, self._fault_back, (node, ask.number), {}, (node, ask.number))
        answer.addErrback(self._failed)

    def answered(self, node: str, message: Answered) -> None:
        """A node has answered; nothing where nobody waits for it any more. Raises PeerFault for nonsense."""
        body: Refusal | None = None
        try:
            if message.refused:
                body = _decode_refusal(message.body)
            else:
                _check_whole(message.body)
        except (msgspec.DecodeError, UnicodeDecodeError, AssertionError) as error:  # a reason that is none of ours
            raise PeerFault(f"{node} sent an answer that is none: {error!r}") from error
        forwarded = self._take(node, message.number)
        if forwarded is not None:
            forwarded.answer.callback(Answer(body, message.refused, message.body))

    def faulted(self, node: str, message: Faulted) -> None:
        """A node could not answer, and says why. Raises PeerFault for nonsense."""
        figures: dict[str, Any] = message.figures
        try:
            fault = _FAULTS[message.reason](message.message, figures)
        except KeyError as error:
            raise PeerFault(f"{node} sent a fault that is none: {message!r}") from error
        forwarded = self._take(node, message.number)
        if forwarded is not None:
            forwarded.answer.errback(fault)

    def key_told(self, _node: str, message: TellKey) -> None:
        """A client of another node was told a key."""
        self._home.tell_key(message.store, message.key)

    def _searched_at(self, ask: SearchListings) -> str:
        """The node that a search goes on at; a cursor of nobody, or of nobody any more, is refused here."""
        node = None if ask.cursor is None else node_of(ask.cursor)
        return node if node is not None and node in self._map().nodes else self._node

    def _request(self, node: str, ask: Ask) -> Request:
        method = METHODS.get(ask.method)
        if method is None or method.params is Login or ask.role not in TOKEN_ROLES:
            raise PeerFault(f"{node} asks {ask.method!r} for a {ask.role!r}, which nobody can ask")
        try:
            params = MSGPACK.params(method, ask.params)
        except BadParams as fault:
            raise PeerFault(f"{node} asks {ask.method} with bad params: {fault}") from fault
        role: Any = ask.role
        return Request(Caller(ask.player, role), params, ask.own_key)

    def _answer(self, request: Request) -> "Deferred[Answer]":
        ask, home = request.ask, self._home
        if isinstance(ask, SearchListings):
            return home.search(ask, request.caller.player)
        store = first_store(request, home.names)
        if store is not None and self._map().home_of(store) != self._node:
            return fail(self._unavailable(f"node {self._node} is not the home of this; try again"))
        return home.ask(request)

    def _answer_back(self, answer: Answer, node: str, number: int) -> None:
        body = answer.encoded if answer.encoded is not None else _encode(answer.body)
        self._post.send(node, Answered(number, answer.refused, body))

    def _fault_back(self, failure: Failure, node: str, number: int) -> None:
        failure.trap(Unavailable, InDoubt, BadParams)
        fault: Any = failure.value
        self._post.send(node, Faulted(number, fault.reason, fault.message, fault.figures))

    def _take(self, node: str, number: int) -> _Forwarded | None:
        return self._forwarded.get(node, {}).pop(number, None)

    def _cut_off(self, node: str, forwarded: _Forwarded) -> None:
        ask = forwarded.request.ask
        fault: ClientFault
        if isinstance(ask, Mutation | AdminMutation):
            fault = InDoubt(ask.key or forwarded.request.own_key, None)
        else:
            fault = self._unavailable(f"node {node}, the home of this, was lost before it answered; try again")
        forwarded.answer.errback(fault)

    def _unavailable(self, why: str) -> Unavailable:
        return Unavailable(why, self._limits.retry_after_ms)

    def _view_from_index(self, failure: Failure, listing: str, request: Request) -> ListingView | None:
        failure.trap(Unavailable)
        row = self._home.index.get(listing)
        if row is not None:
            return listing_view(row, request.caller.player)
        if isinstance(request.ask, commands.Query):
            return None
        return failure.raiseException()


def _view(answer: Answer) -> ListingView | None:
    if answer.refused:
        return None
    if isinstance(answer.body, ListingResult):
        return answer.body.listing
    assert answer.encoded is not None, "an answer has a body or an encoded one"
    return _decode_listing(answer.encoded).listing


_FAULTS: dict[str, Callable[[str, dict[str, Any]], ClientFault]] = {
    "unavailable": lambda message, figures: Unavailable(message, figures["retry_after_ms"]),
    "in_doubt": lambda _, figures: InDoubt(figures["key"], figures["trade"]),
    "bad_params": lambda message, figures: BadParams(figures["path"], message.partition(": ")[2]),
}
"""What an Ask can fail with, beside an answer: reason → fault, from its message and figures."""
