"""Commands about commodities: prices, orders, books, and what they were traded for."""

import asyncio
from typing import Literal

import click

from auction.results import OrderResult, QuoteResult
from auction.state import OrderSide
from clients.client import Client
from clients.options import ids_option
from clients.terminal.conversation import Conversation, talking
from clients.terminal.pictures import book_picture, candle_picture
from clients.terminal.tables import Quotation, board, gold
from clients.terminal.typed import amount, limit_option, pieces, yes_option

BUCKETS: dict[str, Literal[60, 3600, 86400]] = {"1m": 60, "1h": 3_600, "1d": 86_400}

at_option = click.option("--at", type=amount, help="Gold a piece; what nobody takes at that rests in the book.")
quote_option = click.option("--quote", help="In place of all else: by this quote.")


@click.command()
@talking
def commodities(talk: Conversation) -> None:
    """Show all commodities with their last and best prices."""

    async def act(house: Client) -> None:
        known = await house.commodities()
        books = await asyncio.gather(*(house.book(each.commodity, depth=1) for each in known.commodities))
        talk.show(known, lambda: board([Quotation(*each) for each in zip(known.commodities, books, strict=True)]))

    talk.hold(act)


@click.command()
@click.argument("side", metavar="SIDE", type=click.Choice(["buy", "sell"]))
@click.argument("commodity")
@click.argument("quantity", type=pieces)
@talking
def quote(talk: Conversation, side: OrderSide, commodity: str, quantity: int) -> None:
    """Ask what QUANTITY pieces of a COMMODITY cost, or bring, now; SIDE is buy or sell.

    `buy` and `sell` take the quote by --quote while it holds.
    """

    async def act(house: Client) -> None:
        given = await house.quote(commodity, side, quantity)
        talk.show(given, lambda: f"{_priced(given)}\nquote {given.quote}")

    talk.hold(act)


@click.command()
@click.argument("commodity", required=False)
@click.argument("quantity", type=pieces, required=False)
@at_option
@quote_option
@yes_option
@talking
def buy(
    talk: Conversation,
    commodity: str | None,
    quantity: int | None,
    at: int | None,
    quote: str | None,
    yes: bool,
) -> None:
    """Buy QUANTITY pieces of a COMMODITY.

    With --at for that much each or less; without, for what they cost now, once you have agreed to it.
    """
    trade_pieces(talk, "buy", commodity, quantity, at, quote, yes=yes)


def trade_pieces(
    talk: Conversation,
    side: OrderSide,
    commodity: str | None,
    quantity: int | None,
    at: int | None,
    quote: str | None,
    *,
    yes: bool,
) -> None:
    """Place an order at a limit a piece, by a quote, or by a quote that is asked for here and agreed to."""
    if quote is not None and (commodity is not None or at is not None):
        raise click.UsageError("a quote says it all; leave out the rest")
    if quote is None and (commodity is None or quantity is None):
        raise click.UsageError("name a commodity and how many pieces, or a --quote; `commodities` shows what there is")

    async def act(house: Client) -> None:
        place = house.buy_commodity if side == "buy" else house.sell_commodity
        if at is not None:
            done = await place(commodity, quantity, at)
        else:
            done = await place(quote=quote or await agreed(house))
        talk.show(done, lambda: _told(side, done))

    async def agreed(house: Client) -> str:
        assert commodity is not None and quantity is not None
        given = await house.quote(commodity, side, quantity)
        if not yes:
            click.confirm(f"{_priced(given)} Agreed?", abort=True, err=True)
        return given.quote

    talk.hold(act)


@click.command()
@limit_option
@ids_option
@talking
def orders(talk: Conversation, limit: int, ids: bool) -> None:
    """Show your orders that rest, oldest first."""

    async def act(house: Client) -> None:
        found = await house.my_orders(limit=limit)
        display = await talk.display(house, whole_ids=ids)
        talk.show(found, lambda: display.orders(found.orders))

    talk.hold(act)


@click.command()
@click.argument("commodity")
@click.option("--depth", type=click.IntRange(1, 100), default=8, show_default=True, help="Prices a side.")
@talking
def book(talk: Conversation, commodity: str, depth: int) -> None:
    """Show what is bid and asked for a COMMODITY."""

    async def act(house: Client) -> None:
        found = await house.book(commodity, depth=depth)
        now_ms = (await talk.display(house)).now_ms
        talk.show(found, lambda: book_picture(commodity, found, now_ms))

    talk.hold(act)


@click.command()
@click.argument("commodity")
@click.option("--bucket", type=click.Choice(list(BUCKETS)), default="1m", show_default=True, help="Time of a candle.")
@click.option("--limit", type=click.IntRange(1, 100), default=60, show_default=True, help="How many at most.")
@talking
def candles(talk: Conversation, commodity: str, bucket: str, limit: int) -> None:
    """Show what a COMMODITY was traded for."""

    async def act(house: Client) -> None:
        found = await house.candles(commodity, BUCKETS[bucket], limit=limit)
        talk.show(found, lambda: candle_picture(commodity, found.candles, BUCKETS[bucket]))

    talk.hold(act)


def _priced(given: QuoteResult) -> str:
    levels = ", ".join(f"{gold(level.quantity)} at {gold(level.price)}" for level in given.levels)
    price = "cost" if given.side == "buy" else "bring, before the fee,"
    return f"{gold(given.quantity)} {given.commodity} {price} {gold(given.total)} ({levels})."


def _told(side: OrderSide, done: OrderResult) -> str:
    """What came of an order."""
    traded = f"Bought {gold(done.filled)} for {gold(done.paid)}; `claim` them."
    if side == "sell":
        traded = f"Sold {gold(done.filled)} for {gold(done.received)}, the fee taken off; `claim` it."
    rest = f"{gold(done.resting)} rest in the book as {done.order}; `cancel` takes them back."
    return "\n".join([traded] * bool(done.filled) + [rest] * bool(done.resting)) or "Nothing was traded."
