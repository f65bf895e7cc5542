"""Accepting an offer: what was offered and what is wanted change hands at once, and wait as deliveries on both sides.

Whether the offer is open, its maker's store knows; whether what is wanted is there, that of who accepts.
"""

from auction import audit_log, cooldowns, notices, stash
from auction.context import Context
from auction.deliveries import delivery_of
from auction.events import DeliveryMade, Event
from auction.offers import terms
from auction.offers.events import OfferEnded, OfferPaid
from auction.offers.making import given
from auction.outcomes import Undecided
from auction.player_state import PlayerState
from auction.refusals import Refusal, first_of
from auction.results import OfferResult
from auction.standing import too_new
from auction.state import Account, Assets, DeliveryKind, Offer, ReceivedOffer
from auction.wallet import cannot_pay


def accept(
    acceptor: PlayerState, maker: PlayerState, player: str, received: ReceivedOffer, context: Context
) -> tuple[list[Event], list[Event], OfferResult] | Refusal | Undecided:
    """An offer accepted between two stores of one node: what happens in each, and what `player`, who accepts, hears."""
    own = cannot_accept(acceptor, player, received, context)
    if isinstance(own, Undecided):
        return own
    refusal = first_of(filter(None, (own, is_over(maker, received.offer, context))))
    if refusal is not None:
        return refusal
    paid = given(acceptor, received.want)
    taken = pay(acceptor, received, paid, context)
    handed_over = hand_over(maker, maker.offers.rows[received.offer], paid, context)
    return taken, handed_over, OfferResult(received.offer, "accepted")


def in_inbox(state: PlayerState, offer: str) -> ReceivedOffer | Refusal:
    """An offer that was made to the player; one that is over is known as long as the player can read of its end."""
    row = state.inbox.get(offer)
    if row is not None:
        return row
    return Refusal("offer_closed" if offer in state.offers_over else "no_such_offer")


def is_over(maker: PlayerState, offer: str, context: Context) -> Refusal | None:
    """What the maker's store has against an offer being accepted, that is in the other's inbox."""
    row = maker.offers.get(offer)
    return Refusal("offer_closed") if row is None or context.now_ms >= row.expires_at_ms else None


def cannot_accept(state: PlayerState, player: str, row: ReceivedOffer, context: Context) -> Refusal | Undecided | None:
    """What the store of who accepts has against it."""
    items = stash.find(state, row.want.items)
    if not isinstance(items, tuple):
        return items
    commodities = {**row.give.commodities, **row.want.commodities}
    return (
        terms.frozen(context, (player, row.maker), (*items, *row.give.items), commodities)
        or stash.bound(items)
        or too_new(state, context)
        or cannot_pay(state, row.want.gold)
        or stash.cannot_give_all(state, row.want.commodities)
    )


def pay(state: PlayerState, row: ReceivedOffer, paid: Assets, context: Context) -> list[Event]:
    """In the store of who accepts: what is wanted leaves, what was offered waits."""
    return [OfferPaid(row.offer, paid, context.now_ms), *_exchanged(state, row.offer, row.give, context)]


def hand_over(state: PlayerState, row: Offer, paid: Assets, context: Context) -> list[Event]:
    """In the maker's store: what was offered leaves, what was wanted waits. A trade of great worth is written into the
    audit log.
    """
    account = state.owner()
    ended = OfferEnded(row.offer, "accepted", 0, context.now_ms)
    audited = audit_log.traded(
        account,
        context.catalog.rules,
        buyer=row.to,
        ref=row.offer,
        worth=max(row.give.gold, row.want.gold),
        detail=f"{account.player} gave {terms.in_words(row.give)} for {terms.in_words(row.want)}",
        now_ms=context.now_ms,
    )
    return [ended, *_exchanged(state, row.offer, paid, context), *audited]


def _exchanged(state: PlayerState, offer: str, got: Assets, context: Context) -> list[Event]:
    """What a player got waits, and the player is told."""
    account = state.owner()
    made = waiting(account, "traded", got, context.now_ms)
    told = [notices.offer_closed(offer, "accepted")]
    told.extend(notices.arrived(delivery.delivery, delivery.kind) for delivery in made)
    return [*made, *cooldowns.begun(got.items, context), *notices.notices(account, context.now_ms, *told)]


def waiting(account: Account, kind: DeliveryKind, assets: Assets, now_ms: int) -> list[DeliveryMade]:
    """The delivery of gold and goods; none of nothing."""
    if assets == Assets():
        return []
    gold, items, commodities = assets.gold, assets.items, assets.commodities
    return [delivery_of(account, kind, None, now_ms, gold=gold, items=items, commodities=commodities)]
