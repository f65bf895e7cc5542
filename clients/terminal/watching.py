"""The live view: the market as it stands, our purse, and what we are told."""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from auction.results import PlayerResult, SearchResult
from auction.state import Notice
from clients.client import Client
from clients.errors import Unavailable
from clients.terminal.tables import Display, gold

REFRESH_S = 2.0
"""How often the market is looked at when nothing happens to us."""
EVENTS_SHOWN = 6


async def watch(client: Client, console: Console, display: Display, filters: dict[str, Any]) -> None:
    """Show the market until interrupted; a house that cannot be reached is waited for."""
    events: deque[Notice] = deque(maxlen=EVENTS_SHOWN)
    told = asyncio.Event()

    def on_event(event: Notice) -> None:
        events.append(event)
        told.set()

    client.listen(on_event, on_missed=lambda _missed: told.set())
    with Live(console=console, auto_refresh=False) as live:
        while True:
            try:
                found, purse = await client.search(**filters), await client.wallet()
                display.now_ms = found.as_of_ms
                live.update(scene(display, found, purse, events), refresh=True)
            except Unavailable as error:
                live.update(Text(f"waiting for the house: {error.message}"), refresh=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(REFRESH_S):
                    await told.wait()
            told.clear()


def scene(
    display: Display, found: SearchResult, purse: PlayerResult, events: Sequence[Notice] | deque[Notice]
) -> RenderableType:
    """What is on the screen at one moment."""
    waiting = f", {purse.deliveries} deliveries wait" if purse.deliveries else ""
    line = f"{purse.player}: {gold(purse.gold.available)} gold, {gold(purse.gold.escrowed)} in bids{waiting}"
    return Group(display.listings(found.listings, "The market"), Text(line), display.events(reversed(events)))
