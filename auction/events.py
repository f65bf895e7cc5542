"""What can happen to a store: the events, the only thing that is ever journaled.

An event carries every id, instant and rule value that it needs; `evolve` reads nothing else but the store's own state.
The tag of each class ends in the version of its form: a changed form gets a new class with a new tag, and the old one
stays readable; a form may only grow by a last field with a default, which older bytes do without. Amounts are whole
gold or pieces, instants milliseconds since the epoch.

A record of the journal maps store ids to event lists; `encode_events` and `decode_events` are their durable form.
"""

import msgspec

from auction.house_state import Freeze
from auction.market.events import (
    CancelIn,
    CancelSent,
    FillDelivered,
    MarketOpened,
    OrderDone,
    OrderEnded,
    OrderFilled,
    OrderIn,
    OrderMatched,
    OrderRemoved,
    OrderRested,
    OrderSent,
    PurchaseCounted,
)
from auction.offers.events import OfferClosed, OfferEnded, OfferForgotten, OfferMade, OfferPaid, OfferReceived
from auction.state import (
    AuditEntry,
    DeliveryKind,
    Item,
    Listing,
    ListingState,
    Notice,
    PreparedLeg,
    StoreId,
    Watch,
)


class StoreOpened(msgspec.Struct, frozen=True, array_like=True, tag="store-opened.1", gc=False):
    """The first event of every player's store: who owns it."""

    player: str
    store: StoreId
    life: int = 1
    at_ms: int = 0


class Granted(msgspec.Struct, frozen=True, array_like=True, tag="granted.1"):
    """Gold and goods entered the house, straight into wallet and stash."""

    gold: int
    items: tuple[Item, ...]
    commodities: dict[str, int]
    at_ms: int


class Taken(msgspec.Struct, frozen=True, array_like=True, tag="taken.1"):
    """Gold and goods left the house for good, out of wallet and stash."""

    gold: int
    items: tuple[str, ...]
    commodities: dict[str, int]
    at_ms: int


class ListingCreated(msgspec.Struct, frozen=True, array_like=True, tag="listing-created.1"):
    """An item left the stash, and the deposit the wallet, both into escrow with the new listing."""

    listing: Listing


class BidTaken(msgspec.Struct, frozen=True, array_like=True, tag="bid-taken.1", gc=False):
    """In the seller's store: a bid was accepted; it leads now, led already and was raised, or only moved the price.

    `leader_max` gold is held from here on. What the former leader had here leaves by a TransferSent of the same record.
    """

    listing: str
    leader: str
    leader_max: int
    price: int
    bids: int
    ends_at_ms: int
    at_ms: int


class ListingClosed(msgspec.Struct, frozen=True, array_like=True, tag="listing-closed.1", gc=False):
    """In the seller's store: the listing ended, with everything that its escrow burns.

    The item leaves by a TransferSent (sold) or a DeliveryMade (returned) of the same record, and so does the gold that
    is not burned: `fee` and `deposit_burned` are burned, `received` gold came in with a buyout.
    """

    listing: str
    state: ListingState
    price: int | None
    buyer: str | None
    received: int
    fee: int
    deposit_burned: int
    at_ms: int


class DeliveryMade(msgspec.Struct, frozen=True, array_like=True, tag="delivery-made.1"):
    """Goods or gold that were in escrow, or came by a transfer, wait to be claimed."""

    delivery: str
    kind: DeliveryKind
    gold: int
    items: tuple[Item, ...]
    commodities: dict[str, int]
    listing: str | None
    at_ms: int


class DeliveryClaimed(msgspec.Struct, frozen=True, array_like=True, tag="delivery-claimed.1", gc=False):
    """What waited is in wallet and stash."""

    delivery: str
    at_ms: int


class BidPlaced(msgspec.Struct, frozen=True, array_like=True, tag="bid-placed.1", gc=False):
    """In the bidder's store: a bid was accepted; `held` gold left the wallet for the listing's escrow.

    `held` is the whole maximum of a new leader, the difference of a raise, and 0 where `winning` is False.
    """

    listing: str
    amount: int
    held: int
    winning: bool
    at_ms: int


class BuyoutPaid(msgspec.Struct, frozen=True, array_like=True, tag="buyout-paid.1", gc=False):
    """In the buyer's store: `paid` gold left the wallet for the seller; a leader's own bid was part of the price."""

    listing: str
    paid: int
    at_ms: int


class Refund(msgspec.Struct, frozen=True, array_like=True, tag="refund.1", gc=False):
    """Transfer to a bidder who no longer leads, or won for less: gold back from a listing."""

    listing: str
    gold: int
    outbid: bool
    """Whether somebody else leads now at `price`; otherwise the listing was bought out (or won) and is over."""
    price: int
    min_bid: int | None


class Goods(msgspec.Struct, frozen=True, array_like=True, tag="goods.1"):
    """Transfer to who bought or won a listing: its item, at `price`; `refund` is the rest of a winner's maximum."""

    listing: str
    kind: DeliveryKind
    item: Item
    price: int
    refund: int


Payload = Refund | Goods | OrderIn | CancelIn | OrderDone | OrderFilled | OrderEnded | OfferClosed
"""What a transfer carries."""


class TransferSent(msgspec.Struct, frozen=True, array_like=True, tag="transfer-sent.1"):
    """Gold or goods left for another store, which cannot refuse them."""

    to: StoreId
    number: int
    payload: Payload
    at_ms: int
    life: int = 1
    """Of the store `to`; numbers count per life."""


class TransferTaken(msgspec.Struct, frozen=True, array_like=True, tag="transfer-taken.1"):
    """Gold or goods of another store came in: the mark moves, wallet and bids follow.

    `to_wallet` gold entered the wallet by itself; gold that did not fit, and goods, wait in a DeliveryMade of the same
    record.
    """

    sender: StoreId
    number: int
    payload: Payload
    to_wallet: int
    at_ms: int
    life: int = 1
    """Of the store `sender`."""
    to_stash: int = 0
    """Pieces of a commodity that entered the stash by themselves: those of an order that the market did not take."""


class LegPrepared(msgspec.Struct, frozen=True, array_like=True, tag="leg-prepared.1"):
    """A store promised its side of a trade between nodes: the listing is locked, `row.held` gold left the wallet."""

    row: PreparedLeg


class LegSettled(msgspec.Struct, frozen=True, array_like=True, tag="leg-settled.1", gc=False):
    """The trade was decided: the lock is gone and the gold held is in the wallet again.

    What a commit does beyond that are the same record's other events.
    """

    trade: str
    commit: bool
    at_ms: int


class WatchMade(msgspec.Struct, frozen=True, array_like=True, tag="watch-made.1"):
    """The player wants to hear of something."""

    watch: Watch


class WatchDropped(msgspec.Struct, frozen=True, array_like=True, tag="watch-dropped.1", gc=False):
    """The player does not any more."""

    watch: str


class CooldownBegun(msgspec.Struct, frozen=True, array_like=True, tag="cooldown-begun.1", gc=False):
    """Items that were just bought cannot be listed before `until_ms`."""

    items: tuple[str, ...]
    until_ms: int
    at_ms: int


class HouseOpened(msgspec.Struct, frozen=True, array_like=True, tag="house-opened.1", gc=False):
    """The first event of the house's own store."""

    store: StoreId
    life: int


class Frozen(msgspec.Struct, frozen=True, array_like=True, tag="frozen.1", gc=False):
    """In the house's store: something is not traded from now on, or under other terms than before."""

    freeze: Freeze


class Thawed(msgspec.Struct, frozen=True, array_like=True, tag="thawed.1", gc=False):
    """In the house's store: it is traded again."""

    freeze: str
    at_ms: int


class Audited(msgspec.Struct, frozen=True, array_like=True, tag="audited.1"):
    """Something that is kept for those who look after the house."""

    entry: AuditEntry


class Noticed(msgspec.Struct, frozen=True, array_like=True, tag="noticed.1"):
    """The player is to be told something."""

    notice: Notice


class Answered(msgspec.Struct, frozen=True, array_like=True, tag="answered.1", gc=False):
    """A mutation was executed under a key; a repeat gets this answer. Fields as in `state.Key`."""

    key: str
    fingerprint: bytes
    refused: bool
    answer: bytes
    at_ms: int
    untold: bool


class KeyTold(msgspec.Struct, frozen=True, array_like=True, tag="key-told.1", gc=False):
    """A key that the node gave by itself was told to the client (`in_doubt`) and is kept from here on."""

    key: str
    at_ms: int


class KeysForgotten(msgspec.Struct, frozen=True, array_like=True, tag="keys-forgotten.1", gc=False):
    """Keys used before `before_ms` are no longer remembered."""

    before_ms: int


Event = (
    StoreOpened
    | Granted
    | Taken
    | ListingCreated
    | BidTaken
    | ListingClosed
    | DeliveryMade
    | DeliveryClaimed
    | BidPlaced
    | BuyoutPaid
    | TransferSent
    | TransferTaken
    | LegPrepared
    | LegSettled
    | OrderSent
    | CancelSent
    | PurchaseCounted
    | FillDelivered
    | MarketOpened
    | OrderMatched
    | OrderRested
    | OrderRemoved
    | OfferMade
    | OfferReceived
    | OfferEnded
    | OfferPaid
    | OfferForgotten
    | WatchMade
    | WatchDropped
    | CooldownBegun
    | HouseOpened
    | Frozen
    | Thawed
    | Audited
    | Noticed
    | Answered
    | KeyTold
    | KeysForgotten
)

Record = dict[StoreId, list[Event]]
"""What one decision did, store by store: the unit of atomicity."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Event])


def encode_events(events: list[Event]) -> bytes:
    """Durable form of one store's part of a record."""
    return _encoder.encode(events)


def decode_events(data: bytes) -> list[Event]:
    """Read what `encode_events` wrote; raises msgspec.ValidationError on anything else, an unknown version included."""
    return _decoder.decode(data)
