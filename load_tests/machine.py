"""The machine that load tests run on, and what this process and the others take of it, as Linux tells it."""

import os
import platform
import tempfile
import time
from pathlib import Path
from statistics import median

from load_tests.results import Machine

IDLE = (3, 4)
"""Of the columns of a CPU's line: idle, and idle while a disk is waited for."""
GUESTS = slice(8, None)
"""Counted as users' time already."""
FSYNCS = 20


def this_machine(data: Path | None) -> Machine:
    """The machine, and how long its disk takes where the data lies, if it lies here."""
    return Machine(
        cpus=os.cpu_count() or 1,
        cpu=_cpu_name(),
        python=platform.python_version(),
        system=platform.platform(),
        fsync_ms=None if data is None else fsync_ms(data),
    )


def fsync_ms(directory: Path) -> float:
    """Median time to write one page into a directory and fsync it."""
    times_s = []
    with tempfile.TemporaryFile(dir=directory, buffering=0) as file:
        for _ in range(FSYNCS):
            started_at_s = time.perf_counter()
            file.write(bytes(4_096))
            os.fsync(file.fileno())
            times_s.append(time.perf_counter() - started_at_s)
    return round(median(times_s) * 1000, 3)


def memory_bytes() -> int:
    """What this process takes up now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


class OtherLoad:
    """Cores that other programs keep busy, from here on."""

    def __init__(self) -> None:
        self._started_at_s = time.perf_counter()
        self._before_s = _others_s()

    def cpus(self) -> float:
        """On the average until now."""
        return max(0.0, (_others_s() - self._before_s) / (time.perf_counter() - self._started_at_s))


def _others_s() -> float:
    """CPU seconds of all programs but this, since the machine began."""
    columns = [int(column) for column in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    del columns[GUESTS]
    busy = sum(columns) - sum(columns[column] for column in IDLE)
    return busy / os.sysconf("SC_CLK_TCK") - time.process_time()


def _cpu_name() -> str:
    """As the first processor is called; empty where Linux does not say."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return ""
