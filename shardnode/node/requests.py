"""Requests to the stores of this node: executed when all they need is there, answered through the gate.

ask ─► execute (auction.house) ─► Executed   its record goes to the journal, its answer waits at the gate
                                  Asleep     stores are woken          ┐
                                  Locked     it waits for its turn     ├ and executed again: nothing was changed
                                  Elsewhere  other nodes are asked     ┘
                                  Proposal   a trade with a store of another node (`shardnode.node.trades`)
                                  Sent       its record goes to the journal, its answer comes from another node's store
                                  Undecided  only an undecided trade stands in the way: unavailable
"""

from collections.abc import Callable, Mapping
from typing import Literal

import msgspec
from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger
from twisted.python.failure import Failure

from auction.commands import (
    AcceptOffer,
    AdminMutation,
    Ask,
    BuyCommodity,
    BuyOut,
    Command,
    MakeOffer,
    Mutation,
    PlaceBid,
    SellCommodity,
)
from auction.context import Answer, Context, Request
from auction.house import execute
from auction.outcomes import Answered, Asleep, Elsewhere, Executed, Locked, Proposal, Sent, Undecided
from auction.results import ListingView
from auction.state import Notice, TradeKind
from shardnode.node.awake_stores import AwakeStores
from shardnode.node.gate import Gate
from shardnode.node.journal_writer import JournalWriter
from shardnode.node.records import Records
from shardnode.node.turns import Place, Turns
from shardnode.ops.metrics import Metrics
from shardnode.storage.port import StorageFault
from shardnode.wire.errors import InDoubt, Unavailable

log = Logger()

Told = Mapping[str, ListingView | None]
"""Listings of other nodes as their homes show them to who asks; None for one that does not exist."""
NOTHING_TOLD: Told = {}

NotYet = Sent | Asleep | Locked | Elsewhere | Proposal | Undecided
"""What `execute` returns instead of an answer; but for Sent nothing was changed."""


TRADES: dict[type[Ask], TradeKind | Literal["order"]] = {
    PlaceBid: "bid",
    BuyOut: "buyout",
    MakeOffer: "offer",
    AcceptOffer: "accept",
    BuyCommodity: "order",
    SellCommodity: "order",
}
"""What is counted as a trade, and as which kind."""


class RequestLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of what is under way."""

    undecided_max: int = 10_000
    """Requests waiting for stores to wake; beyond it requests are refused as unavailable."""
    unsynced_max: int = 20_000
    """Records not yet handed to the disk; beyond it mutations are refused as unavailable."""
    wake_tries_max: int = 8
    """How often one request may find that it needs yet another store or listing. What it needs changes while it waits:
    its caller bids on, or a store falls asleep that waited with it for a listing."""
    decide_within_s: float = 4.0
    """How long a request may wait for listings that trades hold, and then for its own trade, all together."""
    retry_after_ms: int = 250
    """What a client is told to wait, and a timer waits, when the node is at a bound."""
    damaged_retry_after_ms: int = 60_000
    """What a client is told to wait where a store's file is damaged."""


class Requests:
    """Executes requests. `propose` opens a trade, to be answered by a time on the clock of `seconds`; `read_elsewhere`
    asks a listing's home for it as the caller.
    """

    def __init__(
        self,
        *,
        stores: AwakeStores,
        records: Records,
        writer: JournalWriter,
        gate: Gate,
        turns: Turns,
        context: Callable[[], Context],
        propose: "Callable[[Request, Proposal, Deferred[Answer], float], None]",
        read_elsewhere: "Callable[[str, Request], Deferred[ListingView | None]]",
        push: Callable[[str, Notice], None],
        seconds: Callable[[], float],
        failed: Callable[[Failure], None],
        limits: RequestLimits,
        metrics: Metrics,
    ) -> None:
        self._stores = stores
        self._records = records
        self._writer = writer
        self._gate = gate
        self._turns = turns
        self._context = context
        self._propose = propose
        self._read_elsewhere = read_elsewhere
        self._push = push
        self._seconds = seconds
        self._failed = failed
        self._limits = limits
        self._metrics = metrics
        self._ceased = False
        self._heard: dict[Place, tuple[Answer, int]] = {}
        """Answers of other stores, with their positions, while those who wait for them are told."""
        self.undecided = 0

    def cease(self) -> None:
        """Decide nothing more: a bug may have left the states in memory halfway."""
        self._ceased = True

    def check_room(self, ask: Ask) -> None:
        """Raise Unavailable where the node is behind with its disk and the request would put it further behind."""
        if not isinstance(ask, Command):
            return
        if self.is_behind():
            raise Unavailable("the node is catching up with its disk; try again", self._limits.retry_after_ms)

    def is_behind(self) -> bool:
        """Whether the node is so far behind with its disk that it may take on nothing more."""
        if len(self._writer) >= self._limits.unsynced_max:
            self._metrics.limit_hit("unsynced_max")
        elif len(self._stores.dirty) >= self._stores.limits.dirty_max:
            self._metrics.limit_hit("dirty_max")
        else:
            return False
        return True

    def decide(self, request: Request, answer: "Deferred[Answer]", tries: int = 0) -> None:
        """Execute a request and put its answer before the gate; `answer` fails with Unavailable where nothing was done.

        Nothing is done for one that was given up meanwhile.
        """
        if answer.called or self._ceased:
            return
        context = self._context()
        outcome = execute(request, self._stores.state, context)
        if isinstance(outcome, Executed):
            self._finish_request(request, outcome, answer, context.now_ms)
        else:
            self._follow(outcome, _Asked(request, answer, self._seconds() + self._limits.decide_within_s, tries))

    def _again(self, asked: "_Asked", waited_at: Place | None = None) -> Locked | None:
        """Execute a request once more. Returns what still holds the listing that it has waited for."""
        if asked.answer.called or self._ceased:
            return None
        context = self._context()
        outcome = execute(asked.request, self._stores.state, context, asked.told)
        if isinstance(outcome, Executed):
            self._finish_request(asked.request, outcome, asked.answer, context.now_ms)
        elif isinstance(outcome, Locked) and (outcome.store, outcome.listing) == waited_at:
            return outcome
        else:
            self._follow(outcome, asked)
        return None

    def finish(self, outcome: Executed, answer: "Deferred[Answer] | None", position: int) -> None:
        """Let an answer and notices leave when a position is durable."""
        if answer is not None:
            self._gate.when(position, answer.callback, outcome.answer)
        for heard in outcome.answered:
            self._hear(heard, position)
        for player, notice in outcome.notices:
            self._gate.when(position, self._push, player, notice)

    def _finish_request(self, request: Request, outcome: Executed, answer: "Deferred[Answer]", now_ms: int) -> None:
        if outcome.record:
            self._count(request, "within", outcome.answer)
            position = self._records.commit(outcome.record, now_ms)
        else:
            position = self._stores.position(outcome.reads)
        self.finish(outcome, answer, position)

    def _follow(self, outcome: NotYet, asked: "_Asked") -> None:
        if isinstance(outcome, Asleep | Elsewhere) and asked.tries >= self._limits.wake_tries_max:
            self._metrics.limit_hit("wake_tries_max")
            self._fail(asked, "it needs something else each time that all was there; try again")
        elif isinstance(outcome, Asleep):
            self._wake(asked, outcome)
        elif isinstance(outcome, Locked):
            self._wait(asked, outcome)
        elif isinstance(outcome, Elsewhere):
            self._ask_elsewhere(asked, outcome)
        elif isinstance(outcome, Sent):
            self._await(asked, outcome)
        elif isinstance(outcome, Proposal):
            self._propose(asked.request, outcome, asked.answer, asked.until_s)
        else:
            asked.answer.errback(undecided(self._limits.retry_after_ms))

    def _wake(self, asked: "_Asked", asleep: Asleep) -> None:
        if not self._stores.make_room() or self.undecided >= self._limits.undecided_max:
            self._metrics.limit_hit("awake_max" if self._stores.full() else "undecided_max")
            self._fail(asked, "the node holds as many stores as it may; try again")
            return
        self.undecided += 1
        asked.tries += 1
        awake = self._stores.wake(asleep.stores)
        awake.addBoth(self._awake)
        awake.addCallback(lambda _: self._again(asked))
        awake.addErrback(self._undecidable, asked)

    def _awake(self, result: Failure | None) -> Failure | None:
        self.undecided -= 1
        return result

    def _undecidable(self, failure: Failure, asked: "_Asked") -> None:
        if failure.check(StorageFault):
            log.error("store cannot be opened; what needs it is refused, the rest goes on", why=str(failure.value))
            self._metrics.limit_hit("damaged_store")
            why = "a store that this needs cannot be opened; tell an operator"
            asked.answer.errback(Unavailable(why, self._limits.damaged_retry_after_ms))
        elif failure.check(Unavailable):
            asked.answer.errback(failure)
        else:
            self._failed(failure)

    def _wait(self, asked: "_Asked", locked: Locked) -> None:
        place = (locked.store, locked.listing)

        def go() -> bool:
            nonlocal locked
            still = self._again(asked, place)
            locked = still or locked
            return still is None

        def give_up() -> None:
            if not asked.answer.called:
                asked.answer.errback(self._not_in_time(asked.request, locked))

        self._turns.wait(place, go, give_up, max(asked.until_s - self._seconds(), 0))

    def _ask_elsewhere(self, asked: "_Asked", outcome: Elsewhere) -> None:
        """Ask other nodes for listings."""
        views = gatherResults(
            [self._read_elsewhere(listing, asked.request) for listing in outcome.listings], consumeErrors=True
        )
        asked.tries += 1

        def heard(views: list[ListingView | None]) -> None:
            asked.told = {**asked.told, **dict(zip(outcome.listings, views, strict=True))}
            self._again(asked)

        views.addCallbacks(heard, lambda failure: failure.value.subFailure)
        views.addErrback(self._undecidable, asked)

    def _await(self, asked: "_Asked", sent: Sent) -> None:
        """What the request takes leaves for another store; its answer comes from there, or is in doubt."""
        self._records.commit(sent.record, self._context().now_ms)
        place = (sent.store, sent.subject)

        def go() -> bool:
            answer, position = self._heard[place]
            self._count(asked.request, "across", answer)
            self._gate.when(position, _answer_once, asked.answer, answer)
            return True

        def give_up() -> None:
            if not asked.answer.called:
                asked.answer.errback(_in_doubt(asked.request, sent.subject))

        self._turns.wait(place, go, give_up, max(asked.until_s - self._seconds(), 0))

    def _count(self, request: Request, scope: str, answer: Answer) -> None:
        """A trade that changed something; an order that its market refused is given up, a losing bid is a trade."""
        kind = TRADES.get(type(request.ask))
        if kind is not None:
            self._metrics.trade_done(kind, scope, "aborted" if kind == "order" and answer.refused else "committed")

    def _hear(self, heard: Answered, position: int) -> None:
        """Another store has answered: tell who sent the request, and those who repeated it meanwhile."""
        place = (heard.store, heard.subject)
        self._heard[place] = (heard.answer, position)
        self._turns.free(place)
        del self._heard[place]

    def _not_in_time(self, request: Request, locked: Locked) -> Unavailable | InDoubt:
        """What a request hears that has waited too long; a trade under its own key may do what it asks for."""
        if locked.keys_trade is None:
            return undecided(self._limits.retry_after_ms)
        return _in_doubt(request, locked.keys_trade)

    def _fail(self, asked: "_Asked", why: str) -> None:
        asked.answer.errback(Unavailable(why, self._limits.retry_after_ms))


class _Asked(msgspec.Struct, eq=False):
    """A request that could not be executed at once."""

    request: Request
    answer: "Deferred[Answer]"
    until_s: float
    """When it must be decided: what it waits for may take so long, all together."""
    tries: int
    """How often it had to be executed again."""
    told: Told = NOTHING_TOLD


def undecided(retry_after_ms: int) -> Unavailable:
    """Nothing was done, since another trade is not decided yet, or the market's node is away."""
    why = "another trade that concerns this is not decided yet, or the node that it needs cannot be reached; try again"
    return Unavailable(why, retry_after_ms)


def _in_doubt(request: Request, trade: str) -> InDoubt:
    """It may have been done: the client repeats it under its key."""
    ask = request.ask
    assert isinstance(ask, Mutation | AdminMutation), ask
    return InDoubt(ask.key or request.own_key, trade)


def _answer_once(waiting: "Deferred[Answer]", answer: Answer) -> None:
    """Answer a request, unless it was given up meanwhile."""
    if not waiting.called:
        waiting.callback(answer)
