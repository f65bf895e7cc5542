"""One batch of the journal as a row: its form, and the chain of checksums that ties it to the batch before it.

The checksum is BLAKE2b-128 over the checksum of the batch before, this batch's positions, instant, touched stores and
wake-ups, and its payload, the MessagePack form of its entries.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import msgspec
from sqlalchemy import RowMapping

from auction.state import StoreId
from shardnode.storage.port import Append, Entry

BATCH_VERSION = 1
CHECKSUM_BYTES = 16

_encode = msgspec.msgpack.Encoder().encode
_encode_json = msgspec.json.Encoder().encode
_decode_entries = msgspec.msgpack.Decoder(list[Entry]).decode
_decode_touched = msgspec.json.Decoder(dict[StoreId, int]).decode


class BatchDamaged(Exception):
    """A batch is not what was written, or not the one that follows."""


def touched_by(entries: list[Entry]) -> dict[StoreId, int]:
    """Each store in some entries, with its last position in them."""
    touched: dict[StoreId, int] = {}
    for entry in entries:
        touched.update(dict.fromkeys(entry.events, entry.position))
    return touched


def make(append: Append, touched: dict[StoreId, int], now_ms: int, previous_checksum: bytes) -> dict[str, Any]:
    """The row of a batch, as parameters for its insert."""
    entries = append.entries
    row = {
        "last_position": entries[-1].position,
        "first_position": entries[0].position,
        "version": BATCH_VERSION,
        "now_ms": now_ms,
        "previous_checksum": previous_checksum,
        "touched": _encode_json(touched).decode(),
        "wakeups": _encode_json(append.wakeups).decode(),
        "payload": _encode(entries),
    }
    row["checksum"] = _checksum(row)
    return row


def entries_of(row: RowMapping) -> list[Entry]:
    """The entries of a batch; raises BatchDamaged, also for a version that this program does not know."""
    if row["version"] != BATCH_VERSION:
        raise BatchDamaged(f"record {row['last_position']} has version {row['version']}; known is {BATCH_VERSION}")
    if _checksum(row) != row["checksum"]:
        raise BatchDamaged(f"the records up to {row['last_position']} do not fit their checksum")
    return _decode_entries(row["payload"])


def follow(position: int, checksum: bytes, row: RowMapping) -> dict[StoreId, int]:
    """What the batch after `position` touches; raises BatchDamaged where this row is not that batch."""
    if row["first_position"] != position + 1 or row["previous_checksum"] != checksum:
        raise BatchDamaged(
            f"the journal breaks off after record {position}; {row['first_position']} does not follow it"
        )
    return _decode_touched(row["touched"])


def _checksum(row: Mapping[Any, Any]) -> bytes:
    head = (row["version"], row["first_position"], row["last_position"], row["now_ms"], row["touched"], row["wakeups"])
    digest = blake2b(row["previous_checksum"], digest_size=CHECKSUM_BYTES)
    digest.update(_encode(head))
    digest.update(row["payload"])
    return digest.digest()
