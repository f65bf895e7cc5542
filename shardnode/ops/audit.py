"""The audit: proof over whole data directories that gold and goods are conserved and every item is in one place.

Every store of every directory is read as its node would know it, journal included. `auction.conservation` sums up and
compares each store's books with its rows, `auction.ties` compares the stores with one another. All directories of a
house belong in one audit: what left one store is in another.
"""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from auction.conservation import Balance, Totals, faults
from auction.ties import Ties
from shardnode.storage.offline import OfflineDirectory
from shardnode.storage.port import StorageFault

TABLES_COUNTED = ("account", "items", "commodities", "listings", "bids", "deliveries", "transfers_out", "transfers_in")
"""What is read of a store that has no records beyond its file; the other tables hold neither gold nor goods."""
MENTIONED = 100
"""How many faults, and how many files that cannot be read, a report mentions at most."""


class Gold(msgspec.Struct, frozen=True):
    """Where the gold is."""

    granted: int
    burned: int
    wallets: int
    escrow: int
    in_flight: int


class Items(msgspec.Struct, frozen=True):
    """Where the items are."""

    granted: int
    burned: int
    held: int
    escrow: int
    in_flight: int
    duplicates: list[str]


class Report(msgspec.Struct, frozen=True):
    """What an audit found; `in_flight` is what waits to be claimed or is under way between stores."""

    balanced: bool
    """Whether nothing at all is wrong: all is conserved, no item is in two places, and `faults` is empty."""
    gold: Gold
    items: Items
    commodities: dict[str, Balance]
    stores: int
    open_trades: int
    """Trades prepared without a decision. Only trades between nodes are ever prepared, and this version has none."""
    faults: list[str]
    """What is wrong, for a person."""


def audit(data_dirs: Iterable[Path]) -> Report:
    """Audit all directories of a house, stopped or crashed. StorageFault where one is in use or cannot be read."""
    totals, ties, found, unreadable = Totals(), Ties(), [], []
    for data_dir in data_dirs:
        with OfflineDirectory(data_dir) as directory:
            lost = directory.acknowledged - directory.position
            if lost:
                found.append(f"{data_dir}: the last {lost} acknowledged records are missing from its journal")
            for store in directory.stores():
                try:
                    state = directory.load(store, TABLES_COUNTED)
                except StorageFault as fault:
                    unreadable.append(str(fault))
                    continue
                totals.add(state)
                ties.add(state)
                found += faults(state)
    if unreadable:
        raise StorageFault("\n".join(_mentioned(unreadable)))
    found += ties.faults()
    found += [f"item {item} is in more than one place" for item in totals.duplicates]
    gold, items = totals.gold, totals.items
    return Report(
        balanced=totals.balanced() and not found,
        gold=Gold(gold.granted, gold.burned, gold.held, gold.escrow, gold.in_flight),
        items=Items(items.granted, items.burned, items.held, items.escrow, items.in_flight, totals.duplicates),
        commodities=totals.commodities,
        stores=totals.stores,
        open_trades=0,
        faults=_mentioned(found),
    )


def _mentioned(found: list[str]) -> list[str]:
    more = len(found) - MENTIONED
    return found if more <= 0 else [*found[:MENTIONED], f"and {more} more"]
