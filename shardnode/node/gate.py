"""The gate: nothing leaves the node before the records it depends on are durable.

Everything that wants to leave (an answer, a push) is put before the gate with the position of the last record it
depends on. When the journal has made records durable, the gate lets everything through that depends on no later one,
in the order in which it came.
"""

from collections import deque
from collections.abc import Callable
from typing import TypeVarTuple

Ts = TypeVarTuple("Ts")


class Gate:
    """`durable` is the position of the last durable record; `waited` hears each opening's longest wait in seconds."""

    def __init__(self, durable: int, seconds: Callable[[], float], waited: Callable[[float], None]) -> None:
        self.durable = durable
        self._seconds = seconds
        self._waited = waited
        self._waiting_since_s = 0.0
        self._waiting: deque[tuple[int, Callable[..., object], tuple[object, ...]]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def when(self, position: int, leave: Callable[[*Ts], object], *args: *Ts) -> None:
        """Call `leave(*args)` once `position` is durable: now if it is and nobody waits before it."""
        if position <= self.durable and not self._waiting:
            leave(*args)
            return
        if not self._waiting:
            self._waiting_since_s = self._seconds()
        self._waiting.append((position, leave, args))

    def open(self, durable: int) -> None:
        """Records up to `durable` are safe: let through what depends on no later one."""
        assert durable >= self.durable, (durable, self.durable)
        self.durable = durable
        waiting = self._waiting
        if waiting:
            now_s = self._seconds()
            self._waited(now_s - self._waiting_since_s)
            self._waiting_since_s = now_s
        while waiting and waiting[0][0] <= durable:
            _, leave, args = waiting.popleft()
            leave(*args)
