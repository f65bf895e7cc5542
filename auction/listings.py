"""The seller's side of every trade: what happens in the store that holds the listing.

A bid and a buyout change two stores under conditions. The seller's leg is decided first and votes: whether the listing
takes it, how much gold the bidder's leg must hold, and how the listing will stand. What leaves for a third store
(the former leader's gold, the item) is a transfer and cannot be refused.
"""

from auction import audit_log, cooldowns, ids, notices, stash
from auction.amounts import fits
from auction.commands import BuyOut, CancelListing, CreateListing, PlaceBid
from auction.context import Context
from auction.deliveries import delivery_of
from auction.events import BidTaken, Event, Goods, ListingClosed, ListingCreated, Payload, Refund, TransferSent
from auction.evolve import after_bid, after_close
from auction.legs import BidVote, BuyoutVote
from auction.outcomes import Undecided
from auction.player_state import PlayerState
from auction.pricing import contest, deposit, extended_end_ms, fee, max_bid, min_bid
from auction.refusals import Refusal
from auction.results import ListingResult
from auction.sending import send
from auction.standing import too_new
from auction.state import Listing, ListingRules
from auction.views import listing_view
from auction.wallet import cannot_pay


def create(
    state: PlayerState, seller: str, ask: CreateListing, context: Context
) -> tuple[list[Event], ListingResult] | Refusal | Undecided:
    """Put an item of the stash up for sale, under the rules of now."""
    item = state.items.get(ask.item)
    if item is None:
        return stash.missing(state, ask.item)
    frozen = context.freezes.against(players=(seller,), categories=(item.category,))
    if frozen is not None:
        return frozen
    if item.bound:
        return Refusal("bound_item")
    too_soon = cooldowns.too_soon(state, item.item, context)
    if too_soon is not None:
        return too_soon
    rules = context.catalog.rules
    if ask.duration_s not in rules.durations_s:
        return Refusal("duration_not_offered", {"durations_s": list(rules.durations_s)})
    for price in (ask.start_bid, ask.buyout):
        if price is not None and not rules.price_min <= price <= rules.price_max:
            return Refusal("price_out_of_range", {"min": rules.price_min, "max": rules.price_max})
    not_yet = too_new(state, context)
    if not_yet is not None:
        return not_yet
    if len(state.open_listings) >= rules.max_listings:
        return Refusal("listing_limit")
    account = state.owner()
    left_as_deposit = deposit(ask.start_bid, ask.buyout, rules)
    short = cannot_pay(state, left_as_deposit)
    if short is not None:
        return short
    number = account.listings_made + 1
    ends_at_ms = context.now_ms + ask.duration_s * 1000
    row = Listing(
        listing=ids.mint(account.store, "l", number),
        number=number,
        version=1,
        seller=seller,
        item=item,
        state="open",
        start_bid=ask.start_bid,
        buyout=ask.buyout,
        price=None,
        leader=None,
        leader_max=0,
        bids=0,
        deposit=left_as_deposit,
        created_at_ms=context.now_ms,
        ends_at_ms=ends_at_ms,
        first_ends_at_ms=ends_at_ms,
        rules=ListingRules.of(rules),
    )
    return [ListingCreated(row)], ListingResult(listing_view(row, seller))


def take_bid(state: PlayerState, bidder: str, ask: PlaceBid, context: Context) -> tuple[list[Event], BidVote] | Refusal:
    """Seller's leg of a bid."""
    row = _open_to(state, ask.listing, bidder, context)
    if isinstance(row, Refusal):
        return row
    if row.start_bid is None:
        return Refusal("not_for_bids")
    if ask.amount > max_bid(row):
        return Refusal("price_out_of_range", {"max": max_bid(row)})
    if row.leader == bidder:
        return _raise(row, bidder, ask.amount, context)
    least = min_bid(row)
    if least is None or ask.amount < least:
        return Refusal("bid_too_low", {"min_bid": least})
    leader, leader_max, price = contest(row, bidder, ask.amount)
    ends_at_ms = extended_end_ms(row, context.now_ms)
    bid = BidTaken(row.listing, leader, leader_max, price, row.bids + 1, ends_at_ms, context.now_ms)
    after = after_bid(row, bid)
    leads = leader == bidder
    events: list[Event] = [bid]
    if leads and row.leader is not None:
        refund = Refund(row.listing, row.leader_max, True, price, min_bid(after))
        events.append(_transfer(state, row.leader, refund, context))
    return events, BidVote(after, leads, led=False, covered=ask.amount, held=ask.amount if leads else 0)


def _raise(row: Listing, leader: str, amount: int, context: Context) -> tuple[list[Event], BidVote] | Refusal:
    """The leader raises its own maximum; price, count and end stay."""
    if amount <= row.leader_max:
        least = row.leader_max + 1
        return Refusal("bid_too_low", {"min_bid": least if least <= max_bid(row) else None})
    assert row.price is not None, row
    bid = BidTaken(row.listing, leader, amount, row.price, row.bids, row.ends_at_ms, context.now_ms)
    added = amount - row.leader_max
    return [bid], BidVote(after_bid(row, bid), leads=True, led=True, covered=added, held=added)


def take_buyout(
    state: PlayerState, buyer: str, ask: BuyOut, context: Context
) -> tuple[list[Event], BuyoutVote] | Refusal:
    """Seller's leg of a buyout: the sale, whoever leads."""
    row = _open_to(state, ask.listing, buyer, context)
    if isinstance(row, Refusal):
        return row
    if row.buyout is None:
        return Refusal("no_buyout")
    if ask.price != row.buyout:
        return Refusal("price_changed", {"price": row.buyout})
    buyer_leads = row.leader == buyer
    due = row.buyout - row.leader_max if buyer_leads else row.buyout
    closed = _sold(row, row.buyout, buyer, due, context)
    events: list[Event] = [closed]
    if row.leader is not None and not buyer_leads:
        refund = Refund(row.listing, row.leader_max, False, row.buyout, None)
        events.append(_transfer(state, row.leader, refund, context))
    goods = Goods(row.listing, "bought", row.item, row.buyout, 0)
    events.append(_transfer(state, buyer, goods, context))
    events.extend(_proceeds(state, row, closed, context))
    return events, BuyoutVote(after_close(row, closed), due)


def cancel(
    state: PlayerState, owner: str, ask: CancelListing, context: Context
) -> tuple[list[Event], ListingResult] | Refusal:
    """Take a listing without bids back, soon after its creation; the deposit is forfeit."""
    row = state.listings.get(ask.listing)
    if row is None:
        return Refusal("no_such_listing")
    if row.seller != owner:
        return Refusal("not_owner")
    frozen = context.freezes.against(players=(owner,), categories=(row.item.category,), claim=True)
    if frozen is not None:
        return frozen
    if _is_over(row, context.now_ms):
        return Refusal("listing_closed")
    if row.bids:
        return Refusal("has_bids")
    if context.now_ms > row.created_at_ms + row.rules.cancel_window_s * 1000:
        return Refusal("cancel_window_over")
    closed = ListingClosed(row.listing, "cancelled", None, None, 0, 0, row.deposit, context.now_ms)
    account = state.owner()
    returned = delivery_of(account, "returned", row.listing, context.now_ms, items=(row.item,))
    told = notices.notices(account, context.now_ms, notices.arrived(returned.delivery, "returned"))
    return [closed, returned, *told], ListingResult(listing_view(after_close(row, closed), owner))


def end(state: PlayerState, listing: str, context: Context) -> list[Event]:
    """Settle a listing whose end has come; nothing before that, or where it ended otherwise."""
    row = state.listings.get(listing)
    if row is None or row.state != "open" or context.now_ms < row.ends_at_ms:
        return []
    if row.leader is None:
        return _expire(state, row, context)
    assert row.price is not None, row
    closed = _sold(row, row.price, row.leader, 0, context)
    goods = Goods(row.listing, "won", row.item, row.price, row.leader_max - row.price)
    return [closed, _transfer(state, row.leader, goods, context), *_proceeds(state, row, closed, context)]


def _expire(state: PlayerState, row: Listing, context: Context) -> list[Event]:
    closed = ListingClosed(row.listing, "expired", None, None, 0, 0, row.deposit, context.now_ms)
    account = state.owner()
    returned = delivery_of(account, "returned", row.listing, context.now_ms, items=(row.item,))
    told = notices.notices(
        account,
        context.now_ms,
        notices.expired(row.listing, returned.delivery),
        notices.arrived(returned.delivery, "returned"),
    )
    return [closed, returned, *told]


def _is_over(row: Listing, now_ms: int) -> bool:
    """At `ends_at_ms` a listing is over, even if it is not settled yet."""
    return row.state != "open" or now_ms >= row.ends_at_ms


def _open_to(state: PlayerState, listing: str, player: str, context: Context) -> Listing | Refusal:
    """The listing, if somebody else may bid on it or buy it now."""
    row = state.listings.get(listing)
    if row is None:
        return Refusal("no_such_listing")
    if row.seller == player:
        return Refusal("own_listing")
    frozen = context.freezes.against(players=(player, row.seller), categories=(row.item.category,))
    if frozen is not None:
        return frozen
    return Refusal("listing_closed") if _is_over(row, context.now_ms) else row


def _sold(row: Listing, price: int, buyer: str, received: int, context: Context) -> ListingClosed:
    return ListingClosed(row.listing, "sold", price, buyer, received, fee(price, row.rules), 0, context.now_ms)


def _proceeds(state: PlayerState, row: Listing, closed: ListingClosed, context: Context) -> list[Event]:
    """The price less the fee waits for the seller, together with the deposit unless that passes MAX_AMOUNT. A sale of
    great worth is written into the audit log.
    """
    assert closed.price is not None and closed.buyer is not None, closed
    account = state.owner()
    proceeds = closed.price - closed.fee
    parts = [proceeds + row.deposit] if fits(proceeds + row.deposit) else [proceeds, row.deposit]
    made = [
        delivery_of(account, "proceeds", row.listing, context.now_ms, gold=gold, after=count)
        for count, gold in enumerate(parts)
        if gold
    ]
    told = [notices.sold(row.listing, closed.price, parts[0])]
    told.extend(notices.arrived(delivery.delivery, delivery.kind) for delivery in made)
    audited = audit_log.traded(
        account,
        context.catalog.rules,
        buyer=closed.buyer,
        ref=row.listing,
        worth=closed.price,
        detail=f"{row.item.item} ({row.item.name}) of {row.seller}",
        now_ms=context.now_ms,
    )
    return [*made, *notices.notices(account, context.now_ms, *told), *audited]


def _transfer(state: PlayerState, player: str, payload: Payload, context: Context) -> TransferSent:
    (sent,) = send(state, context, [(context.store_of(player), payload)])
    return sent
