"""Calibrating and checking with real nodes, for a moment: that they run, and what they must give."""

from pathlib import Path

from load_tests.capacity.calibration import Calibration, read, write
from load_tests.capacity.check import Checking, checked
from load_tests.capacity.measuring import measured
from tests.load_tests.capacity.houses import COSTS

MOMENT_S = 0.1


def test_real_nodes_are_calibrated(tmp_path: Path) -> None:
    """Each step has a cost, roles of a trade have the records that the agreement gives them, and the file is read."""
    costs = measured(tmp_path, MOMENT_S, connections=8, sleepers=20)
    write(costs, tmp_path / "calibration.toml")
    kept = read(tmp_path / "calibration.toml", Calibration)
    for name in ("bid_s", "coordinator_s", "request_s", "search_s", "login_s", "generator_s", "journal_fact_s"):
        assert 0 < getattr(kept, name) < 0.1, name
    assert kept.wake_up_s + kept.frame_s > 0
    assert 2 <= kept.coordinator_records + kept.participant_records <= 8
    assert 0.5 <= kept.acceptor_records <= 2.5
    assert kept.messages_a_trade > 4
    assert kept.node_bytes > 1e7
    assert kept.row_bytes > 50


def test_real_nodes_are_held_against_the_model(tmp_path: Path) -> None:
    """Two nodes trade for a moment, their house is balanced, and there is a prediction for them."""
    told: list[str] = []
    (compared,) = checked(tmp_path, COSTS, Checking((2,), 8, MOMENT_S), 1, told.append)
    assert told == ["2 real nodes"]
    assert compared.nodes == 2
    assert compared.measured_per_s > 0
    assert compared.predicted_per_s > 0
    assert compared.error == compared.predicted_per_s / compared.measured_per_s - 1
    assert compared.measured_p99_ms >= compared.measured_p50_ms > 0
