"""Against stores on the disk that are asleep: a start, a player who comes back, and bids.

Some players are real: made by the node, with files that it wrote. The others have a file each where the node would have
put it, under a name made as the node makes names, as large as a player's, whose content is a hole: a directory entry
and an inode as of any file, and nothing in it, since nobody ever opens it.
"""

import os
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from auction.ids import NAMING_KEY_BYTES, player_store
from load_tests.figures import latency, rounds_of, spread
from load_tests.growth.bidding import Bidding, Side, audited, measure_bids, panels
from load_tests.growth.in_memory import CONNECTIONS
from load_tests.growth.market import give_gold, open_market
from load_tests.growth.node import rss_bytes, running_node
from load_tests.growth.record import Curve, Panel
from load_tests.growth.setting import Setting
from load_tests.house import House, call
from load_tests.websocket import Connection

VARIED = "stores on the disk"
WAKES = 100
"""Players who come back in each round."""
BYTES = 36 * 1_024
"""Of a new player's file."""
INODES_LEFT = 100_000
"""What others on the same file system may need meanwhile."""


class NoRoom(Exception):
    """The file system has too few inodes for so many files."""


def measure(setting: Setting, sizes: Sequence[int]) -> list[Panel]:
    """One data directory that grows, and starts of the node on it at each size. Raises NoRoom, Lost."""
    starts_s: list[list[float]] = []
    memory_mb: list[list[float]] = []
    wakes_s: list[list[list[float]]] = []
    biddings: list[Bidding] = []
    rounds = len(rounds_of(setting.point_s))
    with setting.directory() as directory:
        _check_room(directory, max(sizes))
        players = [f"returning-{number}" for number in range(WAKES * rounds)]
        with running_node(directory) as house, _service(house) as service:
            give_gold(service, players)
        real = _files(directory)
        made = []
        for number, size in enumerate(sizes):
            setting.tell(f"{size:,} {VARIED}")
            made += _fill(directory, size - len(_files(directory)))
            _evict(real)
            starts_s.append([_start_s(directory) for _ in range(rounds - 1)])
            began_at_s = time.perf_counter()
            with running_node(directory) as house, ExitStack() as stack:
                starts_s[-1].append(time.perf_counter() - began_at_s)
                memory_mb.append([rss_bytes(house) / 1e6])
                wakes_s.append([_wakes_s(house, players[first::rounds]) for first in range(rounds)])
                market = open_market(house, CONNECTIONS, stack, f"bidder-{number}")
                biddings += measure_bids([Side(market, house.server.cpu_s)], setting.point_s)
        setting.tell("files without content removed")
        for path in made:
            path.unlink()
        audited(directory / "data")
    return [*panels(VARIED, sizes, biddings), *_panels(sizes, wakes_s, starts_s, memory_mb)]


def _panels(
    sizes: Sequence[int],
    wakes_s: Sequence[Sequence[Sequence[float]]],
    starts_s: Sequence[Sequence[float]],
    memory_mb: Sequence[Sequence[float]],
) -> list[Panel]:
    """By size and round; of waking by size, round and player."""
    times = [[latency(of_round) for of_round in of_size] for of_size in wakes_s]
    waking = [
        Curve("waking p50", [spread([each.p50 for each in of_size], 2) for of_size in times]),
        Curve("waking p99", [spread([each.p99 for each in of_size], 2) for of_size in times]),
    ]
    started = [Curve("start", [spread(of_size, 2) for of_size in starts_s])]
    memory = [Curve("memory", [spread(of_size, 1) for of_size in memory_mb])]
    return [
        Panel("a player who was asleep is asked for", "ms", VARIED, list(sizes), waking, "power"),
        Panel("start until the node is ready", "s", VARIED, list(sizes), started, "power"),
        Panel("memory after the start", "MB", VARIED, list(sizes), memory, "power"),
    ]


def _check_room(directory: Path, files: int) -> None:
    free = os.statvfs(directory).f_favail
    if free < files + INODES_LEFT:
        raise NoRoom(
            f"{files} files need as many inodes, and {directory} has {free}: name another file system with --dir, or "
            "measure fewer with --sizes"
        )


def _files(directory: Path) -> list[Path]:
    return list((directory / "data" / "stores").glob("*/*.sqlite"))


def _fill(directory: Path, count: int) -> list[Path]:
    """Add files of stores that nobody will ask for."""
    names = (player_store(os.urandom(NAMING_KEY_BYTES), "nobody") for _ in range(count))
    stores = directory / "data" / "stores"
    paths = [stores / store[:2] / f"{store}.sqlite" for store in names]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        with path.open("xb") as file:
            file.truncate(BYTES)
    return paths


def _evict(paths: Iterable[Path]) -> None:
    """Make the system forget what it keeps of these files' content in memory."""
    for path in paths:
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _start_s(directory: Path) -> float:
    began_at_s = time.perf_counter()
    with running_node(directory):
        return time.perf_counter() - began_at_s


def _service(house: House) -> "closing[Connection]":
    return closing(house.connect("load-test", "service"))


def _wakes_s(house: House, players: Sequence[str]) -> list[float]:
    """How long each player took who was asked for, one after the other."""
    times_s = []
    with _service(house) as service:
        for player in players:
            asked_at_s = time.perf_counter()
            call(service, "admin.player", player=player)
            times_s.append(time.perf_counter() - asked_at_s)
    return times_s
