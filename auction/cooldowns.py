"""The relist cool-down: what was just bought cannot be listed at once, where the rules say so."""

from auction.context import Context
from auction.events import CooldownBegun
from auction.player_state import PlayerState
from auction.refusals import Refusal
from auction.state import Cooldown, Item


def begun(items: tuple[Item, ...], context: Context) -> list[CooldownBegun]:
    """To be said where items come to somebody who bought, won or traded for them; nothing where the rule is off."""
    cooldown_ms = context.catalog.rules.relist_cooldown_s * 1000
    if cooldown_ms == 0 or not items:
        return []
    now_ms = context.now_ms
    return [CooldownBegun(tuple(item.item for item in items), now_ms + cooldown_ms, now_ms)]


def too_soon(state: PlayerState, item: str, context: Context) -> Refusal | None:
    """Why an item must not be listed yet: what was begun counts, unless the rule was turned off since."""
    row = state.cooldowns.get(item)
    if row is None or context.now_ms >= row.until_ms or context.catalog.rules.relist_cooldown_s == 0:
        return None
    return Refusal("relist_cooldown", {"retry_after_ms": row.until_ms - context.now_ms})


def write(state: PlayerState, event: CooldownBegun) -> None:
    """Put the items down, and drop those whose time is over; a part of `auction.evolve`."""
    for row in [row for row in state.cooldowns if row.until_ms <= event.at_ms]:
        state.cooldowns.drop(row.item)
    for item in event.items:
        state.cooldowns.put(item, Cooldown(item, event.until_ms))
