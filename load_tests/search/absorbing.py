"""Searches while the market moves: rows change thousands of times a second, and the reactor must not stand still."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from twisted.internet.task import deferLater

from auction.state import Listing
from load_tests.figures import Latency, latency
from load_tests.machine import OtherLoad
from load_tests.search.market import Market
from load_tests.search.mix import Wanted
from load_tests.search.sides import Answers, Asking, Side, summed_up
from shardnode.search.index import ListingIndex

TICK_S = 0.001
MESSAGE_ROWS = 50
"""Changed rows in one message of a peer: about what a batch of its journal holds at this pace."""
BLOCKED_S = 0.005
"""The reactor is to stand still for no longer."""
IDLE_S = 2.0
"""How long the machine's own pauses are watched."""


class Pauses(msgspec.Struct, frozen=True):
    """How late the reactor was for a tick of TICK_S, in milliseconds, and how often by more than BLOCKED_S."""

    late_ms: Latency
    ticks: int
    blocked: int


class Absorbed(msgspec.Struct, frozen=True):
    """Searches, and the reactor, while rows changed."""

    updates_per_s: float
    """Changed rows applied, of a steady stream of as many as were asked for."""
    pages_per_s: float
    """Beside it, one after another."""
    pages: Answers
    pauses: Pauses
    pauses_idle: Pauses
    """The same reactor with nothing to do: what the machine alone makes of a tick."""
    other_cpus: float
    """Cores that other programs kept busy meanwhile; where there are any, these figures are theirs too."""


class Ticker:
    """Ticks on the reactor, does at each tick what is due, and knows how late each was."""

    def __init__(self, reactor: Any, due: Callable[[float], None]) -> None:
        self._reactor = reactor
        self._due = due
        self._late_s: list[float] = []
        self._running = True
        self._started_at_s = self._last_s = time.perf_counter()
        reactor.callLater(TICK_S, self._tick)

    def stop(self) -> Pauses:
        """Tick no more, and sum up."""
        self._running = False
        return Pauses(latency(self._late_s), len(self._late_s), sum(late_s > BLOCKED_S for late_s in self._late_s))

    def _tick(self) -> None:
        if self._running:
            now_s = time.perf_counter()
            self._late_s.append(now_s - self._last_s - TICK_S)
            self._last_s = now_s
            self._due(now_s - self._started_at_s)
            self._reactor.callLater(TICK_S, self._tick)


class Feed:
    """A peer's messages of changed rows, each taken in when its time has come and the index has room."""

    def __init__(self, messages: Sequence[bytes], index: ListingIndex, peer: str, updates_per_s: float) -> None:
        self._messages = iter(messages)
        self._decoder = msgspec.msgpack.Decoder(list[Listing])
        self._index = index
        self._listings = index.of(peer)
        self._updates_per_s = updates_per_s
        self.applied = 0
        """Rows so far."""

    def due(self, elapsed_s: float) -> None:
        """Take in what is due so many seconds after the start."""
        due = elapsed_s * self._updates_per_s
        while self.applied + MESSAGE_ROWS <= due and self._index.has_room() and self._take_next():
            pass

    def finish(self) -> None:
        """Take in all that is left."""
        while self._take_next():
            pass

    def _take_next(self) -> bool:
        message = next(self._messages, None)
        if message is None:
            return False
        rows = self._decoder.decode(message)
        self._listings.apply(rows)
        self.applied += len(rows)
        return True


def messages_of(market: Market, updates: int) -> list[bytes]:
    """The market's next changes as a peer sends them."""
    rows = list(market.changes(updates))
    return [msgspec.msgpack.encode(rows[first : first + MESSAGE_ROWS]) for first in range(0, updates, MESSAGE_ROWS)]


async def absorb(reactor: Any, side: Side, searches: Sequence[Wanted], feed: Feed, seconds: float) -> Absorbed:
    """Search for a time while the feed's rows come in."""
    idle = Ticker(reactor, lambda _elapsed_s: None)
    await deferLater(reactor, min(IDLE_S, seconds))
    pauses_idle = idle.stop()
    ticker, others = Ticker(reactor, feed.due), OtherLoad()
    started_at_s = time.perf_counter()
    times = await Asking(side, searches).round(seconds)
    took_s, applied = time.perf_counter() - started_at_s, feed.applied
    pauses = ticker.stop()
    pages = summed_up([times])
    return Absorbed(
        updates_per_s=round(applied / took_s),
        pages_per_s=round(pages.pages / took_s),
        pages=pages,
        pauses=pauses,
        pauses_idle=pauses_idle,
        other_cpus=round(others.cpus(), 2),
    )
