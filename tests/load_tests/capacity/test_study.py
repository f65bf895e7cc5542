"""From files to figures: faults of files, costs, what breaks first, and the whole command at a small size."""

import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from load_tests.capacity.__main__ import main
from load_tests.capacity.assumptions import EVENING, PRICES, Disk, read_evening, read_prices
from load_tests.capacity.calibration import CALIBRATION, Calibration, CapacityFault, read, write
from load_tests.capacity.fitting import costs_of
from load_tests.capacity.house import Design, Setting
from load_tests.capacity.study import memory_bytes, other_requests_s, scanning
from tests.load_tests.capacity.houses import COSTS


def test_a_calibration_is_kept_and_read_again(tmp_path: Path) -> None:
    """What is written is what is read, to four digits; so is the one that comes with the package."""
    write(COSTS, tmp_path / "calibration.toml")
    assert read(tmp_path / "calibration.toml", Calibration) == COSTS
    assert read(CALIBRATION, Calibration).bid_s > 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "cannot be read"),
        ("bid_s = ", "is not TOML"),
        ("bid_s = 1.0", "missing required field"),
        ('bid_s = "much"', "Expected `float`"),
    ],
)
def test_a_bad_calibration_is_a_fault_that_names_the_file(tmp_path: Path, text: str | None, says: str) -> None:
    """A file that is not there, is no TOML, lacks a cost or has a word for it: each says which and what to mend."""
    path = tmp_path / "mine.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(CapacityFault, match=says) as fault:
        read(path, Calibration)
    assert "mine.toml" in str(fault.value)


@pytest.mark.parametrize(
    ("origin", "old", "new", "says"),
    [
        (PRICES, "per_hour = ", "per_day = ", "per_"),
        (PRICES, "p99_ms = 0.6", "p99_ms = 0.01", "below median_ms"),
        (EVENING, "search = 0.60", "search = 0.70", "add up to 1.1"),
        (EVENING, "players = 10_000_000", "players = 0", "players"),
    ],
)
def test_bad_assumptions_are_faults(tmp_path: Path, origin: Path, old: str, new: str, says: str) -> None:
    """A price without a name, a network whose slowest message is its fastest, shares that are no whole: all refused."""
    text = origin.read_text()
    assert old in text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(old, new))
    with pytest.raises(CapacityFault, match=says):
        (read_prices if origin == PRICES else read_evening)(path)


def test_costs_are_machines_disks_and_traffic() -> None:
    """A dollar an hour and ten nodes at 1,000 trades a second: 10 / 3.6 dollars a million; and GB that cross zones."""
    prices = read_prices(PRICES)
    disk = Disk(gib=73, per_gib_month=0.5, fsync_ms=1)
    dear = msgspec.structs.replace(prices, machine=msgspec.structs.replace(prices.machine, per_hour=0.95), disk=disk)
    assert dear.node_per_hour() == pytest.approx(1.0)
    assert dear.per_million(10, 1_000) == pytest.approx(10 / 3.6)
    assert dear.traffic_per_million(3e6, 1_000) == pytest.approx(2 / 3 * 3 * 0.02)


def test_the_evening_asks_for_memory_reactors_and_searches() -> None:
    """An index in parts takes a part of the memory and of the search thread's time; more nodes share the requests."""
    evening = read_evening(EVENING)
    whole, parts = Setting(nodes=100), Setting(nodes=100, design=Design("parts", index_parts=10))
    assert memory_bytes(evening, COSTS, parts) < memory_bytes(evening, COSTS, whole) / 4
    assert scanning(evening, COSTS, parts) < scanning(evening, COSTS, whole) / 4
    assert other_requests_s(evening, COSTS) > evening.per_s(evening.actions.search) * COSTS.request_s


def test_steps_are_found_in_the_times_of_whole_runs() -> None:
    """Least squares give the costs that the runs were made of, and 0 for what would come out below it."""
    runs = [(10, 100, 5), (40, 100, 20), (5, 300, 1), (20, 20, 90)]
    seconds = [2e-3 * first + 1e-4 * second for first, second, _ in runs]
    assert costs_of(runs, seconds) == pytest.approx([2e-3, 1e-4, 0.0], abs=1e-9)
    assert costs_of([(1, 1), (1, 2), (1, 3)], [3.0, 2.0, 1.0])[1] == 0.0


def test_the_command_writes_figures_pictures_and_tables(tmp_path: Path) -> None:
    """A small run gives each size of each design asked for, whole and sampled, and says what breaks first."""
    figures, page = tmp_path / "capacity.json", tmp_path / "page.md"
    calibration = tmp_path / "calibration.toml"
    write(COSTS, calibration)
    options = ["--sizes", "3,40", "--seconds", "0.1", "--design", "as built", "--design", "index in parts"]
    options += ["--no-check", "--json", str(figures), "--markdown", str(page)]
    done = CliRunner().invoke(main, [*options, "--calibration", str(calibration), "--pictures", str(tmp_path / "p")])
    assert done.exit_code == 0, done.output
    study = json.loads(figures.read_text())["study"]
    assert [row["nodes"] for row in study["rows"]] == [3, 40] * 2
    built = [row for row in study["rows"] if row["design"] == "as built"]
    assert built[1]["usage"]["first"] == "the acceptors"
    assert all(row["dollars"] > 0 for row in study["rows"])
    assert len(study["evenings"]) == 4
    assert len(list((tmp_path / "p").glob("capacity-*.svg"))) == 4
    assert "| as built | 3 |" in page.read_text()


def test_the_command_names_what_is_wrong_with_its_files(tmp_path: Path) -> None:
    """A file that is not there ends the command with one sentence and no traceback."""
    done = CliRunner().invoke(main, ["--no-check", "--calibration", str(tmp_path / "none.toml")])
    assert done.exit_code == 1
    assert "cannot be read" in done.output
    assert CliRunner().invoke(main, ["--sizes", "3,many"]).exit_code == 2
    assert CliRunner().invoke(main, ["--sizes", "1001"]).exit_code == 2
