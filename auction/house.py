"""The one entrance to the rules: `execute` answers a request from the stores that it concerns.

    key ──► decide: legs, each pure in its own store ──► evolve ──► transfers taken in ──► answer, stored with its key

It works out which stores a request needs and asks for those that are asleep before anything is changed. A refusal
changes nothing. Otherwise the states are evolved in place and the record tells what happened, store by store; who
calls makes the record durable before the answer or a notice leaves.

A trade of several stores is decided leg by leg: the seller's leg votes, the bidder's leg follows the vote
(`auction.listings`, `auction.bidding`). What goes to a third store is a transfer, taken in where it arrives by the
same record. So it is where all stores are at home here. A trade with a listing or a player of another node is proposed
instead (`auction.trades`), and a transfer to another node stays in the record, to be carried there.

An order for a commodity has no condition at the other end: it leaves for its market by a transfer, and what the market
sends back is the caller's answer, in the same record where the market is at home, and later where it is not (`Sent`).
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from auction import bidding, deliveries, freezing, grants, ids, keys, listing_trades, listings, queries, watches, world
from auction.commands import (
    AcceptOffer,
    BuyCommodity,
    BuyOut,
    CancelListing,
    CancelOrder,
    ClaimDelivery,
    Command,
    CreateListing,
    CreateWatch,
    DeclineOffer,
    DeleteWatch,
    EndListing,
    EndOffer,
    FreezeTrading,
    Grant,
    MakeOffer,
    MyBids,
    PlaceBid,
    SearchListings,
    SellCommodity,
    Take,
    ThawTrading,
    WithdrawOffer,
    WorldQuery,
)
from auction.context import Answer, Asker, Context, Request, Use
from auction.events import Event, Record
from auction.happening import happen, notices_of, take_in_sent
from auction.house_state import HouseState
from auction.market import book, orders
from auction.market.orders import PlaceOrder
from auction.market.state import MarketState
from auction.needs import (
    AT_THE_MARKET,
    OF_A_LISTING,
    OF_THE_HOUSE_ITSELF,
    first_store,
    needed,
    seller_store,
    subject_of,
)
from auction.offers import accepting, ending, making
from auction.offers import trades as offer_trades
from auction.outcomes import (
    Asleep,
    Decision,
    Elsewhere,
    Executed,
    Locked,
    Outcome,
    Proposal,
    Sent,
    States,
    Stores,
    Undecided,
    a_market,
    a_player,
)
from auction.player_state import PlayerState
from auction.refusals import Refusal
from auction.results import ListingView, Result
from auction.state import StoreId
from auction.stores import State

NOTHING: Mapping[str, ListingView | None] = MappingProxyType({})
"""Told of no listing."""


Not = Refusal | Undecided | Proposal
"""Why nothing was decided, or not here alone."""


def execute(
    request: Request, stores: Stores, context: Context, told: Mapping[str, ListingView | None] = NOTHING
) -> Outcome:
    """Answer one request of a caller whose role may ask it, in the node where its first store is at home.

    `told` has listings of other nodes as their homes show them to the caller, None for one that is nowhere: what an
    earlier Elsewhere asked for. A search is not a store's to answer and does not come here; only the house itself ends
    listings.
    """
    ask: Any = request.ask
    assert (request.caller.role == "house") == (type(ask) in OF_THE_HOUSE_ITSELF), request
    assert not isinstance(ask, SearchListings), request
    if isinstance(ask, WorldQuery):
        return _unchanged(world.answer(ask, context.catalog))
    if type(ask) in AT_THE_MARKET and ask.commodity not in context.catalog.commodities:
        return _unchanged(Refusal("no_such_commodity"))
    home = first_store(request, context)
    if home is None:
        return _unchanged(Refusal("no_such_listing"))
    states: States = {}
    asleep = []
    for store in needed(ask, home, request.caller.player, stores, context):
        state = stores(store)
        if state is None:
            asleep.append(store)
        else:
            states[store] = state
    if asleep:
        return Asleep(tuple(asleep))
    if isinstance(ask, Command):
        return _change(request, home, states, context, told)
    if type(ask) is MyBids:
        unknown = [name for name in _elsewhere(ask, a_player(states[home]), context) if name not in told]
        if unknown:
            return Elsewhere(tuple(unknown))
    return _unchanged(queries.answer(ask, request.caller.player, states[home], states, told, context), states)


def _elsewhere(ask: MyBids, home: PlayerState, context: Context) -> Iterable[str]:
    """The listings of other nodes that a question needs to know of."""
    return (name for name in queries.listings_shown(ask, home) if not context.at_home(ids.minter(name)))


def _unchanged(body: Result | Refusal, reads: Iterable[StoreId] = ()) -> Executed:
    return Executed({}, Answer(body, isinstance(body, Refusal)), [], tuple(reads))


def _change(
    request: Request,
    home: StoreId,
    states: States,
    context: Context,
    told: Mapping[str, ListingView | None],
) -> Outcome:
    """Check the key, decide, apply, and store the answer under the key."""
    ask: Any = request.ask
    keyed = states[home]
    assert not isinstance(keyed, MarketState), request
    use = keys.use_of(request)
    if use is not None:
        before = keys.repeated(keyed, use) or keys.none_left(keyed, context.now_ms)
        if isinstance(before, Answer):
            return Executed({}, before, [], (home,))
        if before is not None:
            return _unchanged(before, (home,))
        if use.key in keyed.open_keys:
            subject = keyed.open_keys[use.key]
            return Locked(home, subject, keyed.locked.get(subject, subject))
    player = request.caller.player
    about = subject_of(ask)
    if about is not None:
        for store, state in states.items():
            if about in state.locked:
                return Locked(store, about)
    if type(ask) in OF_A_LISTING:
        seller = seller_store(ask.listing, context)
        if seller is not None and seller not in states:
            return _ask_elsewhere(ask, player, home, a_player(states[home]), use, context, told)
    if isinstance(ask, CreateWatch):
        missing = _not_there(ask, states, context, told)
        if missing is not None:
            return missing
    decision = _DECIDE[type(ask)](ask, Asker(player, home, use), states, context)
    if isinstance(decision, Refusal):
        return _unchanged(decision, states)
    if not isinstance(decision, Decision):
        return decision
    record: Record = {}
    for store, events in decision.legs.items():
        happen(store, events, states, record)
    answered = take_in_sent(states, record, context)
    if decision.subject is not None:
        mine = [heard.answer for heard in answered if (heard.store, heard.subject) == (home, decision.subject)]
        if not mine:
            return Sent(record, home, decision.subject)
        return Executed(record, mine[0], notices_of(record, states), tuple(states))
    answer = Answer(decision.body, isinstance(decision.body, Refusal))
    if use is not None and decision.body is not None:
        stored, answer = keys.used(keyed, use, decision.body, context.now_ms)
        happen(home, stored, states, record)
    return Executed(record, answer, notices_of(record, states), tuple(states))


def _ask_elsewhere(
    ask: Any,
    player: str,
    home: StoreId,
    state: PlayerState,
    use: Use | None,
    context: Context,
    told: Mapping[str, ListingView | None],
) -> Executed | Elsewhere | Undecided | Proposal:
    """What becomes of a command on a listing of another node, which can only be somebody else's."""
    if isinstance(ask, PlaceBid | BuyOut):
        return listing_trades.propose(ask, player, home, state, use, context)
    if ask.listing not in told:
        return Elsewhere((ask.listing,))
    return _unchanged(Refusal("no_such_listing" if told[ask.listing] is None else "not_owner"), (home,))


def _not_there(
    ask: CreateWatch, states: States, context: Context, told: Mapping[str, ListingView | None]
) -> Executed | Elsewhere | None:
    """What becomes of a watch on a listing that does not exist, or that another node must be asked for."""
    if ask.listing is None:
        return None
    seller = seller_store(ask.listing, context)
    if seller is not None and seller in states:
        exists = ask.listing in a_player(states[seller]).listings
    elif seller is not None and ask.listing not in told:
        return Elsewhere((ask.listing,))
    else:
        exists = told.get(ask.listing) is not None
    return None if exists else _unchanged(Refusal("no_such_listing"), states)


def _create(ask: CreateListing, asker: Asker, states: States, context: Context) -> Decision | Not:
    return _alone(asker.home, listings.create(a_player(states[asker.home]), asker.player, ask, context))


def _claim(ask: ClaimDelivery, asker: Asker, states: States, context: Context) -> Decision | Not:
    return _alone(asker.home, deliveries.claim(a_player(states[asker.home]), ask, context))


def _grant(ask: Grant, asker: Asker, states: States, context: Context) -> Decision | Not:
    return _alone(asker.home, grants.grant(a_player(states[asker.home]), asker.player, ask, context))


def _take(ask: Take, asker: Asker, states: States, context: Context) -> Decision | Not:
    return _alone(asker.home, grants.take(a_player(states[asker.home]), asker.player, ask, context))


def _watch(ask: CreateWatch, asker: Asker, states: States, context: Context) -> Decision | Not:
    return _alone(asker.home, watches.create(a_player(states[asker.home]), asker.player, ask, context))


def _watch_no_more(ask: DeleteWatch, asker: Asker, states: States, _context: Context) -> Decision | Not:
    return _alone(asker.home, watches.delete(a_player(states[asker.home]), ask))


def _freeze(ask: FreezeTrading, asker: Asker, states: States, context: Context) -> Decision | Not:
    return _alone(asker.home, freezing.freeze(_the_house(states[asker.home]), asker.player, ask, context))


def _thaw(ask: ThawTrading, asker: Asker, states: States, context: Context) -> Decision | Not:
    return _alone(asker.home, freezing.thaw(_the_house(states[asker.home]), asker.player, ask, context))


def _the_house(state: State) -> HouseState:
    assert isinstance(state, HouseState), state
    return state


def _alone(home: StoreId, decided: tuple[list[Event], Result] | Not) -> Decision | Not:
    """A decision of one store."""
    if isinstance(decided, Not):
        return decided
    events, result = decided
    return Decision({home: events}, result)


def _cancel(ask: CancelListing, asker: Asker, states: States, context: Context) -> Decision | Not:
    seller = seller_store(ask.listing, context)
    if seller is None:
        return Refusal("no_such_listing")
    return _alone(seller, listings.cancel(a_player(states[seller]), asker.player, ask, context))


def _end(ask: EndListing, asker: Asker, states: States, context: Context) -> Decision | Not:
    events = listings.end(a_player(states[asker.home]), ask.listing, context)
    return Decision({asker.home: events} if events else {}, None)


def _bid(ask: PlaceBid, asker: Asker, states: States, context: Context) -> Decision | Not:
    """A trade of two legs; one that only moves the price is done and answered `outbid`."""
    seller = seller_store(ask.listing, context)
    if seller is None:
        return Refusal("no_such_listing")
    sellers_leg = listings.take_bid(a_player(states[seller]), asker.player, ask, context)
    if isinstance(sellers_leg, Refusal):
        return sellers_leg
    sold_to, vote = sellers_leg
    bidders_leg = bidding.place_bid(a_player(states[asker.home]), ask, vote, context)
    if isinstance(bidders_leg, Not):
        return bidders_leg
    return Decision({seller: sold_to, asker.home: bidders_leg}, bidding.bid_answer(vote, asker.player))


def _buy_out(ask: BuyOut, asker: Asker, states: States, context: Context) -> Decision | Not:
    """A trade of two legs: the sale, and its payment."""
    seller = seller_store(ask.listing, context)
    if seller is None:
        return Refusal("no_such_listing")
    sellers_leg = listings.take_buyout(a_player(states[seller]), asker.player, ask, context)
    if isinstance(sellers_leg, Refusal):
        return sellers_leg
    sale, vote = sellers_leg
    buyers_leg = bidding.pay_buyout(a_player(states[asker.home]), ask, vote, context)
    if isinstance(buyers_leg, Not):
        return buyers_leg
    return Decision({seller: sale, asker.home: buyers_leg}, bidding.buyout_answer(vote, asker.player, ask.price))


def _order(ask: PlaceOrder, asker: Asker, states: States, context: Context) -> Decision | Not:
    """An order leaves for its market. A market that is at home is asked first, and nothing happens if it refuses."""
    placed = orders.place(a_player(states[asker.home]), asker.player, ask, asker.use, context)
    if isinstance(placed, Not):
        return placed
    events, order, to = placed
    if to in states:
        refused = book.judge(a_market(states[to]), order, context)
        if isinstance(refused, Refusal):
            return refused
    return Decision({asker.home: events}, None, order.order)


def _cancel_order(ask: CancelOrder, asker: Asker, states: States, context: Context) -> Decision | Not:
    asked = orders.cancel(a_player(states[asker.home]), asker.player, ask, asker.use, context)
    return asked if isinstance(asked, Not) else Decision({asker.home: asked}, None, ask.order)


def _make_offer(ask: MakeOffer, asker: Asker, states: States, context: Context) -> Decision | Not:
    """A trade of two legs: what is given, and room in the other player's inbox."""
    maker, to = a_player(states[asker.home]), context.store_of(ask.to)
    if to not in states:
        return offer_trades.propose_offer(ask, asker.player, asker.home, maker, asker.use, context)
    decided = making.make(maker, a_player(states[to]), asker.player, ask, context)
    if isinstance(decided, Not):
        return decided
    made, received, result = decided
    return Decision({asker.home: made, to: received}, result)


def _accept_offer(ask: AcceptOffer, asker: Asker, states: States, context: Context) -> Decision | Not:
    """A trade of two legs: what is wanted for what was offered."""
    acceptor = a_player(states[asker.home])
    received = accepting.in_inbox(acceptor, ask.offer)
    if isinstance(received, Refusal):
        return received
    maker = ids.minter(ask.offer)
    if maker not in states:
        return offer_trades.propose_acceptance(received, asker.player, asker.home, acceptor, asker.use, context)
    decided = accepting.accept(acceptor, a_player(states[maker]), asker.player, received, context)
    if isinstance(decided, Not):
        return decided
    paid, handed_over, result = decided
    return Decision({asker.home: paid, maker: handed_over}, result)


def _decline_offer(ask: DeclineOffer, asker: Asker, states: States, context: Context) -> Decision | Not:
    return _alone(asker.home, ending.decline(a_player(states[asker.home]), asker.player, ask, context))


def _withdraw_offer(ask: WithdrawOffer, asker: Asker, states: States, context: Context) -> Decision | Not:
    return _alone(asker.home, ending.withdraw(a_player(states[asker.home]), asker.player, ask, context))


def _end_offer(ask: EndOffer, asker: Asker, states: States, context: Context) -> Decision | Not:
    events = ending.end(a_player(states[asker.home]), ask.offer, context)
    return Decision({asker.home: events} if events else {}, None)


_DECIDE: dict[type[Command], Callable[[Any, Asker, States, Context], Decision | Not]] = {
    CreateListing: _create,
    PlaceBid: _bid,
    BuyOut: _buy_out,
    CancelListing: _cancel,
    ClaimDelivery: _claim,
    BuyCommodity: _order,
    SellCommodity: _order,
    CancelOrder: _cancel_order,
    CreateWatch: _watch,
    DeleteWatch: _watch_no_more,
    Grant: _grant,
    Take: _take,
    FreezeTrading: _freeze,
    ThawTrading: _thaw,
    MakeOffer: _make_offer,
    AcceptOffer: _accept_offer,
    DeclineOffer: _decline_offer,
    WithdrawOffer: _withdraw_offer,
    EndListing: _end,
    EndOffer: _end_offer,
}
