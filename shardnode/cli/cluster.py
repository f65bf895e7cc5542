"""`auction cluster`: several nodes as one house on this machine, each a process of its own.

`auction cluster replace NODE` is for any cluster: it writes into cluster.toml that a node begins anew on an empty
directory.
"""

import shlex
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from shardnode.cli.children import Child
    from shardnode.cluster.map import ClusterMap

NODES = 3
NODES_HERE_MAX = 64
"""More processes than this are not a local cluster any more."""
STOP_S = 15.0
"""How long a node may take to end before it is killed."""
RESTART_MIN_S = 0.5
RESTART_MAX_S = 10.0
"""The wait before a node is started again doubles from the least to the most, until it was ready once."""


@click.group("cluster", invoke_without_command=True)
@click.option(
    "--nodes", type=click.IntRange(1, NODES_HERE_MAX), help=f"How many nodes; a new cluster has {NODES} if not told."
)
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Directory of the cluster.")
@click.option("--host", help="Address that all nodes listen on; a new cluster has 127.0.0.1 if not told.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    help="Port of the first node, the next has the next; 0 takes free ones; a new cluster has 7117 if not told.",
)
@click.option("--rules", type=click.Path(path_type=Path, dir_okay=False), help="House rules for all nodes.")
@click.option("--restart", is_flag=True, help="Start a node again that died.")
@click.option("--log-level", default="info", show_default=True, help="debug, info, warn or error.")
@click.pass_context
def cluster_command(
    context: click.Context,
    nodes: int | None,
    data: Path | None,
    host: str | None,
    port: int | None,
    rules: Path | None,
    restart: bool,
    log_level: str,
) -> None:
    """Run a cluster on this machine until Ctrl-C: DIR/cluster.toml, made if it is not there, and DIR/n1, DIR/n2, ….

    Standard output has a line `ready ws://HOST:PORT/ws` for each node that serves, and nothing else. The nodes' logs
    are on standard error, behind their names.
    """
    if context.invoked_subcommand is not None:
        return
    if data is None:
        raise click.UsageError("say with --data which directory the cluster is kept in", context)
    from twisted.internet.defer import ensureDeferred
    from twisted.internet.task import react

    from shardnode.ops.logs import start_logging

    path = cluster_file(data, nodes, host, port)
    options = ["--log-level", log_level]
    if rules is not None:
        options += ["--rules", str(rules)]
    start_logging("auto", "error")
    react(lambda reactor: ensureDeferred(LocalCluster(reactor, path, tuple(options), restart=restart).run()), [])


@cluster_command.command("replace")
@click.argument("node")
@click.option("--cluster", "path", required=True, type=click.Path(path_type=Path), help="The cluster's file.")
def replace_command(node: str, path: Path) -> None:
    """Say that NODE lost its data directory, or gave it up, and begins anew on an empty one.

    What was in the old directory and nowhere else is gone: use it only when that directory cannot come back.
    """
    from shardnode.cluster.file import ClusterFault, replace_node

    try:
        new = replace_node(path, node)
    except ClusterFault as fault:
        raise click.ClickException(str(fault)) from fault
    others = ", ".join(other for other in new.nodes if other != node) or "none"
    click.echo(
        f"{path} has version {new.version} now, epoch {new.epoch}, in which {node} begins anew.\n"
        f"Next: put this file in the place of the old one on every node ({others}); those that run take it over within "
        f"seconds.\nThen start {node} on an empty directory:\n"
        f"  auction serve --cluster {shlex.quote(str(path))} --node-id {node} --data DIR"
    )


class LocalCluster:
    """The processes of a cluster's nodes, each `auction serve`."""

    def __init__(self, reactor: Any, path: Path, options: tuple[str, ...], *, restart: bool) -> None:
        from shardnode.cluster.file import read_map

        self._reactor = reactor
        self._path = path
        self._options = options
        self._restart = restart
        self._nodes = list(read_map(path).nodes)
        self._running: dict[str, Child] = {}
        self._stopping = False

    async def run(self) -> None:
        """Until a signal comes, no node is left, or one cannot start at all; the latter two are exit code 1."""
        from twisted.internet.defer import DeferredList, FirstError, ensureDeferred

        from shardnode.cli.children import ChildEnded

        self._reactor.addSystemEventTrigger("before", "shutdown", lambda: ensureDeferred(self._stop()))
        lives = [ensureDeferred(self._keep(node)) for node in self._nodes]
        try:
            await DeferredList(lives, fireOnOneErrback=True, consumeErrors=True)
        except FirstError as first:
            first.subFailure.trap(ChildEnded)
            click.echo(f"Error: {first.subFailure.value}", err=True)
        if not self._stopping:
            raise SystemExit(1)

    async def _keep(self, node: str) -> None:
        """One node, from its first start to its end. Fails with ChildEnded where it never started."""
        from twisted.internet.task import deferLater

        from shardnode.cli.children import Child, ChildEnded

        wait_s = RESTART_MIN_S
        was_ready = False
        while not self._stopping:
            child = self._running[node] = Child(self._reactor, self._command(node), _logger(node))
            try:
                click.echo(await child.line("ready "))
                was_ready, wait_s = True, RESTART_MIN_S
                await child.ended()
            except ChildEnded:
                if not was_ready and not child.stopping:
                    raise
            if child.stopping:
                return
            click.echo(self._obituary(node, child), err=True)
            if not self._restart:
                return
            await deferLater(self._reactor, wait_s)
            wait_s = min(2 * wait_s, RESTART_MAX_S)

    async def _stop(self) -> None:
        from twisted.internet.defer import DeferredList, ensureDeferred

        self._stopping = True
        await DeferredList([ensureDeferred(child.stop(STOP_S)) for child in self._running.values()])

    def _command(self, node: str) -> tuple[str, ...]:
        data = self._path.parent / node
        return ("serve", "--cluster", str(self._path), "--node-id", node, "--data", str(data), *self._options)

    def _obituary(self, node: str, child: "Child") -> str:
        what = (
            "it is started again"
            if self._restart
            else f"bring it back with: {shlex.join(('auction', *self._command(node)))}"
        )
        return f"{node} ended by itself {child.outcome}; {what}"


def _logger(node: str) -> "Callable[[str], None]":
    return lambda line: click.echo(f"{node} | {line}", err=True)


def cluster_file(data: Path, nodes: int | None, host: str | None, port: int | None) -> Path:
    """The cluster's file in its directory, made if it is not there, and every node's token key in its place."""
    from shardnode.cluster.file import CLUSTER_FILE, ClusterFault, read_cluster
    from shardnode.gateway.tokens import KeyFault, install_signing_key

    path = data / CLUSTER_FILE
    try:
        if not path.exists():
            _make(data, NODES if nodes is None else nodes, host or "127.0.0.1", 7117 if port is None else port)
        cluster = read_cluster(path)
        _check_same(path, cluster.map, nodes, host, port)
        for node in cluster.map.nodes:
            install_signing_key(data / node, cluster.token_key)
    except (ClusterFault, KeyFault) as fault:
        raise click.ClickException(str(fault)) from fault
    except OSError as error:
        raise click.ClickException(f"cannot make the cluster in {data}: {error}; choose another directory") from error
    return path


def _make(data: Path, nodes: int, host: str, port: int) -> None:
    from shardnode.cluster.file import make_cluster
    from shardnode.cluster.map import NodeEntry
    from shardnode.gateway.tokens import signing_key

    ports = _free_ports(host, nodes) if port == 0 else list(range(port, port + nodes))
    if ports[-1] > 65_535:
        raise click.ClickException(f"there are no ports for {nodes} nodes from {port} on; choose a lower --port")
    in_url = f"[{host}]" if ":" in host else host
    data.mkdir(parents=True, exist_ok=True)
    signing_key(data)
    make_cluster(
        data,
        [
            NodeEntry(f"n{number}", host, port, f"ws://{in_url}:{port}/ws", "local", 1)
            for number, port in enumerate(ports, start=1)
        ],
    )


def _check_same(path: Path, cluster_map: "ClusterMap", nodes: int | None, host: str | None, port: int | None) -> None:
    """What is said on the command line fits a cluster that is there already."""
    first = next(iter(cluster_map.nodes.values()))
    for option, told, has in (
        ("--nodes", nodes, len(cluster_map.nodes)),
        ("--host", host, first.host),
        ("--port", port or None, first.port),
    ):
        if told is not None and told != has:
            raise click.ClickException(
                f"{path} is there and has {option} {has}, not {told}; leave {option} out, or choose another --data"
            )


def _free_ports(host: str, count: int) -> list[int]:
    """Ports that nobody listens on at this moment."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server((host, 0), family=family)) for _ in range(count)]
        return sorted(listener.getsockname()[1] for listener in listeners)
