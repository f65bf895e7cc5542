"""A worker's connections to PostgreSQL: few, always open, with every statement prepared once on each of them.

asyncpg's own pool asks the server to forget the session's settings each time that a connection comes back, a round
trip, and looks every statement up by its text. Nothing here changes a session, so a list of idle connections does.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from shardnode.wire.errors import Unavailable

CONNECT_S = 10.0
WAITING_MAX = 20_000
"""Requests that wait for a connection; one more is refused as unavailable."""
RETRY_AFTER_MS = 250
DYNAMIC_STATEMENTS_MAX = 500
"""Searches that one connection keeps prepared."""

LOST = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError)
"""The connection broke: whether a statement took effect is not known."""
ROLLED_BACK = (
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.TooManyConnectionsError,
    asyncpg.CannotConnectNowError,
)
"""Nothing was done, for certain."""

Row = Any
"""An asyncpg record, which is read by place and by name; or None."""


class Database:
    """At most `size` connections to the server whose socket is in a directory."""

    def __init__(self, sockets: Path, size: int) -> None:
        self._sockets = sockets
        self._idle: list[Line] = []
        self._missing = size
        self._waiting: deque[asyncio.Future[Line]] = deque()

    async def open(self) -> None:
        """Make all connections."""
        while self._missing:
            self._missing -= 1
            self._idle.append(await self._connect())

    async def close(self) -> None:
        """Close those that are not in use."""
        while self._idle:
            await self._idle.pop().connection.close()

    async def row(self, statement: str, *values: object) -> Row:
        """The first row, None without one, of a statement that is always the same text."""
        line = await self._take()
        try:
            return await line.row(statement, *values)
        finally:
            self._give(line)

    async def rows(self, statement: str, values: Sequence[object]) -> list[Row]:
        """All rows of a statement made for the occasion; the latest DYNAMIC_STATEMENTS_MAX texts stay prepared."""
        line = await self._take()
        try:
            rows: list[Row] = await line.connection.fetch(statement, *values)
            return rows
        finally:
            self._give(line)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["Line"]:
        """A transaction, at READ COMMITTED: committed in the end, rolled back where anything is raised."""
        line = await self._take()
        try:
            async with line.connection.transaction():
                yield line
        finally:
            self._give(line)

    async def _take(self) -> "Line":
        if self._idle:
            return self._idle.pop()
        if self._missing:
            self._missing -= 1
            try:
                return await self._connect()
            except BaseException:
                self._missing += 1
                raise
        if len(self._waiting) >= WAITING_MAX:
            raise Unavailable("the worker is catching up with its database; try again", RETRY_AFTER_MS)
        waiting: asyncio.Future[Line] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            return await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled():
                self._give(waiting.result())
            raise

    def _give(self, line: "Line") -> None:
        if line.connection.is_closed():
            self._missing += 1
            return
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(line)
                return
        self._idle.append(line)

    async def _connect(self) -> "Line":
        return Line(
            await asyncpg.connect(
                host=str(self._sockets),
                user="postgres",
                database="postgres",
                timeout=CONNECT_S,
                statement_cache_size=DYNAMIC_STATEMENTS_MAX,
            )
        )


class Line:
    """One connection and its prepared statements, which are those of always the same texts."""

    __slots__ = ("_statements", "connection")

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self._statements: dict[str, Any] = {}

    async def row(self, statement: str, *values: object) -> Row:
        """The first row, None without one."""
        return await (await self._prepared(statement)).fetchrow(*values)

    async def rows(self, statement: str, *values: object) -> list[Row]:
        """All rows."""
        rows: list[Row] = await (await self._prepared(statement)).fetch(*values)
        return rows

    async def _prepared(self, statement: str) -> Any:
        prepared = self._statements.get(statement)
        if prepared is None:
            prepared = self._statements[statement] = await self.connection.prepare(statement)
        return prepared
