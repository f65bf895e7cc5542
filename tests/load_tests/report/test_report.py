"""The page of one run: that it can be read by anybody, says what was found, and draws what was measured."""

import re
from math import isnan, nan
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from msgspec.structs import replace

from load_tests.report import chart, charts, node_metrics, words, write_report
from load_tests.report.chart import PALETTE
from load_tests.report.document import STYLE
from load_tests.report.percentiles import curve
from load_tests.report.quantities import digits, duration
from load_tests.results import Act, Checks, Percentiles, Process, ResultsFault, RunResult
from tests.load_tests.report.parsed import Parsed
from tests.load_tests.report.records import ALL_KEPT, EFFECTS, SECONDS, a_histogram, a_run
from tests.project.repository import ROOT

HOSTILE = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>&amp;\x00\u202e$\\frac$"
SECTIONS = [
    "Passed",
    "Throughput and latency",
    "CPU and memory",
    "What was answered",
    "Inside the nodes",
    "The load generator",
    "The run",
]
PLOTS = [
    "Throughput over time",
    "Latency over time",
    "Latency by percentile",
    "CPU an answer",
    "CPU of each process",
    "Memory of each process",
    "The generator's own work",
    "Records in a journal batch",
    "Waiting for the disk",
    "Backlog",
    "Stores in memory",
]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Parsed:
    """The report of a run that passed, in a directory that is made for it."""
    path = tmp_path_factory.mktemp("report") / "made" / "run.html"
    write_report(a_run(), path)
    return Parsed(path)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the pictures empty, where a test is about the words: drawing takes most of a report's time."""
    monkeypatch.setattr(chart, "_draw", lambda _: Figure())


def test_a_report_has_every_section_and_plot_in_order(page: Parsed) -> None:
    """The page is well formed, and its headings go from the verdict over what was measured to how to repeat it."""
    assert page.headings[0] == "bid_war"
    assert [heading for heading in page.headings if heading in SECTIONS] == SECTIONS
    assert [heading for heading in page.headings if heading in PLOTS] == PLOTS
    assert len(page.headings) == 1 + len(SECTIONS) + len(PLOTS)
    assert len(page.all("svg")) == len(PLOTS)


def test_a_report_needs_nothing_besides_itself(page: Parsed) -> None:
    """It runs no script, loads nothing, and every reference leads to one element of the same page."""
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "base", "form"}
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    references = [attributes["href"] for _, attributes in page.elements if "href" in attributes]
    references += re.findall(r"url\(([^)]*)\)", " ".join(" ".join(each.values()) for _, each in page.elements))
    assert references
    assert all(reference.removeprefix("#") in ids and reference.startswith("#") for reference in references)
    assert "url(" not in STYLE.read_text(encoding="utf-8")
    assert "@import" not in STYLE.read_text(encoding="utf-8")


def test_pictures_have_words_for_who_does_not_see_them(page: Parsed) -> None:
    """Each picture is named by a title and described with the figures of its lines; each table has a caption."""
    for picture in page.all("svg"):
        assert picture["role"] == "img"
        named = picture["aria-labelledby"].split()
        assert [tag for tag, each in page.elements if each.get("id") in named] == ["title", "desc"]
    assert "answers: least 1,9" in page.text
    assert len(page.all("caption")) == len(page.all("table"))
    assert {attributes.get("scope") for attributes in page.all("th")} == {"col", "row"}


def test_pictures_take_their_colours_from_the_page(page: Parsed) -> None:
    """No colour of a plot is fixed, and the style knows each by day and by night."""
    drawn = " ".join(attributes.get("style", "") for _, attributes in page.elements)
    assert not re.search(r"#[0-9a-f]{6}", drawn)
    style = STYLE.read_text(encoding="utf-8")
    used = set(re.findall(r"var\(--(\w+)\)", drawn))
    assert used <= PALETTE.keys()
    assert all(style.count(f"--{name}: ") == 2 for name in PALETTE)
    assert all(f"--{name}: {colour};" in style for name, colour in PALETTE.items())


@pytest.mark.usefixtures("undrawn")
def test_what_a_run_calls_things_stays_text(tmp_path: Path) -> None:
    """A scenario, address, act, reason, process or loss with markup in its name adds no element and no attribute."""
    harmless, run = tmp_path / "harmless.html", tmp_path / "run.html"
    for path, name in ((harmless, "name"), (run, HOSTILE)):
        hostile = replace(
            a_run(),
            scenario=name,
            about=name,
            target=name,
            commit=name,
            machine=replace(a_run().machine, cpu=name, system=name, python=name),
            acts={name: Act(1, Percentiles(1, 1, 1, 1, 1), {name: 1})},
            errors={name: 1},
            servers=[replace(process, name=name) for process in a_run().servers],
            checks=Checks(acknowledged=1, lost=[name], lost_count=2, balanced=None),
        )
        write_report(hostile, path)
    assert [tag for tag, _ in Parsed(run).elements] == [tag for tag, _ in Parsed(harmless).elements]
    assert [list(each) for _, each in Parsed(run).elements] == [list(each) for _, each in Parsed(harmless).elements]
    assert "<script>alert(1)</script>" in Parsed(run).text
    assert "\u202e" not in run.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("checks", "said"),
    [
        (Checks(EFFECTS, ["bid 17 of player 3"], 3, balanced=True), "Lost: 3 of 5,000 effects"),
        (Checks(EFFECTS, [], 0, balanced=False), "out of balance"),
    ],
)
@pytest.mark.usefixtures("undrawn")
def test_a_run_that_loses_something_says_so_first(checks: Checks, said: str, tmp_path: Path) -> None:
    """Its title, its first heading after the scenario and the sentences below tell of the loss."""
    write_report(replace(a_run(), checks=checks), tmp_path / "run.html")
    page = Parsed(tmp_path / "run.html")
    assert page.texts[0].startswith("Failed: bid_war")
    assert page.headings[1] == "Failed"
    assert said in page.text
    assert page.text.index(said) < page.text.index("answers a second")


def test_what_was_lost_is_named_and_counted() -> None:
    """The effects that the record names are followed by how many more there were."""
    assert words.lost(Checks(EFFECTS, ["a bid", "a claim"], 5, balanced=True)) == ["a bid", "a claim", "and 3 more"]
    assert words.lost(Checks(EFFECTS, ["a bid"], 1, balanced=True)) == ["a bid"]


def test_the_verdict_says_whose_limit_was_met() -> None:
    """Where the generator was the limit, the heading doubts the figures; a server or a load is named in a sentence."""
    of = {limit: words.verdict(replace(a_run(), limited_by=limit)) for limit in ("server", "generator", "load")}
    assert [of[limit].mood for limit in of] == ["passed", "doubtful", "passed"]
    assert "generator was the limit" in of["generator"].heading
    assert all(told.sentences[-1].lower().split(" was the limit")[0].endswith(limit) for limit, told in of.items())


def test_what_was_run_names_load_target_and_place() -> None:
    """The sentence holds who asked how much, of what, where, and for how long."""
    said = words.what_was_run(a_run())
    for part in ("64 players", "2,000 requests a second", "a fractal of one node", "12.0 s", "Example CPU, 2 cores"):
        assert part in said
    closed = replace(a_run(), loop="closed", offered_per_s=None, target="standard", nodes=4)
    assert "when the last was answered" in words.what_was_run(closed)
    assert "about 1.50 s after the last answer" in words.what_was_run(replace(closed, think_s=1.5))
    assert "the standard architecture with 4 workers" in words.what_was_run(closed)


def test_the_command_of_the_run_makes_the_same_load_again() -> None:
    """Whatever of the load can be set is in the command, and names are quoted for a shell."""
    command = (
        "python -m load_tests run bid_war --target fractal --nodes 1 --players 64 --seconds 12 --seed 1 --rate 2000"
    )
    assert words.command(a_run()) == command
    elsewhere = replace(a_run(), scenario="a b", target="wss://x/ws", offered_per_s=None, generators=[])
    assert words.command(elsewhere).startswith("python -m load_tests run 'a b' --url wss://x/ws --players")


def test_the_generators_own_lag_is_told() -> None:
    """Its percentiles are in a sentence; where it was never late, as in a closed loop, this is said instead."""
    assert "99% within 400 µs and the last after 9.00 ms" in words.lag(a_run())
    assert words.lag(replace(a_run(), late_us=Percentiles())).startswith("No request began later")


def test_unexpected_failures_are_part_of_the_verdict() -> None:
    """Failures are counted and set against all requests, those without an answer among them."""
    failing = replace(a_run(), requests=100, answers=90, failures=25)
    assert "25 requests (25.0%) had no answer, or one" in " ".join(words.verdict(failing).sentences)


def test_a_server_elsewhere_and_a_run_without_answers_are_reported(tmp_path: Path) -> None:
    """Where no process, no metric and no answer was seen, the page says so and stands."""
    run = a_run()
    nobody = Percentiles()
    empty = replace(
        run,
        target="wss://game.example/ws",
        requests=0,
        answers=0,
        per_s=0.0,
        latency_us=nobody,
        histogram=type(a_histogram(1))(1, 60_000_000, 3).encode().decode(),
        service_histogram=type(a_histogram(1))(1, 60_000_000, 3).encode().decode(),
        acts={},
        errors={},
        timeline=[replace(second, answers=0, latency_us=nobody) for second in run.timeline],
        servers=[],
        generators=[],
        cpu_us_per_answer=0.0,
        metrics={},
        checks=replace(ALL_KEPT, acknowledged=0, balanced=None),
        machine=replace(run.machine, fsync_ms=None),
    )
    write_report(empty, tmp_path / "run.html")
    page = Parsed(tmp_path / "run.html")
    assert page.headings[1] == "Nothing was measured"
    assert "not ours to see" in page.text
    assert "Inside the nodes" not in page.headings


def test_the_curve_is_the_histograms() -> None:
    """What is drawn for a percentile is what the histogram says of it, from the fastest answer to the slowest."""
    histogram = a_histogram(seed=3, waited_us=50_000)
    drawn = curve(histogram.encode().decode())
    told = [histogram.get_value_at_percentile(100 - 100 / rarity) / 1000 for rarity in drawn.rarity]
    assert list(drawn.latency_ms) == told
    assert drawn.latency_ms[0] == histogram.get_lowest_equivalent_value(histogram.get_min_value()) / 1000
    assert drawn.latency_ms[-1] == histogram.get_value_at_percentile(100) / 1000
    assert list(drawn.rarity) == sorted(drawn.rarity)


def test_a_plot_without_a_value_to_draw_says_so() -> None:
    """No line, gaps alone, and zeros where the axis is logarithmic give a sentence in the picture's place."""
    nothing = chart.Chart("name", "Title", "About.", "unit", [], logarithmic=True)
    gaps = replace(nothing, series=[chart.Series("gaps", [0.0, 1.0], [nan, nan], "blue")])
    zeros = replace(nothing, series=[chart.Series("zeros", [0.0, 1.0], [0.0, nan], "blue")])
    for empty in (nothing, gaps, zeros):
        assert [part.tag for part in chart.show(empty)] == ["figcaption", "p"]
    assert chart.show(replace(zeros, logarithmic=False)).find("div/svg") is not None


@pytest.mark.parametrize("text", ["", "HISTFAAAA", "not a histogram", "SElTVA==", "é"])
def test_a_broken_histogram_is_a_fault(text: str, tmp_path: Path) -> None:
    """A record whose histogram cannot be read is told from a bug of ours, and no page is left."""
    with pytest.raises(ResultsFault, match="run the scenario again"):
        write_report(replace(a_run(), histogram=text), tmp_path / "run.html")
    assert not (tmp_path / "run.html").exists()


def test_a_last_second_that_was_cut_short_is_drawn_at_its_true_rate() -> None:
    """Half a second's answers count double; less than half a second is left out, as it would be chance."""
    run = a_run()
    half = replace(run, seconds=SECONDS - 0.5)
    assert charts.answers(half)[-1] == 2 * run.timeline[-1].answers
    assert charts.answers(half)[:-1] == [second.answers for second in run.timeline[:-1]]
    assert len(charts.answers(replace(run, seconds=SECONDS - 0.9))) == SECONDS - 1


def test_cpu_an_answer_is_that_of_all_server_processes() -> None:
    """Each second's CPU time of all processes is divided by its answers, with a gap where there were none."""
    run = a_run()
    timeline = [replace(run.timeline[0], answers=1_000), replace(run.timeline[1], answers=0)]
    servers = [Process("a", [0.25, 0.1], [1, 1]), Process("b", [0.75, 0.1], [1, 1])]
    first, second = charts.server_cpu_us(replace(run, timeline=timeline, servers=servers))
    assert first == 1_000
    assert isnan(second)


def test_many_processes_are_drawn_as_the_busiest_and_the_rest() -> None:
    """Where there are more processes than colours, the least busy are one line that adds them up."""
    servers = [Process(f"worker {n}", [0.1 * n] * SECONDS, [10**6] * SECONDS) for n in range(1, 9)]
    run: RunResult = replace(a_run(), servers=servers, generators=[])
    drawn = charts.cpu(run).series
    assert [line.label for line in drawn] == [f"worker {n}" for n in (8, 7, 6, 5, 4)] + ["3 others, together"]
    assert drawn[-1].y[0] == pytest.approx(0.1 + 0.2 + 0.3)


def test_node_metrics_are_read_as_what_they_are() -> None:
    """Means divide what grew, paces are growth a second, levels stand; a restart and an idle second leave gaps."""
    drawn = node_metrics.charts(
        {
            "auction_journal_batch_records_sum": [10.0, 40.0, 40.0, 5.0, 25.0],
            "auction_journal_batch_records_count": [1.0, 11.0, 11.0, 1.0, 3.0],
            "auction_limit_hits_total": [7.0, 7.0, 9.0, 9.0, 9.0],
            "auction_gate_waiting": [0.0, 3.0, 1.0, 0.0, 2.0],
            "auction_stores_awake": [0.0] * 5,
        },
        [0.0, 1.0, 2.0, 3.0, 4.0],
    )
    lines = {each.name: list(each.series[0].y) for each in drawn}
    assert lines.keys() == {"node-journal-batch", "node-limits", "node-backlog"}
    assert [value for value in lines["node-journal-batch"] if not isnan(value)] == [3.0, 10.0]
    assert [isnan(value) for value in lines["node-journal-batch"]] == [True, False, True, True, False]
    assert lines["node-limits"][1:] == [0.0, 2.0, 0.0, 0.0]
    assert lines["node-backlog"] == [0.0, 3.0, 1.0, 0.0, 2.0]


def test_the_metrics_that_are_shown_are_the_nodes() -> None:
    """Each metric that a panel draws is one that docs/operating.md, which is held to the code, tells of."""
    drawn = [
        name
        for panel in node_metrics.PANELS
        for line in panel.lines
        for name in (line.metric, getattr(line, "per", None))
    ]
    families = {re.sub("_(sum|count|total)$", "", name) for name in drawn if name is not None}
    known = set(re.findall(r"`(auction_\w+)`", (ROOT / "docs/operating.md").read_text(encoding="utf-8")))
    assert families
    assert families <= known


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.01234, "0.0123"), (9.996, "10.00"), (12, "12.0"), (999.96, "1,000"), (1_234_567, "1,234,567")],
)
def test_numbers_show_three_digits_and_no_exponent(value: float, text: str) -> None:
    """Small numbers keep three significant digits, large ones are whole."""
    assert digits(value) == text


def test_durations_take_the_unit_that_fits() -> None:
    """Microseconds, milliseconds and seconds are told apart."""
    assert [duration(us) for us in (850, 1_810, 90_400, 2_500_000)] == ["850 µs", "1.81 ms", "90.4 ms", "2.50 s"]
