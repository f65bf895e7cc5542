"""The facts that a node keeps of transfers, of its peers and of what is frozen.

    transfer/<sender>/<to>/<life>/<number>    Unsent    gold or goods that left a store here for one on another node
    peer/<node>                               Peer      what another node was when it was accepted
    freezes                                   Freezes   what is frozen, as far as it is known (`auction.freezes`)

Those of trades are in `shardnode.agreement.facts`.
"""

import msgspec

from auction.state import StoreId

TRANSFERS = "transfer/"
PEERS = "peer/"
FREEZES = "freezes"


class Unsent(msgspec.Struct, frozen=True, gc=False):
    """A transfer from a store here to a store of another node, kept until that node says that it has taken it in."""

    life: int
    """Of the receiving store, when it was sent."""
    event: bytes
    """The TransferSent, as `auction.events.encode_events` writes it alone."""


class Peer(msgspec.Struct, frozen=True, gc=False):
    """Another node as it was known last; one that is not the same, or knows less, is refused."""

    identity: str
    """Of its data directory."""
    since_epoch: int
    """The epoch in which that directory joined."""
    position: int
    """The highest position of its journal that it acknowledged anything at."""


def transfer_key(sender: StoreId, to: StoreId, life: int, number: int) -> str:
    """Key of an Unsent: `life` is the receiver's, `number` the transfer's among those of this pair of stores."""
    return f"{TRANSFERS}{sender}/{to}/{life}/{number}"


def sender_of(key: str) -> StoreId:
    """The store that sent what is kept under a `transfer_key`."""
    return key.removeprefix(TRANSFERS).split("/", 1)[0]


def peer_key(node: str) -> str:
    """Key of a Peer."""
    return f"{PEERS}{node}"
