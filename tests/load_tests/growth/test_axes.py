"""Each axis for a moment, with real processes: that it runs, loses nothing, and gives what its page shows."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from load_tests.growth.__main__ import main
from load_tests.growth.axes import AXES
from load_tests.growth.node import TooFewFiles, allow_connections
from load_tests.growth.record import read

PATIENCE_S = 60


@pytest.mark.parametrize("name", AXES)
def test_an_axis_runs(name: str, tmp_path: Path) -> None:
    """With its small sizes it leaves figures above zero at each of them, a picture, and prints its table."""
    places = ["--out", str(tmp_path / "out"), "--dir", str(tmp_path)]
    done = CliRunner().invoke(main, ["--only", name, "--quick", *places], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    growth = read(name, tmp_path / "out")
    assert f"## {name}" in done.output
    assert "<svg" in (tmp_path / "out" / f"growth-{name}.svg").read_text()
    for panel in growth.panels:
        assert len(panel.sizes) == len(AXES[name].quick)
        for curve in panel.curves:
            assert all(value.median >= 0 for value in curve.values)
        assert any(value.median > 0 for curve in panel.curves for value in curve.values), panel.title
    assert {path.name for path in tmp_path.iterdir()} == {"out"}


def test_it_is_run_by_its_name() -> None:
    """`python -m load_tests.growth` is the command."""
    command = [sys.executable, "-m", "load_tests.growth", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    assert all(name in done.stdout for name in AXES)


def test_tables_are_printed_without_measuring(tmp_path: Path) -> None:
    """`--markdown` shows what is there, and says what to do where nothing is."""
    asked = CliRunner().invoke(main, ["--markdown", "--only", "start", "--out", str(tmp_path)])
    assert asked.exit_code == 1
    assert "measure it with --only start" in asked.output


@pytest.mark.parametrize("options", [["--sizes", "1,2"], ["--sizes", "1,2", "--only", "start", "--only", "disk"]])
def test_sizes_are_of_one_axis(options: list[str]) -> None:
    """Sizes without an axis, or with two, are refused before anything is started."""
    asked = CliRunner().invoke(main, options)
    assert asked.exit_code == 2
    assert "--only" in asked.output


def test_sizes_are_numbers() -> None:
    """What is no number is refused with the form that is."""
    asked = CliRunner().invoke(main, ["--only", "start", "--sizes", "1,many"])
    assert asked.exit_code == 2
    assert "1,4,16" in asked.output


def test_more_connections_than_the_system_allows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is started, with what to do; within the hard limit the soft one is raised."""
    limits = {resource.RLIMIT_NOFILE: (1_024, 4_096)}
    monkeypatch.setattr(resource, "getrlimit", limits.__getitem__)
    monkeypatch.setattr(resource, "setrlimit", limits.__setitem__)
    with pytest.raises(TooFewFiles, match="--sizes"):
        allow_connections(4_000)
    assert limits == {resource.RLIMIT_NOFILE: (1_024, 4_096)}
    allow_connections(2_000)
    assert limits[resource.RLIMIT_NOFILE][0] >= 2_000
