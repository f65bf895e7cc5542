"""`auction serve`: run one node."""

import os
import sys
from pathlib import Path

import click

PATH = click.Path(path_type=Path)


@click.command("serve")
@click.option("--data", type=PATH, help="The data directory; made if it is not there.")
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on; 0 takes a free one.")
@click.option("--node-id", help="The node's name, in keys, metrics and logs.")
@click.option("--cluster", type=PATH, help="The cluster's file; host and port come from it, --node-id says whose.")
@click.option("--config", type=PATH, help="TOML file with options; the environment and flags override it.")
@click.option("--rules", type=PATH, help="House rules to overlay: TOML with one table [rules].")
@click.option("--tls-cert", type=PATH, help="PEM file with the certificate chain; the port then speaks TLS only.")
@click.option("--tls-key", type=PATH, help="PEM file with the certificate's private key.")
@click.option("--token-key", type=PATH, help="PEM file with the public key of your own token issuer.")
@click.option("--log-format", help="auto, json or pretty.")
@click.option("--log-level", help="debug, info, warn or error.")
@click.option("--show-config", is_flag=True, help="Print what holds and where it came from, and do not serve.")
def serve_command(config: Path | None, show_config: bool, **flags: object) -> None:
    """Run one node until it is told to stop by a signal.

    Prints `ready ws://HOST:PORT/ws` on standard output when it accepts requests. Options that have no flag here are set
    by the TOML file or the environment (AUCTION_<OPTION>); docs/operating.md lists them all.
    """
    from shardnode.node.config import ConfigProblem, read_config
    from shardnode.node.config import show_config as shown

    try:
        held = read_config(flags, os.environ, config)
    except ConfigProblem as problem:
        click.echo(str(problem), err=True)
        sys.exit(2)
    if show_config:
        click.echo(shown(held))
        return
    if not __debug__:
        click.echo(
            "python -O strips the assertions by which a bug stops the node before it lies; run without -O", err=True
        )
        sys.exit(2)
    from shardnode.ops.compiled import is_stale, running_tree

    if is_stale(running_tree()):
        click.echo("the sources have changed since they were compiled; build them anew: make compiled", err=True)
        sys.exit(2)
    from shardnode.node.serve import CannotStart, serve

    try:
        sys.exit(serve(held.config, held.cluster))
    except CannotStart as problem:
        click.echo(str(problem), err=True)
        sys.exit(2)
