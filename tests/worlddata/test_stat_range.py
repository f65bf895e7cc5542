"""The range of a stat at an item level."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worlddata.types import MAX_LEVEL, Base, Range, Stat, stat_range

levels = st.integers(1, MAX_LEVEL)
ranges = st.tuples(st.integers(1, 1_000_000), st.integers(1, 1_000_000)).map(lambda ends: Range(*sorted(ends)))


def edge(at_level_1: Range, at_level_100: Range) -> Stat:
    """Return a stat with these ends."""
    return Stat(stat="edge", name="Edge", unit="points", at_level_1=at_level_1, at_level_100=at_level_100)


def knife(percent: int) -> Base:
    """Return a base that carries this share of the stat."""
    return Base(
        base="knife",
        name="Knife",
        category="knives",
        min_level=1,
        max_level=MAX_LEVEL,
        stat_percents={"edge": percent},
        stats={},
        worth=1,
    )


def test_the_line_runs_through_both_ends() -> None:
    """At levels 1 and 100 the range is what the source says; in between it lies on the line, halves rounded up."""
    stat = edge(Range(min=1, max=3), Range(min=100, max=201))
    assert stat_range(knife(100), stat, 1) == Range(min=1, max=3)
    assert stat_range(knife(100), stat, 100) == Range(min=100, max=201)
    assert stat_range(knife(100), stat, 50) == Range(min=50, max=101)
    assert stat_range(knife(50), stat, 50) == Range(min=25, max=51)


def test_a_carried_stat_is_at_least_1() -> None:
    """A small share of a small stat does not round to nothing."""
    assert stat_range(knife(10), edge(Range(min=1, max=2), Range(min=1, max=2)), 7) == Range(min=1, max=1)


def test_a_stat_that_is_not_carried_is_refused() -> None:
    """A base has no range for a stat that it does not carry."""
    stat = Stat(stat="shine", name="Shine", unit="percent", at_level_1=Range(1, 1), at_level_100=Range(2, 2))
    with pytest.raises(KeyError, match="shine"):
        stat_range(knife(100), stat, 1)


@given(at_level_1=ranges, at_level_100=ranges, level=levels, percent=st.integers(1, 1_000))
def test_the_range_is_the_nearest_to_the_line(at_level_1: Range, at_level_100: Range, level: int, percent: int) -> None:
    """Both ends are within half a point of the exact line, or 1, and stay in order."""
    ends = stat_range(knife(percent), edge(at_level_1, at_level_100), level)
    share = Fraction(level - 1, MAX_LEVEL - 1)
    for end, first, last in (
        (ends.min, at_level_1.min, at_level_100.min),
        (ends.max, at_level_1.max, at_level_100.max),
    ):
        exact = (first + (last - first) * share) * percent / 100
        assert end == 1 or abs(end - exact) <= Fraction(1, 2)
        assert end >= 1
    assert ends.min <= ends.max
