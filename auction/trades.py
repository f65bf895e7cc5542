"""Trades between stores of different nodes, where each side has a condition, as the rules see them.

    execute ──► Proposal ──► prepare, in both stores ──► judge ──► settle, in both stores
                             holds and locks, votes      the votes   applies or releases

A bid, a buyout and an offer, made or accepted, are trades of two legs (`auction.listing_trades`,
`auction.offers.trades`). Preparing a leg promises it: what the trade is about is locked in that store, and what the
store gives is held. Settling keeps the promise or drops it. In the caller's store the effect, its answer and its key
are one record.

A leg of the other side waits for what the trade is about; one of the caller's own never waits, and nobody waits for
gold or goods: so there is no circle of waiting. How the outcome is agreed on is no business of the rules.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

import auction.offers.trades as offer_trades
from auction import keys, listing_trades
from auction.context import Answer, Context
from auction.events import Event, LegPrepared, LegSettled, Record, TransferSent
from auction.happening import happen, notices_of, take_in_sent
from auction.legs import (
    BuyerLeg,
    Kept,
    Leg,
    Promise,
    Refused,
    SellerLeg,
    Unopposed,
    decode_leg,
    decode_objection,
    encode,
)
from auction.offers.legs import AcceptLeg, InboxLeg, OfferedLeg, OfferLeg
from auction.outcomes import (
    Asleep,
    Executed,
    Held,
    KeyUsed,
    Locked,
    No,
    Proposal,
    States,
    Stores,
    Undecided,
    a_player,
)
from auction.player_state import PlayerState
from auction.refusals import Refusal, first_of
from auction.state import PreparedLeg, StoreId, TradeKind
from auction.transfers import NOBODY


def prepare(trade: str, store: StoreId, leg: bytes, stores: Stores, context: Context) -> Held | No | Locked | Asleep:
    """Promise one leg of a trade that this store has not seen before, or say why not."""
    state = stores(store)
    if state is None:
        return Asleep((store,))
    state = a_player(state)
    asked = decode_leg(leg)
    key = None if asked.use is None else asked.use.key
    if key is not None and (key in state.keys or key in state.open_keys):
        return No(encode(KeyUsed()))
    if asked.subject in state.locked:
        return Locked(store, asked.subject) if asked.side == "seller" else No(encode(Undecided()))
    promise = _PROMISE[type(asked)](state, asked, context)
    if isinstance(promise, Refusal):
        return No(encode(Refused(promise)))
    if isinstance(promise, Undecided):
        return No(encode(promise))
    if not asked.payable:
        return No(encode(Unopposed()))
    return _hold(store, _row(trade, asked, leg, promise, key, context.now_ms), state, promise.opening)


def _row(trade: str, asked: Leg, leg: bytes, promise: Promise, key: str | None, now_ms: int) -> PreparedLeg:
    return PreparedLeg(
        trade,
        asked.subject,
        asked.side,
        asked.kind,
        leg,
        promise.vote,
        promise.gold,
        key,
        now_ms,
        promise.items,
        promise.commodities,
    )


def _hold(store: StoreId, row: PreparedLeg, state: PlayerState, opening: tuple[Event, ...]) -> Held:
    record: Record = {}
    happen(store, [*opening, LegPrepared(row)], {store: state}, record)
    return Held(record, row.vote)


def judge(proposal: Proposal, votes: Mapping[StoreId, bytes]) -> bytes | Proposal | Undecided:
    """What the legs, which all voted YES, make together: the payload of a COMMIT; or what to propose instead, after an
    abort, once: the caller's store did not know how it stands with the listing.
    """
    return _JUDGE[proposal.kind](proposal, votes)


def refused(proposal: Proposal, refusals: Mapping[StoreId, bytes]) -> Refusal | Undecided | KeyUsed:
    """What the caller of an aborted trade hears, from the payloads of the NO votes, as far as there are any.

    The key comes first, as always, then whatever the house checks first. What the caller's own side has against it is
    told only once the other side has spoken.
    """
    objections = [decode_objection(payload) for payload in refusals.values()]
    if KeyUsed() in objections:
        return KeyUsed()
    told = [objection.refusal for objection in objections if isinstance(objection, Refused)]
    if proposal.refusal is not None and (told or Unopposed() in objections):
        told.append(proposal.refusal)
    return first_of(told) or Undecided()


def settle(
    trade: str,
    store: StoreId,
    commit: bool,
    payload: bytes,
    stores: Stores,
    context: Context,
    *,
    awaited: bool = True,
) -> Executed | Asleep:
    """Do what a prepared leg promised, or release it; `payload` is that of the COMMIT. The store must hold the leg.

    In the caller's store a commit stores the caller's answer under its key, and is what the caller is told. Where it is
    not `awaited` any more, the caller may have been told the key instead, whoever made it up.
    """
    state = stores(store)
    if state is None:
        return Asleep((store,))
    states: States = {store: state}
    state = a_player(state)
    row = state.trades.rows[trade]
    settled = LegSettled(trade, commit, context.now_ms)
    record: Record = {}
    if not commit:
        happen(store, [settled], states, record)
        return Executed(record, NOBODY, [], (store,))
    leg = decode_leg(row.leg)
    said = f"trade {trade} is to do something else than {store} voted for"
    assert leg.side == "buyer" or payload == row.vote, said
    kept = _KEEP[type(leg)](state, leg, row, payload, context)
    for event in kept.events:
        if isinstance(event, TransferSent) and context.at_home(event.to):
            awake = stores(event.to)
            if awake is None:
                return Asleep((event.to,))
            states[event.to] = awake
    happen(store, [settled, *kept.events], states, record)
    take_in_sent(states, record, context)
    answer = Answer(kept.body, isinstance(kept.body, Refusal))
    if leg.use is not None and kept.body is not None:
        use = leg.use if awaited else replace(leg.use, untold=False)
        stored, answer = keys.used(state, use, kept.body, context.now_ms)
        happen(store, stored, states, record)
    return Executed(record, answer, notices_of(record, states), tuple(states))


_PROMISE: dict[type[Leg], Callable[[PlayerState, Any, Context], Promise | Refusal | Undecided]] = {
    SellerLeg: listing_trades.promise_sale,
    BuyerLeg: listing_trades.promise_payment,
    OfferLeg: offer_trades.promise_gift,
    InboxLeg: offer_trades.promise_room,
    AcceptLeg: offer_trades.promise_payment,
    OfferedLeg: offer_trades.promise_offered,
}
"""Leg → what its store holds for it, as things stand, or why it does not."""

_KEEP: dict[type[Leg], Callable[[PlayerState, Any, PreparedLeg, bytes, Context], Kept]] = {
    SellerLeg: listing_trades.keep_sale,
    BuyerLeg: listing_trades.keep_payment,
    OfferLeg: offer_trades.keep_gift,
    InboxLeg: offer_trades.keep_room,
    AcceptLeg: offer_trades.keep_payment,
    OfferedLeg: offer_trades.keep_offered,
}
"""Leg → what happens in its store when the trade is committed."""

_JUDGE: dict[TradeKind, Callable[[Proposal, Mapping[StoreId, bytes]], bytes | Proposal | Undecided]] = {
    "bid": listing_trades.judge,
    "buyout": listing_trades.judge,
    "offer": offer_trades.judge,
    "accept": offer_trades.judge,
}
