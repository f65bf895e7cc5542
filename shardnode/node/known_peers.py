"""What a node remembers of its peers and of itself, so that a data directory that was lost or set back is noticed."""

from collections.abc import Callable, Mapping

import msgspec

from shardnode.storage.facts import PEERS, Peer, peer_key

NOTED_EVERY = 1_000
"""A peer's position is written down again when it has grown by so many records, or the peer itself has changed."""


class KnownPeers:
    """Implements `shardnode.cluster.admission.Peers` with facts; `note` keeps new ones with the next record."""

    def __init__(self, facts: Mapping[str, bytes], note: Callable[[dict[str, msgspec.Struct | None]], None]) -> None:
        self._note = note
        self._known = {
            key.removeprefix(PEERS): msgspec.json.decode(value, type=Peer)
            for key, value in facts.items()
            if key.startswith(PEERS)
        }
        self._noted = dict(self._known)

    def known(self, node: str) -> Peer | None:
        """What a node was when it was accepted last, and the most that it is known to have made durable."""
        return self._known.get(node)

    def remember(self, node: str, peer: Peer) -> None:
        """A node was accepted, or has made more durable. Written down with some record soon: an older position only
        makes the check weaker.
        """
        self._known[node] = peer
        noted = self._noted.get(node)
        is_same = noted is not None and (noted.identity, noted.since_epoch) == (peer.identity, peer.since_epoch)
        if noted is None or not is_same or peer.position - noted.position >= NOTED_EVERY:
            self._noted[node] = peer
            self._note({peer_key(node): peer})
