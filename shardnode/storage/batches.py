"""One batch of the journal as a row: its form, and the chain of checksums that ties it to the batch before it.

The checksum is BLAKE2b-128 over the checksum of the batch before, this batch's positions, instant, touched stores and
wake-ups, and its payload, the MessagePack form of its entries.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import msgspec

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


def entries_of(row: Mapping[Any, Any]) -> list[Entry]:
    """The entries of a batch; raises BatchDamaged, also for a version that this program does not know."""
    if row["version"] != BATCH_VERSION:
        raise BatchDamaged(f"record {row['last_position']} has version {row['version']}; known is {BATCH_VERSION}")
    if _checksum(row) != row["checksum"]:
        raise BatchDamaged(f"the records up to {row['last_position']} do not fit their checksum")
    return _decode_entries(row["payload"])


class Chain:
    """The end of a journal: what the next batch has to follow."""

    def __init__(self, position: int, checksum: bytes, now_ms: int) -> None:
        self.position = position
        self.checksum = checksum
        self.now_ms = now_ms

    def row(self, append: Append, touched: dict[StoreId, int]) -> dict[str, Any]:
        """The row of a batch that follows, as parameters for its insert."""
        entries = append.entries
        row = {
            "last_position": entries[-1].position,
            "first_position": entries[0].position,
            "version": BATCH_VERSION,
            "now_ms": max(self.now_ms, append.now_ms),
            "previous_checksum": self.checksum,
            "touched": _encode_json(touched).decode(),
            "wakeups": _encode_json(append.wakeups).decode(),
            "payload": _encode(entries),
        }
        assert row["first_position"] == self.position + 1 and row["last_position"] == self.position + len(entries), row
        row["checksum"] = _checksum(row)
        return row

    def follow(self, row: Mapping[Any, Any]) -> None:
        """Go on to the batch that follows; raises BatchDamaged where this row is not that batch."""
        first = row["first_position"]
        if first != self.position + 1 or row["previous_checksum"] != self.checksum:
            raise BatchDamaged(f"the journal breaks off after record {self.position}; {first} does not follow it")
        self.position, self.checksum, self.now_ms = row["last_position"], row["checksum"], row["now_ms"]


def touched_in(row: Mapping[Any, Any]) -> dict[StoreId, int]:
    """What `touched_by` said when the batch was made; raises msgspec.MsgspecError."""
    return _decode_touched(row["touched"])


def _checksum(row: Mapping[Any, Any]) -> bytes:
    head = (row["version"], row["first_position"], row["last_position"], row["now_ms"], row["touched"], row["wakeups"])
    digest = blake2b(row["previous_checksum"], digest_size=CHECKSUM_BYTES)
    digest.update(_encode(head))
    digest.update(row["payload"])
    return digest.digest()
