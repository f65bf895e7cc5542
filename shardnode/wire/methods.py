"""The methods of `auction.v1`: one row each, from its name to the class of its params and of its result."""

from typing import Annotated, Literal

import msgspec

from auction import commands as ask
from auction import results

TokenRole = Literal["player", "service", "operator"]
"""Who a token says its bearer is."""

TOKEN_ROLES: tuple[TokenRole, ...] = ("player", "service", "operator")
TOKEN_CHARACTERS_MAX = 4_096


class Login(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Say who calls; answered by the gateway itself."""

    token: Annotated[str, msgspec.Meta(min_length=1, max_length=TOKEN_CHARACTERS_MAX)]
    redirects: bool = False


class LoginResult(msgspec.Struct, frozen=True):
    """Who the caller is now; `seq` is the latest event there was for the player when the login was answered."""

    player: str
    role: TokenRole
    server_time_ms: int
    seq: int


class Method(msgspec.Struct, frozen=True):
    """One method. `refusals` are the reasons of the rules; faults that any call may meet are `FAULTS_OF_ALL`."""

    name: str
    params: type[msgspec.Struct]
    result: type[msgspec.Struct]
    summary: str
    refusals: tuple[str, ...] = ()
    roles: tuple[TokenRole, ...] = TOKEN_ROLES

    @property
    def mutation(self) -> bool:
        """Whether it may change stores, and so takes a key."""
        return issubclass(self.params, ask.Mutation | ask.AdminMutation)

    @property
    def faults(self) -> tuple[str, ...]:
        """Reasons besides `refusals` that a well-formed call may be answered with."""
        if self.params is Login:
            return ("token_expired", "token_invalid", "rate_limited")
        every = ("unauthenticated", "token_expired", "rate_limited", "unavailable", "moved")
        forbidden = () if self.roles == TOKEN_ROLES else ("forbidden",)
        return every + forbidden + (("in_doubt",) if self.mutation else ())


_ROWS = (
    Method(
        "session.login",
        Login,
        LoginResult,
        "Log in with a token, or change who is logged in; a failed attempt leaves the session as it was.",
    ),
    Method("world.describe", ask.DescribeWorld, results.WorldResult, "The world's identity, its rules and shelves."),
    Method(
        "world.bases",
        ask.ListBases,
        results.BasesResult,
        "Item bases of the world, or of one category.",
        ("cursor_mismatch",),
    ),
    Method("world.commodities", ask.ListCommodities, results.CommoditiesResult, "All commodities of the world."),
    Method("player.get", ask.GetPlayer, results.PlayerResult, "The caller's gold, counts and stash."),
    Method(
        "inventory.list",
        ask.ListInventory,
        results.InventoryResult,
        "The items and commodities the caller can dispose of.",
        ("cursor_mismatch",),
    ),
    Method(
        "listing.create",
        ask.CreateListing,
        results.ListingResult,
        "Put an item of the stash up for sale, for bids, for a buyout price or both.",
        (
            "no_such_item",
            "frozen",
            "bound_item",
            "relist_cooldown",
            "price_out_of_range",
            "duration_not_offered",
            "too_new",
            "listing_limit",
            "insufficient_gold",
            "key_reused",
        ),
    ),
    Method("listing.get", ask.GetListing, results.ListingResult, "One listing, by anybody.", ("no_such_listing",)),
    Method(
        "listing.mine",
        ask.MyListings,
        results.ListingsResult,
        "The caller's own listings, newest first.",
        ("cursor_mismatch",),
    ),
    Method(
        "listing.bid",
        ask.PlaceBid,
        results.BidResult,
        "Bid on a listing; the amount is the most the bidder would pay, and all of it is held while the bid leads.",
        (
            "no_such_listing",
            "own_listing",
            "frozen",
            "listing_closed",
            "not_for_bids",
            "bid_too_low",
            "price_out_of_range",
            "outbid",
            "too_new",
            "bid_limit",
            "insufficient_gold",
            "key_reused",
        ),
    ),
    Method(
        "listing.buyout",
        ask.BuyOut,
        results.BuyoutResult,
        "Buy a listing at once for its buyout price, whoever leads.",
        (
            "no_such_listing",
            "own_listing",
            "frozen",
            "listing_closed",
            "no_buyout",
            "price_changed",
            "too_new",
            "insufficient_gold",
            "key_reused",
        ),
    ),
    Method(
        "listing.cancel",
        ask.CancelListing,
        results.ListingResult,
        "Take the caller's own listing back while the rules still let it.",
        ("no_such_listing", "not_owner", "frozen", "listing_closed", "has_bids", "cancel_window_over", "key_reused"),
    ),
    Method(
        "listing.search",
        ask.SearchListings,
        results.SearchResult,
        "Open listings of the whole house by filters, sorted, a page at a time.",
        ("cursor_mismatch", "cursor_expired"),
    ),
    Method(
        "bids.mine",
        ask.MyBids,
        results.BidsResult,
        "The caller's bids on open listings, latest first.",
        ("cursor_mismatch",),
    ),
    Method(
        "delivery.list",
        ask.ListDeliveries,
        results.DeliveriesResult,
        "What waits to be claimed by the caller, oldest first.",
        ("cursor_mismatch",),
    ),
    Method(
        "delivery.claim",
        ask.ClaimDelivery,
        results.DeliveryResult,
        "Move a delivery's gold and goods into wallet and stash.",
        ("no_such_delivery", "frozen", "delivery_claimed", "stash_full", "wallet_full", "key_reused"),
    ),
    Method("events.since", ask.EventsSince, results.EventsResult, "The events the caller was told after a seq."),
    Method(
        "commodity.quote",
        ask.QuoteCommodity,
        results.QuoteResult,
        "What so many pieces of a commodity cost, or bring, now: a price that holds for a while.",
        ("no_such_commodity", "frozen", "insufficient_goods"),
    ),
    Method(
        "commodity.buy",
        ask.BuyCommodity,
        results.OrderResult,
        "Buy pieces of a commodity at a limit or better, or by a quote; what is not filled at once rests.",
        (
            "no_such_commodity",
            "no_such_quote",
            "frozen",
            "quote_expired",
            "price_changed",
            "price_out_of_range",
            "order_limit",
            "buy_limit",
            "too_new",
            "insufficient_gold",
            "key_reused",
        ),
    ),
    Method(
        "commodity.sell",
        ask.SellCommodity,
        results.OrderResult,
        "Sell pieces of a commodity at a limit or better, or by a quote; what is not filled at once rests.",
        (
            "no_such_commodity",
            "no_such_quote",
            "frozen",
            "quote_expired",
            "price_changed",
            "price_out_of_range",
            "order_limit",
            "buy_limit",
            "too_new",
            "insufficient_goods",
            "key_reused",
        ),
    ),
    Method(
        "commodity.cancel",
        ask.CancelOrder,
        results.CancelledOrderResult,
        "Take back what is left of the caller's own order.",
        ("no_such_order", "order_closed", "frozen", "key_reused"),
    ),
    Method(
        "commodity.orders",
        ask.MyOrders,
        results.OrdersResult,
        "The caller's orders that rest, oldest first.",
        ("cursor_mismatch",),
    ),
    Method(
        "commodity.book",
        ask.GetBook,
        results.BookResult,
        "What rests in a commodity's book, price by price.",
        ("no_such_commodity",),
    ),
    Method(
        "commodity.history",
        ask.GetCandles,
        results.CandlesResult,
        "What a commodity was traded for: the latest candles, oldest first.",
        ("no_such_commodity",),
    ),
    Method(
        "offer.make",
        ask.MakeOffer,
        results.OfferResult,
        "Offer another player gold and goods for gold and goods.",
        (
            "no_such_player",
            "no_such_item",
            "no_such_commodity",
            "bound_item",
            "frozen",
            "offer_limit",
            "inbox_full",
            "too_new",
            "insufficient_gold",
            "insufficient_goods",
            "key_reused",
        ),
    ),
    Method(
        "offer.accept",
        ask.AcceptOffer,
        results.OfferResult,
        "Give what is wanted and get what is offered.",
        (
            "no_such_offer",
            "no_such_item",
            "bound_item",
            "frozen",
            "offer_closed",
            "too_new",
            "insufficient_gold",
            "insufficient_goods",
            "key_reused",
        ),
    ),
    Method(
        "offer.decline",
        ask.DeclineOffer,
        results.OfferResult,
        "Turn down an offer that was made to the caller.",
        ("no_such_offer", "frozen", "offer_closed", "key_reused"),
    ),
    Method(
        "offer.withdraw",
        ask.WithdrawOffer,
        results.OfferResult,
        "Take the caller's own offer back.",
        ("no_such_offer", "frozen", "offer_closed", "key_reused"),
    ),
    Method(
        "offer.list",
        ask.ListOffers,
        results.OffersResult,
        "Open offers that the caller made or was made.",
        ("cursor_mismatch",),
    ),
    Method(
        "watch.create",
        ask.CreateWatch,
        results.WatchResult,
        "Be told of listings that come to match a search, or of a listing's or a commodity's changes.",
        ("no_such_listing", "no_such_commodity", "watch_limit", "key_reused"),
    ),
    Method(
        "watch.delete",
        ask.DeleteWatch,
        results.NothingResult,
        "Be told of it no more.",
        ("no_such_watch", "key_reused"),
    ),
    Method("watch.list", ask.ListWatches, results.WatchesResult, "The caller's watches.", ()),
    Method(
        "admin.grant",
        ask.Grant,
        results.GrantResult,
        "Bring gold and goods into the house, straight into a player's wallet and stash.",
        ("no_such_base", "no_such_commodity", "stash_full", "wallet_full", "key_reused"),
        ("service",),
    ),
    Method(
        "admin.take",
        ask.Take,
        results.GrantResult,
        "Take gold and goods out of the house for good.",
        (
            "no_such_player",
            "no_such_item",
            "no_such_commodity",
            "insufficient_gold",
            "insufficient_goods",
            "key_reused",
        ),
        ("service",),
    ),
    Method(
        "admin.player",
        ask.InspectPlayer,
        results.AdminPlayerResult,
        "Any player as player.get shows it, with store, node and latest ledger entries.",
        ("no_such_player",),
        ("service", "operator"),
    ),
    Method(
        "admin.freeze",
        ask.FreezeTrading,
        results.FreezesResult,
        "Stop trading in the house, a category, a commodity or for a player.",
        ("no_such_category", "no_such_commodity", "freeze_limit", "key_reused"),
        ("operator",),
    ),
    Method("admin.thaw", ask.ThawTrading, results.FreezesResult, "Let trading go on.", ("key_reused",), ("operator",)),
)

METHODS: dict[str, Method] = {method.name: method for method in _ROWS}
"""Every method a node serves, by name."""
