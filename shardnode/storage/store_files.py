"""The stores' files: each is opened on its first use by this node, kept open while it is among the latest used, and
has one connection, ever.
"""

from collections import OrderedDict
from collections.abc import Callable

from sqlalchemy import Connection

from auction.state import StoreId
from auction.stores import State
from shardnode.storage import store_tables
from shardnode.storage.data_directory import DataDirectory
from shardnode.storage.databases import Databases, Nursery
from shardnode.storage.faults import DISK_ERRORS, RESTORE_STORE, fault
from shardnode.storage.port import Snapshot, StorageFault
from shardnode.storage.store_tables import StoreRow
from shardnode.storage.upgrades import STORE_FILE

OPEN_FILES = 128
"""How many stores' files are kept open (two descriptors and up to CACHE_KIB each)."""
CACHE_KIB = 512
"""Page cache of one open file."""
WAL_LIMIT_BYTES = 1 << 20
"""What a WAL file is cut back to after a checkpoint."""


class SqliteStoreFiles:
    """Implements `port.StoreFiles`.

    `start` names this start of the node; `journal_end(start)` is where the journal ended when that start was over, None
    for a start that it knows nothing of. A file written in that start cannot be ahead of it.
    """

    def __init__(
        self,
        directory: DataDirectory,
        start: str,
        journal_end: Callable[[str], int | None],
        *,
        open_files: int = OPEN_FILES,
    ) -> None:
        self._directory = directory
        self._start = start
        self._journal_end = journal_end
        self._open_files = open_files
        self._databases = Databases(cache_kib=CACHE_KIB, wal_limit_bytes=WAL_LIMIT_BYTES)
        self._open: OrderedDict[StoreId, Connection] = OrderedDict()
        self._nurseries = {
            kind: Nursery(self._databases, layout.metadata, store_tables.PAGE_BYTES)
            for kind, layout in store_tables.LAYOUTS.items()
        }

    def exists(self, store: StoreId) -> bool:
        """Whether a file is there."""
        return self._directory.store_file(store).exists()

    def load(self, store: StoreId) -> tuple[State, int] | None:
        """The store's state, of logs nothing, and the position it is true at; None without a file. Or StorageFault."""
        path = self._directory.store_file(store)
        if not path.exists():
            return None
        try:
            return self._read(store)
        except StorageFault:
            self._drop(store)
            raise
        except DISK_ERRORS as error:
            self._drop(store)
            raise fault(path, error, RESTORE_STORE) from error

    def save(self, snapshots: list[Snapshot]) -> None:
        """Write changed rows, a transaction and an fsync a store. Raises StorageFault."""
        for snapshot in snapshots:
            try:
                if self.exists(snapshot.store):
                    connection = self._connection(snapshot.store)
                    with connection.begin():
                        store_tables.write(connection, snapshot, self._start)
                else:
                    self._create(snapshot)
            except DISK_ERRORS as error:
                self._drop(snapshot.store)
                raise fault(self._directory.store_file(snapshot.store), error, RESTORE_STORE) from error

    def close(self) -> None:
        """Close every file; none has a -wal beside it then."""
        while self._open:
            self._open.popitem()[1].close()
        for nursery in self._nurseries.values():
            nursery.close()

    def _connection(self, store: StoreId) -> Connection:
        connection = self._open.get(store)
        if connection is not None:
            self._open.move_to_end(store)
            return connection
        if len(self._open) >= self._open_files:
            self._open.popitem(last=False)[1].close()
        connection = self._databases.connect(self._directory.store_file(store))
        self._open[store] = connection
        return connection

    def _read(self, store: StoreId) -> tuple[State, int]:
        connection = self._connection(store)
        with connection.begin():
            row = store_tables.identify(connection, store)
            self._check_position(row)
            if STORE_FILE.is_older(row.version):
                STORE_FILE.bring_forward(connection, row.version)
            return store_tables.read(connection, row.kind), row.position

    def _check_position(self, row: StoreRow) -> None:
        end = self._journal_end(row.start)
        if end is None or row.position > end:
            raise StorageFault(
                f"{self._directory.store_file(row.store)}: knows record {row.position}, which the journal in "
                "node.sqlite does not have: that and this file are not of one time; restore both from the same backup"
            )

    def _drop(self, store: StoreId) -> None:
        """Close a file that failed, so that whoever restores it finds it closed."""
        connection = self._open.pop(store, None)
        if connection is not None:
            connection.close()

    def _create(self, snapshot: Snapshot) -> None:
        nursery = self._nurseries[snapshot.kind]
        content = nursery.make(lambda connection: store_tables.enter(connection, snapshot, self._start))
        self._directory.install(content, self._directory.store_file(snapshot.store))
