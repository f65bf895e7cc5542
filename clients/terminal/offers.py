"""Commands about offers: what players give each other directly."""

import click

from clients.calls import Goods
from clients.client import Client
from clients.options import ids_option, player_name
from clients.terminal.conversation import Conversation, talking
from clients.terminal.references import find_item, find_offer
from clients.terminal.typed import goods, limit_option, seconds, yes_option


@click.command()
@click.argument("player", callback=player_name)
@click.option("--give", multiple=True, callback=goods, help="500 for gold, iron=20 for pieces, or an item; repeatable.")
@click.option("--want", multiple=True, callback=goods, help="The same; an item by its whole id.")
@click.option("--expires", callback=seconds, help="30s, 10m, 12h, 2d; the house's own if not given.")
@talking
def offer(talk: Conversation, player: str, give: Goods, want: Goods, expires: int | None) -> None:
    """Offer a PLAYER something for something.

    What you give is held until the offer is answered, withdrawn or expired.
    """
    if not give and not want:
        raise click.UsageError("say what you --give and what you --want, such as --give iron=20 --want 500")

    async def act(house: Client) -> None:
        if "items" in give:
            give["items"] = [(await find_item(house, item)).item for item in give["items"]]
        made = await house.make_offer(player, give, want, expires_s=expires)
        talk.show(made, lambda: f"Offered to {player} as {made.offer}; `withdraw` takes it back.")

    talk.hold(act)


@click.command()
@limit_option
@ids_option
@talking
def offers(talk: Conversation, limit: int, ids: bool) -> None:
    """Show open offers, yours and those made to you."""

    async def act(house: Client) -> None:
        found = await house.offers(limit=limit)
        display = await talk.display(house, whole_ids=ids)
        talk.show(found, lambda: display.offers(found.offers, house.player))

    talk.hold(act)


@click.command()
@click.argument("offer")
@yes_option
@talking
def accept(talk: Conversation, offer: str, yes: bool) -> None:
    """Accept an OFFER: give what is wanted, get what is offered."""

    async def act(house: Client) -> None:
        found = await find_offer(house, offer)
        display = await talk.display(house)
        if not yes:
            bargain = f"Give {found.maker} {display.goods(found.want)} for {display.goods(found.give)}?"
            click.confirm(bargain, abort=True, err=True)
        done = await house.accept_offer(found.offer)
        talk.show(done, lambda: "Agreed; `claim` what is yours now.")

    talk.hold(act)


@click.command()
@click.argument("offer")
@talking
def decline(talk: Conversation, offer: str) -> None:
    """Turn down an OFFER that was made to you."""

    async def act(house: Client) -> None:
        done = await house.decline_offer((await find_offer(house, offer)).offer)
        talk.show(done, lambda: "Declined.")

    talk.hold(act)


@click.command()
@click.argument("offer")
@talking
def withdraw(talk: Conversation, offer: str) -> None:
    """Take back an OFFER of yours."""

    async def act(house: Client) -> None:
        done = await house.withdraw_offer((await find_offer(house, offer)).offer)
        talk.show(done, lambda: "Withdrawn; the gold is in your wallet, `claim` the goods.")

    talk.hold(act)
