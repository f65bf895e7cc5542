"""What the events of offers change in the maker's store and in the other player's.

As `auction.evolve`: it decides nothing, and reads the event and the store's own state only.
"""

from collections.abc import Callable
from typing import Any

from auction import history, ids, stash
from auction.events import TransferTaken
from auction.ledger import ELSEWHERE, ESCROW, WALLET, post
from auction.offers.events import OfferClosed, OfferEnded, OfferForgotten, OfferMade, OfferPaid, OfferReceived
from auction.offers.terms import ids_of
from auction.player_state import PlayerState
from auction.state import PreparedLeg


def reserve(state: PlayerState, row: PreparedLeg) -> None:
    """The offer that a trade is about to make has its id, whatever becomes of it; a part of LegPrepared."""
    account = state.account.to_change()
    account.offers_made += 1
    assert row.listing == ids.mint(account.store, "f", account.offers_made), row


def _made(state: PlayerState, event: OfferMade) -> None:
    row = event.offer
    account = state.account.to_change()
    assert row.offer == ids.mint(account.store, "f", row.number) and row.offer not in state.offers, row
    assert row.number <= account.offers_made + 1, row
    account.offers_made = max(account.offers_made, row.number)
    give = row.give
    post(state, debit=ESCROW, credit=WALLET, amount=give.gold, reason="offer", ref=row.offer, at_ms=row.made_at_ms)
    stash.take_out(state, give.items, give.commodities)
    state.offers.put(row.offer, row)


def _received(state: PlayerState, event: OfferReceived) -> None:
    assert event.offer.offer not in state.inbox, event
    state.inbox.put(event.offer.offer, event.offer)


def _ended(state: PlayerState, event: OfferEnded) -> None:
    row = state.offers.rows[event.offer]
    give, want = row.give, row.want
    if event.state == "accepted":
        post(state, debit=ELSEWHERE, credit=ESCROW, amount=give.gold, reason="offer", ref=row.offer, at_ms=event.at_ms)
        history.pass_on(
            state,
            event.at_ms,
            "traded",
            row.offer,
            row.to,
            gold_in=want.gold,
            gold_out=give.gold,
            items_in=want.items,
            items_out=ids_of(give.items),
            commodities_in=want.commodities,
            commodities_out=give.commodities,
        )
    else:
        assert event.to_wallet in (0, give.gold), event
        back = event.to_wallet
        post(state, debit=WALLET, credit=ESCROW, amount=back, reason=event.state, ref=row.offer, at_ms=event.at_ms)
    state.offers.drop(event.offer)


def _paid(state: PlayerState, event: OfferPaid) -> None:
    row = state.inbox.rows[event.offer]
    give, paid = row.give, event.paid
    post(state, debit=ELSEWHERE, credit=WALLET, amount=paid.gold, reason="offer", ref=row.offer, at_ms=event.at_ms)
    stash.take_out(state, paid.items, paid.commodities)
    history.pass_on(
        state,
        event.at_ms,
        "traded",
        row.offer,
        row.maker,
        gold_in=give.gold,
        gold_out=paid.gold,
        items_in=ids_of(give.items),
        items_out=ids_of(paid.items),
        commodities_in=give.commodities,
        commodities_out=paid.commodities,
    )
    state.inbox.drop(event.offer)


def _forgotten(state: PlayerState, event: OfferForgotten) -> None:
    state.inbox.drop(event.offer)


def _closed(_state: PlayerState, event: TransferTaken) -> None:
    """Nothing came with it; what it ended, the same record's other events say."""
    assert event.to_wallet == 0, event


OF_PLAYER: dict[type, Callable[[Any, Any], None]] = {
    OfferMade: _made,
    OfferReceived: _received,
    OfferEnded: _ended,
    OfferPaid: _paid,
    OfferForgotten: _forgotten,
}
"""Event → its effect."""
TAKEN: dict[type, Callable[[Any, Any], None]] = {OfferClosed: _closed}
"""What a TransferTaken with such a payload changes."""
