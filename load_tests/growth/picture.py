"""An axis as a picture: one plot a panel, with the rounds' spread at each size."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from load_tests.growth.record import Curve, Growth, Panel

COLOURS = ("#12714f", "#b3541e", "#d9a441")
COLUMNS = 2
PANEL_INCHES = (5.0, 3.2)
FACTOR_LOGARITHMIC = 20
"""Values that differ by more than this factor get a logarithmic axis."""


def draw(growth: Growth, path: Path) -> None:
    """Write a picture of all panels of an axis."""
    rows = -(-len(growth.panels) // COLUMNS)
    width, height = PANEL_INCHES
    figure = Figure(figsize=(width * COLUMNS, height * rows), layout="constrained")
    figure.suptitle(growth.title)
    places = figure.subplots(rows, COLUMNS, squeeze=False).flat
    for panel, axes in zip(growth.panels, places, strict=False):
        _draw(panel, axes)
    for axes in list(places)[len(growth.panels) :]:
        axes.set_visible(False)
    figure.savefig(path)


def _draw(panel: Panel, axes: Axes) -> None:
    for curve, colour in zip(panel.curves, COLOURS, strict=False):
        axes.errorbar(
            panel.sizes,
            curve.medians,
            yerr=_errors(curve),
            marker="o",
            color=colour,
            label=curve.name,
            capsize=3,
            linewidth=1.5,
        )
    values = [value for curve in panel.curves for value in curve.medians]
    if _wide([size for size in panel.sizes if size > 0]):
        smallest = min(size for size in panel.sizes if size > 0)
        axes.set_xscale("symlog", linthresh=smallest) if 0 in panel.sizes else axes.set_xscale("log")
    if min(values) > 0 and _wide(values):
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    axes.xaxis.set_major_formatter("{x:,.10g}")
    axes.yaxis.set_major_formatter("{x:,.10g}")
    axes.set_title(panel.title, loc="left", fontsize="medium")
    axes.set_xlabel(panel.varied)
    axes.set_ylabel(panel.unit)
    axes.grid(visible=True, alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if len(panel.curves) > 1:
        axes.legend(frameon=False)


def _errors(curve: Curve) -> list[list[float]]:
    return [
        [value.median - value.min for value in curve.values],
        [value.max - value.median for value in curve.values],
    ]


def _wide(values: list[float]) -> bool:
    return len(values) > 1 and max(values) > FACTOR_LOGARITHMIC * min(values)
