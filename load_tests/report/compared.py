"""Runs of the same load, checked to be comparable, and their figures with ratios to the first of them."""

from collections.abc import Callable, Sequence
from math import isfinite, nan
from pathlib import Path

import msgspec

from load_tests.report import words
from load_tests.report.quantities import NOTHING, digits, duration, megabytes, share
from load_tests.results import RunResult, read

RUNS_MAX = 6
"""As many as there are colours that colour-blind people tell apart."""
SAME: dict[str, Callable[[RunResult], object]] = {
    "the scenario": lambda run: run.scenario,
    "the loop": lambda run: run.loop,
    "the offered requests a second": lambda run: run.offered_per_s,
    "the players": lambda run: run.players,
    "their thinking time": lambda run: run.think_s,
}
"""The load: where one of these differs, other figures differ for that reason alone."""
TOLD: dict[str, Callable[[RunResult], object]] = {
    "target": words.target,
    "seed": lambda run: run.seed,
    "commit": lambda run: run.commit or "not known",
    "measured seconds": lambda run: digits(run.seconds),
    "processor": lambda run: words.machine(run.machine),
    "Python": lambda run: run.machine.python,
    "system": lambda run: run.machine.system,
    "fsync, ms": lambda run: NOTHING if run.machine.fsync_ms is None else digits(run.machine.fsync_ms),
}
"""What may differ, and is said."""


class ComparisonFault(Exception):
    """These runs cannot be compared; the text says why and what to do."""


class Figure(msgspec.Struct, frozen=True):
    """One thing that was measured in every run."""

    name: str
    texts: list[str]
    ratios: list[float]
    """Of each run's value to the first run's; not a number where either has none."""


class Compared(msgspec.Struct, frozen=True):
    """Comparable runs under names that tell them apart."""

    runs: dict[str, RunResult]
    figures: list[Figure]
    differences: dict[str, list[str]]
    """What was not the same: of each, how it was in each run."""
    cautions: list[str]
    """What to bear in mind before quoting a ratio."""


def read_runs(paths: Sequence[Path]) -> Compared:
    """Runs out of their files. Raises ComparisonFault, and ResultsFault for a file that is no record of a run."""
    if not 2 <= len(paths) <= RUNS_MAX:
        raise ComparisonFault(f"{len(paths)} runs were named: name 2 to {RUNS_MAX} files that `run` has written")
    if len({path.resolve() for path in paths}) < len(paths):
        raise ComparisonFault("the same file was named twice: name another run to compare with")
    stems = [path.stem for path in paths]
    names = stems if len(set(stems)) == len(stems) else [str(path) for path in paths]
    return compared(dict(zip(names, (read(path) for path in paths), strict=True)))


def compared(runs: dict[str, RunResult]) -> Compared:
    """Figures of runs whose load was the same. Raises ComparisonFault where it was not."""
    other = [
        f"{what} ({', '.join(f'{name}: {value(run)}' for name, run in runs.items())})"
        for what, value in SAME.items()
        if len({value(run) for run in runs.values()}) > 1
    ]
    if other:
        told = "; ".join(other)
        raise ComparisonFault(
            f"these runs were given different loads: {told}. Compare runs in which these are the same"
        )
    ordered = list(runs.values())
    told_of = {what: [str(value(run)) for run in ordered] for what, value in TOLD.items()}
    return Compared(
        runs=runs,
        figures=_figures(ordered),
        differences={what: values for what, values in told_of.items() if len(set(values)) > 1},
        cautions=_cautions(runs),
    )


def _figures(runs: Sequence[RunResult]) -> list[Figure]:
    def figure(name: str, value: Callable[[RunResult], float], text: Callable[[float], str]) -> Figure:
        values = [value(run) for run in runs]
        texts = [text(each) if isfinite(each) else NOTHING for each in values]
        return Figure(name, texts, [each / values[0] if values[0] else nan for each in values])

    return [
        figure("answers a second", lambda run: run.per_s, digits),
        figure("latency, half", lambda run: run.latency_us.p50 or nan, duration),
        figure("latency, 90%", lambda run: run.latency_us.p90 or nan, duration),
        figure("latency, 99%", lambda run: run.latency_us.p99 or nan, duration),
        figure("latency, 99.9%", lambda run: run.latency_us.p999 or nan, duration),
        figure("latency, slowest", lambda run: run.latency_us.max or nan, duration),
        figure("server CPU an answer", lambda run: run.cpu_us_per_answer or nan, duration),
        figure("server memory at its peak", _peak_bytes, megabytes),
        figure("failed", lambda run: run.failures / run.requests if run.requests else nan, lambda part: share(part, 1)),
    ]


def _peak_bytes(run: RunResult) -> float:
    return max(map(sum, zip(*(process.rss_bytes for process in run.servers), strict=False)), default=nan)


def _cautions(runs: dict[str, RunResult]) -> list[str]:
    cautions = []
    for name, run in runs.items():
        if not run.checks.passed:
            cautions.append(f"{name} failed: it lost something, so its figures count for nothing.")
        if run.limited_by == "generator":
            cautions.append(f"{name} was limited by the load generator: its server can do more than it shows.")
        if run.limited_by == "load":
            cautions.append(f"{name} answered all that was offered: its throughput is the load's and not its own.")
    if len({(words.machine(run.machine), run.machine.system) for run in runs.values()}) > 1:
        cautions.append("The runs were made on different machines: ratios tell of the machines too.")
    cautions.append("Each is one run: without spreads over several rounds, small differences may be chance.")
    return cautions
