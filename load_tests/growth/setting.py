"""What every axis is given."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec


class Setting(msgspec.Struct, frozen=True):
    """Where and how long an axis is measured."""

    parent: Path
    """Where the nodes' data is kept meanwhile."""
    point_s: float
    """Measured time of one size, warm-up aside."""
    tell: Callable[[str], None]
    """Shows what is going on."""

    @contextmanager
    def directory(self) -> Iterator[Path]:
        """A new directory, which goes with all that is in it."""
        with tempfile.TemporaryDirectory(dir=self.parent) as name:
            yield Path(name)
