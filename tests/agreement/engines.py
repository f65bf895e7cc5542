"""Engines for tests of one machine at a time."""

from collections.abc import Iterable
from typing import TypeVar

from shardnode.agreement.effects import Effects
from shardnode.agreement.engine import Agreement
from shardnode.agreement.limits import AgreementLimits
from shardnode.agreement.messages import Fact, Message

M = TypeVar("M", bound=Message)


def engine(
    node: str,
    *,
    incarnation: int = 1,
    facts: Iterable[Fact] = (),
    limits: AgreementLimits | None = None,
    since_epoch: int = 1,
) -> Agreement:
    """A node's engine at second 0, whose chance is always a half."""
    return Agreement(node, incarnation, facts, limits or AgreementLimits(), lambda: 0.5, 0.0, since_epoch)


def state_of(agreement: Agreement, role: str) -> str | None:
    """The state of the only open trade that an engine has in a role."""
    states = [trade.state for trade in agreement.open_trades(0.0) if trade.role == role]
    assert len(states) <= 1, states
    return states[0] if states else None


def sent(effects: Effects, kind: type[M]) -> list[tuple[str, M]]:
    """The messages of one kind, with their receivers."""
    return [(node, message) for node, message in effects.send if isinstance(message, kind)]
