"""`auction freeze` and `auction thaw` beside a running node, and their entries in the audit log afterwards."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.client import JSON, Client, Refused
from tests.processes import AUCTION, Nodes


def run(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run a command."""
    return subprocess.run([AUCTION, *words], capture_output=True, text=True, check=False, timeout=30)


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    """Starts nodes, and leaves none behind."""
    nodes = Nodes(tmp_path)
    try:
        yield nodes
    finally:
        nodes.end()


def test_an_operator_stops_trading_and_lets_it_go_on(nodes: Nodes) -> None:
    """A player is refused meanwhile; what is frozen is shown; and the audit log has it when the node has stopped."""
    node = nodes.start()
    with Client(node.url(), JSON) as game:
        game.call("session.login", token=nodes.token("game", "service"))
        grant = {"player": "ann", "items": [{"base": "harbour_cutter"}], "key": "k"}
        item = game.call("admin.grant", **grant)["items"][0]["item"]
    frozen = run("freeze", "--data", nodes.data, "--as", "otto", "--no-claims", "category", "swords")
    assert frozen.returncode == 0, frozen.stderr
    assert frozen.stdout.startswith("category/swords is frozen, claims too, by otto since ")
    with Client(node.url(), JSON) as ann:
        ann.call("session.login", token=nodes.token("ann", "player"))
        listing = {"item": item, "start_bid": 5, "duration_s": 3600}
        with pytest.raises(Refused) as refused:
            ann.call("listing.create", **listing)
        assert refused.value.data == {"reason": "frozen", "what": "category", "id": "swords"}
        thawed = run("thaw", "--data", nodes.data, "category", "swords")
        assert (thawed.returncode, thawed.stdout) == (0, "nothing is frozen\n")
        ann.call("listing.create", **listing)
    assert node.stop() == 0
    entries = json.loads(run("audit-log", "--json", nodes.data).stdout)
    assert [(entry["who"], entry["action"], entry["ref"]) for entry in entries] == [
        ("game", "admin.grant", None),
        ("otto", "admin.freeze", "category/swords"),
        ("operator", "admin.thaw", "category/swords"),
    ]


def test_what_cannot_be_done_is_told(nodes: Nodes) -> None:
    """What the world does not have is exit code 1, and a node that does not run 2, each with what to do."""
    node = nodes.start()
    node.url()
    unknown = run("freeze", "--data", nodes.data, "category", "hats")
    assert (unknown.returncode, "category" in unknown.stderr) == (1, True)
    nameless = run("freeze", "--data", nodes.data, "player")
    assert (nameless.returncode, "name the player" in nameless.stderr) == (1, True)
    node.stop()
    stopped = run("freeze", "--data", nodes.data, "house")
    assert stopped.returncode == 2
    assert "no node runs on" in stopped.stderr
