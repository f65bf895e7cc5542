"""Bugs planted in the agreement, rule by rule (DESIGN section 6; docs/agreement.md says what each rule is for).

Each function patches one method of one machine and returns the patch. The name of the function is the mutant's.
"""

from typing import Any

from msgspec.structs import replace

from shardnode.agreement.acceptor import Acceptor
from shardnode.agreement.closed import ClosedSets
from shardnode.agreement.closing import Closing
from shardnode.agreement.coordinator import Coordinator, Trade
from shardnode.agreement.effects import Effects, EndedTask, JudgeTask
from shardnode.agreement.engine import Agreement
from shardnode.agreement.messages import (
    ABORT,
    Accept,
    Accepted,
    Acked,
    Ballot,
    Close,
    Decided,
    Finished,
    Party,
    Prepare,
    Promise,
    Propose,
    TradeId,
    Value,
)
from shardnode.agreement.participant import Leg, Participants
from shardnode.agreement.recovery import Recoveries, Recovery
from shardnode.agreement.tables import (
    LEG,
    TRADE,
    LegInput,
    LegState,
    RecoveryState,
    TradeInput,
    TradeState,
)
from tests.simulation.agreement_node import LIFE
from tests.simulation.mutants import Mutant, Patch, after, instead, planting

_planted: list[Mutant] = []
planted = planting(_planted)


# Rule 1: incarnations and identities.


@planted
def incarnation_used_again() -> Patch:
    """Rule 1: the incarnation is not durable."""

    def mutated(made: Any, engine: Agreement, node: str, _incarnation: int, *rest: Any) -> None:
        made(engine, node, LIFE, *rest)

    return instead(Agreement, "__init__", mutated)


@planted
def ballot_used_again_after_a_restart() -> Patch:
    """Rules 1, 8: ballots are the same ones again after a restart."""

    def mutated(made: Any, recoveries: Recoveries, node: str, _incarnation: int, *rest: Any) -> None:
        made(recoveries, node, 1, *rest)

    return instead(Recoveries, "__init__", mutated)


@planted
def lost_disk_joins_older_epochs() -> Patch:
    """Rule 1: an acceptor that lost its disk answers for older epochs."""

    def mutated(made: Any, acceptor: Acceptor, closed: ClosedSets, _since_epoch: int) -> None:
        made(acceptor, closed, 1)

    return instead(Acceptor, "__init__", mutated)


# Rules 3 and 9: participants.


@planted
def yes_released_by_a_timeout() -> Patch:
    """Rule 3: a YES is let go after a while."""

    def mutated(_method: Any, participants: Any, leg: Leg, _now_s: float, effects: Effects) -> None:
        leg.state = LEG[leg.state, LegInput.ABORT]
        participants._settle(leg, ABORT, effects)

    return instead(Participants, "_held_too_long", mutated)


@planted
def vote_sent_before_it_is_durable() -> Patch:
    """Rule 3: a YES leaves before it is durable."""

    def mutated(*args: Any) -> None:
        args[-1].binding = False

    return after(Participants, "voted", mutated)


@planted
def yes_not_recorded() -> Patch:
    """Rule 3: the store holds for a YES that is not recorded."""

    def mutated(
        _self: Any, _trade: Any, _store: Any, yes: bool, _payload: Any, _now_s: float, effects: Effects
    ) -> None:
        if yes:
            effects.persist.clear()

    return after(Participants, "voted", mutated)


@planted
def prepared_while_being_checked() -> Patch:
    """Rule 3: a PREPARE that comes twice is checked twice."""

    def mutated(method: Any, participants: Any, sender: str, message: Prepare, now_s: float, effects: Effects) -> None:
        leg = participants._find(message.trade, message.store)
        if leg is not None and leg.state is LegState.CHECKING:
            participants._forget(leg)
        method(participants, sender, message, now_s, effects)

    return instead(Participants, "prepare", mutated)


@planted
def no_is_not_durable() -> Patch:
    """Rule 3: a NO is not kept."""

    def mutated(
        _self: Any, _trade: Any, _store: Any, yes: bool, _payload: Any, _now_s: float, effects: Effects
    ) -> None:
        if not yes:
            effects.persist.clear()

    return after(Participants, "voted", mutated)


@planted
def outcome_acknowledged_too_early() -> Patch:
    """Rule 9: an outcome is acknowledged before it is durable."""

    def mutated(_self: Any, sender: str, message: Decided, _now_s: float, effects: Effects) -> None:
        effects.send.append((sender, Acked(message.trade, message.store)))

    return after(Participants, "decided", mutated)


@planted
def acknowledgement_not_binding() -> Patch:
    """Rule 9: the acknowledgement does not wait for the record."""

    def mutated(*args: Any) -> None:
        args[-1].binding = False

    return after(Participants, "settled", mutated)


@planted
def outcome_applied_twice() -> Patch:
    """Rule 9: a repeated outcome is applied again."""

    def mutated(method: Any, participants: Any, sender: str, message: Decided, now_s: float, effects: Effects) -> None:
        leg = participants._find(message.trade, message.store)
        if leg is not None and leg.state is LegState.COMMITTED:
            leg.state = LegState.PREPARED
        method(participants, sender, message, now_s, effects)

    return instead(Participants, "decided", mutated)


@planted
def outcome_not_kept() -> Patch:
    """Rules 9, 10: the outcome is not kept."""

    def mutated(_self: Any, leg: Leg, effects: Effects) -> None:
        effects.persist.pop(f"finished/{leg.trade}/{leg.store}", None)

    return after(Participants, "_finish", mutated)


# Rules 2, 4 and 7: the coordinator.


@planted
def abort_announced_after_accept() -> Patch:
    """Rule 4: the coordinator aborts on its own although it sent ACCEPT."""

    def mutated(method: Any, coordinator: Any, trade: Trade, now_s: float, effects: Effects) -> None:
        if trade.state is TradeState.PROPOSING:
            trade.state = TRADE[trade.state, TradeInput.ABORT]
            coordinator._abort(trade, now_s, effects)
        else:
            method(coordinator, trade, now_s, effects)

    return instead(Coordinator, "_repeat", mutated)


@planted
def commit_without_the_last_vote() -> Patch:
    """Rule 4: one vote is not waited for."""

    def mutated(coordinator: Any, _sender: str, message: Any, _now_s: float, effects: Effects) -> None:
        trade = coordinator._trades.get(message.trade)
        if trade and trade.state is TradeState.PREPARING and len(trade.votes) == len(trade.legs) - 1:
            trade.state = TRADE[trade.state, TradeInput.ALL_VOTED]
            effects.tasks.append(JudgeTask(trade.id, {store: vote.payload for store, vote in trade.votes.items()}))

    return after(Coordinator, "vote", mutated)


@planted
def ballot_0_after_a_restart() -> Patch:
    """Rule 4: after a restart the coordinator goes on with ballot 0."""

    def mutated(method: Any, recoveries: Any, recovery: Recovery, now_s: float, effects: Effects) -> None:
        method(recoveries, recovery, now_s, effects)
        trade = recovery.trade
        if trade.node == recoveries._node and trade.incarnation != recoveries._incarnation:
            accept = Accept(trade, Ballot(0, trade.node, trade.incarnation), ABORT)
            effects.send[:] = [(acceptor, accept) for acceptor in recovery.party.acceptors]

    return instead(Recoveries, "_propose", mutated)


@planted
def chosen_by_less_than_a_majority() -> Patch:
    """Rule 7: half of the acceptors count as a majority."""

    def mutated(coordinator: Any, _sender: str, message: Accepted, now_s: float, effects: Effects) -> None:
        trade = coordinator._trades.get(message.trade)
        if trade and trade.state is TradeState.PROPOSING and len(trade.accepted) >= len(trade.party.acceptors) // 2:
            coordinator._commit(trade, trade.value, now_s, effects)

    return after(Coordinator, "accepted", mutated)


@planted
def decided_told_with_accept() -> Patch:
    """Rule 7: the participants are told before the value is chosen."""

    def mutated(coordinator: Any, trade: Trade, *rest: Any) -> None:
        coordinator._tell(trade, rest[-1])

    return after(Coordinator, "_propose", mutated)


@planted
def caller_told_twice() -> Patch:
    """Rule 7: the caller is told the outcome again when it is heard again."""

    def mutated(_coordinator: Any, trade: Trade, value: Value, _now_s: float, effects: Effects) -> None:
        if not effects.tasks:
            effects.tasks.append(EndedTask(trade.id, value, {}))

    return after(Coordinator, "_commit", mutated)


@planted
def last_before_the_first() -> Patch:
    """Rule 7: an acceptor is told that it is the last of a majority while it is the first."""

    def mutated(coordinator: Any, _trade: Any, _acceptors: Any, effects: Effects) -> None:
        effects.send[:] = [
            (node, replace(message, last=node != coordinator._node) if isinstance(message, Accept) else message)
            for node, message in effects.send
        ]

    return after(Coordinator, "_propose", mutated)


@planted
def chosen_although_refused() -> Patch:
    """Rules 6, 7: the last acceptor's stores settle although it has promised a larger ballot."""

    def mutated(method: Any, acceptor: Any, *rest: Any) -> bool:
        method(acceptor, *rest)
        return True

    return instead(Acceptor, "accept", mutated)


@planted
def coordinator_ignores_nack() -> Patch:
    """Rules 4, 6: a NACK does not stop the coordinator."""
    return instead(Coordinator, "nack", _nothing)


# Rules 5 and 6: acceptors.


@planted
def accept_without_a_promise_check() -> Patch:
    """Rule 6: an acceptor accepts in spite of its promise."""

    def mutated(method: Any, acceptor: Any, sender: str, message: Accept, *rest: Any) -> bool:
        register = acceptor._registers.get(message.trade)
        if register is not None and message.ballot < register.promised:
            acceptor._registers[message.trade] = replace(register, promised=message.ballot)
        return bool(method(acceptor, sender, message, *rest))

    return instead(Acceptor, "accept", mutated)


@planted
def promise_without_a_check() -> Patch:
    """Rule 5: an acceptor promises what it has refused."""

    def mutated(method: Any, acceptor: Any, sender: str, message: Propose, *rest: Any) -> None:
        register = acceptor._registers.get(message.trade)
        if register is not None and message.ballot <= register.promised:
            acceptor._registers[message.trade] = replace(register, promised=Ballot(-1, "", 0))
        method(acceptor, sender, message, *rest)

    return instead(Acceptor, "propose", mutated)


@planted
def promise_not_persisted() -> Patch:
    """Rule 5: a promise is not persisted."""
    return after(Acceptor, "propose", _forgets)


@planted
def promise_not_binding() -> Patch:
    """Rule 5: a promise leaves before it is durable."""
    return after(Acceptor, "propose", _hurries)


@planted
def accepted_not_persisted() -> Patch:
    """Rule 6: what is accepted is not persisted."""
    return after(Acceptor, "accept", _forgets)


@planted
def accepted_not_binding() -> Patch:
    """Rule 6: ACCEPTED leaves before it is durable."""
    return after(Acceptor, "accept", _hurries)


# Rule 8: recovery.


@planted
def recovery_ignores_what_was_accepted() -> Patch:
    """Rule 8: recovery proposes ABORT whatever was accepted."""

    def mutated(method: Any, recoveries: Any, sender: str, message: Promise, *rest: Any) -> None:
        method(recoveries, sender, replace(message, accepted=None, value=None), *rest)

    return instead(Recoveries, "promise", mutated)


@planted
def recovery_takes_the_lowest_ballot() -> Patch:
    """Rule 8: recovery takes the value of the lowest accepted ballot."""

    def mutated(method: Any, recoveries: Any, sender: str, message: Promise, *rest: Any) -> None:
        if message.accepted is not None:
            message = replace(message, accepted=replace(message.accepted, round=-message.accepted.round))
        method(recoveries, sender, message, *rest)

    return instead(Recoveries, "promise", mutated)


@planted
def promised_by_less_than_a_majority() -> Patch:
    """Rule 8: one promise fewer than a majority is enough."""

    def mutated(method: Any, recoveries: Any, sender: str, message: Promise, *rest: Any) -> None:
        method(recoveries, sender, message, *rest)
        recovery = recoveries._recoveries.get(message.trade)
        if recovery is not None and len(recovery.promises) == len(recovery.party.acceptors) // 2:
            silent = next(name for name in recovery.party.acceptors if name not in recovery.promises)
            method(recoveries, silent, replace(message, accepted=None, value=None), *rest)

    return instead(Recoveries, "promise", mutated)


@planted
def two_recoveries_at_one_ballot() -> Patch:
    """Rule 8: two nodes recover at one ballot."""

    def mutated(method: Any, recoveries: Any, *rest: Any) -> None:
        node, incarnation = recoveries._node, recoveries._incarnation
        recoveries._node, recoveries._incarnation = "", 0
        method(recoveries, *rest)
        recoveries._node, recoveries._incarnation = node, incarnation

    return instead(Recoveries, "_propose", mutated)


@planted
def ballot_used_for_two_proposals() -> Patch:
    """Rule 8: a ballot is used for two proposals."""

    def mutated(method: Any, recoveries: Any, recovery: Recovery, *rest: Any) -> None:
        if recovery.ballot is not None:
            recoveries._round = recovery.ballot.round - 1
        method(recoveries, recovery, *rest)

    return instead(Recoveries, "_propose", mutated)


@planted
def accepted_of_another_ballot_counts() -> Patch:
    """Rule 8: ACCEPTED of any ballot counts for the last one."""
    return instead(Recoveries, "accepted", _of_the_last_ballot)


@planted
def promise_of_another_ballot_counts() -> Patch:
    """Rule 8: PROMISE of any ballot counts for the last one."""
    return instead(Recoveries, "promise", _of_the_last_ballot)


@planted
def not_knowing_taken_for_abort() -> Patch:
    """Rule 8: a participant that knows no outcome is taken for an abort."""

    def mutated(method: Any, recoveries: Any, message: Finished, *rest: Any) -> None:
        method(recoveries, replace(message, value=message.value or ABORT), *rest)

    return instead(Recoveries, "finished", mutated)


@planted
def silence_taken_for_abort() -> Patch:
    """Rule 8: silence is taken for an abort."""

    def mutated(method: Any, recoveries: Any, recovery: Recovery, now_s: float, effects: Effects) -> None:
        if recovery.state is RecoveryState.ASKING:
            recoveries._learn(recovery, ABORT, now_s, effects)
        else:
            method(recoveries, recovery, now_s, effects)

    return instead(Recoveries, "_go_on", mutated)


@planted
def answer_lost_with_its_coordinator() -> Patch:
    """Rules 7, 8: the payload is lost with its coordinator."""

    def mutated(method: Any, recoveries: Any, recovery: Recovery, value: Value, *rest: Any) -> None:
        method(recoveries, recovery, Value(value.commit), *rest)

    return instead(Recoveries, "_learn", mutated)


# Rule 10: forgetting.


@planted
def commit_closed_before_all_acknowledged() -> Patch:
    """Rule 10: a commit is closed with the first acknowledgement."""

    def mutated(method: Any, coordinator: Any, message: Acked, now_s: float) -> None:
        trade = coordinator._trades.get(message.trade)
        if trade is not None and trade.state is TradeState.TELLING:
            trade.untold = {message.store: ""}
        method(coordinator, message, now_s)

    return instead(Coordinator, "acked", mutated)


@planted
def close_below_off_by_one() -> Patch:
    """Rule 10: Close says one trade more than are closed."""

    def mutated(_closing: Any, _now_s: float, effects: Effects) -> None:
        for at, (node, message) in enumerate(effects.send):
            if isinstance(message, Close):
                effects.send[at] = node, replace(message, below=message.below + 1)

    return after(Closing, "due", mutated)


@planted
def close_claims_open_trades() -> Patch:
    """Rule 10: Close says that all trades before are closed, too."""

    def mutated(closing: Any, seq: int, _party: Party, _now_s: float) -> None:
        closing._closed.add(1, seq)

    return after(Closing, "close", mutated)


@planted
def closed_set_not_persisted() -> Patch:
    """Rule 10: the closed set is not persisted."""

    def mutated(_engine: Any, _sender: str, message: Close, _now_s: float, effects: Effects) -> None:
        effects.persist.pop(f"closed/{message.node}/{message.incarnation}", None)

    return after(Agreement, "_close", mutated)


@planted
def closed_set_not_restored() -> Patch:
    """Rule 10: the closed set is not read back at a start."""
    return instead(ClosedSets, "restore", _nothing)


@planted
def close_taken_too_early() -> Patch:
    """Rule 10: CLOSE is confirmed before it is durable."""
    return after(Agreement, "_close", _hurries)


@planted
def acceptor_forgets_without_the_closed_set() -> Patch:
    """Rule 10: an acceptor forgets and does not know that it did."""

    def mutated(_method: Any, acceptor: Any, _sender: str, trade: TradeId, _effects: Effects) -> bool:
        return bool(trade.epoch >= acceptor._since_epoch)

    return instead(Acceptor, "_may_answer", mutated)


@planted
def participant_forgets_without_the_closed_set() -> Patch:
    """Rule 10: a participant forgets and does not know that it did; PREPARE is taken for a closed trade."""

    def mutated(_method: Any, participants: Any, trade: TradeId) -> bool:
        return bool(trade.epoch < participants._since_epoch)

    return instead(Participants, "_is_past", mutated)


@planted
def closed_taken_for_a_commit() -> Patch:
    """Rule 10: CLOSED is taken for a commit."""

    def mutated(_method: Any, participants: Any, leg: Leg, effects: Effects) -> None:
        leg.state = LEG[leg.state, LegInput.COMMIT]
        participants._settle(leg, Value(True), effects)

    def closed(method: Any, participants: Any, trade: TradeId, effects: Effects) -> None:
        for leg in participants._legs.get(trade, {}).values():
            if leg.state is LegState.PREPARED:
                mutated(method, participants, leg, effects)

    return instead(Participants, "abort_closed", closed)


@planted
def closed_ignored_by_participants() -> Patch:
    """Rule 10: a prepared participant does not listen to CLOSED."""
    return instead(Participants, "abort_closed", _nothing)


def _nothing(*_args: Any) -> None:
    """A method that does nothing."""


def _forgets(*args: Any) -> None:
    effects: Effects = args[-1]
    effects.persist.clear()


def _hurries(*args: Any) -> None:
    effects: Effects = args[-1]
    effects.binding = False


def _of_the_last_ballot(method: Any, recoveries: Any, sender: str, message: Accepted | Promise, *rest: Any) -> None:
    recovery = recoveries._recoveries.get(message.trade)
    if recovery is not None and recovery.ballot is not None:
        message = replace(message, ballot=recovery.ballot)
    method(recoveries, sender, message, *rest)


MUTANTS = tuple(_planted)
