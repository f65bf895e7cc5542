"""What attackers send: values of every kind, requests that are nearly right, frames and bytes that are not."""

import json
import struct
from typing import Any

import msgpack
from hypothesis import strategies as st

from tests.conformance.client import JSON, Encoding
from tests.conformance.contract import REQUIRED
from tests.conformance.websocket import frame

PLACEHOLDERS = (
    "@listing",
    "@innocent's listing",
    "@own listing",
    "@sold",
    "@item",
    "@own item",
    "@delivery",
    "@player",
    "@self",
    "@base",
    "@commodity",
    "@order",
    "@offer",
    "@cursor",
)
"""Replaced by real names of the house before they are sent."""
EDGES = [0, 1, -1, 5, 2**31 - 1, 2**31, 2**32, 2**53 - 1, 2**53, 2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), 10**30]

TEXT = st.text(max_size=12)  # lone surrogates included
NUMBERS = st.sampled_from(EDGES) | st.integers(-(2**70), 2**70) | st.floats()
LEAVES = (
    st.none()
    | st.booleans()
    | NUMBERS
    | TEXT
    | st.sampled_from([*PLACEHOLDERS, "", "x" * 100, "stat:x", "desc", "open", "\0", "-0", "NaN", "1"])
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["min", "max", "stat", "base", *PLACEHOLDERS]) | TEXT, inner, max_size=4)
    ),
    max_leaves=10,
)
# What may stand where, so that attackers get past the door; now and then something else does.
AMOUNTS = st.integers(0, 300) | st.sampled_from([900, 899, 2**31, 2**53 - 2, 2**53 - 1])
LISTINGS = st.sampled_from(["@listing", "@innocent's listing", "@own listing", "@sold", "none"])
PLAYERS = st.sampled_from(["@player", "@self", "nobody", "-"])
BOUNDS = st.dictionaries(st.sampled_from(["min", "max"]), AMOUNTS)
STATS = st.sampled_from(["damage", "precision", "might", "luck", "none"])
LEVELS = st.integers(1, 100)
STAT_VALUES = st.integers(-(2**31), 2**31 - 1) | st.integers(1, 20)
COMMODITIES = st.dictionaries(st.sampled_from(["@commodity", "none"]), AMOUNTS, max_size=2)
COMMODITY = st.sampled_from(["@commodity", "none"])
SIDES = st.sampled_from(["buy", "sell"])
OFFERS = st.sampled_from(["@offer", "none"])
FROZEN = st.sampled_from(["category", "commodity", "player"])
"""Never the house: what innocents do meanwhile is looked at, too."""
OFFERED = st.fixed_dictionaries(
    {},
    optional={
        "gold": AMOUNTS,
        "items": st.lists(st.sampled_from(["@own item", "@item", "none"]), max_size=2),
        "commodities": COMMODITIES,
    },
)
GRANTED = st.fixed_dictionaries(
    {"base": st.just("@base") | st.sampled_from(["none"])},
    optional={
        "rarity": st.sampled_from(["common", "rare", "none"]),
        "level": LEVELS,
        "stats": st.dictionaries(STATS, STAT_VALUES, max_size=3),
        "bound": st.booleans(),
    },
)
PAGING = {"limit": LEVELS, "cursor": st.just("@cursor")}
KEYS = {"key": st.integers(0, 30).map(lambda number: f"key {number}")}
ORDERED = {
    "commodity": COMMODITY,
    "quantity": AMOUNTS,
    "limit_price": AMOUNTS,
    "quote": st.sampled_from(["none", "@cursor"]),
    **KEYS,
}
LIKELY: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "session.login": {"token": TEXT, "redirects": st.booleans()},
    "world.bases": {"category": st.sampled_from(["swords", "none"]), **PAGING},
    "inventory.list": PAGING,
    "listing.create": {
        "item": st.sampled_from(["@own item", "@item", "none"]),
        "start_bid": AMOUNTS,
        "buyout": AMOUNTS,
        "duration_s": st.sampled_from([3600, 43_200, 5]),
        **KEYS,
    },
    "listing.get": {"listing": LISTINGS},
    "listing.mine": {"state": st.sampled_from(["open", "sold", "expired", "cancelled"]), **PAGING},
    "listing.bid": {"listing": LISTINGS, "amount": AMOUNTS, **KEYS},
    "listing.buyout": {"listing": LISTINGS, "price": AMOUNTS, **KEYS},
    "listing.cancel": {"listing": LISTINGS, **KEYS},
    "listing.search": {
        "category": st.sampled_from(["swords", "none"]),
        "base": st.just("@base"),
        "rarity": st.lists(st.sampled_from(["common", "rare"]), max_size=3),
        "level": BOUNDS,
        "price": BOUNDS,
        "stats": st.lists(
            st.fixed_dictionaries({"stat": STATS}, optional={"min": STAT_VALUES, "max": STAT_VALUES}), max_size=3
        ),
        "text": TEXT,
        "buyout_only": st.booleans(),
        "with_market": st.booleans(),
        "score": st.dictionaries(STATS, STAT_VALUES, max_size=3),
        "sort": st.sampled_from(["price", "buyout", "ends_at", "created_at", "level", "score", "stat:might"]),
        "order": st.sampled_from(["asc", "desc"]),
        **PAGING,
    },
    "bids.mine": PAGING,
    "delivery.list": PAGING,
    "delivery.claim": {"delivery": st.sampled_from(["@delivery", "none"]), **KEYS},
    "events.since": {"seq": AMOUNTS, "limit": LEVELS},
    "admin.grant": {
        "player": PLAYERS,
        "gold": AMOUNTS,
        "items": st.lists(GRANTED, max_size=3),
        "commodities": COMMODITIES,
        **KEYS,
    },
    "admin.take": {
        "player": PLAYERS,
        "gold": AMOUNTS,
        "items": st.lists(st.sampled_from(["@item", "@own item", "none"]), max_size=2),
        "commodities": COMMODITIES,
        **KEYS,
    },
    "admin.player": {"player": PLAYERS},
    "commodity.quote": {"commodity": COMMODITY, "side": SIDES, "quantity": AMOUNTS},
    "commodity.buy": ORDERED,
    "commodity.sell": ORDERED,
    "commodity.cancel": {"order": st.sampled_from(["@order", "none"]), **KEYS},
    "commodity.orders": PAGING,
    "commodity.book": {"commodity": COMMODITY, "depth": LEVELS},
    "commodity.history": {"commodity": COMMODITY, "bucket_s": st.sampled_from([60, 3600, 86400, 61]), "limit": LEVELS},
    "offer.make": {"to": PLAYERS, "give": OFFERED, "want": OFFERED, "expires_s": AMOUNTS, **KEYS},
    "offer.accept": {"offer": OFFERS, **KEYS},
    "offer.decline": {"offer": OFFERS, **KEYS},
    "offer.withdraw": {"offer": OFFERS, **KEYS},
    "offer.list": PAGING,
    "watch.create": {
        "query": st.fixed_dictionaries({}, optional={"base": st.just("@base"), "text": TEXT, "price": BOUNDS}),
        "listing": LISTINGS,
        "commodity": COMMODITY,
        **KEYS,
    },
    "watch.delete": {"watch": TEXT, **KEYS},
    "admin.freeze": {"what": FROZEN, "id": st.sampled_from(["@self", "none"]), "claims": st.booleans(), **KEYS},
    "admin.thaw": {"what": FROZEN, "id": st.sampled_from(["@self", "none"]), **KEYS},
}
"""Method → what each of its params may well be."""
NAMES = sorted({name for params in LIKELY.values() for name in params})
METHODS = st.sampled_from(sorted(REQUIRED)) | TEXT
PARAMS = st.dictionaries(st.sampled_from(NAMES) | TEXT, VALUES, max_size=6)


def _plausible(method: str) -> st.SearchStrategy[dict[str, Any]]:
    """Params that a method may take."""
    likely = LIKELY.get(method, {})
    needed = {name: likely[name] for name in REQUIRED[method] if name != "start_bid"}
    optional = {name: value for name, value in likely.items() if name not in needed}
    return st.fixed_dictionaries(needed, optional=optional)


def _nearly_right(method: str) -> st.SearchStrategy[dict[str, Any]]:
    """Such params with one of them spoilt."""
    return st.builds(
        lambda good, bad: {**good, **bad},
        _plausible(method),
        st.dictionaries(st.sampled_from(NAMES) | TEXT, VALUES, min_size=1, max_size=1),
    )


REQUESTS = st.sampled_from(sorted(REQUIRED)).flatmap(
    lambda method: st.tuples(st.just(method), _plausible(method) | _plausible(method) | _nearly_right(method))
) | st.tuples(METHODS, PARAMS | VALUES)
"""Method and params."""
IDS = st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | VALUES
MESSAGES = (
    VALUES
    | st.fixed_dictionaries(
        {},
        optional={
            "jsonrpc": st.just("2.0") | VALUES,
            "id": IDS,
            "method": METHODS | VALUES,
            "params": PARAMS | VALUES,
            "extra": VALUES,
        },
    )
    | st.lists(
        st.builds(lambda request: {"jsonrpc": "2.0", "id": 1, "method": request[0], "params": request[1]}, REQUESTS),
        max_size=4,
    )
)
"""Whole messages of any shape."""


def filled_in(value: Any, real: dict[str, str]) -> Any:
    """A value with the house's own names where placeholders stand."""
    if isinstance(value, str):
        return real.get(value, value)
    if isinstance(value, list):
        return [filled_in(member, real) for member in value]
    if isinstance(value, dict):
        return {real.get(name, name): filled_in(member, real) for name, member in value.items()}
    return value


def encoded(value: Any, encoding: Encoding) -> bytes:
    """A value as a careless client writes it: lone surrogates, NaN and all."""
    if encoding is JSON:
        return json.dumps(value).encode()
    packed: bytes = msgpack.packb(_within_64_bits(value), unicode_errors="surrogatepass")
    return packed


def _within_64_bits(value: Any) -> Any:
    if isinstance(value, list):
        return [_within_64_bits(member) for member in value]
    if isinstance(value, dict):
        return {_within_64_bits(name): _within_64_bits(member) for name, member in value.items()}
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return float(value)
    return value


MSGPACK_ODDITIES = st.sampled_from(
    [
        b"\xc1",  # never used
        b"\xd4\x01x",  # an extension
        b"\xc7\x00\x05",
        b"\xd6\xff\x00\x00\x00\x00",  # a timestamp
        b"\xc4\x02hi",  # bytes
        b"\xdb\xff\xff\xff\xff",  # lengths that nothing follows
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\xa2\xc3\x28",  # text that is not UTF-8
        b"\x81\x01\x02",  # a key that is a number
        b"\x81\x90\x02",  # and one that is an array
        b"\x82\xa1a\x01\xa1a\x02",  # a key twice
        b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00",  # NaN
    ]
)
CUTS = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 8), st.binary(max_size=8) | MSGPACK_ODDITIES), min_size=1, max_size=3
)
"""Where bytes are cut out of a message, how many, and what takes their place."""


def spoilt(payload: bytes, cuts: list[tuple[int, int, bytes]]) -> bytes:
    """A message with other bytes in some places."""
    for place, count, put in cuts:
        start = place % (len(payload) + 1)
        payload = payload[:start] + put + payload[start + count :]
    return payload


def _raw_frame(first: int, masked: bool, claimed: int | None, payload: bytes) -> bytes:
    """A frame of which nothing needs to be right."""
    length = len(payload) if claimed is None else claimed
    mask = 0x80 if masked else 0
    if length < 126:
        head = bytes([first, mask | length])
    elif length < 65_536:
        head = bytes([first, mask | 126]) + struct.pack(">H", length)
    else:
        head = bytes([first, mask | 127]) + struct.pack(">Q", length)
    return head + (bytes(4) if masked else b"") + payload


ODD_LENGTHS = st.sampled_from([0, 1, 125, 126, 127, 65_535, 65_536, 65_537, 2**31, 2**32, 2**63, 2**64 - 1])
RAW_FRAMES = st.builds(
    _raw_frame,
    st.integers(0, 255),
    st.booleans() | st.just(True),
    st.none() | st.none() | ODD_LENGTHS,
    st.binary(max_size=140),
)
GOOD_FRAMES = st.builds(
    lambda opcode, payload, last: frame(opcode, payload, last=last),
    st.sampled_from([0, 1, 2, 8, 9, 10]),
    st.binary(max_size=125) | st.sampled_from([b"", b"\x03\xe8", b"\x03", b"\x03\xe8\xff", b"\x00\x00", b"{}"]),
    st.booleans(),
)
FRAMES = st.lists(RAW_FRAMES | GOOD_FRAMES | st.binary(max_size=20), min_size=1, max_size=6).map(b"".join)
"""Bytes after a good handshake."""

HEADER_VALUES = st.sampled_from(
    [
        b"websocket",
        b"Upgrade",
        b"keep-alive, Upgrade",
        b"13",
        b"8",
        b"dGhlIHNhbXBsZSBub25jZQ==",
        b"short",
        b"auction.v1.json",
        b"auction.v1.json, auction.v1.json",
        b",,,",
        b"Bearer ",
        b"Bearer \xff\xfe",
        b"Bearer a.b.c",
        b"permessage-deflate; client_max_window_bits=99",
        b"\xff\xfe",
        b"-1",
        b"99999999999999999999",
        b"chunked",
        b"x" * 5000,
        b"",
    ]
) | st.binary(max_size=30)
HEADER_NAMES = st.sampled_from(
    [
        b"Host",
        b"Upgrade",
        b"Connection",
        b"Sec-WebSocket-Key",
        b"Sec-WebSocket-Version",
        b"Sec-WebSocket-Protocol",
        b"Sec-WebSocket-Extensions",
        b"Authorization",
        b"Origin",
        b"Content-Length",
        b"Transfer-Encoding",
        b"Expect",
        b"Cookie",
    ]
) | st.binary(max_size=12)
FIRST_LINES = st.sampled_from(
    [
        b"GET /ws HTTP/1.1",
        b"GET /ws HTTP/1.0",
        b"POST /ws HTTP/1.1",
        b"GET /ws?x=%ff HTTP/1.1",
        b"GET /%2e%2e/ws HTTP/1.1",
        b"GET /peer HTTP/1.1",
        b"GET /metrics HTTP/1.1",
        b"HEAD /openrpc.json HTTP/1.1",
        b"DELETE /readyz HTTP/1.1",
        b"GET http://[ HTTP/1.1",
        b"GET * HTTP/1.1",
        b"CONNECT x:1 HTTP/1.1",
        b"GET /ws HTTP/9.9",
        b"PRI * HTTP/2.0",
        b"GET /ws",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ]
) | st.binary(max_size=40)
UPGRADE = [
    (b"Host", b"house"),
    (b"Upgrade", b"websocket"),
    (b"Connection", b"Upgrade"),
    (b"Sec-WebSocket-Version", b"13"),
    (b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
]


def _head(first: bytes, upgrade: list[tuple[bytes, bytes]], others: list[tuple[bytes, bytes]], rest: bytes) -> bytes:
    lines = [first, *(name + b": " + value for name, value in [*upgrade, *others])]
    return b"\r\n".join([*lines, b"", rest])


HANDSHAKES = st.builds(
    _head,
    st.just(b"GET /ws HTTP/1.1") | FIRST_LINES,
    st.just(UPGRADE) | st.lists(st.sampled_from(UPGRADE), max_size=6),
    st.lists(st.tuples(HEADER_NAMES, HEADER_VALUES), max_size=4),
    st.binary(max_size=60) | FRAMES,
)
"""HTTP requests that are nearly an upgrade, and what follows them."""
