"""One run, part by part: the listings, the index, PostgreSQL, rounds in turns, the moving market, the socket."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
from rich.progress import Progress

from auction.state import Listing
from load_tests.machine import memory_bytes
from load_tests.search.absorbing import Absorbed, Feed, absorb, messages_of
from load_tests.search.market import Market
from load_tests.search.mix import Mix, Wanted
from load_tests.search.ours import PEER, Ours, as_a_node_at_work
from load_tests.search.postgres.server import running_postgres
from load_tests.search.postgres.side import Postgres, connected
from load_tests.search.postgres.statements import by_hand, plain
from load_tests.search.postgres.table import fill, finish
from load_tests.search.report import (
    BY_HAND,
    OURS,
    PLAIN,
    IndexBuilt,
    Report,
    TableBuilt,
    ThroughSocket,
    ratios,
    side_figures,
)
from load_tests.search.sides import Asking, Side, Times, compare, summed_up
from load_tests.search.through_socket import running_node
from worlddata.loading import load_catalog
from worlddata.types import Catalog

SEARCHES = 2_000
"""Different searches; each side goes through them over and over."""
COMPARED = 200
"""How many of them all sides answer before any is measured: the same, listing by listing, and everything is warm."""
SNAPSHOT_ROWS = 500
"""Rows of one message of a snapshot, as peers send it."""
SOCKET_SHARE = 0.25
"""How long searches through the socket are measured, as a share of the sides' time."""

THROUGH_SOCKET = "through a WebSocket"


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured; see the command's help."""

    listings: int
    seconds: float
    rounds: int
    seed: int
    postgres: bool
    updates_per_s: int
    socket_listings: int


class Lost(Exception):
    """The index does not hold what the market does after all that it was told."""


class Run:
    """Measures everything once."""

    def __init__(self, reactor: Any, options: Options, progress: Progress) -> None:
        self._reactor = reactor
        self._options = options
        self._progress = progress

    async def measure(self) -> Report:
        """Make what is needed, measure it, and take it down."""
        options = self._options
        with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
            catalog = load_catalog(Path(name))
            market = self._market(catalog)
            searches = Mix(catalog, market.open, options.seed).searches(SEARCHES)
            ours, index_built = await self._ours(market.open)
            sides: dict[str, Side] = {OURS: ours}
            table_built = None
            if options.postgres:
                postgres, table_built = self._postgres(stack, catalog, market.open)
                sides |= postgres
            as_a_node_at_work()
            with self._telling("the same searches on all sides"):
                compared = await compare(sides, searches[:COMPARED])
            rounds = await self._rounds(sides, searches, options.seconds)
            some = market.open[: options.socket_listings]
            absorbed = await self._absorb(ours, market, searches)
            await ours.close()
            through_socket = await self._through_socket(Path(name), catalog, some) if some else None
        return Report(
            listings=options.listings,
            seed=options.seed,
            searches=len(searches),
            pages_compared=compared,
            index=index_built,
            table=table_built,
            sides={side: side_figures(times) for side, times in rounds.items()},
            ratios={side: ratios(times, rounds[OURS]) for side, times in rounds.items() if side != OURS},
            absorbed=absorbed,
            through_socket=through_socket,
        )

    def _market(self, catalog: Catalog) -> Market:
        market = Market(catalog, self._options.seed)
        count = self._options.listings
        for _ in self._progress.track(market.listings(count), count, description="listings made"):
            pass
        as_a_node_at_work()  # a node has no such rows; the collector is to leave them alone
        return market

    async def _ours(self, rows: Sequence[Listing]) -> tuple[Ours, IndexBuilt]:
        ours = Ours(self._reactor)
        before_bytes, started_at_s = memory_bytes(), time.perf_counter()
        firsts = range(0, len(rows), SNAPSHOT_ROWS)
        messages = (msgspec.msgpack.encode(rows[first : first + SNAPSHOT_ROWS]) for first in firsts)
        await ours.load(self._progress.track(messages, len(firsts), description="the index"))
        bytes_a_listing = (memory_bytes() - before_bytes) // len(rows)
        return ours, IndexBuilt(round(time.perf_counter() - started_at_s, 1), bytes_a_listing)

    def _postgres(
        self, stack: ExitStack, catalog: Catalog, rows: Sequence[Listing]
    ) -> tuple[dict[str, Side], TableBuilt]:
        connection = stack.enter_context(connected(stack.enter_context(running_postgres())))
        started_at_s = time.perf_counter()
        stats = sorted(catalog.stats)
        fill(connection, stats, self._progress.track(rows, description="PostgreSQL: rows copied"))
        with self._telling("PostgreSQL: indexes"):
            size = finish(connection, stats)
        sides: dict[str, Side] = {PLAIN: Postgres(connection, plain), BY_HAND: Postgres(connection, by_hand)}
        seconds = round(time.perf_counter() - started_at_s, 1)
        return sides, TableBuilt(seconds, size.table // len(rows), size.indexes // len(rows))

    async def _rounds(
        self, sides: dict[str, Side], searches: Sequence[Wanted], seconds: float
    ) -> dict[str, list[Times]]:
        """Let the sides take turns, and each search for a time."""
        rounds = self._options.rounds
        asking = {name: Asking(side, searches) for name, side in sides.items()}
        times: dict[str, list[Times]] = {name: [] for name in sides}
        for _ in self._progress.track(range(rounds), description="searches"):
            for name, each in asking.items():
                times[name].append(await each.round(seconds / rounds))
        return times

    async def _absorb(self, ours: Ours, market: Market, searches: Sequence[Wanted]) -> Absorbed | None:
        """Search while the market moves. Raises Lost."""
        updates_per_s, seconds = self._options.updates_per_s, self._options.seconds
        if not updates_per_s:
            return None
        feed = Feed(messages_of(market, round(updates_per_s * seconds)), ours.index, PEER, updates_per_s)
        as_a_node_at_work()
        with self._telling("searches while listings change"):
            absorbed = await absorb(self._reactor, ours, searches, feed, seconds)
        feed.finish()
        await ours.taken_in()
        if len(ours.index) != len(market.open):
            raise Lost(f"{len(ours.index)} listings are in the index, {len(market.open)} in the market")
        return absorbed

    async def _through_socket(self, directory: Path, catalog: Catalog, rows: Sequence[Listing]) -> ThroughSocket:
        """Search through a node's WebSocket, and in an index of as many listings, in turns."""
        with self._telling("a node with some of the listings"), running_node(directory, rows) as node:
            searches = Mix(catalog, list(rows), self._options.seed).searches(SEARCHES)
            index, _ = await self._ours(rows)
            seconds = self._options.seconds * SOCKET_SHARE
            rounds = await self._rounds({OURS: index, THROUGH_SOCKET: node}, searches, seconds)
            await index.close()
        return ThroughSocket(len(rows), summed_up(rounds[THROUGH_SOCKET]), summed_up(rounds[OURS]))

    @contextmanager
    def _telling(self, what: str) -> Iterator[None]:
        """Show what is going on while it does."""
        task = self._progress.add_task(what, total=1)
        yield
        self._progress.update(task, completed=1)
