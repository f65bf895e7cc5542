"""Rates: token buckets that tell the truth about how long to wait."""

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from auction.commands import (
    AdminMutation,
    Ask,
    EndListing,
    EndOffer,
    EventsSince,
    FreezeTrading,
    GetPlayer,
    InspectPlayer,
    ThawTrading,
)
from auction.rates import CLASSES, Bucket, spend
from auction.refusals import Refusal
from worlddata.types import Rate, RateClass

RATES = st.builds(Rate, st.integers(1, 100_000), st.integers(1, 1_000_000))
SMALL = st.builds(Rate, st.integers(1, 20), st.integers(1, 10))


def test_every_question_of_a_player_has_its_class() -> None:
    """But for what a client needs after a cut, and for what is no player's to ask."""
    without = {kind for kind in get_args(Ask) if kind not in CLASSES}
    admins = {kind for kind in without if issubclass(kind, AdminMutation)}
    assert without - admins == {GetPlayer, EventsSince, InspectPlayer, FreezeTrading, ThawTrading, EndListing, EndOffer}
    assert set(CLASSES.values()) == set(get_args(RateClass))


@given(rate=RATES, start_ms=st.integers(0, 2**40))
def test_a_burst_is_served_at_once_and_no_more(rate: Rate, start_ms: int) -> None:
    """A full bucket serves its burst at one instant; the next request is refused."""
    bucket = Bucket(rate.burst * 1_000, start_ms)
    few = min(rate.burst, 50)
    for _ in range(few):
        after = spend(bucket, rate, start_ms)
        assert isinstance(after, Bucket)
        bucket = after
    assert bucket.level == (rate.burst - few) * 1_000
    if few == rate.burst:
        assert isinstance(spend(bucket, rate, start_ms), Refusal)


@given(rate=RATES, level=st.integers(0, 999), start_ms=st.integers(0, 2**40))
def test_the_wait_that_is_told_is_honest(rate: Rate, level: int, start_ms: int) -> None:
    """Who waits so long is served, who waits a millisecond less is not."""
    bucket = Bucket(level, start_ms)
    refusal = spend(bucket, rate, start_ms)
    assert isinstance(refusal, Refusal) and refusal.reason == "rate_limited"
    wait_ms = refusal.data["retry_after_ms"]
    assert isinstance(wait_ms, int) and wait_ms >= 1
    assert isinstance(spend(bucket, rate, start_ms + wait_ms), Bucket)
    assert wait_ms == 1 or isinstance(spend(bucket, rate, start_ms + wait_ms - 1), Refusal)


@given(rate=SMALL, pauses=st.lists(st.integers(0, 400), max_size=60))
def test_no_more_is_served_than_the_rate_allows(rate: Rate, pauses: list[int]) -> None:
    """Over any stretch of time, however it is asked: a burst, and what comes in meanwhile."""
    bucket: Bucket | None = None
    now_ms, served = 0, list[int]()
    for pause_ms in pauses:
        now_ms += pause_ms
        after = spend(bucket, rate, now_ms)
        if isinstance(after, Bucket):
            bucket = after
            served.append(now_ms)
    for first, since_ms in enumerate(served):
        for count, until_ms in enumerate(served[first:], start=1):
            assert count <= rate.burst + (until_ms - since_ms) * rate.per_s / 1000


def test_a_rest_fills_the_bucket_and_not_more() -> None:
    """After a year the burst is what it was."""
    rate = Rate(10, 3)
    after = spend(Bucket(0, 0), rate, 365 * 86_400_000)
    assert after == Bucket(2_000, 365 * 86_400_000)
    assert spend(None, rate, 5) == Bucket(2_000, 5)
