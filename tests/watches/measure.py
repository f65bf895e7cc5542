"""Prints what watches cost the thread that holds them, as JSON: `python -m tests.watches.measure`.

Listings come, are bid on and end in turns, as `load_tests.search.market` makes them up. Saved searches name what
players look for: a base or a category and stats, or words of a name; half of them a price, most of them a few levels.
"""

import json
import random
import tempfile
import time
from pathlib import Path

import msgspec

from auction.commands import Bounds, ListingFilter, StatBounds
from auction.results import WatchView
from auction.state import Listing
from load_tests.search.market import Market
from shardnode.search.index import ListingNews
from shardnode.search.packed import pack
from shardnode.watches.engine import WatchEngine, WatchLimits
from shardnode.wire.codec import MSGPACK
from shardnode.wire.events import WatchMatched
from worlddata.loading import load_catalog
from worlddata.types import Catalog

CHANGES = 30_000
WATCHES = (0, 1_000, 10_000)
WATCHERS = (1_000, 10_000)
NO_LIMITS = WatchLimits(watches_held_max=10**9, changed_listings_max=10**9, round_s=10**9, slice_s=10**9)
"""All that waits is done at once, and only the first round tells anybody."""


def main() -> None:
    """Measure, print."""
    with tempfile.TemporaryDirectory() as directory:
        catalog = load_catalog(Path(directory))
    changes = _changes(catalog)
    figures: dict[str, object] = {
        "a changed listing, saved searches: microseconds of CPU": {
            f"{count:,}": _searched(catalog, changes, count) for count in WATCHES
        },
        "a changed listing, followed listings: microseconds of CPU": {
            f"{count:,}": _followed(changes, count) for count in WATCHES
        },
        "a thousand changes of one listing, all who follow it told: milliseconds of CPU": {
            f"{count:,}": _followed_by_all(changes, count) for count in WATCHERS
        },
    }
    print(json.dumps(figures, indent=2))  # noqa: T201 - what it is for


def _changes(catalog: Catalog) -> list[ListingNews]:
    market = Market(catalog, seed=1)
    packed = {row.listing: pack(row) for row in market.listings(20_000)}
    changes: list[ListingNews] = []
    for row in market.changes(CHANGES):
        changes.append((row, packed.pop(row.listing, None)))
        if row.state == "open":
            packed[row.listing] = pack(row)
    return changes


def _engine(told: list[int]) -> WatchEngine:
    def tell(_player: str, matched: WatchMatched) -> None:
        told.append(len(MSGPACK.push("watch", matched)))

    return WatchEngine(
        tell=tell,
        seconds=time.perf_counter,
        now_ms=lambda: 0,
        limit_hit=lambda _name: None,
        limits=NO_LIMITS,
    )


def _wanted(catalog: Catalog, dice: random.Random) -> ListingFilter:
    base = dice.choice(list(catalog.bases.values()))
    price = Bounds(max=dice.randint(base.worth, base.worth * 4)) if dice.random() < 0.5 else None
    stats = [StatBounds(stat=stat, min=5) for stat in dice.sample(list(base.stats), 2)]
    least = dice.randint(1, 90)
    level = Bounds(min=least, max=least + 10)
    chance = dice.random()
    if chance < 0.4:
        return ListingFilter(base=base.base, price=price, stats=stats[:1])
    if chance < 0.8:
        return ListingFilter(category=base.category, level=level, price=price, stats=stats)
    return ListingFilter(text=base.name.split()[0], level=level, price=price)


def _searched(catalog: Catalog, changes: list[ListingNews], count: int) -> float:
    dice = random.Random(2)
    engine = _engine([])
    for number in range(count):
        wanted = msgspec.to_builtins(_wanted(catalog, dice))
        engine.watch(f"p{number}", WatchView("w", wanted, None, None, 0))
    began_s = time.process_time()
    for first in range(0, len(changes), 100):
        engine.listings_changed(changes[first : first + 100])
        engine.work()
    return round((time.process_time() - began_s) * 1e6 / len(changes), 2)


def _followed(changes: list[ListingNews], count: int) -> float:
    engine = _engine([])
    listings = list(dict.fromkeys(row.listing for row, _ in changes))
    for number in range(count):
        engine.watch(f"p{number}", WatchView("w", None, listings[number % len(listings)], None, 0))
    began_s = time.process_time()
    for first in range(0, len(changes), 100):
        engine.listings_changed(changes[first : first + 100])
    return round((time.process_time() - began_s) * 1e6 / len(changes), 2)


def _followed_by_all(changes: list[ListingNews], count: int) -> dict[str, float]:
    told: list[int] = []
    engine = _engine(told)
    row: Listing = changes[0][0]
    for number in range(count):
        engine.watch(f"p{number}", WatchView("w", None, row.listing, None, 0))
    began_s = time.process_time()
    for _ in range(1_000):
        engine.listings_changed([(row, None)])
    changed_s = time.process_time()
    engine.work()
    assert len(told) == count, len(told)
    told_s = time.process_time() - changed_s
    return {
        "changes": round((changed_s - began_s) * 1e3, 2),
        "one round": round(told_s * 1e3, 1),
        "a push: microseconds of CPU": round(told_s * 1e6 / count, 1),
    }


if __name__ == "__main__":
    main()
