"""Which of a node's own metrics a report shows, and how they are read; docs/operating.md has them all."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import isfinite, nan

import msgspec

from load_tests.report.chart import COLOURS, Chart, Series


class Level(msgspec.Struct, frozen=True):
    """A value as it stands at the end of each second."""

    label: str
    metric: str


class Pace(msgspec.Struct, frozen=True):
    """How much a metric that only grows has grown, a second."""

    label: str
    metric: str


class Mean(msgspec.Struct, frozen=True):
    """How much one metric has grown for each by which another has, times a factor; a gap where the other has not."""

    label: str
    metric: str
    per: str
    factor: float = 1


class Panel(msgspec.Struct, frozen=True):
    """One plot of the node's metrics."""

    name: str
    title: str
    about: str
    unit: str
    lines: tuple[Level | Pace | Mean, ...]


def _mean_of(label: str, histogram: str, factor: float = 1) -> Mean:
    return Mean(label, f"{histogram}_sum", f"{histogram}_count", factor)


PANELS = (
    Panel(
        "journal-batch",
        "Records in a journal batch",
        "Commands that share one fsync: under load a batch grows, which is what keeps durability cheap.",
        "records, mean of each second",
        (_mean_of("records", "auction_journal_batch_records"),),
    ),
    Panel(
        "durability",
        "Waiting for the disk",
        "A commit is the write and its fsync; the gate holds an answer back until what it tells of is durable.",
        "milliseconds, mean of each second",
        (
            _mean_of("journal commit", "auction_journal_commit_seconds", 1000),
            _mean_of("wait at the gate", "auction_gate_wait_seconds", 1000),
        ),
    ),
    Panel(
        "backlog",
        "Backlog",
        "Work that was taken in and is not done: lines that keep rising mean that the server falls behind.",
        "waiting at the end of each second",
        (
            Level("answers at the gate", "auction_gate_waiting"),
            Level("records not yet durable", "auction_journal_unsynced"),
            Level("requests waiting for a store", "auction_requests_undecided"),
            Level("turns waiting for a listing", "auction_turns_waiting"),
            Level("listings not yet indexed", "auction_listings_pending"),
        ),
    ),
    Panel(
        "stores",
        "Stores in memory",
        "A store is one player's state: awake ones are in memory, dirty ones are ahead of their files.",
        "stores at the end of each second",
        (Level("awake", "auction_stores_awake"), Level("dirty", "auction_stores_dirty")),
    ),
    Panel(
        "wakes",
        "Stores woken and written",
        "Stores loaded from their files because somebody asked for them, and stores written back by checkpoints.",
        "stores a second",
        (
            Pace("woken", "auction_store_wake_seconds_count"),
            Pace("written by checkpoints", "auction_checkpointed_stores_total"),
        ),
    ),
    Panel(
        "peer-frames",
        "Messages in a frame between nodes",
        "Messages of one turn to the same node share a frame: the more share it, the less a cross-node trade costs.",
        "messages, mean of each second",
        (Mean("messages", "auction_peer_messages_total", "auction_peer_frames_total"),),
    ),
    Panel(
        "limits",
        "Bounds met",
        "How often one of the node's bounds turned work away; clients are then told `unavailable` or `rate_limited`.",
        "times a second",
        (Pace("bounds met", "auction_limit_hits_total"),),
    ),
)


def charts(metrics: Mapping[str, Sequence[float]], seconds: Sequence[float]) -> list[Chart]:
    """The panels for which there is anything to show: something that was scraped and was not 0 all the time."""
    shown = []
    for panel in PANELS:
        lines = [(line.label, _values(line, metrics)) for line in panel.lines]
        series = [
            Series(label, seconds[: len(values)], values[: len(seconds)], colour)
            for (label, values), colour in zip(lines, COLOURS, strict=False)
            if any(value for value in values if isfinite(value))
        ]
        if series:
            shown.append(Chart(f"node-{panel.name}", panel.title, panel.about, panel.unit, series))
    return shown


def _values(line: Level | Pace | Mean, metrics: Mapping[str, Sequence[float]]) -> list[float]:
    values = metrics.get(line.metric, ())
    if isinstance(line, Level):
        return list(values)
    grown = _growth(values)
    if isinstance(line, Pace):
        return grown
    shares = zip(grown, _growth(metrics.get(line.per, ())), strict=False)
    return [line.factor * amount / times if times > 0 else nan for amount, times in shares]


def _growth(values: Sequence[float]) -> list[float]:
    """From each second to the next; a gap for the first, and where a node was restarted and counts anew."""
    grown = (after - before for before, after in pairwise(values))
    return [nan, *(growth if growth >= 0 else nan for growth in grown)] if values else []
