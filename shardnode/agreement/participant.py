"""The participant: a store's leg in a trade, from PREPARE to the outcome (rules 3, 9 and 10).

A YES is irrevocable: between `voted` and the outcome nothing but the outcome releases what the store holds.
"""

from collections.abc import Callable

from shardnode.agreement.closed import ClosedSets
from shardnode.agreement.effects import Effects, OpenTrade, PrepareTask, SettleTask
from shardnode.agreement.errors import DurabilityViolated
from shardnode.agreement.facts import finished_key, prepared_key
from shardnode.agreement.limits import AgreementLimits
from shardnode.agreement.messages import (
    ABORT,
    Accept,
    Acked,
    AskFinished,
    Close,
    Closed,
    Decided,
    Finished,
    Outcome,
    Party,
    Prepare,
    Prepared,
    TradeId,
    Value,
    Vote,
)
from shardnode.agreement.tables import LEG, LegInput, LegState
from shardnode.agreement.timers import NEVER, Timers

_OVER = (LegState.COMMITTED, LegState.ABORTED)
_UNVOTED = (LegState.UNSEEN, LegState.CHECKING, LegState.DOOMED)


class Leg:
    """One store in one trade."""

    __slots__ = ("_held_too_long", "due_s", "party", "since_s", "state", "store", "tellers", "trade", "value", "vote")

    def __init__(
        self, trade: TradeId, store: str, now_s: float, held_too_long: Callable[["Leg", float, Effects], None]
    ) -> None:
        self.trade = trade
        self.store = store
        self.since_s = now_s
        self.due_s = NEVER
        self.state = LegState.UNSEEN
        self.party: Party | None = None
        self.vote: Vote | None = None
        """What was voted, for a repeated PREPARE; not known any more after a restart."""
        self.value: Value | None = None
        """The outcome, once it is told."""
        self.tellers: tuple[str, ...] = ()
        """Who told the outcome while it could not be acknowledged yet."""
        self._held_too_long = held_too_long

    def due(self, now_s: float, effects: Effects) -> None:
        """It is prepared for longer than the recovery timer."""
        self._held_too_long(self, now_s, effects)


class Participants:
    """The legs of this node's stores. `recover` is told of those that are held too long."""

    def __init__(
        self,
        limits: AgreementLimits,
        timers: Timers,
        random: Callable[[], float],
        closed: ClosedSets,
        since_epoch: int,
        recover: Callable[[TradeId, Party, float, Effects], None],
    ) -> None:
        self._limits = limits
        self._timers = timers
        self._random = random
        self._closed = closed
        self._since_epoch = since_epoch
        self._recover = recover
        self._legs: dict[TradeId, dict[str, Leg]] = {}

    def restore(self, fact: Prepared | Outcome, now_s: float) -> None:
        """Take back what was persisted; a prepared leg is recovered by its timer."""
        leg = self._new_leg(fact.trade, fact.store, now_s)
        if isinstance(fact, Prepared):
            leg.state, leg.party = LegState.PREPARED, fact.party
            self._wait(leg, now_s)
        else:
            leg.state, leg.value = LegState.COMMITTED if fact.value.commit else LegState.ABORTED, fact.value

    def prepare(self, sender: str, message: Prepare, now_s: float, effects: Effects) -> None:
        """Ask the rules, once; a repeated PREPARE gets the vote again. A trade that is over is refused."""
        trade, store = message.trade, message.store
        leg = self._find(trade, store)
        if leg is None:
            if self._is_past(trade):
                effects.answer(sender, Vote(trade, store, False, b""))
                return
            leg = self._new_leg(trade, store, now_s)
            leg.state = LEG[LegState.UNSEEN, LegInput.PREPARE]
            leg.party = message.party
            effects.tasks.append(PrepareTask(trade, store, message.leg, message.deadline_s))
        elif leg.vote is not None:
            effects.answer(sender, leg.vote)

    def voted(self, trade: TradeId, store: str, yes: bool, payload: bytes, now_s: float, effects: Effects) -> None:
        """What the rules said. A YES that comes after the abort holds, and is released at once."""
        leg = self._find(trade, store)
        event = LegInput.YES if yes else LegInput.NO
        state = LEG[LegState.UNSEEN if leg is None else leg.state, event]
        assert leg is not None and leg.party is not None
        leg.state = state
        if yes:
            effects.persist[prepared_key(trade, store)] = Prepared(trade, store, leg.party)
        if state is LegState.ABORTING:
            self._settle(leg, ABORT, effects)
            return
        leg.vote = Vote(trade, store, yes, payload)
        effects.answer(trade.node, leg.vote)
        if yes:
            self._wait(leg, now_s)
        else:
            leg.value = ABORT
            self._finish(leg, effects)

    def decided(self, sender: str, message: Decided, now_s: float, effects: Effects) -> None:
        """The outcome. It is acknowledged when it is durable; what was over before is acknowledged without effect.

        Raises DurabilityViolated for a commit without a YES.
        """
        trade, store, value = message.trade, message.store, message.value
        leg = self._find(trade, store)
        if leg is None and self._is_past(trade):
            effects.answer(sender, Acked(trade, store))
            return
        before = LegState.UNSEEN if leg is None else leg.state
        if value.commit and before in _UNVOTED:
            raise DurabilityViolated(trade, store)
        state = LEG[before, LegInput.COMMIT if value.commit else LegInput.ABORT]
        if leg is None:
            leg = self._new_leg(trade, store, now_s)
        assert leg.value is None or leg.value == value, f"two outcomes: {trade} {store}"
        leg.state = state
        if before in _OVER:
            effects.answer(sender, Acked(trade, store))
            return
        if sender not in leg.tellers:
            leg.tellers = (*leg.tellers, sender)
        if before is LegState.PREPARED:
            self._settle(leg, value, effects)
        elif before is LegState.UNSEEN:
            leg.value = value
            self._finish(leg, effects)

    def chosen(self, sender: str, message: Accept, now_s: float, effects: Effects) -> None:
        """The acceptor of this node has chosen the value with these effects, being the last of a majority. What is not
        prepared here hears of it from whoever tells the outcome.
        """
        for leg in self._legs.get(message.trade, {}).values():
            if leg.state is LegState.PREPARED:
                self.decided(sender, Decided(leg.trade, leg.store, message.value), now_s, effects)

    def settled(self, trade: TradeId, store: str, effects: Effects) -> None:
        """The store has applied or released what it held."""
        leg = self._find(trade, store)
        state = LEG[LegState.UNSEEN if leg is None else leg.state, LegInput.SETTLED]
        assert leg is not None
        leg.state = state
        effects.persist[prepared_key(trade, store)] = None
        self._finish(leg, effects)

    def ask_finished(self, sender: str, message: AskFinished, effects: Effects) -> None:
        """Tell a recoverer the outcome, if there is one. None proves nothing."""
        trade, store = message.trade, message.store
        if self._closed.has(trade):
            effects.answer(sender, Closed(trade))
            return
        leg = self._find(trade, store)
        value = leg.value if leg is not None and leg.state in _OVER else None
        effects.answer(sender, Finished(trade, store, value))

    def close(self, message: Close, effects: Effects) -> None:
        """Forget the legs of trades that the closed set has now; abort what is still prepared (rule 10)."""
        node, incarnation, closed = message.node, message.incarnation, self._closed
        for trade in [t for t in self._legs if t.incarnation == incarnation and t.node == node and closed.has(t)]:
            for leg in tuple(self._legs[trade].values()):
                self._close_leg(leg, effects)

    def abort_closed(self, trade: TradeId, effects: Effects) -> None:
        """Somebody says that the trade is closed: what is prepared here was aborted.

        A committed trade is closed when every store has acknowledged it, and then holds nothing any more.
        """
        for leg in self._legs.get(trade, {}).values():
            if leg.state is LegState.PREPARED or leg.state is LegState.COMMITTING:
                self._close_leg(leg, effects)

    def outcome(self, trade: TradeId) -> Value | None:
        """What a store of this node knows about it."""
        for leg in self._legs.get(trade, {}).values():
            if leg.state in _OVER:
                return leg.value
        return None

    def open_trades(self, now_s: float) -> list[OpenTrade]:
        """Those with a leg that is not over."""
        return [
            OpenTrade(
                trade,
                "participant",
                leg.state.name,
                now_s - leg.since_s,
                leg.party,
                (trade.node,) if leg.state is LegState.PREPARED else (),
            )
            for trade, legs in self._legs.items()
            for leg in legs.values()
            if leg.state not in _OVER
        ]

    def _held_too_long(self, leg: Leg, now_s: float, effects: Effects) -> None:
        assert leg.state is LegState.PREPARED and leg.party is not None
        self._wait(leg, now_s)
        self._recover(leg.trade, leg.party, now_s, effects)

    def _wait(self, leg: Leg, now_s: float) -> None:
        limits = self._limits
        self._timers.set(leg, now_s + limits.recovery_s + limits.recovery_jitter_s * self._random())

    def _settle(self, leg: Leg, value: Value, effects: Effects) -> None:
        leg.value = value
        leg.vote = None
        leg.due_s = NEVER
        effects.tasks.append(SettleTask(leg.trade, leg.store, value))

    def _finish(self, leg: Leg, effects: Effects) -> None:
        """The outcome becomes durable with these effects, and is kept unless the trade is closed already."""
        assert leg.value is not None
        if self._closed.has(leg.trade):
            leg.state = LEG[leg.state, LegInput.CLOSE]
            self._forget(leg)
        else:
            effects.persist[finished_key(leg.trade, leg.store)] = Outcome(leg.trade, leg.store, leg.value)
        for node in leg.tellers:
            effects.answer(node, Acked(leg.trade, leg.store))
        leg.tellers = ()

    def _close_leg(self, leg: Leg, effects: Effects) -> None:
        before, leg.state = leg.state, LEG[leg.state, LegInput.CLOSE]
        if before is LegState.PREPARED:
            self._settle(leg, ABORT, effects)
        elif leg.state is LegState.CLOSED:
            effects.persist[finished_key(leg.trade, leg.store)] = None
            self._forget(leg)

    def _is_past(self, trade: TradeId) -> bool:
        """Whether the trade is over, or belonged to a data directory that was replaced by this one."""
        return trade.epoch < self._since_epoch or self._closed.has(trade)

    def _new_leg(self, trade: TradeId, store: str, now_s: float) -> Leg:
        leg = Leg(trade, store, now_s, self._held_too_long)
        self._legs.setdefault(trade, {})[store] = leg
        return leg

    def _find(self, trade: TradeId, store: str) -> Leg | None:
        legs = self._legs.get(trade)
        return None if legs is None else legs.get(store)

    def _forget(self, leg: Leg) -> None:
        legs = self._legs[leg.trade]
        del legs[leg.store]
        if not legs:
            del self._legs[leg.trade]
