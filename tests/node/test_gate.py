"""The gate lets nothing out early, and everything out in order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardnode.node.gate import Gate


def make_gate(durable: int = 0) -> Gate:
    """A gate whose clock stands still."""
    return Gate(durable, lambda: 0.0, lambda _: None)


def test_what_depends_on_durable_records_leaves_at_once() -> None:
    """Nothing waits for what is safe already."""
    left: list[str] = []
    make_gate(durable=7).when(7, left.append, "answer")
    assert left == ["answer"]


def test_what_depends_on_later_records_waits_for_them() -> None:
    """An answer stays inside until its record is durable."""
    gate = make_gate()
    left: list[str] = []
    gate.when(2, left.append, "answer")
    gate.open(1)
    assert left == []
    gate.open(2)
    assert left == ["answer"]


def test_the_longest_wait_of_an_opening_is_measured() -> None:
    """An operator sees how long answers waited."""
    now = [10.0]
    waits: list[float] = []
    gate = Gate(0, lambda: now[0], waits.append)
    gate.when(1, lambda: None)
    now[0] = 10.5
    gate.open(1)
    assert waits == [0.5]


def test_the_journal_never_goes_back() -> None:
    """An opening for an earlier position than before is our own bug."""
    gate = make_gate(durable=5)
    with pytest.raises(AssertionError):
        gate.open(4)


@given(st.lists(st.one_of(st.integers(0, 5), st.none()), max_size=60))
def test_order_is_kept_and_nothing_is_early(steps: list[int | None]) -> None:
    """Whatever waits for whatever, things leave in the order in which they came, each after its record."""
    gate = make_gate()
    made, left, expected = 0, [], []
    for step in steps:
        if step is None:
            gate.open(made)
        else:
            made += step
            expected.append(made)
            gate.when(made, lambda position: left.append((position, gate.durable)), made)
    gate.open(made)
    assert [position for position, _ in left] == expected
    assert all(position <= durable for position, durable in left)
