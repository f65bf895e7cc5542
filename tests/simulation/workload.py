"""The crowd before a house: players on lines to any node, who repeat what was lost and follow nobody's advice.

Each client has one wish at a time and a line to some node. A wish that was not answered, or not for certain, is
repeated under its key on the same node or another; some are sent through two nodes at once. What every attempt was
answered is kept for the checks; nothing is checked here.
"""

from collections.abc import Callable, Generator
from math import inf
from random import Random
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace
from twisted.internet.defer import Deferred, inlineCallbacks

from auction.commands import Ask, Mutation
from auction.context import Caller
from auction.refusals import REASONS, Refusal
from auction.results import Result
from auction.state import Notice
from clients.bots.strategies import STRATEGIES
from clients.codec import Message
from clients.watched import Match, match_of
from shardnode.wire.methods import METHODS, Login, LoginResult
from tests.simulation.acts import draw_acts, look_round
from tests.simulation.board import Board
from tests.simulation.clock import EPOCH_S
from tests.simulation.house import House, SimulatedNode
from tests.simulation.lines import CODEC, METHOD_OF, Line
from tests.simulation.lives import GOLD, ITEMS, PIECES, Life, bot, game, gift, operator, rival
from tests.simulation.node_story import outcome_told, struct_told
from tests.simulation.world import World

PATIENCE_S = 7.0
"""How long a client waits for an answer before it takes its line for dead: longer than any sound node may take."""
BEGIN_S = 0.3
"""Players come when the game has given everybody something to begin with."""
THINK_S = 0.25
LOOK_S = 0.05
"""How long somebody waits between two requests who looks round in a house at rest."""
LOOKS_MAX = 40
"""How often it asks for the same: a late frame of an older map may still cut a link."""
KEYED = 0.6
"""Share of mutations to which the client itself gives a key."""
TWICE = 0.08
"""Share of those that are sent through another node at the same time."""
REPEATED = 0.85
"""Share of unanswered wishes that are repeated."""
FOLLOWS = 0.15
"""Share of visits on which a client asks to be told where its home is."""
MOVES = 0.05
"""Share of wishes after which a client changes to another node; half of those that wait for nothing do."""
TWO_AT_ONCE = 0.5
"""Share of players who fight on two lines at once."""
BOTS = 0.3
"""Share of players for whom a bot trades, too."""
OPERATED = 0.3
"""Share of histories in which an operator stops and allows trading."""

NONSENSE = ("bad_params", "forbidden", "unknown_method", "unauthenticated")
"""What a client is told that asks for what it must not; here nobody does."""
LOST = "lost"
"""The reason of an attempt that nobody answered, besides the protocol's own."""


class Attempt(msgspec.Struct, eq=False):
    """One request that was sent: when, and what the client heard."""

    ask: Ask
    caller: Caller
    node: str
    life: int
    """Which life of that node."""
    began_s: float
    own_key: str = ""
    """The key that the node gave it; the client knows it only where the reason is `in_doubt`."""
    ended_s: float = inf
    outcome: Result | Refusal | None = None
    reason: str = LOST
    """Why there is no outcome."""
    moved_to: str = ""
    """The node where it is said to be at home."""


class Visit:
    """One line of a caller to a node, from login to its end. The crowd hears of each push when the node says it."""

    def __init__(self, crowd: "Crowd", node: SimulatedNode, caller: Caller) -> None:
        self.node = node.name
        self._life = node.starts
        self.caller = caller
        self.seq: int | None = None
        """The latest notice that there was at the login."""
        self.seqs: set[int] = set()
        """Those that were pushed since."""
        self._crowd = crowd
        self._world = crowd.world
        self._line = Line(crowd.world, node, self._said, self._heard, self.over, self._minted)
        self._waiting: dict[int, tuple[Attempt, Deferred[Attempt]]] = {}
        self._entered: Deferred[None] = Deferred()
        self._number = 0

    @property
    def open(self) -> bool:
        """Whether it goes on."""
        return self._line.open

    def enter(self, *, follows: bool) -> "Deferred[None]":
        """Log in, to be redirected or not; fires when that is done, or the visit over."""
        self._line.ask(0, Login(token=f"{self.caller.role} {self.caller.player}", redirects=follows))
        self._world.after(PATIENCE_S, self._lose_patience, 0)
        return self._entered

    def ask(self, ask: Ask) -> "Deferred[Attempt]":
        """Ask; fires with what came of it, at the latest when the visit is over."""
        self._number += 1
        attempt = Attempt(ask, self.caller, self.node, self._life, self._world.now_s)
        answer: Deferred[Attempt] = Deferred()
        self._waiting[self._number] = attempt, answer
        self._crowd.attempts.append(attempt)
        self._line.ask(self._number, ask)
        self._world.after(PATIENCE_S, self._lose_patience, self._number)
        return answer

    def leave(self) -> None:
        """Hang up."""
        self._line.hang_up()
        self.over()

    def broken(self) -> None:
        """The node died."""
        self._line.broken()

    def over(self) -> None:
        """There is no line any more: nobody hears the answers that are still to come."""
        waiting, self._waiting = self._waiting, {}
        if not self._entered.called:
            self._entered.callback(None)
        for attempt, answer in waiting.values():
            self._end(attempt, answer)

    def _said(self, message: Message) -> None:
        """The node says something: it counts from this instant, whether it is heard or not."""
        if message.method == "event":
            notice = CODEC.result(message.params, Notice)
            self.seqs.add(notice.seq)
            self._crowd.noticed(self.caller.player, notice)
        elif message.method == "watch":
            match = match_of(CODEC.result(message.params, dict[str, Any]))
            assert match is not None, message
            self._crowd.matched(self.caller.player, match)
        elif message.id:
            assert message.id in self._waiting, message
            attempt, _ = self._waiting[message.id]
            if attempt.ended_s != inf:
                self._world.violate("one answer", f"{attempt} is answered again: {message}")
            attempt.ended_s = self._world.now_s
            _put_outcome(attempt, message)
            if attempt.reason in NONSENSE:
                self._world.violate("sound workload", f"{attempt}: {message}")
            self._crowd.answered(attempt)

    def _minted(self, number: int, key: str) -> None:
        self._waiting[number][0].own_key = key

    def _heard(self, message: Message) -> None:
        if message.method is not None:
            return
        if message.id:
            self._end(*self._waiting.pop(message.id))
        elif message.error is None:
            self.seq = CODEC.result(message.result, LoginResult).seq
            self._entered.callback(None)
        else:
            self.leave()

    def _end(self, attempt: Attempt, answer: "Deferred[Attempt]") -> None:
        if self._world.told:
            asked = f"{METHOD_OF[type(attempt.ask)]} {struct_told(attempt.ask)}"
            heard = attempt.reason or outcome_told(attempt.outcome)
            self._world.tell(attempt.caller.player, f"{asked} at {attempt.node}: {heard}")
        answer.callback(attempt)

    def _lose_patience(self, number: int) -> None:
        if number not in self._waiting and (number != 0 or self._entered.called):
            return
        process = self._line.process
        if self.open and process.answers_since_s() <= self._world.now_s - PATIENCE_S:
            asked = self._waiting[number][0] if number else "its login"
            self._world.violate("one answer", f"{self.caller.player} heard nothing of {self.node} for {asked}")
        self.leave()


class Client:
    """One life, on one visit after another."""

    def __init__(self, crowd: "Crowd", caller: Caller, life: Life) -> None:
        self.visit: Visit | None = None
        self.resting = False
        """Whether it wants nothing any more."""
        self._crowd = crowd
        self._share = crowd.share
        self._caller = caller
        self._life = life
        self._next = ""
        """The node to go to next, if one was named."""

    @inlineCallbacks
    def live(self) -> Generator["Deferred[Any]", Any, None]:
        """Wish for one thing after another."""
        ask = next(self._life)
        while self._crowd.go_on():
            outcome = yield self._fulfil(self._crowd.keyed(ask))
            ask = self._life.send(outcome)
            yield self._crowd.pause(self._share() * THINK_S)
            if self.visit is not None and self._share() < MOVES:
                self.visit.leave()
        self.resting = True

    @inlineCallbacks
    def come(self) -> Generator["Deferred[Any]", Any, Visit]:
        """Be on a line to some node, logged in."""
        while self.visit is None or not self.visit.open or self.visit.seq is None:
            self.visit = self._crowd.visit(self._caller, self._next)
            self._next = ""
            if self.visit is not None:
                yield self.visit.enter(follows=self._share() < FOLLOWS)
            if self.visit is None or not self.visit.open:
                yield self._crowd.pause(0.02 + self._share() * 0.3)
        return self.visit

    @inlineCallbacks
    def _fulfil(self, ask: Ask) -> Generator["Deferred[Any]", Any, Result | Refusal | None]:
        """Ask until there is an outcome, or this client gives up."""
        while True:
            visit = yield self.come()
            if isinstance(ask, Mutation) and ask.key and self._share() < TWICE:
                self._crowd.twin(ask, self._caller)
            attempt = yield visit.ask(ask)
            if attempt.outcome is not None:
                return attempt.outcome
            if isinstance(ask, Mutation) and not ask.key:
                if attempt.reason == LOST:
                    return None  # nobody told the key: to wish again would be another wish
                if attempt.reason == "in_doubt":
                    ask = replace(ask, key=attempt.own_key)
            if self._share() >= REPEATED:
                return None
            if attempt.moved_to or self._share() < 0.5:
                visit.leave()
                self._next = attempt.moved_to
            yield self._crowd.pause(self._share() * 4 * THINK_S)


class Crowd:
    """All clients. `answered` hears of each answer, `noticed` and `matched` of each push, when a node says it."""

    def __init__(
        self,
        world: World,
        house: House,
        players: list[str],
        answered: Callable[[Attempt], None],
        noticed: Callable[[str, Notice], None],
        matched: Callable[[str, Match], None],
    ) -> None:
        self.world = world
        self.attempts: list[Attempt] = []
        self.answered = answered
        self.noticed = noticed
        self.matched = matched
        self._house = house
        self._random = Random(world.random.getrandbits(64))
        self.share = self._random.random
        self._players = players
        self._left = world.plan.size
        self.visits: list[Visit] = []
        self._keys = 0
        self._board = Board(players)
        self._under_way = 0
        self.clients = [Client(self, caller, life) for caller, life in self._lives()]
        for client in self.clients:
            late_s = 0.0 if client is self.clients[0] else BEGIN_S * (1 + self.share())
            world.after(late_s, self._begin, client)

    def done(self) -> bool:
        """Whether nobody wants anything any more."""
        return self._under_way == 0 and all(client.resting for client in self.clients)

    def look_round(self) -> None:
        """Let every player, one after another, look at its wallet and begin some of everything, through some node."""
        self._under_way += 1
        self._guard(self._look_round())

    @inlineCallbacks
    def _look_round(self) -> Generator["Deferred[Any]", Any, None]:
        for player in self._players:
            visit = self.visit(Caller(player, "player"))
            assert visit is not None, "a house at rest lets everybody in"
            yield visit.enter(follows=False)
            for ask in look_round(self._board, player, self._random):
                for _ in range(LOOKS_MAX):
                    attempt = yield visit.ask(ask)
                    yield self.pause(LOOK_S)
                    if attempt.outcome is not None:
                        break
                else:
                    self.world.violate("at rest", f"{player} is not served: {attempt}")
            visit.leave()
        self._under_way -= 1

    def died(self, node: SimulatedNode) -> None:
        """A node is gone, and every line to it."""
        visits, self.visits = self.visits, []
        for visit in visits:
            if visit.open and visit.node == node.name:
                visit.broken()
            elif visit.open:
                self.visits.append(visit)

    def visit(self, caller: Caller, name: str = "") -> Visit | None:
        """A line to the node of that name, or to any that takes connections."""
        running = self._house.running()
        if not running:
            return None
        named = [node for node in running if node.name == name]
        visit = Visit(self, self._random.choice(named or running), caller)
        self.visits.append(visit)
        return visit

    def go_on(self) -> bool:
        """Whether there is another wish to be had."""
        self._left -= 1
        return self._left >= 0

    def keyed(self, ask: Ask) -> Ask:
        """Give a key to a mutation, or leave that to the node."""
        if isinstance(ask, Mutation) and self.share() < KEYED:
            self._keys += 1
            return replace(ask, key=f"k{self._keys}")
        return ask

    def pause(self, seconds: float) -> "Deferred[None]":
        """Fires after a while."""
        over: Deferred[None] = Deferred()
        self.world.after(seconds, over.callback, None)
        return over

    def twin(self, ask: Ask, caller: Caller) -> None:
        """Send the same wish through another node at the same time."""
        self._under_way += 1
        self._guard(self._send_twin(ask, caller))

    @inlineCallbacks
    def _send_twin(self, ask: Ask, caller: Caller) -> Generator["Deferred[Any]", Any, None]:
        visit = self.visit(caller)
        if visit is not None:
            yield visit.enter(follows=False)
            if visit.open:
                yield visit.ask(ask)
            if visit.open:
                visit.leave()
        self._under_way -= 1

    def _begin(self, client: Client) -> None:
        self._guard(client.live())

    def _guard(self, running: "Deferred[None]") -> None:
        running.addErrback(lambda failure: self.world.violate("sound workload", failure.getTraceback()))

    def _lives(self) -> list[tuple[Caller, Life]]:
        board, random = self._board, self._random
        gifts = [
            gift(player, random, f"first.{player}", gold=GOLD, items=ITEMS, pieces=PIECES) for player in self._players
        ]
        acts = draw_acts(random)
        lives = [(Caller("game", "service"), game(gifts, board, random))]
        if self.share() < OPERATED:
            lives.append((Caller("ops", "operator"), operator(board, random)))
        for player in self._players:
            rivals = 1 + (self.share() < TWO_AT_ONCE)
            lives += [(Caller(player, "player"), rival(board, acts, player, random)) for _ in range(rivals)]
            if self.share() < BOTS:
                strategy = random.choice(list(STRATEGIES))
                lives.append((Caller(player, "player"), bot(strategy, board, player, random, self._now_ms)))
        return lives

    def _now_ms(self) -> int:
        return int((EPOCH_S + self.world.now_s) * 1000)


_RESULT_OF = {method.params: method.result for method in METHODS.values()}


def _put_outcome(attempt: Attempt, message: Message) -> None:
    """What an answer tells."""
    error = message.error
    if error is None:
        attempt.outcome, attempt.reason = CODEC.result(message.result, _RESULT_OF[type(attempt.ask)]), ""
        return
    data = dict(error.data or {})
    attempt.reason = str(data.pop("reason", error.message))
    if attempt.reason == "in_doubt":
        assert data["key"] in (attempt.own_key, getattr(attempt.ask, "key", None)), (attempt, data)
    elif attempt.reason == "moved":
        attempt.moved_to = urlsplit(data["url"]).hostname or ""
    elif attempt.reason in REASONS and attempt.reason != "rate_limited":
        attempt.outcome = Refusal(attempt.reason, data)
