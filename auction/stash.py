"""The stash: where goods go in and out, and whether they are there.

Goods that a trade between nodes holds are neither in the stash nor gone until the trade is decided. So who lacks only
such goods is not refused, but hears that it cannot be decided now; and room is kept for them to come back.
"""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from auction.amounts import checked, fits
from auction.outcomes import Undecided
from auction.player_state import PlayerState
from auction.refusals import Refusal
from auction.state import Commodity, Item


def put_in(state: PlayerState, items: Iterable[Item], commodities: Mapping[str, int]) -> None:
    """Goods enter the stash; a part of `evolve`, like `take_out`."""
    for item in items:
        assert item.item not in state.items, item
        state.items.put(item.item, item)
    for commodity, quantity in commodities.items():
        row = state.commodities.get(commodity) or Commodity(commodity, 0)
        state.commodities.put(commodity, replace(row, quantity=checked(row.quantity + quantity)))


def take_out(state: PlayerState, items: Iterable[Item], commodities: Mapping[str, int]) -> None:
    """Goods leave the stash, and are accounted for elsewhere."""
    for item in items:
        state.items.drop(item.item)
    for commodity, quantity in commodities.items():
        row = state.commodities.rows[commodity]
        state.commodities.put(commodity, replace(row, quantity=checked(row.quantity - quantity)))


def find(state: PlayerState, items: Iterable[str]) -> tuple[Item, ...] | Refusal | Undecided:
    """The items of these ids."""
    found = []
    for item in items:
        row = state.items.get(item)
        if row is None:
            return missing(state, item)
        found.append(row)
    return tuple(found)


def missing(state: PlayerState, item: str) -> Refusal | Undecided:
    """Why an item cannot be disposed of that is not in the stash."""
    is_held = any(item == held.item for row in state.trades for held in row.items)
    return Undecided() if is_held else Refusal("no_such_item")


def cannot_give(state: PlayerState, commodity: str, quantity: int) -> Refusal | Undecided | None:
    """Why the stash cannot give so much of a commodity now."""
    available = pieces(state, commodity)
    if quantity <= available:
        return None
    if quantity <= available + pieces_held(state, commodity):
        return Undecided()
    return Refusal("insufficient_goods", {"commodity": commodity, "available": available})


def cannot_give_all(state: PlayerState, commodities: Mapping[str, int]) -> Refusal | Undecided | None:
    """The first reason why the stash cannot give these commodities now."""
    reasons = (cannot_give(state, commodity, quantity) for commodity, quantity in commodities.items())
    return next((reason for reason in reasons if reason is not None), None)


def bound(items: Iterable[Item]) -> Refusal | None:
    """`bound_item` where one of the items cannot be traded."""
    return Refusal("bound_item") if any(item.bound for item in items) else None


def no_room(state: PlayerState, items: int, commodities: Mapping[str, int], capacity: int) -> Refusal | None:
    """`stash_full` where the stash cannot take so much in, and what is held for trades as well."""
    if items and used(state) + items > capacity:
        return Refusal("stash_full")
    for commodity, quantity in commodities.items():
        if not fits(pieces(state, commodity) + pieces_held(state, commodity) + quantity):
            return Refusal("stash_full")
    return None


def used(state: PlayerState) -> int:
    """How many items take up room: those in the stash, and those promised to trades that are not decided yet."""
    return len(state.items) + sum(len(row.items) for row in state.trades)


def pieces(state: PlayerState, commodity: str) -> int:
    """How much of a commodity the player can dispose of."""
    row = state.commodities.get(commodity)
    return 0 if row is None else row.quantity


def pieces_held(state: PlayerState, commodity: str) -> int:
    """How much of a commodity is promised to trades that are not decided yet."""
    return sum(row.commodities.get(commodity, 0) for row in state.trades)
