"""Lines through points, what is kept of an axis, and its tables, without a server."""

from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load_tests.figures import Spread, spread
from load_tests.growth.cluster import crossing
from load_tests.growth.picture import draw
from load_tests.growth.record import Curve, Fit, Growth, NoGrowth, Panel, exponent, line, read, write
from load_tests.growth.start import BUSY, receivers
from load_tests.growth.tables import fill, markdown, shape

SIZES = [1, 10, 100, 1_000]
FACTORS = st.floats(min_value=0.01, max_value=100)


def once(*values: float) -> list[Spread]:
    """One round at each size."""
    return [spread([value], 2) for value in values]


def panel(fit: Fit, *curves: Curve, sizes: list[float] | None = None) -> Panel:
    """Curves over as many things."""
    return Panel("a title", "ms", "things", sizes or [1, 2], list(curves), fit)


@given(FACTORS, FACTORS)
def test_a_line_is_found_through_points_on_it(slope: float, start: float) -> None:
    """Points that lie on a line give that line, and all of their variance is explained."""
    found = line(SIZES, [start + slope * size for size in SIZES])
    assert found.slope == pytest.approx(slope, rel=1e-6)
    assert found.start == pytest.approx(start, rel=1e-3, abs=1e-3)
    assert found.r2 == pytest.approx(1)


def test_a_line_through_what_goes_up_and_down_explains_little() -> None:
    """Values that swing around their middle have that middle as their line."""
    found = line([1, 2, 3, 4], [1, -1, -1, 1])
    assert [found.slope, found.start, found.r2] == pytest.approx([0, 0, 0])
    assert line([1, 2], [5, 5]).r2 == 1


@given(st.floats(min_value=-2, max_value=2), FACTORS)
def test_a_power_is_found_through_points_on_it(power: float, factor: float) -> None:
    """Values that grow with a power of the size give that power, whatever their factor."""
    assert exponent(SIZES, [factor * size**power for size in SIZES]) == pytest.approx(power, abs=1e-6)


def test_what_has_no_logarithm_is_left_out_of_a_power() -> None:
    """Size 0 and value 0 do not count, and fewer than two sizes have no power."""
    assert exponent([0, 1, 10, 100], [7, 1, 10, 0]) == pytest.approx(1)
    assert exponent([0, 10], [1, 1]) is None
    assert exponent([10], [1]) is None


def test_a_table_has_a_row_a_size_and_sums_up() -> None:
    """Panels of the same sizes share a table; rounds show their spread; the last row says how each curve runs."""
    rounds = Curve("p50", [spread([3, 2, 1], 0), spread([4, 4, 4], 0)])
    flat = Curve("CPU", once(1_500, 500))
    table = markdown(Growth("axis", "An axis", [panel("power", rounds), panel("line", flat)], 61, 6, 0.25))
    assert table.splitlines() == [
        "| things | p50, ms | CPU, ms |",
        "| ---: | ---: | ---: |",
        "| 1 | 2 (1–3) | 1,500 |",
        "| 2 | 4 | 500 |",
        "| **runs as** | size^1.00 | 2,500 − 1,000 × size (R² 1.00) |",
        "",
        "Measured in 61 s, bids for 6 s a size, while other programs kept 0.25 cores busy.",
    ]


def test_panels_of_other_sizes_have_tables_of_their_own() -> None:
    """Where sizes differ, there is one table each."""
    curve = Curve("p50", once(1, 2))
    growth = Growth("axis", "An axis", [panel("line", curve), panel("line", curve, sizes=[1, 1_000_000])], 1, 1, 0)
    assert [row for row in markdown(growth).splitlines() if row.startswith("| 1")] == [
        "| 1 | 1 |",
        "| 1 | 1 |",
        "| 1,000,000 | 2 |",
    ]


def test_tables_go_into_their_place_on_a_page() -> None:
    """What stood in an axis' place goes, all else stays, and a page without a place for it is refused."""
    growth = Growth("axis", "An axis", [panel("power", Curve("p50", once(1)), sizes=[5])], 1, 1, 0)
    page = "before\n<!-- axis -->\nold\n<!-- end -->\nbetween\n<!-- other -->\nother\n<!-- end -->\n"
    filled = fill(page, growth)
    assert filled == page.replace("old\n", markdown(growth))
    assert fill(filled, growth) == filled
    with pytest.raises(NoGrowth, match="<!-- axis -->"):
        fill("nothing", growth)


def test_one_size_runs_as_nothing() -> None:
    """With one size there is no last row, and a power that cannot be told is left empty."""
    growth = Growth("axis", "An axis", [panel("power", Curve("p50", once(1)), sizes=[5])], 1, 1, 0)
    assert "runs as" not in markdown(growth)
    assert shape(panel("power", sizes=[0, 5]), Curve("p50", once(1, 2))) == ""


def test_an_axis_is_kept_read_again_and_drawn(tmp_path: Path) -> None:
    """What was measured comes back as it was, and its picture names what it shows, sizes of 0 among them."""
    curves = [Curve("p50", once(1, 30, 900)), Curve("p99", once(2, 60, 1_800))]
    growth = Growth("axis", "An axis", [panel("power", *curves, sizes=[0, 10, 1_000])], 1, 1, 0)
    write(growth, tmp_path / "new")
    assert read("axis", tmp_path / "new") == growth
    draw(growth, tmp_path / "axis.svg")
    assert "<svg" in (tmp_path / "axis.svg").read_text()


@pytest.mark.parametrize("content", [None, "{}", "no JSON"])
def test_figures_that_cannot_be_read_are_told(tmp_path: Path, content: str | None) -> None:
    """Whoever asks for tables of what was not measured, or of another program's file, hears what to do."""
    if content is not None:
        (tmp_path / "axis.json").write_text(content)
    with pytest.raises(NoGrowth, match="measure it with --only axis"):
        read("axis", tmp_path)


@given(st.floats(min_value=0, max_value=1), st.integers(min_value=1, max_value=300))
def test_a_share_of_listings_crosses_nodes(share: float, listings: int) -> None:
    """Of however many listings in a row, as many cross as the share says, to within one."""
    crossed = sum(islice(crossing(share), listings))
    assert abs(crossed - share * listings) <= 1


@given(st.integers(min_value=0, max_value=5_000))
def test_half_of_a_journal_is_one_players(records: int) -> None:
    """Every other record is the busy player's, and the rest is shared evenly."""
    names = list(receivers(records))
    assert names.count(BUSY) == records // 2
    others = [name for name in names if name != BUSY]
    counts = {name: others.count(name) for name in set(others[:5])}
    assert len(counts) == min(5, len(others))
    assert max(counts.values(), default=0) - min(counts.values(), default=0) <= 1
