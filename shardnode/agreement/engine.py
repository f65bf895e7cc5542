"""One node's part in all trades: acceptor, coordinator, participant and recoverer, put together."""

from collections.abc import Callable, Iterable
from typing import Any

from shardnode.agreement.acceptor import Acceptor
from shardnode.agreement.closed import ClosedSets
from shardnode.agreement.coordinator import Coordinator
from shardnode.agreement.effects import Effects, OpenTrade
from shardnode.agreement.facts import closed_key
from shardnode.agreement.limits import AgreementLimits
from shardnode.agreement.messages import (
    Accept,
    Accepted,
    Acked,
    AskFinished,
    Close,
    Closed,
    ClosedTrades,
    CloseTaken,
    Decided,
    Fact,
    Finished,
    Message,
    Nack,
    Outcome,
    Participant,
    Party,
    Prepare,
    Prepared,
    Promise,
    Propose,
    Register,
    TradeId,
    Vote,
)
from shardnode.agreement.participant import Participants
from shardnode.agreement.recovery import Recoveries
from shardnode.agreement.timers import Timers


class Agreement:
    """The engine; `shardnode.agreement` has the contract with its driver.

    `facts`: all that was persisted. `random` gives numbers in 0 … 1. `since_epoch`: the epoch in which this node's data
    directory joined; of older trades it has lost what it may have promised, and so it is silent about them. Every
    `now_s` is of one monotonic clock, and none is smaller than the one before.
    """

    def __init__(
        self,
        node: str,
        incarnation: int,
        facts: Iterable[Fact],
        limits: AgreementLimits,
        random: Callable[[], float],
        now_s: float,
        since_epoch: int = 1,
    ) -> None:
        self._timers = timers = Timers()
        self._closed = closed = ClosedSets()
        self._acceptor = Acceptor(closed, since_epoch)
        self._participants = Participants(limits, timers, random, closed, since_epoch, self._recover)
        self._coordinator = Coordinator(node, incarnation, limits, timers, self._recover)
        self._recoveries = Recoveries(node, incarnation, limits, timers, random, self._coordinator.learn)
        self._steps: dict[type, Callable[[str, Any, float, Effects], None]] = {
            Prepare: self._participants.prepare,
            Vote: self._coordinator.vote,
            Propose: self._acceptor.propose,
            Promise: self._recoveries.promise,
            Accept: self._accept,
            Accepted: self._accepted,
            Nack: self._nack,
            Closed: self._hear_closed,
            Decided: self._decided,
            Acked: self._acked,
            AskFinished: self._ask_finished,
            Finished: self._finished,
            Close: self._close,
            CloseTaken: self._close_taken,
        }
        self._restore(facts, now_s)

    def open(
        self, epoch: int, acceptors: tuple[str, ...], legs: dict[Participant, bytes], now_s: float
    ) -> tuple[TradeId, Effects] | None:
        """Open a trade of these stores under the acceptors of `epoch`; None while `open_max` are open."""
        effects = Effects()
        trade = self._coordinator.open(epoch, acceptors, legs, now_s, effects)
        return None if trade is None else (trade, effects)

    def step(self, sender: str, message: Message, now_s: float) -> Effects:
        """A message arrived. Raises DurabilityViolated if a store here has lost what it made durable."""
        effects = Effects()
        self._steps[type(message)](sender, message, now_s, effects)
        return effects

    def tick(self, now_s: float) -> Effects:
        """Time has passed; to be called at `wake_at_s`, earlier does no harm."""
        effects = Effects()
        self._timers.run(now_s, effects)
        return effects

    def wake_at_s(self) -> float | None:
        """When `tick` has something to do next; None for as long as nothing else happens."""
        return self._timers.next_s()

    def voted(self, trade: TradeId, store: str, yes: bool, payload: bytes, now_s: float) -> Effects:
        """Answer of a PrepareTask. A YES for a trade that is aborted by now is followed by its SettleTask at once."""
        effects = Effects()
        self._participants.voted(trade, store, yes, payload, now_s, effects)
        return effects

    def judged(self, trade: TradeId, payload: bytes | None, now_s: float) -> Effects:
        """Answer of a JudgeTask: the payload to commit with, None to abort."""
        effects = Effects()
        self._coordinator.judged(trade, payload, now_s, effects)
        return effects

    def settled(self, trade: TradeId, store: str, now_s: float) -> Effects:
        """Answer of a SettleTask."""
        del now_s
        effects = Effects()
        self._participants.settled(trade, store, effects)
        return effects

    def recover(self, trade: TradeId, party: Party, now_s: float) -> Effects:
        """Find out a trade's outcome and tell its participants, as a node does that takes over one of their stores."""
        effects = Effects()
        self._recover(trade, party, now_s, effects)
        return effects

    def open_trades(self, now_s: float) -> list[OpenTrade]:
        """Everything that is not over here, one entry a role."""
        machines = (self._coordinator, self._participants, self._recoveries, self._acceptor)
        return [trade for machine in machines for trade in machine.open_trades(now_s)]

    def _restore(self, facts: Iterable[Fact], now_s: float) -> None:
        for fact in facts:
            match fact:
                case ClosedTrades():
                    self._closed.restore(fact)
                case Register():
                    self._acceptor.restore(fact, now_s)
                case Prepared() | Outcome():
                    self._participants.restore(fact, now_s)

    def _recover(self, trade: TradeId, party: Party, now_s: float, effects: Effects) -> None:
        """Unless there is no need: the coordinator is alive here, or the trade is known to be closed."""
        if self._coordinator.goes_on(trade):
            return
        if self._closed.has(trade):
            self._participants.abort_closed(trade, effects)
            return
        self._recoveries.start(trade, party, self._participants.outcome(trade), now_s, effects)

    def _accept(self, sender: str, message: Accept, now_s: float, effects: Effects) -> None:
        """With the last acceptance the value is chosen: the stores here settle it in the same record, or in a later."""
        if self._acceptor.accept(sender, message, now_s, effects) and message.last:
            self._participants.chosen(sender, message, now_s, effects)
            self._recoveries.told(message.trade)

    def _accepted(self, sender: str, message: Accepted, now_s: float, effects: Effects) -> None:
        proposer = self._recoveries if message.ballot.round else self._coordinator
        proposer.accepted(sender, message, now_s, effects)

    def _nack(self, _sender: str, message: Nack, now_s: float, effects: Effects) -> None:
        self._recoveries.nack(message, now_s)
        if not message.ballot.round:
            self._coordinator.nack(message, now_s, effects)

    def _hear_closed(self, _sender: str, message: Closed, _now_s: float, effects: Effects) -> None:
        self._participants.abort_closed(message.trade, effects)
        self._recoveries.closed(message.trade)

    def _decided(self, sender: str, message: Decided, now_s: float, effects: Effects) -> None:
        self._participants.decided(sender, message, now_s, effects)
        self._coordinator.learn(message.trade, message.value, now_s, effects)
        self._recoveries.told(message.trade)

    def _acked(self, _sender: str, message: Acked, now_s: float, _effects: Effects) -> None:
        self._coordinator.acked(message, now_s)
        self._recoveries.acked(message)

    def _ask_finished(self, sender: str, message: AskFinished, _now_s: float, effects: Effects) -> None:
        self._participants.ask_finished(sender, message, effects)

    def _finished(self, _sender: str, message: Finished, now_s: float, effects: Effects) -> None:
        self._recoveries.finished(message, now_s, effects)

    def _close(self, sender: str, message: Close, _now_s: float, effects: Effects) -> None:
        """What is closed is added to the set and deleted everywhere else in one record."""
        grown = self._closed.take(message)
        if grown is not None:
            effects.persist[closed_key(grown)] = grown
            self._acceptor.close(message, effects)
            self._participants.close(message, effects)
            self._recoveries.close(message, self._closed.has)
        effects.answer(sender, CloseTaken(message.incarnation, message.number))

    def _close_taken(self, sender: str, message: CloseTaken, _now_s: float, _effects: Effects) -> None:
        self._coordinator.closing.taken(sender, message)
