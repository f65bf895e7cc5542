"""The protocol's methods as typed calls. What they return is awaited; `clients.errors` says how they fail."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypedDict, TypeVar

from auction.results import (
    AdminPlayerResult,
    BasesResult,
    BidResult,
    BidsResult,
    BookResult,
    BuyoutResult,
    CancelledOrderResult,
    CandlesResult,
    CommoditiesResult,
    DeliveriesResult,
    DeliveryResult,
    EventsResult,
    FreezesResult,
    GrantResult,
    InventoryResult,
    ListingResult,
    ListingsResult,
    NothingResult,
    OfferResult,
    OffersResult,
    OrderResult,
    OrdersResult,
    PlayerResult,
    QuoteResult,
    SearchResult,
    WatchesResult,
    WatchResult,
    WorldResult,
)
from auction.state import ListingState, OrderSide

T = TypeVar("T")


class Bounds(TypedDict, total=False):
    """Inclusive bounds; either may be left out."""

    min: int
    max: int


class StatBounds(Bounds):
    """Inclusive bounds of one stat."""

    stat: str


class Query(TypedDict, total=False):
    """Filters of a search, as a watch keeps them."""

    category: str
    base: str
    rarity: Sequence[str]
    level: Bounds
    price: Bounds
    stats: Sequence[StatBounds]
    text: str
    buyout_only: bool


class Goods(TypedDict, total=False):
    """What one side of an offer gives: gold, items by their ids, pieces by commodity."""

    gold: int
    items: Sequence[str]
    commodities: Mapping[str, int]


class Page(Protocol):
    """One page of a list; `next` is the cursor of the next one, None on the last."""

    @property
    def next(self) -> str | None:
        """Cursor of the next page."""


P = TypeVar("P", bound=Page)


async def pages(method: Callable[..., Awaitable[P]], **params: Any) -> AsyncIterator[P]:
    """All pages of a list, one request each: `async for page in pages(client.inventory): ...`."""
    page = await method(**params)
    yield page
    while page.next is not None:
        page = await method(**params, cursor=page.next)
        yield page


def _given(**params: Any) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}


class Calls(ABC):
    """One method of the house a method here. A mutation without a `key` gets a new one."""

    @abstractmethod
    def call(self, method: str, params: dict[str, Any], result: type[T], key: str | None = None) -> Awaitable[T]:
        """Ask for any method. `key` says that it is a mutation and under which key; it must be in `params` as well."""

    @abstractmethod
    def new_key(self) -> str:
        """A key that no other call of any client has."""

    def change(self, method: str, params: dict[str, Any], result: type[T], key: str | None) -> Awaitable[T]:
        """Ask for a mutation, under a new key unless one is given."""
        params["key"] = key = key or self.new_key()
        return self.call(method, params, result, key)

    def world(self) -> Awaitable[WorldResult]:
        """The catalog's identity, the rules in force, categories, rarities and stats."""
        return self.call("world.describe", {}, WorldResult)

    def bases(
        self, category: str | None = None, *, limit: int | None = None, cursor: str | None = None
    ) -> Awaitable[BasesResult]:
        """Item bases, a page at a time."""
        return self.call("world.bases", _given(category=category, limit=limit, cursor=cursor), BasesResult)

    def commodities(self) -> Awaitable[CommoditiesResult]:
        """All commodities."""
        return self.call("world.commodities", {}, CommoditiesResult)

    def wallet(self) -> Awaitable[PlayerResult]:
        """Our gold, counts and stash (`player.get`)."""
        return self.call("player.get", {}, PlayerResult)

    def inventory(self, *, limit: int | None = None, cursor: str | None = None) -> Awaitable[InventoryResult]:
        """Our stash, a page at a time."""
        return self.call("inventory.list", _given(limit=limit, cursor=cursor), InventoryResult)

    def sell(
        self,
        item: str,
        *,
        duration_s: int,
        start_bid: int | None = None,
        buyout: int | None = None,
        key: str | None = None,
    ) -> Awaitable[ListingResult]:
        """List an item of our stash, for bids from `start_bid`, for `buyout` gold at once, or both."""
        params = _given(item=item, start_bid=start_bid, buyout=buyout, duration_s=duration_s)
        return self.change("listing.create", params, ListingResult, key)

    def listing(self, listing: str) -> Awaitable[ListingResult]:
        """One listing."""
        return self.call("listing.get", {"listing": listing}, ListingResult)

    def my_listings(
        self, state: ListingState | None = None, *, limit: int | None = None, cursor: str | None = None
    ) -> Awaitable[ListingsResult]:
        """Our listings, a page at a time."""
        return self.call("listing.mine", _given(state=state, limit=limit, cursor=cursor), ListingsResult)

    def bid(self, listing: str, amount: int, *, key: str | None = None) -> Awaitable[BidResult]:
        """Bid with `amount` as our maximum. Raises Outbid where another's is as high; only a bid that leads returns."""
        return self.change("listing.bid", {"listing": listing, "amount": amount}, BidResult, key)

    def buyout(self, listing: str, price: int, *, key: str | None = None) -> Awaitable[BuyoutResult]:
        """Buy at once for the buyout `price` that we saw; the item waits as a delivery."""
        return self.change("listing.buyout", {"listing": listing, "price": price}, BuyoutResult, key)

    def cancel(self, listing: str, *, key: str | None = None) -> Awaitable[ListingResult]:
        """Take back a listing of ours."""
        return self.change("listing.cancel", {"listing": listing}, ListingResult, key)

    def search(
        self,
        *,
        category: str | None = None,
        base: str | None = None,
        rarity: Sequence[str] | None = None,
        level: Bounds | None = None,
        price: Bounds | None = None,
        stats: Sequence[StatBounds] | None = None,
        text: str | None = None,
        buyout_only: bool | None = None,
        with_market: bool | None = None,
        score: Mapping[str, int] | None = None,
        sort: str | None = None,
        order: Literal["asc", "desc"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Awaitable[SearchResult]:
        """Open listings of the whole house, a page at a time; every filter given must hold.

        `score` weighs stats, for the sort "score"; `with_market` asks what sold of `base` within a day.
        """
        params = _given(
            category=category,
            base=base,
            rarity=rarity,
            level=level,
            price=price,
            stats=stats,
            text=text,
            buyout_only=buyout_only,
            with_market=with_market,
            score=score,
            sort=sort,
            order=order,
            limit=limit,
            cursor=cursor,
        )
        return self.call("listing.search", params, SearchResult)

    def my_bids(self, *, limit: int | None = None, cursor: str | None = None) -> Awaitable[BidsResult]:
        """Our bids, a page at a time."""
        return self.call("bids.mine", _given(limit=limit, cursor=cursor), BidsResult)

    def deliveries(self, *, limit: int | None = None, cursor: str | None = None) -> Awaitable[DeliveriesResult]:
        """What waits for us to claim it, a page at a time."""
        return self.call("delivery.list", _given(limit=limit, cursor=cursor), DeliveriesResult)

    def claim(self, delivery: str, *, key: str | None = None) -> Awaitable[DeliveryResult]:
        """Move a delivery into our wallet and stash."""
        return self.change("delivery.claim", {"delivery": delivery}, DeliveryResult, key)

    def events_since(self, seq: int, *, limit: int | None = None) -> Awaitable[EventsResult]:
        """Our events after `seq`, a page at a time; `events()` brings them by itself."""
        return self.call("events.since", _given(seq=seq, limit=limit), EventsResult)

    def quote(self, commodity: str, side: OrderSide, quantity: int) -> Awaitable[QuoteResult]:
        """What so many pieces cost, or bring, now; the quote holds until `expires_at_ms`."""
        return self.call("commodity.quote", {"commodity": commodity, "side": side, "quantity": quantity}, QuoteResult)

    def buy_commodity(
        self,
        commodity: str | None = None,
        quantity: int | None = None,
        limit_price: int | None = None,
        *,
        quote: str | None = None,
        key: str | None = None,
    ) -> Awaitable[OrderResult]:
        """Buy pieces for `limit_price` each or less, what is not filled at once rests; or all of a `quote`, alone."""
        params = _given(commodity=commodity, quantity=quantity, limit_price=limit_price, quote=quote)
        return self.change("commodity.buy", params, OrderResult, key)

    def sell_commodity(
        self,
        commodity: str | None = None,
        quantity: int | None = None,
        limit_price: int | None = None,
        *,
        quote: str | None = None,
        key: str | None = None,
    ) -> Awaitable[OrderResult]:
        """Sell pieces for `limit_price` each or more, what is not filled at once rests; or all of a `quote`, alone."""
        params = _given(commodity=commodity, quantity=quantity, limit_price=limit_price, quote=quote)
        return self.change("commodity.sell", params, OrderResult, key)

    def cancel_order(self, order: str, *, key: str | None = None) -> Awaitable[CancelledOrderResult]:
        """Take back what is left of an order of ours: gold enters the wallet, pieces wait as a delivery."""
        return self.change("commodity.cancel", {"order": order}, CancelledOrderResult, key)

    def my_orders(self, *, limit: int | None = None, cursor: str | None = None) -> Awaitable[OrdersResult]:
        """Our orders that rest, a page at a time."""
        return self.call("commodity.orders", _given(limit=limit, cursor=cursor), OrdersResult)

    def book(self, commodity: str, *, depth: int | None = None) -> Awaitable[BookResult]:
        """What rests in a commodity's book, price by price, and the latest trade."""
        return self.call("commodity.book", _given(commodity=commodity, depth=depth), BookResult)

    def candles(
        self, commodity: str, bucket_s: Literal[60, 3600, 86400], *, limit: int | None = None
    ) -> Awaitable[CandlesResult]:
        """What a commodity was traded for, a candle a minute, an hour or a day, the latest last."""
        params = _given(commodity=commodity, bucket_s=bucket_s, limit=limit)
        return self.call("commodity.history", params, CandlesResult)

    def make_offer(
        self, to: str, give: Goods, want: Goods, *, expires_s: int | None = None, key: str | None = None
    ) -> Awaitable[OfferResult]:
        """Offer another player `give` for `want`; what we give is held while the offer is open."""
        return self.change("offer.make", _given(to=to, give=give, want=want, expires_s=expires_s), OfferResult, key)

    def accept_offer(self, offer: str, *, key: str | None = None) -> Awaitable[OfferResult]:
        """Give what is wanted; what is offered waits as a delivery."""
        return self.change("offer.accept", {"offer": offer}, OfferResult, key)

    def decline_offer(self, offer: str, *, key: str | None = None) -> Awaitable[OfferResult]:
        """Turn down an offer that was made to us."""
        return self.change("offer.decline", {"offer": offer}, OfferResult, key)

    def withdraw_offer(self, offer: str, *, key: str | None = None) -> Awaitable[OfferResult]:
        """Take back an offer of ours."""
        return self.change("offer.withdraw", {"offer": offer}, OfferResult, key)

    def offers(self, *, limit: int | None = None, cursor: str | None = None) -> Awaitable[OffersResult]:
        """Open offers of ours, then those made to us, a page at a time."""
        return self.call("offer.list", _given(limit=limit, cursor=cursor), OffersResult)

    def watch(
        self,
        *,
        query: Query | None = None,
        listing: str | None = None,
        commodity: str | None = None,
        key: str | None = None,
    ) -> Awaitable[WatchResult]:
        """Be told of what comes to match a search, of a listing or of a commodity: one of the three.

        `Client.matches` brings what there is to tell while we are connected; none of it is kept for later.
        """
        params = _given(query=query, listing=listing, commodity=commodity)
        return self.change("watch.create", params, WatchResult, key)

    def unwatch(self, watch: str, *, key: str | None = None) -> Awaitable[NothingResult]:
        """Be told of it no more."""
        return self.change("watch.delete", {"watch": watch}, NothingResult, key)

    def watches(self) -> Awaitable[WatchesResult]:
        """All of our watches."""
        return self.call("watch.list", {}, WatchesResult)

    def grant(
        self,
        player: str,
        *,
        key: str,
        gold: int | None = None,
        items: Sequence[Mapping[str, Any]] | None = None,
        commodities: Mapping[str, int] | None = None,
    ) -> Awaitable[GrantResult]:
        """Service role: put gold and goods into a player's wallet and stash. The same `key` grants nothing twice."""
        params = _given(player=player, gold=gold, items=items, commodities=commodities)
        return self.change("admin.grant", params, GrantResult, key)

    def take(
        self,
        player: str,
        *,
        key: str,
        gold: int | None = None,
        items: Sequence[str] | None = None,
        commodities: Mapping[str, int] | None = None,
    ) -> Awaitable[GrantResult]:
        """Service role: take gold and goods out of the house for good. The same `key` takes nothing twice."""
        params = _given(player=player, gold=gold, items=items, commodities=commodities)
        return self.change("admin.take", params, GrantResult, key)

    def inspect(self, player: str) -> Awaitable[AdminPlayerResult]:
        """Service or operator role: any player as `wallet`, with store, node and ledger."""
        return self.call("admin.player", {"player": player}, AdminPlayerResult)

    def freeze(
        self,
        what: Literal["house", "category", "commodity", "player"],
        id: str | None = None,  # noqa: A002 - the protocol's word
        *,
        claims: bool | None = None,
        key: str | None = None,
    ) -> Awaitable[FreezesResult]:
        """Operator role: stop trading in the house, or in the category, commodity or for the player `id`.

        Without `claims` nothing that waits can be claimed, and nothing taken back, either.
        """
        return self.change("admin.freeze", _given(what=what, id=id, claims=claims), FreezesResult, key)

    def thaw(
        self,
        what: Literal["house", "category", "commodity", "player"],
        id: str | None = None,  # noqa: A002 - the protocol's word
        *,
        key: str | None = None,
    ) -> Awaitable[FreezesResult]:
        """Operator role: let trading go on."""
        return self.change("admin.thaw", _given(what=what, id=id), FreezesResult, key)
