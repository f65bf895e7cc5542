"""Params that are wrong by themselves or against the catalog, beyond what their types say.

The protocol answers these −32602 with the path of the bad param, before it looks at who asks; whoever decodes a request
calls `bad_param` first. Decisions rely on it.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from auction.commands import (
    Ask,
    BuyCommodity,
    CommodityOrder,
    CreateListing,
    CreateWatch,
    FreezeTrading,
    Grant,
    GrantedItem,
    MakeOffer,
    OfferSide,
    PlayerName,
    SellCommodity,
    ThawTrading,
)
from worlddata.types import Base, Catalog, stat_range


class BadParam(msgspec.Struct, frozen=True):
    """A param that no rule needs to look at: where it is ("items[0].level"), and what it should have been."""

    path: str
    message: str


def bad_param(ask: Ask, catalog: Catalog, asker: str | None = None) -> BadParam | None:
    """The first bad param of a question; None for a good one. `asker` is who asks, where that is known already."""
    check = _CHECKS.get(type(ask))
    return None if check is None else check(ask, asker, catalog)


def fitting_levels(item: GrantedItem, base: Base, catalog: Catalog) -> list[int]:
    """The levels of the base at which each stat that the grant names is within its range."""
    levels = range(base.min_level, base.max_level + 1) if item.level is None else (item.level,)
    return [
        level
        for level in levels
        if all(_in_range(base, stat, value, level, catalog) for stat, value in (item.stats or {}).items())
    ]


def _bad_price(ask: CreateListing, _asker: str | None, _catalog: Catalog) -> BadParam | None:
    if ask.start_bid is None and ask.buyout is None:
        return BadParam("start_bid", "give start_bid, buyout or both")
    if ask.start_bid is not None and ask.buyout is not None and ask.buyout < ask.start_bid:
        return BadParam("buyout", "must not be less than start_bid")
    return None


def _bad_offer(ask: MakeOffer, asker: str | None, catalog: Catalog) -> BadParam | None:
    """Something is given or wanted, nothing twice, by another player, and not for longer than the rules allow."""
    if ask.to == asker:
        return BadParam("to", "must be another player")
    if ask.give == OfferSide() and ask.want == OfferSide():
        return BadParam("give", "give something, want something, or both")
    for name, side in (("give", ask.give), ("want", ask.want)):
        for place, item in enumerate(side.items):
            if item in side.items[:place]:
                return BadParam(f"{name}.items[{place}]", "name each item once")
    most = catalog.rules.offer_expires_max_s
    if ask.expires_s is not None and not 1 <= ask.expires_s <= most:
        return BadParam("expires_s", f"must be 1 to {most}")
    return None


def _bad_watch(ask: CreateWatch, _asker: str | None, _catalog: Catalog) -> BadParam | None:
    given = [name for name in ("query", "listing", "commodity") if getattr(ask, name) is not None]
    if len(given) == 1:
        return None
    return BadParam(given[1] if given else "query", "give one of query, listing and commodity")


def _bad_thing(ask: FreezeTrading | ThawTrading, _asker: str | None, _catalog: Catalog) -> BadParam | None:
    """The house is frozen as a whole; of all else it has to be said which, and a player's name must be one."""
    if ask.what == "house":
        return None if ask.id is None else BadParam("id", "the house has none; leave it out")
    if ask.id is None:
        return BadParam("id", f"name the {ask.what}")
    if ask.what == "player":
        try:
            msgspec.convert(ask.id, PlayerName)
        except msgspec.ValidationError:
            return BadParam("id", "a player's name is 1 to 64 of A-Z a-z 0-9 _ -")
    return None


def _bad_order(ask: CommodityOrder, _asker: str | None, _catalog: Catalog) -> BadParam | None:
    given = {"commodity": ask.commodity, "quantity": ask.quantity, "limit_price": ask.limit_price}
    if ask.quote is not None:
        too_many = [name for name, value in given.items() if value is not None]
        return BadParam(too_many[0], "give it, or a quote, which says it already") if too_many else None
    missing = [name for name, value in given.items() if value is None]
    return BadParam(missing[0], "give commodity, quantity and limit_price, or a quote alone") if missing else None


def _bad_grant(ask: Grant, _asker: str | None, catalog: Catalog) -> BadParam | None:
    bad = (_bad_item(item, f"items[{place}]", catalog) for place, item in enumerate(ask.items))
    return next((each for each in bad if each is not None), None)


def _bad_item(item: GrantedItem, path: str, catalog: Catalog) -> BadParam | None:
    base = catalog.bases.get(item.base)
    if base is None:
        return None  # the decision refuses it: no_such_base
    if item.rarity is not None and item.rarity not in catalog.rarities:
        return BadParam(f"{path}.rarity", f"must be one of {', '.join(catalog.rarities)}")
    if item.level is not None and not base.min_level <= item.level <= base.max_level:
        return BadParam(f"{path}.level", f"must be {base.min_level} to {base.max_level} on base {base.base}")
    for stat, value in (item.stats or {}).items():
        if stat not in base.stats:
            return BadParam(f"{path}.stats.{stat}", f"base {base.base} carries only {', '.join(base.stats)}")
        bounds = base.stats[stat] if item.level is None else stat_range(base, catalog.stats[stat], item.level)
        if not bounds.min <= value <= bounds.max:
            return BadParam(f"{path}.stats.{stat}", f"must be {bounds.min} to {bounds.max} on such an item")
    if not fitting_levels(item, base, catalog):
        return BadParam(f"{path}.stats", f"base {base.base} has no level at which all of these fit; name a level")
    return None


def _in_range(base: Base, stat: str, value: int, level: int, catalog: Catalog) -> bool:
    bounds = stat_range(base, catalog.stats[stat], level)
    return bounds.min <= value <= bounds.max


_CHECKS: dict[type[Ask], Callable[[Any, str | None, Catalog], BadParam | None]] = {
    CreateListing: _bad_price,
    BuyCommodity: _bad_order,
    SellCommodity: _bad_order,
    MakeOffer: _bad_offer,
    FreezeTrading: _bad_thing,
    ThawTrading: _bad_thing,
    CreateWatch: _bad_watch,
    Grant: _bad_grant,
}
