"""`journal.end`: a note, outside the database, of the last position that was durable.

It is written after each commit and not synced, so it costs no time and is never ahead of what the disk holds: after the
crash of the process it is exact, after the crash of the machine it may be older. A journal that ends before it has lost
acknowledged records. SQLite alone would not notice: it takes a damaged or missing WAL file for one that ended earlier.
"""

import mmap
from pathlib import Path

_DIGITS = 20


class JournalEnd:
    """20 decimal digits in a file, mapped into memory: neither a system call nor a copy a batch."""

    def __init__(self, path: Path, position: int) -> None:
        """Open the file; where there is none, note `position`. Raises OSError."""
        if not path.exists():
            path.write_bytes(_form(position))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _DIGITS)

    def get(self) -> int:
        """The position noted; raises ValueError for anything but digits."""
        return int(self._map[:])

    def put(self, position: int) -> None:
        """Note a position that is durable."""
        self._map[:] = _form(position)

    def close(self) -> None:
        """Close the file."""
        self._map.close()


def read(path: Path) -> int:
    """What a file says. Raises OSError, and ValueError for anything but digits."""
    return int(path.read_bytes())


def _form(position: int) -> bytes:
    return b"%020d" % position
