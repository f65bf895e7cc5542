"""What one node takes of the machine while it does something: processor time by thread, and its own counters."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from load_tests.house import counters_of
from load_tests.processes import ServerFailed

NANOSECONDS = 1e9
LANES = ("journal", "files", "search")
"""Threads of a node besides the reactor's, in the order in which it starts them."""
RECORDS = "auction_journal_batch_records_sum"
BATCHES = "auction_journal_batch_records_count"
COMMITS_S = "auction_journal_commit_seconds_sum"
FRAMES = "auction_peer_frames_total"
MESSAGES = "auction_peer_messages_total"
CHECKPOINTED = "auction_checkpointed_stores_total"


class Taken(msgspec.Struct, frozen=True):
    """What a node took and counted between two looks."""

    reactor_s: float
    wakes: float
    """How often the reactor's thread went to sleep and was woken again."""
    lanes_s: dict[str, float]
    total_s: float
    counts: dict[str, float]

    def count(self, name: str) -> float:
        """How much a counter grew."""
        return self.counts.get(name, 0.0)


class Look(msgspec.Struct, frozen=True):
    """Processor time of each thread so far, the oldest first, and how often the reactor's was woken."""

    threads_s: list[float]
    wakes: float


class Probe:
    """Looks at one node's process. `first_lane` is the place of its journal's thread among its threads."""

    def __init__(self, pid: int, url: str, first_lane: int) -> None:
        self._tasks = Path(f"/proc/{pid}/task")
        self._status = Path(f"/proc/{pid}/status")
        self._url = url
        self._first_lane = first_lane

    def rss_bytes(self) -> int:
        """Memory that the process takes up now."""
        return int(_field(self._status.read_text(), "VmRSS")) * 1_024

    def counters(self) -> dict[str, float]:
        """What the node counts now."""
        return counters_of(self._url)

    def look(self) -> Look:
        """At its threads now."""
        return Look(threads_s(self._tasks), self._wakes())

    def since_start(self) -> Taken:
        """What it took and counted in its life."""
        return self.taken(Look([], 0.0), self.look(), self.counters())

    def taken(self, before: Look, after: Look, counts: dict[str, float]) -> Taken:
        """Sum up two looks at the threads, of which some may have begun in between."""
        begun = [0.0] * (len(after.threads_s) - len(before.threads_s))
        used_s = [now - then for now, then in zip(after.threads_s, before.threads_s + begun, strict=True)]
        lanes = dict(zip(LANES, used_s[self._first_lane :], strict=False))
        return Taken(used_s[0], after.wakes - before.wakes, lanes, sum(used_s), counts)

    def _wakes(self) -> float:
        """The status of a process is that of its first thread."""
        return float(_field(self._status.read_text(), "voluntary_ctxt_switches"))


def while_all(probes: dict[str, Probe], act: Callable[[], object]) -> dict[str, Taken]:
    """Do something, and tell what each of some nodes took meanwhile; asking for the counters is not part of it."""
    counts = {name: probe.counters() for name, probe in probes.items()}
    before = {name: probe.look() for name, probe in probes.items()}
    act()
    after = {name: probe.look() for name, probe in probes.items()}
    taken = {}
    for name, probe in probes.items():
        grown = {key: value - counts[name].get(key, 0.0) for key, value in probe.counters().items()}
        taken[name] = probe.taken(before[name], after[name], grown)
    return taken


def threads_s(tasks: Path) -> list[float]:
    """Processor time of each thread of a process, the oldest first: that is the reactor's."""
    numbers = sorted(int(task.name) for task in tasks.iterdir())
    return [int((tasks / str(number) / "schedstat").read_text().split()[0]) / NANOSECONDS for number in numbers]


def busiest_lane(pid: int, act: Callable[[], object]) -> int:
    """The place of the thread that does most of something, besides the reactor's."""
    tasks = Path(f"/proc/{pid}/task")
    before = threads_s(tasks)
    act()
    used_s = [now - then for now, then in zip(threads_s(tasks), before, strict=False)]
    return max(range(1, len(used_s)), key=lambda place: used_s[place])


def _field(status: str, name: str) -> str:
    for line in status.splitlines():
        field, _, value = line.partition(":")
        if field == name:
            return value.split()[0]
    raise ServerFailed(f"this system does not tell {name} of a process; the model is calibrated on Linux")
