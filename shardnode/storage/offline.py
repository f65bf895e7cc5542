"""Reading a data directory that no node uses: stopped, or left behind by a crash, without changing a byte of it.

A file that was closed in order is read in place, by a connection that may not write. A file with a WAL beside it is
read, with its WAL, from a copy, since SQLite mends what it opens; one of an older version from a copy that is brought
forward. The directory's lock is held meanwhile.
"""

import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Self

import msgspec
from sqlalchemy import Connection, select

from auction.house_state import HouseState
from auction.ids import house_store, market_store, player_store
from auction.market.state import MarketState
from auction.player_state import PlayerState
from auction.state import StoreId
from auction.stores import KINDS, Kind, State
from shardnode.storage import batches, journal_end, store_tables
from shardnode.storage.batches import Chain
from shardnode.storage.data_directory import DataDirectory
from shardnode.storage.databases import Databases
from shardnode.storage.faults import DISK_ERRORS, RESTORE_NODE, RESTORE_STORE, fault
from shardnode.storage.node_tables import BATCHES, FACTS, NODE
from shardnode.storage.port import StorageFault
from shardnode.storage.replay import replay
from shardnode.storage.upgrades import NODE_FILE, STORE_FILE, Versions

CACHE_KIB = 1_024

_IDENTIFY = select(NODE)
_FACTS = select(FACTS).order_by(FACTS.c.key)
_JOURNAL = select(BATCHES).where(BATCHES.c.last_position > select(NODE.c.cut_position).scalar_subquery())
_IN_ORDER = _JOURNAL.order_by(BATCHES.c.last_position)


class OfflineDirectory:
    """A context: within it the directory is locked and its journal read. StorageFault for what cannot be read."""

    def __init__(self, data_dir: Path) -> None:
        self._directory = DataDirectory(data_dir)
        self._databases = Databases(cache_kib=CACHE_KIB, wal_limit_bytes=0)
        self._tail: dict[StoreId, list[tuple[int, bytes]]] = {}
        """Store → its parts of the journal's records, by position."""
        self._resources = ExitStack()
        self.identity = ""
        self.naming_key = b""
        self.facts: dict[str, bytes] = {}
        """What the node knows besides its stores' states: key → JSON."""
        self.position = 0
        """Of the journal's last record."""
        self.acknowledged = 0
        """Position up to which records are known to be acknowledged; larger than `position` if some were lost."""

    def __enter__(self) -> Self:
        """Lock the directory and read its journal."""
        path = self._directory.node_database
        if not path.exists():
            raise StorageFault(f"{path}: is not there; name a data directory that a node has used")
        with ExitStack() as resources:
            self._lock()
            resources.callback(self._directory.unlock)
            self._temporary = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="auction-offline-")))
            try:
                with self._reading(path, NODE_FILE) as connection:
                    self._read_journal(connection)
                self.acknowledged = max(self.position, self._noted_end())
            except DISK_ERRORS as error:
                raise fault(path, error, RESTORE_NODE) from error
            self._resources = resources.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Let others in."""
        self._resources.close()

    def stores(self) -> list[StoreId]:
        """All stores, by id: those with a file, and those that only the journal knows."""
        files = {path.stem for path in self._directory.stores.glob("??/*.sqlite")}
        return sorted(files | self._tail.keys())

    def load(self, store: StoreId, tables: Collection[str] | None = None) -> State:
        """A store as its node would know it: its file, and the journal's records beyond; of its logs, only what these
        add. Where the file lacks no record, only `tables` are read, if some are named. One that was never written to
        passes for an empty store of a player.
        """
        return self._load(store, tables, "player")

    def player(self, player: str) -> PlayerState:
        """A player's store."""
        state = self._load(player_store(self.naming_key, player), None, "player")
        assert isinstance(state, PlayerState), player
        return state

    def market(self, commodity: str) -> MarketState:
        """The store of a commodity's order book."""
        state = self._load(market_store(self.naming_key, commodity), None, "market")
        assert isinstance(state, MarketState), commodity
        return state

    def house(self) -> HouseState:
        """The house's own store."""
        state = self._load(house_store(self.naming_key), None, "house")
        assert isinstance(state, HouseState)
        return state

    def log(self, store: StoreId, table: str) -> Iterator[msgspec.Struct]:
        """All rows of a log of a store in their order, those that only the journal has last; none where the store's
        kind has no such log. Raises StorageFault, also after some rows.
        """
        state = self.load(store, ())
        if table not in state.LOGS:
            return
        path = self._directory.store_file(store)
        if path.exists():
            with self._reading_store(path) as connection:
                yield from store_tables.read_log(connection, state.kind, table)
        yield from getattr(state, table)

    def _load(self, store: StoreId, tables: Collection[str] | None, kind: Kind) -> State:
        path = self._directory.store_file(store)
        state: State | None = None
        position = 0
        if path.exists():
            with self._reading_store(path) as connection:
                row = store_tables.identify(connection, store)
                position = row.position
                state = store_tables.read(connection, row.kind, None if self._beyond(store, position) else tables)
            if position > self.position:
                raise StorageFault(
                    f"{path}: knows record {position}, but the journal ends at {self.position}: {RESTORE_NODE}"
                )
        for at, part in self._beyond(store, position):
            try:
                state = replay(state, part)
            except Exception as error:
                raise StorageFault(
                    f"{path}: record {at} does not fit what it holds: {error!r}: {RESTORE_STORE}"
                ) from error
        return KINDS[kind]() if state is None else state

    def _beyond(self, store: StoreId, position: int) -> list[tuple[int, bytes]]:
        return [(at, part) for at, part in self._tail.get(store, ()) if at > position]

    def _lock(self) -> None:
        try:
            self._directory.lock()
        except FileNotFoundError:
            return  # a copy of a directory, made without the lock: nobody uses it
        except OSError as error:
            raise fault(self._directory.path, error, RESTORE_NODE) from error

    def _read_journal(self, connection: Connection) -> None:
        node = connection.execute(_IDENTIFY).one()
        self.identity, self.naming_key = node.identity, node.naming_key
        self.facts = batches.facts_of(connection.execute(_FACTS).all())
        chain = Chain(node.cut_position, node.cut_checksum, node.cut_now_ms)
        for row in connection.execute(_IN_ORDER).mappings():
            chain.follow(row)
            for entry in batches.entries_of(row):
                for store, part in entry.events.items():
                    self._tail.setdefault(store, []).append((entry.position, part))
        self.position = chain.position

    def _noted_end(self) -> int:
        path = self._directory.journal_end
        try:
            return journal_end.read(path) if path.exists() else 0
        except ValueError as error:
            raise fault(path, error, RESTORE_NODE) from error

    @contextmanager
    def _reading_store(self, path: Path) -> Iterator[Connection]:
        try:
            with self._reading(path, STORE_FILE) as connection:
                yield connection
        except DISK_ERRORS as error:
            raise fault(path, error, RESTORE_STORE) from error

    @contextmanager
    def _reading(self, path: Path, versions: Versions) -> Iterator[Connection]:
        wal = path.with_name(f"{path.name}-wal")
        if not wal.exists():
            with closing(self._databases.read(path)) as connection:
                if not versions.is_older(versions.of(connection)):
                    yield connection
                    return
        with tempfile.TemporaryDirectory(dir=self._temporary) as directory:
            copy = Path(directory) / path.name
            shutil.copyfile(path, copy)
            if wal.exists():
                shutil.copyfile(wal, copy.with_name(wal.name))
            with closing(self._databases.connect(copy)) as connection:
                version = versions.of(connection)
                if versions.is_older(version):
                    versions.bring_forward(connection, version)
                yield connection
