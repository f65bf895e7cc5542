"""`auction token`: print a token that every node of the house accepts.

It needs only the house's key in the data directory. A directory in which no node was ever started gets its key here
(and is made, if it is not there), and the node that is started on it later uses the same.
"""

import time
from pathlib import Path

import click

from clients.options import player_name
from shardnode.gateway.tokens import KeyFault, signing_key
from shardnode.wire.methods import TOKEN_ROLES, TokenRole

TTL_S = 86_400
TTL_S_MAX = 10 * 365 * 86_400


def mint(data: Path, sub: str, role: TokenRole, ttl_s: int) -> str:
    """A token for `sub`, a player's name, good for `ttl_s` from now on. Raises KeyFault and OSError."""
    data.mkdir(parents=True, exist_ok=True)
    return signing_key(data).mint(sub, role, int(time.time()) + ttl_s)


@click.command("token")
@click.option("--data", required=True, type=click.Path(path_type=Path, file_okay=False), help="The data directory.")
@click.option("--sub", required=True, metavar="NAME", callback=player_name, help="Whom the token names.")
@click.option("--role", type=click.Choice(TOKEN_ROLES), default="player", show_default=True, help="What it may do.")
@click.option(
    "--ttl-s", type=click.IntRange(1, TTL_S_MAX), default=TTL_S, show_default=True, help="How long it is good."
)
def token_command(data: Path, sub: str, role: TokenRole, ttl_s: int) -> None:
    """Print a token, and nothing else."""
    try:
        click.echo(mint(data, sub, role, ttl_s))
    except KeyFault as fault:
        raise click.ClickException(str(fault)) from fault
    except OSError as error:
        raise click.ClickException(
            f"cannot make the data directory {data}: {error.strerror}; choose another"
        ) from error
