"""Listings for searching in."""

from typing import Any

from auction.state import Item, Listing, ListingRules
from worlddata.types import Rules

RULES = ListingRules.of(Rules())


def listing(number: int, **fields: Any) -> Listing:
    """An open listing with chosen fields; `item` fields go by their own names."""
    item_fields = {
        name: fields.pop(name) for name in ("base", "name", "category", "rarity", "level", "stats") if name in fields
    }
    item = Item(
        **{
            "item": f"i{number}",
            "base": "ash_bow",
            "name": "Ash Bow",
            "category": "bows",
            "rarity": "common",
            "level": 1,
            "stats": {},
            "bound": False,
            **item_fields,
        }
    )
    defaults: dict[str, Any] = {
        "listing": f"l{number:04}",
        "number": number,
        "version": 1,
        "seller": "sal",
        "item": item,
        "state": "open",
        "start_bid": 10,
        "buyout": None,
        "price": None,
        "leader": None,
        "leader_max": 0,
        "bids": 0,
        "deposit": 0,
        "created_at_ms": 1_000 + number,
        "ends_at_ms": 9_000_000 + number,
        "first_ends_at_ms": 9_000_000 + number,
        "rules": RULES,
    }
    return Listing(
        **{name: value for name, value in {**defaults, **fields}.items() if name in Listing.__struct_fields__}
    )
