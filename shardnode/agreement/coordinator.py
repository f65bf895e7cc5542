"""The coordinator: opens trades, collects votes, gets the outcome chosen, tells it and closes (rules 2, 4, 7 and 10).

It keeps nothing on the disk. Until it has sent ACCEPT it may abort on its own; from then on the acceptors alone know,
and what it does with ballot 0 anybody else may overtake with a larger one.
"""

from collections.abc import Callable, Sequence

from shardnode.agreement.closing import Closing
from shardnode.agreement.effects import Effects, EndedTask, JudgeTask, OpenTrade
from shardnode.agreement.limits import AgreementLimits
from shardnode.agreement.messages import (
    ABORT,
    PAYLOAD_BYTES_MAX,
    Accept,
    Accepted,
    Acked,
    Ballot,
    Decided,
    Nack,
    Participant,
    Party,
    Prepare,
    TradeId,
    Value,
    Vote,
)
from shardnode.agreement.tables import TRADE, TradeInput, TradeState
from shardnode.agreement.timers import NEVER, Timers

_VOTING = (TradeState.PREPARING, TradeState.REFUSED)
_ACCEPTING = (TradeState.PROPOSING, TradeState.RECOVERING)


class Trade:
    """One trade that this node coordinates, until it is closed."""

    __slots__ = (
        "_repeat",
        "accepted",
        "asked_next",
        "deadline_s",
        "due_s",
        "id",
        "legs",
        "party",
        "since_s",
        "state",
        "tries",
        "untold",
        "value",
        "votes",
    )

    def __init__(
        self,
        trade: TradeId,
        party: Party,
        legs: dict[str, bytes],
        now_s: float,
        deadline_s: float,
        repeat: Callable[["Trade", float, Effects], None],
    ) -> None:
        self.id = trade
        self.party = party
        self.legs = legs
        self.since_s = now_s
        self.deadline_s = deadline_s
        self.due_s = NEVER
        self.state = TradeState.PREPARING
        self.votes: dict[str, Vote] = {}
        self.value: Value | None = None
        """What was proposed at ballot 0; later the outcome."""
        self.accepted: dict[str, None] = {}
        """Acceptors that accepted it at ballot 0."""
        self.asked_next: Sequence[str] = ()
        """Acceptors that are asked when this node's own has accepted."""
        self.untold = {participant.store: participant.node for participant in party.participants}
        """Store → node of those that are still to hear the outcome; of a commit, to acknowledge it."""
        self.tries = 0
        self._repeat = repeat

    def due(self, now_s: float, effects: Effects) -> None:
        """Something is missing for too long."""
        self._repeat(self, now_s, effects)


class Coordinator:
    """The trades that this node opened in this incarnation. `recover` is asked for those that were overtaken."""

    def __init__(
        self,
        node: str,
        incarnation: int,
        limits: AgreementLimits,
        timers: Timers,
        recover: Callable[[TradeId, Party, float, Effects], None],
    ) -> None:
        self.closing = Closing(node, incarnation, limits, timers)
        self._node = node
        self._incarnation = incarnation
        self._limits = limits
        self._timers = timers
        self._recover = recover
        self._ballot = Ballot(0, node, incarnation)
        self._seq = 0
        self._trades: dict[TradeId, Trade] = {}

    def open(
        self, epoch: int, acceptors: tuple[str, ...], legs: dict[Participant, bytes], now_s: float, effects: Effects
    ) -> TradeId | None:
        """Mint a trade and ask for the votes; None if as many as may be are open."""
        limits = self._limits
        if len(self._trades) >= limits.open_max:
            return None
        assert legs and acceptors
        self._seq += 1
        trade = TradeId(epoch, self._node, self._incarnation, self._seq)
        party = Party(tuple(legs), acceptors)
        by_store = {participant.store: leg for participant, leg in legs.items()}
        assert len(by_store) == len(legs), "a store takes part once"
        opened = Trade(trade, party, by_store, now_s, now_s + limits.votes_s, self._repeat)
        self._trades[trade] = opened
        for participant, leg in legs.items():
            effects.send.append((participant.node, Prepare(trade, party, participant.store, leg, limits.prepare_s)))
        self._timers.set(opened, now_s + limits.retry_s)
        return trade

    def vote(self, _sender: str, message: Vote, now_s: float, effects: Effects) -> None:
        """Count it. After a NO those who hold something are released at once, and the other refusals awaited."""
        trade = self._trades.get(message.trade)
        if trade is None or message.store in trade.votes:
            return
        store = message.store
        assert store in trade.legs, f"{store} has no part in {trade.id}"
        before = trade.state
        trade.state = TRADE[before, TradeInput.YES if message.yes else TradeInput.NO]
        trade.votes[store] = message
        if not message.yes:
            del trade.untold[store]
        if trade.state is TradeState.REFUSED:
            for voter in tuple(trade.votes) if before is TradeState.PREPARING else (store,):
                self._release(trade, voter, effects)
        if len(trade.votes) == len(trade.legs):
            trade.state = TRADE[trade.state, TradeInput.ALL_VOTED]
            if trade.state is TradeState.JUDGING:
                trade.due_s = NEVER
                effects.tasks.append(JudgeTask(trade.id, {voter: vote.payload for voter, vote in trade.votes.items()}))
            else:
                self._abort(trade, now_s, effects)

    def judged(self, trade_id: TradeId, payload: bytes | None, now_s: float, effects: Effects) -> None:
        """Propose what the votes make together; abort where they make nothing, or more than a value holds."""
        trade = self._trades.get(trade_id)
        if trade is None:
            return
        agreed = payload is not None and len(payload) <= PAYLOAD_BYTES_MAX
        trade.state = TRADE[trade.state, TradeInput.AGREED if agreed else TradeInput.DISAGREED]
        if payload is None or not agreed:
            self._abort(trade, now_s, effects)
            return
        trade.value = Value(True, payload)
        trade.tries = 0
        first, trade.asked_next = self._nearest_majority(trade.party)
        self._propose(trade, first, effects)
        self._timers.set(trade, now_s + self._limits.widen_s)

    def accepted(self, sender: str, message: Accepted, now_s: float, effects: Effects) -> None:
        """An acceptor has the value at ballot 0. With a majority of them it is chosen; the stores of an acceptor that
        was the last of it know that already.
        """
        trade = self._trades.get(message.trade)
        if trade is None or trade.state not in _ACCEPTING:
            return
        assert message.ballot == self._ballot and sender in trade.party.acceptors, (sender, message)
        trade.accepted[sender] = None
        if len(trade.accepted) * 2 > len(trade.party.acceptors):
            assert trade.value is not None
            self._commit(trade, trade.value, now_s, effects, knows=sender if message.last else None)
        elif trade.asked_next:
            self._propose(trade, trade.asked_next, effects)
            trade.asked_next = ()
            self._timers.set(trade, now_s + self._limits.widen_s)

    def nack(self, message: Nack, now_s: float, effects: Effects) -> None:
        """Somebody recovers the trade. Whether ballot 0 was chosen before, only a larger ballot can tell."""
        trade = self._trades.get(message.trade)
        if trade is None:
            return
        assert message.ballot == self._ballot, message
        trade.state = TRADE[trade.state, TradeInput.NACK]
        if trade.state is TradeState.RECOVERING:
            self._recover(trade.id, trade.party, now_s, effects)

    def learn(self, trade_id: TradeId, value: Value, now_s: float, effects: Effects) -> bool:
        """A recoverer, here or elsewhere, has the outcome. False if the trade is not this coordinator's, or over."""
        trade = self._trades.get(trade_id)
        if trade is None:
            return False
        if value.commit:
            self._commit(trade, value, now_s, effects)
            return True
        trade.state = TRADE[trade.state, TradeInput.ABORT]
        if trade.state is TradeState.CLOSED:
            self._abort(trade, now_s, effects)
        return True

    def acked(self, message: Acked, now_s: float) -> None:
        """A participant has the outcome durably. When all have, a committed trade is closed."""
        trade = self._trades.get(message.trade)
        if trade is None or trade.state is not TradeState.TELLING:
            return
        trade.untold.pop(message.store, None)
        if not trade.untold:
            trade.state = TRADE[trade.state, TradeInput.ALL_ACKED]
            self._close(trade, now_s)

    def goes_on(self, trade_id: TradeId) -> bool:
        """Whether the trade's coordinator is alive here and needs no recovery."""
        trade = self._trades.get(trade_id)
        return trade is not None and trade.state is not TradeState.RECOVERING

    def open_trades(self, now_s: float) -> list[OpenTrade]:
        """Those not closed."""
        return [
            OpenTrade(trade.id, "coordinator", trade.state.name, now_s - trade.since_s, trade.party, _missing(trade))
            for trade in self._trades.values()
        ]

    def _repeat(self, trade: Trade, now_s: float, effects: Effects) -> None:
        """Ask again those who have not answered; give up on votes when it is too late for them."""
        state = trade.state
        trade.tries += 1
        if state in _VOTING:
            if now_s >= trade.deadline_s:
                trade.state = TRADE[state, TradeInput.DEADLINE]
                self._abort(trade, now_s, effects)
                return
            self._prepare_again(trade, now_s, effects)
            self._timers.set(trade, min(now_s + self._limits.retry_s, trade.deadline_s))
            return
        if state is TradeState.PROPOSING:
            trade.asked_next = ()
            self._propose(trade, trade.party.acceptors, effects)
        elif state is TradeState.RECOVERING:
            self._recover(trade.id, trade.party, now_s, effects)
        else:
            self._tell(trade, effects)
        self._timers.set(trade, now_s + self._limits.retry_after_s(trade.tries))

    def _prepare_again(self, trade: Trade, now_s: float, effects: Effects) -> None:
        left_s = trade.since_s + self._limits.prepare_s - now_s
        if left_s <= 0:
            return
        for store, node in trade.untold.items():
            if store not in trade.votes:
                effects.send.append((node, Prepare(trade.id, trade.party, store, trade.legs[store], left_s)))

    def _nearest_majority(self, party: Party) -> tuple[Sequence[str], Sequence[str]]:
        """A majority of the acceptors that is surely awake: this node and those that have just voted come first. The
        others are asked when these do not answer; a message that was not sent is one that was lost.

        Two lists: whom to ask at once, and whom when that has accepted. Where this node and a participant's make the
        majority, this one comes first: the other is then the last, settles its stores with the record in which it
        accepts, and needs no further message.
        """
        near = {participant.node for participant in party.participants}
        nearest = sorted(party.acceptors, key=lambda node: (node != self._node, node not in near))
        nearest = nearest[: len(nearest) // 2 + 1]
        if len(nearest) == 2 and nearest[0] == self._node and nearest[1] in near:
            return nearest[:1], nearest[1:]
        return nearest, ()

    def _propose(self, trade: Trade, acceptors: Sequence[str], effects: Effects) -> None:
        """Nobody is the last here: what this node says as a coordinator would have to wait for its own disk."""
        assert trade.value is not None
        last = 2 * (len(trade.accepted) + 1) > len(trade.party.acceptors)
        for node in acceptors:
            if node not in trade.accepted:
                accept = Accept(trade.id, self._ballot, trade.value, last and node != self._node)
                effects.send.append((node, accept))

    def _commit(self, trade: Trade, value: Value, now_s: float, effects: Effects, knows: str | None = None) -> None:
        """The value is chosen: the caller may be told, and the participants until each of them has it, at first but
        those of a node that knows it.
        """
        before, trade.state = trade.state, TRADE[trade.state, TradeInput.COMMIT]
        if before is TradeState.TELLING:
            assert trade.value == value, f"two outcomes: {trade.id}"
            return
        trade.value = value
        trade.tries = 0
        effects.tasks.append(EndedTask(trade.id, value, {}))
        self._tell(trade, effects, knows)
        self._timers.set(trade, now_s + self._limits.retry_s)

    def _tell(self, trade: Trade, effects: Effects, but: str | None = None) -> None:
        value = trade.value
        assert value is not None
        effects.send += [(node, Decided(trade.id, store, value)) for store, node in trade.untold.items() if node != but]

    def _release(self, trade: Trade, store: str, effects: Effects) -> None:
        node = trade.untold.pop(store, None)
        if node is not None:
            effects.send.append((node, Decided(trade.id, store, ABORT)))

    def _abort(self, trade: Trade, now_s: float, effects: Effects) -> None:
        """Aborted is closed: who does not hear of it now, hears the Close."""
        refusals = {store: vote.payload for store, vote in trade.votes.items() if not vote.yes}
        effects.tasks.append(EndedTask(trade.id, ABORT, refusals))
        for store in tuple(trade.untold):
            self._release(trade, store, effects)
        self._close(trade, now_s)

    def _close(self, trade: Trade, now_s: float) -> None:
        assert trade.state is TradeState.CLOSED
        trade.due_s = NEVER
        del self._trades[trade.id]
        self.closing.close(trade.id.seq, trade.party, now_s)


def _missing(trade: Trade) -> tuple[str, ...]:
    if trade.state in _VOTING:
        nodes = [node for store, node in trade.untold.items() if store not in trade.votes]
    elif trade.state is TradeState.PROPOSING:
        nodes = [node for node in trade.party.acceptors if node not in trade.accepted]
    elif trade.state is TradeState.TELLING:
        nodes = list(trade.untold.values())
    else:
        nodes = []
    return tuple(dict.fromkeys(nodes))
