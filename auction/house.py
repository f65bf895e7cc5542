"""The one entrance to the rules: `execute` answers a request from the stores that it concerns.

    key ──► decide: legs, each pure in its own store ──► evolve ──► transfers taken in ──► answer, stored with its key

It works out which stores a request needs and asks for those that are asleep before anything is changed. A refusal
changes nothing. Otherwise the states are evolved in place and the record tells what happened, store by store; who
calls makes the record durable before the answer or a notice leaves.

A trade of several stores is decided leg by leg: the seller's leg votes, the bidder's leg follows the vote
(`auction.listings`, `auction.bidding`). What goes to a third store is a transfer, taken in where it arrives by the
same record.
"""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from auction import bidding, deliveries, grants, ids, keys, listings, queries, world
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
from auction.events import Event, Noticed, Record, TransferSent
from auction.evolve import evolve
from auction.pricing import min_bid
from auction.refusals import Refusal
from auction.results import BidResult, BuyoutResult, Result
from auction.state import Notice, PlayerState, StoreId
from auction.views import listing_view

Stores = Callable[[StoreId], PlayerState | None]
"""Store id → its state: None when it is not in memory, an empty one when the store exists nowhere."""
States = dict[StoreId, PlayerState]


AT_THE_LISTING = frozenset({GetListing, EndListing})
"""Asked of the listing's store, whoever asks."""
AT_THE_NAMED_PLAYER = frozenset({Grant, Take, InspectPlayer})
"""Asked of the store of the player whom the question names."""
OF_A_LISTING = frozenset({PlaceBid, BuyOut, CancelListing, EndListing})
"""Needs the listing's store, and that of who leads there."""


class Asleep(msgspec.Struct, frozen=True):
    """The decision needs these stores: wake them and execute the request again. Nothing was changed."""

    stores: tuple[StoreId, ...]


class Executed(msgspec.Struct, frozen=True):
    """The answer, and what it took."""

    record: Record
    """What happened; empty for queries, refusals and repeated keys."""
    answer: Answer
    notices: list[tuple[str, Notice]]
    """Whom to tell what, once the record is durable."""
    reads: tuple[StoreId, ...]
    """The stores that the answer depends on."""


class Decision(msgspec.Struct, frozen=True):
    """What a command does, not yet done."""

    legs: Record
    body: Result | Refusal | None
    """The answer: a result, the refusal `outbid`, or None where nobody waits for one."""


def execute(request: Request, stores: Stores, context: Context) -> Executed | Asleep:
    """Answer one request of a caller whose role may ask it.

    A search is not a store's to answer and does not come here; only the house itself ends listings.
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
        return _change(request, ask, home, states, context)
    return _unchanged(queries.answer(ask, request.caller.player, states[home], states, context), states)


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
    """The stores of a request, as far as they can be known from those that are awake; none twice."""
    needed = dict.fromkeys((home,))
    if type(ask) is MyBids:
        state = stores(home)
        if state is not None:
            needed.update(dict.fromkeys(queries.listing_stores(ask, state)))
    elif type(ask) in OF_A_LISTING:
        seller = _seller_store(ask.listing)
        if seller is not None:
            needed[seller] = None
            state = stores(seller)
            row = None if state is None else state.listings.get(ask.listing)
            if row is not None and row.state == "open" and row.leader is not None:
                needed[context.store_of(row.leader)] = None
    return needed


def _unchanged(body: Result | Refusal, reads: Iterable[StoreId] = ()) -> Executed:
    return Executed({}, Answer(body, isinstance(body, Refusal)), [], tuple(reads))


def _change(request: Request, ask: Command, home: StoreId, states: States, context: Context) -> Executed:
    """Check the key, decide, apply, and store the answer under the key."""
    use = keys.use_of(request)
    if use is not None:
        before = keys.repeated(states[home], use) or keys.none_left(states[home], context.now_ms)
        if isinstance(before, Answer):
            return Executed({}, before, [], (home,))
        if before is not None:
            return _unchanged(before, (home,))
    decision = _DECIDE[type(ask)](ask, request.caller.player, home, states, context)
    if isinstance(decision, Refusal):
        return _unchanged(decision, states)
    record: Record = {}
    for store, events in decision.legs.items():
        _happen(store, events, states, record)
    for sender, transfer in _sent(record):
        taken = deliveries.take_in(states[transfer.to], sender, transfer, context.now_ms)
        _happen(transfer.to, taken, states, record)
    answer = Answer(decision.body, isinstance(decision.body, Refusal))
    if use is not None and decision.body is not None:
        stored, answer = keys.used(states[home], use, decision.body, context.now_ms)
        _happen(home, stored, states, record)
    return Executed(record, answer, _told(record, states), tuple(states))


def _happen(store: StoreId, events: list[Event], states: States, record: Record) -> None:
    """Evolve a store and put down what happened there."""
    for event in events:
        evolve(states[store], event)
    record.setdefault(store, []).extend(events)


def _sent(record: Record) -> list[tuple[StoreId, TransferSent]]:
    return [(store, event) for store, events in record.items() for event in events if type(event) is TransferSent]


def _told(record: Record, states: States) -> list[tuple[str, Notice]]:
    return [
        (states[store].owner().player, event.notice)
        for store, events in record.items()
        for event in events
        if type(event) is Noticed
    ]


def _create(ask: CreateListing, caller: str, home: StoreId, states: States, context: Context) -> Decision | Refusal:
    return _alone(home, listings.create(states[home], caller, ask, context))


def _claim(ask: ClaimDelivery, _caller: str, home: StoreId, states: States, context: Context) -> Decision | Refusal:
    return _alone(home, deliveries.claim(states[home], ask, context))


def _grant(ask: Grant, _caller: str, home: StoreId, states: States, context: Context) -> Decision | Refusal:
    return _alone(home, grants.grant(states[home], ask, context))


def _take(ask: Take, _caller: str, home: StoreId, states: States, context: Context) -> Decision | Refusal:
    return _alone(home, grants.take(states[home], ask, context))


def _alone(home: StoreId, decided: tuple[list[Event], Result] | Refusal) -> Decision | Refusal:
    """A decision of one store."""
    if isinstance(decided, Refusal):
        return decided
    events, result = decided
    return Decision({home: events}, result)


def _cancel(ask: CancelListing, caller: str, _home: StoreId, states: States, context: Context) -> Decision | Refusal:
    seller = _seller_store(ask.listing)
    if seller is None:
        return Refusal("no_such_listing")
    return _alone(seller, listings.cancel(states[seller], caller, ask, context))


def _end(ask: EndListing, _caller: str, home: StoreId, states: States, context: Context) -> Decision | Refusal:
    events = listings.end(states[home], ask.listing, context)
    return Decision({home: events} if events else {}, None)


def _bid(ask: PlaceBid, bidder: str, home: StoreId, states: States, context: Context) -> Decision | Refusal:
    """A trade of two legs; one that only moves the price is done and answered `outbid`."""
    seller = _seller_store(ask.listing)
    if seller is None:
        return Refusal("no_such_listing")
    sellers_leg = listings.take_bid(states[seller], bidder, ask, context)
    if isinstance(sellers_leg, Refusal):
        return sellers_leg
    sold_to, vote = sellers_leg
    bidders_leg = bidding.place_bid(states[home], ask, vote, context)
    if isinstance(bidders_leg, Refusal):
        return bidders_leg
    body: Result | Refusal
    if vote.leads:
        body = BidResult(listing_view(vote.listing, bidder), winning=True)
    else:
        body = Refusal("outbid", {"price": vote.listing.price, "min_bid": min_bid(vote.listing)})
    return Decision({seller: sold_to, home: bidders_leg}, body)


def _buy_out(ask: BuyOut, buyer: str, home: StoreId, states: States, context: Context) -> Decision | Refusal:
    """A trade of two legs: the sale, and its payment."""
    seller = _seller_store(ask.listing)
    if seller is None:
        return Refusal("no_such_listing")
    sellers_leg = listings.take_buyout(states[seller], buyer, ask, context)
    if isinstance(sellers_leg, Refusal):
        return sellers_leg
    sale, vote = sellers_leg
    buyers_leg = bidding.pay_buyout(states[home], ask, vote, context)
    if isinstance(buyers_leg, Refusal):
        return buyers_leg
    result = BuyoutResult(listing_view(vote.listing, buyer), vote.listing.item, ask.price)
    return Decision({seller: sale, home: buyers_leg}, result)


_DECIDE: dict[type[Command], Callable[[Any, str, StoreId, States, Context], Decision | Refusal]] = {
    CreateListing: _create,
    PlaceBid: _bid,
    BuyOut: _buy_out,
    CancelListing: _cancel,
    ClaimDelivery: _claim,
    Grant: _grant,
    Take: _take,
    EndListing: _end,
}
