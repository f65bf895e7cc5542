"""Storages to test, each with a crash: on disk by copying what the disk then holds, in memory by forgetting."""

import itertools
import random
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec

from auction.state import StoreId
from auction.stores import Kind
from shardnode.storage.databases import Databases
from shardnode.storage.memory import MemoryStorage
from shardnode.storage.port import Recovered
from shardnode.storage.sqlite_storage import SqliteStorage
from shardnode.storage.store_tables import read_log
from tests.storage.shell import store_file

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

    def log(self, store: StoreId, kind: Kind, table: str) -> list[msgspec.Struct]:
        """The rows of a log in a store's file, in their order; it takes a restart."""
        self.storage.close()
        databases = Databases(cache_kib=64, wal_limit_bytes=0)
        with closing(databases.read(store_file(self.data, store))) as connection:
            rows = list(read_log(connection, kind, table))
        self.storage = self._storage()
        self.storage.open()
        return rows

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

    def log(self, store: StoreId, _: Kind, table: str) -> list[msgspec.Struct]:
        """The rows of a log in a store's file, in their order; it takes a restart, as on disk."""
        self.restart()
        return self.storage.log(store, table)

    def close(self) -> None:
        """Close."""
        self.storage.close()


House = OnDisk | InMemory
HOUSES: dict[str, Callable[[Path], House]] = {"disk": OnDisk, "memory": InMemory}
