"""`auction bots`: fill a house with life."""

import asyncio
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import msgspec

from clients.bots.living import Clock, LogIn, Market
from clients.bots.population import PLAYERS_MAX, Bot, population
from clients.errors import AuctionError
from clients.options import player_name, url_option
from clients.surroundings import Surroundings, surroundings

TOKEN_TTL_S = 3_600
SERVICE = "bots"
"""Whom the service's token names."""
PROGRESS_EVERY_S = 1.0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What the command was asked to do."""

    rate: float
    duration_s: float | None
    populate: bool
    friend: str | None
    as_json: bool


class Latency(msgspec.Struct, frozen=True):
    """Milliseconds that answers took, repeats included, by share of the answers."""

    p50: float
    p90: float
    p99: float


class Report(msgspec.Struct, frozen=True):
    """The last word of `auction bots --json`."""

    done: dict[str, int]
    """What was done, by intention, refusal and failure."""
    latency_ms: dict[str, Latency]
    """By intention."""
    doubted: int
    """Mutations that were cut off or answered `in_doubt`."""
    resolved: int
    """Of these, those that a repeat under the same key made certain."""


@click.command("bots")
@url_option
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The house's data directory, to make tokens with its key.",
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="In place of --data: lines of a name and its token; the name 'bots' is the service that gives gold and goods.",
)
@click.option("--players", type=click.IntRange(1, PLAYERS_MAX), default=60, show_default=True, help="How many bots.")
@click.option("--seed", type=int, default=1, show_default=True, help="Same seed, same bots.")
@click.option(
    "--rate", type=click.FloatRange(0.01, 10_000), default=4.0, show_default=True, help="Requests a second, together."
)
@click.option("--duration-s", type=click.FloatRange(0), help="Stop after this long; without it, when told to.")
@click.option("--populate", is_flag=True, help="First fill the market quickly.")
@click.option("--friend", callback=player_name, help="A player besides the bots whom some of them offer things.")
@click.option("--json", "as_json", is_flag=True, help="Tell as JSON, in the last line, what was done and how fast.")
@click.pass_context
def bots_command(
    context: click.Context,
    urls: tuple[str, ...],
    data: Path | None,
    token_file: Path | None,
    players: int,
    seed: int,
    rate: float,
    duration_s: float | None,
    populate: bool,
    friend: str | None,
    as_json: bool,
) -> None:
    """Let a population of bots trade: sellers and hunters, gatherers, crafters and who makes a market for them."""
    if (data is None) == (token_file is None):
        raise click.UsageError("give either --data (the house's own directory) or --token-file")
    bots = population(seed, players)
    around = surroundings(context)
    if data is not None:
        token_of, with_service = _minted(around, data), True
    else:
        assert token_file is not None
        tokens = _read_tokens(token_file)
        bots = [
            msgspec.structs.replace(bot, player=name)
            for bot, name in zip(bots, tokens, strict=False)
            if name != SERVICE
        ]
        token_of, with_service = tokens.__getitem__, SERVICE in tokens
    plan = Plan(rate=rate, duration_s=duration_s, populate=populate, friend=friend, as_json=as_json)
    try:
        asyncio.run(_run(_logging_in(around, urls, token_of), bots, plan, with_service=with_service))
    except AuctionError as error:
        raise click.ClickException(error.message) from error


def _minted(around: Surroundings, data: Path) -> Callable[[str], str]:
    return lambda player: around.mint(data, player, "service" if player == SERVICE else "player", TOKEN_TTL_S)


def _read_tokens(path: Path) -> dict[str, str]:
    tokens = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        words = line.split()
        if len(words) != 2:
            raise click.ClickException(f"{path}, line {number}: write a name, a space, and that player's token")
        tokens[words[0]] = words[1]
    if tokens.keys() <= {SERVICE}:
        raise click.ClickException(f"{path} names no player; add lines of a name and that player's token")
    return tokens


def _logging_in(around: Surroundings, urls: tuple[str, ...], token_of: Callable[[str], str]) -> LogIn:
    return lambda player: around.connect(urls, lambda: token_of(player), None)


async def _run(log_in: LogIn, bots: list[Bot], plan: Plan, *, with_service: bool) -> None:
    """Live until the duration is over or a signal comes."""
    loop = asyncio.get_running_loop()
    clock = Clock(monotonic_s=loop.time, wall_ms=lambda: time.time_ns() // 1_000_000, wait=asyncio.sleep)
    service = await log_in(SERVICE) if with_service else None
    market = Market(bots, log_in, service, clock, plan.rate, plan.friend)
    living = loop.create_task(_live(market, plan))
    showing = loop.create_task(show_progress(market, clock)) if sys.stdout.isatty() else None
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, living.cancel)
    try:
        await living
    except asyncio.CancelledError:
        click.echo("bots: going home", err=True)
    finally:
        if showing is not None:
            showing.cancel()
        if service is not None:
            await service.close()
    click.echo(f"done {_summary(market)}")
    if plan.as_json:
        click.echo(msgspec.json.encode(report_of(market)))


async def _live(market: Market, plan: Plan) -> None:
    await market.open()
    if plan.populate:
        await market.populate()
        click.echo(f"populated {_summary(market)}")
    try:
        async with asyncio.timeout(plan.duration_s):
            await market.live()
    except TimeoutError:
        return


async def show_progress(market: Market, clock: Clock) -> None:
    """One line on a terminal, written over and over."""
    while True:
        click.echo(f"\r\x1b[Kbots: {_summary(market)}", nl=False)
        await clock.wait(PROGRESS_EVERY_S)


def report_of(market: Market) -> Report:
    """All that a market counted."""
    latency_ms = {name: _latency_ms(sorted(times_s)) for name, times_s in market.times_s.items()}
    return Report(dict(market.done), latency_ms, market.doubted, market.resolved)


def _latency_ms(times_s: list[float]) -> Latency:
    return Latency(*(round(times_s[int(share * (len(times_s) - 1))] * 1000, 1) for share in (0.5, 0.9, 0.99)))


def _summary(market: Market) -> str:
    done = market.done
    refused = sum(count for name, count in done.items() if name.startswith("refused"))
    failed = sum(count for name, count in done.items() if name.startswith("failed"))
    return (
        f"{done['Sell']} listings, {done['Bid']} bids, {done['BuyOut']} buyouts, "
        f"{done['Order'] + done['TakeQuote']} orders, {done['MakeOffer']} offers, {done['Claim']} claims, "
        f"{refused} refused, {failed} failed, {done.total()} requests"
    )
