"""Servers under load, as processes of their own."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

START_S = 30.0
"""How long a server may take until it says that it is ready."""
STOP_S = 15.0
"""How long a server may take to stop by signal."""
LOG_SHOWN_CHARACTERS = 2_000


class ServerFailed(Exception):
    """A server did not start or did not stop as it must."""


class Server:
    """A running server and where it listens; of one with many nodes, where the first of them does."""

    def __init__(self, process: "subprocess.Popen[bytes]", url: str) -> None:
        self.process = process
        self.url = url

    def cpu_s(self) -> float:
        """CPU seconds used so far by all threads of the process."""
        return cpu_s(self.process.pid)


def cpu_s(pid: int) -> float:
    """CPU seconds used so far by all threads of a process, in Linux's steps of 10 ms."""
    return _cpu_s(_stat(pid)[11:13])


def cpu_s_with_ended(pid: int) -> float:
    """The same, with the children that have ended and their descendants."""
    return _cpu_s(_stat(pid)[11:15])


def family(pid: int) -> Iterator[int]:
    """A process and all that descend from it now."""
    yield pid
    with suppress(FileNotFoundError, ProcessLookupError):  # whoever ended meanwhile has no children any more
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from family(int(child))


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _cpu_s(ticks: Sequence[str]) -> float:
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(
    command: Sequence[str | Path], log: Path, *, nodes: int = 1, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Start a server, wait for the `ready URL` line of each of its nodes, and in the end stop it by signal.

    Its standard error goes to `log`, and the end of that is noted on whatever is raised meanwhile. Raises ServerFailed
    where the server does not start in START_S, or does not stop cleanly in STOP_S.
    """
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, env={**os.environ, **(environment or {})}
        ) as process,
    ):
        try:
            yield Server(process, _ready_url(process, nodes))
            _stop(process)
        except Exception as error:
            error.add_note(f"the end of {log.name}: {_end(log)}")
            raise
        finally:
            if process.poll() is None:
                _kill(process.pid)


def _kill(pid: int) -> None:
    """End a process and its descendants at once: nodes outlive the command that started them."""
    for each in list(family(pid)):
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)


def _ready_url(process: "subprocess.Popen[bytes]", nodes: int) -> str:
    assert process.stdout is not None
    said = b""
    latest_s = time.monotonic() + START_S
    with selectors.DefaultSelector() as selector:  # `select.select` knows no file beyond the first 1,024
        selector.register(process.stdout, selectors.EVENT_READ)
        while said.count(b"\n") < nodes:
            readable = selector.select(max(0.0, latest_s - time.monotonic()))
            more = os.read(process.stdout.fileno(), 65_536) if readable else b""
            if not more:
                raise ServerFailed(f"{process.args!r} did not say within {START_S:g} s that it is ready, but: {said!r}")
            said += more
    lines = said.decode().splitlines()
    if not all(line.startswith("ready ") for line in lines):
        raise ServerFailed(f"{process.args!r} did not say that it is ready, but: {said!r}")
    return lines[0].split()[1]


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    if process.wait(STOP_S) != 0:
        raise ServerFailed(f"{process.args!r} stopped with exit code {process.returncode}")


def _end(log: Path) -> str:
    return log.read_text(errors="replace")[-LOG_SHOWN_CHARACTERS:]
