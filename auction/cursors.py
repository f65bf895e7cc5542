"""Paging: a cursor is the last thing of a page, bound to the query that it continues.

`limit` may change between pages; any other difference makes the cursor another query's. Cursors of the stores and of
the catalog hold no state and never expire.
"""

import hashlib

import msgspec

from auction.commands import ListBases, ListDeliveries, ListInventory, ListOffers, MyBids, MyListings, MyOrders
from auction.refusals import Refusal

Paged = ListBases | ListInventory | MyListings | MyBids | ListDeliveries | MyOrders | ListOffers
"""The queries that these cursors continue."""

_deterministic = msgspec.msgpack.Encoder(order="deterministic")


def cursor(query: Paged, last: str | int) -> str:
    """The cursor that continues a query after `last`."""
    return f"{_mark(query)}.{last}"


def text_after(query: Paged) -> str | Refusal | None:
    """Where to continue, as text; None for the first page."""
    if query.cursor is None:
        return None
    mark, _, last = query.cursor.partition(".")
    return last if mark == _mark(query) and last else Refusal("cursor_mismatch")


def number_after(query: Paged) -> int | Refusal | None:
    """Where to continue, as a number; None for the first page."""
    last = text_after(query)
    if not isinstance(last, str):
        return last
    return int(last) if last.isascii() and last.isdecimal() and len(last) <= 16 else Refusal("cursor_mismatch")


def _mark(query: Paged) -> str:
    """8 hex digits that tell queries apart."""
    named = f"{type(query).__name__}\n".encode()
    asked = _deterministic.encode(msgspec.structs.replace(query, cursor=None, limit=1))
    return hashlib.blake2b(named + asked, digest_size=4).hexdigest()
