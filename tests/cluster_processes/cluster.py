"""A cluster of three processes: each node with its data directory and, where wires are to be cut, its own cluster.toml
in which the others are reached through them.
"""

import signal
import sys
import time
from collections.abc import Callable, Mapping
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from auction.ids import player_store
from load_tests.house import free_ports
from shardnode.cli.token import mint
from shardnode.cli.trades import open_trades
from shardnode.cluster.file import make_cluster, read_cluster
from shardnode.cluster.map import NodeEntry
from shardnode.ops.open_trades import TradeRow
from tests.cluster_processes.links import Wire
from tests.processes import AUCTION, TOKEN_S, NodeProcess, Nodes

NODES = ("n1", "n2", "n3")
WITH_FAULT = (sys.executable, Path(__file__).with_name("node_with_fault.py"))
SCRAPE_S = 5.0
LINKED_WITHIN_S = 10.0
"""How long nodes may take to find each other; they look for one another every two seconds at least."""


class Cluster:
    """Three nodes; `processes` has those that were started, by their ids. Options and environment are each one's."""

    def __init__(
        self,
        directory: Path,
        *options: str | Path,
        environment: Mapping[str, str] | None = None,
        wired: bool = False,
    ) -> None:
        self.directory = directory
        self.processes: dict[str, NodeProcess] = {}
        self._nodes = Nodes(directory)
        self._options = options
        self._environment = environment or {}
        port = free_ports(len(NODES))
        self.ports = {node: port + number for number, node in enumerate(NODES)}
        self.file = make_cluster(
            directory,
            [NodeEntry(node, "127.0.0.1", port, self.url(node), "", 1) for node, port in self.ports.items()],
        )
        self.token("nobody")  # makes the key that signs tokens
        self._config = read_cluster(self.file)
        self._files = dict.fromkeys(NODES, self.file)
        self.wires: dict[tuple[str, str], Wire] = {}
        if wired:
            self._lay_wires()

    def close(self) -> None:
        """End all nodes and wires."""
        for node in self.processes:
            self.resume(node)
        self._nodes.end()
        for wire in self.wires.values():
            wire.close()

    # nodes

    def url(self, node: str) -> str:
        """Where a node serves players."""
        return f"ws://127.0.0.1:{self.ports[node]}/ws"

    @property
    def urls(self) -> list[str]:
        """Where all nodes serve players."""
        return [self.url(node) for node in NODES]

    def data(self, node: str) -> Path:
        """A node's data directory."""
        return self.directory / node

    @property
    def directories(self) -> list[Path]:
        """All nodes' data directories."""
        return [self.data(node) for node in NODES]

    def start(self, *nodes: str, fault: str | None = None) -> None:
        """Start nodes, all if none is named, and wait until all that run have found each other.

        With a fault they meet it by themselves.
        """
        for node in nodes or NODES:
            program = (AUCTION,) if fault is None else (*WITH_FAULT, fault)
            options = ("--cluster", self._files[node], "--node-id", node, "--data", self.data(node), *self._options)
            self.processes[node] = self._nodes.start_by((*program, "serve", *options), self._environment)
        for node in nodes or NODES:
            assert self.processes[node].url() == self.url(node)
        self.until_linked()

    def until_linked(self) -> None:
        """Wait until all nodes that were started have found each other."""
        for node, process in self.processes.items():
            assert process.process.poll() is None, f"{node} ended by itself: {process.log[-5_000:]}"
        eventually(self._is_linked, LINKED_WITHIN_S)

    def kill(self, node: str) -> None:
        """End a node at once, as `kill -9` does."""
        self.processes.pop(node).kill()

    def pause(self, node: str) -> None:
        """Let a node do nothing, not even notice that time passes."""
        self.processes[node].process.send_signal(signal.SIGSTOP)

    def resume(self, node: str) -> None:
        """Let a paused node go on."""
        self.processes[node].process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Stop all nodes by signal; each must end cleanly."""
        for process in self.processes.values():
            process.process.terminate()
        for process in self.processes.values():
            assert process.exit_code() == 0, process.log

    def _is_linked(self) -> bool:
        return all(self.metric(node, "auction_peers_up") == len(self.processes) - 1 for node in self.processes)

    # players

    def token(self, sub: str, role: str = "player") -> str:
        """A token that is good on every node."""
        return mint(self.directory, sub, "service" if role == "service" else "player", TOKEN_S)

    def home_of(self, player: str) -> str:
        """The node where a player is at home."""
        return self._config.map.home_of(player_store(self._config.naming_key, player))

    def player_at(self, node: str, name: str) -> str:
        """A name that begins as asked for and whose player is at home on a node."""
        return next(tried for tried in (f"{name}-{number}" for number in range(10_000)) if self.home_of(tried) == node)

    def metric(self, node: str, name: str) -> float:
        """What a node counts under a name, all labels added up."""
        connection = HTTPConnection(urlsplit(self.url(node)).netloc, timeout=SCRAPE_S)
        try:
            connection.request("GET", "/metrics")
            lines = connection.getresponse().read().decode().splitlines()
        finally:
            connection.close()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.partition("{")[0].partition(" ")[0] == name)

    def open_trades(self) -> list[TradeRow]:
        """Trades that are not over on some node; what acceptors remember of a dead incarnation stays for good."""
        return [trade for data in self.directories for trade in open_trades(data).trades if trade.role != "acceptor"]

    # wires

    def wires_of(self, *nodes: str) -> list[Wire]:
        """The wires between these nodes; of one node alone, those to all others."""
        assert self.wires, "the cluster was not wired"
        return [
            wire
            for pair, wire in self.wires.items()
            if (set(pair) == set(nodes) if len(nodes) == 2 else nodes[0] in pair)
        ]

    def _lay_wires(self) -> None:
        """Whoever dials whom, it dials a wire: each node's file names wires as the others' ports."""
        text = self.file.read_text()
        for near in NODES:
            own = text
            for far in NODES:
                if far != near:
                    wire = self.wires[near, far] = Wire(self.ports[far])
                    own = own.replace(f"port = {self.ports[far]}\n", f"port = {wire.port}\n")
            self._files[near] = self.file.with_name(f"cluster-{near}.toml")
            self._files[near].write_text(own)


def eventually(happened: Callable[[], bool], within_s: float) -> None:
    """Ask again and again until something has happened."""
    until_s = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < until_s, f"it did not happen within {within_s:g} s"
