"""Who is connected to this node, and how a notice reaches all of a player's sessions."""

from collections.abc import Callable
from typing import Protocol

from auction.state import Notice
from shardnode.wire.codec import Codec


class Listener(Protocol):
    """A session, as far as pushes go."""

    codec: Codec

    def push(self, payload: bytes) -> None:
        """Send an encoded push."""


class Presence:
    """Player → the sessions logged in as that player, the oldest first. Bounded by the node's sockets.

    `joined` and `left` hear of each player's first and last.
    """

    def __init__(self, joined: Callable[[str], None], left: Callable[[str], None]) -> None:
        self._joined = joined
        self._left = left
        self._sessions: dict[str, list[Listener]] = {}

    def join(self, player: str, session: Listener) -> None:
        """A session has logged in."""
        sessions = self._sessions.get(player)
        if sessions is None:
            self._sessions[player] = [session]
            self._joined(player)
        else:
            sessions.append(session)

    def leave(self, player: str, session: Listener) -> None:
        """A session that had joined is this player's no longer."""
        sessions = self._sessions[player]
        sessions.remove(session)
        if not sessions:
            del self._sessions[player]
            self._left(player)

    def is_present(self, player: str) -> bool:
        """Whether any session would get the player's pushes."""
        return player in self._sessions

    def push(self, player: str, notice: Notice) -> None:
        """Tell all of a player's sessions, encoded once an encoding."""
        payloads: dict[Codec, bytes] = {}
        for session in tuple(self._sessions.get(player, ())):  # a push may end a session
            codec = session.codec
            payload = payloads.get(codec)
            if payload is None:
                payload = payloads[codec] = codec.push("event", notice)
            session.push(payload)
