"""The report for a person at a terminal."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table

from load_tests.figures import Latency
from load_tests.search.absorbing import BLOCKED_S, Absorbed
from load_tests.search.report import OURS, Ratios, Report
from load_tests.search.sides import Answers

Fact = tuple[str, str]


def tables(report: Report) -> RenderableType:
    """Searches by kind and side, and below it the rest."""
    facts = Table(show_header=False, box=None)
    facts.add_column(style="bold", no_wrap=True)
    facts.add_column()
    for fact in _facts(report):
        facts.add_row(*fact)
    return Group(_searches(report), facts)


def _searches(report: Report) -> Table:
    title = f"Searches over {report.listings:,} listings: milliseconds a page, p50 / p99; ÷ of the mean times"
    table = Table(title=title, title_justify="left")
    table.add_column("search")
    for side in report.sides:
        table.add_column(side, justify="right")
    for side in report.ratios:
        table.add_column(f"{side} ÷ ours", justify="right")
    for kind in report.sides[OURS].kinds:
        table.add_row(kind, *_cells([figures.kinds.get(kind) for figures in report.sides.values()]))
    table.add_section()
    table.add_row("all", *_cells([figures.all for figures in report.sides.values()]), style="bold")
    return table


def _cells(by_side: Sequence[Answers | None]) -> Iterator[str]:
    """What each side took, and what each but ours took by what ours did; a short run may lack some."""
    ours, *others = by_side
    assert ours is not None, "kinds are those that were asked of us"
    yield from ("" if each is None else f"{each.latency_ms.p50:.2f} / {each.latency_ms.p99:.2f}" for each in by_side)
    yield from ("" if each is None else f"{each.mean_ms / ours.mean_ms:.1f}" for each in others)


def _facts(report: Report) -> Iterator[Fact]:
    for side, ratio in report.ratios.items():
        yield f"{side} ÷ ours", _ratio(ratio)
    yield "the same answers", f"on {report.pages_compared:,} pages, listing by listing"
    index, table = report.index, report.table
    yield "memory a listing", f"{index.bytes_a_listing:,} bytes, all in this process; built in {index.seconds:g} s"
    if table is not None:
        sizes = f"{table.bytes_a_listing:,} bytes, and {table.index_bytes_a_listing:,} of indexes"
        yield "PostgreSQL's", f"{sizes}; built in {table.seconds:g} s"
    if report.absorbed is not None:
        yield from _absorbed(report.absorbed)
    through = report.through_socket
    if through is not None:
        times = f"{_times(through.socket.latency_ms)}, in the index {_times(through.index.latency_ms)}"
        yield "through a WebSocket", f"{times}, of {through.listings:,} listings"
    yield (
        "where it is taken",
        "ours in the process, as a node's sessions see it; PostgreSQL's at its client, on a socket",
    )


def _absorbed(absorbed: Absorbed) -> Iterator[Fact]:
    yield (
        "updates absorbed",
        f"{absorbed.updates_per_s:,.0f} a second, beside {absorbed.pages_per_s:,.0f} pages a second",
    )
    yield "pages meanwhile", _times(absorbed.pages.latency_ms)
    pauses, idle = absorbed.pauses, absorbed.pauses_idle
    blocked = f"{pauses.blocked} of {pauses.ticks:,} ticks late by over {BLOCKED_S * 1000:g} ms"
    yield "reactor's pauses", f"{pauses.late_ms.max:.1f} ms at most, p99 {pauses.late_ms.p99:.1f} ms; {blocked}"
    others = f"{absorbed.other_cpus:.1f} cores busy with other programs"
    yield "with nothing to do", f"{idle.late_ms.max:.1f} ms at most; {others} meanwhile"


def _ratio(ratio: Ratios) -> str:
    spreads = {"p50": ratio.p50, "p99": ratio.p99, "mean": ratio.mean}
    shown = (f"{name} {each.median:g} ({each.min:g}–{each.max:g})" for name, each in spreads.items())
    return f"{', '.join(shown)}, by rounds"


def _times(latency: Latency) -> str:
    return f"p50 {latency.p50:.2f} ms, p99 {latency.p99:.2f} ms"
