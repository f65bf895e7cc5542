"""The acceptor against a naive one, and against its table."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardnode.agreement.acceptor import Acceptor
from shardnode.agreement.closed import ClosedSets
from shardnode.agreement.effects import Effects
from shardnode.agreement.messages import (
    ABORT,
    Accept,
    Accepted,
    Ballot,
    Close,
    Closed,
    Nack,
    Promise,
    Propose,
    Register,
    TradeId,
    Value,
)
from shardnode.agreement.tables import REGISTER, RegisterInput, RegisterState

TRADE = TradeId(1, "n1", 1, 1)
BALLOTS = st.builds(Ballot, st.integers(0, 4), st.sampled_from(["n1", "n2"]), st.integers(1, 2))


def value_of(ballot: Ballot) -> Value:
    """Each ballot has one value."""
    return Value(True, str(ballot).encode())


class NaiveAcceptor:
    """Remembers every promise and every acceptance, and looks through all of them."""

    def __init__(self) -> None:
        self.promised: list[Ballot] = []
        self.accepted: list[Ballot] = []

    def propose(self, ballot: Ballot) -> Promise | Nack:
        """Lamport's phase 1b."""
        if any(ballot <= other for other in self.promised):
            return Nack(TRADE, ballot, max(self.promised))
        self.promised.append(ballot)
        last = max(self.accepted, default=None)
        return Promise(TRADE, ballot, last, None if last is None else value_of(last))

    def accept(self, ballot: Ballot) -> Accepted | Nack:
        """Lamport's phase 2b."""
        if any(ballot < other for other in self.promised):
            return Nack(TRADE, ballot, max(self.promised))
        self.promised.append(ballot)
        self.accepted.append(ballot)
        return Accepted(TRADE, ballot)


@given(st.lists(st.tuples(st.booleans(), BALLOTS, st.booleans()), max_size=25))
def test_an_acceptor_answers_as_a_naive_one(steps: list[tuple[bool, Ballot, bool]]) -> None:
    """Whatever comes in any order, across restarts too, the answers are those of one that remembers everything."""
    naive, acceptor, fact = NaiveAcceptor(), Acceptor(ClosedSets(), 1), None
    for propose, ballot, restart in steps:
        effects = Effects()
        if propose:
            acceptor.propose("n2", Propose(TRADE, ballot), 0.0, effects)
            expected: Any = naive.propose(ballot)
        else:
            acceptor.accept("n2", Accept(TRADE, ballot, value_of(ballot)), 0.0, effects)
            expected = naive.accept(ballot)
        assert effects.send == [("n2", expected)] and effects.binding
        fact = effects.persist.get(f"register/{TRADE}", fact)
        if restart:
            acceptor = Acceptor(ClosedSets(), 1)
            if isinstance(fact, Register):
                acceptor.restore(fact, 0.0)


@given(st.lists(st.tuples(st.booleans(), BALLOTS), max_size=25))
def test_an_acceptor_moves_as_its_table_says(steps: list[tuple[bool, Ballot]]) -> None:
    """The state that a register shows after each message is the one that its table leads to."""
    acceptor, state = Acceptor(ClosedSets(), 1), RegisterState.BLANK
    for propose, ballot in steps:
        effects = Effects()
        if propose:
            acceptor.propose("n2", Propose(TRADE, ballot), 0.0, effects)
        else:
            acceptor.accept("n2", Accept(TRADE, ballot, value_of(ballot)), 0.0, effects)
        kinds = {Promise: RegisterInput.PROPOSE, Accepted: RegisterInput.ACCEPT, Nack: RegisterInput.LATE}
        state = REGISTER[state, kinds[type(effects.send[0][1])]]
        assert [trade.state for trade in acceptor.open_trades(0.0)] == [state.name]


def test_a_promise_is_persisted_before_it_is_given() -> None:
    """PROMISE and ACCEPTED go with the register that they vouch for."""
    acceptor, ballot = Acceptor(ClosedSets(), 1), Ballot(1, "n2", 1)
    effects = Effects()
    acceptor.propose("n2", Propose(TRADE, ballot), 0.0, effects)
    assert effects.persist == {f"register/{TRADE}": Register(TRADE, ballot, None, None)} and effects.binding
    effects = Effects()
    acceptor.accept("n2", Accept(TRADE, ballot, ABORT), 0.0, effects)
    assert effects.persist == {f"register/{TRADE}": Register(TRADE, ballot, ballot, ABORT)} and effects.binding


def test_two_values_at_one_ballot_stop_the_node() -> None:
    """Somebody used a ballot twice: nothing that is decided from here on could be trusted."""
    acceptor, ballot = Acceptor(ClosedSets(), 1), Ballot(1, "n2", 1)
    acceptor.accept("n2", Accept(TRADE, ballot, ABORT), 0.0, Effects())
    with pytest.raises(AssertionError, match="two values at one ballot"):
        acceptor.accept("n2", Accept(TRADE, ballot, Value(True, b"x")), 0.0, Effects())


def test_a_replaced_acceptor_is_silent_about_older_trades() -> None:
    """A member of epoch 2 says nothing to a trade of epoch 1, in either phase."""
    acceptor, effects = Acceptor(ClosedSets(), 2), Effects()
    acceptor.propose("n2", Propose(TRADE, Ballot(1, "n2", 1)), 0.0, effects)
    acceptor.accept("n2", Accept(TRADE, Ballot(1, "n2", 1), ABORT), 0.0, effects)
    assert not effects.send and not effects.persist


def test_a_closed_trade_has_no_register_again() -> None:
    """The register goes with the Close, and whoever asks then hears CLOSED in either phase."""
    closed = ClosedSets()
    acceptor, effects = Acceptor(closed, 1), Effects()
    acceptor.accept("n1", Accept(TRADE, Ballot(0, "n1", 1), ABORT), 0.0, Effects())
    close = Close("n1", 1, 1, 2, ())
    closed.take(close)
    acceptor.close(close, effects)
    assert effects.persist == {f"register/{TRADE}": None}
    effects = Effects()
    acceptor.propose("n2", Propose(TRADE, Ballot(1, "n2", 1)), 0.0, effects)
    acceptor.accept("n2", Accept(TRADE, Ballot(1, "n2", 1), ABORT), 0.0, effects)
    assert effects.send == [("n2", Closed(TRADE))] * 2
    assert not effects.persist
