"""The rate of one connection: what is let through, and whether what a client is told to wait is true."""

from hypothesis import given
from hypothesis import strategies as st

from shardnode.gateway.rate import RequestRate


def test_a_burst_is_let_through_and_no_more() -> None:
    """A rested connection may send its whole burst in one instant."""
    rate = RequestRate(per_s=10, burst=5, debt_max=100, now=0.0)
    assert [rate.take(0.0) > 0 for _ in range(7)] == [False] * 5 + [True] * 2


def test_a_steady_sender_is_never_told_to_wait() -> None:
    """At the rate itself, for as long as it likes."""
    rate = RequestRate(per_s=8, burst=1, debt_max=100, now=0.0)
    assert all(rate.take(tick / 8) == 0 for tick in range(1_000))


def test_rest_does_not_add_up_beyond_a_burst() -> None:
    """An hour's silence earns one burst."""
    rate = RequestRate(per_s=10, burst=5, debt_max=100, now=0.0)
    assert [rate.take(3_600.0) > 0 for _ in range(6)] == [False] * 5 + [True]


def test_debt_beyond_its_bound_is_flooding() -> None:
    """A client that was refused debt_max times and still did not rest is flooding; one that rests is not."""
    rate = RequestRate(per_s=10, burst=5, debt_max=3, now=0.0)
    for _ in range(8):
        rate.take(0.0)
    assert not rate.flooding
    rate.take(0.0)
    assert rate.flooding
    rate.take(1.0)
    assert not rate.flooding


@given(
    st.integers(1, 5_000),
    st.integers(1, 5_000),
    st.lists(st.floats(0, 2), min_size=1, max_size=200),
)
def test_what_a_client_is_told_to_wait_is_true(per_s: int, burst: int, pauses_s: list[float]) -> None:
    """Whatever came before, a client that waits as long as it was told is served."""
    rate = RequestRate(per_s, burst, 10**9, now=0.0)
    now_s = 0.0
    for pause_s in pauses_s:
        now_s += pause_s / per_s
        wait_ms = rate.take(now_s)
        if wait_ms:
            assert rate.take(now_s + wait_ms / 1000 + 1e-6) == 0
            now_s += wait_ms / 1000 + 1e-6


@given(st.integers(1, 100), st.integers(1, 100), st.lists(st.floats(0, 1), max_size=300))
def test_no_window_lets_more_through_than_rate_and_burst(per_s: int, burst: int, pauses_s: list[float]) -> None:
    """From any instant on, at most burst plus rate times time is served."""
    rate = RequestRate(per_s, burst, 10**9, now=0.0)
    now_s, served = 0.0, 0
    for pause_s in pauses_s:
        now_s += pause_s / per_s
        served += rate.take(now_s) == 0
        assert served <= burst + per_s * now_s + 1e-6
