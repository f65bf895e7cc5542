"""Quotes: what so many pieces cost, or bring, promised for a while and written down nowhere.

A quote's id is the promise itself under the house's seal, for one player alone: no other player's quote can be used,
and none made up. What was promised is held to when the quote is used: the order is filled whole, never for worse than
`total`, or not at all.
"""

import base64
import functools
import hashlib
import struct

import msgspec

from auction.context import Context
from auction.ids import SEAL_BYTES
from auction.state import OrderSide

QUOTE_S = 30
"""How long a quote can be used."""
QUOTES_USED_MAX = 1_000
"""How many quotes a player may use within QUOTE_S: each is remembered until it would have expired."""

_PACKED = struct.Struct(">?4sQQQ4s")
"""Side, commodity, quantity, total, expiry, and a salt that tells two quotes of one instant apart."""


class Quote(msgspec.Struct, frozen=True, gc=False):
    """A promise: `total` is the most that a buyer pays for all, the least that a seller gets before the fee."""

    commodity: str
    side: OrderSide
    quantity: int
    total: int
    expires_at_ms: int
    salt: bytes
    """4 bytes."""


def promise(commodity: str, side: OrderSide, quantity: int, total: int, context: Context) -> Quote:
    """A new quote."""
    salt = context.random_int(0, 2**32 - 1).to_bytes(4, "big")
    return Quote(commodity, side, quantity, total, context.now_ms + QUOTE_S * 1000, salt)


def quote_id(quote: Quote, player: str, context: Context) -> str:
    """60 characters that only this house writes, and only for this quote and player."""
    packed = _PACKED.pack(
        quote.side == "buy",
        _mark(quote.commodity),
        quote.quantity,
        quote.total,
        quote.expires_at_ms,
        quote.salt,
    )
    seal = context.seal(b"quote/%s/%s/%s" % (player.encode(), quote.commodity.encode(), packed))
    return base64.urlsafe_b64encode(packed + seal).decode()


def read_quote(text: str, player: str, context: Context) -> Quote | None:
    """The quote of an id; None for one that this player was never given, or for a commodity that is no more."""
    try:
        data = base64.urlsafe_b64decode(text)
    except ValueError:
        return None
    if len(data) != _PACKED.size + SEAL_BYTES:
        return None
    is_buy, mark, quantity, total, expires_at_ms, salt = _PACKED.unpack(data[: _PACKED.size])
    for commodity in context.catalog.commodities:
        if _mark(commodity) == mark:
            quote = Quote(commodity, "buy" if is_buy else "sell", quantity, total, expires_at_ms, salt)
            if quote_id(quote, player, context) == text:
                return quote
    return None


@functools.lru_cache(4096)
def _mark(commodity: str) -> bytes:
    """4 bytes that stand for a commodity in every version of the world."""
    return hashlib.blake2b(commodity.encode(), digest_size=4).digest()
