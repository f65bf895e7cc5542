"""Sales: what listings were sold for, and when, as long as it says what a thing goes for."""

import hashlib

import msgspec

from auction.state import Listing
from worlddata.types import DAY_S, MAX_AMOUNT

SALES_KEPT_MS = DAY_S * 1000
"""How long a sale counts."""
MARK_BYTES = 8


class Sale(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One listing that was sold. `mark` stands for its id, so that a sale is counted once, however often it is told."""

    mark: int
    """Of 63 bits, from BLAKE2b of the listing's id."""
    base: str
    price: int
    """What was paid, in gold."""
    at_ms: int


def is_sound(sale: Sale) -> bool:
    """Whether a sale's numbers are such as a sale can have; what a peer sends may be anything."""
    return 0 <= sale.mark < 1 << 63 and 0 <= sale.price <= MAX_AMOUNT and 0 <= sale.at_ms <= MAX_AMOUNT


def sale_of(row: Listing) -> Sale | None:
    """The sale that a listing ended with; None for any other end, and for one whose instant was not kept."""
    if row.state != "sold" or row.price is None or row.ended_at_ms is None:
        return None
    digest = hashlib.blake2b(row.listing.encode(), digest_size=MARK_BYTES).digest()
    return Sale(int.from_bytes(digest, "big") >> 1, row.item.base, row.price, row.ended_at_ms)
