"""`auction run`: a populated auction house on this machine, for somebody who meets it for the first time.

Starts `auction serve` and `auction bots` as processes of their own, gives the visitor gold and something to sell, waits
until there is something to find, then prints the URL, a token and what to try. Everything ends with Ctrl-C; the data
stays, and the next run goes on from it.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clients.bots.population import PLAYERS_MAX
from clients.options import DEFAULT_URL

if TYPE_CHECKING:
    from clients.client import Client
    from shardnode.cli.children import Child

VISITOR = "you"
VISITOR_GOLD = 50_000
VISITOR_ITEMS = 3
VISITOR_PIECES = 200
RATE = 12.0
"""Requests a second of all bots, once the market is populated."""
TOKEN_S = 30 * 86_400
STOP_S = 15.0
"""How long a process may take to end before it is killed."""

GREETING = """
The auction house is open at {url}

You are the player "{visitor}". Your token (good for 30 days):
{token}

Try next, in another terminal:
  .venv/bin/auction client {options} search --sort price
  .venv/bin/auction client {options} commodities
  .venv/bin/auction client {options} book {ware}
  .venv/bin/auction client {options} candles {ware}
  .venv/bin/auction client {options} offers
  .venv/bin/auction client {options} live

Ctrl-C ends it; the data stays in {data}.
"""


@click.command("run")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data"),
    show_default=True,
    help="The data directory; made if it is not there.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=7117,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option("--players", type=click.IntRange(1, PLAYERS_MAX), default=60, show_default=True, help="Bots that trade.")
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the bots and of the market they make.")
def run_command(data: Path, host: str, port: int, players: int, seed: int) -> None:
    """Serve a populated auction house and let bots trade in it."""
    from twisted.internet.defer import ensureDeferred
    from twisted.internet.task import react

    serve = ("serve", "--data", str(data), "--host", host, "--port", str(port), "--log-level", "warn")
    who = ("--data", str(data), "--players", str(players), "--seed", str(seed), "--friend", VISITOR)
    bots = ("bots", *who, "--populate", "--rate", str(RATE))
    react(lambda reactor: ensureDeferred(_run(reactor, data, serve, bots)), [])


async def _run(reactor: Any, data: Path, serve: tuple[str, ...], bots: tuple[str, ...]) -> None:
    """Until a signal comes or a process ends by itself, which ends the other one and is exit code 1."""
    from twisted.internet.defer import FirstError, ensureDeferred

    from clients.errors import AuctionError
    from shardnode.cli.children import ChildEnded
    from shardnode.ops.logs import start_logging

    start_logging("auto", "error")
    children: list[Child] = []

    async def stop() -> None:
        for child in reversed(children):
            await child.stop(STOP_S)

    reactor.addSystemEventTrigger("before", "shutdown", lambda: ensureDeferred(stop()))
    try:
        await _open(reactor, data, serve, bots, children)
    except (ChildEnded, AuctionError, FirstError) as problem:
        if not any(child.stopping for child in children):
            cause = problem.subFailure.value if isinstance(problem, FirstError) else problem
            click.echo(f"Error: {cause}", err=True)
            raise SystemExit(1) from problem


async def _open(
    reactor: Any, data: Path, serve: tuple[str, ...], bots: tuple[str, ...], children: "list[Child]"
) -> None:
    """Start the node, then its market, then wait for the end of either; `children` is filled on the way."""
    from twisted.internet.defer import DeferredList

    from shardnode.cli.children import Child

    children.append(node := Child(reactor, serve))
    url = (await node.line("ready ")).removeprefix("ready ")
    service = await _service(data, url)
    await _endow(service)
    children.append(population := Child(reactor, (*bots, "--url", url)))
    click.echo(await population.line("populated "))
    await _greet(service, data, url)
    service.close()
    await DeferredList(
        [node.ended(), population.ended()], fireOnOneCallback=True, fireOnOneErrback=True, consumeErrors=True
    )


async def _service(data: Path, url: str) -> "Client":
    """Connect as the game's service."""
    from clients.twisted_client import connect
    from shardnode.cli.token import mint

    return await connect(url, mint(data, "run", "service", TOKEN_S))


async def _endow(service: "Client") -> None:
    """Give the visitor something to trade with."""
    bases = (await service.bases(limit=VISITOR_ITEMS)).bases
    items = [{"base": base.base} for base in bases]
    await service.grant(VISITOR, gold=VISITOR_GOLD, items=items, key=f"welcome {VISITOR}")


async def _greet(service: "Client", data: Path, url: str) -> None:
    """Give the visitor some pieces of what is traded most, and say how to go on."""
    from shardnode.cli.token import mint

    ware = await _best_known(service)
    await service.grant(VISITOR, commodities={ware: VISITOR_PIECES}, key=f"welcome {VISITOR} {ware}")
    token = mint(data, VISITOR, "player", TOKEN_S)
    options = f"--data {data} --as {VISITOR}" if url == DEFAULT_URL else f"--url {url} --data {data} --as {VISITOR}"
    click.echo(GREETING.format(url=url, visitor=VISITOR, token=token, options=options, data=data, ware=ware))


async def _best_known(service: "Client") -> str:
    """The commodity that was traded most in the latest minutes."""
    commodities = [each.commodity for each in (await service.commodities()).commodities]
    volumes = [
        sum(candle.volume for candle in (await service.candles(commodity, 60, limit=10)).candles)
        for commodity in commodities
    ]
    return commodities[volumes.index(max(volumes))]
