"""Offers that come to nothing: withdrawn by their maker, declined by the other player, or expired.

One store does it, and tells the other by a transfer; whichever end comes first, the later one finds nothing left to
end. What was given comes back: gold enters the wallet by itself, and all else waits as a delivery. Both players are
told.
"""

from auction import ids, notices
from auction.commands import DeclineOffer, WithdrawOffer
from auction.context import Context
from auction.events import Event, TransferSent, TransferTaken
from auction.offers import terms
from auction.offers.accepting import in_inbox, waiting
from auction.offers.events import OfferClosed, OfferEnded, OfferForgotten
from auction.outcomes import TakenIn
from auction.player_state import PlayerState
from auction.refusals import Refusal
from auction.results import OfferResult
from auction.sending import send
from auction.state import Assets, Offer, OfferState, ReceivedOffer, StoreId
from auction.wallet import has_room


def withdraw(
    state: PlayerState, maker: str, ask: WithdrawOffer, context: Context
) -> tuple[list[Event], OfferResult] | Refusal:
    """The maker takes the offer back."""
    row = state.offers.get(ask.offer)
    if row is None:
        return Refusal("offer_closed" if ask.offer in state.offers_over else "no_such_offer")
    refusal = _too_late(row, maker, context)
    if refusal is not None:
        return refusal
    news = send(state, context, [(context.store_of(row.to), OfferClosed(row.offer, "withdrawn"))])
    return [*_end(state, row, "withdrawn", context), *news], OfferResult(row.offer, "withdrawn")


def decline(
    state: PlayerState, player: str, ask: DeclineOffer, context: Context
) -> tuple[list[Event], OfferResult] | Refusal:
    """The other player turns the offer down."""
    row = in_inbox(state, ask.offer)
    if isinstance(row, Refusal):
        return row
    refusal = _too_late(row, player, context)
    if refusal is not None:
        return refusal
    news = send(state, context, [(ids.minter(row.offer), OfferClosed(row.offer, "declined"))])
    return [*_forget(state, row, "declined", context), *news], OfferResult(row.offer, "declined")


def end(state: PlayerState, offer: str, context: Context) -> list[Event]:
    """An offer whose time has come expires; nothing happens before that, or where it is over already."""
    row = state.offers.get(offer)
    if row is None or context.now_ms < row.expires_at_ms:
        return []
    news = send(state, context, [(context.store_of(row.to), OfferClosed(row.offer, "expired"))])
    return [*_end(state, row, "expired", context), *news]


def take_in(state: PlayerState, sender: StoreId, life: int, sent: TransferSent, context: Context) -> TakenIn:
    """The other store has ended an offer; here it may have been ended, too."""
    closed = sent.payload
    assert isinstance(closed, OfferClosed), sent
    made, received = state.offers.get(closed.offer), state.inbox.get(closed.offer)
    events: list[Event] = [TransferTaken(sender, sent.number, closed, 0, context.now_ms, life)]
    if made is not None:
        events.extend(_end(state, made, closed.state, context))
    elif received is not None:
        events.extend(_forget(state, received, closed.state, context))
    return TakenIn(events)


def _too_late(row: Offer | ReceivedOffer, player: str, context: Context) -> Refusal | None:
    """Why an offer cannot be ended by hand: it is frozen, or has ended by itself."""
    frozen = terms.frozen(context, (player,), row.give.items, row.give.commodities, claim=True)
    if frozen is not None:
        return frozen
    return Refusal("offer_closed") if context.now_ms >= row.expires_at_ms else None


def _end(state: PlayerState, row: Offer, how: OfferState, context: Context) -> list[Event]:
    """In the maker's store: everything comes back; gold that the wallet has no room for waits with the goods."""
    account, give, now_ms = state.owner(), row.give, context.now_ms
    to_wallet = give.gold if has_room(account, give.gold) else 0
    made = waiting(account, "returned", Assets(give.gold - to_wallet, give.items, give.commodities), now_ms)
    told = [notices.offer_closed(row.offer, how)]
    told.extend(notices.arrived(delivery.delivery, delivery.kind) for delivery in made)
    return [OfferEnded(row.offer, how, to_wallet, now_ms), *made, *notices.notices(account, now_ms, *told)]


def _forget(state: PlayerState, row: ReceivedOffer, how: OfferState, context: Context) -> list[Event]:
    """In the store of whom it was made to: the inbox has room again."""
    told = notices.notices(state.owner(), context.now_ms, notices.offer_closed(row.offer, how))
    return [OfferForgotten(row.offer, context.now_ms), *told]
