"""`python -m load_tests.standard.worker`: one stateless worker: the node's own gateway, before a database and a cache.

What is composed here as in `shardnode.node.serve`: gateway, codecs, methods, tokens, catalog and rules are the same
code; what stands behind them is PostgreSQL and Redis. The reactor runs on asyncio, for asyncpg's sake.
"""

import asyncio
import gc
import secrets
import signal
import sys
import time
from collections.abc import Coroutine
from typing import Any

import click
from twisted.internet import asyncioreactor
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from auction.context import Answer, Request
from load_tests.standard.database import LOST, ROLLED_BACK, Database
from load_tests.standard.house import House
from load_tests.standard.redis_line import RedisLost
from load_tests.standard.settings import WorkerSettings, decoded
from load_tests.standard.shared import Shared
from load_tests.standard.trading import trading
from shardnode.gateway.gateway import Gateway
from shardnode.gateway.limits import GatewayLimits
from shardnode.gateway.ports import Ports
from shardnode.gateway.tokens import Verifier, issuer_key
from shardnode.ops.logs import start_logging
from shardnode.ops.metrics import Metrics
from shardnode.ops.open_trades import OpenTrades
from worlddata.loading import load_catalog

SOCKETS_MAX = 10_000
SWEEP_EVERY_S = 0.1
"""How often one of the workers looks for listings whose end has come."""
FORGET_EVERY_S = 60.0
"""How often the same worker forgets keys that are too old."""
SWEEP_AGAIN_S = 1.0
"""The same after the database was away."""
YOUNG_OBJECTS_MAX = 50_000
"""As in a node: objects made between two looks of the garbage collector."""

log = Logger()


class Worker:
    """One worker; `failed` ends it, and the supervisor starts another."""

    def __init__(self, settings: WorkerSettings, reactor: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._settings = settings
        self._reactor = reactor
        self._loop = loop
        self._ready = False
        self._forgets_at_s = 0.0
        self.has_failed = False
        catalog = load_catalog(settings.data, settings.rules)
        self._metrics = Metrics(settings.name, catalog.version)
        self._database = Database(settings.postgres, settings.connections)
        self._shared = Shared(f"{settings.name}-{secrets.token_hex(4)}", settings.redis, self._push, self._redis_lost)
        self._house = House(
            worker=settings.name,
            catalog=catalog,
            database=self._database,
            trading=trading(settings.rules_in, self._database, catalog.rules.max_bids),
            shared=self._shared,
            now_ms=_now_ms,
            random_int=lambda low, high: low + secrets.randbelow(high - low + 1),
        )
        self._gateway = Gateway(
            reactor=reactor,
            node=settings.name,
            catalog=catalog,
            limits=GatewayLimits(sockets_max=SOCKETS_MAX, sockets_per_address_max=SOCKETS_MAX),
            ports=Ports(
                ask=self._ask,
                told=_nothing,
                mint_key=lambda: secrets.token_hex(16),
                joined=_nothing,
                left=_nothing,
                latest_seq=lambda player: self._deferred(self._house.latest_seq(player)),
                verify=Verifier([issuer_key(key) for key in settings.token_keys]).verify,
                now_ms=_now_ms,
                monotonic_s=time.monotonic,
                ready=lambda: self._ready,
                render_metrics=self._metrics.render,
                open_trades=lambda: OpenTrades(0, []),
                failed=self.fail,
                metrics=self._metrics,
            ),
        )
        self._metrics.gauge("sockets", "Open WebSockets", lambda: self._gateway.sockets)

    async def start(self) -> None:
        """Connect to what stands behind, listen, and say so on standard output."""
        await self._shared.open()
        await self._database.open()
        if self._settings.socket is not None:
            self._settings.socket.unlink(missing_ok=True)
            self._reactor.listenUNIX(str(self._settings.socket), self._gateway.site, backlog=1_024, mode=0o666)
        else:
            self._reactor.listenTCP(self._settings.port, self._gateway.site, backlog=1_024, interface="127.0.0.1")
        if self._settings.sweeps:
            self._sweep()
        gc.collect()
        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS_MAX, 20, 20)
        self._ready = True
        sys.stdout.write("ready\n")
        sys.stdout.flush()

    async def stop(self) -> None:
        """Answer what is under way, and close every socket."""
        self._ready = False
        await self._gateway.stop().asFuture(self._loop)
        await self._database.close()

    def fail(self, failure: Failure) -> None:
        """A bug of ours: say why, and end."""
        if not self.has_failed:
            self.has_failed = True
            log.failure("the worker stops: a bug", failure)
            self._reactor.stop()

    def _redis_lost(self, why: RedisLost) -> None:
        if self._ready:
            log.critical("the worker stops: {why}", why=str(why))
            self.has_failed = True
            self._reactor.stop()

    def _ask(self, request: Request) -> "Deferred[Answer]":
        return self._deferred(self._house.answer(request))

    def _deferred(self, coroutine: Coroutine[Any, Any, Any]) -> "Deferred[Any]":
        return Deferred.fromFuture(self._loop.create_task(coroutine))

    def _push(self, player: str, notice: Any) -> None:
        self._gateway.push(player, notice)

    def _sweep(self) -> None:
        def again(task: "asyncio.Task[float]") -> None:
            error = task.exception()
            if error is None:
                self._loop.call_later(task.result(), self._sweep)
            else:
                self.fail(Failure(error))

        self._loop.create_task(self._end_all()).add_done_callback(again)

    async def _end_all(self) -> float:
        """Settle all that is due, and forget old keys; returns in how many seconds to look again."""
        try:
            while await self._house.end_next():
                pass
            if time.monotonic() >= self._forgets_at_s:
                self._forgets_at_s = time.monotonic() + FORGET_EVERY_S
                await self._house.forget_keys()
        except (*LOST, *ROLLED_BACK) as error:
            log.warn("the database is away; listings end later", why=str(error))
            return SWEEP_AGAIN_S
        return SWEEP_EVERY_S


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _nothing(_: object) -> None:
    """Workers keep nothing in mind."""


@click.command()
@click.argument("settings")
def main(settings: str) -> None:
    """Serve as SETTINGS say, a WorkerSettings in JSON, until SIGTERM."""
    loop = asyncio.new_event_loop()
    asyncioreactor.install(loop)
    from twisted.internet import reactor as the_reactor

    reactor: Any = the_reactor
    start_logging("json", "info")
    worker = Worker(decoded(settings), reactor, loop)

    def begin() -> None:
        started = Deferred.fromFuture(loop.create_task(worker.start()))
        started.addErrback(worker.fail)

    reactor.callWhenRunning(begin)
    reactor.addSystemEventTrigger("before", "shutdown", lambda: Deferred.fromFuture(loop.create_task(worker.stop())))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: reactor.callFromThread(reactor.stop))
    reactor.run(installSignalHandlers=False)
    sys.exit(1 if worker.has_failed else 0)


if __name__ == "__main__":
    main()
