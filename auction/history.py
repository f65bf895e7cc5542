"""What came to the owner of a store and what went, and why: rows that are written as it happens and kept for ever.

Each thing that a player owns came with one row and goes with another: so the rows of all stores tell every item's chain
of owners, and what gold was spent on. What is merely held (a bid's maximum, a listed item, what an offer gives) has not
gone yet. Whoever bids, is outbid or claims writes no row.

    granted, taken    came into the house, left it for good
    sold              listing ended with a sale: the item went, the price less the fee came
    bought, won       the item of a listing came, the price went
    returned          a listing ended without a sale: the item went with it and came back, the deposit is forfeited
    traded            both sides of an offer
    filled            an order met another: pieces for gold, the fee taken off
"""

from auction.events import Goods, Granted, ListingClosed, Taken
from auction.market.state import MarketState
from auction.player_state import PlayerState
from auction.state import Listing, Passage


def pass_on(
    state: PlayerState | MarketState,
    at_ms: int,
    what: str,
    ref: str | None,
    other: str | None,
    *,
    gold_in: int = 0,
    gold_out: int = 0,
    items_in: tuple[str, ...] = (),
    items_out: tuple[str, ...] = (),
    commodities_in: dict[str, int] | None = None,
    commodities_out: dict[str, int] | None = None,
) -> None:
    """Number a row and put it down; a part of `evolve`, which alone calls it. `ref` is the listing, order or offer,
    `other` the player on the other side, where the store knows.
    """
    head = state.head_to_change()
    head.passages_made += 1
    row = Passage(
        head.passages_made,
        at_ms,
        what,
        ref,
        other,
        gold_in,
        gold_out,
        items_in,
        items_out,
        commodities_in or {},
        commodities_out or {},
    )
    state.history.put(row.number, row)


def granted(state: PlayerState, event: Granted) -> None:
    """Gold and goods came into the house."""
    items = tuple(item.item for item in event.items)
    pass_on(
        state,
        event.at_ms,
        "granted",
        None,
        None,
        gold_in=event.gold,
        items_in=items,
        commodities_in=event.commodities,
    )


def taken(state: PlayerState, event: Taken) -> None:
    """Gold and goods left the house."""
    pass_on(
        state,
        event.at_ms,
        "taken",
        None,
        None,
        gold_out=event.gold,
        items_out=event.items,
        commodities_out=event.commodities,
    )


def listing_ended(state: PlayerState, row: Listing, event: ListingClosed) -> None:
    """In the seller's store; `row` is the listing as it was."""
    item = (row.item.item,)
    if event.state == "sold":
        assert event.price is not None, event
        net = event.price - event.fee
        pass_on(state, event.at_ms, "sold", row.listing, event.buyer, gold_in=net, items_out=item)
    else:
        pass_on(
            state,
            event.at_ms,
            "returned",
            row.listing,
            None,
            gold_out=event.deposit_burned,
            items_in=item,
            items_out=item,
        )


def goods_came(state: PlayerState, payload: Goods, at_ms: int) -> None:
    """In the store of who bought or won; it does not know the seller, whose store made the listing."""
    pass_on(
        state,
        at_ms,
        payload.kind,
        payload.listing,
        None,
        gold_out=payload.price,
        items_in=(payload.item.item,),
    )
