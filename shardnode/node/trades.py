"""Trades with stores of other nodes: drives the agreement, and does its tasks in the rules.

    propose ──► agreement.open ──► Prepare at every participant ──► votes ──► judged ──► decided ──► settled ──► answer

The agreement says what to persist, then what to send, and what the rules must do meanwhile (`shardnode.agreement`).
What a task does to a store and what the agreement persists for it are one record. The caller's answer is what the
caller's own side says when it is settled, whoever decided; where that takes too long the caller hears `in_doubt`.
`remind` hears of each store in which a listing or an offer is free again, since its end may have come meanwhile.
"""

from collections import deque
from collections.abc import Callable, Mapping
from heapq import heappop, heappush
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from auction import trades
from auction.commands import AdminMutation, Mutation
from auction.context import Answer, Context, Request
from auction.events import Goods, Record, TransferTaken
from auction.legs import encode
from auction.outcomes import Asleep, Executed, Held, Locked, Proposal, Undecided, a_player
from auction.refusals import Refusal
from auction.state import StoreId
from shardnode.agreement.effects import Effects, EndedTask, JudgeTask, OpenTrade, PrepareTask, SettleTask
from shardnode.agreement.engine import Agreement
from shardnode.agreement.errors import DurabilityViolated
from shardnode.agreement.facts import read
from shardnode.agreement.limits import AgreementLimits
from shardnode.agreement.messages import Acked, Message, Participant, TradeId
from shardnode.cluster.map import ClusterMap
from shardnode.cluster.reactor import Reactor
from shardnode.node.awake_stores import AwakeStores
from shardnode.node.gate import Gate
from shardnode.node.records import Facts, Records
from shardnode.node.requests import Requests, undecided
from shardnode.node.turns import Place, Turns
from shardnode.ops.metrics import Metrics
from shardnode.storage.port import StorageFault
from shardnode.wire.errors import InDoubt, Unavailable

log = Logger()


class TradeLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of trading with other nodes."""

    agreement: AgreementLimits = AgreementLimits()
    settle_again_s: float = 4.0
    """When a store that cannot be opened now is tried again."""
    settled_within_s: float = 1.0
    """How long an answer waits for the other side to be settled, and for what was bought to arrive."""
    look_s: float = 0.05
    """Time between two looks at what is due, while anything is open."""
    retry_after_ms: int = 500
    """What a client is told to wait where a trade could not be agreed."""


_UNDECIDED = encode(Undecided())
"""Payload of a NO for which no rule is the reason."""


class _Open(msgspec.Struct, eq=False):
    """A trade of a caller who waits; `again` is what follows if it is aborted."""

    request: Request
    proposal: Proposal
    answer: "Deferred[Answer]"
    until_s: float
    """When the caller hears that it is in doubt."""
    told: bool = False
    """Whether the caller heard that it is in doubt."""
    missing: set[StoreId] = msgspec.field(default_factory=set)
    """Stores that have not said yet that they are settled."""
    again: Proposal | None = None
    settled: Executed | None = None
    """The caller's side, when it is settled."""
    position: int = 0
    """Where that stands in the journal."""


class Trades:
    """One node's trades with others. `say` sends a message to another node, `here` is this node's id."""

    def __init__(
        self,
        *,
        here: str,
        incarnation: int,
        facts: Mapping[str, bytes],
        cluster_map: Callable[[], ClusterMap],
        stores: AwakeStores,
        records: Records,
        gate: Gate,
        turns: Turns,
        requests: Requests,
        context: Callable[[], Context],
        now_ms: Callable[[], int],
        say: Callable[[str, Message], None],
        can_reach: Callable[[str], bool],
        remind: Callable[[StoreId], None],
        random: Callable[[], float],
        reactor: Reactor,
        failed: Callable[[Failure], None],
        limits: TradeLimits,
        metrics: Metrics,
    ) -> None:
        self._here = here
        self._map = cluster_map
        self._stores = stores
        self._records = records
        self._gate = gate
        self._turns = turns
        self._requests = requests
        self._context = context
        self._now_ms = now_ms
        self._say_elsewhere = say
        self._can_reach = can_reach
        self._remind = remind
        self._reactor = reactor
        self._failed = failed
        self._limits = limits
        self._metrics = metrics
        since_epoch = cluster_map().nodes[here].since_epoch
        kept = [fact for key, value in facts.items() if (fact := read(key, value)) is not None]
        self.agreement = Agreement(here, incarnation, kept, limits.agreement, random, reactor.seconds(), since_epoch)
        self._open: dict[TradeId, _Open] = {}
        self._goods: dict[Place, TradeId] = {}
        """Buyouts that are settled, by the buyer's store and listing, whose answer waits for what was bought."""
        self._own: deque[Message] = deque()
        self._stepping = False
        self._deadlines: list[tuple[float, TradeId]] = []
        """Heap of when callers have waited long enough; some are answered by then."""
        self._looks = False
        """Whether it is going to look at what is due."""
        self._ceased = False

    def start(self) -> None:
        """Begin to look at the agreement's timers; trades that a crash left open are recovered."""
        self._arm()

    def cease(self) -> None:
        """Take no further step."""
        self._ceased = True

    def propose(self, request: Request, proposal: Proposal, answer: "Deferred[Answer]", until_s: float) -> None:
        """Open a trade for a caller, who hears that it is in doubt where it is not decided by then."""
        cluster_map = self._map()
        legs = {Participant(store, cluster_map.home_of(store)): leg for store, leg in proposal.legs.items()}
        if not all(self._can_reach(participant.node) for participant in legs):
            why = "the node of the other side cannot be reached; try again"
            answer.errback(Unavailable(why, self._limits.retry_after_ms))
            return
        if 2 * sum(map(self._can_reach, cluster_map.acceptors)) <= len(cluster_map.acceptors):
            answer.errback(Unavailable("too few nodes can be reached to agree; try again", self._limits.retry_after_ms))
            return
        opened = self.agreement.open(cluster_map.epoch, cluster_map.acceptors, legs, self._reactor.seconds())
        if opened is None:
            self._metrics.limit_hit("trades_open_max")
            answer.errback(Unavailable("too many trades are open on this node; try again", self._limits.retry_after_ms))
            return
        trade, effects = opened
        self._open[trade] = _Open(request, proposal, answer, until_s, missing=set(proposal.legs))
        heappush(self._deadlines, (until_s, trade))
        self._perform(effects)

    def received(self, sender: str, message: Message) -> None:
        """A message of the agreement from another node."""
        if self._ceased:
            return
        try:
            self._perform(self.agreement.step(sender, message, self._reactor.seconds()))
            if type(message) is Acked:
                self._acked(message)
        except DurabilityViolated as violated:
            log.critical(
                "a trade was committed that this store does not know: durability was violated. The store is stopped; "
                "restore the data directory from its backup, or report this",
                why=str(violated),
            )
            self._stores.condemn(violated.store, str(violated))

    def recover(self, prepared: OpenTrade) -> None:
        """Decide a trade that this node need not be part of."""
        assert prepared.party is not None, prepared
        self._perform(self.agreement.recover(prepared.trade, prepared.party, self._reactor.seconds()))

    def open_trades(self) -> list[OpenTrade]:
        """What is not over here."""
        return self.agreement.open_trades(self._reactor.seconds())

    @property
    def awaited(self) -> int:
        """How many were proposed here and are not over for their callers, those in doubt included."""
        return len(self._open)

    def ages_s(self) -> list[float]:
        """Ages in seconds of those for which a store holds something, or somebody here waits.

        A vote on the outcome alone is neither: an acceptor keeps it for ever where the coordinator died.
        """
        return [trade.age_s for trade in self.open_trades() if trade.role != "acceptor"]

    def took(self, store: StoreId, record: Record) -> None:
        """A transfer was taken in: an answer may wait for what it brought."""
        for event in record.get(store, ()):
            if isinstance(event, TransferTaken) and isinstance(event.payload, Goods):
                trade = self._goods.pop((store, event.payload.listing), None)
                if trade is not None:
                    self._open[trade].position = self._stores.position([store])
                    self._answer_if_whole(trade)

    def _perform(self, effects: Effects, record: Record | None = None) -> int:
        """Persist, then send what is binding, and all else at once; do the tasks.

        Returns the position of what was persisted, 0 for nothing.
        """
        position = 0
        if effects.persist or record:
            facts: Facts = effects.persist
            position = self._records.commit(record or {}, self._now_ms(), facts)
        for node, message in effects.send:
            if effects.binding:
                self._gate.when(self._records.position, self._say, node, message)
            else:
                self._say(node, message)
        for task in effects.tasks:
            self._do(task)
        if not self._looks:
            self._arm()
        return position

    def _say(self, node: str, message: Message) -> None:
        """Send a message; those to this node itself are taken one after another, never within each other."""
        if node != self._here:
            self._say_elsewhere(node, message)
            return
        self._own.append(message)
        if self._stepping:
            return
        self._stepping = True
        try:
            while self._own:
                self.received(self._here, self._own.popleft())
        finally:
            self._stepping = False

    def _do(self, task: Any) -> None:
        if isinstance(task, PrepareTask):
            self._prepare(task, self._reactor.seconds() + task.deadline_s)
        elif isinstance(task, SettleTask):
            self._settle(task)
        elif isinstance(task, JudgeTask):
            self._judge(task)
        else:
            self._ended(task)

    def _prepare(self, task: PrepareTask, until_s: float) -> None:
        if not self._try_to_prepare(task, until_s):
            raise AssertionError(task)

    def _try_to_prepare(self, task: PrepareTask, until_s: float, waited_at: Place | None = None) -> bool:
        """Vote, or wait for what that needs; False where what it waited for is held again."""
        if self._ceased:
            return True
        left_s = until_s - self._reactor.seconds()
        if left_s <= 0 or self._map().home_of(task.store) != self._here or self._requests.is_behind():
            self._vote(task, yes=False, payload=_UNDECIDED)
            return True
        outcome = trades.prepare(str(task.trade), task.store, task.leg, self._stores.state, self._context())
        if isinstance(outcome, Asleep):
            if self._stores.make_room():
                self._wake_then(outcome.stores, lambda: self._prepare(task, until_s), lambda: self._vote_no(task))
            else:
                self._vote_no(task)
        elif isinstance(outcome, Locked):
            place = (outcome.store, outcome.listing)
            if place == waited_at:
                return False
            self._turns.wait(
                place,
                lambda: self._try_to_prepare(task, until_s, place),
                lambda: self._vote_no(task),
                left_s,
            )
        elif isinstance(outcome, Held):
            self._vote(task, yes=True, payload=outcome.vote, record=outcome.record)
        else:
            self._vote(task, yes=False, payload=outcome.payload)
        return True

    def _vote_no(self, task: PrepareTask) -> None:
        self._vote(task, yes=False, payload=_UNDECIDED)

    def _vote(self, task: PrepareTask, *, yes: bool, payload: bytes, record: Record | None = None) -> None:
        now_s = self._reactor.seconds()
        self._perform(self.agreement.voted(task.trade, task.store, yes, payload, now_s), record)

    def _judge(self, task: JudgeTask) -> None:
        opened = self._open.get(task.trade)
        payload: bytes | None = None
        if opened is not None:
            outcome = trades.judge(opened.proposal, task.votes)
            if isinstance(outcome, bytes):
                payload = outcome
            elif isinstance(outcome, Proposal):
                opened.again = outcome
        self._perform(self.agreement.judged(task.trade, payload, self._reactor.seconds()))

    def _settle(self, task: SettleTask) -> None:
        if self._ceased:
            return
        trade, value = str(task.trade), task.value
        state = self._stores.state(task.store)
        held = None if state is None else a_player(state).trades.get(trade)
        opened = self._open.get(task.trade)
        outcome = trades.settle(
            trade,
            task.store,
            value.commit,
            value.payload,
            self._stores.state,
            self._context(),
            awaited=opened is not None and not opened.told,
        )
        if isinstance(outcome, Asleep):  # however many are awake: what is promised must be done
            self._wake_then(outcome.stores, lambda: self._settle(task), lambda: self._settle_later(task))
            return
        assert held is not None, task
        effects = self.agreement.settled(task.trade, task.store, self._reactor.seconds())
        position = self._perform(effects, outcome.record)
        self._requests.finish(outcome, None, position)
        if value.commit and opened is not None and opened.proposal.home == task.store:
            self._settled_here(task.trade, opened, outcome, position)
        self._turns.free((task.store, held.listing))
        self._remind(task.store)

    def _settle_later(self, task: SettleTask) -> None:
        """The store cannot be opened now: its trade stays open, and is tried again."""
        self._reactor.callLater(self._limits.settle_again_s, self._guarded, self._settle, task)

    def _settled_here(self, trade: TradeId, opened: _Open, outcome: Executed, position: int) -> None:
        """The caller's side is settled. The caller hears it when the other side is too, and what was bought is there,
        so that whatever it asks next, of whichever node, shows it; but not much later.
        """
        opened.settled, opened.position = outcome, position
        if opened.proposal.kind == "buyout":
            self._goods[opened.proposal.home, opened.proposal.subject] = trade
        heappush(self._deadlines, (self._reactor.seconds() + self._limits.settled_within_s, trade))

    def _acked(self, message: Acked) -> None:
        opened = self._open.get(message.trade)
        if opened is not None:
            opened.missing.discard(message.store)
            self._answer_if_whole(message.trade)

    def _answer_if_whole(self, trade: TradeId) -> None:
        opened = self._open[trade]
        place = (opened.proposal.home, opened.proposal.subject)
        if opened.settled is not None and not opened.missing and place not in self._goods:
            self._answer(trade)

    def _answer(self, trade: TradeId) -> None:
        """A committed trade is over for its caller."""
        opened = self._open.pop(trade)
        assert opened.settled is not None, trade
        self._goods.pop((opened.proposal.home, opened.proposal.subject), None)
        self._metrics.trade_done(opened.proposal.kind, "across", "resolved" if opened.told else "committed")
        if not opened.told:
            self._gate.when(opened.position, opened.answer.callback, opened.settled.answer)

    def _ended(self, task: EndedTask) -> None:
        """A trade of ours is decided. A commit is answered when it is settled here, an abort at once."""
        opened = self._open.get(task.trade)
        if opened is None or task.value.commit:
            return
        del self._open[task.trade]
        self._metrics.trade_done(opened.proposal.kind, "across", "resolved" if opened.told else "aborted")
        if opened.answer.called:
            return
        if opened.again is not None:
            self.propose(opened.request, opened.again, opened.answer, opened.until_s)
            return
        why = trades.refused(opened.proposal, task.refusals) if task.refusals else Undecided()
        if isinstance(why, Refusal):
            position = self._stores.position([opened.proposal.home])
            self._gate.when(position, opened.answer.callback, Answer(why, refused=True))
        elif isinstance(why, Undecided):
            opened.answer.errback(undecided(self._limits.retry_after_ms))
        else:
            self._requests.decide(opened.request, opened.answer)

    def _overdue(self, trade: TradeId, now_s: float) -> None:
        """The caller has waited long enough: for the other side of what is decided, or for a decision."""
        opened = self._open.get(trade)
        if opened is None:
            return
        if opened.settled is not None:
            self._answer(trade)
        elif opened.until_s <= now_s and not opened.told:
            self._metrics.trade_done(opened.proposal.kind, "across", "in_doubt")
            opened.told = True
            ask = opened.request.ask
            assert isinstance(ask, Mutation | AdminMutation), ask
            if not opened.answer.called:
                opened.answer.errback(InDoubt(ask.key or opened.request.own_key, str(trade)))

    def _wake_then(self, stores: tuple[StoreId, ...], go: Callable[[], None], give_up: Callable[[], None]) -> None:
        def cannot(failure: Failure) -> None:
            failure.trap(StorageFault)
            log.error("a store of a trade cannot be opened", why=str(failure.value))
            give_up()

        awake = self._stores.wake(stores)
        awake.addCallbacks(lambda _: go(), cannot)
        awake.addErrback(self._failed)

    def _arm(self) -> None:
        """Look at what is due in a moment."""
        self._looks = True
        self._reactor.callLater(self._limits.look_s, self._guarded, self._look)

    def _look(self) -> None:
        now_s = self._reactor.seconds()
        self._perform(self.agreement.tick(now_s))
        while self._deadlines and self._deadlines[0][0] <= now_s:
            self._overdue(heappop(self._deadlines)[1], now_s)
        self._looks = False
        if self._open or self.agreement.wake_at_s() is not None:
            self._arm()

    def _guarded(self, work: Callable[..., None], *args: Any) -> None:
        """What the reactor calls: a bug of ours met there stops the node."""
        if self._ceased:
            return
        try:
            work(*args)
        except Exception:  # whatever it is, the node must not go on
            self._failed(Failure())
