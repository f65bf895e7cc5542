"""`auction inspect` shows the same player whether the node runs, crashed or stopped."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.client import JSON, Client
from tests.processes import AUCTION, Nodes
from tests.storage.two_nodes import TwoNodes


def inspect(data: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run the command on a wide terminal."""
    return subprocess.run(
        [AUCTION, "inspect", "--data", data, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env={**os.environ, "COLUMNS": "140"},
    )


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    """Starts nodes, and leaves none behind."""
    nodes = Nodes(tmp_path)
    try:
        yield nodes
    finally:
        nodes.end()


def test_a_player_looks_the_same_of_a_node_that_runs_crashed_or_stopped(nodes: Nodes) -> None:
    """Asked over the protocol, or read from files and journal: stash, wallet and ledger are what was granted."""
    node = nodes.start()
    with Client(node.url(), JSON) as game:
        game.call("session.login", token=nodes.token("game", "service"))
        granted = game.call("admin.grant", player="ann", gold=1_234, items=[{"base": "harbour_cutter"}], key="k")
    item = granted["items"][0]["item"]
    running = inspect(nodes.data, "ann", "--ids")
    assert running.returncode == 0, running.stderr
    for seen in (item, "Harbour Cutter", "1,234", "grant", "at n1"):
        assert seen in running.stdout
    assert item not in inspect(nodes.data, "ann").stdout
    node.kill()
    crashed = inspect(nodes.data, "ann", "--ids")
    again = nodes.start()
    again.url()
    assert again.stop() == 0
    stopped = inspect(nodes.data, "ann", "--ids")
    for other in (crashed, stopped):
        assert (other.returncode, other.stderr) == (0, "")
        assert other.stdout.replace(f"at {nodes.data}", "at n1") == running.stdout


def test_who_is_not_there_is_told(nodes: Nodes) -> None:
    """An unknown player is exit code 1, of a running node or a stopped one; no name, or no data directory, is 2."""
    node = nodes.start()
    node.url()
    for _ in ("running", "stopped"):
        unknown = inspect(nodes.data, "nobody")
        assert (unknown.returncode, unknown.stdout) == (1, "")
        assert unknown.stderr.startswith("no player 'nobody' is known here")
        mistyped = inspect(nodes.data, "no body")
        assert mistyped.returncode == 2
        assert "1 to 64 of" in mistyped.stderr
        node.stop()
    empty = inspect(nodes.directory, "nobody")
    assert empty.returncode == 2
    assert "name a data directory that a node has used" in empty.stderr


@pytest.mark.parametrize(
    ("stopped", "seen", "unseen"),
    [
        ("and by bob", ("1.n2.1.1", "prepared", "hold", "400"), "on other nodes"),
        ("and by ann", ("bids on other nodes: 1",), "prepared"),
    ],
)
def test_a_stopped_node_of_several_shows_what_it_knows(
    tmp_path: Path, stopped: str, seen: tuple[str, ...], unseen: str
) -> None:
    """A trade that holds the player's gold is shown; of a bid on another node's listing it is told that it is there."""
    TwoNodes(tmp_path).run_to(stopped)
    shown = inspect(tmp_path / "n2", "bob")
    assert shown.returncode == 0, shown.stderr
    for text in seen:
        assert text in shown.stdout
    assert unseen not in shown.stdout
