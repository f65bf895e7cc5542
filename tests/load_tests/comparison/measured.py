"""Measurements whose ratios are known."""

from load_tests.comparison.kills import Kills
from load_tests.comparison.report import CROSS, ECHO, FRACTAL, IN_WORKERS, SAME, STANDARD, TPCB, Turns
from load_tests.comparison.searches import Searches
from load_tests.comparison.turns import Turn
from load_tests.figures import Latency, Spread


def turn(
    done: int, *, cpu_s: float = 1.0, p50_ms: float | None = 2.0, generator_busy: float = 0.2, others: float = 0.0
) -> Turn:
    """A turn of two seconds."""
    latency_ms = None if p50_ms is None else Latency(p50_ms, p50_ms * 2, p50_ms * 3, p50_ms * 4)
    return Turn(
        done=done,
        seconds=2.0,
        cpu_s={"node": cpu_s},
        latency_ms=latency_ms,
        generator_busy=generator_busy,
        others_cpus=others,
    )


TURNS: Turns = {
    FRACTAL: [turn(20_000), turn(16_000), turn(24_000)],
    STANDARD: [turn(2_000, cpu_s=2.0), turn(1_000, cpu_s=1.0), turn(2_000, cpu_s=1.5)],
    IN_WORKERS: [turn(1_000, cpu_s=2.0), turn(1_000, cpu_s=2.0), turn(1_000, cpu_s=2.0)],
    TPCB: [turn(16_000, p50_ms=None), turn(10_000, p50_ms=None), turn(12_000, p50_ms=None)],
    ECHO: [turn(50_000), turn(40_000), turn(40_000)],
    SAME: [turn(10_000), turn(10_000), turn(10_000)],
    CROSS: [turn(3_000, p50_ms=12.0), turn(3_600, p50_ms=8.0), turn(4_000, p50_ms=10.0)],
}
"""Three rounds of all sides."""

SEARCHES = Searches(
    listings=1_000_000,
    mean=Spread(15.0, 12.0, 33.0, [12.0, 15.0, 33.0]),
    p99=Spread(36.0, 23.0, 93.0, [23.0, 36.0, 93.0]),
    by_hand_mean=Spread(7.0, 5.8, 7.7, [5.8, 7.0, 7.7]),
    pages_compared=345,
)

KILLS = Kills(
    first_answer_s=[0.9, 1.1, 1.0],
    everybody_answered_s=[1.9, 2.1, 2.4],
    journaled=[1_000, 2_000, 3_000],
    acknowledged=2_900,
    lost=0,
    balanced=True,
)
