"""Commands of an operator: stop trading, and let it go on."""

import click

from auction.house_state import FrozenThing
from auction.results import FreezesResult
from clients.client import Client
from clients.terminal.conversation import Conversation, talking

thing_argument = click.argument("what", type=click.Choice(["house", "category", "commodity", "player"]))


@click.command()
@thing_argument
@click.argument("id", required=False)
@click.option("--no-claims", is_flag=True, help="Nor may anything be claimed or taken back.")
@talking
def freeze(talk: Conversation, what: FrozenThing, id: str | None, no_claims: bool) -> None:  # noqa: A002 - the protocol's word
    """Stop trading in the house, or in one category or commodity, or for one player.

    Only operators may; see `auction token --role operator`.
    """

    async def act(house: Client) -> None:
        now = await house.freeze(what, id, claims=not no_claims)
        talk.show(now, lambda: _told(now))

    talk.hold(act)


@click.command()
@thing_argument
@click.argument("id", required=False)
@talking
def thaw(talk: Conversation, what: FrozenThing, id: str | None) -> None:  # noqa: A002 - the protocol's word
    """Let trading go on where it was stopped."""

    async def act(house: Client) -> None:
        now = await house.thaw(what, id)
        talk.show(now, lambda: _told(now))

    talk.hold(act)


def _told(now: FreezesResult) -> str:
    frozen = [f"{each.what} {each.id or ''}".strip() + ("" if each.claims else " (no claims)") for each in now.frozen]
    return f"Frozen now: {', '.join(frozen) or 'nothing'}."
