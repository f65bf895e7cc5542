"""One request and one result of every method, and every push, as objects; `messages.txt` has their bytes."""

import msgspec

from auction import commands as ask
from auction import results
from auction.house_state import Freeze
from auction.state import Assets, Item, LedgerEntry, Notice, Wanted
from shardnode.wire.events import Hello, ListingsMatched, Matches, Price, PriceMatched, World
from shardnode.wire.methods import Login, LoginResult
from worlddata.types import Category, Range, Rarity, Rules, Stat

STORE = "abcdefghijklmnopqrstuvwxyz"
LISTING, ITEM, DELIVERY = f"{STORE}.l7", f"{STORE}.i3", f"{STORE}.d12"
ORDER, OFFER, WATCH = f"{STORE}.o4", f"{STORE}.f2", f"{STORE}.w1"
QUOTE = "q-opaque"
TOKEN = "a.b.c"

SWORD = Item(ITEM, "harbour_cutter", "Harbour Cutter", "swords", "rare", 14, {"might": -3, "reach": 7}, False)
OPEN = results.ListingView(
    LISTING, SWORD, "open", 10, None, None, 10, 0, 1_800_000_000_000, 1_800_003_600_000, True, False
)
SOLD = results.ListingView(
    LISTING, SWORD, "sold", 10, 2**53 - 1, 250, None, 3, 1_800_000_000_000, 1_800_003_600_000, False, True
)
WAITING = results.DeliveryView(DELIVERY, "won", 0, [SWORD], {"salt": 2}, LISTING, 1_800_003_600_000)

PARAMS: dict[str, msgspec.Struct] = {
    "session.login": Login(token=TOKEN, redirects=True),
    "world.describe": ask.DescribeWorld(),
    "world.bases": ask.ListBases(category="swords", limit=100, cursor="c1"),
    "world.commodities": ask.ListCommodities(),
    "player.get": ask.GetPlayer(),
    "inventory.list": ask.ListInventory(limit=1),
    "listing.create": ask.CreateListing(key="k1", item=ITEM, start_bid=10, buyout=2**53 - 1, duration_s=3_600),
    "listing.get": ask.GetListing(listing=LISTING),
    "listing.mine": ask.MyListings(state="sold"),
    "listing.bid": ask.PlaceBid(key="k2", listing=LISTING, amount=250),
    "listing.buyout": ask.BuyOut(listing=LISTING, price=2**53 - 1),
    "listing.cancel": ask.CancelListing(listing=LISTING),
    "listing.search": ask.SearchListings(
        category="swords",
        base="harbour_cutter",
        rarity=["rare", "fabled"],
        level=ask.Bounds(min=1, max=20),
        price=ask.Bounds(max=500),
        stats=[ask.StatBounds(stat="might", min=-5)],
        text="cutter",
        buyout_only=True,
        with_market=True,
        score={"might": 3, "reach": -1},
        sort="stat:might",
        order="desc",
        limit=10,
        cursor="c2",
    ),
    "bids.mine": ask.MyBids(),
    "delivery.list": ask.ListDeliveries(),
    "delivery.claim": ask.ClaimDelivery(key="k3", delivery=DELIVERY),
    "events.since": ask.EventsSince(seq=0, limit=2),
    "admin.grant": ask.Grant(
        key="k4",
        player="alice",
        gold=1_000,
        items=[
            ask.GrantedItem(base="harbour_cutter"),
            ask.GrantedItem(base="harbour_cutter", rarity="rare", level=14, stats={"might": 5}, bound=True),
        ],
        commodities={"salt": 20},
    ),
    "admin.take": ask.Take(key="k5", player="alice", gold=1, items=[ITEM], commodities={"salt": 1}),
    "admin.player": ask.InspectPlayer(player="alice"),
    "commodity.quote": ask.QuoteCommodity(commodity="salt", side="sell", quantity=20),
    "commodity.buy": ask.BuyCommodity(key="k6", commodity="salt", quantity=2**53 - 1, limit_price=1),
    "commodity.sell": ask.SellCommodity(quote=QUOTE),
    "commodity.cancel": ask.CancelOrder(key="k7", order=ORDER),
    "commodity.orders": ask.MyOrders(limit=5, cursor="c4"),
    "commodity.book": ask.GetBook(commodity="salt", depth=3),
    "commodity.history": ask.GetCandles(commodity="salt", bucket_s=3600, limit=24),
    "offer.make": ask.MakeOffer(
        key="k8",
        to="bob",
        give=ask.OfferSide(gold=5, items=[ITEM]),
        want=ask.OfferSide(commodities={"salt": 2}),
        expires_s=60,
    ),
    "offer.accept": ask.AcceptOffer(key="k9", offer=OFFER),
    "offer.decline": ask.DeclineOffer(offer=OFFER),
    "offer.withdraw": ask.WithdrawOffer(offer=OFFER),
    "offer.list": ask.ListOffers(),
    "watch.create": ask.CreateWatch(query=ask.ListingFilter(category="swords", price=ask.Bounds(max=500))),
    "watch.delete": ask.DeleteWatch(watch=WATCH),
    "watch.list": ask.ListWatches(),
    "admin.freeze": ask.FreezeTrading(key="k10", what="category", id="swords", claims=False),
    "admin.thaw": ask.ThawTrading(what="house"),
}

RESULTS: dict[str, msgspec.Struct] = {
    "session.login": LoginResult("alice", "player", 1_800_000_000_000, 4),
    "world.describe": results.WorldResult(
        "1.0.0+rules.0badcafe",
        "00112233445566778899aabbccddeeff",
        Rules(),
        [Category(category="swords", name="Swords", holds="items")],
        [Rarity(rarity="rare", name="Rare", order=2, stats_min=2, stats_max=3, weight=10, worth_factor=4)],
        [Stat(stat="might", name="Might", unit="points", at_level_1=Range(1, 3), at_level_100=Range(90, 120))],
        {"bases": 190},
    ),
    "world.bases": results.BasesResult(
        [results.BaseView("harbour_cutter", "Harbour Cutter", "swords", 1, 14, {"might": results.Span(1, 9)})], "c9"
    ),
    "world.commodities": results.CommoditiesResult([results.CommodityView("salt", "Salt", "stores", 5)]),
    "player.get": results.PlayerResult("alice", results.Gold(90, 10), 1, 2, results.Stash(3, 210), 4),
    "inventory.list": results.InventoryResult([SWORD], {"salt": 20}, None),
    "listing.create": results.ListingResult(OPEN),
    "listing.get": results.ListingResult(SOLD),
    "listing.mine": results.ListingsResult([OPEN, SOLD], "c3"),
    "listing.bid": results.BidResult(SOLD, True),
    "listing.buyout": results.BuyoutResult(SOLD, SWORD, 250),
    "listing.cancel": results.ListingResult(OPEN),
    "listing.search": results.SearchResult([OPEN], None, 1_800_000_000_000),
    "bids.mine": results.BidsResult([results.BidView(OPEN, 300, False)], None),
    "delivery.list": results.DeliveriesResult([WAITING], None),
    "delivery.claim": results.DeliveryResult(WAITING),
    "events.since": results.EventsResult(
        [Notice(4, "delivery.arrived", 1_800_003_600_000, {"delivery": DELIVERY, "kind": "won"})], 4, 1, 4
    ),
    "admin.grant": results.GrantResult("alice", 1_000, [SWORD]),
    "admin.take": results.GrantResult("alice", 1, []),
    "admin.player": results.AdminPlayerResult(
        "alice",
        results.Gold(90, 10),
        1,
        2,
        results.Stash(3, 210),
        4,
        STORE,
        "n1",
        [LedgerEntry(1, 1_800_000_000_000, "wallet", "house", 100, "grant", None)],
    ),
    "commodity.quote": results.QuoteResult(
        QUOTE, "salt", "sell", 20, 95, [results.Level(5, 15), results.Level(4, 5)], 1_800_000_030_000
    ),
    "commodity.buy": results.OrderResult(ORDER, 3, 2, 14, 0, [results.Level(4, 1), results.Level(5, 2)]),
    "commodity.sell": results.OrderResult(ORDER, 0, 20, 0, 0, []),
    "commodity.cancel": results.CancelledOrderResult(ORDER, results.Returned(10, 0)),
    "commodity.orders": results.OrdersResult(
        [results.OrderView(ORDER, "salt", "buy", 5, 5, 2, 1_800_000_000_000)], None
    ),
    "commodity.book": results.BookResult(
        [results.BookLevel(5, 2, 1)], [results.BookLevel(6, 2**53 - 1, 2)], results.LastPrice(5, 1_800_000_000_000)
    ),
    "commodity.history": results.CandlesResult([results.CandleView(1_800_000_000_000, 4, 6, 3, 5, 120)]),
    "offer.make": results.OfferResult(OFFER, "open"),
    "offer.accept": results.OfferResult(OFFER, "accepted"),
    "offer.decline": results.OfferResult(OFFER, "declined"),
    "offer.withdraw": results.OfferResult(OFFER, "withdrawn"),
    "offer.list": results.OffersResult(
        [
            results.OfferView(
                OFFER, "alice", "bob", Assets(5, (SWORD,)), Wanted(0, (ITEM,), {"salt": 2}), "open", 1_800_000_060_000
            )
        ],
        "c5",
    ),
    "watch.create": results.WatchResult(WATCH),
    "watch.delete": results.NothingResult(),
    "watch.list": results.WatchesResult(
        [results.WatchView(WATCH, {"category": "swords"}, None, None, 1_800_000_000_000)]
    ),
    "admin.freeze": results.FreezesResult(
        [Freeze("category/swords", "category", "swords", False, "olga", 1_800_000_000_000)]
    ),
    "admin.thaw": results.FreezesResult([]),
}

PUSHES: dict[str, tuple[str, msgspec.Struct]] = {
    "hello": ("hello", Hello("n1", "auction.v1", 1_800_000_000_000, World("1.0.0", "00" * 16), 65_536)),
    "listing.outbid": (
        "event",
        Notice(1, "listing.outbid", 1_800_000_000_000, {"listing": LISTING, "price": 11, "min_bid": None}),
    ),
    "listing.sold": (
        "event",
        Notice(2, "listing.sold", 1_800_000_000_000, {"listing": LISTING, "price": 250, "proceeds": 212}),
    ),
    "listing.won": (
        "event",
        Notice(3, "listing.won", 1_800_000_000_000, {"listing": LISTING, "price": 250, "delivery": DELIVERY}),
    ),
    "listing.expired": (
        "event",
        Notice(4, "listing.expired", 1_800_000_000_000, {"listing": LISTING, "delivery": DELIVERY}),
    ),
    "delivery.arrived": (
        "event",
        Notice(5, "delivery.arrived", 1_800_000_000_000, {"delivery": DELIVERY, "kind": "proceeds"}),
    ),
    "offer.received": (
        "event",
        Notice(6, "offer.received", 1_800_000_000_000, {"offer": OFFER, "state": "open"}),
    ),
    "offer.closed": (
        "event",
        Notice(7, "offer.closed", 1_800_000_000_000, {"offer": OFFER, "state": "expired"}),
    ),
    "commodity.filled": (
        "event",
        Notice(
            8,
            "commodity.filled",
            1_800_000_000_000,
            {"order": ORDER, "commodity": "salt", "price": 5, "quantity": 3, "remaining": 2},
        ),
    ),
    "watch of listings": (
        "watch",
        ListingsMatched(watch=WATCH, at_ms=1_800_000_000_500, data=Matches([OPEN], 2)),
    ),
    "watch of a commodity": (
        "watch",
        PriceMatched(watch=WATCH, at_ms=1_800_000_000_500, data=Price("salt", 5, 1_800_000_000_000, 40)),
    ),
}
