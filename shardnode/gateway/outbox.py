"""What leaves in one turn of the reactor: one system call a connection, and none to ask whether it may be written to.

Twisted's `write` waits for the poller to say that a socket can be written to, which costs two changes of the poller's
set and another round through it for every answer. A socket nearly always can be; so what a turn sends to a connection
is put together and handed to the system at once, and only what it does not take goes the usual way.
"""

from typing import Any, Protocol

from twisted.internet.tcp import Client, Server

TURN_BYTES_MAX = 65_536
"""What is put together for one connection in a turn; beyond it what there is leaves at once."""


class Flushes(Protocol):
    """A connection with something to send."""

    def flush(self) -> None:
        """Write it."""


class Outbox:
    """The connections that have something to send when this turn is over."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._waiting: list[Flushes] = []

    def add(self, connection: Flushes) -> None:
        """Flush a connection before the reactor waits again."""
        if not self._waiting:
            self._reactor.callLater(0, self._flush)
        self._waiting.append(connection)

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for connection in waiting:
            connection.flush()


def write_now(transport: Any, data: bytes) -> None:
    """Write to a transport: a plain socket that nothing waits for gets it at once, as far as the system takes it."""
    if type(transport) in (Server, Client) and transport.connected and not transport.disconnecting:
        idle = not transport._tempDataBuffer and transport.offset == len(transport.dataBuffer)
        if idle:
            taken = transport.writeSomeData(data)
            if isinstance(taken, int):
                data = data[taken:]
    if data:
        transport.write(data)
