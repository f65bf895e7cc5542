"""A plot as data, and its drawing: SVG within the page, in the page's own colours, light or dark."""

import io
from collections.abc import Sequence
from math import isfinite, nan
from statistics import median
from typing import Literal
from xml.etree.ElementTree import Element, fromstring

import matplotlib as mpl
import msgspec
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullLocator

from load_tests.report.document import element
from load_tests.report.quantities import digits

PALETTE = {
    "ink": "#26292e",
    "rule": "#d9dbde",
    "blue": "#0072b2",
    "orange": "#d55e00",
    "green": "#009e73",
    "purple": "#aa4499",
    "gold": "#b8860b",
    "sky": "#56b4e9",
    "half": "#8fc1e3",
    "nine": "#4393c3",
    "nines": "#1f5f99",
    "ninenines": "#0b2c5a",
}
"""A variable of style.css → its colour by day. The six in the middle are told apart by colour-blind people too (after
Okabe and Ito); the last four are shades of one blue, for percentiles."""
COLOURS = ("blue", "orange", "green", "purple", "gold", "sky")
WIDTH_INCHES, HEIGHT_INCHES = 6.4, 2.7
WIDE = 100
"""Where the greatest value is so many times the least, a logarithmic axis is labelled at powers of ten only."""
LINE, FINE_LINE, FINE_FROM = 1.6, 0.7, 300
"""Widths of lines, and from how many seconds on they are drawn fine, so that those below stay visible."""
HEADROOM = 1.05
DOTS_MAX = 3
"""So few values are drawn as dots, as a line through them would hardly be seen."""


class Series(msgspec.Struct, frozen=True):
    """One line; `x` and `y` are as long as each other, and a y that is not a number leaves a gap."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    colour: str
    """A name of PALETTE."""
    dashed: bool = False


class Chart(msgspec.Struct, frozen=True):
    """One plot with the sentence that explains it."""

    name: str
    """Its own in the page: letters and dashes."""
    title: str
    about: str
    unit: str
    series: Sequence[Series]
    x: Literal["seconds", "percentile"] = "seconds"
    logarithmic: bool = False


def show(chart: Chart) -> Element:
    """The plot, its heading, its sentence and what its lines are."""
    caption = element("figcaption", element("h3", chart.title), element("p", chart.about))
    if not any(_drawable(series, chart) for series in chart.series):
        return element(
            "figure", caption, element("p", "There is nothing to show: no values were taken.", class_="none")
        )
    return element("figure", caption, _legend(chart.series), element("div", _svg(chart), class_="plot"))


def _legend(series: Sequence[Series]) -> Element:
    """Outside the picture, where long names wrap and everybody's names are only text."""
    return element("ul", *(element("li", _key(each), each.label) for each in series), class_="legend")


def _key(series: Series) -> Element:
    line = "dashed" if series.dashed else "solid"
    return element("span", class_="key", style=f"border-top: 3px {line} var(--{series.colour})")


def _svg(chart: Chart) -> Element:
    """The drawing as an element that can stand in a page: no size of its own, its ids unique, its colours variables."""
    drawn = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": chart.name, "font.size": 9}):
        _draw(chart).savefig(drawn, format="svg", transparent=True, metadata={"Date": None})
    svg: Element = fromstring(drawn.getvalue())  # noqa: S314 - matplotlib has written it a moment ago
    for part in svg.iter():
        part.tag = part.tag.split("}")[-1]
        for unwanted in [child for child in part if child.tag.split("}")[-1] in ("metadata", "style")]:
            part.remove(unwanted)
        part.attrib = {key.split("}")[-1]: _in_page(key, value, chart.name) for key, value in part.attrib.items()}
    del svg.attrib["width"], svg.attrib["height"]
    svg.set("role", "img")
    svg.set("aria-labelledby", f"{chart.name}-title {chart.name}-desc")
    svg.insert(0, element("title", chart.title, id=f"{chart.name}-title"))
    svg.insert(1, element("desc", _in_words(chart), id=f"{chart.name}-desc"))
    return svg


def _in_page(key: str, value: str, name: str) -> str:
    if key == "id":
        return f"{name}-{value}"
    if key == "style":
        for variable, colour in PALETTE.items():
            value = value.replace(colour, f"var(--{variable})")
    return value.replace("#", f"#{name}-") if value.startswith(("#", "url(#")) else value


def _in_words(chart: Chart) -> str:
    """For who cannot see the picture: of each line its least, middle and greatest value."""
    values = [(series.label, _drawable(series, chart)) for series in chart.series]
    lines = (
        f"{label}: least {digits(min(found))}, middle {digits(median(found))}, most {digits(max(found))}"
        for label, found in values
        if found
    )
    return f"{chart.unit}. {'; '.join(lines)}."


def _draw(chart: Chart) -> Figure:
    figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), layout="constrained")
    axes = figure.subplots()
    for series in chart.series:
        axes.plot(
            series.x,
            [value if _can_be_drawn(value, chart) else nan for value in series.y],
            color=PALETTE[series.colour],
            linewidth=FINE_LINE if chart.x == "seconds" and len(series.y) > FINE_FROM else LINE,
            linestyle="--" if series.dashed else "-",
            marker="o" if len(series.y) <= DOTS_MAX else "",
            markersize=4,
        )
    if chart.x == "percentile":
        _percentile_axis(axes, max(x for series in chart.series for x in series.x))
    else:
        _time_axis(axes, [x for series in chart.series for x in series.x])
    _value_axis(axes, chart)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(PALETTE["rule"])
    axes.grid(visible=True, axis="y", color=PALETTE["rule"], linewidth=0.7)
    axes.tick_params(colors=PALETTE["ink"], length=0)
    axes.xaxis.label.set_color(PALETTE["ink"])
    return figure


def _value_axis(axes: Axes, chart: Chart) -> None:
    axes.set_title(chart.unit, loc="left", fontsize=9, color=PALETTE["ink"])
    if not chart.logarithmic:
        axes.set_ylim(0, HEADROOM * axes.get_ylim()[1])
        axes.yaxis.set_major_formatter("{x:,g}")
        return
    axes.set_yscale("log")
    drawn = [value for series in chart.series for value in _drawable(series, chart)]
    wide = max(drawn) / min(drawn) > WIDE
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter("{x:,g}")
    axes.yaxis.set_minor_locator(NullLocator())


def _time_axis(axes: Axes, seconds: Sequence[float]) -> None:
    axes.set_xlim(min(seconds) - 0.2, max(*seconds, min(seconds) + 1) + 0.2)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.set_xlabel("seconds since the run's start")


def _percentile_axis(axes: Axes, rarest: float) -> None:
    axes.set_xscale("log")
    ticks = [2.0, *(10.0**nines for nines in range(1, 12) if 10**nines <= rarest)]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(lambda rarity, _: f"{100 - 100 / rarity:.10g}%")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(left=1)
    axes.set_xlabel("share of the answers that took no longer")


def _drawable(series: Series, chart: Chart) -> list[float]:
    return [value for value in series.y if _can_be_drawn(value, chart)]


def _can_be_drawn(value: float, chart: Chart) -> bool:
    """A logarithmic axis has no place for 0."""
    return isfinite(value) and (value > 0 or not chart.logarithmic)
