"""Storages to test, each with a crash: on disk by copying what the disk then holds, in memory by forgetting."""

import itertools
import random
import shutil
from collections.abc import Callable
from pathlib import Path

from shardnode.storage.memory import MemoryStorage
from shardnode.storage.port import Recovered
from shardnode.storage.sqlite_storage import SqliteStorage

NAMING_KEY = bytes(range(32))


class OnDisk:
    """A SqliteStorage in a directory of its own."""

    def __init__(self, base: Path) -> None:
        self._directories = (base / f"data-{number}" for number in itertools.count())
        self._dice = random.Random(1)
        self.data = next(self._directories)
        self.storage = self._storage()

    def open(self) -> Recovered:
        """Open what is there."""
        return self.storage.open()

    def restart(self) -> Recovered:
        """Close in order, open again."""
        self.storage.close()
        self.storage = self._storage()
        return self.storage.open()

    def crash(self) -> Recovered:
        """Go on with a copy of what the disk holds now, as after kill -9."""
        left = self.data
        self.data = next(self._directories)
        shutil.copytree(left, self.data)
        self.storage.close()
        shutil.rmtree(left)
        self.storage = self._storage()
        return self.storage.open()

    def close(self) -> None:
        """Close and leave nothing."""
        self.storage.close()
        shutil.rmtree(self.data)

    def _storage(self) -> SqliteStorage:
        return SqliteStorage(self.data, random_bytes=self._random_bytes, open_files=2)

    def _random_bytes(self, count: int) -> bytes:
        return NAMING_KEY if count == len(NAMING_KEY) else self._dice.randbytes(count)


class InMemory:
    """A MemoryStorage."""

    def __init__(self, _: Path) -> None:
        self.storage = MemoryStorage(naming_key=NAMING_KEY)

    def open(self) -> Recovered:
        """Open what is there."""
        return self.storage.open()

    def restart(self) -> Recovered:
        """Close in order, open again."""
        self.storage.close()
        return self.storage.open()

    def crash(self) -> Recovered:
        """End without closing, open again."""
        self.storage.crash(lose_unsynced=True)
        return self.storage.open()

    def close(self) -> None:
        """Close."""
        self.storage.close()


House = OnDisk | InMemory
HOUSES: dict[str, Callable[[Path], House]] = {"disk": OnDisk, "memory": InMemory}
