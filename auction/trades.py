"""Trades between stores of different nodes, where each side has a condition, as the rules see them.

    execute ──► propose: Proposal ──► prepare, in both stores ──► judge ──► settle, in both stores
                                      holds and locks, votes      the votes   applies or releases

A bid or a buyout on a listing of another node is a trade of two legs. Preparing one promises it: the listing is locked
in both stores, and the buyer's gold is held. The seller's leg votes what the trade will do, in figures; settling it
does exactly that, with the instant of the vote. In the buyer's store the bid, its answer and its key are one record.

A trade waits only for its listing and nobody waits for gold, so there is no circle of waiting. How the outcome is
agreed on is no business of the rules.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from auction import bidding, ids, keys, listings
from auction.commands import BuyOut, PlaceBid
from auction.context import Answer, Context
from auction.events import BidPlaced, BuyoutPaid, Event, LegPrepared, LegSettled, Record
from auction.freezes import NOTHING_FROZEN
from auction.happening import happen, notices_of, take_in_sent
from auction.legs import (
    BuyerLeg,
    Refused,
    SellerLeg,
    Unopposed,
    Vote,
    decode_leg,
    decode_objection,
    decode_vote,
    encode,
)
from auction.listings import BidVote
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
from auction.refusals import Refusal
from auction.results import Result
from auction.standing import cannot_trade
from auction.state import PreparedLeg, StoreId, TradeKind
from auction.transfers import NOBODY
from auction.wallet import cannot_pay


def propose(
    ask: PlaceBid | BuyOut, player: str, home: StoreId, state: PlayerState, use: keys.Use | None, context: Context
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
    return Proposal(ask.listing, home, seller, legs, leg.hold, objection)


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


def prepare(trade: str, store: StoreId, leg: bytes, stores: Stores, context: Context) -> Held | No | Locked | Asleep:
    """Promise one leg of a trade that this store has not seen before, or say why not."""
    state = stores(store)
    if state is None:
        return Asleep((store,))
    state = a_player(state)
    asked = decode_leg(leg)
    if isinstance(asked, SellerLeg):
        return _prepare_seller(trade, store, asked, leg, state, context)
    return _prepare_buyer(trade, store, asked, leg, state, context)


def _prepare_seller(
    trade: str, store: StoreId, leg: SellerLeg, encoded: bytes, state: PlayerState, context: Context
) -> Held | No | Locked:
    if leg.listing in state.locked:
        return Locked(store, leg.listing)
    decided = _sell(state, leg, context)
    if isinstance(decided, Refusal):
        return No(encode(Refused(decided)))
    if not leg.payable:
        return No(encode(Unopposed()))
    vote = encode(decided[1])
    row = PreparedLeg(trade, leg.listing, "seller", leg.kind, encoded, vote, 0, None, context.now_ms)
    return _hold(store, row, state)


def _sell(state: PlayerState, leg: SellerLeg, context: Context) -> tuple[list[Event], Vote] | Refusal:
    ask = leg.ask()
    if isinstance(ask, PlaceBid):
        return listings.take_bid(state, leg.player, ask, context)
    return listings.take_buyout(state, leg.player, ask, context)


def _prepare_buyer(
    trade: str, store: StoreId, leg: BuyerLeg, encoded: bytes, state: PlayerState, context: Context
) -> Held | No:
    """It never waits, so that no trade waits in two stores: who comes second here is sent back."""
    key = leg.use.key if leg.use is not None else None
    if key is not None and (key in state.keys or key in state.open_keys):
        return No(encode(KeyUsed()))
    if leg.listing in state.locked:
        return No(encode(Undecided()))
    objection = _cannot_hold(state, leg, context)
    if objection is not None:
        return No(encode(Refused(objection) if isinstance(objection, Refusal) else objection))
    row = PreparedLeg(trade, leg.listing, "buyer", leg.kind, encoded, b"", leg.hold, key, context.now_ms)
    return _hold(store, row, state)


def _hold(store: StoreId, row: PreparedLeg, state: PlayerState) -> Held:
    record: Record = {}
    happen(store, [LegPrepared(row)], {store: state}, record)
    return Held(record, row.vote)


def judge(proposal: Proposal, votes: Mapping[StoreId, bytes]) -> bytes | Proposal | Undecided:
    """What the legs, which all voted YES, make together: the payload of a COMMIT; or what to propose instead, after an
    abort, once: the caller's store did not know how it stands with the listing.
    """
    payload = votes[proposal.seller]
    right = _asked(decode_vote(payload))
    if right == proposal.hold:
        return payload
    if proposal.corrected:
        return Undecided()
    leg = decode_leg(proposal.legs[proposal.home])
    assert isinstance(leg, BuyerLeg), proposal
    legs = {**proposal.legs, proposal.home: encode(replace(leg, hold=right))}
    return replace(proposal, legs=legs, hold=right, corrected=True)


def _asked(vote: Vote) -> int:
    """Gold that the buyer's leg has to hold."""
    return vote.covered if isinstance(vote, BidVote) else vote.due


def refused(proposal: Proposal, refusals: Mapping[StoreId, bytes]) -> Refusal | Undecided | KeyUsed:
    """What the caller of an aborted trade hears, from the payloads of the NO votes, as far as there are any.

    The key comes first, as always, then what the listing has against it, then the caller's own wallet and limits.
    """
    objections = {store: decode_objection(payload) for store, payload in refusals.items()}
    if KeyUsed() in objections.values():
        return KeyUsed()
    sellers = objections.get(proposal.seller)
    if isinstance(sellers, Refused):
        return sellers.refusal
    if isinstance(sellers, Unopposed):
        assert proposal.refusal is not None, proposal
        return proposal.refusal
    buyers = objections.get(proposal.home)
    return buyers.refusal if isinstance(buyers, Refused) else Undecided()


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

    In the buyer's store a commit stores the caller's answer under its key, and is what the caller is told. Where it is
    not `awaited` any more, the caller may have been told the key instead, whoever made it up.
    """
    state = stores(store)
    if state is None:
        return Asleep((store,))
    state = a_player(state)
    row = state.trades.rows[trade]
    settled = LegSettled(trade, commit, context.now_ms)
    if not commit:
        record: Record = {}
        happen(store, [settled], {store: state}, record)
        return Executed(record, NOBODY, [], (store,))
    leg = decode_leg(row.leg)
    if isinstance(leg, SellerLeg):
        assert payload == row.vote, f"trade {trade} is to do something else than {store} voted for"
        return _settle_seller(store, leg, row, settled, stores, context)
    if leg.use is not None and not awaited:
        leg = replace(leg, use=replace(leg.use, untold=False))
    return _settle_buyer(store, leg, decode_vote(payload), settled, state, context)


def _settle_seller(
    store: StoreId, leg: SellerLeg, row: PreparedLeg, settled: LegSettled, stores: Stores, context: Context
) -> Executed | Asleep:
    """The sale, or the bid, as of the instant at which it was promised: what was frozen since does not undo it."""
    at_first = a_player(stores(store))
    states: States = {store: at_first}
    leader = at_first.listings.rows[leg.listing].leader
    for player in (leader, leg.player):
        to = None if player is None else context.store_of(player)
        if to is not None and context.at_home(to):
            awake = stores(to)
            if awake is None:
                return Asleep((to,))
            states[to] = awake
    decided = _sell(at_first, leg, replace(context, now_ms=row.at_ms, freezes=NOTHING_FROZEN))
    assert not isinstance(decided, Refusal), (row.trade, decided)
    events, vote = decided
    assert encode(vote) == row.vote, (row.trade, vote)
    record: Record = {}
    happen(store, [settled, *events], states, record)
    take_in_sent(states, record, context)
    return Executed(record, NOBODY, notices_of(record, states), tuple(states))


def _settle_buyer(
    store: StoreId, leg: BuyerLeg, vote: Vote, settled: LegSettled, state: PlayerState, context: Context
) -> Executed:
    """The bid, or the payment, with the seller's figures, and the caller's answer under its key."""
    assert _asked(vote) == leg.hold, (settled.trade, vote)
    player = state.owner().player
    body: Result | Refusal
    event: Event
    if isinstance(vote, BidVote):
        event = BidPlaced(leg.listing, leg.amount, vote.held, vote.leads, context.now_ms)
        body = bidding.bid_answer(vote, player)
    else:
        event = BuyoutPaid(leg.listing, vote.due, context.now_ms)
        body = bidding.buyout_answer(vote, player, leg.amount)
    states: States = {store: state}
    record: Record = {}
    happen(store, [settled, event], states, record)
    answer = Answer(body, isinstance(body, Refusal))
    if leg.use is not None:
        stored, answer = keys.used(state, leg.use, body, context.now_ms)
        happen(store, stored, states, record)
    return Executed(record, answer, [], (store,))
