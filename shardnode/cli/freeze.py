"""`auction freeze` and `auction thaw`: stop trading in something and let it go on, through a running node.

The node is asked over its protocol, with an operator's token made by the house's own key.
"""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from clients.options import player_name
from clients.surroundings import connect_by_asyncio
from shardnode.cli.instants import in_words

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from auction.house_state import FrozenThing
    from auction.results import FreezesResult
    from clients.client import Client

TOKEN_S = 60
REFUSED = 1
UNREACHABLE = 2

_data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    help="The data directory of a running node; any of the house's will do.",
)
_name_option = click.option(
    "--as", "operator", default="operator", callback=player_name, help="Who does it, for the audit log."
)
_what_argument = click.argument("what", metavar="WHAT", type=click.Choice(["house", "category", "commodity", "player"]))
_thing_argument = click.argument("thing", metavar="[ID]", required=False)


@click.command("freeze")
@_data_option
@_name_option
@click.option("--no-claims", is_flag=True, help="Nor may anything be claimed or taken back.")
@_what_argument
@_thing_argument
def freeze_command(data: Path, operator: str, no_claims: bool, what: "FrozenThing", thing: str | None) -> None:
    """Stop trading in WHAT, at once and on every node: house, or a category, commodity or player by its ID."""
    _operate(data, operator, lambda house: house.freeze(what, thing, claims=not no_claims))


@click.command("thaw")
@_data_option
@_name_option
@_what_argument
@_thing_argument
def thaw_command(data: Path, operator: str, what: "FrozenThing", thing: str | None) -> None:
    """Let trading go on where it was stopped: house, or a category, commodity or player by its ID."""
    _operate(data, operator, lambda house: house.thaw(what, thing))


def _operate(data: Path, operator: str, act: "Callable[[Client], Awaitable[FreezesResult]]") -> None:
    """Do it, and show all that is frozen then."""
    from clients.errors import AuctionError, BadParams, NotFound, Refused
    from shardnode.cli import mint_token
    from shardnode.storage.data_directory import DataDirectory

    url = DataDirectory(data).running_url()
    if url is None:
        click.echo(
            f"no node runs on {data}; start it, or name the directory of a node of the house that runs", err=True
        )
        sys.exit(UNREACHABLE)

    async def ask() -> "FreezesResult":
        house = await connect_by_asyncio([url], lambda: mint_token(data, operator, "operator", TOKEN_S), None)
        try:
            return await act(house)
        finally:
            house.close()

    try:
        now = asyncio.run(ask())
    except AuctionError as problem:
        click.echo(str(problem), err=True)
        sys.exit(REFUSED if isinstance(problem, Refused | NotFound | BadParams) else UNREACHABLE)
    for row in now.frozen:
        claims = "" if row.claims else ", claims too"
        click.echo(f"{row.freeze} is frozen{claims}, by {row.by} since {in_words(row.at_ms)}")
    if not now.frozen:
        click.echo("nothing is frozen")
