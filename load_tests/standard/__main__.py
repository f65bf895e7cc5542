"""`python -m load_tests.standard`: serve the standard architecture until Ctrl-C."""

import signal
import tempfile
import threading
from pathlib import Path
from typing import get_args

import click

from load_tests.standard.nginx import NoNginx
from load_tests.standard.postgres import PostgresFailed
from load_tests.standard.running import CONNECTIONS, DEFAULT_WORKERS
from load_tests.standard.settings import RulesIn
from load_tests.standard.supervisor import CannotServe, Service, serving
from shardnode.gateway.tokens import KeyFault
from worlddata.problems import WorldError

PATH = click.Path(path_type=Path)
LOOK_EVERY_S = 0.5


@click.command()
@click.option("--data", type=PATH, default=Path("data-standard"), show_default=True, help="Where everything is kept.")
@click.option("--port", type=click.IntRange(0, 65_535), default=7118, show_default=True, help="0 takes a free one.")
@click.option("--workers", type=click.IntRange(1, 64), default=DEFAULT_WORKERS, show_default=True)
@click.option(
    "--connections",
    type=click.IntRange(1, 64),
    default=CONNECTIONS,
    show_default=True,
    help="To PostgreSQL, of each worker.",
)
@click.option(
    "--rules-in",
    type=click.Choice(get_args(RulesIn)),
    default="database",
    show_default=True,
    help="Where bids and buyouts are decided: by functions of PostgreSQL, or by the workers under row locks.",
)
@click.option("--rules", type=PATH, help="House rules to overlay: TOML with one table [rules].")
@click.option("--token-key", type=PATH, help="PEM file with the public key of your own token issuer.")
@click.option(
    "--balancer",
    type=click.Choice(["nginx", "none"]),
    default="nginx",
    show_default=True,
    help="With none, each worker has a port of its own, from --port on.",
)
@click.option("--forget", is_flag=True, help="Remove the database when it ends.")
def main(
    data: Path,
    port: int,
    workers: int,
    connections: int,
    rules_in: RulesIn,
    rules: Path | None,
    token_key: Path | None,
    balancer: str,
    forget: bool,
) -> None:
    """Serve the standard architecture: nginx, workers, PostgreSQL and Redis.

    Prints `ready ws://HOST:PORT/ws` on standard output, a line for each port, when it accepts requests.
    """
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with tempfile.TemporaryDirectory(prefix="standard-") as run:
        Path(run).chmod(0o777)  # PostgreSQL, which may run as another user, has its socket there
        service = Service(
            data=data,
            run=Path(run),
            port=port,
            workers=workers,
            connections=connections,
            rules_in=rules_in,
            rules=rules,
            token_keys=[token_key] if token_key is not None else [],
            balanced=balancer == "nginx",
            kept=not forget,
        )
        try:
            with serving(service) as running:
                (data / "run").write_text(run)
                for url in running.urls:
                    click.echo(f"ready {url}")
                while not ended.wait(LOOK_EVERY_S):
                    running.look()
        except (CannotServe, PostgresFailed, NoNginx, WorldError, KeyFault) as problem:
            raise click.ClickException(str(problem)) from problem


if __name__ == "__main__":
    main()
