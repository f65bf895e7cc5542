"""The recoverer: finds the outcome of a trade whose coordinator does not tell it, or makes it ABORT (rule 8).

Any node may do it, many may at once, and the coordinator may go on meanwhile: the ballots decide. It asks the
participants first, since one of them may know; then it is a Paxos proposer with a ballot of its own. "Paxos Made
Simple", Lamport 2001, section 2.2.
"""

from collections.abc import Callable

from shardnode.agreement.effects import Effects, OpenTrade
from shardnode.agreement.limits import AgreementLimits
from shardnode.agreement.messages import (
    ABORT,
    Accept,
    Accepted,
    Acked,
    AskFinished,
    Ballot,
    Close,
    Decided,
    Finished,
    Nack,
    Party,
    Promise,
    Propose,
    TradeId,
    Value,
)
from shardnode.agreement.tables import RECOVERY, RecoveryInput, RecoveryState
from shardnode.agreement.timers import NEVER, Timers

_PROPOSING = (RecoveryState.PROMISING, RecoveryState.ACCEPTING)


class Recovery:
    """One trade that this node recovers."""

    __slots__ = (
        "_go_on",
        "ballot",
        "due_s",
        "missing",
        "party",
        "promises",
        "since_s",
        "state",
        "trade",
        "tries",
        "value",
    )

    def __init__(
        self, trade: TradeId, party: Party, now_s: float, go_on: Callable[["Recovery", float, Effects], None]
    ) -> None:
        self.trade = trade
        self.party = party
        self.since_s = now_s
        self.due_s = NEVER
        self.state = RecoveryState.ASKING
        self.ballot: Ballot | None = None
        """Of the proposal that is under way, never used for another."""
        self.promises: dict[str, Promise] = {}
        self.missing: dict[str, str] = {}
        """Store → node, or acceptor → itself: who has not answered what was asked last."""
        self.value: Value | None = None
        """What was proposed; then the outcome."""
        self.tries = 0
        self._go_on = go_on

    def due(self, now_s: float, effects: Effects) -> None:
        """Something is missing for too long, or the back-off is over."""
        self._go_on(self, now_s, effects)


class Recoveries:
    """What this node recovers: one recovery a trade. `learned` hears every outcome, and says whether it takes over."""

    def __init__(
        self,
        node: str,
        incarnation: int,
        limits: AgreementLimits,
        timers: Timers,
        random: Callable[[], float],
        learned: Callable[[TradeId, Value, float, Effects], bool],
    ) -> None:
        self._node = node
        self._incarnation = incarnation
        self._limits = limits
        self._timers = timers
        self._random = random
        self._learned = learned
        self._round = 0
        """The largest used or heard of. It grows with each proposal, whatever the trade: no ballot is used twice."""
        self._recoveries: dict[TradeId, Recovery] = {}

    def start(self, trade: TradeId, party: Party, known: Value | None, now_s: float, effects: Effects) -> None:
        """Recover a trade, unless that is under way. `known`: the outcome, if a store of this node has it."""
        if trade in self._recoveries or len(self._recoveries) >= self._limits.recoveries_max:
            return
        recovery = self._recoveries[trade] = Recovery(trade, party, now_s, self._go_on)
        if known is not None:
            self._learn(recovery, known, now_s, effects)
        else:
            self._ask(recovery, now_s, effects)

    def finished(self, message: Finished, now_s: float, effects: Effects) -> None:
        """A participant says what it knows."""
        recovery = self._recoveries.get(message.trade)
        if recovery is None:
            return
        if message.value is not None:
            self._learn(recovery, message.value, now_s, effects)
        elif recovery.state is RecoveryState.ASKING:
            recovery.missing.pop(message.store, None)
            if not recovery.missing:
                self._propose(recovery, now_s, effects)

    def promise(self, sender: str, message: Promise, now_s: float, effects: Effects) -> None:
        """With a majority of promises, propose the value of the largest accepted ballot; ABORT if there is none."""
        recovery = self._recoveries.get(message.trade)
        if recovery is None or recovery.state is not RecoveryState.PROMISING or recovery.ballot != message.ballot:
            return
        acceptors = recovery.party.acceptors
        assert sender in acceptors, (sender, message)
        recovery.promises[sender] = message
        recovery.missing.pop(sender, None)
        if len(recovery.promises) * 2 <= len(acceptors):
            return
        highest, value = None, ABORT
        for promise in recovery.promises.values():
            if promise.accepted is not None and (highest is None or promise.accepted > highest):
                assert promise.value is not None
                highest, value = promise.accepted, promise.value
        recovery.state = RECOVERY[recovery.state, RecoveryInput.MAJORITY]
        recovery.value = value
        recovery.missing = {acceptor: acceptor for acceptor in acceptors}
        accept = Accept(recovery.trade, message.ballot, value)
        effects.send += [(acceptor, accept) for acceptor in acceptors]
        self._timers.set(recovery, now_s + self._limits.retry_after_s(recovery.tries))

    def accepted(self, sender: str, message: Accepted, now_s: float, effects: Effects) -> None:
        """With a majority the proposed value is chosen."""
        recovery = self._recoveries.get(message.trade)
        if recovery is None or recovery.state is not RecoveryState.ACCEPTING or recovery.ballot != message.ballot:
            return
        acceptors = recovery.party.acceptors
        assert sender in acceptors and recovery.value is not None, (sender, message)
        recovery.missing.pop(sender, None)
        if (len(acceptors) - len(recovery.missing)) * 2 > len(acceptors):
            self._learn(recovery, recovery.value, now_s, effects)

    def nack(self, message: Nack, now_s: float) -> None:
        """Somebody has a larger ballot: let it pass, then try a still larger one. Of a repeated PROPOSE: nothing."""
        self._round = max(self._round, message.promised.round)
        recovery = self._recoveries.get(message.trade)
        if recovery is None or recovery.state not in _PROPOSING or recovery.ballot != message.ballot:
            return
        if message.promised == message.ballot:
            return
        recovery.state = RECOVERY[recovery.state, RecoveryInput.NACK]
        self._timers.set(recovery, now_s + self._random() * self._limits.backoff_below_s(recovery.tries))

    def acked(self, message: Acked) -> None:
        """A participant has the outcome durably."""
        recovery = self._recoveries.get(message.trade)
        if recovery is None or recovery.state is not RecoveryState.TELLING:
            return
        recovery.missing.pop(message.store, None)
        if not recovery.missing:
            self._end(recovery, RecoveryInput.ALL_ACKED)

    def told(self, trade: TradeId) -> None:
        """Somebody else tells the outcome. What is still prepared here then is found by its own timer."""
        recovery = self._recoveries.get(trade)
        if recovery is not None and recovery.state is not RecoveryState.TELLING:
            self._end(recovery, RecoveryInput.TOLD)

    def closed(self, trade: TradeId) -> None:
        """The trade is over. That tells no outcome, but nobody needs it who does not know."""
        recovery = self._recoveries.get(trade)
        if recovery is not None:
            self._end(recovery, RecoveryInput.CLOSED)

    def close(self, message: Close, closed: Callable[[TradeId], bool]) -> None:
        """Drop the recoveries of trades that the closed set has now."""
        node, incarnation = message.node, message.incarnation
        for trade in [t for t in self._recoveries if t.incarnation == incarnation and t.node == node and closed(t)]:
            self.closed(trade)

    def open_trades(self, now_s: float) -> list[OpenTrade]:
        """Those under recovery."""
        return [
            OpenTrade(
                recovery.trade,
                "recoverer",
                recovery.state.name,
                now_s - recovery.since_s,
                recovery.party,
                tuple(dict.fromkeys(recovery.missing.values())),
            )
            for recovery in self._recoveries.values()
        ]

    def _go_on(self, recovery: Recovery, now_s: float, effects: Effects) -> None:
        state = recovery.state
        if state is RecoveryState.ASKING:
            self._propose(recovery, now_s, effects)
            return
        recovery.tries += 1
        if state is not RecoveryState.TELLING:
            recovery.state = RECOVERY[state, RecoveryInput.DUE]
            self._ask(recovery, now_s, effects)
        elif recovery.tries >= self._limits.tell_tries:
            self._end(recovery, RecoveryInput.GIVEN_UP)
        else:
            recovery.state = RECOVERY[state, RecoveryInput.DUE]
            self._tell(recovery, now_s, effects)

    def _ask(self, recovery: Recovery, now_s: float, effects: Effects) -> None:
        """Ask the participants elsewhere; what a store here knows was told at the start."""
        recovery.missing = {p.store: p.node for p in recovery.party.participants if p.node != self._node}
        if not recovery.missing:
            self._propose(recovery, now_s, effects)
            return
        effects.send += [(node, AskFinished(recovery.trade, store)) for store, node in recovery.missing.items()]
        self._timers.set(recovery, now_s + self._limits.ask_s)

    def _propose(self, recovery: Recovery, now_s: float, effects: Effects) -> None:
        recovery.state = RECOVERY[recovery.state, RecoveryInput.UNKNOWN]
        self._round += 1
        ballot = recovery.ballot = Ballot(self._round, self._node, self._incarnation)
        recovery.promises = {}
        recovery.missing = {acceptor: acceptor for acceptor in recovery.party.acceptors}
        propose = Propose(recovery.trade, ballot)
        effects.send += [(acceptor, propose) for acceptor in recovery.party.acceptors]
        self._timers.set(recovery, now_s + self._limits.retry_after_s(recovery.tries))

    def _learn(self, recovery: Recovery, value: Value, now_s: float, effects: Effects) -> None:
        """The outcome is known. A live coordinator goes on from here; else tell the participants."""
        if recovery.state is RecoveryState.TELLING:
            assert recovery.value == value, f"two outcomes: {recovery.trade}"
            return
        recovery.state = RECOVERY[recovery.state, RecoveryInput.LEARNED]
        recovery.value = value
        if self._learned(recovery.trade, value, now_s, effects):
            self._end(recovery, RecoveryInput.TAKEN_OVER)
            return
        recovery.missing = {p.store: p.node for p in recovery.party.participants}
        recovery.tries = 0
        self._tell(recovery, now_s, effects)

    def _tell(self, recovery: Recovery, now_s: float, effects: Effects) -> None:
        """Binding each time: it may be known from a store here, and on its way to the disk."""
        assert recovery.value is not None
        effects.binding = True
        effects.send += [
            (node, Decided(recovery.trade, store, recovery.value)) for store, node in recovery.missing.items()
        ]
        self._timers.set(recovery, now_s + self._limits.retry_after_s(recovery.tries))

    def _end(self, recovery: Recovery, event: RecoveryInput) -> None:
        recovery.state = RECOVERY[recovery.state, event]
        recovery.due_s = NEVER
        del self._recoveries[recovery.trade]
