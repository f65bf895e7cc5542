"""What a person is told when the disk does not do what it must: which file, what is wrong with it, what to do next."""

import errno
import sqlite3
from pathlib import Path

import msgspec
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from shardnode.storage.batches import BatchDamaged
from shardnode.storage.columns import RowDamaged
from shardnode.storage.port import StorageFault
from shardnode.storage.upgrades import UnknownVersion

DISK_ERRORS = (
    SQLAlchemyError,
    sqlite3.Error,
    OSError,
    msgspec.MsgspecError,
    RowDamaged,
    BatchDamaged,
    UnknownVersion,
    UnicodeError,
)
"""What a damaged or failing file raises, in any layer that reads or writes it."""

_FREE_SPACE = "free space on its disk, then start again; nothing acknowledged is lost"
_MAKE_WRITABLE = "give the node's user the right to write it (is the disk mounted read-only?), then start again"
_IN_USE = "another program has it open: close that program, then start again"
_DISK_FAILS = "the disk fails: see the system's log, mend or replace it, then start again; nothing acknowledged is lost"

_START_WRITER = "start the program that wrote it, or a later one"
_CHOOSE_DIRECTORY = "choose a data directory that is, or can be made, a directory, then start again"
_CANNOT_OPEN = (
    "is it there, may the node's user write it, and are there enough open files (ulimit -n)? then start again"
)

_OF_SQLITE = {
    sqlite3.SQLITE_FULL: _FREE_SPACE,
    sqlite3.SQLITE_READONLY: _MAKE_WRITABLE,
    sqlite3.SQLITE_PERM: _MAKE_WRITABLE,
    sqlite3.SQLITE_CANTOPEN: _CANNOT_OPEN,
    sqlite3.SQLITE_BUSY: _IN_USE,
    sqlite3.SQLITE_LOCKED: _IN_USE,
    sqlite3.SQLITE_IOERR: _DISK_FAILS,
}
_OF_ERRNO = {
    errno.ENOSPC: _FREE_SPACE,
    errno.EDQUOT: _FREE_SPACE,
    errno.EFBIG: _FREE_SPACE,
    errno.EROFS: _MAKE_WRITABLE,
    errno.EACCES: _MAKE_WRITABLE,
    errno.EPERM: _MAKE_WRITABLE,
    errno.ENOTDIR: _CHOOSE_DIRECTORY,
    errno.EEXIST: _CHOOSE_DIRECTORY,
    errno.ENOENT: _CHOOSE_DIRECTORY,
    errno.EIO: _DISK_FAILS,
    errno.EMFILE: "raise the limit of open files (ulimit -n), then start again",
}

RESTORE_STORE = (
    "this store cannot be used, the others go on; restore the file from the latest backup of the data directory, "
    "then run `auction audit` on a copy to see whether anything is missing"
)
RESTORE_NODE = (
    "the node does not start, so that nothing acknowledged gets lost; restore the whole data directory from its latest "
    "backup, or run `auction audit` on a copy to see what it still holds"
)


def fault(path: Path, error: Exception, if_damaged: str) -> StorageFault:
    """The fault to raise for an error met at a file; `if_damaged` says what to do where the content is to blame."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    todo = None
    if isinstance(cause, sqlite3.Error):
        todo = _OF_SQLITE.get((getattr(cause, "sqlite_errorcode", None) or 0) & 0xFF)
    elif isinstance(cause, OSError) and cause.errno is not None:
        todo = _OF_ERRNO.get(cause.errno, _DISK_FAILS)
    elif isinstance(cause, UnknownVersion):
        todo = _START_WRITER
    return StorageFault(f"{path}: {cause}: {todo or if_damaged}")
