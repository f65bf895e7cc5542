"""Which stores a request needs: the one that it goes to first, which keeps its key, and what else must be in memory."""

from collections.abc import Callable, Iterable
from typing import Any

from auction import ids, queries
from auction.commands import (
    AcceptOffer,
    Ask,
    BuyCommodity,
    BuyOut,
    CancelListing,
    CancelOrder,
    CreateWatch,
    DeclineOffer,
    EndListing,
    EndOffer,
    FreezeTrading,
    GetBook,
    GetCandles,
    GetListing,
    Grant,
    InspectPlayer,
    MakeOffer,
    MyBids,
    PlaceBid,
    QuoteCommodity,
    SellCommodity,
    Take,
    ThawTrading,
    WithdrawOffer,
)
from auction.context import Context, Names, Request
from auction.market import book, orders
from auction.market.orders import PlaceOrder
from auction.outcomes import Stores, a_market, a_player
from auction.refusals import Refusal
from auction.state import StoreId

AT_THE_LISTING = frozenset({GetListing, EndListing})
"""Asked of the listing's store, whoever asks."""
AT_THE_NAMED_PLAYER = frozenset({Grant, Take, InspectPlayer})
"""Asked of the store of the player whom the question names."""
AT_THE_MARKET = frozenset({QuoteCommodity, GetBook, GetCandles})
"""Asked of the commodity's market store."""
AT_THE_HOUSE = frozenset({FreezeTrading, ThawTrading})
"""Asked of the house's own store."""
OF_THE_HOUSE_ITSELF = frozenset[type[Ask]]((EndListing, EndOffer))
"""What nobody but the house's own timers asks."""
OF_A_LISTING = frozenset({PlaceBid, BuyOut, CancelListing, EndListing})
"""Needs the listing's store, and that of who leads there."""
OF_AN_OFFER = frozenset({AcceptOffer, DeclineOffer, WithdrawOffer, EndOffer})
"""Needs the stores of both players."""


def first_store(request: Request, names: Names) -> StoreId | None:
    """The store that a request goes to first, and that keeps its key; None for a listing that no store ever made."""
    ask: Any = request.ask
    kind = type(ask)
    if kind in AT_THE_LISTING:
        return seller_store(ask.listing, names)
    if kind in AT_THE_NAMED_PLAYER:
        return names.store_of(ask.player)
    if kind in AT_THE_MARKET:
        return names.market_of(ask.commodity)
    if kind in AT_THE_HOUSE:
        return names.house
    if kind is EndOffer:
        return ids.minter(ask.offer)
    return names.store_of(request.caller.player)


def seller_store(listing: str, names: Names) -> StoreId | None:
    """The store that made a listing of this id; None for an id of nothing that a player's store ever made."""
    named = ids.parse(listing, "l")
    return None if named is None or names.kind_of(named[0]) != "player" else named[0]


def subject_of(ask: Any) -> str | None:
    """The listing or offer that a command is about, for which it waits while a trade holds it."""
    kind = type(ask)
    if kind in OF_A_LISTING:
        return str(ask.listing)
    return str(ask.offer) if kind in OF_AN_OFFER else None


def needed(ask: Ask, home: StoreId, player: str, stores: Stores, context: Context) -> Iterable[StoreId]:
    """The stores of a request that are at home, as far as they can be known from those that are awake; none twice."""
    found = dict.fromkeys((home,))
    further = _FURTHER.get(type(ask))
    if further is not None:
        for store in further(ask, home, player, stores, context):
            if context.at_home(store):
                found[store] = None
    return found


Further = Callable[[Any, StoreId, str, Stores, Context], Iterable[StoreId]]
"""The question, the store that it went to first, who asks."""


def _shown(ask: MyBids, home: StoreId, _player: str, stores: Stores, _context: Context) -> Iterable[StoreId]:
    state = stores(home)
    return () if state is None else map(ids.minter, queries.listings_shown(ask, a_player(state)))


def _of_a_listing(ask: Any, _home: StoreId, _player: str, stores: Stores, context: Context) -> Iterable[StoreId]:
    seller = seller_store(ask.listing, context)
    if seller is None:
        return ()
    state = stores(seller) if context.at_home(seller) else None
    row = None if state is None else a_player(state).listings.get(ask.listing)
    if row is None or row.state != "open" or row.leader is None:
        return (seller,)
    return seller, context.store_of(row.leader)


def _followed(ask: CreateWatch, _home: StoreId, _player: str, _stores: Stores, context: Context) -> Iterable[StoreId]:
    seller = None if ask.listing is None else seller_store(ask.listing, context)
    return () if seller is None else (seller,)


def _of_an_order(ask: PlaceOrder, _home: StoreId, player: str, stores: Stores, context: Context) -> Iterable[StoreId]:
    """The market, and whoever has orders there that this one would meet."""
    terms = orders.terms_of(ask, player, context)
    if isinstance(terms, Refusal):
        return
    market = context.market_of(terms.commodity.commodity)
    yield market
    if context.at_home(market):
        state = stores(market)
        if state is not None:
            yield from book.met_by(a_market(state), orders.parcel_of(terms, player, ""), context)


def _of_my_order(ask: CancelOrder, home: StoreId, _player: str, stores: Stores, context: Context) -> Iterable[StoreId]:
    state = stores(home)
    row = None if state is None else a_player(state).orders.get(ask.order)
    return () if row is None else (context.market_of(row.commodity),)


def _to_another(ask: MakeOffer, _home: StoreId, _player: str, _stores: Stores, context: Context) -> Iterable[StoreId]:
    return (context.store_of(ask.to),)


def _of_an_offer(ask: Any, home: StoreId, _player: str, stores: Stores, context: Context) -> Iterable[StoreId]:
    """That of who made it, and, if that is the first store, of whom it is made to."""
    named = ids.parse(ask.offer, "f")
    if named is not None and named[0] != home:
        return (named[0],)
    state = stores(home)
    row = None if state is None else a_player(state).offers.get(ask.offer)
    return () if row is None else (context.store_of(row.to),)


_FURTHER: dict[type[Ask], Further] = {
    MyBids: _shown,
    PlaceBid: _of_a_listing,
    BuyOut: _of_a_listing,
    CancelListing: _of_a_listing,
    EndListing: _of_a_listing,
    BuyCommodity: _of_an_order,
    SellCommodity: _of_an_order,
    CancelOrder: _of_my_order,
    MakeOffer: _to_another,
    AcceptOffer: _of_an_offer,
    DeclineOffer: _of_an_offer,
    WithdrawOffer: _of_an_offer,
    EndOffer: _of_an_offer,
    CreateWatch: _followed,
}
