"""A dict in parts, for a million keys.

A dict that grows copies itself, and while it does, every thread waits: 50 ms for a million keys. In parts, each growth
is a thousandth of that. Its parts are also what a long read goes through step by step while the dict changes: a key
never moves to a part that comes later. Which it is in is the same in every run (so not Python's own hash), as the
simulator needs.
"""

from collections.abc import Iterator
from typing import Generic, TypeVar
from zlib import crc32

V = TypeVar("V")

PARTS = 1_024
PARTED_FROM = 8_192
"""So many keys are in one part; one more, and they are dealt out."""


class Parted(Generic[V]):
    """Strings → values, of a kind that the garbage collector need not look at (bytes, int); then it looks at none."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: list[dict[str, V]] = [{}]

    def get(self, key: str) -> V | None:
        """The value of a key, or None."""
        return self._part_of(key).get(key)

    def __setitem__(self, key: str, value: V) -> None:
        """Give a key a value."""
        part = self._part_of(key)
        part[key] = value
        if len(part) > PARTED_FROM and len(self._parts) == 1:
            self._parts = [{} for _ in range(PARTS)]
            for known, its_value in part.items():
                self._part_of(known)[known] = its_value

    def pop(self, key: str) -> V | None:
        """Take a key out; its value, or None."""
        return self._part_of(key).pop(key, None)

    def update(self, other: "Parted[V]") -> None:
        """Take over all keys and values of another."""
        for part in other.parts():
            for key, value in part.items():
                self[key] = value

    def parts(self) -> Iterator[dict[str, V]]:
        """The parts there are now, each as it is when it is come to."""
        yield from self._parts

    def __len__(self) -> int:
        """How many keys there are."""
        return sum(map(len, self._parts))

    def _part_of(self, key: str) -> dict[str, V]:
        parts = self._parts
        return parts[0] if len(parts) == 1 else parts[crc32(key.encode()) % PARTS]
