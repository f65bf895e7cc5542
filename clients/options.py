"""What a person types the same way after several commands: a house's URL, a player's name, --ids."""

from urllib.parse import urlsplit

import click
import msgspec

from auction.commands import PlayerName

DEFAULT_URL = "ws://127.0.0.1:7117/ws"


def player_name(_context: click.Context, _option: click.Parameter, typed: str | None) -> str | None:
    """A name as tokens have it."""
    try:
        return msgspec.convert(typed, PlayerName | None)
    except msgspec.ValidationError as error:
        raise click.BadParameter(f"'{typed}' is no player's name; those are 1 to 64 of A-Z a-z 0-9 _ -") from error


def house_urls(_context: click.Context, _option: click.Parameter, typed: tuple[str, ...]) -> tuple[str, ...]:
    """URLs of WebSockets."""
    for url in typed:
        parts = urlsplit(url)
        if parts.scheme not in ("ws", "wss") or not parts.hostname:
            raise click.BadParameter(f"'{url}' is no URL of a house; write one like {DEFAULT_URL}")
    return typed


url_option = click.option(
    "--url",
    "urls",
    multiple=True,
    envvar="AUCTION_URL",
    show_envvar=True,
    default=(DEFAULT_URL,),
    show_default=True,
    callback=house_urls,
    help="The house; repeat it to name several nodes, tried in turn.",
)

ids_option = click.option("--ids", is_flag=True, help="Show whole ids.")
