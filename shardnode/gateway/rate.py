"""How fast one connection may send: a token bucket that goes into debt."""

import math


class RequestRate:
    """`per_s` requests for long, `burst` at once after a rest.

    A request that comes too early is refused and still counted, so a client that does not slow down gets ever deeper
    into debt; with more than `debt_max` it is `flooding`. One that waits as long as it was told is served. Seconds are
    monotonic.
    """

    __slots__ = ("_at", "_burst", "_debt_max", "_per_s", "_tokens")

    def __init__(self, per_s: int, burst: int, debt_max: int, now: float) -> None:
        self._per_s = per_s
        self._burst = float(burst)
        self._debt_max = debt_max
        self._tokens = float(burst)
        self._at = now

    def take(self, now: float) -> int:
        """Count one request; 0 means it may go on, else it is how many milliseconds to wait before the next one."""
        tokens = self._tokens + (now - self._at) * self._per_s
        if tokens > self._burst:
            tokens = self._burst
        tokens -= 1.0
        self._tokens = tokens
        self._at = now
        return 0 if tokens >= 0.0 else math.ceil((1.0 - tokens) / self._per_s * 1000)

    @property
    def flooding(self) -> bool:
        """Whether the client went on sending, over and over, after it was told to wait."""
        return self._tokens < -self._debt_max
