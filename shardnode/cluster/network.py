"""The port between the cluster and the wire. `links` implements it with WebSockets, the simulator with a heap.

A link is up between two nodes that accepted each other. While it is up, frames arrive whole and mostly in order, but
nothing above relies on either: a frame may be lost, come late, twice or in another order.
"""

from typing import Protocol

FRAME_BYTES_MAX = 8_388_608
"""The largest frame of one turn's messages."""
STALLED_S = 1.0
"""A link from which nothing was heard for so long is down."""
HEARTBEAT_S = 0.2
"""A link with nothing to say says so this often."""


class Network(Protocol):
    """Links to the other nodes of the cluster."""

    def send(self, node: str, frame: bytes) -> bool:
        """Send a frame; False where there is no link, or it holds as much unsent as it may: the frame is dropped."""

    def is_up(self, node: str) -> bool:
        """Whether there is a link now."""


class NetworkEvents(Protocol):
    """Who hears of the links; called in the reactor's thread."""

    def link_up(self, node: str) -> None:
        """A link is there; it may be another one than before."""

    def link_down(self, node: str) -> None:
        """The link is gone, or stalled; what was sent and not answered may or may not have arrived."""

    def received(self, node: str, frame: bytes) -> None:
        """A frame of a node that was accepted. Raises PeerFault for one that is nonsense: the link is then cut."""


class PeerFault(Exception):
    """A peer sent what it must not; the text says what, for the logs of both sides."""


class NoPeers:
    """The network of a node that is a house by itself."""

    def send(self, node: str, frame: bytes) -> bool:  # noqa: ARG002 - there is nobody to send to
        """See Network."""
        return False

    def is_up(self, node: str) -> bool:  # noqa: ARG002 - as above
        """See Network."""
        return False
