"""What an event changes: `evolve` is the only writer of a store's state, live and on replay alike.

It decides nothing and refuses nothing. It reads the event and the store's own state only, so the same events always
make the same state. What cannot be (a negative wallet, a missing row) is our own bug and an assertion.
"""

from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from typing import Any

from msgspec.structs import replace

from auction import audit_log, cooldowns, events, history, house_evolve, ids, stash, watches
from auction.amounts import checked
from auction.keys import Keyed, awaited
from auction.ledger import BURNED, ELSEWHERE, ESCROW, GRANTED, HELD, WAITING, WALLET, post
from auction.market import evolve as market
from auction.marks import next_number
from auction.offers import evolve as offers
from auction.offers.events import OfferEnded, OfferMade
from auction.player_state import PlayerState, offer_told_over
from auction.state import (
    CLOSED_LISTINGS_KEPT,
    LOST_BIDS_KEPT,
    NOTICES_KEPT,
    UNTOLD_KEYS_KEPT,
    Account,
    Bid,
    Commodity,
    Delivery,
    Key,
    Listing,
)
from auction.stores import Kind, State


def evolve(state: State, event: events.Event) -> None:
    """Apply one event to the store it happened in."""
    _EVOLVE[state.kind][type(event)](state, event)


def listings_changed(happened: Iterable[events.Event]) -> Iterator[str]:
    """Ids of the listings whose rows these events of one store changed, for timers and indexes; may repeat an id."""
    for event in happened:
        kind = type(event)
        if kind is events.BidTaken or kind is events.ListingClosed:
            yield event.listing  # type: ignore[union-attr, misc]  # by its type
        elif kind is events.ListingCreated:
            yield event.listing.listing  # type: ignore[union-attr]  # as above


def offers_changed(happened: Iterable[events.Event]) -> bool:
    """Whether these events of one store made or ended offers of its own, which have timers as listings have."""
    return not _OF_OFFERS.isdisjoint(map(type, happened))


_OF_OFFERS = frozenset((OfferMade, OfferEnded))


def after_bid(row: Listing, event: events.BidTaken) -> Listing:
    """A listing's row as a bid leaves it."""
    return replace(
        row,
        version=row.version + 1,
        leader=event.leader,
        leader_max=checked(event.leader_max),
        price=checked(event.price),
        bids=event.bids,
        ends_at_ms=event.ends_at_ms,
    )


def after_close(row: Listing, event: events.ListingClosed) -> Listing:
    """A listing's row as its end leaves it: nothing is in escrow any more."""
    return replace(
        row,
        version=row.version + 1,
        state=event.state,
        price=event.price,
        leader=event.buyer,
        leader_max=0,
        deposit=0,
        ended_at_ms=event.at_ms,
    )


def after_placing(before: Bid | None, event: events.BidPlaced) -> Bid:
    """A bid's row as a further bid leaves it.

    Whoever leads and raises holds less than the whole. Any other bid tells that an earlier lead, if the row still shows
    one, is over: its whole maximum is owed until the refund comes.
    """
    due = 0
    if before is not None:
        due = before.refund_due
        if before.winning and not (event.winning and event.held < event.amount):
            due += before.amount
    return Bid(event.listing, event.amount, event.winning, event.at_ms, due)


def _store_opened(state: PlayerState, event: events.StoreOpened) -> None:
    assert 0 not in state.account, event
    state.account.put(0, Account.opened(event.player, event.store, event.life, event.at_ms))


def _granted(state: PlayerState, event: events.Granted) -> None:
    account = state.account.to_change()
    account.items_granted += len(event.items)
    account.items_made += len(event.items)
    post(state, debit=WALLET, credit=GRANTED, amount=event.gold, reason="grant", ref=None, at_ms=event.at_ms)
    for item in event.items:
        assert item.item not in state.items, item
        state.items.put(item.item, item)
    for commodity, quantity in event.commodities.items():
        held = state.commodities.get(commodity) or Commodity(commodity, 0)
        state.commodities.put(
            commodity,
            replace(held, quantity=checked(held.quantity + quantity), granted=held.granted + quantity),
        )
    history.granted(state, event)


def _taken(state: PlayerState, event: events.Taken) -> None:
    state.account.to_change().items_burned += len(event.items)
    post(state, debit=BURNED, credit=WALLET, amount=event.gold, reason="take", ref=None, at_ms=event.at_ms)
    for item in event.items:
        state.items.drop(item)
    for commodity, quantity in event.commodities.items():
        held = state.commodities.rows[commodity]
        state.commodities.put(
            commodity,
            replace(held, quantity=checked(held.quantity - quantity), burned=held.burned + quantity),
        )
    history.taken(state, event)


def _listing_created(state: PlayerState, event: events.ListingCreated) -> None:
    row = event.listing
    account = state.account.to_change()
    account.listings_made += 1
    assert row.number == account.listings_made, row
    assert row.ends_at_ms > row.created_at_ms, row
    post(
        state,
        debit=ESCROW,
        credit=WALLET,
        amount=row.deposit,
        reason="deposit",
        ref=row.listing,
        at_ms=row.created_at_ms,
    )
    state.items.drop(row.item.item)
    state.listings.put(row.listing, row)
    state.open_listings[row.listing] = row.ends_at_ms


def _bid_taken(state: PlayerState, event: events.BidTaken) -> None:
    row = state.listings.rows[event.listing]
    assert row.state == "open", row
    assert event.price <= event.leader_max, event
    came_in = event.leader_max - (row.leader_max if event.leader == row.leader else 0)
    post(state, debit=ESCROW, credit=ELSEWHERE, amount=came_in, reason="bid", ref=event.listing, at_ms=event.at_ms)
    state.listings.put(event.listing, after_bid(row, event))
    state.open_listings[event.listing] = event.ends_at_ms


def _listing_closed(state: PlayerState, event: events.ListingClosed) -> None:
    row = state.listings.rows[event.listing]
    assert row.state == "open", row
    ref, at_ms = event.listing, event.at_ms
    post(state, debit=ESCROW, credit=ELSEWHERE, amount=event.received, reason="buyout", ref=ref, at_ms=at_ms)
    post(state, debit=BURNED, credit=ESCROW, amount=event.fee, reason="fee", ref=ref, at_ms=at_ms)
    post(state, debit=BURNED, credit=ESCROW, amount=event.deposit_burned, reason="forfeit", ref=ref, at_ms=at_ms)
    history.listing_ended(state, row, event)
    state.listings.put(event.listing, after_close(row, event))
    del state.open_listings[event.listing]
    _cut_back_closed_listings(state, event.listing)


def _cut_back_closed_listings(state: PlayerState, just_closed: str) -> None:
    """The oldest go, but not the one that just ended, however old: whoever reads what changed must find its row."""
    if len(state.listings) - len(state.open_listings) >= 2 * CLOSED_LISTINGS_KEPT:
        closed = [row.listing for row in state.listings if row.state != "open"]
        for listing in closed[:-CLOSED_LISTINGS_KEPT]:
            if listing != just_closed:
                state.listings.drop(listing)


_GOLD_OF_A_DELIVERY_COMES_FROM = {
    "proceeds": ESCROW,
    "returned": ESCROW,
    "refund": ELSEWHERE,
    "traded": ELSEWHERE,
}
"""Delivery kind → ledger account; what orders were filled with has an event of its own, other kinds carry no gold."""


def _delivery_made(state: PlayerState, event: events.DeliveryMade) -> None:
    account = state.account.to_change()
    account.deliveries_made += 1
    number = account.deliveries_made
    assert event.delivery == ids.mint(account.store, "d", number), event
    if event.gold:
        source = _GOLD_OF_A_DELIVERY_COMES_FROM[event.kind]
        post(
            state,
            debit=WAITING,
            credit=source,
            amount=checked(event.gold),
            reason=event.kind,
            ref=event.delivery,
            at_ms=event.at_ms,
        )
    row = Delivery(
        event.delivery,
        number,
        event.kind,
        event.gold,
        event.items,
        event.commodities,
        event.listing,
        event.at_ms,
    )
    state.deliveries.put(event.delivery, row)


def _delivery_claimed(state: PlayerState, event: events.DeliveryClaimed) -> None:
    row = state.deliveries.rows[event.delivery]
    post(state, debit=WALLET, credit=WAITING, amount=row.gold, reason="claim", ref=row.delivery, at_ms=event.at_ms)
    stash.put_in(state, row.items, row.commodities)
    state.deliveries.drop(event.delivery)


def _bid_placed(state: PlayerState, event: events.BidPlaced) -> None:
    post(
        state,
        debit=ELSEWHERE,
        credit=WALLET,
        amount=event.held,
        reason="bid",
        ref=event.listing,
        at_ms=event.at_ms,
    )
    before = state.bids.get(event.listing)
    if before is not None and before.winning:
        assert not event.winning or event.held in (event.amount, event.amount - before.amount), event
        state.standing_bids -= 1
        state.bids_escrowed -= before.amount
    else:
        assert event.held == event.winning * event.amount or _may_have_forgotten(state), event
    if event.winning:
        state.standing_bids += 1
        state.bids_escrowed += event.amount
    state.bids.put(event.listing, after_placing(before, event))
    _cut_back_lost_bids(state)


def _may_have_forgotten(state: PlayerState) -> bool:
    """Whether bids of an earlier life of this store may still lead elsewhere."""
    return state.owner().life > 1


def _cut_back_lost_bids(state: PlayerState) -> None:
    """The oldest go, but none to which a refund is still owed."""
    if len(state.bids) - state.standing_bids >= 2 * LOST_BIDS_KEPT:
        lost = [bid for bid in state.bids if not bid.winning and not bid.refund_due]
        lost.sort(key=attrgetter("at_ms", "listing"))
        for bid in lost[:-LOST_BIDS_KEPT]:
            state.bids.drop(bid.listing)


def _buyout_paid(state: PlayerState, event: events.BuyoutPaid) -> None:
    post(
        state,
        debit=ELSEWHERE,
        credit=WALLET,
        amount=event.paid,
        reason="buyout",
        ref=event.listing,
        at_ms=event.at_ms,
    )


def _transfer_sent(state: PlayerState, event: events.TransferSent) -> None:
    """Gold leaves a listing's escrow; with all else, what leaves did so with an event of its own."""
    next_number(state.transfers_out, ids.life_mark(event.to, event.life), event.number)
    payload = event.payload
    if not isinstance(payload, events.Refund | events.Goods):
        return
    gold = payload.gold if isinstance(payload, events.Refund) else payload.refund
    post(state, debit=ELSEWHERE, credit=ESCROW, amount=gold, reason="refund", ref=payload.listing, at_ms=event.at_ms)


def _transfer_taken(state: PlayerState, event: events.TransferTaken) -> None:
    next_number(state.transfers_in, ids.life_mark(event.sender, event.life), event.number)
    _TAKEN[type(event.payload)](state, event)


def _taken_of_a_listing(state: PlayerState, event: events.TransferTaken) -> None:
    payload = event.payload
    assert isinstance(payload, events.Refund | events.Goods), event
    post(
        state,
        debit=WALLET,
        credit=ELSEWHERE,
        amount=event.to_wallet,
        reason="refund",
        ref=payload.listing,
        at_ms=event.at_ms,
    )
    if isinstance(payload, events.Goods):
        history.goods_came(state, payload, event.at_ms)
    bid = state.bids.get(payload.listing)
    if bid is None:
        bought = isinstance(payload, events.Goods) and payload.kind == "bought"
        assert bought or _may_have_forgotten(state), event
        return
    if bid.refund_due:  # transfers keep their order, so this one is of an earlier lead
        assert isinstance(payload, events.Refund) and payload.gold <= bid.refund_due, event
        state.bids.put(bid.listing, replace(bid, refund_due=bid.refund_due - payload.gold))
        return
    if bid.winning:
        state.standing_bids -= 1
        state.bids_escrowed -= bid.amount
    if isinstance(payload, events.Refund) and payload.outbid:
        state.bids.put(bid.listing, replace(bid, winning=False))
        _cut_back_lost_bids(state)
    else:
        state.bids.drop(bid.listing)


def _leg_prepared(state: PlayerState, event: events.LegPrepared) -> None:
    row = event.row
    assert row.trade not in state.trades and row.listing not in state.locked, row
    assert row.key is None or (row.key not in state.keys and row.key not in state.open_keys), row
    post(state, debit=HELD, credit=WALLET, amount=row.held, reason="hold", ref=row.listing, at_ms=row.at_ms)
    stash.take_out(state, row.items, row.commodities)
    if row.side == "buyer" and row.kind == "offer":
        offers.reserve(state, row)
    state.trades.put(row.trade, row)
    state.locked[row.listing] = row.trade
    if row.key is not None:
        state.open_keys[row.key] = row.listing
    state.open_bids += state.may_lead_one_more(row)


def _leg_settled(state: PlayerState, event: events.LegSettled) -> None:
    row = state.trades.rows[event.trade]
    state.open_bids -= state.may_lead_one_more(row)
    if row.key is not None:
        del state.open_keys[row.key]
    del state.locked[row.listing]
    state.trades.drop(row.trade)
    post(state, debit=WALLET, credit=HELD, amount=row.held, reason="release", ref=row.listing, at_ms=event.at_ms)
    stash.put_in(state, row.items, row.commodities)


def _noticed(state: PlayerState, event: events.Noticed) -> None:
    account = state.account.to_change()
    account.notices_made += 1
    seq = event.notice.seq
    assert seq == account.notices_made, event
    state.notices.put(seq, event.notice)
    over = offer_told_over(event.notice)
    if over is not None:
        state.offers_over.add(over)
    if seq > NOTICES_KEPT:
        forgotten = offer_told_over(state.notices.rows[seq - NOTICES_KEPT])
        if forgotten is not None:
            state.offers_over.discard(forgotten)
        state.notices.drop(seq - NOTICES_KEPT)


def _answered(state: Keyed, event: events.Answered) -> None:
    assert event.key not in state.keys, event.key
    state.keys.put(event.key, Key(event.key, event.fingerprint, event.refused, event.answer, event.at_ms, event.untold))
    if event.untold:
        state.untold_keys.add(event.key)
        _cut_back_untold_keys(state)


def _cut_back_untold_keys(state: Keyed) -> None:
    if len(state.untold_keys) >= 2 * UNTOLD_KEYS_KEPT:
        rows = state.keys.rows
        oldest_first = sorted((rows[key] for key in state.untold_keys), key=attrgetter("at_ms", "key"))
        for row in oldest_first[:-UNTOLD_KEYS_KEPT]:
            state.keys.drop(row.key)
            state.untold_keys.remove(row.key)


def _key_told(state: Keyed, event: events.KeyTold) -> None:
    waiting = awaited(state, event.key)
    if waiting is not None:
        assert isinstance(state, PlayerState), event
        state.awaited.put(waiting.subject, replace(waiting, untold=False))
        return
    state.keys.put(event.key, replace(state.keys.rows[event.key], untold=False))
    state.untold_keys.discard(event.key)


def _keys_forgotten(state: Keyed, event: events.KeysForgotten) -> None:
    expired = []
    for row in state.keys:
        if row.at_ms >= event.before_ms:
            break
        expired.append(row.key)
    for key in expired:
        state.keys.drop(key)
        state.untold_keys.discard(key)


_OF_KEYS: dict[type, Callable[[Any, Any], None]] = {
    events.Answered: _answered,
    events.KeyTold: _key_told,
    events.KeysForgotten: _keys_forgotten,
}
"""In every store that keeps keys."""

_OF_PLAYER: dict[type, Callable[[Any, Any], None]] = {
    events.StoreOpened: _store_opened,
    events.Granted: _granted,
    events.Taken: _taken,
    events.ListingCreated: _listing_created,
    events.BidTaken: _bid_taken,
    events.ListingClosed: _listing_closed,
    events.DeliveryMade: _delivery_made,
    events.DeliveryClaimed: _delivery_claimed,
    events.BidPlaced: _bid_placed,
    events.BuyoutPaid: _buyout_paid,
    events.TransferSent: _transfer_sent,
    events.TransferTaken: _transfer_taken,
    events.LegPrepared: _leg_prepared,
    events.LegSettled: _leg_settled,
    events.Noticed: _noticed,
    events.CooldownBegun: cooldowns.write,
    **_OF_KEYS,
    **market.OF_PLAYER,
    **offers.OF_PLAYER,
    **watches.OF_PLAYER,
}

_TAKEN: dict[type, Callable[[Any, Any], None]] = {
    events.Refund: _taken_of_a_listing,
    events.Goods: _taken_of_a_listing,
    **market.TAKEN,
    **offers.TAKEN,
}

_EVOLVE: dict[Kind, dict[type, Callable[[Any, Any], None]]] = {
    "player": {**_OF_PLAYER, events.Audited: audit_log.write},
    "market": {**market.OF_MARKET, events.Audited: audit_log.write},
    "house": {**house_evolve.OF_HOUSE, **_OF_KEYS, events.Audited: audit_log.write},
}
