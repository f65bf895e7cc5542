"""Which listings are open in the whole house, in this node's memory, origin by origin: an origin is where they live.

The index is fed with rows that their home's journal has made durable; a row never replaces one of a higher version. It
belongs to the reactor's thread, knows listings by id alone, and collects what changed for the thread that searches:

    rows ─► OpenListings.apply ─► take_changes ══► Columns.take_in, find
            reactor's thread                       search thread
"""

from collections.abc import Callable, Iterable, Iterator

import msgspec

from auction.amounts import MAX_AMOUNT
from auction.sales import sale_of
from auction.state import Listing
from shardnode.search.columns import Change
from shardnode.search.packed import pack, unpack, version_of
from shardnode.search.parted import Parted
from shardnode.search.sales import SaleLimits, Sales, SoldOfBase

ListingNews = tuple[Listing, bytes | None]
"""A row that is news, and the packed one that it replaced: None where the listing was not open before."""


class IndexLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of the index."""

    pending_rows_max: int = 20_000
    """Changed rows that wait for the search thread. From half of it on snapshots wait too; beyond it there is no room:
    what other nodes tell is passed over, and asked for again, like what got lost. This node's own changes are always
    taken."""
    sales: SaleLimits = SaleLimits()


class OpenListings:
    """The open listings of one origin, and what it sold lately.

    From `load` until `settle` rows of the past arrive beside those of the present, so an ended listing is remembered,
    lest an older row of it open it again. What was there before a load and did not come again is over at its end. A
    new one is loading already.
    """

    def __init__(self, index: "ListingIndex") -> None:
        self._index = index
        self._rows: Parted[bytes] = Parted()
        self._doubted: Parted[bytes] = Parted()
        """Listings from before the load that did not come again yet."""
        self._ended: set[str] = set()
        self.sales = Sales(index.limits.sales)
        self.loading = True

    def __len__(self) -> int:
        return len(self._rows) + len(self._doubted)

    def get(self, listing: str) -> Listing | None:
        """The row of an open listing."""
        packed = self._rows.get(listing) or self._doubted.get(listing)
        return None if packed is None else unpack(packed)

    def rows(self) -> Iterator[Listing]:
        """All open listings, in no order: each that is open from the first to the last, as it is when it is come to."""
        for rows in (self._rows, self._doubted):
            for part in rows.parts():
                yield from map(unpack, list(part.values()))

    def load(self) -> None:
        """All of the past is to come, once more."""
        self.loading = True
        self._ended.clear()
        if self._doubted:
            self._doubted.update(self._rows)  # the load before was broken off
        else:
            self._doubted = self._rows
        self._rows = Parted()

    def apply(self, rows: Iterable[Listing], *, past: bool = False) -> None:
        """Take in rows: newer ones replace older ones, ended ones leave.

        What was so before is no news to anybody: of the `past` only that which replaces something that was known, or
        came up for sale since this node listens.
        """
        news = [change for row in rows if (change := self._take(row, past=past)) is not None]
        if news:
            self._index.on_changed(news)

    def settle(self) -> None:
        """All of the past is loaded; only the present arrives from here on."""
        for part in self._doubted.parts():
            for listing in part:
                self._index.note(listing, None)
        self._doubted = Parted()
        self._ended.clear()
        self.loading = False

    def _take(self, row: Listing, *, past: bool) -> ListingNews | None:
        """Take in one row; what is new about it, None where nothing is.

        Of a listing that has changed while its past is still to come nobody can say what it was before: it counts as
        having been as it is.
        """
        known = self._believe(row.listing)
        if (known is not None and version_of(known) >= row.version) or row.listing in self._ended:
            return None
        if row.state != "open":
            self._end(row)
            return (row, known) if known is not None or (self.loading and not past) else None
        packed = pack(row)
        self._rows[row.listing] = packed
        self._index.note(row.listing, (row, packed))
        if known is None and row.created_at_ms < self._index.since_ms:
            if past:
                return None
            if self.loading and row.version > 1:
                return row, packed
        return row, known

    def _believe(self, listing: str) -> bytes | None:
        """What is known of a listing that came again."""
        doubted = self._doubted.pop(listing) if self.loading else None
        if doubted is not None:
            self._rows[listing] = doubted
        return self._rows.get(listing)

    def _end(self, row: Listing) -> None:
        if self._rows.pop(row.listing) is not None:
            self._index.note(row.listing, None)
        if self.loading:
            self._ended.add(row.listing)
        sale = sale_of(row)
        if sale is not None:
            self.sales.add(sale)


class ListingIndex:
    """The open listings of all origins. `since_ms` is when this node began to listen to them."""

    def __init__(self, limits: IndexLimits | None = None, *, since_ms: int = MAX_AMOUNT) -> None:
        self.limits = limits or IndexLimits()
        self.since_ms = since_ms
        self._origins: dict[str, OpenListings] = {}
        self._pending: dict[str, Change] = {}
        self._being_taken_in = 0
        self.on_changed: Callable[[list[ListingNews]], None] = lambda _news: None
        """Told what is news."""
        self.on_pending: Callable[[], None] = lambda: None
        """Told when there is something to be taken in, where there was nothing."""

    def __len__(self) -> int:
        return sum(map(len, self._origins.values()))

    def of(self, origin: str) -> OpenListings:
        """Those of one origin."""
        listings = self._origins.get(origin)
        if listings is None:
            listings = self._origins[origin] = OpenListings(self)
        return listings

    def get(self, listing: str) -> Listing | None:
        """The row of an open listing, wherever it lives."""
        for origin in self._origins.values():
            row = origin.get(listing)
            if row is not None:
                return row
        return None

    def rows(self) -> Iterator[Listing]:
        """All open listings; see `OpenListings.rows`."""
        for origin in self._origins.values():
            yield from origin.rows()

    def sold(self, base: str) -> list[SoldOfBase]:
        """What every origin sold of a base lately."""
        sold = [origin.sales.of(base) for origin in self._origins.values()]
        return [of_origin for of_origin in sold if of_origin is not None]

    def note(self, listing: str, change: Change) -> None:
        """Something changed that the search thread has to take in; the latest change of a listing stands for all."""
        if not self._pending:
            self.on_pending()
        self._pending[listing] = change

    def pending(self) -> int:
        """How many changed listings are not taken in yet."""
        return len(self._pending) + self._being_taken_in

    def is_behind(self) -> bool:
        """Whether so much waits for the search thread that what can wait should."""
        return 2 * self.pending() >= self.limits.pending_rows_max

    def has_room(self) -> bool:
        """Whether anything more of other nodes may wait for the search thread."""
        return self.pending() < self.limits.pending_rows_max

    def take_changes(self) -> dict[str, Change]:
        """What changed since the last time, for the search thread; `taken_in` follows."""
        changes, self._pending = self._pending, {}
        self._being_taken_in += len(changes)
        return changes

    def taken_in(self, count: int) -> None:
        """The search thread has taken in so many of the changes that it was given."""
        self._being_taken_in -= count
