"""What the `auction` command brings along for the commands of this package, and tests replace.

The clients know a house by its protocol alone; making a token from its data directory is not theirs to do.
"""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

if TYPE_CHECKING:
    from clients.client import Client
    from clients.session import Settings
    from shardnode.wire.methods import TokenRole

Mint = Callable[[Path, str, "TokenRole", int], str]
"""From a house's data directory, a name, a role and seconds to live, to a token. Raises click.ClickException."""

Connect = Callable[[Sequence[str], Callable[[], str], "Settings | None"], Awaitable["Client"]]
"""From a house's URLs, what gives tokens, and settings, to a client that is logged in."""


def no_mint(data: Path, sub: str, role: "TokenRole", ttl_s: int) -> str:  # noqa: ARG001 - Mint's signature
    """Stands in where nothing makes tokens."""
    raise click.UsageError("only the `auction` command makes tokens from --data; give a token instead")


async def connect_by_asyncio(urls: Sequence[str], token: Callable[[], str], settings: "Settings | None") -> "Client":
    """Connect on the running asyncio loop."""
    from clients.asyncio_client import connect  # here, because a process that runs Twisted cannot import it

    return await connect(urls, token, settings=settings)


class Surroundings(NamedTuple):
    """The context object of the `auction` command."""

    mint: Mint = no_mint
    connect: Connect = connect_by_asyncio


def surroundings(context: click.Context) -> Surroundings:
    """What the root command brought along."""
    root = context.find_root().obj
    return root if isinstance(root, Surroundings) else Surroundings()
