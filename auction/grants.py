"""What enters the house and what leaves it, at the word of a game's own service."""

from auction import audit_log, ids, stash
from auction.amounts import LIFETIME_MAX
from auction.commands import Grant, GrantedItem, Take
from auction.context import Context
from auction.events import Audited, Event, Granted, Taken
from auction.opening import opened
from auction.outcomes import Undecided
from auction.params import fitting_levels
from auction.player_state import PlayerState
from auction.refusals import Refusal
from auction.results import GrantResult
from auction.state import Account, Item
from auction.wallet import cannot_pay, has_room
from worlddata.types import Base, Rarity, stat_range

ITEMS_NAMED = 20
"""How many items of one grant the audit log names; the history has all of them."""


def grant(state: PlayerState, service: str, ask: Grant, context: Context) -> tuple[list[Event], GrantResult] | Refusal:
    """Gold and goods straight into wallet and stash; a player's first grant opens its store.

    `ask` has passed `auction.params.bad_param`.
    """
    unknown = _unknown(ask, context)
    if unknown is not None:
        return unknown
    account, opening = opened(state, ask.player, context)
    no_room = _no_room(state, account, ask, context)
    if no_room is not None:
        return no_room
    items = tuple(
        _roll(ids.mint(account.store, "i", account.items_made + count), item, context)
        for count, item in enumerate(ask.items, start=1)
    )
    granted = Granted(ask.gold, items, ask.commodities, context.now_ms)
    entry = _entry(account, service, "admin.grant", ask, [item.item for item in items], context)
    return [*opening, granted, entry], GrantResult(ask.player, ask.gold, list(items))


def take(
    state: PlayerState, service: str, ask: Take, context: Context
) -> tuple[list[Event], GrantResult] | Refusal | Undecided:
    """Gold and goods out of wallet and stash, and out of the house for good."""
    if state.account.get(0) is None and not context.is_present(ask.player):
        return Refusal("no_such_player")
    for commodity in ask.commodities:
        if commodity not in context.catalog.commodities:
            return Refusal("no_such_commodity")
    items = stash.find(state, ask.items)
    if not isinstance(items, tuple):
        return items
    if len(set(ask.items)) < len(items):
        return Refusal("no_such_item")
    short = cannot_pay(state, ask.gold) or stash.cannot_give_all(state, ask.commodities)
    if short is not None:
        return short
    commodities = {commodity: quantity for commodity, quantity in ask.commodities.items() if quantity}
    account, opening = opened(state, ask.player, context)
    taken = Taken(ask.gold, tuple(ask.items), commodities, context.now_ms)
    entry = _entry(account, service, "admin.take", ask, ask.items, context)
    return [*opening, taken, entry], GrantResult(ask.player, ask.gold, list(items))


def _entry(
    account: Account, service: str, action: str, ask: Grant | Take, items: list[str], context: Context
) -> Audited:
    """What the audit log says of it: all that came or went, but of very many items only some by name."""
    parts = [f"{ask.gold} gold"] if ask.gold else []
    parts.extend(f"{quantity} {commodity}" for commodity, quantity in ask.commodities.items() if quantity)
    parts.extend(items[:ITEMS_NAMED])
    if len(items) > ITEMS_NAMED:
        parts.append(f"and {len(items) - ITEMS_NAMED} more items")
    detail = ", ".join(parts) or "nothing"
    return audit_log.acted(account, service, "service", action, None, detail, context.now_ms, worth=ask.gold)


def _unknown(ask: Grant, context: Context) -> Refusal | None:
    catalog = context.catalog
    if any(item.base not in catalog.bases for item in ask.items):
        return Refusal("no_such_base")
    if any(commodity not in catalog.commodities for commodity in ask.commodities):
        return Refusal("no_such_commodity")
    return None


def _no_room(state: PlayerState, account: Account, ask: Grant, context: Context) -> Refusal | None:
    full = stash.no_room(state, len(ask.items), ask.commodities, context.catalog.rules.stash_capacity)
    if full is not None:
        return full
    for commodity, quantity in ask.commodities.items():
        row = state.commodities.get(commodity)
        if row is not None and row.granted + quantity > LIFETIME_MAX:
            return Refusal("stash_full")
    if not has_room(account, ask.gold) or account.gold_granted + ask.gold > LIFETIME_MAX:
        return Refusal("wallet_full")
    return None


def _roll(item_id: str, item: GrantedItem, context: Context) -> Item:
    """The item as granted, with what the grant left out rolled within the base's ranges."""
    catalog = context.catalog
    base = catalog.bases[item.base]
    rarity = catalog.rarities[item.rarity] if item.rarity is not None else _roll_rarity(context)
    levels = fitting_levels(item, base, catalog)
    level = levels[context.random_int(0, len(levels) - 1)]
    stats = dict(item.stats) if item.stats is not None else _roll_stats(base, rarity, level, context)
    return Item(item_id, base.base, base.name, base.category, rarity.rarity, level, stats, item.bound)


def _roll_rarity(context: Context) -> Rarity:
    """One of the catalog's rarities, by weight."""
    rarities = sorted(context.catalog.rarities.values(), key=lambda rarity: rarity.order)
    roll = context.random_int(1, sum(rarity.weight for rarity in rarities))
    for rarity in rarities:
        roll -= rarity.weight
        if roll <= 0:
            return rarity
    raise AssertionError("a roll is never above the sum of weights")


def _roll_stats(base: Base, rarity: Rarity, level: int, context: Context) -> dict[str, int]:
    """As many of the base's stats as the rarity gives, each uniform within its range at this level."""
    left = sorted(base.stats)
    count = context.random_int(min(rarity.stats_min, len(left)), min(rarity.stats_max, len(left)))
    stats = {}
    for _ in range(count):
        stat = left.pop(context.random_int(0, len(left) - 1))
        bounds = stat_range(base, context.catalog.stats[stat], level)
        stats[stat] = context.random_int(bounds.min, bounds.max)
    return stats
