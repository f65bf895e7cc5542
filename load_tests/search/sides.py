"""Who is asked: every side answers the same searches, page by page, and what it took is measured where it is asked."""

import itertools
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

import msgspec
from twisted.internet.defer import Deferred

from auction.commands import SearchListings
from load_tests.figures import Latency, latency
from load_tests.search.mix import Wanted

NEXT_PAGE = "next page"
"""The kind of all pages but the first, whatever was searched for."""

Times = dict[str, list[float]]
"""Seconds until each page was there, by kind."""


class Page(msgspec.Struct, frozen=True):
    """The listings of a page, by id, and what its side needs to go on from there; None at the end."""

    listings: list[str]
    following: Any


class Answers(msgspec.Struct, frozen=True):
    """Pages, asked for one after another."""

    pages: int
    mean_ms: float
    latency_ms: Latency


class Side(Protocol):
    """Answers searches."""

    def page(self, query: SearchListings, following: Any) -> "Deferred[Page]":
        """The first page of a search, or the one that follows one."""


class Difference(Exception):
    """Two sides found different listings by the same search: at least one of them is wrong."""


def answers(times_s: Sequence[float]) -> Answers:
    """Sum up how long pages took, of which there is at least one."""
    return Answers(len(times_s), round(sum(times_s) / len(times_s) * 1000, 3), latency(times_s))


def summed_up(rounds: Iterable[Times]) -> Answers:
    """All pages of some rounds."""
    return answers([time_s for times in rounds for of_kind in times.values() for time_s in of_kind])


async def pages(side: Side, wanted: Wanted) -> list[Page]:
    """All the pages that somebody reads of a search."""
    read = [await side.page(wanted.query, None)]
    while len(read) <= wanted.next_pages and read[-1].following is not None:
        read.append(await side.page(wanted.query, read[-1].following))
    return read


async def compare(sides: dict[str, Side], searches: Iterable[Wanted]) -> int:
    """Ask all sides the same, and tell how many pages were the same. Raises Difference."""
    compared = 0
    for wanted in searches:
        (one, expected), *others = [(name, await pages(side, wanted)) for name, side in sides.items()]
        for other, found in others:
            if [page.listings for page in found] != [page.listings for page in expected]:
                raise Difference(f"{one} and {other} differ in {wanted}:\n{expected}\n{found}")
        compared += len(expected)
    return compared


class Asking:
    """Asks one side the same searches over and over, one at a time, round by round."""

    def __init__(self, side: Side, searches: Sequence[Wanted]) -> None:
        self._side = side
        self._searches: Iterator[Wanted] = itertools.cycle(searches)

    async def round(self, seconds: float) -> Times:
        """Go on where the last round ended, for a time, and measure every page."""
        times: Times = defaultdict(list)
        now_s = time.perf_counter()
        stop_at_s = now_s + seconds
        while now_s < stop_at_s:
            wanted = next(self._searches)
            kind, following = wanted.kind, None
            for _ in range(wanted.next_pages + 1):
                asked_at_s = time.perf_counter()
                page = await self._side.page(wanted.query, following)
                now_s = time.perf_counter()
                times[kind].append(now_s - asked_at_s)
                kind, following = NEXT_PAGE, page.following
                if following is None:
                    break
        return times
