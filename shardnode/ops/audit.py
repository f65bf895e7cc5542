"""The audit: proof over whole data directories that gold and goods are conserved and every item is in one place.

Every store of every directory is read as its node would know it, journal included. `auction.conservation` sums up and
compares each store's books with its rows, `auction.ties` compares the stores with one another, given what the nodes
keep of transfers under way and of trades. All directories of a house belong in one audit: what left one store is in
another.
"""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from auction.conservation import Balance, Totals, faults
from auction.events import TransferSent, decode_events
from auction.state import StoreId
from auction.stores import KINDS, State
from auction.ties import Ties
from shardnode.agreement.facts import read
from shardnode.agreement.messages import Outcome
from shardnode.ops.one_house import OneHouse
from shardnode.storage.facts import TRANSFERS, Unsent, sender_of
from shardnode.storage.offline import OfflineDirectory
from shardnode.storage.port import StorageFault

UNCOUNTED = frozenset(("notices", "keys", "ledger", "watches", "candles"))
"""Tables that may be long, and hold neither gold nor goods, nor anything that another store says too."""
TABLES_COUNTED = frozenset(name for state_class in KINDS.values() for name in state_class.TABLES) - UNCOUNTED
"""What is read of a store that has no records beyond its file."""
MENTIONED = 100
"""How many faults, and how many files that cannot be read, a report mentions at most."""

_decode_unsent = msgspec.json.Decoder(Unsent).decode


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
    """Trades between nodes for which some store still holds something."""
    faults: list[str]
    """What is wrong, for a person."""


def audit(data_dirs: Iterable[Path]) -> Report:
    """Audit all directories of a house, stopped or crashed. StorageFault where one is in use or cannot be read, and for
    directories of different houses.
    """
    house = _House()
    for data_dir in data_dirs:
        with OfflineDirectory(data_dir) as directory:
            house.add(data_dir, directory)
    return house.report()


class _House:
    """What was read so far."""

    def __init__(self) -> None:
        self._totals = Totals()
        self._ties = Ties()
        self._found: list[str] = []
        self._unreadable: list[str] = []
        self._one_house = OneHouse()
        self._stores: set[StoreId] = set()
        self._partners: set[StoreId] = set()
        """Stores that others exchanged transfers with."""

    def add(self, data_dir: Path, directory: OfflineDirectory) -> None:
        """Read one directory. Raises StorageFault for one that is read already, or belongs to another house."""
        self._one_house.check(data_dir, directory)
        lost = directory.acknowledged - directory.position
        if lost:
            self._found.append(f"{data_dir}: the last {lost} acknowledged records are missing from its journal")
        for store in directory.stores():
            self._stores.add(store)
            try:
                self._add_store(directory.load(store, TABLES_COUNTED))
            except StorageFault as fault:
                self._unreadable.append(str(fault))
        for key, value in directory.facts.items():
            self._add_fact(key, value)

    def report(self) -> Report:
        """What it all makes together; StorageFault if anything could not be read."""
        if self._unreadable:
            raise StorageFault("\n".join(_mentioned(self._unreadable)))
        totals = self._totals
        self._ties.count_between(totals)
        found = [*self._found, *self._missing(), *self._ties.faults()]
        found += [f"item {item} is in more than one place" for item in totals.duplicates]
        gold, items = totals.gold, totals.items
        return Report(
            balanced=totals.balanced() and not found,
            gold=Gold(gold.granted, gold.burned, gold.held, gold.escrow, gold.in_flight),
            items=Items(items.granted, items.burned, items.held, items.escrow, items.in_flight, totals.duplicates),
            commodities=totals.commodities,
            stores=totals.stores,
            open_trades=self._ties.open_trades,
            faults=_mentioned(found),
        )

    def _add_store(self, state: State) -> None:
        self._totals.add(state)
        self._ties.add(state)
        self._found += faults(state)
        for mark in (*state.transfers_out, *state.transfers_in):
            self._partners.add(mark.store.partition("@")[0])

    def _add_fact(self, key: str, value: bytes) -> None:
        if key.startswith(TRANSFERS):
            for sent in decode_events(_decode_unsent(value).event):
                assert isinstance(sent, TransferSent), key
                self._ties.add_unsent(sender_of(key), sent)
        fact = read(key, value)
        if isinstance(fact, Outcome):
            self._ties.add_outcome(str(fact.trade), fact.value.commit, fact.value.payload)

    def _missing(self) -> list[str]:
        missing = sorted(self._partners - self._stores)
        if not missing:
            return []
        return [
            f"{len(missing)} stores that others exchanged gold or goods with are in none of these directories, "
            f"{missing[0]} for one: name the directories of all nodes of the house; if these are all, one was lost"
        ]


def _mentioned(found: list[str]) -> list[str]:
    more = len(found) - MENTIONED
    return found if more <= 0 else [*found[:MENTIONED], f"and {more} more"]
