"""The house's clock against wall clocks that misbehave."""

from hypothesis import given
from hypothesis import strategies as st

from shardnode.node.clock import JUMP_MAX_S, HouseClock


class Clocks:
    """A wall clock and a monotonic one, set by hand."""

    def __init__(self) -> None:
        self.wall_s = 1_000.0
        self.monotonic_s = 50.0

    def pass_time(self, seconds: float) -> None:
        """Both go on."""
        self.wall_s += seconds
        self.monotonic_s += seconds

    def house(self, floor_ms: int = 0) -> HouseClock:
        """A house clock on these."""
        return HouseClock(lambda: self.wall_s, lambda: self.monotonic_s, floor_ms)


def test_time_is_never_earlier_than_what_the_journal_knows() -> None:
    """A wall clock set back before a restart does not take the house back in time."""
    clock = Clocks().house(floor_ms=5_000_000)
    assert clock.now_ms() == 5_000_000


def test_time_follows_the_wall_clock() -> None:
    """While both clocks agree, the house tells the wall clock's time."""
    clocks = Clocks()
    clock = clocks.house()
    clocks.pass_time(3_600)
    assert clock.now_ms() == 4_600_000
    assert not clock.held


def test_a_jump_ahead_is_not_followed() -> None:
    """After a jump of more than the bound time goes on at the monotonic pace, and timers are held."""
    clocks = Clocks()
    clock = clocks.house()
    clocks.wall_s += JUMP_MAX_S + 0.5
    assert clock.now_ms() == 1_000_000
    assert clock.held
    clocks.pass_time(2)
    assert clock.now_ms() == 1_002_000
    assert clock.held


def test_a_clock_that_was_set_back_and_right_again_has_not_jumped() -> None:
    """The house's time never went beyond what it had been, so timers need not wait for an operator."""
    clocks = Clocks()
    clock = clocks.house()
    assert clock.now_ms() == 1_000_000
    clocks.wall_s -= 600
    assert clock.now_ms() == 1_000_000
    clocks.pass_time(10)
    clock.now_ms()
    clocks.wall_s += 600
    assert clock.now_ms() == 1_010_000
    assert not clock.held


def test_a_jump_that_was_undone_is_forgotten() -> None:
    """When the wall clock is right again the house follows it again and timers run."""
    clocks = Clocks()
    clock = clocks.house()
    clocks.wall_s += 3_600
    clock.now_ms()
    clocks.wall_s -= 3_600
    clocks.pass_time(1)
    assert clock.now_ms() == 1_001_000
    assert not clock.held


def test_a_small_step_is_followed() -> None:
    """A step within the bound, as time services make them, is taken as it is."""
    clocks = Clocks()
    clock = clocks.house()
    clocks.wall_s += JUMP_MAX_S - 0.5
    assert clock.now_ms() == 1_004_500
    assert not clock.held


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0, 1e4)), max_size=30))
def test_time_never_goes_back(steps: list[tuple[float, float]]) -> None:
    """Whatever the wall clock does, no instant is smaller than one told before."""
    clocks = Clocks()
    clock = clocks.house()
    told = [clock.now_ms()]
    for jump_s, passed_s in steps:
        clocks.wall_s += jump_s
        clocks.pass_time(passed_s)
        told.append(clock.now_ms())
    assert told == sorted(told)
