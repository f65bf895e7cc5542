"""The comparison for a moment, with real processes."""

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from load_tests.comparison.command import command
from load_tests.comparison.report import CROSS, ECHO, FRACTAL, IN_WORKERS, SAME, STANDARD, TPCB, Comparison

QUICK = ["--connections", "9", "--rounds", "1", "--seconds", "0.3", "--kills", "1", "--workers", "1"]


def compare(*options: str | Path) -> Result:
    """The command, with little of everything."""
    return CliRunner().invoke(command, [*QUICK, *map(str, options)])


def test_all_sides_are_measured_and_lose_nothing(tmp_path: Path) -> None:
    """One command measures all sides, writes its figures, pictures and tables, and finds that nothing was lost."""
    file, page = tmp_path / "results" / "all.json", tmp_path / "all.md"
    done = compare("--no-search", "--json", file, "--markdown", page)
    assert done.exit_code == 0, done.output
    comparison = msgspec.json.decode(file.read_bytes(), type=Comparison)
    assert comparison.sides.keys() == {FRACTAL, STANDARD, IN_WORKERS, TPCB, ECHO, SAME, CROSS}
    assert all(side.per_s.median > 0 for side in comparison.sides.values())
    for form in (STANDARD, IN_WORKERS):
        by_kind = comparison.sides[form].cpu_us_by_kind
        assert by_kind.keys() <= {"nginx", "workers", "PostgreSQL", "Redis", "supervisor"}
    assert [row.measured is not None for row in comparison.rows] == [*[True] * 7, False, True, False, False]
    assert comparison.kills is not None and comparison.kills.acknowledged > 0
    assert comparison.trades[CROSS].messages_a_trade > comparison.trades[SAME].messages_a_trade
    assert len(comparison.checks) == 2 + 2 + 2 + 2 + 2 + 1 + 3
    assert all(check.passed for check in comparison.checks)
    assert "kill -9 under load" in page.read_text("utf-8")
    assert all("<svg" in (file.parent / name).read_text() for name in ("all.svg", "all-bids.svg"))


def test_some_parts_are_measured_alone(tmp_path: Path) -> None:
    """`--only` leaves out the rest, which the table then says; a part that there is not is named."""
    file = tmp_path / "echo.json"
    done = compare("--only", "echo", "--json", file)
    assert done.exit_code == 0, done.output
    comparison = msgspec.json.decode(file.read_bytes(), type=Comparison)
    assert comparison.sides.keys() == {ECHO}
    assert all(row.measured is None for row in comparison.rows)
    unknown = compare("--only", "echo,ecko", "--json", file)
    assert unknown.exit_code == 2
    assert "there is no ecko; choose from bids, standard" in unknown.output


def test_a_server_that_fails_is_told_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No traceback, but what failed, the end of its log, and what to do; and no file that looks like a result."""
    monkeypatch.setattr("load_tests.comparison.echo.SERVER", "load_tests.comparison.no_such_server")
    done = compare("--only", "echo", "--json", tmp_path / "echo.json")
    assert done.exit_code == 1
    assert "did not say" in done.output
    assert "No module named" in done.output and "--only" in done.output
    assert not list(tmp_path.iterdir())
