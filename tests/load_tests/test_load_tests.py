"""Each load test for a moment, with real processes: that it runs, and tells what it promises."""

import json
import subprocess
import sys
from typing import Any

PATIENCE_S = 60
SPREAD = {"median", "min", "max", "rounds"}
FIGURES = {
    *("answers", "seconds", "latency_ms", "in_flight", "server_cpu_us", "server_cpus"),
    *("generator_cpus", "limited_by_generator"),
}


def run(module: str, connections: int = 8) -> dict[str, Any]:
    """What `python -m module` prints, with few connections and half a second of load."""
    command = [sys.executable, "-m", module, "--connections", str(connections), "--seconds", "0.5"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_echo_prints_its_figures() -> None:
    """`python -m load_tests.echo` prints one JSON object with the echo's messages a second."""
    report = run("load_tests.echo")
    assert report.keys() == {"connections", "messages_per_s", "echo"}
    assert report["messages_per_s"].keys() == SPREAD
    assert report["echo"].keys() == FIGURES
    assert report["messages_per_s"]["median"] > 0


def test_bids_prints_its_figures_and_loses_nothing() -> None:
    """`python -m load_tests.bids` prints bids beside echo; whoever lost a lead was told, and the house balances."""
    report = run("load_tests.bids")
    assert report["bids"].keys() == report["echo"].keys() == FIGURES
    assert report["ratio"].keys() == report["bids_per_s"].keys() == report["echo_per_s"].keys() == SPREAD
    assert report["bids_per_s"]["median"] > 0
    assert report["outcomes"]["leads"] > report["auctions"]
    assert report["pushes"] == report["outbid"]
    assert report["balanced"] is True


def test_trades_prints_its_figures_and_loses_nothing() -> None:
    """`python -m load_tests.trades` prints trades of both kinds; everybody was told, and the house balances."""
    report = run("load_tests.trades", connections=9)
    assert report["throughput_ratio"].keys() == report["p50_ratio"].keys() == SPREAD
    for kind in (report["same"], report["cross"]):
        assert kind["figures"].keys() == FIGURES
        assert kind["trades_per_s"]["median"] > 0
        assert kind["outcomes"]["leads"] > report["auctions"] > 0
        assert kind["pushes"] == kind["outbid"]
        assert kind["fsyncs_a_trade"] > 0
    assert report["cross"]["messages_a_trade"] > report["same"]["messages_a_trade"]
    assert report["balanced"] is True
