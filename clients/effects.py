"""What a session wants done at its edge, in the order it is to be done."""

from typing import Any

import msgspec

from clients.errors import AuctionError


class Open(msgspec.Struct, frozen=True):
    """Open a socket to `url`; then tell the session `opened` or `closed`."""

    url: str


class Send(msgspec.Struct, frozen=True):
    """Send one message."""

    payload: bytes


class Drop(msgspec.Struct, frozen=True):
    """Close the socket, or give up opening one; nothing of it counts any more, its closing included."""

    why: str


class Finished(msgspec.Struct, frozen=True):
    """A call has its result."""

    waiter: Any
    result: Any


class Failed(msgspec.Struct, frozen=True):
    """A call has none."""

    waiter: Any
    error: AuctionError


class LoggedIn(msgspec.Struct, frozen=True):
    """The session is online, at first or again."""


class Told(msgspec.Struct, frozen=True):
    """Events wait in the inbox, or watches told something."""


class Ended(msgspec.Struct, frozen=True):
    """The session is over; `error` says why, None after `stop`."""

    error: AuctionError | None


Effect = Open | Send | Drop | Finished | Failed | LoggedIn | Told | Ended
