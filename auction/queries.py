"""What stores answer without changing."""

from collections.abc import Callable, Mapping
from heapq import nsmallest
from itertools import islice
from typing import Any

from auction import ids, stash, watches
from auction.amounts import MAX_AMOUNT
from auction.commands import (
    EventsSince,
    GetBook,
    GetCandles,
    GetListing,
    GetPlayer,
    InspectPlayer,
    ListDeliveries,
    ListInventory,
    ListOffers,
    ListWatches,
    MyBids,
    MyListings,
    MyOrders,
    QuoteCommodity,
    StoreQuery,
)
from auction.context import Context
from auction.cursors import cursor, number_after, text_after
from auction.market import queries as market
from auction.offers import queries as offers
from auction.outcomes import a_player
from auction.player_state import PlayerState
from auction.refusals import Refusal
from auction.results import (
    AdminPlayerResult,
    BidsResult,
    BidView,
    DeliveriesResult,
    EventsResult,
    Gold,
    InventoryResult,
    ListingResult,
    ListingsResult,
    ListingView,
    PlayerResult,
    Result,
    Stash,
)
from auction.state import Bid, StoreId
from auction.stores import State
from auction.views import delivery_view, listing_view
from auction.wallet import held

States = Mapping[StoreId, State]
"""The stores that a question needs, all in memory."""
Told = Mapping[str, ListingView | None]
"""Listing of another node → as its home shows it to the viewer; None for one that is nowhere."""


def answer(ask: StoreQuery, viewer: str, home: State, others: States, told: Told, context: Context) -> Result | Refusal:
    """Answer a query from `home`, the store that it is about.

    `MyBids` finds the stores of its listings among `others`, and what it has to know of other nodes in `told`.
    """
    if isinstance(ask, MyBids):
        return _my_bids(ask, viewer, a_player(home), others, told)
    return _ANSWER[type(ask)](ask, viewer, home, context)


def _get_player(_ask: GetPlayer, viewer: str, home: PlayerState, context: Context) -> PlayerResult:
    account = home.account.get(0)
    return PlayerResult(
        player=viewer,
        gold=Gold(home.gold(), _escrowed(home)),
        listings=len(home.open_listings),
        deliveries=len(home.deliveries),
        stash=Stash(stash.used(home), context.catalog.rules.stash_capacity),
        seq=account.notices_made if account is not None else 0,
    )


def _escrowed(home: PlayerState) -> int:
    """The player's gold that is with standing bids, open orders and offers, or held for trades; counted no further than
    MAX_AMOUNT, which all of it together may pass.
    """
    in_offers = sum(row.give.gold for row in home.offers)
    return min(home.bids_escrowed + market.gold_in_orders(home) + in_offers + held(home), MAX_AMOUNT)


def _inspect_player(
    ask: InspectPlayer, viewer: str, home: PlayerState, context: Context
) -> AdminPlayerResult | Refusal:
    """The latest ledger entries come oldest first."""
    known = home.account.get(0) is not None or ask.player == viewer or context.is_present(ask.player)
    if not known:
        return Refusal("no_such_player")
    seen = _get_player(GetPlayer(), ask.player, home, context)
    return AdminPlayerResult(
        player=seen.player,
        gold=seen.gold,
        listings=seen.listings,
        deliveries=seen.deliveries,
        stash=seen.stash,
        seq=seen.seq,
        store=context.store_of(ask.player),
        node=context.node,
        ledger=[home.ledger.rows[number] for number in sorted(home.ledger.rows)],
    )


def _list_inventory(
    ask: ListInventory, _viewer: str, home: PlayerState, _context: Context
) -> InventoryResult | Refusal:
    """A page of items, by id; every page carries all commodities."""
    after = text_after(ask)
    if isinstance(after, Refusal):
        return after
    left = home.items.rows if after is None else (item for item in home.items.rows if item > after)
    found = nsmallest(ask.limit + 1, left)
    page = [home.items.rows[item] for item in found[: ask.limit]]
    commodities = {row.commodity: row.quantity for row in home.commodities if row.quantity}
    return InventoryResult(page, commodities, cursor(ask, page[-1].item) if len(found) > ask.limit else None)


def _get_listing(ask: GetListing, viewer: str, home: PlayerState, _context: Context) -> ListingResult | Refusal:
    row = home.listings.get(ask.listing)
    return Refusal("no_such_listing") if row is None else ListingResult(listing_view(row, viewer))


def _my_listings(ask: MyListings, viewer: str, home: PlayerState, _context: Context) -> ListingsResult | Refusal:
    """A page of the player's listings, newest first."""
    after = number_after(ask)
    if isinstance(after, Refusal):
        return after
    newest_first = (
        row
        for row in reversed(home.listings.rows.values())
        if (after is None or row.number < after) and (ask.state is None or row.state == ask.state)
    )
    found = list(islice(newest_first, ask.limit + 1))
    page = found[: ask.limit]
    more = cursor(ask, page[-1].number) if len(found) > ask.limit else None
    return ListingsResult([listing_view(row, viewer) for row in page], more)


def _list_deliveries(
    ask: ListDeliveries, _viewer: str, home: PlayerState, _context: Context
) -> DeliveriesResult | Refusal:
    """A page of what waits, oldest first."""
    after = number_after(ask)
    if isinstance(after, Refusal):
        return after
    oldest_first = (row for row in home.deliveries if after is None or row.number > after)
    found = list(islice(oldest_first, ask.limit + 1))
    page = found[: ask.limit]
    more = cursor(ask, page[-1].number) if len(found) > ask.limit else None
    return DeliveriesResult([delivery_view(row) for row in page], more)


def _events_since(ask: EventsSince, _viewer: str, home: PlayerState, _context: Context) -> EventsResult:
    """Notices past `seq`. With none kept, `oldest_seq` is the number that the next one will have."""
    account = home.account.get(0)
    last = account.notices_made if account is not None else 0
    oldest = last - len(home.notices) + 1
    first = max(ask.seq + 1, oldest)
    told = [home.notices.rows[seq] for seq in range(first, min(first + ask.limit, last + 1))]
    return EventsResult(told, told[-1].seq if told else min(ask.seq, last), oldest, last)


def listings_shown(ask: MyBids, home: PlayerState) -> list[str]:
    """The listings on one page of bids, which `MyBids` needs besides the player's own store."""
    shown = _bids_to_show(ask, home)
    return [] if isinstance(shown, Refusal) else [bid.listing for bid in shown[0]]


def _bids_to_show(ask: MyBids, home: PlayerState) -> tuple[list[Bid], str | None] | Refusal:
    """The bids of one page, latest first, and the cursor of the next; their listings may have ended meanwhile."""
    after = text_after(ask)
    if isinstance(after, Refusal):
        return after
    latest_first = sorted(home.bids, key=_bid_order, reverse=True)
    if after is not None:
        place = _bid_place(after)
        if place is None:
            return Refusal("cursor_mismatch")
        latest_first = [bid for bid in latest_first if _bid_order(bid) < place]
    page = latest_first[: ask.limit]
    last = page[-1] if page else None
    more = cursor(ask, f"{last.at_ms}.{last.listing}") if last and len(latest_first) > ask.limit else None
    return page, more


def _bid_order(bid: Bid) -> tuple[int, str]:
    return bid.at_ms, bid.listing


def _bid_place(text: str) -> tuple[int, str] | None:
    at_ms, _, listing = text.partition(".")
    return (int(at_ms), listing) if at_ms.isascii() and at_ms.isdecimal() and len(at_ms) <= 16 else None


def _my_bids(ask: MyBids, viewer: str, home: PlayerState, others: States, told: Told) -> BidsResult | Refusal:
    """A page of the player's bids; those whose listing has ended are left out, so a page may be short.

    Who is winning is for the listing to say: news of it may not have come here yet.
    """
    shown = _bids_to_show(ask, home)
    if isinstance(shown, Refusal):
        return shown
    page, more = shown
    views = ((bid, _view_of(bid.listing, viewer, others, told)) for bid in page)
    bids = [BidView(view, bid.amount, view.winning) for bid, view in views if view is not None and view.state == "open"]
    return BidsResult(bids, more)


def _view_of(listing: str, viewer: str, others: States, told: Told) -> ListingView | None:
    seller = others.get(ids.minter(listing))
    if seller is None:
        return told[listing]
    row = a_player(seller).listings.get(listing)
    return None if row is None else listing_view(row, viewer)


_ANSWER: dict[type[StoreQuery], Callable[[Any, str, Any, Context], Result | Refusal]] = {
    GetPlayer: _get_player,
    InspectPlayer: _inspect_player,
    ListInventory: _list_inventory,
    GetListing: _get_listing,
    MyListings: _my_listings,
    ListDeliveries: _list_deliveries,
    EventsSince: _events_since,
    ListWatches: watches.show,
    QuoteCommodity: market.quote,
    GetBook: market.book,
    GetCandles: market.candles,
    MyOrders: market.my_orders,
    ListOffers: offers.list_offers,
}
