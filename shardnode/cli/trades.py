"""`auction trades --data DIR`: the open trades of a node, for an operator.

Beside a running node the node is asked, by its page /trades and with an operator's token made by the house's own key.
Of a stopped or crashed node its facts are read, without changing them.
"""

import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.table import Table

    from shardnode.ops.open_trades import OpenTrades, TradeRow

TOKEN_S = 60
TIMEOUT_S = 5.0
PAGE_BYTES_MAX = 4_194_304
"""The largest answer that is read of a node."""
SHOWN = 50
"""How many of the oldest trades the table shows."""


@click.command("trades")
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    help="The data directory of a node.",
)
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def trades_command(data: Path, as_json: bool) -> None:
    """Show a node's open trades, the oldest first: age, participants, and what they wait for."""
    import msgspec
    from rich.console import Console

    from shardnode.storage.port import StorageFault

    try:
        trades = open_trades(data)
    except (NodeFault, StorageFault) as fault:
        click.echo(str(fault), err=True)
        sys.exit(2)
    if as_json:
        click.echo(msgspec.json.encode(trades))
    else:
        oldest = f", the {SHOWN} oldest" if trades.open > SHOWN else ""
        Console().print(table_of(trades.trades[:SHOWN], f"{trades.open} open trades{oldest}"))


class NodeFault(Exception):
    """The running node cannot be asked; the text says what to do."""


def open_trades(data: Path) -> "OpenTrades":
    """Of the node on a data directory, running or not. Raises NodeFault and StorageFault."""
    from shardnode.ops.open_trades import left
    from shardnode.storage.data_directory import DataDirectory
    from shardnode.storage.offline import OfflineDirectory

    url = DataDirectory(data).running_url()
    if url is not None:
        return ask_node(data, url)
    with OfflineDirectory(data) as directory:
        return left(directory, int(time.time() * 1000))


def ask_node(data: Path, url: str) -> "OpenTrades":
    """Of the running node that serves at a URL. Raises NodeFault."""
    import http.client
    from urllib.parse import urlsplit

    import msgspec

    from shardnode.cli import mint_token
    from shardnode.ops.open_trades import OpenTrades

    place = urlsplit(url)
    secure = place.scheme == "wss"
    connect = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    token = mint_token(data, "trades", "operator", TOKEN_S)
    try:
        with closing(connect(place.hostname or "", place.port, timeout=TIMEOUT_S)) as connection:
            connection.request("GET", "/trades", headers={"authorization": f"Bearer {token}"})
            with connection.getresponse() as answer:
                if answer.status != http.client.OK:
                    raise NodeFault(
                        f"the node at {url} answers {answer.status} {answer.reason}; is it of this version?"
                    )
                return msgspec.json.decode(answer.read(PAGE_BYTES_MAX), type=OpenTrades)
    except (OSError, http.client.HTTPException, msgspec.DecodeError) as error:
        raise NodeFault(f"the node at {url} does not answer as it should ({error}); try again, or stop it") from error


def table_of(trades: "Iterable[TradeRow]", title: str) -> "Table":
    """Open trades for a person."""
    from rich.table import Table

    table = Table("trade", "role", "state", "age", "participants", "waits for", title=title)
    for row in trades:
        participants = "\n".join(f"{store} at {node}" for store, node in row.participants.items())
        age = "unknown" if row.age_s is None else f"{row.age_s:,.1f} s"
        table.add_row(row.trade, row.role, row.state.lower(), age, participants, ", ".join(row.waits_for))
    return table
