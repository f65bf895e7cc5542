"""`auction inspect --data DIR PLAYER`: one player's store for a person, of a running node or of a stopped one.

Beside a running node the node is asked, over its protocol, with tokens made by the house's own key. A stopped or
crashed node's files and journal are read, without changing them, and the same questions are put to the rules directly.
"""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from clients.options import ids_option, player_name
from clients.surroundings import connect_by_asyncio

if TYPE_CHECKING:
    from auction.results import (
        AdminPlayerResult,
        BidsResult,
        DeliveriesResult,
        InventoryResult,
        ListingsResult,
        WorldResult,
    )
    from shardnode.ops.open_trades import TradeRow

ENTRIES_SHOWN = 12
"""How many of the latest ledger entries are shown."""
TOKEN_S = 60
NAMES_KEPT = 1_000
"""Players whose store ids are remembered meanwhile."""
PAGE = 100


class Seen(NamedTuple):
    """What there is to show of one player."""

    world: "WorldResult"
    known: "AdminPlayerResult"
    stash: "InventoryResult"
    listings: "ListingsResult"
    bids: "BidsResult"
    deliveries: "DeliveriesResult"
    trades: "list[TradeRow]"
    """Open trades of the store with stores of other nodes."""
    bids_elsewhere: int
    """Of a stopped node: bids on listings of other nodes, which cannot be asked."""


@click.command("inspect")
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    help="The data directory of the node at which the player is at home.",
)
@ids_option
@click.argument("player", callback=player_name)
def inspect_command(data: Path, ids: bool, player: str) -> None:
    """Show one player: wallet, stash, listings, bids, deliveries, ledger."""
    from clients.errors import AuctionError
    from shardnode.cli.trades import NodeFault
    from shardnode.storage.data_directory import DataDirectory
    from shardnode.storage.port import StorageFault

    url = DataDirectory(data).running_url()
    try:
        seen = _ask_node(data, url, player) if url else _read_files(data, player)
    except (AuctionError, NodeFault, StorageFault) as problem:
        click.echo(str(problem), err=True)
        sys.exit(2)
    if seen is None:
        click.echo(f"no player {player!r} is known here; names are case-sensitive", err=True)
        sys.exit(1)
    _show(player, seen, whole_ids=ids)


def _ask_node(data: Path, url: str, player: str) -> Seen | None:
    import asyncio

    from clients.errors import NotFound
    from shardnode.cli import mint_token
    from shardnode.cli.trades import ask_node

    async def ask() -> Seen | None:
        operator = await connect_by_asyncio([url], lambda: mint_token(data, "inspect", "operator", TOKEN_S), None)
        try:
            known = await operator.inspect(player)
        except NotFound:
            return None
        finally:
            operator.close()
        as_player = await connect_by_asyncio([url], lambda: mint_token(data, player, "player", TOKEN_S), None)
        try:
            return Seen(
                await as_player.world(),
                known,
                await as_player.inventory(limit=PAGE),
                await as_player.my_listings(limit=PAGE),
                await as_player.my_bids(limit=PAGE),
                await as_player.deliveries(limit=PAGE),
                [row for row in ask_node(data, url).trades if known.store in row.participants],
                bids_elsewhere=0,
            )
        finally:
            as_player.close()

    return asyncio.run(ask())


def _read_files(data: Path, player: str) -> Seen | None:
    from auction import commands
    from auction.context import Caller, Context, Request
    from auction.house import execute
    from auction.outcomes import Elsewhere, Executed
    from auction.refusals import Refusal
    from shardnode.node.names import StoreNames
    from shardnode.ops.open_trades import left
    from shardnode.storage.offline import OfflineDirectory
    from worlddata.loading import PACKAGED_SOURCES
    from worlddata.toml_sources import read_sources

    now_ms, catalog = int(time.time() * 1000), read_sources(PACKAGED_SOURCES)
    with OfflineDirectory(data) as directory:
        names = StoreNames(directory.naming_key, catalog.commodities, NAMES_KEPT)
        store = names.store_of(player)
        here = {store, *directory.stores()}
        elsewhere: set[str] = set()
        context = Context(
            catalog,
            now_ms,
            names.store_of,
            names.market_of,
            names.house,
            names.seal,
            lambda low, _high: low,
            str(data),
            at_home=here.__contains__,
        )

        def answer(ask: commands.StoreQuery | commands.WorldQuery, caller: Caller = Caller(player, "player")) -> Any:  # noqa: B008 - a frozen value
            executed = execute(Request(caller, ask), directory.load, context)
            if isinstance(executed, Elsewhere):
                elsewhere.update(executed.listings)
                executed = execute(Request(caller, ask), directory.load, context, dict.fromkeys(executed.listings))
            assert isinstance(executed, Executed), executed
            return executed.answer.body

        known = answer(commands.InspectPlayer(player=player), Caller("", "operator"))
        if isinstance(known, Refusal):
            return None
        return Seen(
            answer(commands.DescribeWorld()),
            known,
            answer(commands.ListInventory(limit=PAGE)),
            answer(commands.MyListings(limit=PAGE)),
            answer(commands.MyBids(limit=PAGE)),
            answer(commands.ListDeliveries(limit=PAGE)),
            [row for row in left(directory, now_ms).trades if store in row.participants],
            len(elsewhere),
        )


def _show(player: str, seen: Seen, *, whole_ids: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    from clients.terminal.tables import Display, wallet
    from shardnode.cli.trades import table_of

    known = seen.known
    console = Console()
    display = Display(seen.world, int(time.time() * 1000), width=console.width, whole_ids=whole_ids)
    console.print(wallet(known))
    console.print(f"store {known.store} at {known.node}")
    console.print(display.stash(seen.stash.items, seen.stash.commodities))
    console.print(display.listings(seen.listings.listings, f"{player}'s listings"))
    console.print(display.bids(seen.bids.bids))
    if seen.bids_elsewhere:
        console.print(f"bids on other nodes: {seen.bids_elsewhere}; start this node to see them")
    if seen.trades:
        console.print(table_of(seen.trades, "Open trades of this store"))
    console.print(display.deliveries(seen.deliveries.deliveries, "Deliveries that wait"))
    ledger = Table("entry", "gold", "from", "to", "for", title=f"The latest {ENTRIES_SHOWN} ledger entries")
    for entry in known.ledger[-ENTRIES_SHOWN:]:
        ledger.add_row(
            str(entry.number), f"{entry.amount:,}", entry.credit, entry.debit, f"{entry.reason} {entry.ref or ''}"
        )
    console.print(ledger)
