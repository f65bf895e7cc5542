"""The standard architecture under load: started on an empty directory, populated, audited, and gone in the end."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from load_tests.house import HOUSE_RULES, House, Issuer
from load_tests.processes import STOP_S, Server, running
from load_tests.standard.audit import audited
from load_tests.standard.postgres import connect
from load_tests.standard.settings import RulesIn
from load_tests.websocket import Connection

DEFAULT_WORKERS = max(1, (os.cpu_count() or 2) // 2)
"""PostgreSQL needs the other half: on two cores, one worker took 1.4 times as many bids as two did."""
CONNECTIONS = 8
"""To PostgreSQL, of each worker."""


class Standard(House):
    """As a House, by the same methods; and what all its processes use."""

    def __init__(self, server: "StandardServer", issuer: Issuer, data: Path, ports: int) -> None:
        super().__init__(server, issuer)
        self._processes = server
        self._data = data
        place = urlsplit(server.url)
        assert place.port is not None, server.url
        self._urls = cycle(f"ws://{place.hostname}:{place.port + number}{place.path}" for number in range(ports))

    def connect(self, player: str, role: str = "player") -> Connection:
        """A connection that is logged in as a player; without a balancer, to each worker in turn."""
        return self.issuer.connect(next(self._urls), player, role)

    def cpu_s(self) -> float:
        """CPU seconds used so far by all processes, those that have ended included."""
        return self._processes.cpu_s()

    def pids(self) -> dict[str, int]:
        """All processes that there are now, by name."""
        return self._processes.pids()

    def audit(self) -> bool:
        """Whether gold and items are all there, and every balance is the sum of its ledger."""
        with connect(self.sockets) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.execute("SET statement_timeout = 0")
            return audited(connection).balanced

    @property
    def sockets(self) -> Path:
        """Directory of PostgreSQL's socket."""
        return Path((self._data / "run").read_text())


class StandardServer(Server):
    """The supervisor, and with it everything that descends from it."""

    def cpu_s(self) -> float:
        """CPU seconds used so far by all processes, those that have ended included."""
        return sum(_cpu_s(pid) for pid in _family(self.process.pid))

    def pids(self) -> dict[str, int]:
        """All processes that there are now, by name; those of a kind beyond the first are numbered."""
        named: dict[str, int] = {}
        for pid in sorted(_family(self.process.pid)):
            name = _name(pid)
            others = sum(each.partition("#")[0] == name for each in named)
            named[f"{name}#{others + 1}" if others else name] = pid
        return named


@contextmanager
def running_standard(
    directory: Path,
    workers: int = DEFAULT_WORKERS,
    rules: str = HOUSE_RULES,
    balancer: str = "nginx",
    connections: int = CONNECTIONS,
    rules_in: RulesIn = "database",
) -> Iterator[Standard]:
    """Start `python -m load_tests.standard` with `data` inside a directory, and stop it in the end."""
    issuer = Issuer(directory)
    rules_file = directory / "rules.toml"
    rules_file.write_text(rules)
    data = directory / "data"
    places: list[str | Path] = ["--data", data, "--port", "0", "--rules", rules_file, "--token-key", issuer.public]
    sizes = ["--workers", str(workers), "--connections", str(connections), "--balancer", balancer]
    how = ["--rules-in", rules_in, "--forget"]
    ports = workers if balancer == "none" else 1
    command = [sys.executable, "-m", "load_tests.standard", *places, *sizes, *how]
    with running(command, directory / "standard.log", nodes=ports) as server:
        try:
            yield Standard(StandardServer(server.process, server.url), issuer, data, ports)
        except BaseException:
            server.process.terminate()  # so that it ends its own processes, whatever has gone wrong here
            server.process.wait(STOP_S)
            raise


def _family(pid: int) -> Iterator[int]:
    """A process and all that descend from it."""
    yield pid
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except FileNotFoundError:
        return  # it has ended meanwhile
    for child in children:
        yield from _family(child)


def _cpu_s(pid: int) -> float:
    """CPU seconds of a process and of its children that have ended, which are in its account."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0  # it has ended meanwhile
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def _name(pid: int) -> str:
    """What a process is called: PostgreSQL's and nginx' say what they do, a worker has its name in its settings."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").rstrip("\0").split("\0")
    except FileNotFoundError:
        return "ended"
    if words[-1].startswith("{"):
        return words[-1].partition('"name":"')[2].partition('"')[0]
    title = " ".join(words)
    if title.startswith("postgres: "):
        return f"postgres-{title.removeprefix('postgres: ').strip().replace(' ', '-')}"
    if title.startswith("nginx: "):
        return f"nginx-{title.split()[1]}"
    return "supervisor" if "load_tests.standard" in words else Path(words[0]).name.split(":")[0]
