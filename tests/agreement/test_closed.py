"""Sets of closed trades."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shardnode.agreement.closed import ClosedSets, Intervals
from shardnode.agreement.messages import Close, ClosedTrades, TradeId

NUMBERS = st.integers(1, 40)
SPANS = st.lists(st.tuples(NUMBERS, NUMBERS).map(lambda pair: (min(pair), max(pair))), max_size=12)


@given(SPANS)
def test_intervals_are_a_set(spans: list[tuple[int, int]]) -> None:
    """After any additions the intervals hold what a set of the same numbers holds, and `add` says whether it grew."""
    intervals, naive = Intervals(), set[int]()
    for low, high in spans:
        more = set(range(low, high + 1)) - naive
        assert intervals.add(low, high) == bool(more)
        naive |= more
        assert {number for number in range(42) if number in intervals} == naive


@given(SPANS)
def test_intervals_are_disjoint_in_order_and_do_not_touch(spans: list[tuple[int, int]]) -> None:
    """Between two intervals at least one number is missing, so that there are as few of them as there can be."""
    intervals = Intervals(tuple(spans)).as_tuple()
    assert all(low <= high for low, high in intervals)
    assert all(before[1] + 1 < after[0] for before, after in pairwise(intervals))
    assert Intervals(intervals).as_tuple() == intervals


def test_a_close_closes_what_it_says_and_nothing_else() -> None:
    """`below` is not closed itself, other incarnations and nodes are not touched, and a repetition is nothing new."""
    closed = ClosedSets()
    close = Close("n1", 2, 1, 4, ((6, 7),))
    assert closed.take(close) == ClosedTrades("n1", 2, ((1, 3), (6, 7)))
    assert [seq for seq in range(1, 10) if closed.has(TradeId(1, "n1", 2, seq))] == [1, 2, 3, 6, 7]
    assert not closed.has(TradeId(1, "n1", 1, 1))
    assert not closed.has(TradeId(1, "n2", 2, 1))
    assert closed.take(close) is None
    assert closed.take(Close("n1", 2, 0, 1, ())) is None


def test_an_older_close_takes_nothing_back() -> None:
    """Messages that overtake each other add up to the same set."""
    closed = ClosedSets()
    closed.take(Close("n1", 1, 2, 9, ()))
    assert closed.take(Close("n1", 1, 1, 3, ((5, 5),))) is None
    assert closed.has(TradeId(1, "n1", 1, 8))
