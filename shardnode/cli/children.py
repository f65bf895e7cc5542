"""Processes of the `auction` command that another one starts, watches and ends."""

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import click
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

LINE_BYTES_MAX = 65_536
"""The longest line of a child's standard output that is read."""


class ChildEnded(click.ClickException):
    """A child process ended before it was asked to; its own message stands above."""


class Child(ProcessProtocol):
    """`auction NAME ...` as a process: its standard output is read by lines.

    Its standard error is ours, or is handed to `logged` by lines. `stopping` is true from the moment it was asked to
    end.
    """

    def __init__(self, reactor: Any, arguments: tuple[str, ...], logged: Callable[[str], None] | None = None) -> None:
        self._reactor = reactor
        self._name = f"auction {arguments[0]}"
        self._logged = logged
        self._log = b""
        self._unread = b""
        self._awaited: tuple[str, Deferred[str]] | None = None
        self.stopping = False
        self._exit: Failure | None = None
        self._waiting: list[Deferred[None]] = []
        command = [sys.executable, "-m", "shardnode.cli", *arguments]
        descriptors = {0: "w", 1: "r", 2: 2 if logged is None else "r"}
        self._process = reactor.spawnProcess(self, sys.executable, command, env=None, childFDs=descriptors)

    def line(self, start: str) -> "Deferred[str]":
        """Fires with the next line of output that starts so; fails with ChildEnded if the process ends first."""
        assert self._awaited is None
        awaited: Deferred[str] = Deferred()
        self._awaited = (start, awaited)
        self._read_lines()
        if self._exit is not None:
            self._give_up()
        return awaited

    def ended(self) -> "Deferred[None]":
        """Fires when the process has ended because it was asked to; fails with ChildEnded if by itself."""
        ended: Deferred[None] = Deferred()
        self._waiting.append(ended)
        if self._exit is not None:
            self._tell_ended()
        return ended

    async def stop(self, within_s: float) -> None:
        """Ask the process to end, kill it if it has not after a while, and wait for it."""
        self.stopping = True
        if self._exit is not None:
            return
        self._signal("TERM")
        kill = self._reactor.callLater(within_s, self._signal, "KILL")
        await self.ended()
        if kill.active():
            kill.cancel()

    async def kill(self) -> None:
        """End the process at once, as `kill -9` does, and wait for it."""
        self.stopping = True
        if self._exit is None:
            self._signal("KILL")
            await self.ended()

    def outReceived(self, data: bytes) -> None:
        """Some of its standard output."""
        self._unread += data
        self._read_lines()
        if len(self._unread) > LINE_BYTES_MAX:
            self._unread = b""

    def errReceived(self, data: bytes) -> None:
        """Some of its standard error."""
        assert self._logged is not None
        *lines, self._log = (self._log + data).split(b"\n")
        if len(self._log) > LINE_BYTES_MAX:
            lines.append(self._log)
            self._log = b""
        for line in lines:
            self._logged(line.decode("utf-8", "replace"))

    def processEnded(self, reason: Failure) -> None:
        """The process is gone and all of its output was read."""
        if self._log:
            self.errReceived(b"\n")
        self._exit = reason
        self._give_up()
        self._tell_ended()

    def _read_lines(self) -> None:
        while self._awaited is not None and b"\n" in self._unread:
            line, self._unread = self._unread.split(b"\n", 1)
            start, awaited = self._awaited
            if line.startswith(start.encode()):
                self._awaited = None
                awaited.callback(line.decode())

    def _give_up(self) -> None:
        if self._awaited is not None:
            _, awaited = self._awaited
            self._awaited = None
            awaited.errback(self._ended_by_itself())

    def _tell_ended(self) -> None:
        waiting, self._waiting = self._waiting, []
        for ended in waiting:
            if self.stopping or (self._exit is not None and self._exit.check(ProcessDone)):
                ended.callback(None)
            else:
                ended.errback(self._ended_by_itself())

    @property
    def is_well(self) -> bool:
        """Whether it has ended, and in order."""
        return self._exit is not None and self._exit.check(ProcessDone) is not None

    @property
    def outcome(self) -> str:
        """How it ended."""
        value = None if self._exit is None else self._exit.value
        signal = getattr(value, "signal", None)
        return f"by signal {signal}" if signal else f"with exit code {getattr(value, 'exitCode', None)}"

    def _ended_by_itself(self) -> ChildEnded:
        return ChildEnded(f"{self._name} ended by itself {self.outcome}; its message stands above")

    def _signal(self, name: str) -> None:
        with suppress(ProcessExitedAlready):  # it ended in this very moment; processEnded follows
            self._process.signalProcess(name)
