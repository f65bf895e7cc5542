"""Measures what the steps of one real node cost on this machine: bids, pushes, searches, logins, sleep and memory.

Times at many and at few connections tell what a batch costs from what its records cost.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import msgspec

from clients.codec import Message
from load_tests.capacity.fitting import costs_of
from load_tests.capacity.probe import BATCHES, CHECKPOINTED, COMMITS_S, RECORDS, Probe, Taken, busiest_lane, while_all
from load_tests.duels import connect, settle
from load_tests.generator import CODEC, Line, Measured, drive
from load_tests.house import call, give_gold, running_cluster, running_house
from load_tests.machine import fsync_ms
from load_tests.processes import ServerFailed
from load_tests.websocket import Connection

CONNECTIONS = 48
"""Which bid at once, where many do."""
SOME, FEW = 16, 4
WATCHING = 4
"""Further sessions of each bidder, each told of every lead that is lost."""
ONE = "n1"
AT_ANY_RATE = {"AUCTION_REQUESTS_PER_S": "1000000", "AUCTION_REQUESTS_BURST": "1000000"}
"""A connection may ask as fast as it is answered."""
SHORT_SLEEP = {**AT_ANY_RATE, "AUCTION_STORE_IDLE_S": "0.5", "AUCTION_CHECKPOINT_INTERVAL_S": "0.5"}
PATIENCE_S = 20.0
LOOK_EVERY_S = 0.1


class OneNode(msgspec.Struct, frozen=True):
    """Fields of `load_tests.capacity.calibration.Calibration`, and where a node's lanes stand among its threads."""

    first_lane: int
    wake_up_s: float
    batch_s: float
    bid_s: float
    journal_batch_s: float
    journal_record_s: float
    commit_wait_s: float
    fsync_s: float
    push_s: float
    search_s: float
    request_s: float
    generator_s: float
    checkpoint_s: float
    row_bytes: float


class Sleepers(msgspec.Struct, frozen=True):
    """Fields of `load_tests.capacity.calibration.Calibration`."""

    login_s: float
    wake_s: float
    node_bytes: float
    store_bytes: float
    connection_bytes: float


class Asking:
    """Asks the same thing again and again."""

    def __init__(self, method: str, params: dict[str, object]) -> None:
        self._method, self._params = method, params
        self._number = 0

    def request(self) -> bytes:
        """The next request."""
        self._number += 1
        return CODEC.request(self._number, self._method, self._params)

    def take(self, message: Message) -> bool:
        """Whether the answer is in. Raises ServerFailed where it is an error."""
        if message.error is not None:
            raise ServerFailed(f"{self._method}: {message.error}")
        return message.id == self._number


def of_one_node(directory: Path, seconds: float, connections: int) -> OneNode:
    """Measure a node by itself, each of six things for a time."""
    directory.mkdir()
    with ExitStack() as stack:
        house = stack.enter_context(running_house(directory, environment=AT_ANY_RATE))
        lines, _ = connect(house, connections)
        for line in lines:
            stack.callback(line.connection.close)
        pid = house.server.process.pid
        first_lane = busiest_lane(pid, lambda: drive(lines, seconds))
        probe = Probe(pid, house.server.url, first_lane)
        many, drove = _bids(probe, lines, seconds)
        runs = [(many, drove)]
        for some in (SOME, FEW):
            runs.append(_bids(probe, lines[:some], seconds))
            settle(lines)
        wake_up_s, batch_s, bid_s = costs_of(
            [(taken.wakes, taken.count(BATCHES), len(bids.latencies_s)) for taken, bids in runs],
            [taken.reactor_s for taken, _ in runs],
        )
        journal_batch_s, record_s = costs_of(
            [(taken.count(BATCHES), taken.count(RECORDS)) for taken, _ in runs],
            [taken.lanes_s["journal"] for taken, _ in runs],
        )
        waits_s = (many.count(COMMITS_S) - many.lanes_s["journal"]) / many.count(BATCHES)
        shown = call(lines[0].connection, "listing.search", sort="price", limit=1)["listings"][0]
        request_s = _asked_s(probe, lines, "player.get", {}, seconds)
        search_s = _asked_s(probe, lines, "listing.search", {"sort": "price", "limit": 50}, seconds)
        push_s = _push_s(probe, house.connect, lines, seconds, (wake_up_s, batch_s, bid_s))
        return OneNode(
            first_lane=first_lane,
            wake_up_s=wake_up_s,
            batch_s=batch_s,
            bid_s=bid_s,
            journal_batch_s=journal_batch_s,
            journal_record_s=record_s,
            commit_wait_s=max(0.0, waits_s),
            fsync_s=fsync_ms(directory) / 1_000,
            push_s=push_s,
            search_s=search_s,
            request_s=request_s,
            generator_s=drove.generator_cpu_s / len(drove.latencies_s),
            checkpoint_s=_checkpoint_s(probe),
            row_bytes=len(msgspec.msgpack.encode(shown)),
        )


def of_sleepers(directory: Path, first_lane: int, players: int) -> Sleepers:
    """Measure memory, logins and wake-ups of so many players on a node that lets stores sleep soon."""
    directory.mkdir()
    names = [f"sleeper-{number}" for number in range(players)]
    with running_cluster(directory, 1, SHORT_SLEEP) as cluster, ExitStack() as stack:
        probe = Probe(cluster.pids()[ONE], cluster.urls[ONE], first_lane)
        node_bytes = probe.rss_bytes()
        service = cluster.connect(ONE, "load-test", "service")
        stack.callback(service.close)
        give_gold(service, names)
        store_bytes = (probe.rss_bytes() - node_bytes) / players

        def look() -> None:
            for name in names:
                call(service, "admin.player", player=name)

        _until(lambda: probe.counters()["auction_stores_awake"] < players / 10, "no store went to sleep")
        asleep = while_all({ONE: probe}, look)[ONE]
        awake = while_all({ONE: probe}, look)[ONE]
        before_bytes = probe.rss_bytes()

        def log_in() -> None:
            for name in names:
                stack.callback(cluster.connect(ONE, name).close)

        logins = while_all({ONE: probe}, log_in)[ONE]
        return Sleepers(
            login_s=logins.total_s / players,
            wake_s=max(0.0, asleep.total_s - awake.total_s) / players,
            node_bytes=node_bytes,
            store_bytes=max(0.0, store_bytes),
            connection_bytes=max(0.0, probe.rss_bytes() - before_bytes) / players,
        )


def _bids(probe: Probe, lines: list[Line], seconds: float) -> tuple[Taken, Measured]:
    measured: list[Measured] = []
    taken = while_all({ONE: probe}, lambda: measured.append(drive(lines, seconds)))[ONE]
    settle(lines)
    return taken, measured[0]


def _asked_s(probe: Probe, lines: list[Line], method: str, params: dict[str, object], seconds: float) -> float:
    """Processor time of a request, reactor and search thread together."""
    asking = [Line(line.connection, Asking(method, params)) for line in lines[:FEW]]
    taken, measured = _bids(probe, asking, seconds)
    return (taken.reactor_s + taken.lanes_s["search"]) / len(measured.latencies_s)


def _checkpoint_s(probe: Probe) -> float:
    """File thread's time by the stores it has written, both since the node's start; 0 if it has written none."""
    written = probe.counters()[CHECKPOINTED]
    return probe.since_start().lanes_s["files"] / written if written else 0.0


def _push_s(
    probe: Probe,
    connect_as: Callable[[str], Connection],
    lines: list[Line],
    seconds: float,
    costs: tuple[float, float, float],
) -> float:
    """What a bid costs more with further sessions of the bidders, by the further pushes; `costs` are known ones."""
    with ExitStack() as stack:
        for number in range(len(lines)):
            for _ in range(WATCHING):
                stack.callback(connect_as(f"player-{number}").close)
        taken, measured = _bids(probe, lines, seconds)
    bids = len(measured.latencies_s)
    wake_up_s, batch_s, bid_s = costs
    more_s = taken.reactor_s - wake_up_s * taken.wakes - batch_s * taken.count(BATCHES) - bid_s * bids
    return max(0.0, more_s) / (WATCHING * bids)


def _until(is_so: Callable[[], bool], otherwise: str) -> None:
    latest_s = time.monotonic() + PATIENCE_S
    while not is_so():
        if time.monotonic() > latest_s:
            raise ServerFailed(f"{otherwise} within {PATIENCE_S:g} s")
        time.sleep(LOOK_EVERY_S)
