"""`auction run` as a person meets it: a market, one sentence where there is none, and nothing left after Ctrl-C."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from tests.processes import AUCTION

RUN_S = 90.0
"""How long a house may take to open and end before it is killed; on a quiet machine it takes three seconds."""


@contextmanager
def opening(data: Path, *options: str) -> Iterator["subprocess.Popen[str]"]:
    """`auction run` as a terminal starts it: leading a process group of its own."""
    command = [AUCTION, "run", "--data", data, "--players", "6", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as run:
        overdue = Timer(RUN_S, kill_group, [run.pid])
        overdue.start()
        try:
            yield run
        finally:
            overdue.cancel()
            kill_group(run.pid)


def group_lives(group: int) -> bool:
    """Whether any process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def kill_group(group: int) -> None:
    """Leave no process of a group behind."""
    with suppress(ProcessLookupError):  # all of them have ended, as they should
        os.killpg(group, signal.SIGKILL)


def told(run: "subprocess.Popen[str]") -> str:
    """Wait for the end; what was said on standard error."""
    assert run.stderr is not None
    return run.communicate()[1]


@pytest.mark.parametrize("line", ["populated ", "Ctrl-C ends it"])
def test_ctrl_c_ends_everything(tmp_path: Path, line: str) -> None:
    """Whether the visitor was greeted already or not: exit code 0, no traceback, no process left, balanced data."""
    with opening(tmp_path / "data", "--port", "0") as run:
        assert run.stdout is not None
        assert any(printed.startswith(line) for printed in run.stdout), "it ended before it printed that"
        os.killpg(run.pid, signal.SIGINT)
        errors = told(run)
        assert (run.returncode, group_lives(run.pid)) == (0, False), errors
        assert "Traceback" not in errors
    assert subprocess.run([AUCTION, "audit", tmp_path / "data"], capture_output=True, check=False).returncode == 0


def test_a_visitor_finds_a_market_with_history(tmp_path: Path) -> None:
    """What the greeting names to look at was traded already, and the visitor holds some of it."""
    data = tmp_path / "data"
    with opening(data, "--port", "0") as run:
        assert run.stdout is not None
        greeting = []
        for line in run.stdout:
            greeting.append(line)
            if line.startswith("Ctrl-C ends it"):
                break
        words = next(line for line in greeting if " candles " in line).split()[2:]

        def ask(*asked: str) -> Any:
            place = words.index("candles")
            command = [AUCTION, "client", *words[:place], "--json", *asked]
            return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

        ware = words[-1]
        assert ask("candles", ware)["candles"][0]["volume"] > 0
        assert ask("book", ware)["last"]["price"] > 0
        assert ask("stash")["commodities"][ware] > 0
        assert ask("search")["listings"]


def test_a_port_in_use_is_told_in_sentences(tmp_path: Path) -> None:
    """The node's own message and which process ended, no traceback, exit code 1, nothing left."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with opening(
            tmp_path / "data",
            "--port",
            str(port),
        ) as run:
            errors = told(run)
            assert (run.returncode, group_lives(run.pid)) == (1, False), errors
    assert "choose another with --host and --port" in errors
    assert errors.endswith("Error: auction serve ended by itself with exit code 2; its message stands above\n")
    assert "Traceback" not in errors


def test_a_node_that_dies_ends_the_bots(tmp_path: Path) -> None:
    """When the node is killed the visitor is told, and the bots do not stay behind."""
    with opening(tmp_path / "data", "--port", "0") as run:
        assert run.stdout is not None
        assert any(printed.startswith("Ctrl-C ends it") for printed in run.stdout)
        os.kill(int((tmp_path / "data" / "node.pid").read_text()), signal.SIGKILL)
        errors = told(run)
        assert (run.returncode, group_lives(run.pid)) == (1, False), errors
    assert "Error: auction serve ended by itself" in errors
    assert "Traceback" not in errors
