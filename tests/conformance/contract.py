"""The tables of `docs/protocol.md` as shapes, and a check of values against them.

A shape is a type, a dict (exactly these fields), a list of one shape, or one of the classes below. Every message that
the client of these tests receives is held to them, whichever test is running.
"""

from typing import Any, NamedTuple

AMOUNT_MAX = 2**53 - 1
ID_CHARACTERS_MAX = 80


class Maybe(NamedTuple):
    """The shape, or null."""

    shape: Any


class Each(NamedTuple):
    """A map from strings to values of one shape."""

    shape: Any


class OneOf(NamedTuple):
    """One of these strings."""

    words: tuple[str, ...]


class Amount:
    """An integer of 0 … 2^53 − 1: gold, a quantity, an instant, a seq."""


class Id:
    """An opaque string of at most 80 characters."""


ITEM = {
    "item": Id,
    "base": str,
    "name": str,
    "category": str,
    "rarity": str,
    "level": Amount,
    "stats": Each(int),
    "bound": bool,
}
LISTING = {
    "listing": Id,
    "item": ITEM,
    "state": OneOf(("open", "sold", "expired", "cancelled")),
    "start_bid": Maybe(Amount),
    "buyout": Maybe(Amount),
    "price": Maybe(Amount),
    "min_bid": Maybe(Amount),
    "bids": Amount,
    "created_at_ms": Amount,
    "ends_at_ms": Amount,
    "mine": bool,
    "winning": bool,
}
DELIVERY_KINDS = OneOf(("bought", "won", "proceeds", "refund", "returned", "granted", "traded", "filled"))
DELIVERY = {
    "delivery": Id,
    "kind": DELIVERY_KINDS,
    "gold": Amount,
    "items": [ITEM],
    "commodities": Each(Amount),
    "listing": Maybe(Id),
    "at_ms": Amount,
}
LEVEL = {"price": Amount, "quantity": Amount}
SIDE = OneOf(("buy", "sell"))
OFFER_STATE = OneOf(("open", "accepted", "declined", "withdrawn", "expired"))
OFFER_DONE = {"offer": Id, "state": OFFER_STATE}
ORDER_DONE = {
    "order": Id,
    "filled": Amount,
    "resting": Amount,
    "paid": Amount,
    "received": Amount,
    "fills": [LEVEL],
}
BOOK_LEVEL = {"price": Amount, "quantity": Amount, "orders": Amount}
OFFER = {
    "offer": Id,
    "from": str,
    "to": str,
    "give": {"gold": Amount, "items": [ITEM], "commodities": Each(Amount)},
    "want": {"gold": Amount, "items": [Id], "commodities": Each(Amount)},
    "state": OFFER_STATE,
    "expires_at_ms": Amount,
}
FROZEN = {
    "frozen": [
        {
            "freeze": str,
            "what": OneOf(("house", "category", "commodity", "player")),
            "id": Maybe(str),
            "claims": bool,
            "by": str,
            "at_ms": Amount,
        }
    ]
}
EVENTS: dict[str, Any] = {
    "listing.outbid": {"listing": Id, "price": Amount, "min_bid": Maybe(Amount)},
    "listing.sold": {"listing": Id, "price": Amount, "proceeds": Amount},
    "listing.won": {"listing": Id, "price": Amount, "delivery": Id},
    "listing.expired": {"listing": Id, "delivery": Id},
    "delivery.arrived": {"delivery": Id, "kind": DELIVERY_KINDS},
    "offer.received": OFFER_DONE,
    "offer.closed": OFFER_DONE,
    "commodity.filled": {
        "order": Id,
        "commodity": str,
        "price": Amount,
        "quantity": Amount,
        "remaining": Amount,
    },
}
EVENT = {"seq": Amount, "type": OneOf(tuple(EVENTS)), "at_ms": Amount, "data": dict}
WATCH = {"watch": Id, "type": OneOf(("watch.matched",)), "at_ms": Amount, "data": dict}
MATCHES = {"listings": [LISTING], "missed": Amount}
PRICE = {"commodity": Id, "price": Amount, "at_ms": Amount, "volume": Amount}
HELLO = {
    "node": str,
    "protocol": OneOf(("auction.v1",)),
    "server_time_ms": Amount,
    "world": {"version": str, "hash": str},
    "max_message_bytes": Amount,
}
PLAYER = {
    "player": str,
    "gold": {"available": Amount, "escrowed": Amount},
    "listings": Amount,
    "deliveries": Amount,
    "stash": {"used": Amount, "capacity": Amount},
    "seq": Amount,
}
RULES = {
    "fee_bp": Amount,
    "deposit_bp": Amount,
    "increment_bp": Amount,
    "increment_min": Amount,
    "price_min": Amount,
    "price_max": Amount,
    "max_bids": Amount,
    "durations_s": [Amount],
    "max_listings": Amount,
    "stash_capacity": Amount,
    "cancel_window_s": Amount,
    "snipe_window_s": Amount,
    "snipe_extension_s": Amount,
    "snipe_max_s": Amount,
    "max_orders": Amount,
    "max_offers": Amount,
    "offers_inbox_max": Amount,
    "offers_from_one_max": Amount,
    "offer_expires_s": Amount,
    "offer_expires_max_s": Amount,
    "max_watches": Amount,
    "trade_age_s": Amount,
    "relist_cooldown_s": Amount,
    "buy_limits": dict,
    "audit_worth": Amount,
    "rates": dict,
}
BASE = {
    "base": str,
    "name": str,
    "category": str,
    "min_level": Amount,
    "max_level": Amount,
    "stats": Each({"min": int, "max": int}),
}
NEXT = Maybe(str)
GRANT = {"player": str, "gold": Amount, "items": [ITEM]}
RESULTS: dict[str, Any] = {
    "session.login": {
        "player": str,
        "role": OneOf(("player", "service", "operator")),
        "server_time_ms": Amount,
        "seq": Amount,
    },
    "world.describe": {
        "version": str,
        "hash": str,
        "rules": RULES,
        "categories": list,
        "rarities": list,
        "stats": list,
        "counts": dict,
    },
    "world.bases": {"bases": [BASE], "next": NEXT},
    "world.commodities": {"commodities": [{"commodity": str, "name": str, "category": str, "tick": Amount}]},
    "player.get": PLAYER,
    "inventory.list": {"items": [ITEM], "commodities": Each(Amount), "next": NEXT},
    "listing.create": {"listing": LISTING},
    "listing.get": {"listing": LISTING},
    "listing.mine": {"listings": [LISTING], "next": NEXT},
    "listing.bid": {"listing": LISTING, "winning": bool},
    "listing.buyout": {"listing": LISTING, "item": ITEM, "paid": Amount},
    "listing.cancel": {"listing": LISTING},
    "listing.search": {"listings": [LISTING], "next": NEXT, "as_of_ms": Amount},
    "bids.mine": {"bids": [{"listing": LISTING, "amount": Amount, "winning": bool}], "next": NEXT},
    "delivery.list": {"deliveries": [DELIVERY], "next": NEXT},
    "delivery.claim": {"delivery": DELIVERY},
    "events.since": {"events": [EVENT], "next_seq": Amount, "oldest_seq": Amount, "last_seq": Amount},
    "admin.grant": GRANT,
    "admin.take": GRANT,
    "admin.player": {**PLAYER, "store": str, "node": str, "ledger": list},
    "commodity.quote": {
        "quote": Id,
        "commodity": str,
        "side": SIDE,
        "quantity": Amount,
        "total": Amount,
        "levels": [LEVEL],
        "expires_at_ms": Amount,
    },
    "commodity.buy": ORDER_DONE,
    "commodity.sell": ORDER_DONE,
    "commodity.cancel": {"order": Id, "returned": {"gold": Amount, "quantity": Amount}},
    "commodity.orders": {
        "orders": [
            {
                "order": Id,
                "commodity": str,
                "side": SIDE,
                "price": Amount,
                "quantity": Amount,
                "remaining": Amount,
                "at_ms": Amount,
            }
        ],
        "next": NEXT,
    },
    "commodity.book": {
        "bids": [BOOK_LEVEL],
        "asks": [BOOK_LEVEL],
        "last": Maybe({"price": Amount, "at_ms": Amount}),
    },
    "commodity.history": {
        "candles": [
            {
                "at_ms": Amount,
                "open": Amount,
                "high": Amount,
                "low": Amount,
                "close": Amount,
                "volume": Amount,
            }
        ]
    },
    "offer.make": OFFER_DONE,
    "offer.accept": OFFER_DONE,
    "offer.decline": OFFER_DONE,
    "offer.withdraw": OFFER_DONE,
    "offer.list": {"offers": [OFFER], "next": NEXT},
    "watch.create": {"watch": Id},
    "watch.delete": {},
    "watch.list": {
        "watches": [
            {
                "watch": Id,
                "query": Maybe(dict),
                "listing": Maybe(Id),
                "commodity": Maybe(str),
                "at_ms": Amount,
            }
        ]
    },
    "admin.freeze": FROZEN,
    "admin.thaw": FROZEN,
}
"""Method → its result."""

REQUIRED: dict[str, dict[str, Any]] = {
    "session.login": {"token": "x"},
    "world.describe": {},
    "world.bases": {},
    "world.commodities": {},
    "player.get": {},
    "inventory.list": {},
    "listing.create": {"item": "x", "start_bid": 1, "duration_s": 3600},
    "listing.get": {"listing": "x"},
    "listing.mine": {},
    "listing.bid": {"listing": "x", "amount": 1},
    "listing.buyout": {"listing": "x", "price": 1},
    "listing.cancel": {"listing": "x"},
    "listing.search": {},
    "bids.mine": {},
    "delivery.list": {},
    "delivery.claim": {"delivery": "x"},
    "events.since": {"seq": 0},
    "admin.grant": {"player": "x", "key": "k"},
    "admin.take": {"player": "x", "key": "k"},
    "admin.player": {"player": "x"},
    "commodity.quote": {"commodity": "x", "side": "buy", "quantity": 1},
    "commodity.buy": {"commodity": "x", "quantity": 1, "limit_price": 1},
    "commodity.sell": {"commodity": "x", "quantity": 1, "limit_price": 1},
    "commodity.cancel": {"order": "x"},
    "commodity.orders": {},
    "commodity.book": {"commodity": "x"},
    "commodity.history": {"commodity": "x", "bucket_s": 60},
    "offer.make": {"to": "x", "give": {"gold": 1}, "want": {}},
    "offer.accept": {"offer": "x"},
    "offer.decline": {"offer": "x"},
    "offer.withdraw": {"offer": "x"},
    "offer.list": {},
    "watch.create": {"commodity": "x"},
    "watch.delete": {"watch": "x"},
    "watch.list": {},
    "admin.freeze": {"what": "house"},
    "admin.thaw": {"what": "house"},
}
"""Method → a value of the right type for each param that it needs; of several of which one is needed, one."""
assert REQUIRED.keys() == RESULTS.keys()

MUTATIONS = (
    "listing.create",
    "listing.bid",
    "listing.buyout",
    "listing.cancel",
    "delivery.claim",
    "admin.grant",
    "admin.take",
    "commodity.buy",
    "commodity.sell",
    "commodity.cancel",
    "offer.make",
    "offer.accept",
    "offer.decline",
    "offer.withdraw",
    "watch.create",
    "watch.delete",
    "admin.freeze",
    "admin.thaw",
)

PARSE_ERROR, INVALID_REQUEST, UNKNOWN_METHOD, BAD_PARAMS = -32700, -32600, -32601, -32602
CODES_OF_JSON_RPC = (PARSE_ERROR, INVALID_REQUEST, UNKNOWN_METHOD, BAD_PARAMS)
REASONS: dict[str, int] = {
    **dict.fromkeys(("unauthenticated", "token_expired", "token_invalid"), -32001),
    "forbidden": -32002,
    **dict.fromkeys(
        (
            "insufficient_gold",
            "insufficient_goods",
            "not_owner",
            "own_listing",
            "bound_item",
            "listing_limit",
            "bid_limit",
            "stash_full",
            "wallet_full",
            "bid_too_low",
            "outbid",
            "not_for_bids",
            "no_buyout",
            "listing_closed",
            "price_changed",
            "price_out_of_range",
            "duration_not_offered",
            "cancel_window_over",
            "has_bids",
            "delivery_claimed",
            "key_reused",
            "cursor_mismatch",
            "cursor_expired",
            "frozen",
            "quote_expired",
            "order_closed",
            "order_limit",
            "buy_limit",
            "offer_closed",
            "offer_limit",
            "inbox_full",
            "watch_limit",
            "freeze_limit",
            "relist_cooldown",
            "too_new",
        ),
        -32003,
    ),
    **dict.fromkeys(
        (
            "no_such_listing",
            "no_such_item",
            "no_such_base",
            "no_such_commodity",
            "no_such_delivery",
            "no_such_player",
            "no_such_order",
            "no_such_quote",
            "no_such_offer",
            "no_such_watch",
            "no_such_category",
        ),
        -32004,
    ),
    "rate_limited": -32005,
    "unavailable": -32006,
    "in_doubt": -32007,
    "moved": -32008,
}
"""Reason → code."""
FIGURES: dict[str, dict[str, Any]] = {
    "insufficient_gold": {"available": Amount},
    "bid_too_low": {"min_bid": Maybe(Amount)},
    "outbid": {"price": Amount, "min_bid": Maybe(Amount)},
    "price_changed": {"price": Maybe(Amount)},
    "frozen": {"what": str, "id": Maybe(str)},
    "buy_limit": {"left": Amount, "retry_after_ms": Amount},
    "relist_cooldown": {"retry_after_ms": Amount},
    "too_new": {"retry_after_ms": Amount},
    "rate_limited": {"retry_after_ms": Amount},
    "unavailable": {"retry_after_ms": Amount},
    "in_doubt": {"key": str, "trade": Maybe(str)},
    "moved": {"url": str},
}
"""Reason → what its `data` says besides; more may be there."""


def check(value: Any, shape: Any, place: str) -> None:
    """Assert that a value has a shape; `place` says what it is."""
    if isinstance(shape, Maybe):
        if value is not None:
            check(value, shape.shape, place)
    elif isinstance(shape, Each):
        assert isinstance(value, dict), (place, value)
        for name, member in value.items():
            assert isinstance(name, str), (place, name)
            check(member, shape.shape, f"{place}.{name}")
    elif isinstance(shape, OneOf):
        assert value in shape.words, (place, value)
    elif isinstance(shape, dict):
        assert isinstance(value, dict) and value.keys() == shape.keys(), (place, value)
        for name, member in shape.items():
            check(value[name], member, f"{place}.{name}")
    elif isinstance(shape, list):
        assert isinstance(value, list), (place, value)
        for count, member in enumerate(value):
            check(member, shape[0], f"{place}[{count}]")
    elif shape is Amount:
        assert type(value) is int and 0 <= value <= AMOUNT_MAX, (place, value)
    elif shape is Id:
        assert type(value) is str and 1 <= len(value) <= ID_CHARACTERS_MAX, (place, value)
    else:
        assert type(value) is shape, (place, value)


def check_push(method: str, params: Any) -> None:
    """Assert that a server's notification is one of the protocol's."""
    check(params, {"hello": HELLO, "event": EVENT, "watch": WATCH}[method], method)
    if method == "event":
        check(params["data"], EVENTS[params["type"]], params["type"])
    elif method == "watch":
        check(params["data"], PRICE if "commodity" in params["data"] else MATCHES, method)


def check_error(error: Any) -> None:
    """Assert that an error has the protocol's form: code and reason belong together, figures are there."""
    assert isinstance(error, dict) and error.keys() == {"code", "message", "data"}, error
    assert type(error["message"]) is str and error["message"], error
    code, data = error["code"], error["data"]
    assert type(code) is int and isinstance(data, dict), error
    if code in CODES_OF_JSON_RPC:
        assert code != BAD_PARAMS or type(data.get("path")) is str, error
        return
    assert REASONS.get(data.get("reason", "")) == code, error
    for name, shape in FIGURES.get(data["reason"], {}).items():
        assert name in data, error
        check(data[name], shape, name)
