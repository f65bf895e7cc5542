"""Bids and buyouts on listings of other nodes: their legs, what each store promises, and what it does when it must.

The seller's leg votes what the trade will do, in figures; settling it does exactly that, with the instant of the vote.
The buyer's leg holds the gold. How much that has to be, the listing knows: a store that was wrong about it is told by
the vote, and the trade is proposed once more.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from auction import bidding, ids, listings
from auction.commands import BuyOut, PlaceBid
from auction.context import Context, Use
from auction.events import BidPlaced, BuyoutPaid, Event
from auction.freezes import NOTHING_FROZEN
from auction.legs import BidVote, BuyerLeg, Kept, Promise, SellerLeg, Vote, decode_leg, decode_vote, encode
from auction.outcomes import Proposal, Undecided
from auction.player_state import PlayerState
from auction.refusals import Refusal
from auction.standing import cannot_trade
from auction.state import PreparedLeg, StoreId, TradeKind
from auction.wallet import cannot_pay


def propose(
    ask: PlaceBid | BuyOut, player: str, home: StoreId, state: PlayerState, use: Use | None, context: Context
) -> Proposal | Undecided:
    """The trade that a bid or a buyout of a listing on another node needs; `state` is the player's own."""
    seller = ids.minter(ask.listing)
    kind: TradeKind
    kind, amount = ("bid", ask.amount) if isinstance(ask, PlaceBid) else ("buyout", ask.price)
    bid = state.bids.get(ask.listing)
    hold = amount - bid.amount if bid is not None and bid.winning else amount
    leg = BuyerLeg(kind, ask.listing, amount, max(hold, 0), use)
    objection = _cannot_hold(state, leg, context)
    if isinstance(objection, Undecided):
        return objection
    to_sell = encode(SellerLeg(player, kind, ask.listing, amount, payable=objection is None))
    legs = {seller: to_sell} if objection is not None else {seller: to_sell, home: encode(leg)}
    return Proposal(kind, ask.listing, home, seller, legs, objection, leg.hold)


def _cannot_hold(state: PlayerState, leg: BuyerLeg, context: Context) -> Refusal | Undecided | None:
    """What the buyer's store has against a leg."""
    not_now = cannot_trade(state, context)
    if not_now is not None:
        return not_now
    if leg.kind == "bid" and leg.hold == leg.amount and bidding.no_bid_left(state, leg.listing, context):
        return Refusal("bid_limit")
    bid = state.bids.get(leg.listing)
    coming = 0
    if bid is not None:
        led_no_more = bid.winning and leg.hold == leg.amount
        coming = bid.refund_due + (bid.amount if led_no_more else 0)
    return cannot_pay(state, leg.hold, coming)


def promise_sale(state: PlayerState, leg: SellerLeg, context: Context) -> Promise | Refusal:
    """The listing takes the bid, or is sold, as things stand."""
    decided = _sell(state, leg, context)
    return decided if isinstance(decided, Refusal) else Promise(vote=encode(decided[1]))


def promise_payment(state: PlayerState, leg: BuyerLeg, context: Context) -> Promise | Refusal | Undecided:
    """The gold is there."""
    return _cannot_hold(state, leg, context) or Promise(gold=leg.hold)


def judge(proposal: Proposal, votes: Mapping[StoreId, bytes]) -> bytes | Proposal | Undecided:
    """The listing's vote, where the caller's store holds what it names; else the trade with the right sum, once."""
    payload = votes[proposal.other]
    right = _asked(decode_vote(payload))
    if right == proposal.hold:
        return payload
    if proposal.corrected:
        return Undecided()
    leg = decode_leg(proposal.legs[proposal.home])
    assert isinstance(leg, BuyerLeg), proposal
    legs = {**proposal.legs, proposal.home: encode(replace(leg, hold=right))}
    return replace(proposal, legs=legs, hold=right, corrected=True)


def keep_sale(state: PlayerState, leg: SellerLeg, row: PreparedLeg, _payload: bytes, context: Context) -> Kept:
    """The sale, or the bid, as of the instant at which it was promised; what was frozen since does not undo it."""
    decided = _sell(state, leg, replace(context, now_ms=row.at_ms, freezes=NOTHING_FROZEN))
    assert not isinstance(decided, Refusal), (row.trade, decided)
    events, vote = decided
    assert _undated(vote) == _undated(decode_vote(row.vote)), (row.trade, vote)
    return Kept(events)


def keep_payment(state: PlayerState, leg: BuyerLeg, row: PreparedLeg, payload: bytes, context: Context) -> Kept:
    """The bid, or the payment, with the listing's figures."""
    vote = decode_vote(payload)
    assert _asked(vote) == leg.hold, (row.trade, vote)
    player = state.owner().player
    if isinstance(vote, BidVote):
        placed = BidPlaced(leg.listing, leg.amount, vote.held, vote.leads, context.now_ms)
        return Kept([placed], bidding.bid_answer(vote, player))
    return Kept([BuyoutPaid(leg.listing, vote.due, context.now_ms)], bidding.buyout_answer(vote, player, leg.amount))


def _sell(state: PlayerState, leg: SellerLeg, context: Context) -> tuple[list[Event], Vote] | Refusal:
    ask = leg.ask()
    if isinstance(ask, PlaceBid):
        return listings.take_bid(state, leg.player, ask, context)
    return listings.take_buyout(state, leg.player, ask, context)


def _undated(vote: Vote) -> Vote:
    """What votes of all versions say: those of version 2 did not tell when the listing ended."""
    return replace(vote, listing=replace(vote.listing, ended_at_ms=None))


def _asked(vote: Vote) -> int:
    """Gold that the buyer's leg has to hold."""
    return vote.covered if isinstance(vote, BidVote) else vote.due
