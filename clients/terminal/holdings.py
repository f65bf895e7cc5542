"""Commands about what we have: purse, stash, and deliveries that wait."""

import click

from auction.results import DeliveriesResult
from clients.client import Client
from clients.options import ids_option
from clients.terminal.conversation import Conversation, talking
from clients.terminal.references import find_delivery, waiting
from clients.terminal.tables import wallet as wallet_table


@click.command()
@talking
def wallet(talk: Conversation) -> None:
    """Show your gold and what you have going."""

    async def act(house: Client) -> None:
        player = await house.wallet()
        talk.show(player, lambda: wallet_table(player))

    talk.hold(act)


@click.command()
@ids_option
@talking
def stash(talk: Conversation, ids: bool) -> None:
    """Show the items and goods you can dispose of."""

    async def act(house: Client) -> None:
        first = await house.inventory(limit=100)
        items, cursor = list(first.items), first.next
        while cursor is not None:
            page = await house.inventory(limit=100, cursor=cursor)
            items, cursor = items + page.items, page.next
        display = await talk.display(house, whole_ids=ids)
        whole = type(first)(items=items, commodities=first.commodities, next=None)
        talk.show(whole, lambda: display.stash(items, first.commodities))

    talk.hold(act)


@click.command()
@ids_option
@talking
def deliveries(talk: Conversation, ids: bool) -> None:
    """Show what waits to be claimed, oldest first."""

    async def act(house: Client) -> None:
        found = DeliveriesResult([each async for each in waiting(house)], None)
        display = await talk.display(house, whole_ids=ids)
        talk.show(found, lambda: display.deliveries(found.deliveries, "Waiting for you"))

    talk.hold(act)


@click.command()
@click.argument("delivery", required=False)
@click.option("--all", "everything", is_flag=True, help="Claim all that waits.")
@talking
def claim(talk: Conversation, delivery: str | None, everything: bool) -> None:
    """Move a DELIVERY, or all, into wallet and stash."""
    if (delivery is None) != everything:
        raise click.UsageError("name a delivery, or give --all; `deliveries` shows what waits")

    async def act(house: Client) -> None:
        chosen = [each async for each in waiting(house)] if delivery is None else [await find_delivery(house, delivery)]
        display = await talk.display(house)
        for each in chosen:
            done = await house.claim(each.delivery)
            talk.show(done, lambda done=done: display.deliveries([done.delivery], "Claimed"))  # type: ignore[misc]  # mypy cannot type a lambda's default
        if not chosen and not talk.as_json:
            talk.console.print("Nothing waits for you.")

    talk.hold(act)
