"""The state of the house's own store: what an operator has frozen. There is one in a house, at home like any store.

house          1 row: counters
freezes        what is frozen now
keys           the operators' idempotency keys
transfers_out, transfers_in   none, ever: every kind of store has them
audit          what operators did, kept for ever, and not in memory
"""

from typing import ClassVar, Literal

import msgspec

from auction.state import IDS_A_LIFE, AuditEntry, Key, StoreId, TransferMark
from auction.tables import LogTable, OneRow, Table

FREEZES_MAX = 1_000
"""How many freezes stand at once at most."""

FrozenThing = Literal["house", "category", "commodity", "player"]


class House(msgspec.Struct, gc=False):
    """The store's single row."""

    house: str
    """Always "house", the store's name."""
    store: StoreId
    life: int = 1
    version: int = 0
    """Grows by one with every change of the freezes: nodes keep the newest."""
    audited: int = 0

    @classmethod
    def opened(cls, store: StoreId, life: int) -> "House":
        """The row of a store that just begins its life, with a version above those of all earlier lives."""
        return cls("house", store, life, (life - 1) * IDS_A_LIFE)


class Freeze(msgspec.Struct, frozen=True, gc=False):
    """Something that is not traded now."""

    freeze: str
    """What, in one word: `auction.freezes.name_of`."""
    what: FrozenThing
    id: str | None
    claims: bool
    """Whether what waits may still be claimed, and what was begun be taken back."""
    by: str
    at_ms: int


class HouseState:
    """All tables of the house's own store. No key is ever open: nothing here waits for another store."""

    kind: ClassVar[Literal["house"]] = "house"
    TABLES: ClassVar[dict[str, type[msgspec.Struct]]] = {
        "house": House,
        "freezes": Freeze,
        "keys": Key,
        "transfers_out": TransferMark,
        "transfers_in": TransferMark,
        "audit": AuditEntry,
    }
    LOGS: ClassVar[frozenset[str]] = frozenset(("audit",))

    __slots__ = (
        "audit",
        "freezes",
        "house",
        "keys",
        "locked",
        "open_keys",
        "transfers_in",
        "transfers_out",
        "untold_keys",
    )

    def __init__(self) -> None:
        self.house: OneRow[House] = OneRow()
        self.freezes: Table[str, Freeze] = Table()
        self.keys: Table[str, Key] = Table()
        """Oldest first."""
        self.transfers_out: Table[str, TransferMark] = Table()
        self.transfers_in: Table[str, TransferMark] = Table()
        self.audit: LogTable[AuditEntry] = LogTable()
        self.locked: dict[str, str] = {}
        self.open_keys: dict[str, str] = {}
        self.untold_keys: set[str] = set()

    def recount(self) -> None:
        """Put the rows in order and derive the rest anew, after a store was loaded."""
        self.keys.sort(lambda row: row.at_ms)
        self.untold_keys = {row.key for row in self.keys if row.untold}

    def head(self) -> House | None:
        """The one row; None for a store that was never written to."""
        return self.house.get(0)

    def head_to_change(self) -> House:
        """The one row of a store that was written to, to be changed at once."""
        return self.house.to_change()

    def wake_at_ms(self) -> int | None:
        """Nothing here is ever due."""
        return None
