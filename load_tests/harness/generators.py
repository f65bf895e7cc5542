"""The generator processes of a run, as the run sees them: each is asked, and answers, one line at a time."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import msgspec

from load_tests.harness.messages import Begin, Check, Checked, Loaded, Orders, Ready, line_of, read_line
from load_tests.processes import LOG_SHOWN_CHARACTERS

READY_WITHIN_S = 300.0
CHECKED_WITHIN_S = 600.0
STOP_S = 5.0
MODULE = "load_tests.harness.worker"

T = TypeVar("T", Ready, Loaded, Checked)


class GeneratorFailed(Exception):
    """A generator process ended, or did not answer in time; the text has the end of what it said."""


class Generators:
    """Running generator processes."""

    def __init__(self, processes: Sequence["subprocess.Popen[bytes]"], threads: ThreadPoolExecutor, log: Path) -> None:
        self._processes = processes
        self._threads = threads
        self._log = log

    @property
    def pids(self) -> list[int]:
        """Of the processes, in their order."""
        return [process.pid for process in self._processes]

    def ready(self, orders: Sequence[Orders]) -> list[Ready]:
        """Give orders, and wait until all players are connected. Raises GeneratorFailed."""
        return self._answers(self._ask(orders), Ready, READY_WITHIN_S)

    def load(self, begin: Begin, within_s: float, meanwhile: Callable[["Future[bytes]"], None]) -> list[Loaded]:
        """Let all begin, do something until the first of them is done, and wait for all. Raises GeneratorFailed."""
        asked = self._ask([begin] * len(self._processes))
        meanwhile(asked[0])
        return self._answers(asked, Loaded, within_s)

    def check(self) -> list[Checked]:
        """Let all hold their ledgers against the server. Raises GeneratorFailed."""
        return self._answers(self._ask([Check()] * len(self._processes)), Checked, CHECKED_WITHIN_S)

    def _ask(self, told: Sequence[Orders | Begin | Check]) -> list["Future[bytes]"]:
        futures = []
        for process, message in zip(self._processes, told, strict=True):
            assert process.stdin is not None and process.stdout is not None
            try:
                process.stdin.write(line_of(message))
                process.stdin.flush()
            except BrokenPipeError as error:
                raise GeneratorFailed(f"a generator has ended: {self._end()}") from error
            futures.append(self._threads.submit(process.stdout.readline))
        return futures

    def _answers(self, futures: Sequence["Future[bytes]"], kind: type[T], within_s: float) -> list[T]:
        done, late = wait(futures, within_s)
        if late:
            raise GeneratorFailed(f"a generator did not answer within {within_s:g} s: {self._end()}")
        assert len(done) == len(futures)
        try:
            return [read_line(future.result(), kind) for future in futures]
        except msgspec.DecodeError as error:
            raise GeneratorFailed(f"a generator has ended: {self._end()}") from error

    def _end(self) -> str:
        return self._log.read_text(errors="replace")[-LOG_SHOWN_CHARACTERS:] or "it said nothing"


@contextmanager
def generators(count: int, log: Path) -> Iterator[Generators]:
    """Start so many, and end them."""
    with log.open("w") as errors, ThreadPoolExecutor(count) as threads:
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", MODULE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
            )
            for _ in range(count)
        ]
        try:
            yield Generators(processes, threads, log)
        finally:
            for process in processes:
                _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """A generator that has told everything ends by itself; any other is killed, which also frees who waits for it."""
    assert process.stdin is not None and process.stdout is not None
    if process.poll() is None:
        process.kill()
    process.wait(STOP_S)
    with suppress(BrokenPipeError):  # what it was not told any more
        process.stdin.close()
    process.stdout.close()
