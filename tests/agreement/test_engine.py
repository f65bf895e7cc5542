"""One engine at a time: bounds, timers, what it asks of its driver."""

import msgspec
import pytest

from shardnode.agreement import facts
from shardnode.agreement.effects import Effects, EndedTask, JudgeTask, PrepareTask, SettleTask
from shardnode.agreement.engine import Agreement
from shardnode.agreement.limits import AgreementLimits
from shardnode.agreement.messages import (
    ABORT,
    PAYLOAD_BYTES_MAX,
    Accept,
    Accepted,
    Acked,
    AskFinished,
    Ballot,
    Close,
    Closed,
    ClosedTrades,
    CloseTaken,
    Decided,
    Finished,
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
    Value,
    Vote,
)
from tests.agreement.engines import engine, sent, state_of

ACCEPTORS = ("n1", "n2", "n3")
LEGS = {Participant("s", "n2"): b"sell", Participant("t", "n3"): b"buy"}
PARTY = Party(tuple(LEGS), ACCEPTORS)
T = TradeId(1, "n1", 1, 1)
COMMIT = Value(True, b"s t")


def opened(limits: AgreementLimits | None = None) -> Agreement:
    """A coordinator that waits for the votes on T."""
    agreement = engine("n1", limits=limits)
    assert agreement.open(1, ACCEPTORS, LEGS, 0.0) is not None
    return agreement


def proposing() -> Agreement:
    """A coordinator that waits for acceptors."""
    agreement = opened()
    agreement.step("n2", Vote(T, "s", True, b"s"), 0.0)
    agreement.step("n3", Vote(T, "t", True, b"t"), 0.0)
    agreement.judged(T, b"s t", 0.0)
    return agreement


def recovering(now_s: float = 0.0) -> Agreement:
    """A node that is no participant and waits for promises."""
    agreement = engine("n9")
    agreement.recover(T, PARTY, now_s)
    agreement.tick(now_s + 0.25)
    return agreement


def ended(effects: Effects) -> list[EndedTask]:
    """What is to be told of trades."""
    return [task for task in effects.tasks if isinstance(task, EndedTask)]


def test_no_more_trades_are_opened_than_may_be_open() -> None:
    """With `open_max` open there is no further one until one of them is closed; a seq is never used again."""
    agreement = opened(AgreementLimits(open_max=1))
    assert agreement.open(1, ACCEPTORS, LEGS, 0.0) is None
    agreement.step("n2", Vote(T, "s", False, b""), 0.0)
    assert agreement.open(1, ACCEPTORS, LEGS, 0.0) is None
    agreement.step("n3", Vote(T, "t", False, b""), 0.0)
    again = agreement.open(1, ACCEPTORS, LEGS, 0.0)
    assert again is not None and again[0] == TradeId(1, "n1", 1, 2)


def test_a_value_is_proposed_only_when_all_voted_yes_and_the_rules_agree() -> None:
    """No ACCEPT leaves before that; then they do, at ballot 0 of this incarnation."""
    agreement = opened()
    assert not agreement.step("n2", Vote(T, "s", True, b"s"), 0.0).send
    effects = agreement.step("n3", Vote(T, "t", True, b"t"), 0.0)
    assert effects.tasks == [JudgeTask(T, {"s": b"s", "t": b"t"})] and not effects.send
    effects = agreement.judged(T, b"s t", 0.0)
    assert effects.send == [("n1", Accept(T, Ballot(0, "n1", 1), COMMIT))]


@pytest.mark.parametrize(
    ("acceptors", "first"),
    [
        (("n4",), ["n4"]),
        (("n1", "n2", "n3"), ["n3", "n1"]),
        (("n1", "n2", "n4"), ["n4", "n1"]),
        (("n1", "n2", "n3", "n4", "n5"), ["n4", "n3", "n1"]),
        (("n3", "n4", "n5", "n6", "n7", "n8", "n9"), ["n4", "n3", "n9", "n5"]),
    ],
)
def test_the_nearest_majority_is_asked_first_and_then_whoever_has_not_accepted(
    acceptors: tuple[str, ...], first: list[str]
) -> None:
    """A majority gets ACCEPT, the nodes that surely are awake before others; after `widen_s` all get it."""
    coordinator, limits = engine("n4"), AgreementLimits()
    legs = {Participant("s", "n3"): b"sell", Participant("t", "n9"): b"buy"}
    trade, _ = coordinator.open(1, acceptors, legs, 0.0) or pytest.fail("not opened")
    coordinator.step("n3", Vote(trade, "s", True, b"s"), 0.0)
    coordinator.step("n9", Vote(trade, "t", True, b"t"), 0.0)
    asked = [node for node, _ in sent(coordinator.judged(trade, b"s t", 1.0), Accept)]
    assert asked == first and len(asked) == len(acceptors) // 2 + 1
    if len(acceptors) > 1:
        coordinator.step(first[0], Accepted(trade, Ballot(0, "n4", 1)), 1.0)
        assert coordinator.wake_at_s() == 1.0 + limits.widen_s
        assert not sent(coordinator.tick(1.0 + limits.widen_s - 0.001), Accept)
        widened = sent(coordinator.tick(1.0 + limits.widen_s), Accept)
        assert [node for node, _ in widened] == [node for node in acceptors if node != first[0]]


def test_a_participants_acceptor_is_asked_when_the_coordinators_own_has_accepted() -> None:
    """Where these two make the majority, the second hears that it is the last; its stores need no DECIDED then, unless
    their acknowledgement does not come.
    """
    agreement, limits, ballot = proposing(), AgreementLimits(), Ballot(0, "n1", 1)
    effects = agreement.step("n1", Accepted(T, ballot), 0.06)
    assert effects.send == [("n2", Accept(T, ballot, COMMIT, last=True))]
    assert agreement.wake_at_s() == 0.06 + limits.widen_s
    effects = agreement.step("n2", Accepted(T, ballot, last=True), 0.1)
    assert effects.send == [("n3", Decided(T, "t", COMMIT))] and ended(effects) == [EndedTask(T, COMMIT, {})]
    agreement.step("n3", Acked(T, "t"), 0.1)
    assert agreement.tick(0.1 + limits.retry_s).send == [("n2", Decided(T, "s", COMMIT))]


def test_nobody_is_the_last_at_the_coordinators_own_node() -> None:
    """When all are asked, its own acceptor hears no more than that it is asked, whoever else has accepted."""
    agreement, limits, ballot = proposing(), AgreementLimits(), Ballot(0, "n1", 1)
    agreement.step("n3", Accepted(T, ballot), 0.05)
    asked = sent(agreement.tick(0.06 + limits.widen_s), Accept)
    assert [(node, accept.last) for node, accept in asked] == [("n1", False), ("n2", True)]


def test_the_last_of_a_majority_settles_its_stores_with_its_acceptance() -> None:
    """What is prepared settles in the same effects, and acknowledges to whoever asked; a second time it does not; and
    where the acceptor has promised more, nothing is chosen, and nothing settles.
    """
    ballot, last = Ballot(0, "n1", 1), Accept(T, Ballot(0, "n1", 1), COMMIT, last=True)
    agreement = engine("n2", facts=[Prepared(T, "s", PARTY)])
    effects = agreement.step("n1", last, 0.0)
    assert effects.persist == {f"register/{T}": Register(T, ballot, ballot, COMMIT)} and effects.binding
    assert effects.send == [("n1", Accepted(T, ballot, last=True))] and effects.tasks == [SettleTask(T, "s", COMMIT)]
    assert not agreement.step("n1", last, 0.0).tasks
    assert agreement.settled(T, "s", 0.0).send == [("n1", Acked(T, "s"))]
    overtaken = engine("n2", facts=[Prepared(T, "s", PARTY), Register(T, Ballot(1, "n3", 1), None, None)])
    effects = overtaken.step("n1", last, 0.0)
    assert effects.send == [("n1", Nack(T, ballot, Ballot(1, "n3", 1)))] and not effects.tasks


def test_who_was_not_asked_first_is_not_asked_when_the_others_accept() -> None:
    """With the first majority's answers in time no further ACCEPT leaves."""
    agreement = proposing()
    for node in ("n1", "n2"):
        agreement.step(node, Accepted(T, Ballot(0, "n1", 1)), 0.05)
    assert state_of(agreement, "coordinator") == "TELLING"
    assert not any(sent(agreement.tick(step / 10), Accept) for step in range(1, 100))


@pytest.mark.parametrize("payload", [None, bytes(PAYLOAD_BYTES_MAX + 1)])
def test_what_cannot_be_proposed_is_aborted(payload: bytes | None) -> None:
    """Votes that do not fit together, or make more than a value holds, end the trade without a ballot."""
    agreement = opened()
    agreement.step("n2", Vote(T, "s", True, b"s"), 0.0)
    agreement.step("n3", Vote(T, "t", True, b"t"), 0.0)
    effects = agreement.judged(T, payload, 0.0)
    assert ended(effects) == [EndedTask(T, ABORT, {})]
    assert effects.send == [("n2", Decided(T, "s", ABORT)), ("n3", Decided(T, "t", ABORT))]


def test_the_caller_is_told_once_and_only_when_the_value_is_chosen() -> None:
    """A majority of acceptors ends the trade; what they and recoverers say later ends nothing again."""
    agreement = proposing()
    accepted = Accepted(T, Ballot(0, "n1", 1))
    assert not ended(agreement.step("n3", accepted, 0.0))
    assert not ended(agreement.step("n3", accepted, 0.0)), "the same acceptor twice is no majority"
    assert ended(agreement.step("n1", accepted, 0.0)) == [EndedTask(T, COMMIT, {})]
    for sender, late in (("n2", accepted), ("n2", Nack(T, Ballot(0, "n1", 1), Ballot(3, "n2", 1)))):
        assert not ended(agreement.step(sender, late, 0.0))
    assert state_of(agreement, "coordinator") == "TELLING"


def test_a_commit_is_closed_by_the_last_acknowledgement() -> None:
    """One that has not acknowledged keeps the trade open, however often the others do."""
    agreement = proposing()
    for node in ("n1", "n2"):
        agreement.step(node, Accepted(T, Ballot(0, "n1", 1)), 0.0)
    for _ in range(2):
        agreement.step("n2", Acked(T, "s"), 0.0)
    assert state_of(agreement, "coordinator") == "TELLING"
    assert not sent(agreement.tick(0.6), Close)
    agreement.step("n3", Acked(T, "t"), 0.7)
    assert state_of(agreement, "coordinator") is None
    assert {message.below for _, message in sent(agreement.tick(1.3), Close)} == {2}


def test_what_is_not_answered_is_repeated_ever_more_seldom() -> None:
    """ACCEPT goes again to who has not accepted, after widening at times that double up to a bound, for ever."""
    agreement = proposing()
    agreement.step("n2", Accepted(T, Ballot(0, "n1", 1)), 0.0)
    times_s: list[float] = []
    while len(times_s) < 40:
        due_s = agreement.wake_at_s()
        assert due_s is not None
        assert [node for node, _ in sent(agreement.tick(due_s), Accept)] == ["n1", "n3"]
        times_s.append(due_s)
    pauses_s = [round(after - before, 6) for before, after in zip([0.0, *times_s], times_s, strict=False)]
    assert pauses_s[:5] == [0.1, 1.0, 2.0, 4.0, 4.0] and max(pauses_s) == 4.0


def test_many_closed_trades_cost_one_message_a_node() -> None:
    """A Close says all that ended since the last; nothing is sent while nothing ends."""
    agreement = engine("n1")
    for seq in range(1, 501):
        agreement.open(1, ACCEPTORS, LEGS, 0.0)
        for participant in LEGS:
            agreement.step(participant.node, Vote(TradeId(1, "n1", 1, seq), participant.store, False, b""), 0.0)
    effects = agreement.tick(0.5)
    assert effects.send == [(node, Close("n1", 1, 500, 501, ())) for node in ACCEPTORS]
    for node in ACCEPTORS:
        agreement.step(node, CloseTaken(1, 500), 0.6)
    assert not agreement.tick(1.0).send
    assert agreement.wake_at_s() is None or not agreement.tick(60.0).send


def test_an_older_close_taken_does_not_pay_for_a_newer_one() -> None:
    """What ended after a Close was sent goes with the next, though that Close was taken."""
    agreement = opened(AgreementLimits())
    agreement.open(1, ACCEPTORS, LEGS, 0.0)
    for seq in (1, 2):
        agreement.step("n2", Vote(TradeId(1, "n1", 1, seq), "s", False, b""), 0.0)
    agreement.step("n3", Vote(T, "t", False, b""), 0.0)
    agreement.tick(0.5)
    agreement.step("n3", Vote(TradeId(1, "n1", 1, 2), "t", False, b""), 0.6)
    for node in ACCEPTORS:
        agreement.step(node, CloseTaken(1, 1), 0.7)
    assert {message.below for _, message in sent(agreement.tick(1.0), Close)} == {3}


def test_a_recovery_proposes_the_value_of_the_largest_accepted_ballot() -> None:
    """Of all promises of a majority the largest accepted ballot counts, whoever tells it and in whatever order."""
    agreement = recovering()
    ballot, old, new = Ballot(1, "n9", 1), Ballot(0, "n1", 1), Ballot(1, "n2", 4)
    assert not agreement.step("n1", Promise(T, ballot, new, ABORT), 0.3).send
    effects = agreement.step("n3", Promise(T, ballot, old, COMMIT), 0.3)
    assert effects.send == [(node, Accept(T, ballot, ABORT)) for node in ACCEPTORS]


def test_a_recovery_without_any_accepted_value_proposes_abort() -> None:
    """A majority that knows of no value cannot have chosen one."""
    agreement, ballot = recovering(), Ballot(1, "n9", 1)
    agreement.step("n1", Promise(T, ballot, None, None), 0.3)
    assert not agreement.step("n1", Promise(T, ballot, None, None), 0.3).send, "one acceptor twice is no majority"
    effects = agreement.step("n2", Promise(T, ballot, None, None), 0.3)
    assert {message.value for _, message in sent(effects, Accept)} == {ABORT}


def test_no_ballot_is_used_twice() -> None:
    """After a refusal, a silence, and for other trades the round is one that this node has not used, nor heard of."""
    agreement, used = recovering(), [Ballot(1, "n9", 1)]
    agreement.step("n1", Nack(T, used[0], Ballot(7, "n2", 1)), 0.3)
    now_s = 0.3
    while len(used) < 4:
        now_s += 0.5
        used += {message.ballot for _, message in sent(agreement.tick(now_s), Propose)}
    agreement.recover(TradeId(1, "n1", 1, 2), PARTY, now_s)
    other = sent(agreement.tick(now_s + 0.25), Propose)
    used += {message.ballot for _, message in other}
    assert len(set(used)) == len(used)
    assert all(ballot.round > 7 for ballot in used[1:])
    assert engine("n9", incarnation=2).recover(T, PARTY, 0.0).send, "a restart begins with another incarnation"


def test_promises_to_an_earlier_ballot_do_not_count() -> None:
    """What comes late belongs to a proposal that was given up."""
    agreement, first = recovering(), Ballot(1, "n9", 1)
    agreement.tick(0.8)
    agreement.tick(1.1)
    assert state_of(agreement, "recoverer") == "PROMISING"
    for node in ACCEPTORS:
        assert not agreement.step(node, Promise(T, first, None, None), 1.2).send


def test_a_repeated_propose_that_is_refused_is_no_reason_to_give_way() -> None:
    """A NACK that names the recoverer's own ballot answers a copy of its own message."""
    agreement, ballot = recovering(), Ballot(1, "n9", 1)
    agreement.step("n1", Nack(T, ballot, ballot), 0.3)
    assert state_of(agreement, "recoverer") == "PROMISING"


def test_an_outsider_that_hears_closed_tells_nobody_anything() -> None:
    """CLOSED names no outcome; it may have been a commit."""
    agreement = recovering()
    effects = agreement.step("n1", Closed(T), 0.3)
    assert not effects.send and not effects.tasks and state_of(agreement, "recoverer") is None


def test_whoever_is_prepared_and_hears_closed_aborts() -> None:
    """A committed trade would have this store's acknowledgement."""
    agreement = engine("n2", facts=[Prepared(T, "s", PARTY)])
    effects = agreement.step("n3", Closed(T), 0.0)
    assert effects.tasks == [SettleTask(T, "s", ABORT)]
    assert agreement.settled(T, "s", 0.0).persist == {
        f"prepared/{T}/s": None,
        f"finished/{T}/s": Outcome(T, "s", ABORT),
    }


def test_a_coordinator_that_is_alive_is_not_recovered_by_its_own_node() -> None:
    """The prepared store of a coordinator's node leaves the trade to it."""
    agreement = engine("n2")
    trade, _ = agreement.open(1, ACCEPTORS, LEGS, 0.0) or pytest.fail("not opened")
    agreement.step("n2", Prepare(trade, PARTY, "s", b"", 2.0), 0.0)
    agreement.voted(trade, "s", True, b"", 0.0)
    assert not sent(agreement.tick(2.0), AskFinished) and state_of(agreement, "recoverer") is None


def test_only_so_many_recoveries_run_at_once() -> None:
    """The others have their turn when one is over."""
    prepared = [Prepared(TradeId(1, "n1", 1, seq), "s", PARTY) for seq in (1, 2)]
    agreement = engine("n2", facts=prepared, limits=AgreementLimits(recoveries_max=1))
    agreement.tick(1.3)
    assert state_of(agreement, "recoverer") == "ASKING"
    agreement.step("n3", Finished(T, "t", ABORT), 1.3)
    agreement.step("n2", Decided(T, "s", ABORT), 1.3)
    agreement.settled(T, "s", 1.3)
    agreement.step("n2", Acked(T, "s"), 1.3)
    agreement.step("n3", Acked(T, "t"), 1.3)
    assert [message.trade.seq for _, message in sent(agreement.tick(2.6), AskFinished)] == [2]


def test_a_replaced_directory_answers_for_the_lost_one_only_that_it_is_over() -> None:
    """Of trades older than itself it refuses PREPARE and acknowledges DECIDED: an operator has declared the loss."""
    agreement = engine("n2", since_epoch=2)
    assert agreement.step("n1", Prepare(T, PARTY, "s", b"", 2.0), 0.0).send == [("n1", Vote(T, "s", False, b""))]
    assert agreement.step("n1", Decided(T, "s", COMMIT), 0.0).send == [("n1", Acked(T, "s"))]
    assert agreement.open_trades(0.0) == []


def test_two_stores_of_one_trade_may_live_on_one_node() -> None:
    """Each is asked, votes and settles for itself."""
    party = Party((Participant("s", "n2"), Participant("t", "n2")), ACCEPTORS)
    agreement = engine("n2")
    for store in ("s", "t"):
        effects = agreement.step("n1", Prepare(T, party, store, b"leg", 2.0), 0.0)
        assert effects.tasks == [PrepareTask(T, store, b"leg", 2.0)]
        agreement.voted(T, store, True, b"", 0.0)
    assert agreement.step("n1", Decided(T, "t", COMMIT), 0.0).tasks == [SettleTask(T, "t", COMMIT)]
    assert [trade.state for trade in agreement.open_trades(0.0)] == ["PREPARED", "COMMITTING"]
    assert sent(agreement.tick(1.3), Propose), "nobody elsewhere to ask"


def test_answers_vouch_for_what_was_persisted_and_requests_do_not() -> None:
    """What a call says of facts, its own or earlier ones, waits for them; what asks others leaves at once."""
    agreement = engine("n2", facts=[Outcome(T, "s", ABORT)])
    assert agreement.step("n3", AskFinished(T, "s"), 0.0).binding
    assert agreement.step("n3", Decided(T, "s", ABORT), 0.0).binding
    assert agreement.recover(T, PARTY, 0.0).binding, "it tells what a store here knows"
    again = agreement.tick(AgreementLimits().retry_s)
    assert sent(again, Decided) and again.binding, "and tells it again, while it may still be on its way to the disk"
    coordinator = engine("n1").open(1, ACCEPTORS, LEGS, 0.0)
    assert coordinator is not None and not coordinator[1].binding
    assert not recovering().tick(0.8).binding


def test_facts_survive_the_disk() -> None:
    """Each kind is read back as it was from its JSON, by its key; others' keys are left alone."""
    register = Register(T, Ballot(2, "n2", 1), Ballot(0, "n1", 1), COMMIT)
    closed = ClosedTrades("n1", 3, ((1, 4), (9, 9)))
    for key, fact in (
        (facts.prepared_key(T, "s"), Prepared(T, "s", PARTY)),
        (facts.finished_key(T, "s"), Outcome(T, "s", COMMIT)),
        (facts.register_key(T), register),
        (facts.closed_key(closed), closed),
    ):
        assert facts.read(key, msgspec.json.encode(fact)) == fact
    assert facts.read("peer/n2", b"{}") is None


def test_limits_that_contradict_each_other_are_refused() -> None:
    """A coordinator that gave up before its participants would tell no refusals."""
    with pytest.raises(AssertionError, match="last moment"):
        AgreementLimits(prepare_s=3.0)


def test_a_close_that_was_never_sent_is_not_taken() -> None:
    """Who says that it has taken more than was ever closed, or was owed nothing, changes nothing."""
    agreement = opened()
    agreement.step("n9", CloseTaken(1, 99), 0.1)
    assert [trade.state for trade in agreement.open_trades(0.1)] == ["PREPARING"]
