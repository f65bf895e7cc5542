"""The post: messages to other nodes, collected per node and sent once a turn of the reactor, and those that came.

What is sent is encoded at once and leaves with everything else of its turn in as few frames as hold it, under the map
of that moment. What comes is decoded, held against the map, and handed to the one who handles its kind.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from twisted.python.failure import Failure

from shardnode.cluster.map import ClusterMap
from shardnode.cluster.messages import Frame, PeerMessage
from shardnode.cluster.network import FRAME_BYTES_MAX, Network, PeerFault
from shardnode.cluster.reactor import Reactor
from shardnode.ops.metrics import Metrics

FRAME_HEAD_BYTES_MAX = 64
"""What a frame adds to its messages, at most."""
MESSAGE_BYTES_MAX = FRAME_BYTES_MAX - FRAME_HEAD_BYTES_MAX

Handler = Callable[[str, Any], None]
"""Takes a message of another node; raises PeerFault for one that is nonsense."""

_encode = msgspec.msgpack.Encoder().encode
_decode_frame = msgspec.msgpack.Decoder(Frame).decode


class PostLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of the post."""

    collected_bytes_max: int = 33_554_432
    """Bytes collected for one node in one turn; what comes beyond is not sent."""


class _Head(msgspec.Struct, frozen=True, array_like=True):
    """A frame without its messages."""

    version: int
    epoch: int


_decode_head = msgspec.msgpack.Decoder(_Head).decode


class _Collected:
    """One turn's messages to one node, encoded."""

    __slots__ = ("messages", "size")

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.size = 0


class Post:
    """Sends to other nodes, never to this one."""

    def __init__(
        self,
        *,
        node: str,
        cluster_map: Callable[[], ClusterMap],
        network: Network,
        reactor: Reactor,
        limits: PostLimits,
        metrics: Metrics,
        failed: Callable[[Failure], None],
    ) -> None:
        self._node = node
        self._map = cluster_map
        self._network = network
        self._reactor = reactor
        self._limits = limits
        self._metrics = metrics
        self._failed = failed
        self._handlers: dict[type, Handler] = {}
        self._collected: dict[str, _Collected] = {}

    def handle(self, handlers: Mapping[type, Handler]) -> None:
        """Hand each of these kinds of messages to its handler; every kind has one."""
        assert not handlers.keys() & self._handlers.keys(), handlers
        self._handlers.update(handlers)

    def is_up(self, node: str) -> bool:
        """Whether a message to that node would leave now."""
        return self._network.is_up(node)

    def send(self, node: str, message: PeerMessage) -> bool:
        """Send with the end of this turn; False where it certainly is not sent: no link, or too much of it."""
        return self._network.is_up(node) and self.send_encoded(node, _encode(message))

    def send_all(self, nodes: list[str], message: PeerMessage) -> None:
        """Send the same message to several nodes, encoded once."""
        encoded = _encode(message)
        for node in nodes:
            self.send_encoded(node, encoded)

    def send_encoded(self, node: str, message: bytes) -> bool:
        """As `send`, what is encoded already."""
        assert node != self._node, "what a node tells itself needs no post"
        assert len(message) <= MESSAGE_BYTES_MAX, len(message)
        if not self._network.is_up(node):
            return False
        if not self._collected:
            self._reactor.callLater(0, self._flush)
        collected = self._collected.get(node)
        if collected is None:
            collected = self._collected[node] = _Collected()
        if collected.size + len(message) > self._limits.collected_bytes_max:
            self._metrics.limit_hit("collected_bytes_max")
            return False
        collected.messages.append(message)
        collected.size += len(message)
        return True

    def received(self, node: str, frame: bytes) -> None:
        """Hand on what another node sent. Raises PeerFault for nonsense, and for a frame made under another map."""
        try:
            decoded = _decode_frame(frame)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._check_map(node, _head(node, frame))
            raise PeerFault(f"{node} sent what is no frame: {error}") from error
        self._check_map(node, decoded)
        for message in decoded.messages:
            self._handlers[type(message)](node, message)

    def _check_map(self, node: str, frame: Frame | _Head) -> None:
        theirs, known = (frame.epoch, frame.version), self._map()
        ours = known.epoch, known.version
        if theirs == ours:
            return
        older, newer = (node, self._node) if theirs < ours else (self._node, node)
        low, high = sorted((theirs, ours))
        raise PeerFault(
            f"{older} works by an older cluster.toml (epoch {low[0]}, version {low[1]}) than {newer} (epoch {high[0]}, "
            f"version {high[1]}): give {older} the newer one and restart it"
        )

    def _flush(self) -> None:
        try:
            collected, self._collected = self._collected, {}
            for node, turn in collected.items():
                for frame in self._frames(turn):
                    if not self._network.send(node, frame):
                        self._metrics.limit_hit("link_unsent")
                        break
        except Exception:  # a bug of ours must stop the node, not end in the reactor's log
            self._failed(Failure())

    def _frames(self, turn: _Collected) -> list[bytes]:
        """A turn's messages in as few frames as hold them, in order."""
        if turn.size <= MESSAGE_BYTES_MAX:
            return [self._frame(turn.messages)]
        frames, first, size = [], 0, 0
        for place, message in enumerate(turn.messages):
            if size + len(message) > MESSAGE_BYTES_MAX:
                frames.append(self._frame(turn.messages[first:place]))
                first, size = place, 0
            size += len(message)
        return [*frames, self._frame(turn.messages[first:])]

    def _frame(self, messages: list[bytes]) -> bytes:
        known = self._map()
        self._metrics.frame_sent(len(messages))
        return _encode((known.version, known.epoch, [msgspec.Raw(message) for message in messages]))


def _head(node: str, frame: bytes) -> _Head:
    try:
        return _decode_head(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PeerFault(f"{node} sent what is no frame: {error}") from error
