"""Which plots a run gives: its figures taken out of the record and put into charts."""

from collections.abc import Iterable, Sequence
from math import nan

import msgspec

from load_tests.report.chart import COLOURS, Chart, Series
from load_tests.report.percentiles import curve
from load_tests.results import Percentiles, Process, RunResult

SHORTEST_S = 0.5
"""A run's last second that was cut shorter than this is not drawn: its figures would be chance."""
PERCENTILES = (
    ("slowest", "max", "purple"),
    ("99.9%", "p999", "ninenines"),
    ("99%", "p99", "nines"),
    ("90%", "p90", "nine"),
    ("half", "p50", "half"),
)
THROUGHPUT = "Answers a second; where the line falls while load stays the same, the server or what it waits for stood."
BY_PERCENTILE = (
    "Each further mark to the right is ten times rarer: read at 99% what one answer in a hundred exceeds. "
    "A steep end means few but long waits."
)
CPU_PER_ANSWER = (
    "CPU time of all server processes for one answer; flat is good, rising means that cost grows with time."
)


class Timeline(msgspec.Struct, frozen=True):
    """The seconds of a run that are drawn, and how long each really was."""

    at_s: list[float]
    lengths_s: list[float]

    def rates(self, counts: Iterable[float]) -> list[float]:
        """What was counted in each second, made a rate."""
        return [count / length_s for count, length_s in zip(counts, self.lengths_s, strict=False)]

    def series(self, label: str, values: Sequence[float], colour: str, *, dashed: bool = False) -> Series:
        """A line over these seconds; values that the record does not have are not drawn."""
        shown = min(len(values), len(self.at_s))
        return Series(label, self.at_s[:shown], values[:shown], colour, dashed)


def timeline(result: RunResult) -> Timeline:
    """All seconds, but the last one where the run ended soon after it began."""
    seconds = len(result.timeline)
    lengths_s = [max(0.0, min(1.0, result.seconds - second)) for second in range(seconds)]
    if seconds > 1 and lengths_s[-1] < SHORTEST_S:
        lengths_s.pop()
    return Timeline([float(second.at_s) for second in result.timeline[: len(lengths_s)]], lengths_s)


def throughput(result: RunResult) -> Chart:
    """Answers and failures over time, beside what was offered."""
    time = timeline(result)
    lines = [time.series("answers", answers(result), "blue")]
    if any(second.failures for second in result.timeline):
        failures = time.rates(second.failures for second in result.timeline)
        lines.append(time.series("failures", failures, "orange"))
    if result.offered_per_s is not None:
        lines.append(time.series("offered", [result.offered_per_s] * len(time.at_s), "gold", dashed=True))
    return Chart("throughput", "Throughput over time", THROUGHPUT, "answers a second", lines)


def answers(result: RunResult) -> list[float]:
    """Answers a second in each second."""
    return timeline(result).rates(second.answers for second in result.timeline)


def latency_over_time(result: RunResult) -> Chart:
    """The percentiles of each second."""
    time = timeline(result)
    about = "Of the answers of each second: the slowest, and what 99.9%, 99%, 90% and half of them did not exceed."
    lines = [
        time.series(label, [_ms(second.latency_us, name) for second in result.timeline], colour)
        for label, name, colour in PERCENTILES
    ]
    return Chart("latency-time", "Latency over time", about, "milliseconds", lines, logarithmic=True)


def p99_ms(result: RunResult) -> list[float]:
    """The 99th percentile of each second; a gap where there was no answer."""
    return [_ms(second.latency_us, "p99") for second in result.timeline]


def latency_by_percentile(result: RunResult) -> Chart:
    """The HDR plot, from when requests were meant to start and from when they did. Raises ResultsFault."""
    intended, real = curve(result.histogram), curve(result.service_histogram)
    lines = [
        Series("from when it was meant to be sent", intended.rarity, intended.latency_ms, "blue"),
        Series("from when it was really sent", real.rarity, real.latency_ms, "orange", dashed=True),
    ]
    about = f"{BY_PERCENTILE} Where the two lines part, requests waited before they could be sent."
    return Chart(
        "latency-percentile", "Latency by percentile", about, "milliseconds", lines, x="percentile", logarithmic=True
    )


def cpu_per_answer(result: RunResult) -> Chart:
    """Over time, and the run's mean."""
    time = timeline(result)
    lines = [
        time.series("each second", server_cpu_us(result), "blue"),
        time.series("mean of the run", [result.cpu_us_per_answer] * len(time.at_s), "gold", dashed=True),
    ]
    return Chart("cpu-answer", "CPU an answer", CPU_PER_ANSWER, "microseconds of CPU an answer", lines)


def server_cpu_us(result: RunResult) -> list[float]:
    """CPU time of all server processes an answer, in each second; a gap where there was no answer."""
    used_s = (sum(each) for each in zip(*(process.cpu_s for process in result.servers), strict=False))
    seconds = zip(used_s, result.timeline, strict=False)
    return [1e6 * cpu_s / second.answers if second.answers else nan for cpu_s, second in seconds]


def cpu(result: RunResult) -> Chart:
    """Cores that each process kept busy."""
    time = timeline(result)
    about = "Cores that each process kept busy; a Python process cannot use much more than one."
    lines = [
        time.series(process.name, time.rates(process.cpu_s), colour)
        for process, colour in zip(_busiest(result), COLOURS, strict=False)
    ]
    return Chart("cpu", "CPU of each process", about, "cores", lines)


def memory(result: RunResult) -> Chart:
    """Resident memory of each process."""
    time = timeline(result)
    about = "Resident memory; a line that rises to the end may be a cache that fills, or a leak."
    lines = [
        time.series(process.name, [size / 1e6 for size in process.rss_bytes], colour)
        for process, colour in zip(_busiest(result), COLOURS, strict=False)
    ]
    return Chart("memory", "Memory of each process", about, "megabytes", lines)


def generators(result: RunResult) -> Chart:
    """Cores that the generators kept busy together, beside what they have at most."""
    time = timeline(result)
    used = [max(each) for each in zip(*(process.cpu_s for process in result.generators), strict=False)]
    about = "The busiest generator process of each second; near one core it cannot send more, and is itself the limit."
    lines = [
        time.series("busiest generator", time.rates(used), "blue"),
        time.series("one core", [1.0] * len(time.at_s), "gold", dashed=True),
    ]
    return Chart("generators", "The generator's own work", about, "cores", lines)


def _busiest(result: RunResult) -> list[Process]:
    """All processes where each can have a colour of its own; otherwise the busiest, and the others as one."""
    processes = sorted((*result.servers, *result.generators), key=lambda process: -sum(process.cpu_s))
    shown = len(COLOURS) if len(processes) <= len(COLOURS) else len(COLOURS) - 1
    others = processes[shown:]
    if not others:
        return processes
    together = Process(
        name=f"{len(others)} others, together",
        cpu_s=[sum(each) for each in zip(*(process.cpu_s for process in others), strict=False)],
        rss_bytes=[sum(each) for each in zip(*(process.rss_bytes for process in others), strict=False)],
    )
    return [*processes[:shown], together]


def _ms(latency_us: Percentiles, name: str) -> float:
    value: int = getattr(latency_us, name)
    return value / 1000 if value else nan
