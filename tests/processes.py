"""Nodes as processes of their own, for tests that serve, stop, kill, and take the disk away."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from shardnode.cli.token import mint

AUCTION = Path(sys.executable).with_name("auction")
READY_S = 20.0
"""How long a node may take to say that it is ready; on a quiet machine it takes a second."""
END_S = 15.0
"""How long a process may take to end that was told to, or that met what it must stop for."""
TOKEN_S = 3_600


class NodeProcess:
    """One `auction serve`: what it printed, where it listens, how it ended."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self.process = process
        self._log = log
        self._url = ""

    @property
    def log(self) -> str:
        """What it wrote to standard error so far."""
        return self._log.read_text()

    def url(self) -> str:
        """Wait until it is ready; where it is, then."""
        if not self._url:
            assert self.process.stdout is not None
            readable, _, _ = select.select([self.process.stdout], [], [], READY_S)
            line = self.process.stdout.readline() if readable else ""
            assert line.startswith("ready "), f"not ready within {READY_S:g} s, but said {line!r} and {self.log}"
            self._url = line.split()[1]
        return self._url

    def kill(self) -> None:
        """End it at once, as `kill -9` does."""
        self.process.kill()
        self.process.wait(END_S)

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Stop it by a signal; its exit code."""
        self.process.send_signal(by)
        return self.exit_code()

    def exit_code(self) -> int:
        """Wait until it has ended; its exit code."""
        return self.process.wait(END_S)


class Nodes:
    """Starts nodes in a directory of the test's own; `end` ends those that the test has left running."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._started: list[NodeProcess] = []
        self.data = directory / "data"

    def start(
        self,
        *options: str | Path,
        data: Path | None = None,
        environment: Mapping[str, str] | None = None,
        before: Sequence[str] = (),
    ) -> NodeProcess:
        """Start a node on `data`, without waiting until it is ready. `before` is a command to start it by."""
        command = [*before, AUCTION, "serve", "--data", data or self.data, "--port", "0", *options]
        return self.start_by(command, environment)

    def start_by(self, command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> NodeProcess:
        """Start a node by whatever command, without waiting until it is ready."""
        log = self.directory / f"node-{len(self._started)}.log"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AUCTION_")}
        with log.open("w") as errors:
            process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**inherited, **(environment or {})},
            )
        node = NodeProcess(process, log)
        self._started.append(node)
        return node

    def token(self, sub: str, role: str = "player") -> str:
        """A token of the house in `data`."""
        return mint(self.data, sub, "service" if role == "service" else "player", TOKEN_S)

    def end(self) -> None:
        """Leave no process behind."""
        for node in self._started:
            node.kill()
            assert node.process.stdout is not None
            node.process.stdout.close()
