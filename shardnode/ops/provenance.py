"""Provenance: through whose hands an item came, and where it is now."""

import msgspec

from auction.player_state import PlayerState
from auction.state import Item
from shardnode.ops.histories import Histories

GONE = "left the house"


class Step(msgspec.Struct, frozen=True):
    """One thing that happened to an item. Who neither gives nor takes is the house, or not known."""

    at_ms: int
    what: str
    """As in `auction.history`; of a sale, how it was bought."""
    giver: str | None
    taker: str | None
    paid: int
    """Gold that the taker paid, for all that was traded with it."""
    received: int
    """What the giver got of it, the fee taken off."""
    ref: str | None


class Provenance(msgspec.Struct, frozen=True):
    """An item's whole way."""

    item: str
    name: str | None
    """None of one that is not in the house."""
    steps: list[Step]
    now: str
    """Where it is, in words."""


def provenance(histories: Histories, item: str) -> Provenance | None:
    """An item's way from its grant on; None of one that nobody's history knows."""
    found = histories.first(item)
    if found is None:
        return None
    history, steps = found[0], list[Step]()
    place: int | None = found[1]
    while place is not None:
        row, here = history.rows[place], history.player
        if item in row.items_in:
            giver = here if item in row.items_out else None
            steps.append(Step(row.at_ms, row.what, giver, here, row.gold_out, 0, row.ref))
        elif row.other is None:
            steps.append(Step(row.at_ms, row.what, here, None, 0, 0, row.ref))
            return Provenance(item, None, steps, GONE)
        else:
            taker = histories.of_player(row.other)
            arrival = None if taker is None else taker.arrival(row.ref)
            if taker is None or arrival is None:
                steps.append(Step(row.at_ms, row.what, here, row.other, 0, row.gold_in, row.ref))
                return Provenance(item, None, steps, f"on its way to {row.other}")
            came = taker.rows[arrival]
            steps.append(Step(row.at_ms, came.what, here, taker.player, came.gold_out, row.gold_in, row.ref))
            history, place = taker, arrival
        place = history.find(item, place + 1)
    held, now = where(histories.state_of(history.player), item)
    return Provenance(item, None if held is None else held.name, steps, f"with {history.player}: {now}")


def where(state: PlayerState, item: str) -> tuple[Item | None, str]:
    """An item in its owner's store, and where there it is, in words."""
    if item in state.items:
        return state.items.rows[item], "in the stash"
    for listing in state.listings:
        if listing.state == "open" and listing.item.item == item:
            return listing.item, f"for sale, listing {listing.listing}"
    for delivery in state.deliveries:
        for waiting in delivery.items:
            if waiting.item == item:
                return waiting, f"waiting to be claimed, delivery {delivery.delivery}"
    for offer in state.offers:
        for given in offer.give.items:
            if given.item == item:
                return given, f"offered to {offer.to}, offer {offer.offer}"
    for trade in state.trades:
        for held in trade.items:
            if held.item == item:
                return held, f"held for the open trade {trade.trade}"
    return None, "not found; audit the house"
