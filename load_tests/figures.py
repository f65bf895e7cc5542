"""From measured rounds to the figures that are printed."""

from collections.abc import Sequence
from statistics import median

import msgspec

from load_tests.generator import Measured

ROUND_S = 2.0
"""A round is about this long: short enough that a busy moment of the machine meets both sides of a comparison."""
WARM_UP_S = 1.0
GENERATOR_BUSY = 0.85
"""From this share of a core on, the generator and not the server may set the pace."""


class Latency(msgspec.Struct, frozen=True):
    """Milliseconds from sending a request to reading its answer, by share of the answers."""

    p50: float
    p90: float
    p99: float
    max: float


class Spread(msgspec.Struct, frozen=True):
    """One value a round, and the middle of them."""

    median: float
    min: float
    max: float
    rounds: list[float]


class Figures(msgspec.Struct, frozen=True):
    """What one server did in all its rounds."""

    answers: int
    seconds: float
    latency_ms: Latency
    in_flight: float
    """Requests in flight on the average."""
    server_cpu_us: float
    """CPU time of the server an answer, all its threads."""
    server_cpus: float
    """Cores that the server kept busy on the average."""
    generator_cpus: float
    limited_by_generator: bool


def warm_up_of(seconds: float) -> float:
    """How long to load a server before it is measured for a time."""
    return min(WARM_UP_S, seconds)


def rounds_of(seconds: float) -> list[float]:
    """Cut a time into rounds of equal length."""
    rounds = max(1, round(seconds / ROUND_S))
    return [seconds / rounds] * rounds


def spread(values: Sequence[float], digits: int) -> Spread:
    """Sum up one value a round, rounded to some digits behind the point."""
    rounded = [round(value, digits) for value in values]
    return Spread(round(median(rounded), digits), min(rounded), max(rounded), rounded)


def latency(times_s: Sequence[float]) -> Latency:
    """Sum up how long answers took, of which there is at least one."""
    in_order_s = sorted(times_s)
    return Latency(*(_quantile_ms(in_order_s, share) for share in (0.5, 0.9, 0.99, 1.0)))


def figures(rounds: Sequence[Measured]) -> Figures:
    """Sum up the rounds of one server, in which there was at least one answer."""
    latencies_s = [latency_s for measured in rounds for latency_s in measured.latencies_s]
    answers = len(latencies_s)
    seconds = sum(measured.seconds for measured in rounds)
    server_cpu_s = sum(measured.server_cpu_s for measured in rounds)
    generator_cpus = sum(measured.generator_cpu_s for measured in rounds) / seconds
    return Figures(
        answers=answers,
        seconds=round(seconds, 2),
        latency_ms=latency(latencies_s),
        in_flight=round(sum(latencies_s) / seconds, 1),
        server_cpu_us=round(server_cpu_s / answers * 1e6, 1),
        server_cpus=round(server_cpu_s / seconds, 2),
        generator_cpus=round(generator_cpus, 2),
        limited_by_generator=generator_cpus > GENERATOR_BUSY,
    )


def _quantile_ms(sorted_s: Sequence[float], share: float) -> float:
    return round(sorted_s[int(share * (len(sorted_s) - 1))] * 1000, 3)
