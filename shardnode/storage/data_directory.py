"""The data directory: where each file lies, who may use it, and how a file appears in it whole or not at all.

node.lock                     locked (flock) by the process that uses the directory; the file itself stays
node.pid                      the process id of the node, while it runs
node.url                      where the node serves, while it does
node.sqlite                   the node's database: journal, wake-ups, open listings
journal.end                   the last position known durable, as 20 decimal digits
stores/<2>/<store>.sqlite     the stores' files, in a directory named by the first two characters of the store id
new/                          files being made; emptied at a start
"""

import fcntl
import os
import shutil
from pathlib import Path

from auction.state import StoreId
from shardnode.storage.faults import fault
from shardnode.storage.port import StorageFault

_CHOOSE = "choose another data directory, or mend this one"


class DataDirectory:
    """A data directory; `lock` before touching anything in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.node_database = path / "node.sqlite"
        self.journal_end = path / "journal.end"
        self.url = path / "node.url"
        self.stores = path / "stores"
        self._lock_file = path / "node.lock"
        self._pid_file = path / "node.pid"
        self._new = path / "new"
        self._locked: int | None = None

    def store_file(self, store: StoreId) -> Path:
        """Where a store's file lies."""
        return self.stores / store[:2] / f"{store}.sqlite"

    def open(self) -> None:
        """Make what is missing, lock the directory and write node.pid; StorageFault where any of it fails."""
        try:
            self.stores.mkdir(parents=True, exist_ok=True)
            self.lock(os.O_RDWR | os.O_CREAT)
            self._pid_file.write_text(f"{os.getpid()}\n")
            if self._new.exists():
                shutil.rmtree(self._new)
            self._new.mkdir()
            sync_directory(self.path)
        except OSError as error:
            self.unlock()
            raise fault(self.path, error, _CHOOSE) from error

    def lock(self, flags: int = os.O_RDONLY) -> None:
        """Keep every other process out, or raise StorageFault where one is in. Raises OSError without a lock file."""
        descriptor = os.open(self._lock_file, flags | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise StorageFault(
                f"{self.path}: in use by {self._user()}; stop it first, or choose another data directory"
            ) from error
        self._locked = descriptor

    def unlock(self) -> None:
        """Let others in."""
        if self._locked is not None:
            os.close(self._locked)
            self._locked = None

    def in_use(self) -> bool:
        """Whether another process holds the lock now."""
        try:
            self.lock()
        except FileNotFoundError:
            return False
        except StorageFault:
            return True
        self.unlock()
        return False

    def running_url(self) -> str | None:
        """Where the node on this directory serves, if one does."""
        return self.url.read_text().strip() if self.in_use() and self.url.exists() else None

    def close(self) -> None:
        """Remove node.pid and let others in."""
        if self._locked is not None:
            self._pid_file.unlink(missing_ok=True)
            self.unlock()

    def install(self, content: bytes, path: Path) -> None:
        """Put a new file at `path`: after a crash there whole or not at all; durable on return. Raises OSError."""
        if not path.parent.exists():
            path.parent.mkdir(parents=True)
            sync_directory(path.parent.parent)
        unfinished = self._new / path.name
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
        sync_directory(path.parent)

    def _user(self) -> str:
        try:
            return f"process {int(self._pid_file.read_text())}"
        except (OSError, ValueError):
            return "another process (perhaps `auction audit`)"


def sync_directory(path: Path) -> None:
    """Make a directory's entries durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
