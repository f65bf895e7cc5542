"""A data directory on disk, as the node uses it: the lock, node.sqlite, the stores' files."""

import os
from collections.abc import Callable
from pathlib import Path

from auction.ids import NAMING_KEY_BYTES
from shardnode.storage import node_tables
from shardnode.storage.data_directory import DataDirectory
from shardnode.storage.databases import Databases, Nursery
from shardnode.storage.faults import DISK_ERRORS, RESTORE_NODE, fault
from shardnode.storage.journal import SqliteJournal
from shardnode.storage.port import Recovered, StorageFault
from shardnode.storage.store_files import OPEN_FILES, SqliteStoreFiles

IDENTITY_BYTES = 16
START_BYTES = 8
NEW_DATABASE_CACHE_KIB = 1_024


class SqliteStorage:
    """Implements `port.Storage`.

    `random_bytes` makes the identity of a new directory, and its naming key where none is given: all nodes of a cluster
    are given the same.
    """

    journal: SqliteJournal
    stores: SqliteStoreFiles

    def __init__(
        self,
        data_dir: Path,
        naming_key: bytes | None = None,
        *,
        random_bytes: Callable[[int], bytes] = os.urandom,
        open_files: int = OPEN_FILES,
    ) -> None:
        self._directory = DataDirectory(data_dir)
        self._naming_key = naming_key
        self._random_bytes = random_bytes
        self._open_files = open_files

    def open(self) -> Recovered:
        """Lock the directory, create or read what is there; StorageFault where it is in use or damaged."""
        self._directory.open()
        try:
            if not self._directory.node_database.exists():
                self._create()
            self.journal = SqliteJournal(self._directory)
            start = self._random_bytes(START_BYTES).hex()
            recovered = self.journal.open(start)
            self._check_naming_key(recovered.naming_key)
            self.stores = SqliteStoreFiles(self._directory, start, self.journal.end_of, open_files=self._open_files)
        except BaseException:
            self.close()
            raise
        return recovered

    def close(self) -> None:
        """Close all and release the lock."""
        try:
            if hasattr(self, "stores"):
                self.stores.close()
            if hasattr(self, "journal"):
                self.journal.close()
        finally:
            self._directory.close()

    def _check_naming_key(self, naming_key: bytes) -> None:
        if self._naming_key not in (None, naming_key):
            raise StorageFault(
                f"{self._directory.node_database}: its stores are named under another key than this cluster's: it is a "
                "data directory of another house; start the node with its own directory or cluster file, or with a new "
                "directory"
            )

    def _create(self) -> None:
        path = self._directory.node_database
        if self._directory.journal_end.exists() or any(self._directory.stores.iterdir()):
            raise StorageFault(f"{path}: is missing, though this directory was in use: {RESTORE_NODE}")
        try:
            databases = Databases(cache_kib=NEW_DATABASE_CACHE_KIB, wal_limit_bytes=0)
            nursery = Nursery(databases, node_tables.METADATA, node_tables.PAGE_BYTES)
            identity = self._random_bytes(IDENTITY_BYTES).hex()
            naming_key = self._naming_key or self._random_bytes(NAMING_KEY_BYTES)
            content = nursery.make(lambda connection: node_tables.enter(connection, identity, naming_key))
            nursery.close()
            self._directory.install(content, path)
        except DISK_ERRORS as error:
            raise fault(path, error, RESTORE_NODE) from error
