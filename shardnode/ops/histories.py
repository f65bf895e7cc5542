"""The histories of a house, read from its data directories while no node uses them."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from auction import ids
from auction.ids import player_store
from auction.market.state import Book
from auction.player_state import PlayerState
from auction.state import Account, AuditEntry, Passage, StoreId
from auction.stores import State
from shardnode.ops.one_house import OneHouse
from shardnode.storage.offline import OfflineDirectory

HISTORIES_KEPT = 1_000
"""How many players' histories are in memory at once."""
STATES_KEPT = 100
"""The same of their stores."""


class History:
    """All that came to a player and went, the oldest row first."""

    def __init__(self, player: str, rows: Sequence[Passage]) -> None:
        self.player = player
        self.rows = rows
        self._items: dict[str, list[int]] = {}
        """Item → the places of the rows in which it came or went."""
        self._arrivals: dict[str | None, int] = {}
        for place, row in enumerate(rows):
            for item in dict.fromkeys((*row.items_in, *row.items_out)):
                self._items.setdefault(item, []).append(place)
            if row.what in ("bought", "won", "traded"):
                self._arrivals[row.ref] = place

    def find(self, item: str, begin: int = 0) -> int | None:
        """The place of the first row, from `begin` on, in which an item came or went."""
        places = self._items.get(item, ())
        first = bisect_left(places, begin)
        return places[first] if first < len(places) else None

    def arrival(self, ref: str | None) -> int | None:
        """The place of the row that tells this player's side of a purchase or an offer; each has one at most."""
        return self._arrivals.get(ref)


class Histories:
    """A context: within it all directories of a house are locked and read. StorageFault for what cannot be read."""

    def __init__(self, data_dirs: Sequence[Path]) -> None:
        self._data_dirs = data_dirs
        self._directories: list[OfflineDirectory] = []
        self._homes: dict[StoreId, OfflineDirectory] = {}
        self._read: dict[StoreId, History | None] = {}
        self._states: dict[str, PlayerState] = {}
        self._resources = ExitStack()

    def __enter__(self) -> Self:
        """Open all directories."""
        one_house = OneHouse()
        with ExitStack() as resources:
            for data_dir in self._data_dirs:
                directory = resources.enter_context(OfflineDirectory(data_dir))
                one_house.check(data_dir, directory)
                self._directories.append(directory)
                self._homes.update(dict.fromkeys(directory.stores(), directory))
            self._resources = resources.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Let others in."""
        self._resources.close()

    def of_player(self, player: str) -> History | None:
        """A player's history; None of one who has no store in these directories."""
        return self.of_store(player_store(self._directories[0].naming_key, player))

    def of_store(self, store: StoreId) -> History | None:
        """The history of the player whose store this is."""
        if store not in self._read:
            if len(self._read) >= HISTORIES_KEPT:
                self._read.clear()
            self._read[store] = self._history(store)
        return self._read[store]

    def first(self, item: str) -> tuple[History, int] | None:
        """Where an item's history begins, and the place of the row: with its grant, or, of an item that is older than
        histories, with what is known first.
        """
        named = ids.parse(item, "i")
        if named is None:
            return None
        minter = self.of_store(named[0])
        place = None if minter is None else minter.find(item)
        if minter is not None and place is not None and minter.rows[place].what == "granted":
            return minter, place
        found: list[tuple[History, int]] = []
        for store in self.stores():
            history = self.of_store(store)
            place = None if history is None else history.find(item)
            if history is not None and place is not None:
                found.append((history, place))
        return min(found, key=lambda one: one[0].rows[one[1]].at_ms, default=None)

    def state_of(self, player: str) -> PlayerState:
        """A player's store as its node would know it."""
        known = self._states.get(player)
        if known is not None:
            return known
        store = player_store(self._directories[0].naming_key, player)
        state = self._homes[store].load(store)
        assert isinstance(state, PlayerState), player
        if len(self._states) >= STATES_KEPT:
            self._states.clear()
        self._states[player] = state
        return state

    def stores(self) -> list[StoreId]:
        """All stores of the house."""
        return sorted(self._homes)

    def audited(self, store: StoreId) -> Iterator[tuple[str, AuditEntry]]:
        """A store's part of the audit log, the oldest entry first: each with whose store it is."""
        directory = self._homes[store]
        name: str | None = None
        for row in directory.log(store, "audit"):
            assert isinstance(row, AuditEntry), row
            name = name or _name(directory.load(store, ("account", "book", "house")))
            yield name, row

    def _history(self, store: StoreId) -> History | None:
        directory = self._homes.get(store)
        if directory is None:
            return None
        state = directory.load(store, ("account",))
        account = state.head()
        if not isinstance(state, PlayerState) or account is None:
            return None
        rows = [row for row in directory.log(store, "history") if isinstance(row, Passage)]
        return History(state.owner().player, rows)


def _name(state: State) -> str:
    """Whose store this is."""
    head = state.head()
    assert head is not None, state.kind
    if isinstance(head, Account):
        return head.player
    return f"market {head.commodity}" if isinstance(head, Book) else head.house
