"""What nodes say to one another, besides the agreement's messages, and the frame that carries them.

A frame is one turn's messages to one node, under the sender's map: `[map version, epoch, [message, …]]`, MessagePack.
"""

import msgspec

from auction.freezes import Freezes
from auction.sales import Sale
from auction.state import Listing, Notice
from shardnode.agreement import messages as agreement
from shardnode.wire.events import ListingsMatched, Price, PriceMatched


class Ask(msgspec.Struct, frozen=True, array_like=True, tag="ask"):
    """A caller's request, one hop on its way to its home. Answered by Answered or Faulted with the same number."""

    number: int
    player: str
    role: str
    method: str
    """The protocol's name of it."""
    params: msgspec.Raw
    own_key: str


class Answered(msgspec.Struct, frozen=True, array_like=True, tag="answered"):
    """The answer: MessagePack of a result, or of a Refusal where `refused`."""

    number: int
    refused: bool
    body: bytes


class Faulted(msgspec.Struct, frozen=True, array_like=True, tag="faulted"):
    """No answer of the rules: a fault of `shardnode.wire.errors`, by its reason."""

    number: int
    reason: str
    message: str
    figures: dict[str, int | str | None]


class TellKey(msgspec.Struct, frozen=True, array_like=True, tag="tell-key"):
    """A client was told that a mutation forwarded under a key of a node's own is in doubt; keep the key."""

    store: str
    """The one that has the key, or may come to have it."""
    key: str
    """As the store has it."""


class Transfer(msgspec.Struct, frozen=True, array_like=True, tag="transfer"):
    """Gold or goods from a store here to a store there; sent again until TransferDone. `event` is a TransferSent."""

    sender: str
    life: int
    """Of the sender: its node's `since_epoch`."""
    receiver_life: int
    event: bytes
    number: int
    to: str


class TransferDone(msgspec.Struct, frozen=True, array_like=True, tag="transfer-done", gc=False):
    """All transfers from `sender` to `to` up to `number` are taken in, durably, in that life of the receiver."""

    sender: str
    to: str
    receiver_life: int
    number: int


class Attach(msgspec.Struct, frozen=True, array_like=True, tag="attach", gc=False):
    """A player has a session here: push to this node what it is told. Repeated after a cut; answered by Attached."""

    player: str


class Attached(msgspec.Struct, frozen=True, array_like=True, tag="attached", gc=False):
    """The player's latest seq; every later notice will be pushed."""

    player: str
    seq: int


class Detach(msgspec.Struct, frozen=True, array_like=True, tag="detach", gc=False):
    """The player has no session here any more."""

    player: str


class Push(msgspec.Struct, frozen=True, array_like=True, tag="push"):
    """Something a player was told."""

    player: str
    notice: Notice


class Matched(msgspec.Struct, frozen=True, array_like=True, tag="matched"):
    """Something that a player watches has come: one of the two. It is not numbered, and may be lost."""

    player: str
    listings: ListingsMatched | None = None
    price: PriceMatched | None = None


class Prices(msgspec.Struct, frozen=True, array_like=True, tag="prices"):
    """The latest trades in markets of the sender: of those just now, or, on a new link, of all since its start."""

    prices: tuple[Price, ...]


class FeedFrom(msgspec.Struct, frozen=True, array_like=True, tag="feed-from", gc=False):
    """Subscribe to the receiver's open listings: what changed after `position` of its start `start`, or all of them."""

    start: int
    """The incarnation whose positions the subscriber knows; 0 for none."""
    position: int


class FeedPage(msgspec.Struct, frozen=True, array_like=True, tag="feed-page"):
    """A page of a snapshot: the open listings there were at `position`, or as they are since, and then what was sold
    lately. The subscriber asks for the next with FeedNext.

    With page number 0 a new snapshot begins, with `last` it is whole: what is not in it, nor came after it, is over.
    """

    start: int
    position: int
    number: int
    rows: tuple[Listing, ...]
    last: bool
    sales: tuple[Sale, ...] = ()


class FeedNext(msgspec.Struct, frozen=True, array_like=True, tag="feed-next", gc=False):
    """The pages before `number` were taken in: send that one, if there is one."""

    start: int
    position: int
    number: int


class FeedChanges(msgspec.Struct, frozen=True, array_like=True, tag="feed-changes"):
    """Rows that changed after `after` up to `position`; a subscriber that is not at `after` has a gap and asks anew.

    Sent also without rows, now and then, so that a quiet origin is known from a cut one.
    """

    start: int
    after: int
    position: int
    rows: tuple[Listing, ...]


class Frozen(msgspec.Struct, frozen=True, array_like=True, tag="frozen"):
    """What the sender knows to be frozen; of two versions the higher one is true."""

    freezes: Freezes


PeerMessage = (
    agreement.Message
    | Ask
    | Answered
    | Faulted
    | TellKey
    | Transfer
    | TransferDone
    | Attach
    | Attached
    | Detach
    | Push
    | Matched
    | Prices
    | FeedFrom
    | FeedPage
    | FeedNext
    | FeedChanges
    | Frozen
)


class Frame(msgspec.Struct, frozen=True, array_like=True):
    """One turn's messages."""

    version: int
    epoch: int
    messages: list[PeerMessage]
