"""The two frames that nearly all traffic consists of (RFC 6455, section 5.2), made and read without Autobahn's help.

A server's message in one frame is a head and the payload as it is. A client's is a head, four bytes of mask and the
payload under it; one that came whole and alone is read here, and whatever else came is Autobahn's to judge.
"""

BINARY = 0x82
TEXT = 0x81
"""First byte of a whole message in one frame."""
MASKED = 0x80
LENGTH_16 = 126
LENGTH_64 = 127
"""In place of a length: it follows in two, or in eight, bytes."""
MASK_BYTES = 4


def message_head(payload_bytes: int, *, binary: bool) -> bytes:
    """What stands before a server's message of that length."""
    kind = BINARY if binary else TEXT
    if payload_bytes < LENGTH_16:
        return bytes((kind, payload_bytes))
    if payload_bytes < 1 << 16:
        return bytes((kind, LENGTH_16)) + payload_bytes.to_bytes(2, "big")
    return bytes((kind, LENGTH_64)) + payload_bytes.to_bytes(8, "big")


def unmasked_message(data: bytes) -> bytes | None:
    """The payload, where `data` is exactly one binary message of less than 64 KiB in one masked frame; else None."""
    if len(data) < 2 + MASK_BYTES or data[0] != BINARY or not data[1] & MASKED:
        return None
    length, start = data[1] ^ MASKED, 2
    if length == LENGTH_16:
        length, start = int.from_bytes(data[2:4], "big"), 4
        if length < LENGTH_16:
            return None
    elif length == LENGTH_64:
        return None
    masked = data[start + MASK_BYTES :]
    if len(masked) != length:
        return None
    mask = (data[start : start + MASK_BYTES] * (length // MASK_BYTES + 1))[:length]
    return (int.from_bytes(masked, "little") ^ int.from_bytes(mask, "little")).to_bytes(length, "little")
