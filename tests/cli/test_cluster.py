"""`auction cluster` as a person meets it: many nodes as one house, what it prints, how it ends; a replaced node."""

import os
import re
import signal
import socket
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

import pytest
from click.testing import CliRunner, Result

from shardnode.cli.cluster import cluster_command
from shardnode.cli.token import mint
from shardnode.cluster.file import CLUSTER_FILE, read_cluster
from shardnode.gateway.tokens import PRIVATE_KEY_FILE
from tests.cli.test_run import group_lives, kill_group
from tests.processes import AUCTION

RUN_S = 90.0
"""How long a cluster may take to open and end before it is killed; on a quiet machine it takes three seconds."""


class Running:
    """`auction cluster` as a terminal starts it, leading a process group of its own; its output by lines."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.out: Queue[str] = Queue()
        self.err: Queue[str] = Queue()
        self._readers = [
            threading.Thread(target=_read, args=args)
            for args in ((process.stdout, self.out), (process.stderr, self.err))
        ]
        for reader in self._readers:
            reader.start()

    def until(self, lines: "Queue[str]", pattern: str) -> list[str]:
        """Read lines up to the first that fits."""
        read = []
        while not read or not re.search(pattern, read[-1]):
            read.append(lines.get(timeout=RUN_S))
            assert read[-1], f"it ended before it printed {pattern!r}: {read}"
        return read

    def ready(self, nodes: int) -> list[str]:
        """Wait until so many nodes serve; their URLs."""
        lines = [self.until(self.out, "")[0] for _ in range(nodes)]
        assert all(re.fullmatch(r"ready ws://127\.0\.0\.1:\d+/ws\n", line) for line in lines), lines
        return sorted(line.split()[1] for line in lines)

    def end(self, by: signal.Signals) -> int:
        """Send a signal to all of it, as a terminal does; the exit code."""
        os.killpg(self.process.pid, by)
        return self.wait()

    def wait(self) -> int:
        """Wait until it has ended and everything was read; the exit code."""
        code = self.process.wait(RUN_S)
        for reader in self._readers:
            reader.join(RUN_S)
        return code

    def rest(self, lines: "Queue[str]") -> list[str]:
        """What was not read yet, at the end."""
        rest = []
        while line := lines.get(timeout=RUN_S):
            rest.append(line)
        return rest


def _read(stream: Iterator[str], lines: "Queue[str]") -> None:
    for line in stream:
        lines.put(line)
    lines.put("")


@contextmanager
def running(data: Path, *options: str) -> Iterator[Running]:
    """A cluster that leaves nothing behind."""
    command = [AUCTION, "cluster", "--data", data, *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        overdue = threading.Timer(RUN_S, kill_group, [process.pid])
        overdue.start()
        cluster = Running(process)
        try:
            yield cluster
        finally:
            overdue.cancel()
            kill_group(process.pid)
            cluster.wait()


def node_pid(data: Path, node: str) -> int:
    """The process of a node."""
    return int((data / node / "node.pid").read_text())


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_a_cluster_opens_and_ends(tmp_path: Path, by: signal.Signals) -> None:
    """Standard output has a ready line a node and nothing else, logs have their node's name; a signal ends it all."""
    data = tmp_path / "house"
    with running(data, "--nodes", "2", "--port", "0") as cluster:
        urls = cluster.ready(2)
        assert sorted(node.url for node in read_cluster(data / CLUSTER_FILE).map.nodes.values()) == urls
        code = cluster.end(by) if by == signal.SIGINT else _terminate(cluster)
        errors = cluster.rest(cluster.err)
        assert (code, group_lives(cluster.process.pid)) == (0, False), errors
        assert cluster.rest(cluster.out) == []
    assert errors and all(re.match(r"n[12] \| ", line) for line in errors), errors
    assert {line[:2] for line in errors} == {"n1", "n2"}


def _terminate(cluster: Running) -> int:
    cluster.process.terminate()
    return cluster.wait()


def test_a_node_that_dies_is_told_with_what_brings_it_back(tmp_path: Path) -> None:
    """The others go on, and the printed command starts the node again on its own port and directory."""
    data = tmp_path / "house"
    with running(data, "--nodes", "2", "--port", "0") as cluster:
        cluster.ready(2)
        os.kill(node_pid(data, "n2"), signal.SIGKILL)
        told = cluster.until(cluster.err, "^n2 ended by itself by signal 9; bring it back with: ")[-1]
        command = told.split(": ", 1)[1].split()
        assert command[:2] == ["auction", "serve"]
        with subprocess.Popen(
            [AUCTION, *command[1:]], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as n2:
            try:
                assert n2.stdout is not None
                assert n2.stdout.readline() == f"ready {read_cluster(data / CLUSTER_FILE).map.nodes['n2'].url}\n"
            finally:
                n2.terminate()
            assert n2.wait(RUN_S) == 0
        assert node_pid(data, "n1")
        assert cluster.end(signal.SIGINT) == 0


def test_with_restart_a_node_that_dies_comes_back(tmp_path: Path) -> None:
    """It is started again on the same port, and says that it is ready once more."""
    data = tmp_path / "house"
    with running(data, "--nodes", "1", "--port", "0", "--restart") as cluster:
        urls = cluster.ready(1)
        os.kill(node_pid(data, "n1"), signal.SIGKILL)
        assert cluster.ready(1) == urls
        assert "n1 ended by itself by signal 9; it is started again\n" in cluster.until(cluster.err, "^n1 ended")
        assert cluster.end(signal.SIGINT) == 0


def test_a_node_that_cannot_start_ends_the_others(tmp_path: Path) -> None:
    """A port in use is told in sentences, and nothing is left: exit code 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with running(tmp_path / "house", "--nodes", "1", "--port", str(port)) as cluster:
            code = cluster.wait()
            errors = "".join(cluster.rest(cluster.err))
            assert (code, group_lives(cluster.process.pid)) == (1, False), errors
    assert "n1 | cannot listen on 127.0.0.1 port" in errors
    assert errors.endswith("Error: auction serve ended by itself with exit code 2; its message stands above\n")
    assert "Traceback" not in errors


def invoke(*arguments: str | Path) -> Result:
    """`auction cluster`, in this process."""
    return CliRunner().invoke(cluster_command, [str(argument) for argument in arguments])


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of a cluster whose file was written, but whose nodes were never started."""
    monkeypatch.setattr("twisted.internet.task.react", lambda *_: None)
    monkeypatch.setattr("shardnode.ops.logs.start_logging", lambda *_: None)
    assert invoke("--data", tmp_path / "house", "--nodes", "3", "--port", "7300").exit_code == 0
    return tmp_path / "house"


def test_a_new_cluster_has_its_file_and_secrets(house: Path) -> None:
    """Nodes n1, n2, n3 on consecutive ports; every secret is for its owner alone."""
    cluster = read_cluster(house / CLUSTER_FILE)
    assert [(node.id, node.host, node.port) for node in cluster.map.nodes.values()] == [
        ("n1", "127.0.0.1", 7_300),
        ("n2", "127.0.0.1", 7_301),
        ("n3", "127.0.0.1", 7_302),
    ]
    secrets = [house / "cluster.secret", house / "naming.key", *house.glob(f"**/{PRIVATE_KEY_FILE}")]
    assert len(secrets) == 6
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}


def test_a_token_of_any_directory_is_good_on_all(house: Path) -> None:
    """The nodes' directories and the cluster's own have one token key."""
    keys = {path.read_bytes() for path in house.glob(f"**/{PRIVATE_KEY_FILE}")}
    assert len(keys) == 1
    assert mint(house, "alice", "player", 60)


def test_a_cluster_that_is_there_is_used_as_it_is(house: Path) -> None:
    """Options that agree, or are left out, change nothing in the file."""
    before = (house / CLUSTER_FILE).read_bytes()
    for options in ([], ["--nodes", "3"], ["--port", "7300"], ["--port", "0"], ["--host", "127.0.0.1"]):
        assert invoke("--data", house, *options).exit_code == 0
    assert (house / CLUSTER_FILE).read_bytes() == before


@pytest.mark.parametrize(
    ("option", "value", "has"), [("--nodes", "5", "3"), ("--port", "7301", "7300"), ("--host", "::1", "127.0.0.1")]
)
def test_what_disagrees_with_a_cluster_that_is_there_is_refused(house: Path, option: str, value: str, has: str) -> None:
    """The message says what the cluster has, and what to do."""
    result = invoke("--data", house, option, value)
    assert result.exit_code == 1
    assert f"has {option} {has}, not {value}; leave {option} out, or choose another --data" in result.output


def test_nodes_need_a_directory_and_ports(tmp_path: Path) -> None:
    """Without --data, or with ports beyond the last, there is one sentence and no cluster."""
    assert "say with --data" in invoke("--nodes", "3").output
    result = invoke("--data", tmp_path / "house", "--port", "65534")
    assert "there are no ports for 3 nodes from 65534 on; choose a lower --port" in result.output
    assert not (tmp_path / "house" / CLUSTER_FILE).exists()


def test_a_directory_of_another_house_is_refused(house: Path) -> None:
    """A node's directory with a token key of its own would take tokens that the others refuse."""
    (house / "n2" / PRIVATE_KEY_FILE).unlink()
    mint(house / "n2", "alice", "player", 60)
    result = invoke("--data", house)
    assert result.exit_code == 1
    assert "another token key than the cluster's" in result.output


def test_replacing_a_node_says_what_to_do_next(house: Path) -> None:
    """The file has a new version and epoch, and the text leads on to the other nodes and to the start."""
    path = house / CLUSTER_FILE
    result = invoke("replace", "n2", "--cluster", path)
    assert result.exit_code == 0
    cluster_map = read_cluster(path).map
    assert (cluster_map.version, cluster_map.epoch, cluster_map.nodes["n2"].since_epoch) == (2, 2, 2)
    assert "on every node (n1, n3)" in result.output
    assert f"auction serve --cluster {path} --node-id n2 --data DIR" in result.output


def test_a_node_that_is_not_there_cannot_be_replaced(house: Path) -> None:
    """One sentence, exit code 1, and the file as it was."""
    before = (house / CLUSTER_FILE).read_bytes()
    result = invoke("replace", "n9", "--cluster", house / CLUSTER_FILE)
    assert result.exit_code == 1
    assert "there is no node 'n9'; the nodes are n1, n2, n3" in result.output
    assert (house / CLUSTER_FILE).read_bytes() == before
