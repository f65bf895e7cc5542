"""The composition root: a node from its configuration, listening, until a signal or a failure ends it.

Everything that the parts are handed (clock, randomness, reactor, lanes, storage) is chosen here and nowhere else. Order
of a start: data directory (locked), world, token keys, node, port, `ready`. Order of a stop: no new connections,
answers out, sockets closed, stores into their files, data directory unlocked.
"""

import gc
import resource
import secrets
import signal
import sys
import time
from collections.abc import Generator
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.error import ReactorNotRunning
from twisted.logger import Logger
from twisted.python.failure import Failure

from auction.state import Notice
from shardnode.cluster.file import ClusterConfig, ClusterFault
from shardnode.cluster.map import alone
from shardnode.cluster.network import NoPeers
from shardnode.gateway.gateway import Gateway
from shardnode.gateway.limits import GatewayLimits
from shardnode.gateway.listen import ListenFault, ListenOptions, Tls, listen
from shardnode.gateway.ports import Ports
from shardnode.gateway.tokens import KeyFault, PublicKey, Verifier, install_signing_key, issuer_key, signing_key
from shardnode.node.awake_stores import StoreLimits
from shardnode.node.checkpoints import CheckpointLimits
from shardnode.node.clock import HouseClock
from shardnode.node.config import Config
from shardnode.node.lanes import ThreadLane
from shardnode.node.membership import Membership
from shardnode.node.node import Node, NodeLimits, Surroundings
from shardnode.ops.compiled import is_compiled
from shardnode.ops.logs import start_logging
from shardnode.ops.metrics import Metrics
from shardnode.ops.open_trades import told
from shardnode.storage.data_directory import DataDirectory
from shardnode.storage.port import Recovered, StorageFault
from shardnode.storage.sqlite_storage import SqliteStorage
from shardnode.wire.events import WatchMatched
from worlddata.loading import load_catalog
from worlddata.problems import WorldError
from worlddata.types import Catalog

SWITCH_INTERVAL_S = 0.0005
"""How long a thread may keep the interpreter from another: a thread that searches must not hold up the reactor, nor be
held up by it each time that it comes back from a long look at numbers."""
YOUNG_OBJECTS_MAX = 50_000
"""Objects made between two looks of the garbage collector; rows and requests are freed by reference counts alone."""

log = Logger()


class CannotStart(Exception):
    """The node cannot start as it was told; the text says why and what to do."""


def serve(config: Config, cluster: ClusterConfig | None = None) -> int:
    """Run a node, alone or in a cluster, until it ends; returns the process's exit code. Raises CannotStart."""
    from twisted.internet import reactor as the_reactor

    reactor: Any = the_reactor
    reactor.seconds = time.monotonic  # Twisted reckons by the wall clock, whose jump back would hold every timer
    start_logging(config.log_format, config.log_level)
    _allow_open_files()
    service = Service(reactor, config, cluster)
    reactor.callWhenRunning(lambda: service.start().addErrback(service.fail))
    reactor.addSystemEventTrigger("before", "shutdown", service.stop)
    for number in (signal.SIGINT, signal.SIGTERM):  # Twisted's own handlers take a second signal for an error
        signal.signal(number, lambda *_: reactor.callFromThread(service.end))
    reactor.run(installSignalHandlers=False)
    if service.problem is not None:
        raise CannotStart(str(service.problem)) from service.problem
    return 1 if service.has_failed else 0


class Service:
    """One node and all around it. `problem` is why it could not start, `has_failed` whether it stopped itself."""

    def __init__(self, reactor: Any, config: Config, cluster: ClusterConfig | None) -> None:
        self._reactor = reactor
        self._config = config
        self._cluster = cluster
        self._ready = False
        self._port: Any = None
        self.problem: Exception | None = None
        self.has_failed = False
        self._directory = DataDirectory(config.data)
        self._storage = SqliteStorage(config.data, cluster.naming_key if cluster is not None else None)
        try:
            self._build(self._storage.open())
        except (StorageFault, WorldError, KeyFault, ClusterFault) as problem:
            self._storage.close()
            raise CannotStart(str(problem)) from problem

    def _build(self, recovered: Recovered) -> None:
        config, reactor = self._config, self._reactor
        catalog = load_catalog(config.data, config.rules)
        if self._cluster is not None:
            install_signing_key(config.data, self._cluster.token_key)
        house_key = signing_key(config.data)
        keys = [issuer_key(config.token_key)] if config.token_key else []
        clock = HouseClock(time.time, time.monotonic, recovered.now_ms)
        log.info(
            "recovered",
            start=recovered.incarnation,
            position=recovered.position,
            unsaved_records=self._storage.journal.length(),
        )
        self._metrics = metrics = Metrics(config.node_id, catalog.version)
        self._membership = self._join(self._cluster, recovered, catalog) if self._cluster is not None else None
        self._lanes = [ThreadLane(reactor, name) for name in ("journal", "files", "search")]
        journal_lane, files_lane, search_lane = self._lanes
        self._node = Node(
            name=config.node_id,
            cluster_map=self._membership.map if self._membership is not None else alone(config.node_id),
            catalog=catalog,
            recovered=recovered,
            surroundings=Surroundings(
                storage=self._storage,
                reactor=reactor,
                clock=clock,
                journal_lane=journal_lane,
                files_lane=files_lane,
                search_lane=search_lane,
                network_of=self._membership.network_of if self._membership is not None else lambda _: NoPeers(),
                random_int=lambda low, high: low + secrets.randbelow(high - low + 1),
                metrics=metrics,
                push=self._push,
                match=self._match,
                is_present=self._is_present,
                failed=self.fail,
            ),
            limits=NodeLimits(
                stores=StoreLimits(
                    awake_max=config.awake_stores_max, dirty_max=config.dirty_stores_max, idle_s=config.store_idle_s
                ),
                checkpoints=CheckpointLimits(interval_s=config.checkpoint_interval_s),
            ),
        )
        self._gateway = self._open_gateway(clock, [*keys, house_key.public])

    def _open_gateway(self, clock: HouseClock, keys: list[PublicKey]) -> Gateway:
        config, metrics = self._config, self._metrics
        gateway = Gateway(
            reactor=self._reactor,
            node=config.node_id,
            catalog=self._node.catalog,
            limits=GatewayLimits(
                requests_per_s=config.requests_per_s,
                requests_burst=config.requests_burst,
                sockets_max=config.connections_max,
                sockets_per_address_max=config.connections_per_address_max,
            ),
            ports=Ports(
                ask=self._node.ask_house,
                told=self._node.cluster.tell_key,
                mint_key=self._node.mint_key,
                joined=self._node.cluster.joined,
                left=self._node.cluster.left,
                latest_seq=self._node.cluster.latest_seq,
                verify=Verifier(keys).verify,
                now_ms=clock.now_ms,
                monotonic_s=time.monotonic,
                ready=lambda: self._ready,
                render_metrics=metrics.render,
                open_trades=lambda: told(self._node.trades.open_trades()),
                failed=self._node.fail,
                metrics=metrics,
            ),
            peers=self._membership.listener if self._membership is not None else None,
        )
        metrics.gauge("sockets", "Open WebSockets", lambda: gateway.sockets)
        return gateway

    def _join(self, cluster: ClusterConfig, recovered: Recovered, catalog: Catalog) -> Membership:
        return Membership(
            name=self._config.node_id,
            running=lambda: self._node,
            cluster=cluster,
            catalog=catalog,
            recovered=recovered,
            facts=self._storage.journal.facts(),
            replaced=self._replaced,
            failed=self.fail,
            reactor=self._reactor,
            metrics=self._metrics,
        )

    @inlineCallbacks
    def start(self) -> Generator["Deferred[Any]", Any, None]:
        """Begin to serve, and say so on standard output."""
        config = self._config
        try:
            tls = Tls(config.tls_cert, config.tls_key) if config.tls_cert and config.tls_key else None
            options = ListenOptions(host=config.host, port=config.port, tls=tls)
            self._port = port = yield listen(self._reactor, self._gateway.site, options)
        except ListenFault as problem:
            self.problem = problem
            self._reactor.stop()
            return
        self._node.start()
        if self._membership is not None:
            self._membership.start()
        gc.collect()
        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS_MAX, 20, 20)
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._ready = True
        host = f"[{config.host}]" if ":" in config.host else config.host
        url = f"{'wss' if tls else 'ws'}://{host}:{port.getHost().port}/ws"
        self._directory.url.write_text(f"{url}\n")
        log.info("ready", url=url, node=config.node_id, world=self._node.catalog.version, compiled=is_compiled())
        sys.stdout.write(f"ready {url}\n")
        sys.stdout.flush()

    def stop(self) -> "Deferred[None] | None":
        """Drain, write checkpoints and close, or give up after `stop_s`: the journal has everything."""
        return None if self.has_failed else self._drain_and_close().addErrback(self.fail)

    @inlineCallbacks
    def _drain_and_close(self) -> Generator["Deferred[Any]", Any, None]:
        self._ready = False
        log.info("stopping")
        hurry = self._reactor.callLater(self._config.stop_s, self._give_up)
        if self._port is not None:
            yield self._port.stopListening()
            yield self._gateway.stop()
            yield self._node.stop()
            if self._membership is not None:
                yield self._membership.stop()
        for lane in self._lanes:
            yield lane.close()
        self._directory.url.unlink(missing_ok=True)
        self._storage.close()
        hurry.cancel()
        log.info("stopped")

    def fail(self, failure: Failure) -> None:
        """The node must not go on: say why, and end without another word to anybody."""
        if self.has_failed:
            return
        self.has_failed = True
        self._ready = False
        if failure.check(StorageFault):
            log.critical("the node stops: {why}", why=str(failure.value))
        else:
            log.failure(
                "the node stops before it lies: a bug; keep a copy of the data directory and report this", failure
            )
        self.end()

    def end(self) -> None:
        """Begin to stop; nothing where that has begun already."""
        try:
            self._reactor.stop()
        except ReactorNotRunning:
            log.debug("it was stopping already")

    def _replaced(self, why: str) -> None:
        log.critical("the node stops: {why}", why=why)
        self.end()

    def _give_up(self) -> None:
        log.warn("stopping took too long; the journal has everything", stop_s=self._config.stop_s)
        self._reactor.crash()

    def _push(self, player: str, notice: Notice) -> None:
        self._gateway.push(player, notice)

    def _match(self, player: str, matched: WatchMatched) -> None:
        self._gateway.match(player, matched)

    def _is_present(self, player: str) -> bool:
        return self._gateway.is_present(player)


def _allow_open_files() -> None:
    """Use as many files and sockets as the system lets this process have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
