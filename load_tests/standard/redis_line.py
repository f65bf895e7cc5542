"""A worker's connections to Redis, on hiredis, the parser in C that Redis' own clients are built on.

Commands of one turn of the event loop leave in one write, and are answered in their order. redis-py on asyncio awaits
each command by itself, which costs several times as much as all the rest that Redis is used for here.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hiredis


class RedisLost(Exception):
    """Redis is gone, or refused a command."""


class RedisLine(asyncio.Protocol):
    """One connection. What comes unasked (messages of channels) goes to `heard`; its end, or an error that nobody waits
    for, to `lost`.
    """

    def __init__(self, lost: Callable[[RedisLost], None], heard: Callable[[list[Any]], None] | None = None) -> None:
        self._lost = lost
        self._heard = heard
        self._reader = hiredis.Reader()
        self._asked: deque[asyncio.Future[Any] | None] = deque()
        self._leaving: list[bytes] = []
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol: who waits hears of it."""
        self._transport = None
        why = f"the connection to Redis is lost: {exc}"
        while self._asked:
            waiting = self._asked.popleft()
            if waiting is not None and not waiting.done():
                waiting.set_exception(RedisLost(why))
        self._lost(RedisLost(why))

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol: hand out the answers, in order."""
        self._reader.feed(data)
        while (answer := self._reader.gets()) is not False:
            if self._heard is not None:
                self._heard(answer)
                continue
            self._settle(self._asked.popleft(), answer)

    def tell(self, *command: bytes | str | int) -> None:
        """Send a command whose answer nobody waits for."""
        self._send(command, None)

    def ask(self, *command: bytes | str | int) -> "asyncio.Future[Any]":
        """Send a command. The future fails with RedisLost."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self._transport is None:
            answer.set_exception(RedisLost("there is no connection to Redis"))
        else:
            self._send(command, answer)
        return answer

    def _settle(self, waiting: "asyncio.Future[Any] | None", answer: Any) -> None:
        if waiting is None and isinstance(answer, Exception):
            self._lost(RedisLost(str(answer)))
        elif waiting is not None and not waiting.done():
            if isinstance(answer, Exception):
                waiting.set_exception(RedisLost(str(answer)))
            else:
                waiting.set_result(answer)

    def _send(self, command: tuple[bytes | str | int, ...], answer: "asyncio.Future[Any] | None") -> None:
        if self._transport is None:
            return
        if not self._leaving:
            asyncio.get_running_loop().call_soon(self._flush)
        packed = hiredis.pack_command(command)  # type: ignore[arg-type]  # its stub takes a tuple of one word only
        self._leaving.append(packed)
        if self._heard is None:
            self._asked.append(answer)

    def _flush(self) -> None:
        if self._transport is not None:
            self._transport.write(b"".join(self._leaving))
        self._leaving.clear()


async def connected(
    socket: Path, lost: Callable[[RedisLost], None], heard: Callable[[list[Any]], None] | None = None
) -> RedisLine:
    """A connection to the Redis that listens on a socket."""
    _, line = await asyncio.get_running_loop().create_unix_connection(lambda: RedisLine(lost, heard), str(socket))
    return line
