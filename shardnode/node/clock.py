"""The house's clock: wall time that never runs behind the journal and does not believe in sudden jumps ahead.

`now_ms` is the larger of the wall clock and the last journaled instant. Where the wall clock runs ahead of the
monotonic one by more than JUMP_MAX_S, the house does not follow: time goes on at the monotonic clock's pace, `held`
is true, timers rest, and an operator is told. It ends when the wall clock is back, or with a restart, by which an
operator accepts the new time.
"""

from collections.abc import Callable

JUMP_MAX_S = 5.0
"""How far the wall clock may run ahead of the monotonic one between two looks."""


class HouseClock:
    """Instants in milliseconds since the epoch. `wall_s` and `monotonic_s` are `time.time` and `time.monotonic`, or a
    simulation's.
    """

    def __init__(self, wall_s: Callable[[], float], monotonic_s: Callable[[], float], floor_ms: int) -> None:
        self._wall_s = wall_s
        self._monotonic_s = monotonic_s
        self._floor_ms = floor_ms
        self._anchor_wall_s = wall_s()
        self._anchor_monotonic_s = monotonic_s()
        self.held = False

    def now_ms(self) -> int:
        """The instant by which the house decides; never smaller than one told before."""
        wall_s = self._wall_s()
        monotonic_s = self._monotonic_s()
        expected_s = self._anchor_wall_s + (monotonic_s - self._anchor_monotonic_s)
        if wall_s - expected_s > JUMP_MAX_S:
            self.held = True
            wall_s = expected_s
        else:
            self.held = False
            if expected_s - wall_s <= JUMP_MAX_S:  # one set back further may be set right again, which is no jump
                self._anchor_wall_s = wall_s
                self._anchor_monotonic_s = monotonic_s
        now_ms = int(wall_s * 1000)
        if now_ms > self._floor_ms:
            self._floor_ms = now_ms
        return self._floor_ms
