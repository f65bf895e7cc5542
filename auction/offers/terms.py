"""What an offer says: what is given, what is wanted, and whether any of it is frozen."""

from collections.abc import Iterable

from auction.commands import OfferSide
from auction.context import Context
from auction.refusals import Refusal
from auction.state import Assets, Item, Wanted


def named(side: OfferSide) -> Wanted:
    """One side of an offer as it was asked for."""
    return Wanted(side.gold, tuple(side.items), side.commodities)


def ids_of(items: Iterable[Item]) -> tuple[str, ...]:
    """The ids of items."""
    return tuple(item.item for item in items)


def in_words(assets: Assets | Wanted) -> str:
    """One side of an offer, for an operator's eyes."""
    parts = [f"{assets.gold} gold"] if assets.gold else []
    parts.extend(f"{quantity} {commodity}" for commodity, quantity in assets.commodities.items())
    parts.extend(item if isinstance(item, str) else item.item for item in assets.items)
    return ", ".join(parts) or "nothing"


def frozen(
    context: Context, players: Iterable[str], items: Iterable[Item], commodities: Iterable[str], *, claim: bool = False
) -> Refusal | None:
    """Why an operator does not let these players exchange these goods now; `claim` as in `Freezes.against`."""
    known = context.catalog.commodities
    categories = [item.category for item in items]
    categories.extend(known[commodity].category for commodity in commodities if commodity in known)
    return context.freezes.against(players=players, categories=categories, commodities=commodities, claim=claim)
