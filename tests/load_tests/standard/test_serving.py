"""The command that serves the standard architecture: what stays when it ends, what it says where it cannot start."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from load_tests.processes import running
from load_tests.standard import nginx, running_standard
from load_tests.standard.postgres import forget
from tests.conformance.client import MSGPACK
from tests.conformance.house import House, Issuer


@pytest.mark.slow
def test_what_was_sold_is_there_after_a_restart(tmp_path: Path) -> None:
    """Stopped and started again on the same data, without a balancer, it shows the bids of before."""
    issuer = Issuer(tmp_path)
    data = tmp_path / "data"
    options: list[str | Path] = ["--data", data, "--port", "0", "--token-key", issuer.public_file]
    command = [sys.executable, "-m", "load_tests.standard", *options, "--workers", "1", "--balancer", "none"]
    try:
        with running(command, tmp_path / "first.log") as server, House(server.url, issuer, MSGPACK) as house:
            listing = house.newcomer(items=1).sell(start_bid=7)
            house.newcomer(gold=20).bid(listing, 15)
        with running(command, tmp_path / "second.log") as server, House(server.url, issuer, MSGPACK) as house:
            seen = house.newcomer().look(listing)
            assert (seen["price"], seen["bids"], seen["min_bid"]) == (7, 1, 8)
    finally:
        forget(data)


def test_a_load_test_that_fails_leaves_no_process(tmp_path: Path) -> None:
    """Whatever is raised while the standard architecture runs, all of its processes end with it."""
    with pytest.raises(ZeroDivisionError), running_standard(tmp_path, workers=1) as standard:
        pids = standard.pids()
        raise ZeroDivisionError
    assert {"postgres", "worker-0", "nginx-master"} <= pids.keys()
    assert not [name for name, pid in pids.items() if Path(f"/proc/{pid}").exists()]


def test_a_machine_without_an_nginx_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the wheel has no program for the machine, the fault names the machine and the way without it."""
    monkeypatch.setattr(platform, "machine", lambda: "abacus")
    with pytest.raises(nginx.NoNginx, match=r"abacus.*--balancer none"):
        nginx.command(tmp_path, 1, [])


def test_a_bad_rule_is_told_and_nothing_is_started(tmp_path: Path) -> None:
    """Rules that the house does not know end the command with their name, before anything is made."""
    (tmp_path / "rules.toml").write_text("[rules]\nno_such_rule = 1\n")
    options: list[str | Path] = ["--data", tmp_path / "data", "--port", "0", "--rules", tmp_path / "rules.toml"]
    command = [sys.executable, "-m", "load_tests.standard", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1 and "no_such_rule" in done.stderr
    assert not list((tmp_path / "data").glob("postgres*"))
