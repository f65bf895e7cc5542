"""What a person can type after `auction client`."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
from rich.console import Console

from auction.commands import Sort
from auction.results import DeliveriesResult
from auction.state import ListingState, Notice
from clients.calls import Bounds, StatBounds
from clients.client import Client
from clients.options import ids_option, player_name, url_option
from clients.surroundings import surroundings
from clients.terminal.conversation import Conversation
from clients.terminal.references import find_delivery, find_item, find_listing, waiting
from clients.terminal.tables import gold, told, wallet
from clients.terminal.watching import watch as watch_market

TOKEN_TTL_S = 3_600
LISTED_DEFAULT = 20
EVENTS_DEFAULT = 20

F = TypeVar("F", bound=Callable[..., Any])
talking = click.make_pass_decorator(Conversation)
amount = click.IntRange(0, 2**53 - 1)
limit_option = click.option(
    "--limit", type=click.IntRange(1, 100), default=LISTED_DEFAULT, show_default=True, help="How many at most."
)


def seconds(_context: click.Context, _option: click.Parameter, typed: str | None) -> int | None:
    """30s, 10m, 12h or 2d as seconds."""
    if typed is None:
        return None
    match = re.fullmatch(r"([1-9][0-9]{0,7})([smhd]?)", typed)
    if match is None:
        raise click.BadParameter(f"'{typed}' is no duration; write 30s, 10m, 12h or 2d")
    return int(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}[match[2]]


def sorting(_context: click.Context, _option: click.Parameter, typed: str) -> str:
    """An order that the protocol knows."""
    try:
        return msgspec.convert(typed, Sort)
    except msgspec.ValidationError as error:
        raise click.BadParameter(
            f"'{typed}' is no order; write price, buyout, ends_at, created_at, level, or a stat like stat:damage"
        ) from error


def stat_bounds(_context: click.Context, _option: click.Parameter, typed: tuple[str, ...]) -> list[StatBounds]:
    """STAT=N or STAT=N..M as the protocol's bounds of stats."""
    bounds = []
    for text in typed:
        match = re.fullmatch(r"(?P<stat>[a-z][a-z0-9_]*)=(?P<min>-?[0-9]{1,9})?(?:\.\.(?P<max>-?[0-9]{1,9})?)?", text)
        if match is None or (match["min"] is None and match["max"] is None):
            raise click.BadParameter(f"'{text}' is no bound of a stat; write damage=30, damage=30..50 or damage=..50")
        bound: StatBounds = {"stat": match["stat"]}
        if match["min"] is not None:
            bound["min"] = int(match["min"])
        if match["max"] is not None:
            bound["max"] = int(match["max"])
        bounds.append(bound)
    return bounds


@click.group("client")
@url_option
@click.option("--token", envvar="AUCTION_TOKEN", show_envvar=True, help="Your token; `auction token` prints one.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="In place of a token: the house's own data directory, and --as.",
)
@click.option("--as", "name", metavar="NAME", callback=player_name, help="Who to be, with --data.")
@click.option("--json", "as_json", is_flag=True, help="Print results as JSON, one line each.")
@click.pass_context
def client(
    context: click.Context, urls: tuple[str, ...], token: str | None, data: Path | None, name: str | None, as_json: bool
) -> None:
    """Trade at a terminal. Things are named by the end of their id, as tables show it.

    Ends with 1 when the house refuses, 2 when what you typed cannot be meant so, 3 when the house cannot be reached,
    4 when it does not let you in, 5 when it may have done what you asked but could not say so.
    """
    around = surroundings(context)

    def ask_token() -> str:
        if data is not None and name is not None:
            return around.mint(data, name, "player", TOKEN_TTL_S)
        if token is None:
            raise click.UsageError("who are you? give --token (or set AUCTION_TOKEN), or --data DIR with --as NAME")
        return token

    console = Console(markup=False, highlight=False)
    context.obj = Conversation(urls=urls, token=ask_token, connect=around.connect, as_json=as_json, console=console)


def filters(command: F) -> F:
    """Give a command the filters of a search."""
    for option in reversed(
        (
            click.argument("text", required=False),
            click.option("--category", help="A shelf, such as swords."),
            click.option("--base", help="One item base."),
            click.option("--rarity", multiple=True, help="A rarity; may be given several times."),
            click.option("--level-min", type=int, help="Least level."),
            click.option("--level-max", type=int, help="Largest level."),
            click.option("--price-min", type=amount, help="Least price a buyer would pay now."),
            click.option("--price-max", type=amount, help="Largest price a buyer would pay now."),
            click.option(
                "--stat", multiple=True, callback=stat_bounds, help="damage=30, damage=30..50; several times."
            ),
            click.option("--buyout-only", is_flag=True, help="Only what can be bought at once."),
            click.option(
                "--sort",
                default="ends_at",
                show_default=True,
                callback=sorting,
                help="price, buyout, ends_at, created_at, level, or a stat like stat:damage.",
            ),
            click.option("--desc", is_flag=True, help="Largest first."),
            limit_option,
            ids_option,
        )
    ):
        command = option(command)
    return command


@client.command()
@filters
@talking
def search(talk: Conversation, /, ids: bool, **typed: Any) -> None:
    """Find open listings by filters; TEXT is looked for in names."""

    async def act(house: Client) -> None:
        found = await house.search(**_search_params(**typed))
        display = await talk.display(house, whole_ids=ids)
        more = "; there are more" if found.next else ""
        talk.show(found, lambda: display.listings(found.listings, f"{len(found.listings)} listings{more}"))

    talk.hold(act)


@client.command()
@click.argument("listing")
@talking
def show(talk: Conversation, listing: str) -> None:
    """Show everything about one LISTING."""

    async def act(house: Client) -> None:
        found = await find_listing(house, listing)
        display = await talk.display(house)
        talk.show(found, lambda: display.listing(found))

    talk.hold(act)


@client.command()
@click.argument("item")
@click.option("--start-bid", type=amount, help="Take bids from this on.")
@click.option("--buyout", type=amount, help="Sell at once for this.")
@click.option(
    "--duration", callback=seconds, help="30s, 10m, 12h, 2d; the shortest that the house offers if not given."
)
@talking
def sell(talk: Conversation, item: str, start_bid: int | None, buyout: int | None, duration: int | None) -> None:
    """Put an ITEM of your stash up for sale."""
    if start_bid is None and buyout is None:
        raise click.UsageError("name a price: --start-bid, --buyout, or both")

    async def act(house: Client) -> None:
        found = await find_item(house, item)
        duration_s = duration or min((await house.world()).rules.durations_s)
        made = await house.sell(found.item, start_bid=start_bid, buyout=buyout, duration_s=duration_s)
        display = await talk.display(house)
        talk.show(made, lambda: display.listing(made.listing))

    talk.hold(act)


@client.command()
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


@client.command()
@click.argument("listing")
@click.option("--yes", is_flag=True, help="Do not ask.")
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


@client.command()
@click.argument("listing")
@talking
def cancel(talk: Conversation, listing: str) -> None:
    """Take a LISTING of yours back."""

    async def act(house: Client) -> None:
        found = await find_listing(house, listing)
        made = await house.cancel(found.listing)
        talk.show(made, lambda: f"{made.listing.item.name} is on its way back; `claim` it.")

    talk.hold(act)


@client.command()
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


@client.command("wallet")
@talking
def wallet_command(talk: Conversation) -> None:
    """Show your gold and what you have going."""

    async def act(house: Client) -> None:
        player = await house.wallet()
        talk.show(player, lambda: wallet(player))

    talk.hold(act)


@client.command()
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


@client.command()
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


@client.command()
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


@client.command()
@ids_option
@talking
def deliveries(talk: Conversation, ids: bool) -> None:
    """Show what waits to be claimed, oldest first."""

    async def act(house: Client) -> None:
        found = DeliveriesResult([each async for each in waiting(house)], None)
        display = await talk.display(house, whole_ids=ids)
        talk.show(found, lambda: display.deliveries(found.deliveries, "Waiting for you"))

    talk.hold(act)


@client.command()
@click.option("--since", type=click.IntRange(0), help="Begin after this seq; else with the latest few.")
@click.option("--follow", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@talking
def events(talk: Conversation, since: int | None, follow: bool) -> None:
    """Show what you were told."""

    async def act(house: Client) -> None:
        assert house.session.login is not None
        last_seq = house.session.login.seq
        page = await house.events_since(max(0, last_seq - EVENTS_DEFAULT) if since is None else since, limit=100)
        display = await talk.display(house)
        talk.show(page, lambda: display.events(page.events))
        while follow:
            await _follow(talk, house)

    _until_interrupted(talk, act)


@client.command()
@filters
@talking
def watch(talk: Conversation, /, ids: bool, **typed: Any) -> None:
    """Watch the market and your own events live.

    Until Ctrl-C; with --json, your events only.
    """

    async def act(house: Client) -> None:
        if talk.as_json:
            await _follow(talk, house)
        display = await talk.display(house, whole_ids=ids)
        await watch_market(house, talk.console, display, _search_params(**typed))

    _until_interrupted(talk, act)


async def _follow(talk: Conversation, house: Client) -> None:
    async for event in house.events():
        talk.show(event, _sentence(event))


def _sentence(event: Notice) -> Callable[[], str]:
    return lambda: f"{event.seq}  {told(event)}"


def _until_interrupted(talk: Conversation, act: Callable[[Client], Any]) -> None:
    """Ctrl-C is the way to end these."""
    try:
        talk.hold(act)
    except KeyboardInterrupt:
        return


def _search_params(**typed: Any) -> dict[str, Any]:
    return {
        "text": typed["text"],
        "category": typed["category"],
        "base": typed["base"],
        "rarity": list(typed["rarity"]) or None,
        "level": _bounds(typed["level_min"], typed["level_max"]),
        "price": _bounds(typed["price_min"], typed["price_max"]),
        "stats": typed["stat"] or None,
        "buyout_only": typed["buyout_only"] or None,
        "sort": typed["sort"],
        "order": "desc" if typed["desc"] else "asc",
        "limit": typed["limit"],
    }


def _bounds(least: int | None, largest: int | None) -> Bounds | None:
    bounds: Bounds = {}
    if least is not None:
        bounds["min"] = least
    if largest is not None:
        bounds["max"] = largest
    return bounds or None
