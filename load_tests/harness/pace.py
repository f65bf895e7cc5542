"""When requests are meant to start.

Open loop: each player's arrivals are a Poisson process of its own, and those of all players together then are one of
the whole rate. While the rate rises evenly from nothing, in the ramp, the process is that of a rising rate, by
inversion: a Poisson process of rate 1, read on the clock of the requests that are expected by then (Çinlar,
"Introduction to Stochastic Processes", 1975, ch. 4.7).
"""

from collections.abc import Iterator
from math import sqrt
from random import Random

from load_tests.scenario import Closed, Open


def arrivals_s(pace: Open, players: int, random: Random) -> Iterator[float]:
    """One player's, in seconds from the beginning of the load, without end."""
    per_s = pace.arrivals_per_s / players
    in_ramp = per_s * pace.ramp_s / 2
    expected = 0.0
    while True:
        expected += random.expovariate(1.0)
        if expected < in_ramp:
            yield sqrt(2 * pace.ramp_s * expected / per_s)
        else:
            yield expected / per_s + pace.ramp_s / 2


def think_s(pace: Closed, random: Random) -> float:
    """How long a player thinks before its next request."""
    return random.expovariate(1 / pace.think_s) if pace.think_s else 0.0
