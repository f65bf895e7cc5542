"""The bidder's side of a bid and of a buyout: what happens in the store that pays.

Each leg follows the seller's vote (`auction.listings`): it checks the bidder's limits and gold, and holds what the vote
asks for.
"""

from auction.commands import BuyOut, PlaceBid
from auction.context import Context
from auction.events import BidPlaced, BuyoutPaid, Event
from auction.listings import BidVote, BuyoutVote
from auction.refusals import Refusal
from auction.state import PlayerState


def place_bid(state: PlayerState, ask: PlaceBid, vote: BidVote, context: Context) -> list[Event] | Refusal:
    """Bidder's leg of a bid. A bid that only moves the price must be covered all the same, and holds nothing.

    The limit on standing bids is held against every new bid, whether it would lead or not, so that its answer tells
    nothing of the leader's maximum.
    """
    if not vote.led and state.standing_bids >= context.catalog.rules.max_bids:
        return Refusal("bid_limit")
    if vote.covered > state.gold():
        return Refusal("insufficient_gold", {"available": state.gold()})
    return [BidPlaced(ask.listing, ask.amount, vote.held, vote.leads, context.now_ms)]


def pay_buyout(state: PlayerState, ask: BuyOut, vote: BuyoutVote, context: Context) -> list[Event] | Refusal:
    """Buyer's leg of a buyout; a leader pays only what its standing maximum lacks."""
    if vote.due > state.gold():
        return Refusal("insufficient_gold", {"available": state.gold()})
    return [BuyoutPaid(ask.listing, vote.due, context.now_ms)]
