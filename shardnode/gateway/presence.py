"""Who is connected to this node, and how a notice reaches all of a player's sessions."""

from collections.abc import Callable, Iterator
from typing import Protocol

from auction.state import Notice
from shardnode.wire.codec import Codec
from shardnode.wire.events import WatchMatched


class Listener(Protocol):
    """A session, as far as pushes go."""

    codec: Codec

    def push(self, payload: bytes) -> None:
        """Send an encoded push."""

    def push_if_read(self, payload: bytes) -> None:
        """The same, unless the client lags behind with reading."""


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
        """Tell all of a player's sessions."""
        for session, payload in self._encoded(player, "event", notice):
            session.push(payload)

    def match(self, player: str, matched: WatchMatched) -> None:
        """Tell all of a player's sessions something that is not kept for those that lag behind."""
        for session, payload in self._encoded(player, "watch", matched):
            session.push_if_read(payload)

    def _encoded(self, player: str, method: str, params: object) -> Iterator[tuple[Listener, bytes]]:
        """A player's sessions, each with a push in its encoding, encoded once."""
        payloads: dict[Codec, bytes] = {}
        for session in tuple(self._sessions.get(player, ())):  # a push may end a session
            codec = session.codec
            payload = payloads.get(codec)
            if payload is None:
                payload = payloads[codec] = codec.push(method, params)
            yield session, payload
