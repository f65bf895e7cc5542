"""Which batches of the journal hold records of which store, and from where on the journal is still needed.

Kept in memory and rebuilt at a start from what each batch says that it touches: an index by store in the database would
dirty a random page for each store of each batch (measured: three times the time of an append).
"""

import heapq
from bisect import bisect_left

from auction.state import StoreId

_STALE_MAX = 64
"""How many first positions that are no longer needed are kept at least, behind one that is."""


class Touches:
    """Batches are named by their last position."""

    def __init__(self) -> None:
        self._batches: list[int] = []
        """All batches, in order."""
        self._positions: dict[StoreId, list[int]] = {}
        """Store → its last position in each batch, of those that its file may lack."""
        self._first: list[tuple[int, StoreId]] = []
        """Heap of the first position of each store; may hold some that are no longer needed."""

    def add(self, batch: int, touched: dict[StoreId, int]) -> None:
        """A batch was appended; `touched` is each store's last position in it."""
        self._batches.append(batch)
        positions = self._positions
        for store, position in touched.items():
            known = positions.get(store)
            if known is not None:
                known.append(position)
            else:
                positions[store] = [position]
                heapq.heappush(self._first, (position, store))

    def batches(self, store: StoreId, after: int) -> list[int]:
        """The batches with records of a store past a position, in order."""
        positions = self._positions.get(store, ())
        return [self._batches[bisect_left(self._batches, position)] for position in positions if position > after]

    def forget(self, saved: dict[StoreId, int]) -> None:
        """The files of these stores are durable at these positions."""
        for store, durable in saved.items():
            positions = self._positions.get(store)
            if positions is None or positions[0] > durable:
                continue
            kept = positions[bisect_left(positions, durable + 1) :]
            if kept:
                self._positions[store] = kept
                heapq.heappush(self._first, (kept[0], store))
            else:
                del self._positions[store]

    def cut(self, up_to: int) -> int | None:
        """Drop the batches that end at or before a position and hold nothing that a store's file may lack; the last of
        them, None for none.
        """
        needed = self._needed_from()
        end = up_to if needed is None else min(up_to, needed - 1)
        count = bisect_left(self._batches, end + 1)
        if count == 0:
            return None
        last = self._batches[count - 1]
        del self._batches[:count]
        return last

    def stores(self, limit: int) -> list[StoreId]:
        """Stores whose files may lack something, those longest so first."""
        first = heapq.nsmallest(limit, ((positions[0], store) for store, positions in self._positions.items()))
        return [store for _, store in first]

    def _needed_from(self) -> int | None:
        if len(self._first) > 2 * len(self._positions) + _STALE_MAX:
            self._first = [(positions[0], store) for store, positions in self._positions.items()]
            heapq.heapify(self._first)
        while self._first:
            position, store = self._first[0]
            if self._positions.get(store, (None,))[0] == position:
                return position
            heapq.heappop(self._first)
        return None
