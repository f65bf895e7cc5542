"""Prints what the storage costs on this machine, as JSON: `python -m tests.storage.measure [DIR]`, writing below DIR.

An append is measured twice: alone, and beside a thread that computes and makes system calls as a busy reactor does.
Figures are medians in microseconds unless their name says otherwise.
"""

import json
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from auction.state import Account, Bid, Delivery, Item, Key, LedgerEntry, Notice
from shardnode.storage.port import Append, Entry, Snapshot
from shardnode.storage.sqlite_storage import SqliteStorage

BATCHES = 1_000
RECORDS = 50
STORES = 1_000


def main() -> None:
    """Measure, print."""
    base = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.gettempdir())
    with tempfile.TemporaryDirectory(dir=base) as directory:
        print(json.dumps(_measure(Path(directory)), indent=2))  # noqa: T201 - what it is for


def _measure(directory: Path) -> dict[str, object]:
    dice = random.Random(1)
    storage = SqliteStorage(directory / "data", random_bytes=dice.randbytes)
    storage.open()
    figures: dict[str, object] = {"fsync": _fsync(directory)}
    figures["append of 50 records"] = _appends(storage, dice)
    storage.journal.save_open_listings({}, storage.journal.position)
    stop = threading.Event()
    busy = threading.Thread(target=_be_busy, args=(stop,))
    busy.start()
    figures["the same beside a busy thread"] = _appends(storage, dice)
    stop.set()
    busy.join()
    wal = directory / "data" / "node.sqlite-wal"
    figures["node.sqlite and its WAL, MiB"] = [
        round(p.stat().st_size / 2**20, 1) for p in (wal.with_suffix(".sqlite"), wal)
    ]
    stores = [dice.randbytes(13).hex() for _ in range(STORES)]
    position = storage.journal.position
    figures["create a store"] = _times(stores, lambda store: storage.stores.save([_first(store, position - 1)]))
    figures["save a change, file closed"] = _times(
        stores, lambda store: storage.stores.save([_change(store, position)])
    )
    figures["save a change, file open"] = _times(
        [stores[-1]] * 200, lambda store: storage.stores.save([_change(store, position)])
    )
    figures["load, file closed"] = _times(stores, storage.stores.load)
    figures["load, file open"] = _times([stores[-1]] * 200, storage.stores.load)
    started = time.perf_counter()
    storage.close()
    storage = SqliteStorage(directory / "data")
    storage.open()
    figures["close and open, journal of 100,000 records, ms"] = round((time.perf_counter() - started) * 1e3)
    started = time.perf_counter()
    storage.journal.save_open_listings({}, position)
    storage.journal.forget(dict.fromkeys(storage.journal.unsaved(10**9), position))
    figures["forget 100,000 records of 10,000 stores, ms"] = round((time.perf_counter() - started) * 1e3)
    storage.close()
    return figures


def _fsync(directory: Path) -> int:
    with (directory / "fsync").open("wb", buffering=0) as file:

        def write_and_sync(_: str) -> None:
            file.write(b"x" * 32_768)
            os.fsync(file.fileno())

        return _times([""] * 200, write_and_sync)


def _appends(storage: SqliteStorage, dice: random.Random) -> dict[str, object]:
    position = storage.journal.position
    stores = [random.Random(number).randbytes(13).hex() for number in range(10_000)]
    wall, cpu = [], []
    for _ in range(BATCHES):
        entries = [
            Entry(position + 1 + number, {dice.choice(stores): dice.randbytes(dice.randint(60, 250)) for _ in range(3)})
            for number in range(RECORDS)
        ]
        position += RECORDS
        batch = Append(entries, {dice.choice(stores): position for _ in range(4)}, position)
        started, started_cpu = time.perf_counter(), time.thread_time()
        storage.journal.append(batch)
        wall.append(time.perf_counter() - started)
        cpu.append(time.thread_time() - started_cpu)
    wall.sort()
    return {
        "median": round(statistics.median(wall) * 1e6),
        "p99": round(wall[int(len(wall) * 0.99)] * 1e6),
        "thread's CPU": round(statistics.median(cpu) * 1e6),
    }


def _be_busy(stop: threading.Event) -> None:
    reader, writer = os.pipe()
    while not stop.is_set():
        sum(range(1_000))
        os.write(writer, b"x")
        os.read(reader, 1)
    os.close(reader)
    os.close(writer)


def _times(stores: list[str], work: Callable[[str], object]) -> int:
    times = []
    for store in stores:
        started = time.perf_counter()
        work(store)
        times.append(time.perf_counter() - started)
    return round(statistics.median(times) * 1e6)


def _first(store: str, position: int) -> Snapshot:
    items = [
        Item(f"{store}.i{n}", "sword", "Sword", "swords", "rare", 30, {"might": n, "luck": 2}, False) for n in range(20)
    ]
    keys = [Key(f"player/{n}", b"f" * 16, False, b"a" * 200, n, True) for n in range(10)]
    return Snapshot(
        store,
        "player",
        position,
        {
            "account": {0: Account("somebody", store, gold=100)},
            "items": {item.item: item for item in items},
            "keys": {key.key: key for key in keys},
            "bids": {f"l{n}": Bid(f"{store}.l{n}", 100, True, n) for n in range(5)},
            "notices": {
                n: Notice(n, "listing.outbid", n, {"listing": f"{store}.l{n}", "price": 5}) for n in range(1, 6)
            },
            "ledger": {n: LedgerEntry(n, n, "wallet", "escrow", 5, "bid", None) for n in range(1, 11)},
            "deliveries": {"d": Delivery(f"{store}.d1", 1, "won", 0, (items[0],), {}, None, 5)},
        },
    )


def _change(store: str, position: int) -> Snapshot:
    return Snapshot(
        store,
        "player",
        position,
        {
            "account": {0: Account("somebody", store, gold=95)},
            "keys": {"k": Key("player/new", b"f" * 16, False, b"a" * 200, 50, True)},
            "bids": {"l": Bid(f"{store}.l9", 100, True, 50)},
            "ledger": {11: LedgerEntry(11, 50, "elsewhere", "wallet", 5, "bid", None)},
        },
    )


if __name__ == "__main__":
    main()
