"""Once a second, from outside: what the processes took of the machine, and what the nodes tell of themselves."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from load_tests.processes import cpu_s
from load_tests.results import Process

PAGE_BYTES = 4_096


def rss_bytes(pid: int) -> int:
    """Memory that a process has in use."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES


class Watched:
    """One process, second by second. One that has ended takes nothing any more."""

    def __init__(self, name: str, pid: int) -> None:
        self.name = name
        self._pid = pid
        self._before_s = cpu_s(pid)
        self.cpu_s: list[float] = []
        self.rss_bytes: list[int] = []

    def sample(self) -> None:
        """Of the time since the last, or since the beginning."""
        try:
            now_s, memory = cpu_s(self._pid), rss_bytes(self._pid)
        except (FileNotFoundError, ProcessLookupError):
            now_s, memory = self._before_s, 0
        self.cpu_s.append(round(now_s - self._before_s, 3))
        self.rss_bytes.append(memory)
        self._before_s = now_s

    def process(self) -> Process:
        """As it is kept."""
        return Process(self.name, self.cpu_s, self.rss_bytes)


class Sampling:
    """All processes of a run, from the beginning of its measured time."""

    def __init__(self, servers: Mapping[str, int], generators: Sequence[int]) -> None:
        self.servers = [Watched(name, pid) for name, pid in servers.items()]
        self.generators = [Watched(f"generator-{number}", pid) for number, pid in enumerate(generators, 1)]
        self.metrics: dict[str, list[float]] = {}
        self._samples = 0

    def sample(self, metrics: Mapping[str, float]) -> None:
        """One second is over. A metric that shows itself late was 0 before."""
        for watched in (*self.servers, *self.generators):
            watched.sample()
        for name in metrics.keys() - self.metrics.keys():
            self.metrics[name] = [0.0] * self._samples
        for name, values in self.metrics.items():
            values.append(metrics.get(name, 0.0))
        self._samples += 1
