"""What came out: figures by side and kind of search."""

from collections.abc import Sequence

import msgspec

from load_tests.figures import Spread, spread
from load_tests.search.absorbing import Absorbed
from load_tests.search.mix import KINDS
from load_tests.search.sides import NEXT_PAGE, Answers, Times, answers, summed_up

OURS = "ours"
PLAIN = "PostgreSQL"
BY_HAND = "PostgreSQL by hand"


class SideFigures(msgspec.Struct, frozen=True):
    """What one side did in all its rounds."""

    all: Answers
    kinds: dict[str, Answers]
    """By kind of search, of first pages; further pages are a kind of their own."""


class Ratios(msgspec.Struct, frozen=True):
    """A side's time ÷ ours, round by round."""

    p50: Spread
    p99: Spread
    mean: Spread


class IndexBuilt(msgspec.Struct, frozen=True):
    """How the index came to be."""

    seconds: float
    bytes_a_listing: int
    """Memory of the process that came with it: packed rows, columns and all."""


class TableBuilt(msgspec.Struct, frozen=True):
    """How the table came to be, and bytes on disk, which are cached in memory."""

    seconds: float
    bytes_a_listing: int
    index_bytes_a_listing: int


class ThroughSocket(msgspec.Struct, frozen=True):
    """The same searches over fewer listings, asked of a node through its WebSocket and of an index beside it."""

    listings: int
    socket: Answers
    index: Answers


class Report(msgspec.Struct, frozen=True):
    """What `python -m load_tests.search` measured."""

    listings: int
    seed: int
    searches: int
    """Different ones, asked over and over."""
    pages_compared: int
    """First and further pages that were the same on all sides."""
    index: IndexBuilt
    table: TableBuilt | None
    sides: dict[str, SideFigures]
    ratios: dict[str, Ratios]
    absorbed: Absorbed | None
    through_socket: ThroughSocket | None


def side_figures(rounds: Sequence[Times]) -> SideFigures:
    """Sum up the rounds of one side."""
    by_kind = {kind: [each for times in rounds for each in times.get(kind, ())] for kind in (*KINDS, NEXT_PAGE)}
    return SideFigures(summed_up(rounds), {kind: answers(times_s) for kind, times_s in by_kind.items() if times_s})


def ratios(rounds: Sequence[Times], ours: Sequence[Times]) -> Ratios:
    """Compare the rounds of a side with ours beside them."""
    pairs = [(summed_up([theirs]), summed_up([own])) for theirs, own in zip(rounds, ours, strict=True)]
    return Ratios(
        p50=spread([theirs.latency_ms.p50 / own.latency_ms.p50 for theirs, own in pairs], 2),
        p99=spread([theirs.latency_ms.p99 / own.latency_ms.p99 for theirs, own in pairs], 2),
        mean=spread([theirs.mean_ms / own.mean_ms for theirs, own in pairs], 2),
    )
