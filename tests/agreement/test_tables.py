"""What cannot happen stops the node, and changes nothing."""

from itertools import product
from typing import Any

import pytest

from shardnode.agreement.errors import DurabilityViolated, IllegalInput
from shardnode.agreement.messages import Decided, Outcome, Participant, Party, Prepare, Prepared, TradeId, Value
from shardnode.agreement.tables import (
    LEG,
    RECOVERY,
    REGISTER,
    TRADE,
    LegInput,
    LegState,
    RecoveryInput,
    RecoveryState,
    RegisterInput,
    RegisterState,
    TradeInput,
    TradeState,
)
from tests.agreement.engines import engine, state_of

T = TradeId(1, "n1", 1, 1)
PARTY = Party((Participant("s", "n2"), Participant("t", "n3")), ("n1", "n2", "n3"))


def test_a_pair_that_is_in_no_table_names_state_and_input() -> None:
    """Every pair of state and input leads somewhere or raises an error that names both."""
    table: Any
    for table, states, inputs in (
        (LEG, LegState, LegInput),
        (TRADE, TradeState, TradeInput),
        (RECOVERY, RecoveryState, RecoveryInput),
        (REGISTER, RegisterState, RegisterInput),
    ):
        illegal = [pair for pair in product(states, inputs) if pair not in table]
        assert illegal
        for state, event in illegal:
            with pytest.raises(IllegalInput, match=f"{event.name} cannot happen in state {state.name}"):
                table[state, event]


def test_every_state_can_be_reached_and_left() -> None:
    """No state is without a way to the last one, and none but the first is without a way to it."""
    for table, states in ((LEG, LegState), (TRADE, TradeState), (RECOVERY, RecoveryState), (REGISTER, RegisterState)):
        names = list(states)
        reached, leading = {names[0]}, {names[-1]}
        for _ in names:
            reached |= {after for (state, _), after in table.items() if state in reached}
            leading |= {state for (state, _), after in table.items() if after in leading}
        assert reached == leading == set(names)


def test_answers_that_nobody_asked_for_change_nothing() -> None:
    """`voted` twice, `settled` for what is not settling: an error, and the state is the one before."""
    agreement = engine("n2")
    agreement.step("n1", Prepare(T, PARTY, "s", b"", 2.0), 0.0)
    agreement.voted(T, "s", True, b"", 0.0)
    for illegal in (
        lambda: agreement.voted(T, "s", True, b"", 0.0),
        lambda: agreement.voted(T, "s", False, b"", 0.0),
        lambda: agreement.voted(T, "elsewhere", True, b"", 0.0),
        lambda: agreement.settled(T, "s", 0.0),
        lambda: agreement.settled(T, "elsewhere", 0.0),
    ):
        with pytest.raises(IllegalInput):
            illegal()
        assert state_of(agreement, "participant") == "PREPARED"


def test_a_commit_without_a_yes_is_durability_lost() -> None:
    """COMMIT for a store that knows nothing of the trade, or is still asked, names the store and changes nothing."""
    agreement = engine("n2")
    commit = Decided(T, "s", Value(True, b"x"))
    with pytest.raises(DurabilityViolated, match="store s ") as lost:
        agreement.step("n1", commit, 0.0)
    assert (lost.value.trade, lost.value.store) == (T, "s")
    assert agreement.open_trades(0.0) == []
    agreement.step("n1", Prepare(T, PARTY, "s", b"", 2.0), 0.0)
    with pytest.raises(DurabilityViolated):
        agreement.step("n1", commit, 0.0)
    assert state_of(agreement, "participant") == "CHECKING"


def test_two_outcomes_of_one_trade_stop_the_node() -> None:
    """An outcome other than the one a store has, while it settles or after, cannot be."""
    after_abort = engine("n2", facts=(Outcome(T, "s", Value(False)),))
    with pytest.raises(IllegalInput):
        after_abort.step("n1", Decided(T, "s", Value(True, b"x")), 0.0)
    settling = engine("n2", facts=(Prepared(T, "s", PARTY),))
    settling.step("n1", Decided(T, "s", Value(True, b"x")), 0.0)
    with pytest.raises(AssertionError, match="two outcomes"):
        settling.step("n1", Decided(T, "s", Value(True, b"y")), 0.0)
    with pytest.raises(IllegalInput):
        settling.step("n1", Decided(T, "s", Value(False)), 0.0)
    assert state_of(settling, "participant") == "COMMITTING"
