"""Tables of a store's state: rows by key, which remember what changed since the last checkpoint."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import msgspec

K = TypeVar("K", str, int)
R = TypeVar("R", bound=msgspec.Struct)


class Table(Generic[K, R]):
    """Rows by key, and the keys whose rows changed since `take_changes`."""

    __slots__ = ("changed", "rows")

    def __init__(self, rows: dict[K, R] | None = None) -> None:
        self.rows: dict[K, R] = rows if rows is not None else {}
        self.changed: set[K] = set()

    def get(self, key: K) -> R | None:
        """Row of `key`, or None."""
        return self.rows.get(key)

    def put(self, key: K, row: R) -> None:
        """Insert or replace a row."""
        self.rows[key] = row
        self.changed.add(key)

    def drop(self, key: K) -> None:
        """Remove a row that is there."""
        del self.rows[key]
        self.changed.add(key)

    def take_changes(self) -> dict[K, R | None]:
        """The rows changed since the last call (None: removed), which are then no longer counted as changed."""
        rows = self.rows
        changes = {key: rows.get(key) for key in self.changed}
        self.changed.clear()
        return changes

    def sort(self, order: Callable[[R], int]) -> None:
        """Put the rows in an order; it changes none of them."""
        in_order = sorted(self.rows.items(), key=lambda entry: order(entry[1]))
        self.rows.clear()
        self.rows.update(in_order)

    def __iter__(self) -> Iterator[R]:
        """The rows, in the order of their insertion."""
        return iter(self.rows.values())

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    def __contains__(self, key: object) -> bool:
        """Whether there is a row of `key`."""
        return key in self.rows


class OneRow(Table[int, R]):
    """A table of one row, keyed by 0, which is changed where it stands."""

    __slots__ = ()

    def to_change(self) -> R:
        """The row of a store that was written to, to be changed by the caller at once."""
        self.changed.add(0)
        return self.rows[0]

    def take_changes(self) -> dict[int, R | None]:
        """As of every table, but a copy: nothing that happens later changes it."""
        changes = super().take_changes()
        return {key: row and msgspec.structs.replace(row) for key, row in changes.items()}


class LogTable(Table[int, R]):
    """Rows that are only ever added, and that no decision reads: in memory until a checkpoint has taken them.

    They are in the store's file for ever, and never loaded with it.
    """

    __slots__ = ()

    def take_changes(self) -> dict[int, R | None]:
        """The rows added since the last call, which are here no longer."""
        changes: dict[int, R | None] = dict(self.rows)
        self.rows.clear()
        self.changed.clear()
        return changes
