"""The table as a picture: for each kind of search, how long it takes each side."""

from pathlib import Path

from matplotlib.figure import Figure

from load_tests.search.report import OURS, Report

ROOM = 0.6
"""Share of a row that its sides take up."""
COLOURS = ("#12714f", "#b3541e", "#d9a441")
WIDTH_INCHES, ROW_INCHES, FRAME_INCHES = 8.0, 0.5, 1.4


def draw(report: Report, path: Path) -> None:
    """Write a picture of the report's searches: a dot at the median, and a line on to the 99th percentile."""
    kinds = list(report.sides[OURS].kinds)
    figure = Figure(figsize=(WIDTH_INCHES, ROW_INCHES * len(kinds) + FRAME_INCHES), layout="constrained")
    axes = figure.subplots()
    height = ROOM / len(report.sides)
    for number, ((side, figures), colour) in enumerate(zip(report.sides.items(), COLOURS, strict=False)):
        asked = [(row, figures.kinds[kind].latency_ms) for row, kind in enumerate(kinds) if kind in figures.kinds]
        places = [row - ROOM / 2 + (number + 0.5) * height for row, _ in asked]
        medians = [latency.p50 for _, latency in asked]
        axes.hlines(places, medians, [latency.p99 for _, latency in asked], color=colour, linewidth=2)
        axes.plot(medians, places, "o", color=colour, label=side)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_yticks(range(len(kinds)), kinds)
    axes.invert_yaxis()
    axes.set_xlabel("milliseconds a page: dot at the median, line on to the 99th percentile")
    axes.set_title(f"Searches over {report.listings:,} open listings", loc="left")
    axes.grid(visible=True, axis="x", alpha=0.3)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    figure.legend(loc="outside lower center", ncols=len(report.sides), frameon=False)
    figure.savefig(path)
