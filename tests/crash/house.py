"""A house under load, whichever process serves it: what every crash test does, in the words of the tests."""

import hashlib
import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from tests.crash.books import HOUSE_RULES
from tests.crash.crowd import Crowd
from tests.crash.loop import Loop
from tests.crash.trade import Trade
from tests.processes import AUCTION, NodeProcess, Nodes

PLAYERS = ("ash", "birch", "cedar", "elm", "fir", "hazel")
OFTEN = {"AUCTION_CHECKPOINT_INTERVAL_S": "0.05", "AUCTION_STORE_IDLE_S": "0.2"}
"""Checkpoints and sleep at every turn."""
NEVER = {"AUCTION_CHECKPOINT_INTERVAL_S": "3600"}
"""All that happens stays in the journal until the node is stopped."""
AUDIT_S = 60.0
"""How long an audit may take; it takes a second."""
PASSING = {"node.lock", "node.pid", "node.url"}
"""Files that tell of a process and not of the house."""


class House:
    """Players, what they were answered, and the data directory that must remember it."""

    def __init__(self, nodes: Nodes, loop: Loop, seed: int) -> None:
        self.loop = loop
        self.nodes = nodes
        self.data = nodes.data
        self.random = Random(seed)
        self.crowd = Crowd(loop, PLAYERS, nodes.token)
        self.trade = Trade(loop, self.crowd, seed)
        self.first_answers_s: list[float] = []
        """From the start of each process until it had answered somebody."""
        self._rules = nodes.directory / "rules.toml"
        self._rules.write_text(HOUSE_RULES)

    def start(
        self, environment: Mapping[str, str] = OFTEN, data: Path | None = None, before: Sequence[str] = ()
    ) -> NodeProcess:
        """Start a node, without waiting for it."""
        options = ("--rules", self._rules, "--log-level", "warn")
        return self.nodes.start(*options, environment=environment, data=data, before=before)

    def serve(
        self, environment: Mapping[str, str] = OFTEN, data: Path | None = None, before: Sequence[str] = ()
    ) -> NodeProcess:
        """Start a node, take the time until it has answered somebody, and let everybody in."""
        began_s = time.monotonic()
        node = self.start(environment, data, before)
        url = node.url()
        first = Crowd(self.loop, PLAYERS[:1], self.nodes.token)
        first.enter(url)
        self.first_answers_s.append(time.monotonic() - began_s)
        first.leave()
        self.crowd.enter(url)
        self.trade.welcome()
        return node

    def serve_and_trade(self, answers: int, environment: Mapping[str, str] = OFTEN) -> NodeProcess:
        """Start a node and let everybody trade; they still do so on return."""
        node = self.serve(environment)
        self.trade.begin()
        self.trade.until_answered(answers)
        return node

    def stop(self, node: NodeProcess) -> None:
        """Everybody finishes and leaves, and the node is stopped in order."""
        self.trade.rest()
        self.crowd.leave()
        node.process.terminate()
        assert self.until_ended(node) == 0, node.log

    def until_ended(self, node: NodeProcess) -> int:
        """Wait until the node has ended, with everybody's sockets open and alive; its exit code."""
        self.loop.until(lambda: node.process.poll() is not None)
        return node.exit_code()

    def assert_nothing_is_lost(self) -> None:
        """Everything that anybody was told holds, and nothing else happened."""
        self.crowd.assert_nothing_is_lost(self.random)


def assert_balanced(*data: Path) -> dict[str, Any]:
    """Let `auction audit` count a house's directories, in which it changes nothing; its report."""
    before = [content(directory) for directory in data]
    command = [AUCTION, "audit", *data, "--json"]
    audit = subprocess.run(command, capture_output=True, text=True, check=False, timeout=AUDIT_S)
    assert audit.returncode == 0, audit.stdout + audit.stderr
    report: dict[str, Any] = json.loads(audit.stdout)
    assert report["balanced"], report
    assert [content(directory) for directory in data] == before
    return report


def content(data: Path) -> dict[str, str]:
    """A checksum of every file of a data directory."""
    return {
        path.relative_to(data).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(data.rglob("*"))
        if path.is_file() and path.name not in PASSING
    }
