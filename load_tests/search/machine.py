"""What this process and the others take of the machine, as Linux tells it."""

import os
import time
from pathlib import Path

IDLE = (3, 4)
"""Of the columns of a CPU's line: idle, and idle while a disk is waited for."""
GUESTS = slice(8, None)
"""Counted as users' time already."""


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
