"""One batch of the journal as a row: its form, and the chain of checksums that ties it to the batch before it.

The checksum is BLAKE2b-128 over the checksum of the batch before, this batch's positions, instant, touched stores,
wake-ups and facts (which version 1 had not), and its payload, the MessagePack form of its entries. A fact, which stays
when its batch is cut off, has one of its own: the CRC-32 of its key and its JSON.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from auction.state import StoreId
from shardnode.storage.port import Append, Entry

BATCH_VERSION = 2
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
    if not 1 <= row["version"] <= BATCH_VERSION:
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
            "facts": _facts_text(append.facts) if append.facts else "{}",
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


def facts_of(rows: Iterable[Sequence[Any]]) -> dict[str, bytes]:
    """Key → JSON, of rows of key, JSON and checksum; raises BatchDamaged."""
    facts = {}
    for key, text, checksum in rows:
        facts[key] = value = text.encode()
        if _fact_checksum(key, value) != checksum:
            raise BatchDamaged(f"the fact {key!r} does not fit its checksum")
    return facts


def _facts_text(facts: Mapping[str, msgspec.Struct | None]) -> str:
    checked: dict[str, tuple[msgspec.Raw, int] | None] = {}
    for key, fact in facts.items():
        value = None if fact is None else _encode_json(fact)
        checked[key] = None if value is None else (msgspec.Raw(value), _fact_checksum(key, value))
    return _encode_json(checked).decode()


def _fact_checksum(key: str, value: bytes) -> int:
    return zlib.crc32(value, zlib.crc32(key.encode()))


def _checksum(row: Mapping[Any, Any]) -> bytes:
    head = [row["version"], row["first_position"], row["last_position"], row["now_ms"], row["touched"], row["wakeups"]]
    if row["version"] > 1:
        head.append(row["facts"])
    digest = blake2b(row["previous_checksum"], digest_size=CHECKSUM_BYTES)
    digest.update(_encode(head))
    digest.update(row["payload"])
    return digest.digest()
