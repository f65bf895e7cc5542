"""What the node needs of a reactor, as types: Twisted's real one, a test's clock and a simulation's all have it."""

from collections.abc import Callable
from typing import Any, Protocol


class DelayedCall(Protocol):
    """A call that is yet to come."""

    def cancel(self) -> None:
        """Do not call."""


class Reactor(Protocol):
    """Time, and what happens later."""

    def seconds(self) -> float:
        """Seconds on a clock of the reactor's own, which never jumps."""

    def callLater(self, delay: float, callable: Callable[..., Any], *args: Any, **kwargs: Any) -> DelayedCall:  # noqa: A002, N802 - Twisted's names
        """Call after so many seconds."""
