"""A start after kill -9 against the journal that it finds: until the node is ready, and until it serves."""

import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

import msgspec

from load_tests.figures import rounds_of, spread
from load_tests.growth.bidding import Lost
from load_tests.growth.market import results
from load_tests.growth.node import NO_CHECKPOINTS, gauge, killed_node
from load_tests.growth.record import Curve, Panel
from load_tests.growth.setting import Setting
from load_tests.house import House, call

VARIED = "records in the journal"
PLAYERS = 1_000
"""Who share half of the records; the other half is one player's."""
IN_FLIGHT = 20
"""Grants at once while the journal is made: few share a batch, as with a node that is not busy."""
BATCHES = "auction_journal_batch_records_count"
BUSY, CALM = "busy", "calm-0"
"""The player with half of the records, and one with few or none."""


class Start(msgspec.Struct, frozen=True):
    """One start on a journal, each from the beginning of the process on."""

    ready_s: float
    served_s: float
    """Until a player with few records has logged in and has an answer."""
    busy_s: float
    """How long the first answer about the player with half of the records took, asked for after that."""


def measure(setting: Setting, sizes: Sequence[int]) -> list[Panel]:
    """A journal of each length, never cut, and several starts on it, each of which ends by kill -9. Raises Lost."""
    starts: list[list[Start]] = []
    batches: list[float] = []
    for size in sizes:
        setting.tell(f"{size:,} {VARIED}")
        with setting.directory() as directory:
            batches.append(_journal(directory, size))
            starts.append([_start(directory, size) for _ in rounds_of(setting.point_s)])
    seconds = [
        Curve("node ready", [spread([each.ready_s for each in of_size], 2) for of_size in starts]),
        Curve("first request served", [spread([each.served_s for each in of_size], 2) for of_size in starts]),
    ]
    busy = [Curve("busiest store", [spread([each.busy_s * 1e3 for each in of_size], 1) for of_size in starts])]
    of_batches = [Curve("batches", [spread([count], 0) for count in batches])]
    return [
        Panel("from the start of the process", "s", VARIED, list(sizes), seconds, "line"),
        Panel("first answer of a store that half of the records touch", "ms", VARIED, list(sizes), busy, "line"),
        Panel("batches that hold the records", "batches", VARIED, list(sizes), of_batches, "line"),
    ]


def receivers(records: int) -> Iterable[str]:
    """Who gets a piece of gold, record by record."""
    return (BUSY if number % 2 else f"calm-{number // 2 % PLAYERS}" for number in range(records))


def _journal(directory: Path, records: int) -> float:
    """Leave a journal of so many records, and of how many batches."""
    with killed_node(directory, NO_CHECKPOINTS) as house, closing(house.connect("load-test", "service")) as service:
        grants = [{"player": each, "gold": 1, "key": f"{number}"} for number, each in enumerate(receivers(records))]
        results(service, [("admin.grant", params) for params in grants], IN_FLIGHT)
        return gauge(house, BATCHES)


def _start(directory: Path, records: int) -> Start:
    began_at_s = time.perf_counter()
    with killed_node(directory, NO_CHECKPOINTS) as house:
        ready_at_s = time.perf_counter()
        calm = _gold(house, CALM)
        served_at_s = time.perf_counter()
        busy = _gold(house, BUSY)
        busy_at_s = time.perf_counter()
        had = list(receivers(records))
        if (calm, busy) != (had.count(CALM), had.count(BUSY)):
            raise Lost(f"after kill -9 there are {calm} and {busy} gold of {had.count(CALM)} and {had.count(BUSY)}")
        return Start(ready_at_s - began_at_s, served_at_s - began_at_s, busy_at_s - served_at_s)


def _gold(house: House, player: str) -> int:
    with closing(house.connect(player)) as connection:
        gold: int = call(connection, "player.get")["gold"]["available"]
    return gold
