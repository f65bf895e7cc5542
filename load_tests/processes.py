"""Servers under load, as processes of their own."""

import os
import select
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

START_S = 30.0
"""How long a server may take until it says that it is ready."""
STOP_S = 15.0
"""How long a server may take to stop by signal."""
LOG_SHOWN_CHARACTERS = 2_000


class ServerFailed(Exception):
    """A server did not start or did not stop as it must."""


class Server:
    """A running server and where it listens."""

    def __init__(self, process: "subprocess.Popen[str]", url: str) -> None:
        self.process = process
        self.url = url

    def cpu_s(self) -> float:
        """CPU seconds used so far by all threads of the process, in Linux's steps of 10 ms."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        user, system = fields[11], fields[12]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(command: Sequence[str | Path], log: Path) -> Iterator[Server]:
    """Start a server, wait for its `ready URL` line, and in the end stop it by signal.

    Its standard error goes to `log`, and the end of that is noted on whatever is raised meanwhile. Raises ServerFailed
    where the server does not start in START_S, or does not stop cleanly in STOP_S.
    """
    with (
        log.open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            yield Server(process, _ready_url(process))
            _stop(process)
        except Exception as error:
            error.add_note(f"the end of {log.name}: {_end(log)}")
            raise
        finally:
            process.kill()


def _ready_url(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], START_S)
    line = process.stdout.readline() if readable else f"nothing within {START_S:g} s"
    if not line.startswith("ready "):
        raise ServerFailed(f"{process.args!r} did not say that it is ready, but: {line}")
    return line.split()[1]


def _stop(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGTERM)
    if process.wait(STOP_S) != 0:
        raise ServerFailed(f"{process.args!r} stopped with exit code {process.returncode}")


def _end(log: Path) -> str:
    return log.read_text(errors="replace")[-LOG_SHOWN_CHARACTERS:]
