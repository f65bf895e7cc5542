"""The one entrance to the rules: `execute` answers a request from the stores that it concerns.

    key ──► decide: legs, each pure in its own store ──► evolve ──► transfers taken in ──► answer, stored with its key

It works out which stores a request needs and asks for those that are asleep before anything is changed. A refusal
changes nothing. Otherwise the states are evolved in place and the record tells what happened, store by store; who
calls makes the record durable before the answer or a notice leaves.

A trade of several stores is decided leg by leg: the seller's leg votes, the bidder's leg follows the vote
(`auction.listings`, `auction.bidding`). What goes to a third store is a transfer, taken in where it arrives by the
same record. So it is where all stores are at home here. A trade with a listing of another node is proposed instead
(`auction.trades`), and a transfer to another node stays in the record, to be carried there.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from auction import bidding, deliveries, grants, ids, keys, listings, queries, trades, world
from auction.commands import (
    BuyOut,
    CancelListing,
    ClaimDelivery,
    Command,
    CreateListing,
    EndListing,
    GetListing,
    Grant,
    InspectPlayer,
    MyBids,
    PlaceBid,
    SearchListings,
    Take,
    WorldQuery,
)
from auction.context import Answer, Context, Request
from auction.events import Event, Record
from auction.happening import happen, notices_of, take_in_sent
from auction.outcomes import Asleep, Elsewhere, Executed, Locked, Outcome, Proposal, States, Stores, Undecided
from auction.player_state import PlayerState
from auction.refusals import Refusal
from auction.results import ListingView, Result
from auction.state import StoreId

NOTHING: Mapping[str, ListingView | None] = MappingProxyType({})
"""Told of no listing."""

AT_THE_LISTING = frozenset({GetListing, EndListing})
"""Asked of the listing's store, whoever asks."""
AT_THE_NAMED_PLAYER = frozenset({Grant, Take, InspectPlayer})
"""Asked of the store of the player whom the question names."""
OF_A_LISTING = frozenset({PlaceBid, BuyOut, CancelListing, EndListing})
"""Needs the listing's store, and that of who leads there."""


class Decision(msgspec.Struct, frozen=True):
    """What a command does, not yet done."""

    legs: Record
    body: Result | Refusal | None
    """The answer: a result, the refusal `outbid`, or None where nobody waits for one."""


Not = Refusal | Undecided
"""Why nothing was decided."""


def execute(
    request: Request, stores: Stores, context: Context, told: Mapping[str, ListingView | None] = NOTHING
) -> Outcome:
    """Answer one request of a caller whose role may ask it, in the node where its first store is at home.

    `told` has listings of other nodes as their homes show them to the caller, None for one that is nowhere: what an
    earlier Elsewhere asked for. A search is not a store's to answer and does not come here; only the house itself ends
    listings.
    """
    ask = request.ask
    assert (request.caller.role == "house") == (type(ask) is EndListing), request
    assert not isinstance(ask, SearchListings), request
    if isinstance(ask, WorldQuery):
        return _unchanged(world.answer(ask, context.catalog))
    home = first_store(request, context.store_of)
    if home is None:
        return _unchanged(Refusal("no_such_listing"))
    states: States = {}
    asleep = []
    for store in _needed(ask, home, stores, context):
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
        unknown = [name for name in _elsewhere(ask, states[home], context) if name not in told]
        if unknown:
            return Elsewhere(tuple(unknown))
    return _unchanged(queries.answer(ask, request.caller.player, states[home], states, told, context), states)


def first_store(request: Request, store_of: Callable[[str], StoreId]) -> StoreId | None:
    """The store that a request goes to first, and that keeps its key; None for a listing that no store ever made."""
    ask: Any = request.ask
    if type(ask) in AT_THE_LISTING:
        return _seller_store(ask.listing)
    if type(ask) in AT_THE_NAMED_PLAYER:
        return store_of(ask.player)
    return store_of(request.caller.player)


def _seller_store(listing: str) -> StoreId | None:
    named = ids.parse(listing, "l")
    return None if named is None else named[0]


def _needed(ask: Any, home: StoreId, stores: Stores, context: Context) -> Iterable[StoreId]:
    """The stores of a request that are at home, as far as they can be known from those that are awake; none twice."""
    needed = dict.fromkeys((home,))
    if type(ask) is MyBids:
        state = stores(home)
        if state is not None:
            shown = map(ids.minter, queries.listings_shown(ask, state))
            needed.update(dict.fromkeys(store for store in shown if context.at_home(store)))
    elif type(ask) in OF_A_LISTING:
        seller = _seller_store(ask.listing)
        if seller is not None and context.at_home(seller):
            needed[seller] = None
            state = stores(seller)
            row = None if state is None else state.listings.get(ask.listing)
            if row is not None and row.state == "open" and row.leader is not None:
                leader = context.store_of(row.leader)
                if context.at_home(leader):
                    needed[leader] = None
    return needed


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
    use = keys.use_of(request)
    if use is not None:
        before = keys.repeated(states[home], use) or keys.none_left(states[home], context.now_ms)
        if isinstance(before, Answer):
            return Executed({}, before, [], (home,))
        if before is not None:
            return _unchanged(before, (home,))
        if use.key in states[home].open_keys:
            listing = states[home].open_keys[use.key]
            return Locked(home, listing, states[home].locked[listing])
    player = request.caller.player
    if type(ask) in OF_A_LISTING:
        for store, state in states.items():
            if ask.listing in state.locked:
                return Locked(store, ask.listing)
        seller = _seller_store(ask.listing)
        if seller is not None and seller not in states:
            return _ask_elsewhere(ask, player, home, states[home], use, context, told)
    decision = _DECIDE[type(ask)](ask, player, home, states, context)
    if isinstance(decision, Refusal):
        return _unchanged(decision, states)
    if isinstance(decision, Undecided):
        return decision
    record: Record = {}
    for store, events in decision.legs.items():
        happen(store, events, states, record)
    take_in_sent(states, record, context)
    answer = Answer(decision.body, isinstance(decision.body, Refusal))
    if use is not None and decision.body is not None:
        stored, answer = keys.used(states[home], use, decision.body, context.now_ms)
        happen(home, stored, states, record)
    return Executed(record, answer, notices_of(record, states), tuple(states))


def _ask_elsewhere(
    ask: Any,
    player: str,
    home: StoreId,
    state: PlayerState,
    use: keys.Use | None,
    context: Context,
    told: Mapping[str, ListingView | None],
) -> Executed | Elsewhere | Undecided | Proposal:
    """What becomes of a command on a listing of another node, which can only be somebody else's."""
    if isinstance(ask, PlaceBid | BuyOut):
        return trades.propose(ask, player, home, state, use, context)
    if ask.listing not in told:
        return Elsewhere((ask.listing,))
    return _unchanged(Refusal("no_such_listing" if told[ask.listing] is None else "not_owner"), (home,))


def _create(ask: CreateListing, caller: str, home: StoreId, states: States, context: Context) -> Decision | Not:
    return _alone(home, listings.create(states[home], caller, ask, context))


def _claim(ask: ClaimDelivery, _caller: str, home: StoreId, states: States, context: Context) -> Decision | Not:
    return _alone(home, deliveries.claim(states[home], ask, context))


def _grant(ask: Grant, _caller: str, home: StoreId, states: States, context: Context) -> Decision | Not:
    return _alone(home, grants.grant(states[home], ask, context))


def _take(ask: Take, _caller: str, home: StoreId, states: States, context: Context) -> Decision | Not:
    return _alone(home, grants.take(states[home], ask, context))


def _alone(home: StoreId, decided: tuple[list[Event], Result] | Not) -> Decision | Not:
    """A decision of one store."""
    if isinstance(decided, Not):
        return decided
    events, result = decided
    return Decision({home: events}, result)


def _cancel(ask: CancelListing, caller: str, _home: StoreId, states: States, context: Context) -> Decision | Not:
    seller = _seller_store(ask.listing)
    if seller is None:
        return Refusal("no_such_listing")
    return _alone(seller, listings.cancel(states[seller], caller, ask, context))


def _end(ask: EndListing, _caller: str, home: StoreId, states: States, context: Context) -> Decision | Not:
    events = listings.end(states[home], ask.listing, context)
    return Decision({home: events} if events else {}, None)


def _bid(ask: PlaceBid, bidder: str, home: StoreId, states: States, context: Context) -> Decision | Not:
    """A trade of two legs; one that only moves the price is done and answered `outbid`."""
    seller = _seller_store(ask.listing)
    if seller is None:
        return Refusal("no_such_listing")
    sellers_leg = listings.take_bid(states[seller], bidder, ask, context)
    if isinstance(sellers_leg, Refusal):
        return sellers_leg
    sold_to, vote = sellers_leg
    bidders_leg = bidding.place_bid(states[home], ask, vote, context)
    if isinstance(bidders_leg, Not):
        return bidders_leg
    return Decision({seller: sold_to, home: bidders_leg}, bidding.bid_answer(vote, bidder))


def _buy_out(ask: BuyOut, buyer: str, home: StoreId, states: States, context: Context) -> Decision | Not:
    """A trade of two legs: the sale, and its payment."""
    seller = _seller_store(ask.listing)
    if seller is None:
        return Refusal("no_such_listing")
    sellers_leg = listings.take_buyout(states[seller], buyer, ask, context)
    if isinstance(sellers_leg, Refusal):
        return sellers_leg
    sale, vote = sellers_leg
    buyers_leg = bidding.pay_buyout(states[home], ask, vote, context)
    if isinstance(buyers_leg, Not):
        return buyers_leg
    return Decision({seller: sale, home: buyers_leg}, bidding.buyout_answer(vote, buyer, ask.price))


_DECIDE: dict[type[Command], Callable[[Any, str, StoreId, States, Context], Decision | Not]] = {
    CreateListing: _create,
    PlaceBid: _bid,
    BuyOut: _buy_out,
    CancelListing: _cancel,
    ClaimDelivery: _claim,
    Grant: _grant,
    Take: _take,
    EndListing: _end,
}
