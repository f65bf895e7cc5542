"""What a run of a scenario gave, as it is kept: one JSON document, from which reports and comparisons are made.

Times of day are milliseconds since 1970 UTC; everything else is counted from the run's start in seconds. Latencies are
microseconds from when a request was meant to start (open loop) or was sent (closed loop) until its answer was read.
"""

from pathlib import Path
from typing import Literal

import msgspec

FORMAT = 1
"""Of these records. A file of another format is not read."""


class ResultsFault(Exception):
    """A file is no record of a run that this program can read; the text says why and what to do."""


class Percentiles(msgspec.Struct, frozen=True):
    """Latency in microseconds by share of the answers; all 0 where there were none."""

    p50: int = 0
    p90: int = 0
    p99: int = 0
    p999: int = 0
    max: int = 0


class Second(msgspec.Struct, frozen=True):
    """One second of the run, warm-up excluded."""

    at_s: int
    answers: int
    failures: int
    """Answers that were errors of a kind the scenario does not expect, and requests without an answer."""
    latency_us: Percentiles


class Act(msgspec.Struct, frozen=True):
    """All that players did of one kind."""

    answers: int
    latency_us: Percentiles
    outcomes: dict[str, int]
    """By reason: "ok", a refusal's or an error's reason, "no_answer"."""


class Process(msgspec.Struct, frozen=True):
    """One server or generator process, sampled once a second; both lists are as long as the run's timeline."""

    name: str
    cpu_s: list[float]
    """CPU seconds used in each second by all its threads."""
    rss_bytes: list[int]


class Checks(msgspec.Struct, frozen=True):
    """What was found when the load was over. A run that loses something has failed, whatever its speed."""

    acknowledged: int
    """Effects that the server had acknowledged."""
    lost: list[str]
    """Those which it does not show any more, in words; at most LOST_SHOWN_MAX of them."""
    lost_count: int
    balanced: bool | None
    """What the audit of the stopped house said; None where the server is not ours to stop."""

    @property
    def passed(self) -> bool:
        """Whether nothing was lost and nothing is out of balance."""
        return self.lost_count == 0 and self.balanced is not False


LOST_SHOWN_MAX = 100


class Machine(msgspec.Struct, frozen=True):
    """Where it ran."""

    cpus: int
    cpu: str
    python: str
    system: str
    fsync_ms: float | None
    """Median time of an fsync of one page beside the data; None for a server elsewhere."""


class RunResult(msgspec.Struct, frozen=True):
    """One run of one scenario against one server."""

    format: int
    scenario: str
    about: str
    """The scenario's own sentence."""
    target: str
    """"fractal", "standard", or the URL."""
    nodes: int
    """Nodes of a fractal, workers of the standard architecture, addresses otherwise."""
    seed: int
    started_at_ms: int
    commit: str
    """Of the program under test, empty where it is not known."""
    machine: Machine
    players: int
    loop: Literal["open", "closed"]
    """"open": requests start when they are meant to, whatever the server does; "closed": when the last is answered."""
    offered_per_s: float | None
    """The open loop's arrival rate."""
    think_s: float
    """The closed loop's mean time from an answer to the player's next request; 0 in an open loop."""
    seconds: float
    """Measured time, warm-up excluded."""
    requests: int
    """All that were meant to start in the measured time, answered or not."""
    failures: int
    """Those with an answer that the scenario does not expect, or without one."""
    answers: int
    per_s: float
    latency_us: Percentiles
    histogram: str
    """All latencies, an HDR histogram in its own compressed base64 text (microseconds, three digits)."""
    service_histogram: str
    """The same from when requests were really sent: what would be seen if waiting to start were not measured."""
    acts: dict[str, Act]
    errors: dict[str, int]
    """All outcomes but "ok", by reason."""
    timeline: list[Second]
    servers: list[Process]
    generators: list[Process]
    cpu_us_per_answer: float
    """CPU time of all server processes by answers; 0 where the processes are not ours to see."""
    metrics: dict[str, list[float]]
    """The nodes' own metrics by the names of their Prometheus samples (`auction_gate_wait_seconds_sum`), buckets aside,
    summed over labels and nodes: as scraped at the end of each second of the timeline, so that what only grows is
    counted from the nodes' start; empty where the server shows none."""
    late_us: Percentiles
    """How long after its intended time the generator itself began a request though it could have: its own lag."""
    limited_by: Literal["server", "generator", "load"]
    """"server", "generator" (its figures then say nothing of the server) or "load" (the offered rate was met)."""
    checks: Checks


def read(path: Path) -> RunResult:
    """A kept run. Raises ResultsFault."""
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=RunResult)
    except OSError as error:
        raise ResultsFault(f"{path} cannot be read ({error.strerror}): name a file that `run` has written") from error
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ResultsFault(f"{path} is no record of a run ({error}): name a file that `run` has written") from error
    if kept.format != FORMAT:
        raise ResultsFault(f"{path} is of format {kept.format}, this program reads {FORMAT}: run the scenario again")
    return kept


def write(result: RunResult, path: Path) -> None:
    """Keep a run; the directory is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(result)))
