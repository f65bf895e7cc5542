"""A dict in parts, for a million keys.

A dict that grows copies itself, and while it does, every thread waits: 50 ms for a million keys. In parts, each growth
is a thousandth of that. Its parts are also what a long read goes through step by step while the dict changes: a key
never moves to another part. Which it is in is the same in every run (so not Python's own hash), as the simulator needs.
"""

from collections.abc import Iterator
from typing import Generic, TypeVar
from zlib import crc32

V = TypeVar("V")

PARTS = 1024


class Parted(Generic[V]):
    """Strings → values, of a kind that the garbage collector need not look at (bytes, int); then it looks at none."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: list[dict[str, V]] = [{} for _ in range(PARTS)]

    def get(self, key: str) -> V | None:
        """The value of a key, or None."""
        return self._parts[crc32(key.encode()) % PARTS].get(key)

    def __setitem__(self, key: str, value: V) -> None:
        """Give a key a value."""
        self._parts[crc32(key.encode()) % PARTS][key] = value

    def pop(self, key: str) -> V | None:
        """Take a key out; its value, or None."""
        return self._parts[crc32(key.encode()) % PARTS].pop(key, None)

    def update(self, other: "Parted[V]") -> None:
        """Take over all keys and values of another."""
        for part, others in zip(self._parts, other._parts, strict=True):
            part.update(others)

    def parts(self) -> Iterator[dict[str, V]]:
        """The parts, each as it is when it is come to."""
        yield from self._parts

    def __len__(self) -> int:
        """How many keys there are."""
        return sum(map(len, self._parts))
