"""The packed rows of open listings, and for a while those that were replaced: what searches have found stays as it was.

Rows have numbers. A listing that changes gets a new row under another number, so whoever keeps the old one's number can
still read it, until nobody needs it any more.
"""

from array import array
from collections import deque

import numpy as np
from numpy.typing import NDArray

CHUNK = 16_384
"""Rows that room is made for at once; they never move."""


class Rows:
    """Belongs to the search thread. `turn` counts how often changes were taken in."""

    def __init__(self) -> None:
        self.turn = 0
        self._chunks: list[NDArray[np.object_]] = []
        self._free = array("i")
        self._retired: deque[tuple[int, array[int]]] = deque()
        """By the turn in which they were replaced: numbers of rows."""
        self._retiring = array("i")
        self.retired = 0
        """How many rows stay only because a search may have found them."""

    def add(self, packed: bytes) -> int:
        """Keep a row; its number."""
        if not self._free:
            first = len(self._chunks) * CHUNK
            self._chunks.append(np.empty(CHUNK, object))
            self._free.extend(range(first + CHUNK - 1, first - 1, -1))
        number = self._free.pop()
        self._chunks[number // CHUNK][number % CHUNK] = packed
        return number

    def get(self, number: int) -> bytes:
        """The row of a number, packed."""
        packed: bytes = self._chunks[number // CHUNK][number % CHUNK]
        return packed

    def retire(self, number: int) -> None:
        """A row is replaced in this turn: only who has found it before still needs it."""
        self._retiring.append(number)
        self.retired += 1

    def end_turn(self, oldest: int) -> None:
        """Changes were taken in; the oldest search that is kept, if any, was made at the end of turn `oldest`."""
        self.turn += 1
        self._retired.append((self.turn, self._retiring))
        self._retiring = array("i")
        while self._retired and self._retired[0][0] <= oldest:
            _, numbers = self._retired.popleft()
            for number in numbers:
                self._chunks[number // CHUNK][number % CHUNK] = None
            self._free.extend(numbers)
            self.retired -= len(numbers)
