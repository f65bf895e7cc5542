"""Two pictures of a comparison: ratios against their goals, and bids beside what they cost each kind of process."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from load_tests.comparison.report import FRACTAL, IN_WORKERS, STANDARD, Comparison, Goal, Row, shown
from load_tests.figures import Spread

MET, MISSED = "#12714f", "#b3541e"
WHOLE = "#b8b8b8"
"""A house as a whole, whatever its processes."""
COLOURS = ("#12714f", "#b3541e", "#d9a441", "#4a6fa5", "#7d5ba6", "#5f5f5f")
WIDTH_INCHES, ROW_INCHES, FRAME_INCHES = 9.0, 0.5, 1.2


def draw_ratios(comparison: Comparison, path: Path) -> None:
    """Write each measured row as its share of the goal: a dot at the median, a line from the least to the largest."""
    rows = [(row, row.goal, row.measured) for row in comparison.rows]
    measured = [(row, goal, spread) for row, goal, spread in rows if goal is not None and spread is not None]
    figure = Figure(figsize=(WIDTH_INCHES, ROW_INCHES * len(measured) + FRAME_INCHES), layout="constrained")
    axes = figure.subplots()
    for place, (row, goal, spread) in enumerate(measured):
        _draw_row(axes, place, row, goal, spread)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(LogLocator(subs=(2, 5)))
    axes.xaxis.set_minor_formatter("{x:g}")
    axes.set_yticks(range(len(measured)), [_label(*each) for each in measured])
    axes.invert_yaxis()
    axes.set_xlabel("share of the goal (1: just met; to the right: better than the goal)")
    _sober(axes)
    figure.savefig(path)


def draw_bids(comparison: Comparison, path: Path) -> None:
    """Write bids a second of the houses, and the CPU time of a bid by kind of process."""
    houses = [name for name in (FRACTAL, STANDARD, IN_WORKERS) if name in comparison.sides]
    figure = Figure(figsize=(WIDTH_INCHES, ROW_INCHES * len(houses) * 2 + FRAME_INCHES), layout="constrained")
    speed, cost = figure.subplots(1, 2)
    per_s = [comparison.sides[name].per_s for name in houses]
    errors = [[each.median - each.min for each in per_s], [each.max - each.median for each in per_s]]
    speed.barh(houses, [each.median for each in per_s], xerr=errors, color=WHOLE, height=0.5)
    speed.set_xlabel("durable bids/s (least to largest round)")
    kinds = list(dict.fromkeys(kind for name in houses for kind in comparison.sides[name].cpu_us_by_kind))
    left = [0.0] * len(houses)
    for number, kind in enumerate(kinds):
        widths = [comparison.sides[name].cpu_us_by_kind.get(kind, 0.0) for name in houses]
        cost.barh(houses, widths, left=left, color=COLOURS[number % len(COLOURS)], height=0.5, label=kind)
        left = [before + width for before, width in zip(left, widths, strict=True)]
    cost.set_xlabel("server CPU a bid, µs")
    for axes in (speed, cost):
        axes.invert_yaxis()
        _sober(axes)
    if kinds:
        figure.legend(loc="outside lower center", ncols=len(kinds), frameon=False)
    figure.savefig(path)


def _draw_row(axes: Axes, place: int, row: Row, goal: Goal, spread: Spread) -> None:
    shares = [_share(goal, value) for value in (spread.median, spread.min, spread.max)]
    colour = MET if row.met else MISSED
    axes.hlines(place, min(shares), max(shares), color=colour, linewidth=2)
    axes.plot(shares[0], place, "o", color=colour)


def _label(row: Row, goal: Goal, spread: Spread) -> str:
    return f"{row.what}\n{shown(spread)}{goal.unit}, goal {goal.text()}"


def _share(goal: Goal, value: float) -> float:
    """How far a value is towards its goal: 1 where it just meets it, more where it is better."""
    if goal.at_least is not None:
        return value / goal.at_least
    assert goal.below is not None
    return goal.below / value


def _sober(axes: Axes) -> None:
    axes.grid(visible=True, axis="x", alpha=0.3)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
