"""Recorded runs side by side: a table for the terminal, and a page with their plots over each other."""

from collections.abc import Iterator, Sequence
from math import isfinite
from pathlib import Path
from xml.etree.ElementTree import Element

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from load_tests.report import charts, words
from load_tests.report.chart import COLOURS, Chart, Series
from load_tests.report.compared import Compared, Figure, read_runs
from load_tests.report.document import bullets, element, save, section, table
from load_tests.report.page import plots
from load_tests.report.percentiles import curve
from load_tests.report.quantities import digits

P99 = "What 99% of the answers of each second did not exceed."


def compare(paths: Sequence[Path], out: Path) -> None:
    """Show recorded runs on the terminal, and write a page of them. Raises ComparisonFault and ResultsFault."""
    compared = read_runs(paths)
    write_comparison(compared, out)
    shown = Console()
    shown.print(terminal(compared))
    shown.print(Text(f"page in {out}"))


def terminal(compared: Compared) -> RenderableType:
    """The comparison for a person at a terminal."""
    grid = Table(title=Text(_title(compared)), title_justify="left")
    grid.add_column("")
    for name in compared.runs:
        grid.add_column(Text(name), justify="right", overflow="fold")
    for name, *cells in _rows(compared):
        grid.add_row(Text(name), *map(Text, cells))
    return Group(grid, *(Text(f"· {caution}") for caution in compared.cautions))


def write_comparison(compared: Compared, out: Path) -> None:
    """Write the page. Raises ResultsFault where a histogram cannot be read."""
    any_run = next(iter(compared.runs.values()))
    failed = [name for name, run in compared.runs.items() if not run.checks.passed]
    told = f"Failed: {', '.join(failed)}" if failed else "All runs passed"
    save(
        out,
        f"{told}: {_title(compared)}",
        element(
            "header",
            element("p", "Load tests compared", class_="eyebrow"),
            element("h1", any_run.scenario),
            element("p", any_run.about),
            element("p", f"{words.load(any_run)}.", class_="muted"),
        ),
        element(
            "section",
            element("h2", told),
            bullets(compared.cautions),
            class_=f"verdict {'failed' if failed else 'passed'}",
        ),
        _figures(compared),
        section("Over each other", plots(overlaid(compared))),
        _differences(compared),
    )


def overlaid(compared: Compared) -> list[Chart]:
    """The runs' throughput, latency and CPU, each run in its own colour. Raises ResultsFault."""
    throughput, rare, latency, cpu = [], [], [], []
    for (name, run), colour in zip(compared.runs.items(), COLOURS, strict=False):
        time, by_percentile = charts.timeline(run), curve(run.histogram)
        throughput.append(time.series(name, charts.answers(run), colour))
        rare.append(time.series(name, charts.p99_ms(run), colour))
        latency.append(Series(name, by_percentile.rarity, by_percentile.latency_ms, colour))
        cpu.append(time.series(name, charts.server_cpu_us(run), colour))
    return [
        Chart("throughput", "Throughput over time", charts.THROUGHPUT, "answers a second", throughput),
        Chart("latency-time", "Latency over time", P99, "milliseconds", rare, logarithmic=True),
        Chart(
            "latency-percentile",
            "Latency by percentile",
            charts.BY_PERCENTILE,
            "milliseconds",
            latency,
            x="percentile",
            logarithmic=True,
        ),
        Chart("cpu-answer", "CPU an answer", charts.CPU_PER_ANSWER, "microseconds of CPU an answer", cpu),
    ]


def _title(compared: Compared) -> str:
    first = next(iter(compared.runs))
    return f"{compared.runs[first].scenario}: in brackets, how many times that of {first}"


def _rows(compared: Compared) -> Iterator[list[str]]:
    runs = compared.runs.values()
    yield ["", *(words.target(run) for run in runs)]
    yield ["passed", *("yes" if run.checks.passed else f"NO, lost {run.checks.lost_count:,}" for run in runs)]
    yield ["limited by", *(run.limited_by for run in runs)]
    yield from ([figure.name, *_cells(figure)] for figure in compared.figures)


def _cells(figure: Figure) -> Iterator[str]:
    first, *others = zip(figure.texts, figure.ratios, strict=True)
    yield first[0]
    yield from (f"{text} (× {digits(ratio)})" if isfinite(ratio) else text for text, ratio in others)


def _figures(compared: Compared) -> Element:
    return section("Figures", table(_title(compared), ("", *compared.runs), _rows(compared)))


def _differences(compared: Compared) -> Element:
    if not compared.differences:
        return section("What differed", element("p", "Nothing that is recorded, but the moment of the run."))
    rows = ([what, *values] for what, values in compared.differences.items())
    return section("What differed", table("Besides the moment of the run", ("", *compared.runs), rows))
