"""`auction demo`: three nodes as one house, bots that trade, `kill -9` of a node in the middle, an audit at the end.

Everything that it starts is a process of the `auction` command. It ends by itself, with exit code 0 only if all is
well: there were trades within and across nodes, none is left open, and the audit of all three directories is balanced.
"""

import sys
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clients.bots.population import PLAYERS_MAX

if TYPE_CHECKING:
    from clients.bots.command import Report
    from shardnode.cli.children import Child
    from shardnode.ops.audit import Report as Audit
    from shardnode.ops.scrape import Samples

NODES = 3
VICTIM = "n2"
KILLED_AT = 0.35
"""The share of the time after which the node is killed."""
AWAY = 0.2
"""The share of the time for which it is away."""
RATE = 200.0
"""Requests a second of all bots."""
SETTLE_S = 15.0
"""How long trades and transfers may take to end when nobody trades any more."""
SORTS = {
    "bids and buyouts": ("bid", "buyout"),
    "commodity orders": ("order",),
    "offers made or accepted": ("offer", "accept"),
}
"""What is told of trades: each sort with its kinds in the nodes' metrics."""
LOOK_EVERY_S = 0.2
STOP_S = 10.0
"""How long a process may take to end before it is killed."""


@click.command("demo")
@click.option("--seconds", type=click.FloatRange(2, 600), default=20.0, show_default=True, help="How long bots trade.")
@click.option("--players", type=click.IntRange(1, PLAYERS_MAX), default=60, show_default=True, help="Bots that trade.")
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the bots.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="A new directory for the cluster, kept afterwards; a temporary one if left out.",
)
def demo_command(seconds: float, players: int, seed: int, data: Path | None) -> None:
    """Run three nodes and bots, kill a node and bring it back, and prove that nothing was lost."""
    from twisted.internet.defer import ensureDeferred
    from twisted.internet.task import react

    with ExitStack() as stack:
        if data is None:
            data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="auction-demo-")))
        elif data.exists() and any(data.iterdir()):
            raise click.UsageError(f"{data} is not empty; the demo makes a house of its own, so name a new directory")
        demo = Demo(data, seconds, players, seed)
        with suppress(SystemExit):  # raised in any case, with exit code 0 where a signal ended it before its time
            react(lambda reactor: ensureDeferred(demo.run(reactor)), [])
    sys.exit(0 if demo.is_well else 1)


class Demo:
    """One run; `is_well` once it has shown that all is."""

    def __init__(self, data: Path, seconds: float, players: int, seed: int) -> None:
        from shardnode.cli.cluster import cluster_file
        from shardnode.cluster.file import read_map

        self._data = data
        self._seconds = seconds
        self._players = players
        self._seed = seed
        self._file = cluster_file(data, NODES, None, 0)
        self._urls = {node.id: node.url for node in read_map(self._file).nodes.values()}
        self._nodes: dict[str, Child] = {}
        self._children: list[Child] = []
        self._before_the_kill: Samples | None = None
        self.is_well = False

    async def run(self, reactor: Any) -> None:
        """From the first node's start to the table."""
        from twisted.internet.defer import ensureDeferred

        from shardnode.cli.children import ChildEnded
        from shardnode.ops.audit import audit
        from shardnode.ops.logs import start_logging
        from shardnode.ops.scrape import NodeSilent

        start_logging("auto", "error")
        reactor.addSystemEventTrigger("before", "shutdown", lambda: ensureDeferred(self._stop()))
        try:
            report = await self._trade(reactor)
            open_trades = await self._settle(reactor)
            assert self._before_the_kill is not None
            samples = self._before_the_kill + self._samples(*self._urls)
            await self._stop()
        except (ChildEnded, NodeSilent) as problem:
            if not any(child.stopping for child in self._children):
                click.echo(f"Error: {problem}", err=True)
            return
        click.echo("auditing the three directories")
        outcome = Outcome(report, samples, open_trades, audit([self._data / node for node in self._urls]))
        outcome.print_table()
        self.is_well = outcome.is_well and all(child.is_well for child in self._children)

    async def _trade(self, reactor: Any) -> "Report":
        """Let bots trade, and kill a node and start it again meanwhile."""
        import msgspec
        from twisted.internet.task import deferLater

        from clients.bots.command import Report

        click.echo(f"starting {NODES} nodes")
        for node in self._urls:
            self._start(reactor, node)
        for child in self._nodes.values():
            click.echo(await child.line("ready "))
        bots = self._bots(reactor)
        click.echo(await bots.line("populated "))
        click.echo(f"trading for {self._seconds:g} s")
        await deferLater(reactor, self._seconds * KILLED_AT)
        self._before_the_kill = self._samples(VICTIM)
        await self._nodes[VICTIM].kill()
        self._children.remove(self._nodes[VICTIM])
        click.echo(f"kill -9 {VICTIM}: the others trade on")
        await deferLater(reactor, self._seconds * AWAY)
        self._start(reactor, VICTIM)
        began_s = reactor.seconds()
        await self._nodes[VICTIM].line("ready ")
        click.echo(f"{VICTIM} was started again, and serves after {reactor.seconds() - began_s:.1f} s")
        report = msgspec.json.decode(await bots.line("{"), type=Report)
        await bots.ended()
        return report

    async def _settle(self, reactor: Any) -> int:
        """Wait until nothing is under way between nodes; how many trades are open even so."""
        from twisted.internet.task import deferLater

        latest_s = reactor.seconds() + SETTLE_S
        while left := self._open_trades() + round(self._samples(*self._urls).value("auction_transfers_unsent")):
            if reactor.seconds() > latest_s:
                break
            await deferLater(reactor, LOOK_EVERY_S)
        return left

    def _open_trades(self) -> int:
        """What acceptors remember of trades of a dead incarnation is not waited for by anybody."""
        from shardnode.cli.trades import open_trades

        trades = [trade for node in self._urls for trade in open_trades(self._data / node).trades]
        return sum(trade.role != "acceptor" for trade in trades)

    def _samples(self, *nodes: str) -> "Samples":
        from shardnode.ops.scrape import Samples, scrape

        return sum((scrape(self._urls[node]) for node in nodes), Samples())

    def _start(self, reactor: Any, node: str) -> None:
        from shardnode.cli.children import Child

        options = ("--cluster", str(self._file), "--node-id", node, "--data", str(self._data / node))
        self._nodes[node] = Child(reactor, ("serve", *options, "--log-level", "error"))
        self._children.append(self._nodes[node])

    def _bots(self, reactor: Any) -> "Child":
        from shardnode.cli.children import Child

        urls = [word for url in self._urls.values() for word in ("--url", url)]
        who = ("--data", str(self._data), "--players", str(self._players), "--seed", str(self._seed))
        how = ("--populate", "--rate", str(RATE), "--duration-s", str(self._seconds), "--json")
        self._children.append(bots := Child(reactor, ("bots", *urls, *who, *how)))
        return bots

    async def _stop(self) -> None:
        for child in reversed(self._children):
            await child.stop(STOP_S)


class Outcome:
    """What came of it: what bots and nodes counted, what is still under way, and what the audit found."""

    def __init__(self, report: "Report", samples: "Samples", under_way: int, audit: "Audit") -> None:
        self._report = report
        self._samples = samples
        self._under_way = under_way
        self._audit = audit

    @property
    def is_well(self) -> bool:
        """Whether there were trades of each sort within and across nodes, all are over, and nothing was lost."""
        every = all(self._done(kinds, scope) for kinds in SORTS.values() for scope in ("within", "across"))
        return every and not self._under_way and self._audit.balanced

    def print_table(self) -> None:
        """Print it for a person."""
        from rich.console import Console
        from rich.table import Table

        table = Table(title=f"{NODES} nodes, one of them killed while bots traded", show_header=False)
        table.add_column()
        table.add_column(justify="right")
        for what, figure in (
            *(
                (f"{sort} {scope} nodes", f"{self._done(kinds, scope):,}")
                for sort, kinds in SORTS.items()
                for scope in ("within", "across")
            ),
            ("given up, nothing done", f"{self._count(outcome='aborted'):,}"),
            ("requests in doubt", f"{self._report.doubted:,}"),
            ("… resolved by repeating the key", f"{self._report.resolved:,}"),
            ("bid, p50 / p90 / p99", self._latency("Bid")),
            ("buyout, p50 / p90 / p99", self._latency("BuyOut")),
            ("order, p50 / p90 / p99", self._latency("Order")),
            ("still under way between nodes", f"{self._under_way:,}"),
            ("gold in the house", f"{self._audit.gold.granted - self._audit.gold.burned:,}"),
            ("items in the house", f"{self._audit.items.granted - self._audit.items.burned:,}"),
            ("pieces in the house", f"{sum(row.granted - row.burned for row in self._audit.commodities.values()):,}"),
            ("balanced", "yes" if self._audit.balanced else "NO"),
        ):
            table.add_row(what, figure)
        Console().print(table)
        for fault in self._audit.faults:
            click.echo(fault, err=True)

    def _done(self, kinds: tuple[str, ...], scope: str) -> int:
        return sum(self._count(kind=kind, scope=scope, outcome="committed") for kind in kinds)

    def _count(self, **labels: str) -> int:
        return round(self._samples.value("auction_trades_total", **labels))

    def _latency(self, name: str) -> str:
        latency = self._report.latency_ms.get(name)
        return "–" if latency is None else f"{latency.p50:,} / {latency.p90:,} / {latency.p99:,} ms"
