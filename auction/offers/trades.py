"""Offers between players of different nodes: their legs, what each store promises, and what it does when it must.

To make an offer takes what is given on one side, and room in the inbox on the other. To accept it takes what is wanted
on one side, and on the other that the offer is still open. The rules are those within one node
(`auction.offers.making`, `auction.offers.accepting`).
"""

from collections.abc import Mapping

from auction import ids
from auction.commands import MakeOffer
from auction.context import Context, Use
from auction.legs import Kept, Promise, encode
from auction.offers import accepting, making, terms
from auction.offers.events import OfferMade
from auction.offers.legs import AcceptLeg, InboxLeg, OfferedLeg, OfferLeg
from auction.opening import opened
from auction.outcomes import Proposal, Undecided
from auction.player_state import PlayerState
from auction.refusals import Refusal
from auction.results import OfferResult
from auction.state import Assets, PreparedLeg, ReceivedOffer, StoreId

NOTHING_TO_SAY = b""
"""What these trades are committed with: the legs say everything."""


def propose_offer(
    ask: MakeOffer, player: str, home: StoreId, state: PlayerState, use: Use | None, context: Context
) -> Proposal | Undecided:
    """The trade that an offer to a player of another node needs; `state` is that of who makes it."""
    give, want = terms.named(ask.give), terms.named(ask.want)
    objection = making.cannot_make(state, player, ask.to, give, want, context)
    if isinstance(objection, Undecided):
        return objection
    account, _ = opened(state, player, context)
    offer, made_at_ms, expires_at_ms = making.next_offer(account), context.now_ms, making.expiry_ms(ask, context)
    to = context.store_of(ask.to)
    received = ReceivedOffer(offer, player, making.given(state, give), want, made_at_ms, expires_at_ms)
    legs = {to: encode(InboxLeg(ask.to, received, payable=objection is None))}
    if objection is None:
        legs[home] = encode(OfferLeg(offer, player, ask.to, give, want, made_at_ms, expires_at_ms, use))
    return Proposal("offer", offer, home, to, legs, objection)


def propose_acceptance(
    received: ReceivedOffer, player: str, home: StoreId, state: PlayerState, use: Use | None, context: Context
) -> Proposal | Undecided:
    """The trade that accepting an offer of a player of another node needs; `state` is that of who accepts it."""
    objection = accepting.cannot_accept(state, player, received, context)
    if isinstance(objection, Undecided):
        return objection
    offer, maker = received.offer, ids.minter(received.offer)
    paid = making.given(state, received.want)
    legs = {maker: encode(OfferedLeg(offer, paid, payable=objection is None))}
    if objection is None:
        legs[home] = encode(AcceptLeg(offer, use))
    return Proposal("accept", offer, home, maker, legs, objection)


def judge(_proposal: Proposal, _votes: Mapping[StoreId, bytes]) -> bytes:
    """Where both sides said YES there is nothing left to compare."""
    return NOTHING_TO_SAY


def promise_gift(state: PlayerState, leg: OfferLeg, context: Context) -> Promise | Refusal | Undecided:
    """What is given is held, and the offer's id is used up."""
    account, opening = opened(state, leg.player, context)
    if leg.subject != making.next_offer(account):
        return Undecided()  # another offer was made between the proposal and this
    objection = making.cannot_make(state, leg.player, leg.to, leg.give, leg.want, context)
    if objection is not None:
        return objection
    give = making.given(state, leg.give)
    return Promise(gold=give.gold, items=give.items, commodities=give.commodities, opening=tuple(opening))


def keep_gift(_state: PlayerState, leg: OfferLeg, row: PreparedLeg, _payload: bytes, _context: Context) -> Kept:
    """What was held is in escrow with the offer."""
    offer = making.offer_of(leg.subject, leg.to, _held(row), leg.want, leg.made_at_ms, leg.expires_at_ms)
    return Kept([OfferMade(offer)], OfferResult(offer.offer, "open"))


def promise_room(state: PlayerState, leg: InboxLeg, context: Context) -> Promise | Refusal:
    """There is room in the inbox."""
    refusal = making.cannot_receive(state, leg.to, leg.subject, context)
    if refusal is not None:
        return refusal
    _, opening = opened(state, leg.to, context)
    return Promise(opening=tuple(opening))


def keep_room(state: PlayerState, leg: InboxLeg, _row: PreparedLeg, _payload: bytes, context: Context) -> Kept:
    """The offer is in the inbox."""
    return Kept(making.receive(state, leg.to, leg.offer, context))


def promise_payment(state: PlayerState, leg: AcceptLeg, context: Context) -> Promise | Refusal | Undecided:
    """What is wanted is held."""
    received = accepting.in_inbox(state, leg.subject)
    if isinstance(received, Refusal):
        return received
    objection = accepting.cannot_accept(state, state.owner().player, received, context)
    if objection is not None:
        return objection
    paid = making.given(state, received.want)
    return Promise(gold=paid.gold, items=paid.items, commodities=paid.commodities)


def keep_payment(state: PlayerState, leg: AcceptLeg, row: PreparedLeg, _payload: bytes, context: Context) -> Kept:
    """What was held is paid, and what was offered waits."""
    received = state.inbox.rows[leg.subject]
    return Kept(accepting.pay(state, received, _held(row), context), OfferResult(leg.subject, "accepted"))


def promise_offered(state: PlayerState, leg: OfferedLeg, context: Context) -> Promise | Refusal:
    """The offer is open; its escrow stays as it is."""
    return accepting.is_over(state, leg.subject, context) or Promise()


def keep_offered(state: PlayerState, leg: OfferedLeg, _row: PreparedLeg, _payload: bytes, context: Context) -> Kept:
    """What was offered goes, and what is paid waits."""
    return Kept(accepting.hand_over(state, state.offers.rows[leg.subject], leg.paid, context))


def _held(row: PreparedLeg) -> Assets:
    return Assets(row.held, row.items, row.commodities)
