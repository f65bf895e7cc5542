"""Pushes follow a player to the node that it is connected to.

    session's node                                     home
    first session: Attach ───────────────────────────► answers Attached with the latest seq
    told to the sessions ◄──────────────────────────── Push, for every notice from then on
    last session gone: Detach ───────────────────────► nothing more

Notices are numbered, so the session's node tells each once and in order: it drops what it told before, and reads what
it missed with `events.since`. A home forgets all attachments of a node when the link to it is down; that node attaches
its players again when the link is back, and now and then, lest the last push before a silence be lost.
"""

from collections.abc import Callable, Generator

import msgspec
from twisted.internet.defer import Deferred, inlineCallbacks, succeed
from twisted.python.failure import Failure

from auction.commands import EventsSince, GetPlayer
from auction.context import Answer, Caller, Request
from auction.results import EventsResult, PlayerResult
from auction.state import Notice
from shardnode.cluster.map import ClusterMap
from shardnode.cluster.messages import Attach, Attached, Detach, Matched, Push
from shardnode.cluster.network import PeerFault
from shardnode.cluster.ports import Home
from shardnode.cluster.post import Post
from shardnode.cluster.router import Router
from shardnode.ops.metrics import Metrics
from shardnode.wire.errors import Unavailable
from shardnode.wire.events import ListingsMatched, PriceMatched, WatchMatched

EVENTS_PAGE = 100
_decode_events = msgspec.msgpack.Decoder(EventsResult).decode


class AttachLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of attachments; the players of a node are bounded by its sockets."""

    asked_max: int = 256
    """Attach messages to one node that wait for their answer; the others wait for these."""
    ask_again_s: float = 1.0
    """How long one waits before it is sent again."""
    refresh_s: float = 10.0
    """How often an attached player is attached again."""
    login_waits_s: float = 2.0
    """How long a login waits for its player's seq; it is told 0 then, from where nothing is lost either."""
    attached_max: int = 100_000
    """Players of this node attached to one other node; one more is not attached."""


class HomeSide:
    """The players who live here and are connected to other nodes; `changed` hears of one that came or went."""

    def __init__(
        self,
        *,
        node: str,
        cluster_map: Callable[[], ClusterMap],
        post: Post,
        home: Home,
        limits: AttachLimits,
        metrics: Metrics,
        changed: Callable[[str], None],
        failed: Callable[[Failure], None],
    ) -> None:
        self._node = node
        self._map = cluster_map
        self._post = post
        self._home = home
        self._limits = limits
        self._metrics = metrics
        self._changed = changed
        self._failed = failed
        self._nodes: dict[str, list[str]] = {}
        """Player → nodes where it has sessions."""
        self._players: dict[str, set[str]] = {}
        """The same by node."""

    def __len__(self) -> int:
        """Players attached to other nodes."""
        return len(self._nodes)

    def is_attached(self, player: str) -> bool:
        """Whether a player has a session on another node."""
        return player in self._nodes

    def push(self, player: str, notice: Notice) -> None:
        """Tell a player wherever it is connected; to be called when the notice is durable, in the order of `seq`."""
        self._home.deliver(player, notice)
        nodes = self._nodes.get(player)
        if nodes is not None:
            self._post.send_all(nodes, Push(player, notice))

    def match(self, player: str, matched: WatchMatched) -> None:
        """Tell a player wherever it is connected that something it watches has come."""
        self._home.deliver_match(player, matched)
        nodes = self._nodes.get(player)
        if nodes is not None:
            self._post.send_all(nodes, _message_of(player, matched))

    def attach(self, node: str, message: Attach) -> None:
        """A player has a session there. Raises PeerFault where its home is another node."""
        player = message.player
        if self._map().home_of(self._home.names.store_of(player)) != self._node:
            raise PeerFault(f"{node} attaches {player!r}, whose home is not {self._node}")
        players = self._players.setdefault(node, set())
        if player not in players:
            if len(players) >= self._limits.attached_max:
                self._metrics.limit_hit("attached_max")
                return
            players.add(player)
            self._nodes.setdefault(player, []).append(node)
            self._changed(player)
        seq = latest_seq(self._home, player)
        seq.addCallbacks(self._answer, _unavailable, (node, player)).addErrback(self._failed)

    def detach(self, node: str, message: Detach) -> None:
        """A player has no session there any more."""
        players = self._players.get(node, set())
        if message.player in players:
            players.remove(message.player)
            self._forget(node, message.player)

    def link_down(self, node: str) -> None:
        """Who is connected there is not known any more."""
        for player in self._players.pop(node, ()):
            self._forget(node, player)

    def _answer(self, seq: int, node: str, player: str) -> None:
        self._post.send(node, Attached(player, seq))

    def _forget(self, node: str, player: str) -> None:
        nodes = self._nodes[player]
        nodes.remove(node)
        if not nodes:
            del self._nodes[player]
            self._changed(player)


class _Guest(msgspec.Struct, eq=False):
    """A player with sessions here, who lives elsewhere."""

    player: str
    home: str
    seq: int | None = None
    """The latest notice that was told here, or was there before anybody listened; None until the home was heard."""
    heard: int = 0
    """The latest notice that is known to exist."""
    is_owed: bool = False
    """Whether a login was told 0 because nobody knew: the latest notice, once known, tells it what it missed."""
    reading: bool = False
    """Whether missed notices are being read."""
    logins: "list[tuple[float, Deferred[int]]]" = msgspec.field(default_factory=list)
    """Who waits for the seq, and since when."""

    def forget(self) -> None:
        """Nothing that was told counts any more."""
        self.seq, self.heard = None, 0


class _Guests:
    """The players of one home: each either waits to be attached, has been asked for at an instant, or is attached.

    `life` is the home's: a data directory that took another's place counts notices anew.
    """

    __slots__ = ("asked", "attached", "life", "waiting")

    def __init__(self, life: int) -> None:
        self.life = life
        self.waiting: dict[str, None] = {}
        self.asked: dict[str, float] = {}
        self.attached: dict[str, float] = {}

    def remove(self, player: str) -> bool:
        """Forget a player; whether the home may know of it."""
        known = player in self.asked or player in self.attached
        self.waiting.pop(player, None)
        self.asked.pop(player, None)
        self.attached.pop(player, None)
        return known

    def begin(self) -> None:
        """Nobody is attached; all wait."""
        self.waiting.update(dict.fromkeys((*self.asked, *self.attached)))
        self.asked.clear()
        self.attached.clear()


class SessionSide:
    """The players who are connected here and live elsewhere."""

    def __init__(
        self,
        *,
        node: str,
        cluster_map: Callable[[], ClusterMap],
        post: Post,
        router: Router,
        home: Home,
        seconds: Callable[[], float],
        limits: AttachLimits,
        failed: Callable[[Failure], None],
    ) -> None:
        self._node = node
        self._map = cluster_map
        self._post = post
        self._router = router
        self._home = home
        self._seconds = seconds
        self._limits = limits
        self._failed = failed
        self._guests: dict[str, _Guest] = {}
        self._homes: dict[str, _Guests] = {}

    def __len__(self) -> int:
        """Players connected here who live elsewhere."""
        return len(self._guests)

    def joined(self, player: str) -> None:
        """A player's first session here has logged in."""
        home = self._home_of(player)
        if home != self._node:
            self._guests[player] = _Guest(player, home)
            self._homes.setdefault(home, _Guests(self._life_of(home))).waiting[player] = None
            self._ask(home)

    def left(self, player: str) -> None:
        """A player's last session here is gone."""
        guest = self._guests.pop(player, None)
        if guest is not None:
            if self._homes[guest.home].remove(player):
                self._post.send(guest.home, Detach(player))
            _tell(guest, 0)
            self._ask(guest.home)

    def latest_seq(self, player: str) -> "Deferred[int]":
        """The seq of a player's latest notice, with all later ones to come here; 0 where it cannot be learnt now."""
        guest = self._guests.get(player)
        if guest is None:
            if self._home_of(player) != self._node:
                return succeed(0)
            return latest_seq(self._home, player).addErrback(_no_seq)
        if not self._post.is_up(guest.home):
            guest.is_owed = True
            return succeed(0)
        if guest.seq is not None and player in self._homes[guest.home].attached:
            return succeed(guest.seq)
        login: Deferred[int] = Deferred()
        guest.logins.append((self._seconds(), login))
        return login

    def link_up(self, node: str) -> None:
        """Attach all players of that home again."""
        guests = self._homes.get(node)
        if guests is not None:
            guests.begin()
            if guests.life != self._life_of(node):
                guests.life = self._life_of(node)
                for player in guests.waiting:
                    self._guests[player].forget()
            self._ask(node)

    def link_down(self, node: str) -> None:
        """Nobody of that home is attached; logins need not wait."""
        guests = self._homes.get(node)
        if guests is not None:
            guests.begin()
            for player in tuple(guests.waiting):
                _tell_nothing(self._guests[player])

    def tick(self) -> None:
        """Ask again what was not answered, refresh what was long ago, let no login wait; to be called now and then."""
        now_s, limits = self._seconds(), self._limits
        for home, guests in self._homes.items():
            for waiting, after_s in ((guests.asked, limits.ask_again_s), (guests.attached, limits.refresh_s)):
                for player in _before(waiting, now_s - after_s):
                    del waiting[player]
                    guests.waiting[player] = None
            self._ask(home)
        for guest in tuple(self._guests.values()):
            if guest.logins and guest.logins[0][0] <= now_s - limits.login_waits_s:
                _tell_nothing(guest)

    def attached(self, node: str, message: Attached) -> None:
        """A home tells the latest seq of a player of its, and every later notice from now on."""
        guest = self._guests.get(message.player)
        if guest is None or guest.home != node:
            return
        guests = self._homes[node]
        guests.remove(message.player)
        guests.attached[message.player] = self._seconds()
        if guest.seq is None:
            guest.seq = message.seq
        _tell(guest, guest.seq)
        if guest.is_owed:
            guest.is_owed = False
            guest.seq = min(guest.seq, max(message.seq - 1, 0))
        self._exists(guest, message.seq)
        self._ask(node)

    def pushed(self, node: str, message: Push) -> None:
        """A home tells what a player of its was told."""
        guest = self._guests.get(message.player)
        if guest is None or guest.home != node:
            self._post.send(node, Detach(message.player))
        elif guest.seq is not None and not guest.reading and message.notice.seq == guest.seq + 1:
            self._deliver(guest, message.notice)
        else:
            self._exists(guest, message.notice.seq)

    def matched(self, node: str, message: Matched) -> None:
        """A home tells that something has come which a player of its watches."""
        guest = self._guests.get(message.player)
        if guest is None or guest.home != node:
            self._post.send(node, Detach(message.player))
            return
        for matched in (message.listings, message.price):
            if matched is not None:
                self._home.deliver_match(guest.player, matched)

    def _ask(self, home: str) -> None:
        """Attach those who wait, as many at a time as may be."""
        guests, now_s = self._homes[home], self._seconds()
        while guests.waiting and len(guests.asked) < self._limits.asked_max:
            player = next(iter(guests.waiting))
            if not self._post.send(home, Attach(player)):
                return
            del guests.waiting[player]
            guests.asked[player] = now_s

    def _exists(self, guest: _Guest, seq: int) -> None:
        """There is a notice of that number: read it, and those before it, where they were missed."""
        guest.heard = max(guest.heard, seq)
        if guest.seq is not None and guest.seq < guest.heard and not guest.reading:
            guest.reading = True
            self._read(guest, guest.seq).addErrback(self._failed)

    @inlineCallbacks
    def _read(self, guest: _Guest, seq: int) -> Generator["Deferred[Answer]", Answer, None]:
        """Tell what was missed; what cannot be read now is asked for again when the player is attached again."""
        caller = Caller(guest.player, "player")
        try:
            while seq < guest.heard:
                answer = yield self._router.ask(Request(caller, EventsSince(seq=seq, limit=EVENTS_PAGE)))
                if self._guests.get(guest.player) is not guest:
                    return
                missed = _events(answer)
                for notice in missed.events:
                    self._deliver(guest, notice)
                seq = missed.events[-1].seq if missed.events else guest.heard
                guest.seq = seq
        except Unavailable:
            return
        finally:
            guest.reading = False

    def _deliver(self, guest: _Guest, notice: Notice) -> None:
        guest.seq = notice.seq
        self._home.deliver(guest.player, notice)

    def _home_of(self, player: str) -> str:
        return self._map().home_of(self._home.names.store_of(player))

    def _life_of(self, home: str) -> int:
        return self._map().nodes[home].since_epoch


def _message_of(player: str, matched: WatchMatched) -> Matched:
    if isinstance(matched, ListingsMatched):
        return Matched(player, listings=matched)
    assert isinstance(matched, PriceMatched), matched
    return Matched(player, price=matched)


def latest_seq(home: Home, player: str) -> "Deferred[int]":
    """The seq of the latest notice of a player whose store is here; fails with Unavailable."""
    return home.ask(Request(Caller(player, "player"), GetPlayer())).addCallback(_seq)


def _seq(answer: Answer) -> int:
    assert isinstance(answer.body, PlayerResult), answer
    return answer.body.seq


def _events(answer: Answer) -> EventsResult:
    if isinstance(answer.body, EventsResult):
        return answer.body
    assert answer.encoded is not None, "an answer has a body or an encoded one"
    return _decode_events(answer.encoded)


def _no_seq(failure: Failure) -> int:
    failure.trap(Unavailable)
    return 0


def _unavailable(failure: Failure) -> None:
    """It is attached, and asked for again by who attaches it."""
    failure.trap(Unavailable)


def _tell_nothing(guest: _Guest) -> None:
    """Logins need not wait any more."""
    guest.is_owed = guest.is_owed or bool(guest.logins)
    _tell(guest, 0)


def _tell(guest: _Guest, seq: int) -> None:
    logins, guest.logins = guest.logins, []
    for _, login in logins:
        login.callback(seq)


def _before(players: dict[str, float], before_s: float) -> list[str]:
    """Those from before an instant; the oldest stand first."""
    found: list[str] = []
    for player, since_s in players.items():
        if since_s > before_s:
            break
        found.append(player)
    return found
