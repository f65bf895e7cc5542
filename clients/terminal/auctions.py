"""Commands about listings: looking for them, bidding and buying, and what we sell ourselves."""

from typing import Any

import click
from msgspec import UNSET
from rich.console import Group
from rich.text import Text

from auction.state import ListingState
from clients.client import Client
from clients.options import ids_option
from clients.terminal.conversation import Conversation, talking
from clients.terminal.references import find_item, find_listing
from clients.terminal.tables import going_rate, gold
from clients.terminal.typed import amount, filters, limit_option, ordering, search_of, yes_option


@click.command()
@filters
@ordering
@click.option("--market", is_flag=True, help="Say what sold of --base within a day as well.")
@ids_option
@talking
def search(talk: Conversation, /, market: bool, ids: bool, **typed: Any) -> None:
    """Find open listings by filters; TEXT is looked for in names."""
    if market and typed["base"] is None:
        raise click.UsageError("--market needs to know of what: name a --base")

    async def act(house: Client) -> None:
        found = await house.search(**search_of(typed), with_market=market or None)
        display = await talk.display(house, whole_ids=ids)
        title = f"{len(found.listings)} listings{'; there are more' if found.next else ''}"
        rate = [] if found.market is UNSET else [Text(going_rate(found.market))]
        talk.show(found, lambda: Group(display.listings(found.listings, title, typed["score"]), *rate))

    talk.hold(act)


@click.command()
@click.argument("listing")
@talking
def show(talk: Conversation, listing: str) -> None:
    """Show everything about one LISTING."""

    async def act(house: Client) -> None:
        found = await find_listing(house, listing)
        display = await talk.display(house)
        talk.show(found, lambda: display.listing(found))

    talk.hold(act)


def put_up(
    talk: Conversation, item: str | None, start_bid: int | None, buyout: int | None, duration: int | None
) -> None:
    """Put an item of the stash up for sale."""
    if item is None or (start_bid is None and buyout is None):
        raise click.UsageError("name an item and its price: --start-bid, --buyout, or both; or pieces and how many")

    async def act(house: Client) -> None:
        found = await find_item(house, item)
        duration_s = duration or min((await house.world()).rules.durations_s)
        made = await house.sell(found.item, start_bid=start_bid, buyout=buyout, duration_s=duration_s)
        display = await talk.display(house)
        talk.show(made, lambda: display.listing(made.listing))

    talk.hold(act)


@click.command()
@click.argument("listing")
@click.argument("amount", type=amount)
@talking
def bid(talk: Conversation, listing: str, amount: int) -> None:
    """Bid on a LISTING, up to an AMOUNT.

    AMOUNT is the most you would pay, and is held while you lead.
    """

    async def act(house: Client) -> None:
        found = await find_listing(house, listing)
        made = await house.bid(found.listing, amount)
        price = gold(made.listing.price)
        talk.show(made, lambda: f"You lead {found.item.name} at {price}, with a maximum of {gold(amount)}.")

    talk.hold(act)


@click.command()
@click.argument("listing")
@yes_option
@talking
def buyout(talk: Conversation, listing: str, yes: bool) -> None:
    """Buy a LISTING at once for its buyout price."""

    async def act(house: Client) -> None:
        found = await find_listing(house, listing)
        if found.buyout is None:
            raise click.UsageError("that listing has no buyout price; use `bid`")
        if not yes:
            click.confirm(f"Buy {found.item.name} for {gold(found.buyout)}?", abort=True, err=True)
        made = await house.buyout(found.listing, found.buyout)
        talk.show(made, lambda: f"{made.item.name} is yours for {gold(made.paid)}; `claim` it.")

    talk.hold(act)


@click.command()
@click.option("--state", type=click.Choice(["open", "sold", "expired", "cancelled"]), help="Only these.")
@limit_option
@ids_option
@talking
def listings(talk: Conversation, state: ListingState | None, limit: int, ids: bool) -> None:
    """Show your listings, newest first."""

    async def act(house: Client) -> None:
        found = await house.my_listings(state, limit=limit)
        display = await talk.display(house, whole_ids=ids)
        talk.show(found, lambda: display.listings(found.listings, "Your listings"))

    talk.hold(act)


@click.command()
@limit_option
@ids_option
@talking
def bids(talk: Conversation, limit: int, ids: bool) -> None:
    """Show your bids, latest first."""

    async def act(house: Client) -> None:
        found = await house.my_bids(limit=limit)
        display = await talk.display(house, whole_ids=ids)
        talk.show(found, lambda: display.bids(found.bids))

    talk.hold(act)
