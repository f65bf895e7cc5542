"""From measurements to the ratio table."""

from pathlib import Path

import msgspec
import pytest

from load_tests.comparison.checks import Check
from load_tests.comparison.picture import draw_bids, draw_ratios
from load_tests.comparison.report import (
    CROSS,
    FORMAT,
    FRACTAL,
    SAME,
    TPCB,
    Comparison,
    Goal,
    Turns,
    ratio_rows,
    side_figures,
)
from load_tests.comparison.tables import facts, markdown, warnings
from load_tests.figures import Spread
from load_tests.results import Machine
from tests.load_tests.comparison.measured import KILLS, SEARCHES, TURNS, turn

BIDS, BIDS_IN_WORKERS, CPU, CPU_IN_WORKERS, TRANSACTIONS, ECHOES, TRADES, SEARCH, KILL, LOST, SIMULATED = range(11)
"""The rows, in the order of DESIGN.md, with a second one for each ratio to the standard architecture."""


def spread(*rounds: float) -> Spread:
    """Of an odd number of rounds."""
    return Spread(sorted(rounds)[len(rounds) // 2], min(rounds), max(rounds), list(rounds))


@pytest.mark.parametrize(
    ("row", "measured", "met"),
    [
        (BIDS, spread(10.0, 16.0, 12.0), True),
        (BIDS_IN_WORKERS, spread(20.0, 16.0, 24.0), True),
        (CPU, spread(20.0, 16.0, 18.0), True),
        (CPU_IN_WORKERS, spread(40.0, 32.0, 48.0), True),
        (TRANSACTIONS, spread(1.25, 1.6, 2.0), False),
        (ECHOES, spread(0.4, 0.4, 0.6), False),
        (TRADES, spread(0.3, 0.36, 0.4), True),
        (SEARCH, spread(12.0, 15.0, 33.0), True),
        (KILL, spread(0.9, 1.1, 1.0), True),
    ],
)
def test_a_ratio_is_of_rounds_side_by_side(row: int, measured: Spread, met: bool) -> None:
    """Each round's figure is divided by the other side's of the same round; the median is held against the goal."""
    found = ratio_rows(TURNS, SEARCHES, KILLS)[row]
    assert (found.measured, found.met) == (measured, met)


def test_one_slow_start_misses_the_goal() -> None:
    """What is to hold after any kill is judged by the slowest start, not by the middle one."""
    kills = msgspec.structs.replace(KILLS, first_answer_s=[0.9, 2.0, 0.9])
    assert ratio_rows(TURNS, SEARCHES, kills)[KILL].met is False
    assert Goal(below=2).met_by(spread(1.9)) and not Goal(below=2).met_by(spread(2.0))
    assert Goal(at_least=2).met_by(spread(2.0)) and not Goal(at_least=2).met_by(spread(1.99))


def test_what_was_not_measured_has_no_figure_and_no_verdict() -> None:
    """A row whose sides did not all take part names those that are missing; so does a run of nothing."""
    rows = ratio_rows({FRACTAL: TURNS[FRACTAL], TPCB: TURNS[TPCB]}, None, None)
    assert [row.met is None for row in rows] == [row != TRANSACTIONS for row in range(11)]
    assert (rows[BIDS].measured, rows[BIDS].note) == (None, "without standard")
    assert rows[CPU_IN_WORKERS].note == "without standard (rules in workers)"
    assert rows[TRADES].note == f"without {CROSS} and {SAME}"
    assert all(row.measured is None and row.met is None for row in ratio_rows({}, None, None))


def test_faults_and_simulations_point_to_where_they_are_measured() -> None:
    """This run's kills are told but do not meet the goal for all faults; a loss among them misses it."""
    rows = ratio_rows(TURNS, SEARCHES, KILLS)
    assert (rows[LOST].met, rows[SIMULATED].met) == (None, None)
    assert "0 in the kills of this run" in rows[LOST].note and "make sim" in rows[SIMULATED].note
    for broken in ({"lost": 2}, {"balanced": False}):
        assert ratio_rows(TURNS, SEARCHES, msgspec.structs.replace(KILLS, **broken))[LOST].met is False


def test_longer_waits_across_nodes_are_told() -> None:
    """The trades' row says how much longer half of the answers took, round by round."""
    assert ratio_rows(TURNS, None, None)[TRADES].note == "half of the answers took 5 (4–6) times as long"


def test_a_side_is_summed_up_by_rounds() -> None:
    """Rates, latencies and CPU time have a spread, kinds of processes a share each, unless they used none."""
    turns = [
        msgspec.structs.replace(turn(1_000), cpu_s={"workers": 0.1, "nginx": 0.0}),
        msgspec.structs.replace(turn(3_000, p50_ms=4.0), cpu_s={"workers": 0.1, "Redis": 0.2}),
    ]
    side = side_figures(turns)
    assert (side.per_s.rounds, side.cpu_us.rounds) == ([500, 1_500], [100, 100])
    assert side.cpu_us_by_kind == {"workers": 50, "Redis": 50}
    assert side.p50_ms is not None and (side.p50_ms.min, side.p50_ms.max) == (2, 4)
    assert side_figures(TURNS[TPCB]).p50_ms is None


def comparison(turns: Turns = TURNS) -> Comparison:
    """A run with these turns."""
    return Comparison(
        format=FORMAT,
        started_at_ms=0,
        took_s=1.0,
        machine=Machine(cpus=2, cpu="one", python="3.11", system="any", fsync_ms=0.2),
        connections=64,
        rounds=3,
        seconds=2.0,
        seed=1,
        workers=2,
        rows=ratio_rows(turns, SEARCHES, KILLS),
        sides={name: side_figures(each) for name, each in turns.items()},
        trades={},
        searches=SEARCHES,
        kills=KILLS,
        checks=[Check("fractal: audit", True, "balanced")],
    )


def test_a_busy_machine_and_a_busy_generator_are_warned_of() -> None:
    """Figures beside other programs, or of a generator that could do no more, are not shown without a warning."""
    assert not list(warnings(comparison()))
    beside_others, limited = warnings(comparison({FRACTAL: [turn(1_000, others=0.5, generator_busy=0.9)]}))
    assert "0.5 cores" in beside_others
    assert "90%" in limited


def test_the_markdown_has_every_row_side_and_check() -> None:
    """The fragment for the documentation is the whole table, with what it was measured on."""
    page = markdown(comparison())
    lines = page.splitlines()
    assert "| durable bids/s, fractal ÷ standard | ≥ 10 | 12 (10–16) | met |  |" in lines
    assert "| bids/s ÷ bare echo messages/s | ≥ 0.6 | 0.4 (0.4–0.6) | missed |  |" in lines
    assert sum(line.startswith("| ") and line.count("|") == 6 for line in lines) == 2 * 2 + 11 + len(TURNS)
    assert "| standard | 1,000 (500–1,000) | 2 / 6 | 1000 (750–1000) | 20% |" in lines
    assert "- fractal: audit: passed, balanced" in lines
    assert all(f"- {fact}" in lines for fact in facts(comparison()))


def test_one_failed_check_fails_the_run() -> None:
    """A run that lost something has failed, however fast it was."""
    failed = Check("fractal: audit", False, "not balanced")
    run = comparison()
    assert run.passed
    assert not msgspec.structs.replace(run, checks=[*run.checks, failed]).passed
    assert "**failed**, not balanced" in markdown(msgspec.structs.replace(run, checks=[failed]))


def test_a_picture_is_drawn_of_what_was_measured(tmp_path: Path) -> None:
    """Both pictures are made of a whole run, and of one in which neither house took part."""
    for name, turns in {"whole": TURNS, "part": {TPCB: TURNS[TPCB]}}.items():
        for draw in (draw_ratios, draw_bids):
            picture = tmp_path / f"{name}.svg"
            draw(comparison(turns), picture)
            assert "<svg" in picture.read_text()
