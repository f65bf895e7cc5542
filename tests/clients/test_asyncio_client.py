"""The asyncio edge; `asyncio_scenario` says why it runs in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
def test_asyncio_programs_trade_listen_and_survive_a_lost_socket(encoding: str) -> None:
    """Everything that a Twisted program can do works on an asyncio loop as well."""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.clients.asyncio_scenario", encoding],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
