"""All open listings of the house, in this node's memory, origin by origin: an origin is the node where they live.

The index is fed with rows that their home's journal has made durable; a row never replaces one of a higher version.
Rows are frozen, and those of this node are shared with the stores that are awake, so an entry costs a reference.
"""

from collections.abc import Collection, Iterable

from auction.state import Listing


class OpenListings:
    """The open listings of one origin.

    From `load` until `settle` rows of the past arrive beside those of the present, so an ended listing is remembered,
    lest an older row of it open it again. What was there before a load and did not come again is over at its end. A
    new one is loading already.
    """

    def __init__(self) -> None:
        self._rows: dict[str, Listing] = {}
        self._ended: set[str] = set()
        self._doubted: set[str] = set()
        """Listings from before the load that did not come again yet."""
        self.loading = True

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, listing: str) -> Listing | None:
        """The row of an open listing."""
        return self._rows.get(listing)

    def rows(self) -> Collection[Listing]:
        """All open listings; a view."""
        return self._rows.values()

    def load(self) -> None:
        """All of the past is to come, once more."""
        self.loading = True
        self._ended.clear()
        self._doubted = set(self._rows)

    def apply(self, rows: Iterable[Listing]) -> None:
        """Take in rows: newer ones replace older ones, ended ones leave."""
        for row in rows:
            self._doubted.discard(row.listing)
            known = self._rows.get(row.listing)
            if known is not None and known.version >= row.version:
                continue
            if row.state != "open":
                self._rows.pop(row.listing, None)
                if self.loading:
                    self._ended.add(row.listing)
            elif row.listing not in self._ended:
                self._rows[row.listing] = row

    def settle(self) -> None:
        """All of the past is loaded; only the present arrives from here on."""
        for listing in self._doubted:
            self._rows.pop(listing, None)
        self._doubted.clear()
        self._ended.clear()
        self.loading = False


class ListingIndex:
    """The open listings of all origins."""

    def __init__(self) -> None:
        self._origins: dict[str, OpenListings] = {}

    def __len__(self) -> int:
        return sum(map(len, self._origins.values()))

    def of(self, origin: str) -> OpenListings:
        """Those of one origin."""
        listings = self._origins.get(origin)
        if listings is None:
            listings = self._origins[origin] = OpenListings()
        return listings

    def get(self, listing: str) -> Listing | None:
        """The row of an open listing, wherever it lives."""
        for origin in self._origins.values():
            row = origin.get(listing)
            if row is not None:
                return row
        return None

    def rows(self) -> list[Listing]:
        """All open listings at this instant."""
        return [row for origin in self._origins.values() for row in origin.rows()]
