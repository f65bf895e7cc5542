"""An axis as Markdown: a row a size, and a last row that sums up how each curve runs."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from load_tests.figures import Spread
from load_tests.growth.record import Curve, Growth, NoGrowth, Panel, exponent, line


def markdown(growth: Growth) -> str:
    """The tables of an axis, one for all panels that share their sizes, and how it was measured."""
    grouped = groupby(growth.panels, key=lambda panel: (panel.varied, panel.sizes))
    tables = ["\n".join(_table(list(panels))) for _, panels in grouped]
    measured = (
        f"Measured in {growth.seconds:,.0f} s, bids for {growth.point_s:g} s a size, while other programs kept "
        f"{growth.other_cpus:.2f} cores busy."
    )
    return "\n\n".join([*tables, measured]) + "\n"


def fill(page: str, growth: Growth) -> str:
    """A page with the tables of an axis in the place that is kept for them: `<!-- NAME -->` to `<!-- end -->`."""
    begin, end = f"<!-- {growth.name} -->\n", "<!-- end -->"
    before, found, rest = page.partition(begin)
    if not found or end not in rest:
        raise NoGrowth(
            f"the page has no place for {growth.name}: write a line {begin.strip()} and below it a line {end}"
        )
    return f"{before}{begin}{markdown(growth)}{end}{rest.partition(end)[2]}"


def _table(panels: Sequence[Panel]) -> Iterator[str]:
    sizes = panels[0].sizes
    curves = [(panel, curve) for panel in panels for curve in panel.curves]
    yield _row([panels[0].varied, *(f"{curve.name}, {panel.unit}" for panel, curve in curves)])
    yield _row(["---:"] * (len(curves) + 1))
    for place, size in enumerate(sizes):
        yield _row([f"{size:,.10g}", *(_cell(curve.values[place]) for _, curve in curves)])
    if len(sizes) > 1:
        yield _row(["**runs as**", *(shape(panel, curve) for panel, curve in curves)])


def shape(panel: Panel, curve: Curve) -> str:
    """How a curve runs: the power of the size, or the line."""
    if panel.fit == "line":
        fitted = line(panel.sizes, curve.medians)
        sign = "−" if fitted.slope < 0 else "+"
        return f"{_number(fitted.start)} {sign} {_number(abs(fitted.slope))} × size (R² {fitted.r2:.2f})"
    power = exponent(panel.sizes, curve.medians)
    return "" if power is None else f"size^{power:.2f}"


def _cell(value: Spread) -> str:
    if value.min == value.max:
        return _number(value.median)
    return f"{_number(value.median)} ({_number(value.min)}–{_number(value.max)})"


def _number(value: float) -> str:
    """Three digits at least, and all of those before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
