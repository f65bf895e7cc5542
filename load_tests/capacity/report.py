"""What the model says, as tables for a terminal and as a fragment of Markdown for a page."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

import msgspec
from rich.console import Group
from rich.table import Table

from load_tests.capacity.check import Compared
from load_tests.capacity.study import Evenings, Row, Study, least_that_holds

OfDesign = TypeVar("OfDesign", Row, Evenings)

USUAL = 0.7
"""The share of the most at which latency is shown."""


class Report(msgspec.Struct, frozen=True):
    """All of a run, as it is kept."""

    study: Study
    compared: list[Compared]
    seconds: float
    """How long it all took."""


class Shown(msgspec.Struct, frozen=True):
    """One table."""

    title: str
    columns: tuple[str, ...]
    rows: list[list[str]]


def shown(report: Report) -> list[Shown]:
    """All tables."""
    study = report.study
    tables = [_sizes(study.rows), _resources(_ends(study.rows)), _evenings(study), _wars(study)]
    return [*tables, _compared(report.compared)] if report.compared else tables


def on_terminal(report: Report) -> Group:
    """For a console."""
    tables = []
    for each in shown(report):
        table = Table(title=each.title, title_justify="left")
        for column in each.columns:
            table.add_column(column, justify="left" if column in ("design", "breaks first") else "right")
        for row in each.rows:
            table.add_row(*row)
        tables.append(table)
    return Group(*tables)


def as_markdown(report: Report) -> str:
    """For docs/capacity.md."""
    parts = [f"Calibrated on {report.study.calibrated}. Prices: {report.study.prices}. Seed {report.study.seed}."]
    for each in shown(report):
        lines = [f"**{each.title}**", "", _line(each.columns), _line(["---"] * len(each.columns))]
        parts.append("\n".join([*lines, *(_line(row) for row in each.rows)]))
    return "\n\n".join(parts) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def linear(row: Row, rows: Iterable[Row]) -> float:
    """What the smallest house of the same design would come to if it only grew in proportion."""
    least = min((other for other in rows if other.design == row.design), key=lambda other: other.nodes)
    return least.per_s * row.nodes / least.nodes


def _sizes(rows: list[Row]) -> Shown:
    columns = (
        *("design", "nodes", "trades/s at most", "of linear", "breaks first", "knee at trades/s"),
        *("p50 / p99 ms at 70 %", "$ per million", "+ traffic over zones"),
    )
    lines = []
    for row in rows:
        usual = next(point for point in row.points if point.share == USUAL)
        most = f"{row.per_s:,.0f}" if row.settled else f"{row.per_s:,.0f} (not settled)"
        lines.append(
            [
                *(row.design, f"{row.nodes:,}", most, f"{row.per_s / linear(row, rows):.0%}"),
                *(row.usage.first, f"{row.knee * row.per_s:,.0f}", f"{usual.p50_ms:.0f} / {usual.p99_ms:.0f}"),
                *(f"{row.dollars:.3f}", f"{row.traffic_dollars:.3f}"),
            ]
        )
    return Shown("Throughput, latency and cost by size", columns, lines)


def _ends(rows: list[OfDesign]) -> list[OfDesign]:
    """Those of the first design and of the last; a file has them all."""
    ends = (rows[0].design, rows[-1].design)
    return [row for row in rows if row.design in ends]


def _resources(rows: list[Row]) -> Shown:
    columns = (
        *("design", "nodes", "reactor", "of it the feed", "of it idle links", "busiest acceptor", "journal", "search"),
        "network",
    )
    lines = []
    for row in rows:
        busy = row.usage
        shares = (busy.reactor, busy.feed, busy.links, busy.acceptor, busy.journal, busy.search, busy.network)
        lines.append([row.design, f"{row.nodes:,}", *(f"{share:.0%}" for share in shares)])
    return Shown("Busy shares of a node at the most", columns, lines)


def _evenings(study: Study) -> Shown:
    columns = (
        *("design", "nodes", "trades/s", "reactor", "busiest acceptor", "search", "memory", "busiest listing"),
        *("p50 / p99 ms", "$ per million", "holds"),
    )
    lines = []
    for each in _ends(study.evenings):
        busy = each.usage
        shares = (busy.reactor, busy.acceptor, busy.search, each.memory, each.busiest_listing)
        least = least_that_holds(study.evenings, each.design) == each.nodes
        lines.append(
            [
                *(each.design, f"{each.nodes:,}", f"{each.trades_per_s:,.0f}", *(f"{share:.0%}" for share in shares)),
                *(f"{each.p50_ms:.0f} / {each.p99_ms:.0f}" if each.p99_ms else "not borne", f"{each.dollars:.2f}"),
                "from here on" if least else "yes" if each.holds else "no",
            ]
        )
    return Shown("The evening peak", columns, lines)


def _wars(study: Study) -> Shown:
    columns = ("nodes", "bids/s on one listing", "p50 / p99 ms")
    lines = [[f"{war.nodes}", f"{war.per_s:,.0f}", f"{war.p50_ms:.0f} / {war.p99_ms:.0f}"] for war in study.wars]
    return Shown("A bid war", columns, lines)


def _compared(compared: list[Compared]) -> Shown:
    columns = (
        *("nodes", "predicted trades/s", "measured", "error", "predicted p50 / p99 ms", "measured p50 / p99 ms"),
        "cores others used",
    )
    lines = [
        [
            *(f"{each.nodes}", f"{each.predicted_per_s:,.0f}", f"{each.measured_per_s:,.0f}", f"{each.error:+.0%}"),
            *(f"{each.predicted_p50_ms:.1f} / {each.predicted_p99_ms:.1f}",),
            *(f"{each.measured_p50_ms:.1f} / {each.measured_p99_ms:.1f}", f"{each.others_cpus:.1f}"),
        ]
        for each in compared
    ]
    return Shown("Real nodes on this machine", columns, lines)
