"""The bidder's side of a bid and of a buyout: what happens in the store that pays, and what the player hears.

Each leg follows the seller's vote (`auction.listings`): it checks the bidder's limits and gold, and holds what the vote
asks for.
"""

from auction.commands import BuyOut, PlaceBid
from auction.context import Context
from auction.events import BidPlaced, BuyoutPaid, Event
from auction.legs import BidVote, BuyoutVote
from auction.outcomes import Undecided
from auction.player_state import PlayerState
from auction.pricing import min_bid
from auction.refusals import Refusal
from auction.results import BidResult, BuyoutResult
from auction.standing import cannot_trade
from auction.views import listing_view
from auction.wallet import cannot_pay


def place_bid(state: PlayerState, ask: PlaceBid, vote: BidVote, context: Context) -> list[Event] | Refusal | Undecided:
    """Bidder's leg of a bid. A bid that only moves the price must be covered all the same, and holds nothing."""
    not_now = cannot_trade(state, context)
    if not_now is not None:
        return not_now
    if not vote.led and no_bid_left(state, ask.listing, context):
        return Refusal("bid_limit")
    short = cannot_pay(state, vote.covered)
    if short is not None:
        return short
    return [BidPlaced(ask.listing, ask.amount, vote.held, vote.leads, context.now_ms)]


def pay_buyout(
    state: PlayerState, ask: BuyOut, vote: BuyoutVote, context: Context
) -> list[Event] | Refusal | Undecided:
    """Buyer's leg of a buyout; a leader pays only what its standing maximum lacks."""
    not_now = cannot_trade(state, context)
    if not_now is not None:
        return not_now
    short = cannot_pay(state, vote.due)
    return short if short is not None else [BuyoutPaid(ask.listing, vote.due, context.now_ms)]


def no_bid_left(state: PlayerState, listing: str, context: Context) -> bool:
    """Whether the player leads, or may come to lead, as many other listings as the rules allow.

    The limit is held against every new bid, whether it would lead or not, so that its answer tells nothing of the
    leader's maximum.
    """
    most = context.catalog.rules.max_bids
    bids = state.standing_bids + state.open_bids
    return bids >= most and bids - state.leads(listing) >= most


def bid_answer(vote: BidVote, bidder: str) -> BidResult | Refusal:
    """What the bidder hears."""
    if vote.leads:
        return BidResult(listing_view(vote.listing, bidder), winning=True)
    return Refusal("outbid", {"price": vote.listing.price, "min_bid": min_bid(vote.listing)})


def buyout_answer(vote: BuyoutVote, buyer: str, price: int) -> BuyoutResult:
    """What the buyer hears."""
    return BuyoutResult(listing_view(vote.listing, buyer), vote.listing.item, price)
