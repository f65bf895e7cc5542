"""What the database answers, as the protocol shows it."""

import re
from typing import Any

import msgspec

from auction.results import DeliveryView, ListingView
from auction.state import Item

_ID = re.compile(r"([a-z])([1-9][0-9]{0,17})\Z")
item_of = msgspec.json.Decoder(Item).decode
"""An item by its document."""

NO_NUMBER = 0
"""Of an id that was never given; no row has it."""


def name(letter: str, number: int) -> str:
    """The id of the `number`-th thing of a kind."""
    return f"{letter}{number}"


def number_of(text: str, letter: str) -> int:
    """The number in an id of that kind, NO_NUMBER for any other text."""
    match = _ID.match(text)
    return int(match[2]) if match is not None and match[1] == letter else NO_NUMBER


class ListingRow(msgspec.Struct, frozen=True, array_like=True):
    """A listing as it is read and cached: what all viewers see of it, and by what each sees his part."""

    listing: int
    version: int
    seller: str
    leader: str | None
    document: str
    state: str
    start_bid: int | None
    buyout: int | None
    price: int | None
    min_bid: int | None
    bids: int
    created_at_ms: int
    ends_at_ms: int

    def view(self, viewer: str) -> ListingView:
        """The protocol's Listing."""
        return ListingView(
            listing=f"l{self.listing}",
            item=item_of(self.document),
            state=self.state,  # type: ignore[arg-type]  # a text in the database, where only our functions write it
            start_bid=self.start_bid,
            buyout=self.buyout,
            price=self.price,
            min_bid=self.min_bid,
            bids=self.bids,
            created_at_ms=self.created_at_ms,
            ends_at_ms=self.ends_at_ms,
            mine=self.seller == viewer,
            winning=self.leader == viewer,
        )


COLUMNS = ", ".join(ListingRow.__struct_fields__)


class Command(msgspec.Struct, frozen=True):
    """Who asks for a trade on which listing, when, and under which key."""

    player: str
    listing: int
    now_ms: int
    key: str | None
    fingerprint: bytes | None


class Trade(msgspec.Struct, frozen=True):
    """What comes of a trade: the type `trade` of schema.sql."""

    reason: str | None
    figure: int | None = None
    row: ListingRow | None = None
    """None where the trade was refused without a look at the listing, or there was none."""
    former: str | None = None
    former_seq: int | None = None
    buyer_seq: int | None = None
    seller_seq: int | None = None
    refund: int | None = None
    goods: int | None = None
    proceeds: int | None = None
    gold: int | None = None

    def record(self) -> tuple[object, ...]:
        """As the database takes it; `trade_of` reads it."""
        reason, figure, row, *told = msgspec.structs.astuple(self)
        return (reason, figure, *msgspec.structs.astuple(row), *told)


_BEFORE, _AFTER = 2, 2 + len(ListingRow.__struct_fields__)


def trade_of(record: Any) -> Trade:
    """One record of the type `trade`."""
    row = ListingRow(*record[_BEFORE:_AFTER]) if record[_BEFORE] is not None else None
    return Trade(record[0], record[1], row, *record[_AFTER:])


def delivery_view(record: Any) -> DeliveryView:
    """A row of `deliveries` as the protocol's Delivery."""
    return DeliveryView(
        delivery=name("d", record["delivery"]),
        kind=record["kind"],
        gold=record["gold"],
        items=[item_of(record["document"])] if record["document"] is not None else [],
        commodities={},
        listing=name("l", record["listing"]) if record["listing"] is not None else None,
        at_ms=record["at_ms"],
    )
