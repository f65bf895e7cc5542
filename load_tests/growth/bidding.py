"""Rounds of bids at one size of an axis, what must hold after them, and their curves."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from load_tests.duels import settle
from load_tests.figures import latency, rounds_of, spread, warm_up_of
from load_tests.generator import drive
from load_tests.growth.market import Market
from load_tests.growth.record import Curve, Fit, Panel
from load_tests.house import audit

SETTLE_ROUNDS_MAX = 200
"""How often everybody is asked something until all that they are to be told has come."""


class Lost(Exception):
    """The house lost something under load: a failed run, whatever its speed."""


class Bidding(msgspec.Struct, frozen=True):
    """One value a round."""

    per_s: list[float]
    p50_ms: list[float]
    p99_ms: list[float]
    max_ms: list[float]
    cpu_us: list[float]
    """CPU time of all server processes a bid."""
    server_cpus: list[float]
    generator_cpus: list[float]


class Side(msgspec.Struct, frozen=True):
    """A market, and how to read the CPU seconds that its servers used so far."""

    market: Market
    server_cpu_s: Callable[[], float]


def measure_bids(sides: Sequence[Side], seconds: float) -> list[Bidding]:
    """Let markets bid in turns, each for `seconds` after a warm-up; one figure a market.

    In the end nobody may have lost a lead without being told. Raises Lost.
    """
    biddings = [Bidding([], [], [], [], [], [], []) for _ in sides]
    for side in sides:
        drive(side.market.lines, warm_up_of(seconds))
    for round_s in rounds_of(seconds):
        for side, bidding in zip(sides, biddings, strict=True):
            _round(side, round_s, bidding)
    for side in sides:
        _settle(side.market)
    return biddings


def audited(*data: Path) -> None:
    """The stopped house must balance. Raises Lost."""
    if not audit(*data):
        raise Lost(f"the audit finds the house out of balance; look with `auction audit` at a run with --dir: {data}")


def panels(varied: str, sizes: Sequence[float], biddings: Sequence[Bidding], fit: Fit = "power") -> list[Panel]:
    """Throughput, latency, CPU a bid, and who was how busy."""

    def curve(name: str, digits: int, rounds: Callable[[Bidding], list[float]]) -> Curve:
        return Curve(name, [spread(rounds(bidding), digits) for bidding in biddings])

    latencies = [
        curve("p50", 2, lambda each: each.p50_ms),
        curve("p99", 2, lambda each: each.p99_ms),
        curve("longest", 1, lambda each: each.max_ms),
    ]
    busy = [curve("nodes", 2, lambda each: each.server_cpus), curve("generator", 2, lambda each: each.generator_cpus)]
    measured = [
        ("bids", "a second", [curve("bids", 0, lambda each: each.per_s)]),
        ("latency of a bid", "ms", latencies),
        ("CPU time a bid, all nodes", "µs", [curve("CPU a bid", 0, lambda each: each.cpu_us)]),
        ("cores kept busy", "cores", busy),
    ]
    return [Panel(title, unit, varied, list(sizes), curves, fit) for title, unit, curves in measured]


def _round(side: Side, seconds: float, bidding: Bidding) -> None:
    before = side.market.leads()
    measured = drive(side.market.lines, seconds, side.server_cpu_s)
    leads = side.market.leads() - before
    times = latency(measured.latencies_s)
    bidding.per_s.append(leads / measured.seconds)
    bidding.p50_ms.append(times.p50)
    bidding.p99_ms.append(times.p99)
    bidding.max_ms.append(times.max)
    bidding.cpu_us.append(measured.server_cpu_s / leads * 1e6)
    bidding.server_cpus.append(measured.server_cpu_s / measured.seconds)
    bidding.generator_cpus.append(measured.generator_cpu_s / measured.seconds)


def _settle(market: Market) -> None:
    for _ in range(SETTLE_ROUNDS_MAX):
        settle(market.lines)
        if not market.untold():
            return
    raise Lost(f"{market.untold()} leads were lost and nobody was told of them")
