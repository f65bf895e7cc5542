"""Open listings as bytes: as an index holds them by the million.

As objects a listing takes more than a kilobyte and keeps the garbage collector busy; packed it takes a fifth. The
version comes first, so that it can be told without unpacking; the rest is MessagePack of the fields in their order.
"""

from typing import Any

import msgspec

from auction.state import Item, Listing, ListingRules

VERSION_BYTES = 8

_ITEM = Listing.__struct_fields__.index("item")
_RULES = Listing.__struct_fields__.index("rules")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Any]).decode
_fields = msgspec.structs.astuple


def pack(row: Listing) -> bytes:
    """A listing's row as bytes."""
    fields = list(_fields(row))
    fields[_ITEM] = _fields(row.item)
    fields[_RULES] = _fields(row.rules)
    return row.version.to_bytes(VERSION_BYTES, "big") + _encode(fields)


def unpack(packed: bytes) -> Listing:
    """The row that was packed."""
    fields = _decode(memoryview(packed)[VERSION_BYTES:])
    fields[_ITEM] = Item(*fields[_ITEM])
    fields[_RULES] = ListingRules(*fields[_RULES])
    return Listing(*fields)


def version_of(packed: bytes) -> int:
    """The version of a packed row."""
    return int.from_bytes(packed[:VERSION_BYTES], "big")
