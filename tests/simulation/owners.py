"""What everybody owns, and what their histories say of it: the two agree in a house at rest.

`auction.history` promises that each thing that a player owns came with one row and goes with another. So what came less
what went is what the player has: in wallet and stash, waiting, or held for his listings, bids, orders and offers.
"""

from collections import Counter

from auction.player_state import PlayerState
from auction.state import Assets


def disagreement(state: PlayerState) -> str | None:
    """Where a player's history is not what the player owns; None where they agree."""
    owned, told = _owned(state), _told(state)
    differing = {thing for thing in owned.keys() | told.keys() if owned[thing] != told[thing]}
    return "; ".join(f"{owned[thing]} of {thing}, by the history {told[thing]}" for thing in sorted(differing)) or None


def _owned(state: PlayerState) -> Counter[str]:
    """Pieces by name of gold, item or commodity."""
    owned = Counter({"gold": state.gold() + state.bids_escrowed + sum(row.gold for row in state.orders)})
    owned.update(row.item for row in state.items)
    owned.update({row.commodity: row.quantity for row in state.commodities})
    for listing in state.listings:
        if listing.state == "open":
            owned.update({"gold": listing.deposit, listing.item.item: 1})
    for order in state.orders:
        if order.side == "sell":
            owned.update({order.commodity: order.remaining})
    for offer in state.offers:
        owned.update(_counted(offer.give))
    for delivery in state.deliveries:
        owned.update(_counted(Assets(delivery.gold, delivery.items, delivery.commodities)))
    return owned


def _counted(assets: Assets) -> Counter[str]:
    return Counter({"gold": assets.gold, **assets.commodities}) + Counter(item.item for item in assets.items)


def _told(state: PlayerState) -> Counter[str]:
    told: Counter[str] = Counter()
    for row in state.history:
        told.update({"gold": row.gold_in - row.gold_out})
        told.update(row.items_in)
        told.subtract(row.items_out)
        told.update(row.commodities_in)
        told.subtract(row.commodities_out)
    return told
