"""What a node's program runs in: a machine whose clocks drift and jump, and a process that may stand still or die.

A process is a reactor for its node. What reaches a process that stands still waits until it goes on; what reaches a
dead one is lost. Its machine, and the clocks, live on.
"""

from collections.abc import Callable
from math import inf
from typing import Any

from tests.simulation.world import World

EPOCH_S = 1_800_000_000.0
SILENT_S = 0.05
"""A process whose last words never come dies after so long."""


class Machine:
    """The clocks of one machine, in seconds. Both run `rate` times as fast as true time."""

    def __init__(self, world: World, rate: float) -> None:
        self.rate = rate
        self._world = world
        self._monotonic_ahead_s = 1_000.0
        self._wall_ahead_s = EPOCH_S
        self._latest_s = 0.0

    def monotonic_s(self) -> float:
        """Never goes back."""
        return self._world.now_s * self.rate + self._monotonic_ahead_s

    def wall_s(self) -> float:
        """The time of day, as this machine has it."""
        return self._world.now_s * self.rate + self._wall_ahead_s

    def latest_s(self) -> float:
        """The latest time of day that it has ever shown."""
        self._latest_s = max(self._latest_s, self.wall_s())
        return self._latest_s

    def jump(self, *, monotonic_s: float, wall_s: float) -> None:
        """Both clocks jump: the monotonic one never back."""
        assert monotonic_s >= 0
        self.latest_s()
        self._monotonic_ahead_s += monotonic_s
        self._wall_ahead_s += wall_s


class Call:
    """A call that is yet to come (`shardnode.cluster.reactor.DelayedCall`)."""

    __slots__ = ("_args", "_function", "_kwargs", "_process", "due_s")

    def __init__(
        self, process: "Process", due_s: float, function: Callable[..., Any], args: Any, kwargs: dict[str, Any]
    ) -> None:
        self.due_s = due_s
        self._process = process
        self._function: Callable[..., Any] | None = function
        self._args = args
        self._kwargs = kwargs

    def cancel(self) -> None:
        """Do not call."""
        self._process.calls.pop(self, None)
        self._function = None

    def active(self) -> bool:
        """Whether it is yet to come."""
        return self._function is not None

    def ring(self) -> None:
        """Its time has come, unless it was cancelled or called already."""
        function = self._function
        if function is not None:
            self.cancel()
            function(*self._args, **self._kwargs)


class Process:
    """One life of a node's program, and its reactor. `died` is called once, after the step in which it died."""

    def __init__(self, world: World, machine: Machine, name: str, died: Callable[["Process"], None]) -> None:
        self.name = name
        self.alive = True
        self.paused = False
        self._goes_on_since_s = world.now_s
        self.calls: dict[Call, None] = {}
        self.words_left: int | None = None
        """How many more messages and answers leave it before it dies; None for no such end."""
        self._world = world
        self._machine = machine
        self._died = died
        self._backlog: list[tuple[Callable[..., None], tuple[Any, ...]]] = []

    def seconds(self) -> float:
        """The machine's monotonic clock."""
        return self._machine.monotonic_s()

    def callLater(  # noqa: N802 - Twisted's name
        self,
        delay: float,
        callable: Callable[..., Any],  # noqa: A002 - Twisted's name
        *args: Any,
        **kwargs: Any,
    ) -> Call:
        """See shardnode.cluster.reactor.Reactor."""
        assert delay >= 0, delay
        call = Call(self, self._machine.monotonic_s() + delay, callable, args, kwargs)
        if self.alive:
            self.calls[call] = None
            self._world.after(delay / self._machine.rate, self.reach, call.ring)
        return call

    def reach(self, action: Callable[..., None], *args: Any) -> None:
        """Something of the outside or a timer happens to the process now."""
        if not self.alive:
            return
        if self.paused:
            self._backlog.append((action, args))
        else:
            action(*args)

    def may_speak(self) -> bool:
        """Whether what the program says now gets out; its death may have been appointed for after so many words."""
        if not self.alive:
            return False
        if self.words_left is not None:
            if self.words_left == 0:
                self.die()
                return False
            self.words_left -= 1
        return True

    def die_after(self, words: int) -> None:
        """Die with half of it said: after so many messages and answers, or at the latest soon."""
        self.words_left = words
        self._world.after(SILENT_S, self.die)

    def answers_since_s(self) -> float:
        """True time since when it runs without a pause; infinity for one that stands still or is dead."""
        return self._goes_on_since_s if self.alive and not self.paused else inf

    def pause(self) -> None:
        """Stand still, as by SIGSTOP: the clocks go on."""
        self.paused = True

    def go_on(self) -> None:
        """Go on, and meet all that came meanwhile."""
        self.paused = False
        self._goes_on_since_s = self._world.now_s
        backlog, self._backlog = self._backlog, []
        for place, (action, args) in enumerate(backlog):
            if self.paused:  # it stands still again
                self._backlog = [*backlog[place:], *self._backlog]
                return
            self.reach(action, *args)

    def clock_jumped(self) -> None:
        """What is due by the monotonic clock now rings now, the rest earlier than it was to."""
        now_s = self._machine.monotonic_s()
        for call in self.calls:
            self._world.after(max(call.due_s - now_s, 0) / self._machine.rate, self.reach, call.ring)

    def die(self) -> None:
        """End as by `kill -9`: nothing leaves it from this very instant on."""
        if self.alive:
            self.alive = False
            self.calls.clear()
            self._backlog.clear()
            self._died(self)
