"""`auction demo` as a person meets it: it ends by itself and says how it went, and leaves nothing behind."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

from shardnode.cli.demo import SORTS
from tests.cli.test_run import group_lives, kill_group, told
from tests.processes import AUCTION

DEMO_S = 90.0
"""How long a demo may take before it is killed; these take some ten seconds."""


@contextmanager
def showing(*options: str | Path) -> Iterator["subprocess.Popen[str]"]:
    """`auction demo` as a terminal starts it: leading a process group of its own."""
    command = [AUCTION, "demo", "--players", "20", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as demo:
        overdue = Timer(DEMO_S, kill_group, [demo.pid])
        overdue.start()
        try:
            yield demo
        finally:
            overdue.cancel()
            kill_group(demo.pid)


def test_a_node_is_killed_and_nothing_is_lost(tmp_path: Path) -> None:
    """Trades within and across nodes, a node killed and back, everything balanced: exit code 0, nothing left behind."""
    with showing("--seconds", "4", "--data", tmp_path / "demo") as demo:
        output, errors = demo.communicate()
        assert (demo.returncode, errors, group_lives(demo.pid)) == (0, "", False), output
    assert output.count("ready ws://") == 3
    assert "kill -9 n2" in output and "n2 was started again" in output
    rows = [[cell.strip() for cell in line.split("│")] for line in output.splitlines() if "│" in line]
    figures = {row[1]: row[2] for row in rows}
    for sort in SORTS:
        for scope in ("within", "across"):
            assert int(figures[f"{sort} {scope} nodes"].replace(",", "")) > 0
    assert (figures["still under way between nodes"], figures["balanced"]) == ("0", "yes")
    directories = [tmp_path / "demo" / node for node in ("n1", "n2", "n3")]
    assert subprocess.run([AUCTION, "audit", *directories], capture_output=True, check=False).returncode == 0


def test_ctrl_c_ends_the_demo_before_its_time(tmp_path: Path) -> None:
    """What was not shown is not claimed: exit code 1, no traceback, no process left."""
    with showing("--seconds", "60", "--data", tmp_path / "demo") as demo:
        assert demo.stdout is not None
        assert any(line.startswith("trading for") for line in demo.stdout)
        os.killpg(demo.pid, signal.SIGINT)
        errors = told(demo)
        assert (demo.returncode, group_lives(demo.pid)) == (1, False), errors
    assert "Traceback" not in errors


def test_the_demo_keeps_its_hands_off_other_data(tmp_path: Path) -> None:
    """A directory that holds something is refused before anything is started."""
    (tmp_path / "something").touch()
    with showing("--data", tmp_path) as demo:
        errors = told(demo)
        assert demo.returncode == 2
    assert "is not empty" in errors
    assert [path.name for path in tmp_path.iterdir()] == ["something"]
