"""The model's figures as pictures, one SVG file for each question."""

from collections.abc import Callable
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from load_tests.capacity.report import USUAL, linear
from load_tests.capacity.study import Row, Study

COLOURS = ("#12714f", "#b3541e", "#d9a441", "#3b5b92")
INCHES = (7.0, 4.2)


def draw(study: Study, directory: Path) -> list[Path]:
    """Write all pictures into a directory, which is made if it is not there; returns their files."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, title, fill in (
        ("throughput", "Trades a second at most, by nodes", _throughput),
        ("latency", f"Milliseconds at {USUAL:.0%} of the most: p50, and p99 dashed", _latency),
        ("cost", "US dollars of a million trades at the knee; dashed with traffic over zones", _cost),
        ("usage", "Busy shares of a node at the most, the program as it is", _usage),
    ):
        figure = Figure(figsize=INCHES, layout="constrained")
        axes = figure.subplots()
        fill(axes, study)
        axes.set_xscale("log")
        axes.set_xticks(sorted({row.nodes for row in study.rows}))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.minorticks_off()
        axes.set_xlabel("nodes")
        axes.set_title(title, loc="left", fontsize=10)
        axes.grid(visible=True, alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8)
        path = directory / f"capacity-{name}.svg"
        figure.savefig(path)
        paths.append(path)
    return paths


def _by_design(study: Study) -> dict[str, list[Row]]:
    designs: dict[str, list[Row]] = {}
    for row in study.rows:
        designs.setdefault(row.design, []).append(row)
    return designs


def _lines(axes: Axes, study: Study, value: Callable[[Row], float], style: str, *, named: bool) -> None:
    for (design, rows), colour in zip(_by_design(study).items(), COLOURS, strict=False):
        label = design if named else None
        axes.plot([row.nodes for row in rows], [value(row) for row in rows], style, color=colour, label=label)


def _throughput(axes: Axes, study: Study) -> None:
    _lines(axes, study, lambda row: row.per_s, "o-", named=True)
    first = next(iter(_by_design(study).values()))
    axes.plot([row.nodes for row in first], [linear(row, first) for row in first], ":", color="#777777", label="linear")
    axes.set_yscale("log")


def _latency(axes: Axes, study: Study) -> None:
    for value, style, named in (("p50_ms", "o-", True), ("p99_ms", "o--", False)):
        _lines(axes, study, lambda row, value=value: _at_usual(row, value), style, named=named)  # type: ignore[misc]  # mypy does not follow the default
    axes.set_yscale("log")


def _at_usual(row: Row, value: str) -> float:
    return float(next(getattr(point, value) for point in row.points if point.share == USUAL))


def _cost(axes: Axes, study: Study) -> None:
    _lines(axes, study, lambda row: row.dollars, "o-", named=True)
    _lines(axes, study, lambda row: row.dollars + row.traffic_dollars, "o--", named=False)
    axes.set_yscale("log")


def _usage(axes: Axes, study: Study) -> None:
    rows = next(iter(_by_design(study).values()))
    nodes = [row.nodes for row in rows]
    for (label, name), colour in zip(
        (("busiest acceptor", "acceptor"), ("reactor", "reactor"), ("journal", "journal"), ("search thread", "search")),
        COLOURS,
        strict=True,
    ):
        axes.plot(nodes, [getattr(row.usage, name) for row in rows], "o-", color=colour, label=label)
    for label, name in (("of the reactor: the feed", "feed"), ("of the reactor: idle links", "links")):
        style = "s:" if name == "feed" else "s--"
        axes.plot(nodes, [getattr(row.usage, name) for row in rows], style, color="#777777", label=label)
    axes.set_ylim(0, 1.1)
