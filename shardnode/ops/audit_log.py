"""The audit log of a whole house, out of all its stores."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from shardnode.ops.histories import Histories


class Logged(msgspec.Struct, frozen=True):
    """One entry, and whose store it stands in."""

    at_ms: int
    store: str
    """A player's name, "market <commodity>", or "house"."""
    number: int
    who: str
    role: str
    action: str
    ref: str | None
    worth: int
    detail: str


def audit_log(data_dirs: Sequence[Path], *, since_ms: int = 0, name: str | None = None) -> list[Logged]:
    """All entries from an instant on, the oldest first; of those that a name did or that stand in that name's store,
    where one is given. StorageFault for what cannot be read.
    """
    found: list[Logged] = []
    with Histories(data_dirs) as histories:
        for store in histories.stores():
            for owner, row in histories.audited(store):
                if row.at_ms >= since_ms and name in (None, owner, row.who):
                    entry = Logged(
                        row.at_ms, owner, row.number, row.who, row.role, row.action, row.ref, row.worth, row.detail
                    )
                    found.append(entry)
    found.sort(key=lambda entry: (entry.at_ms, entry.store, entry.number))
    return found
