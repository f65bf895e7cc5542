"""Recorded runs side by side: which may be compared, and that their ratios are right."""

from math import isnan
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from load_tests.report import ComparisonFault, compare
from load_tests.report.compared import RUNS_MAX, Compared, compared
from load_tests.report.comparison import overlaid
from load_tests.results import Checks, Process, ResultsFault, RunResult, write
from tests.load_tests.report.parsed import Parsed
from tests.load_tests.report.records import SECONDS, a_run


def fractal() -> RunResult:
    """A run."""
    return replace(a_run(seed=1), limited_by="server")


def standard() -> RunResult:
    """A run of the same load, with half the answers, at four times the CPU, and no memory seen."""
    ours = fractal()
    return replace(
        a_run(seed=2),
        target="standard",
        nodes=4,
        per_s=ours.per_s / 2,
        cpu_us_per_answer=ours.cpu_us_per_answer * 4,
        limited_by="server",
        servers=[],
    )


def ratios(figures: Compared) -> dict[str, list[float]]:
    """By the figure's name."""
    return {figure.name: figure.ratios for figure in figures.figures}


def kept(directory: Path, **runs: RunResult) -> list[Path]:
    """Files of runs under their names."""
    for name, run in runs.items():
        write(run, directory / f"{name}.json")
    return [directory / f"{name}.json" for name in runs]


def test_ratios_are_to_the_first_run() -> None:
    """Each figure is divided by the first run's; where a run has none, there is no ratio."""
    told = ratios(compared({"ours": fractal(), "theirs": standard()}))
    assert told["answers a second"] == [1, 0.5]
    assert told["server CPU an answer"] == [1, 4]
    assert told["latency, 99%"] == [1, standard().latency_us.p99 / fractal().latency_us.p99]
    assert isnan(told["server memory at its peak"][1])
    assert all(isnan(ratio) for ratio in told["failed"])


def test_memory_is_compared_at_the_peak_of_all_processes() -> None:
    """The second in which all server processes together were largest counts."""
    grown = [Process("a", [0.1] * 3, [100, 300, 200]), Process("b", [0.1] * 3, [100, 100, 100])]
    told = ratios(compared({"a": replace(fractal(), servers=grown[1:]), "b": replace(fractal(), servers=grown)}))
    assert told["server memory at its peak"] == [1, 4]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scenario": "browse"}, r"the scenario \(a: bid_war, b: browse\)"),
        ({"players": 65}, r"the players \(a: 64, b: 65\)"),
        ({"offered_per_s": 10.0}, r"the offered requests a second \(a: 2000.0, b: 10.0\)"),
        ({"think_s": 1.0}, r"their thinking time \(a: 0.0, b: 1.0\)"),
        ({"loop": "closed", "offered_per_s": None}, r"the loop \(a: open, b: closed\)"),
    ],
)
def test_runs_of_different_loads_are_refused(change: dict[str, Any], said: str) -> None:
    """The fault names what differs and how it was in each run."""
    with pytest.raises(ComparisonFault, match=said):
        compared({"a": fractal(), "b": replace(fractal(), **change)})


def test_what_else_differed_is_told() -> None:
    """Target, seed, commit and machine may differ, and the comparison says how each was."""
    other = replace(standard(), commit="", machine=replace(fractal().machine, cpus=4))
    told = compared({"a": fractal(), "b": other})
    assert told.differences == {
        "target": ["a fractal of one node", "the standard architecture with 4 workers"],
        "seed": ["1", "2"],
        "commit": ["0123abcd", "not known"],
        "processor": ["Example CPU, 2 cores", "Example CPU, 4 cores"],
    }
    assert any("different machines" in caution for caution in told.cautions)


def test_a_disk_that_was_measured_twice_is_no_other_machine() -> None:
    """The time of an fsync differs from run to run; it is listed, and nobody is warned of another machine."""
    told = compared({"a": fractal(), "b": replace(fractal(), machine=replace(fractal().machine, fsync_ms=0.5))})
    assert told.differences == {"fsync, ms": ["0.400", "0.500"]}
    assert not any("different machines" in caution for caution in told.cautions)


def test_runs_that_prove_nothing_are_called_out() -> None:
    """A run that lost something, and one whose generator was the limit, come with a caution by name."""
    lost = replace(fractal(), checks=Checks(acknowledged=9, lost=["a bid"], lost_count=1, balanced=True))
    cautions = compared({"lost": lost, "slow": replace(fractal(), limited_by="generator")}).cautions
    assert cautions[0].startswith("lost failed")
    assert cautions[1].startswith("slow was limited by the load generator")


def test_the_comparison_is_shown_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The terminal has figures, ratios and who passed; the page has them too, and the plots with both runs' lines."""
    lost = replace(standard(), checks=Checks(acknowledged=9, lost=["a bid"], lost_count=1, balanced=True))
    compare(kept(tmp_path, ours=fractal(), theirs=lost), tmp_path / "made" / "both.html")
    shown = capsys.readouterr().out
    page = Parsed(tmp_path / "made" / "both.html")
    for text in (shown, page.text):
        assert "(× 0.500)" in text
        assert "NO, lost 1" in text
    assert page.headings[:2] == ["bid_war", "Failed: theirs"]
    assert len(page.all("svg")) == 4
    assert page.texts.count("theirs") >= 4


def test_the_plots_lay_the_runs_over_each_other() -> None:
    """Each plot has a line of its own colour for each run, over the seconds of that run."""
    short = replace(fractal(), seconds=3.0, timeline=fractal().timeline[:3])
    throughput, *others = overlaid(compared({"long": fractal(), "short": short}))
    assert [len(line.x) for line in throughput.series] == [SECONDS, 3]
    for drawn in (throughput, *others):
        assert [line.label for line in drawn.series] == ["long", "short"]
        assert len({line.colour for line in drawn.series}) == 2


@pytest.mark.usefixtures("capsys")
def test_names_with_markup_are_only_names(tmp_path: Path) -> None:
    """Files and scenarios whose names look like markup of the terminal or the page are shown as they are."""
    hostile = replace(fractal(), scenario="[/red]<script>", about="[bold", target="[link]")
    out = tmp_path / "both.html"
    compare(kept(tmp_path, **{"[blink]": hostile, "<b>": hostile}), out)
    page = Parsed(out)
    assert "script" not in {tag for tag, _ in page.elements}
    assert "b" not in {tag for tag, _ in page.elements}
    assert page.headings[0] == "[/red]<script>"


def test_files_of_one_name_are_told_apart_by_their_places(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two runs kept as `run.json` in two directories appear under their whole paths."""
    (one,), (two,) = kept(tmp_path / "one", run=fractal()), kept(tmp_path / "two", run=fractal())
    compare([one, two], tmp_path / "both.html")
    assert capsys.readouterr().out
    assert {str(one), str(two)} <= set(Parsed(tmp_path / "both.html").texts)


@pytest.mark.parametrize("count", [0, 1, RUNS_MAX + 1])
def test_two_to_six_runs_are_compared(count: int, tmp_path: Path) -> None:
    """Fewer have nothing to be compared with, and more could not be told apart in a plot."""
    paths = [tmp_path / f"{number}.json" for number in range(count)]
    with pytest.raises(ComparisonFault, match=f"name 2 to {RUNS_MAX} files"):
        compare(paths, tmp_path / "out.html")


def test_a_run_is_not_compared_with_itself(tmp_path: Path) -> None:
    """The same file named twice, however it is written, is a fault."""
    (path,) = kept(tmp_path, run=fractal())
    with pytest.raises(ComparisonFault, match="twice"):
        compare([path, tmp_path / "." / "run.json"], tmp_path / "out.html")


def test_a_file_that_is_no_record_is_a_fault(tmp_path: Path) -> None:
    """What cannot be read as a run is named, and nothing is written."""
    (path,) = kept(tmp_path, run=fractal())
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(ResultsFault, match=r"other\.json is no record of a run"):
        compare([path, tmp_path / "other.json"], tmp_path / "out.html")
    assert not (tmp_path / "out.html").exists()
