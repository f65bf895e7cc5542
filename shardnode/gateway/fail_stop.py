"""A bug of ours met on a socket stops the node, as it does everywhere, and is not left to Autobahn to log."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from autobahn.websocket.types import ConnectionDeny
from twisted.python.failure import Failure


class FailStop(Protocol):
    """A socket that can stop its node."""

    def stop_node(self, failure: Failure) -> None:
        """A bug of this node."""


S = TypeVar("S", bound=FailStop)
P = ParamSpec("P")
R = TypeVar("R")


def fail_stop(step: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R | None]:
    """A step of a socket in which any exception stops the node, except Autobahn's own way to turn somebody away."""

    @wraps(step)
    def guarded(socket: S, /, *args: P.args, **kwargs: P.kwargs) -> R | None:
        try:
            return step(socket, *args, **kwargs)
        except ConnectionDeny:
            raise
        except Exception:
            socket.stop_node(Failure())
            return None

    return guarded
