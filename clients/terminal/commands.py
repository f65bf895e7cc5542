"""What a person can type after `auction client`: the group, and the two verbs for listings and orders alike."""

from pathlib import Path

import click
from rich.console import Console

from auction.results import ListingView
from clients.client import Client
from clients.options import player_name, url_option
from clients.surroundings import surroundings
from clients.terminal.auctions import bid, bids, buyout, listings, put_up, search, show
from clients.terminal.conversation import Conversation, talking
from clients.terminal.exchange import (
    at_option,
    book,
    buy,
    candles,
    commodities,
    orders,
    quote,
    quote_option,
    trade_pieces,
)
from clients.terminal.holdings import claim, deliveries, stash, wallet
from clients.terminal.news import events, live, unwatch, watch, watches
from clients.terminal.offers import accept, decline, offer, offers, withdraw
from clients.terminal.references import find_own
from clients.terminal.tables import gold
from clients.terminal.typed import amount, pieces, seconds, yes_option

TOKEN_TTL_S = 3_600


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
    context: click.Context,
    urls: tuple[str, ...],
    token: str | None,
    data: Path | None,
    name: str | None,
    as_json: bool,
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


@click.command()
@click.argument("thing", required=False)
@click.argument("quantity", type=pieces, required=False)
@click.option("--start-bid", type=amount, help="An item: take bids from this on.")
@click.option("--buyout", type=amount, help="An item: sell at once for this.")
@click.option("--duration", callback=seconds, help="An item: 30s, 10m, 12h, 2d; the house's shortest if not given.")
@at_option
@quote_option
@yes_option
@talking
def sell(
    talk: Conversation,
    thing: str | None,
    quantity: int | None,
    start_bid: int | None,
    buyout: int | None,
    duration: int | None,
    at: int | None,
    quote: str | None,
    yes: bool,
) -> None:
    """Put an item up for sale, or sell QUANTITY pieces of a commodity.

    An item of your stash takes --start-bid, --buyout or both. Pieces are sold with --at for that much each or more;
    without, for what they bring now, once you have agreed to it.
    """
    of_item = start_bid is not None or buyout is not None or duration is not None
    of_pieces = quantity is not None or at is not None or quote is not None
    if of_item and of_pieces:
        raise click.UsageError("an item takes --start-bid and --buyout, pieces a quantity, --at or --quote; not both")
    if of_pieces:
        trade_pieces(talk, "sell", thing, quantity, at, quote, yes=yes)
    else:
        put_up(talk, thing, start_bid, buyout, duration)


@click.command()
@click.argument("thing")
@talking
def cancel(talk: Conversation, thing: str) -> None:
    """Take a listing or an order of yours back."""

    async def act(house: Client) -> None:
        found = await find_own(house, thing)
        if isinstance(found, ListingView):
            taken = await house.cancel(found.listing)
            talk.show(taken, lambda: f"{taken.listing.item.name} is on its way back; `claim` it.")
            return
        ended = await house.cancel_order(found.order)
        left = ended.returned
        back = (
            f"{gold(left.gold)} gold is in your wallet" if left.gold else f"{gold(left.quantity)} pieces; `claim` them"
        )
        talk.show(ended, lambda: f"Took back what was left: {back}.")

    talk.hold(act)


for command in (
    *(search, show, sell, bid, buyout, cancel, listings, bids),
    *(wallet, stash, deliveries, claim),
    *(commodities, quote, buy, orders, book, candles),
    *(offer, offers, accept, decline, withdraw),
    *(events, watch, watches, unwatch, live),
):
    client.add_command(command)
