"""The live view: the market as it stands, our purse, what we are told, and what our watches tell."""

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from auction.results import PlayerResult, SearchResult
from auction.state import Notice
from clients.client import Client
from clients.errors import Unavailable
from clients.terminal.tables import Display, gold, lasting, matched
from clients.watched import Match

REFRESH_S = 2.0
"""How often the market is looked at when nothing happens to us."""
EVENTS_SHOWN = 6
MATCHES_SHOWN = 6


async def watch_market(client: Client, console: Console, display: Display, search: dict[str, Any]) -> None:
    """Show the market until interrupted; a house that cannot be reached is waited for."""
    events: deque[Notice] = deque(maxlen=EVENTS_SHOWN)
    matches: deque[Match] = deque(maxlen=MATCHES_SHOWN)
    told = asyncio.Event()

    def on_match(match: Match) -> None:
        matches.append(match)
        told.set()

    def on_event(event: Notice) -> None:
        events.append(event)
        told.set()

    client.listen(on_event, on_missed=lambda _missed: told.set())
    client.listen_to_watches(on_match)
    with Live(console=console, auto_refresh=False) as live:
        while True:
            try:
                found, purse = await client.search(**search), await client.wallet()
                display.now_ms = found.as_of_ms
                live.update(scene(display, found, purse, events, matches), refresh=True)
            except Unavailable as error:
                live.update(Text(f"waiting for the house: {error.message}"), refresh=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(REFRESH_S):
                    await told.wait()
            told.clear()


def scene(
    display: Display, found: SearchResult, purse: PlayerResult, events: Iterable[Notice], matches: Iterable[Match]
) -> RenderableType:
    """What is on the screen at one moment, the latest news first."""
    waiting = f", {purse.deliveries} deliveries wait" if purse.deliveries else ""
    line = f"{purse.player}: {gold(purse.gold.available)} gold, {gold(purse.gold.escrowed)} in escrow{waiting}"
    watched = [Text(f"{lasting(max(0, display.now_ms - match.at_ms))} ago  {matched(match)}") for match in matches]
    market = display.listings(found.listings, "The market")
    return Group(market, Text(line), display.events(list(events)[::-1]), *watched[::-1])
