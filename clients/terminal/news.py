"""Commands about what we are told: events, watches, and the live view."""

from collections.abc import Callable
from typing import Any

import click

from auction.state import Notice
from clients.client import Client
from clients.options import ids_option
from clients.terminal.conversation import Conversation, talking
from clients.terminal.references import find_listing, find_watch
from clients.terminal.tables import matched, told
from clients.terminal.typed import filters, ordering, query_of, search_of
from clients.terminal.watching import watch_market
from clients.watched import Match

EVENTS_DEFAULT = 20


@click.command()
@click.option("--since", type=click.IntRange(0), help="Begin after this seq; else with the latest few.")
@click.option("--follow", is_flag=True, help="Go on with what comes, and with what your watches tell, until Ctrl-C.")
@talking
def events(talk: Conversation, since: int | None, follow: bool) -> None:
    """Show what you were told."""

    async def act(house: Client) -> None:
        assert house.session.login is not None
        last_seq = house.session.login.seq
        page = await house.events_since(max(0, last_seq - EVENTS_DEFAULT) if since is None else since, limit=100)
        display = await talk.display(house)
        talk.show(page, lambda: display.events(page.events))
        if follow:
            await _follow(talk, house)

    talk.hold_until_interrupted(act)


@click.command()
@filters
@click.option("--listing", help="In place of filters: follow this listing.")
@click.option("--commodity", help="In place of filters: follow this commodity.")
@talking
def watch(talk: Conversation, /, listing: str | None, commodity: str | None, **typed: Any) -> None:
    """Be told of listings that come to match, of one listing or of a commodity.

    `live` and `events --follow` show what there is to tell.
    """
    query = query_of(typed)
    if sum(bool(each) for each in (listing, commodity, query)) > 1:
        raise click.UsageError("one thing at a time: filters, --listing or --commodity")

    async def act(house: Client) -> None:
        if listing is not None:
            made = await house.watch(listing=(await find_listing(house, listing)).listing)
        elif commodity is not None:
            made = await house.watch(commodity=commodity)
        else:
            made = await house.watch(query=query)  # type: ignore[arg-type]  # filters are a Query's members
        talk.show(made, lambda: f"Watching as {made.watch}; `live` shows what it tells, `unwatch` ends it.")

    talk.hold(act)


@click.command()
@ids_option
@talking
def watches(talk: Conversation, ids: bool) -> None:
    """Show what you watch."""

    async def act(house: Client) -> None:
        found = await house.watches()
        display = await talk.display(house, whole_ids=ids)
        talk.show(found, lambda: display.watches(found.watches))

    talk.hold(act)


@click.command()
@click.argument("watch")
@talking
def unwatch(talk: Conversation, watch: str) -> None:
    """End a WATCH."""

    async def act(house: Client) -> None:
        done = await house.unwatch(await find_watch(house, watch))
        talk.show(done, lambda: "You will not be told of it any more.")

    talk.hold(act)


@click.command()
@filters
@ordering
@ids_option
@talking
def live(talk: Conversation, /, ids: bool, **typed: Any) -> None:
    """Show the market, your own events and what your watches tell, live.

    Until Ctrl-C; with --json, events and watches only.
    """

    async def act(house: Client) -> None:
        if talk.as_json:
            await _follow(talk, house)
        else:
            display = await talk.display(house, whole_ids=ids)
            await watch_market(house, talk.console, display, search_of(typed))

    talk.hold_until_interrupted(act)


async def _follow(talk: Conversation, house: Client) -> None:
    """Print what comes, until the session ends."""

    def tell(match: Match) -> None:
        talk.show(match, lambda: matched(match))

    house.listen_to_watches(tell)
    async for event in house.events():
        talk.show(event, _sentence(event))


def _sentence(event: Notice) -> Callable[[], str]:
    return lambda: f"{event.seq}  {told(event)}"
