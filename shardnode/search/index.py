"""All open listings of the house, in this node's memory.

The index is fed with rows that the journal has made durable; a row never replaces one of a higher version. Its rows
are frozen and shared with the stores that are awake, so an entry costs a reference.
"""

from collections.abc import Iterable

from auction.state import Listing


class ListingIndex:
    """Open listings by id.

    Until `settle` is called the index is being loaded: rows of the past arrive beside those of the present, so an
    ended listing is remembered, lest an older row of it open it again.
    """

    def __init__(self) -> None:
        self._rows: dict[str, Listing] = {}
        self._ended: set[str] = set()
        self._loading = True

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, listing: str) -> Listing | None:
        """The row of an open listing."""
        return self._rows.get(listing)

    def apply(self, rows: Iterable[Listing]) -> None:
        """Take in rows: newer ones replace older ones, ended ones leave."""
        for row in rows:
            known = self._rows.get(row.listing)
            if known is not None and known.version >= row.version:
                continue
            if row.state != "open":
                self._rows.pop(row.listing, None)
                if self._loading:
                    self._ended.add(row.listing)
            elif row.listing not in self._ended:
                self._rows[row.listing] = row

    def settle(self) -> None:
        """All of the past is loaded; only the present arrives from here on."""
        self._loading = False
        self._ended.clear()

    def rows(self) -> list[Listing]:
        """All open listings at this instant."""
        return list(self._rows.values())
