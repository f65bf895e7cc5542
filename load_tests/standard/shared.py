"""What the workers share through Redis: a cache of listings and of search pages, and the news for each other's players.

A cached listing carries its row's version, and no older one ever takes its place: whoever changed a listing writes it
there after the commit, whoever missed it fills it in, in whichever order they come. What a worker wrote itself it reads
back, since its commands keep their order; others may see the row before by as long as a message takes.

A worker that loses Redis has no news for its players any more: it ends, and is replaced.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from auction.state import Notice
from load_tests.standard.news import News
from load_tests.standard.redis_line import RedisLine, RedisLost, connected
from load_tests.standard.rows import ListingRow

LISTING_S = 300
"""How long a listing stays in the cache that nobody changes."""
PAGE_MS = 200
"""How long a page of a search is shown to others; each says of when it is (`as_of_ms`). What has changed since is not
looked for: nearly every bid changes some page."""
CHANNEL = "news"

_SET_NEWER = f"""
for i, key in ipairs(KEYS) do
    local version = tonumber(ARGV[2 * i - 1])
    local held = redis.call('HGET', key, 'v')
    if not held or tonumber(held) < version then
        redis.call('HSET', key, 'v', version, 'row', ARGV[2 * i])
        redis.call('EXPIRE', key, {LISTING_S})
    end
end
"""


class _Told(msgspec.Struct, array_like=True):
    worker: str
    news: list[tuple[str, Notice]]


_encode = msgspec.msgpack.Encoder().encode
_row = msgspec.msgpack.Decoder(ListingRow).decode
_told = msgspec.msgpack.Decoder(_Told).decode


class Shared:
    """One worker's side of it; `push` tells a player's sessions here, `lost` hears of Redis' end."""

    def __init__(
        self, worker: str, socket: Path, push: Callable[[str, Notice], None], lost: Callable[[RedisLost], None]
    ) -> None:
        self._worker = worker
        self._socket = socket
        self._push = push
        self._lost = lost
        self._line: RedisLine | None = None
        self._news: list[tuple[str, Notice]] = []
        self._changed: dict[int, ListingRow] = {}
        self._script = ""

    async def open(self) -> None:
        """Connect, and hear what other workers tell. Raises RedisLost."""
        self._line = await connected(self._socket, self._lost)
        self._script = (await self._line.ask("SCRIPT", "LOAD", _SET_NEWER)).decode()
        listener = await connected(self._socket, self._lost, self._heard)
        listener.tell("SUBSCRIBE", CHANNEL)

    def changed(self, row: ListingRow, news: News) -> None:
        """A trade is committed: tell the players here at once, and everybody else at this turn's end."""
        for player, notice in news:
            self._push(player, notice)
        if not self._changed and not self._news:
            asyncio.get_running_loop().call_soon(self._flush)
        before = self._changed.get(row.listing)
        if before is None or before.version < row.version:
            self._changed[row.listing] = row
        self._news += news

    async def listing(self, listing: int) -> ListingRow | None:
        """A listing that is in the cache."""
        cached = await self._ask("HGET", f"l:{listing}", "row")
        return None if cached is None else _row(cached)

    def keep(self, row: ListingRow) -> None:
        """Put a listing into the cache that was read from the database."""
        self._set_newer([row])

    async def page(self, query: bytes) -> bytes | None:
        """A page of a search that somebody else asked for lately."""
        page: bytes | None = await self._ask("GET", b"s:" + query)
        return page

    def keep_page(self, query: bytes, page: bytes) -> None:
        """Show a page to others who ask for it soon."""
        if self._line is not None:
            self._line.tell("SET", b"s:" + query, page, "PX", PAGE_MS)

    async def _ask(self, *command: bytes | str) -> Any:
        if self._line is None:
            return None
        try:
            return await self._line.ask(*command)
        except RedisLost:
            return None  # as if it were not in the cache

    def _flush(self) -> None:
        self._set_newer(list(self._changed.values()))
        self._changed.clear()
        if self._news and self._line is not None:
            self._line.tell("PUBLISH", CHANNEL, _encode(_Told(self._worker, self._news)))
        self._news.clear()

    def _set_newer(self, rows: list[ListingRow]) -> None:
        if rows and self._line is not None:
            keys = [f"l:{row.listing}" for row in rows]
            values = [value for row in rows for value in (row.version, _encode(row))]
            self._line.tell("EVALSHA", self._script, len(keys), *keys, *values)

    def _heard(self, message: list[Any]) -> None:
        if message[0] != b"message":
            return
        told = _told(message[2])
        if told.worker != self._worker:
            for player, notice in told.news:
                self._push(player, notice)
