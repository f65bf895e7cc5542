"""What rivals do, act by act: each makes a request of what the board shows, or None where there is nothing to ask for.

Every kind of acts (listings, commodities, offers) comes close to where it hurts: bids around the visible price, orders
around one price, offers of what somebody else may be just about to sell. Each history draws which kinds there are, as
it draws its faults, so that some see nothing but orders.
"""

from collections.abc import Callable
from random import Random

from auction.commands import (
    AcceptOffer,
    Ask,
    BuyCommodity,
    BuyOut,
    CancelListing,
    CancelOrder,
    ClaimDelivery,
    CreateListing,
    CreateWatch,
    DeclineOffer,
    DeleteWatch,
    EventsSince,
    GetBook,
    GetCandles,
    GetListing,
    GetPlayer,
    ListDeliveries,
    ListingFilter,
    ListInventory,
    ListOffers,
    ListWatches,
    MakeOffer,
    MyBids,
    MyListings,
    MyOrders,
    OfferSide,
    PlaceBid,
    QuoteCommodity,
    SearchListings,
    SellCommodity,
    WithdrawOffer,
)
from auction.ids import minter
from tests.auction.house import store_of
from tests.simulation.board import HOT, SENSIBLE, Board
from tests.simulation.house import WORLD

Act = Callable[[Board, str, Random], Ask | None]

PRESENT = (0.85, 0.6, 0.6)
"""Shares of histories in which listings, commodities and offers are there; one kind always is."""
BUY_TICKS, SELL_TICKS = (8, 9, 10, 10, 11, 12), (8, 9, 9, 10, 10, 11)
"""Prices of orders, in ticks: so close to each other that most orders meet."""
PIECES_MAX = 6
"""Of one order."""
COMMODITIES = list(WORLD.commodities)
BIDS = 2
"""How many listings a player bids on who looks round in a house at rest."""


def draw_acts(random: Random) -> tuple[list[Act], list[int]]:
    """The acts of a history and their weights."""
    kinds = [kind for kind, share in zip(_KINDS, PRESENT, strict=True) if random.random() < share]
    kinds = kinds or [random.choice(_KINDS)]
    weighed = {act: weight for kind in (*kinds, _ALWAYS) for act, weight in kind.items()}
    return list(weighed), list(weighed.values())


def look_round(board: Board, player: str, random: Random) -> list[Ask]:
    """What everybody asks for in a house at rest: of every kind somebody asks for something."""
    open_now = [view for view in board.listings.values() if view.state == "open" and view.start_bid is not None]
    others = [view for view in open_now if minter(view.listing) != store_of(player)]
    some = random.sample(others, min(len(others), BIDS))
    bids = [PlaceBid(listing=view.listing, amount=view.min_bid or 1) for view in some]
    exchange = random.choice((_order, _offer))(board, player, random)
    return [GetPlayer(), *bids, exchange]


def _bid(board: Board, player: str, random: Random) -> Ask | None:
    view = board.hot(player, random)
    if view is None:
        return _sell(board, player, random)
    least = view.min_bid or view.price or 10
    return PlaceBid(listing=view.listing, amount=max(1, least + random.choice((-3, 0, 0, 1, 5, 20, 80))))


def _buy(board: Board, player: str, random: Random) -> Ask | None:
    view = board.hot(player, random)
    if view is None or view.buyout is None:
        return _sell(board, player, random)
    return BuyOut(listing=view.listing, price=view.buyout + random.choice((0, 0, 0, 0, 1)))


def _sell(board: Board, player: str, random: Random) -> Ask | None:
    stash = board.stash.get(player)
    if not stash:
        return None
    start = random.randrange(5, 120) if random.random() < 0.9 else None
    buyout = random.randrange(130, 500) if start is None or random.random() < 0.6 else None
    duration_s = random.choice(WORLD.rules.durations_s)
    return CreateListing(item=random.choice(stash), start_bid=start, buyout=buyout, duration_s=duration_s)


def _cancel(board: Board, player: str, random: Random) -> Ask | None:
    view = board.own(player, random)
    return CancelListing(listing=view.listing) if view is not None else None


def _look(board: Board, player: str, random: Random) -> Ask | None:
    view = board.hot(player, random)
    return GetListing(listing=view.listing) if view is not None else SearchListings()


def _order(_board: Board, _player: str, random: Random) -> Ask | None:
    commodity, place = WORLD.commodities[_commodity(random)], random.choice((BuyCommodity, SellCommodity))
    price = commodity.tick * random.choice(BUY_TICKS if place is BuyCommodity else SELL_TICKS)
    price += random.random() >= SENSIBLE
    return place(commodity=commodity.commodity, quantity=random.randint(1, PIECES_MAX), limit_price=price)


def _commodity(random: Random) -> str:
    """One of all, most often the first."""
    return COMMODITIES[0] if random.random() < 0.6 else random.choice(COMMODITIES)


def _cancel_order(board: Board, player: str, random: Random) -> Ask | None:
    orders = board.orders.get(player if random.random() < SENSIBLE else board.other(player, random))
    return CancelOrder(order=random.choice(orders[-2 * HOT :])) if orders else _order(board, player, random)


def _quote(_board: Board, _player: str, random: Random) -> Ask | None:
    commodity, quantity = _commodity(random), random.choice((1, 1, 2, PIECES_MAX))
    return QuoteCommodity(commodity=commodity, side=random.choice(("buy", "sell")), quantity=quantity)


def _use_quote(board: Board, player: str, random: Random) -> Ask | None:
    """One of the latest quotes, which may have been used."""
    quotes = board.quotes.get(player)
    if not quotes:
        return _quote(board, player, random)
    quote = random.choice(quotes[-2:])
    return BuyCommodity(quote=quote.quote) if quote.side == "buy" else SellCommodity(quote=quote.quote)


def _see_market(_board: Board, _player: str, random: Random) -> Ask | None:
    commodity = _commodity(random)
    return random.choice((GetBook(commodity=commodity), GetCandles(commodity=commodity, bucket_s=60), MyOrders()))


def _offer(board: Board, player: str, random: Random) -> Ask | None:
    to = board.other(player, random)
    give = _side(board, player, random)
    want = _side(board, to, random) if random.random() < 0.5 else OfferSide()
    if give == want == OfferSide():
        want = OfferSide(gold=1)
    return MakeOffer(to=to, give=give, want=want, expires_s=random.choice((None, None, 1, 5)))


def _side(board: Board, player: str, random: Random) -> OfferSide:
    items = board.stash.get(player, [])
    return OfferSide(
        gold=random.choice((0, 0, 10, random.randrange(60))),
        items=random.sample(items, min(len(items), random.choice((0, 0, 1, 2)))),
        commodities={random.choice(COMMODITIES): random.randint(1, PIECES_MAX)} if random.random() < 0.4 else {},
    )


def _accept(board: Board, player: str, random: Random) -> Ask | None:
    offer = board.offer(player, random, made=False)
    return AcceptOffer(offer=offer) if offer is not None else _offer(board, player, random)


def _decline(board: Board, player: str, random: Random) -> Ask | None:
    offer = board.offer(player, random, made=False)
    return DeclineOffer(offer=offer) if offer is not None else _offer(board, player, random)


def _withdraw(board: Board, player: str, random: Random) -> Ask | None:
    offer = board.offer(player, random, made=True)
    return WithdrawOffer(offer=offer) if offer is not None else _offer(board, player, random)


def _see_offers(_board: Board, _player: str, _random: Random) -> Ask | None:
    return ListOffers()


def _claim(board: Board, player: str, random: Random) -> Ask | None:
    waiting = board.deliveries.get(player)
    return ClaimDelivery(delivery=random.choice(waiting)) if waiting else ListDeliveries()


def _watch(board: Board, player: str, random: Random) -> Ask | None:
    watches, view = board.watches.get(player), board.hot(player, random)
    if watches and random.random() < 0.3:
        return DeleteWatch(watch=random.choice(watches))
    asks: list[Ask] = [
        CreateWatch(query=ListingFilter(category=random.choice(list(WORLD.categories)))),
        CreateWatch(commodity=random.choice(COMMODITIES)),
        ListWatches(),
    ]
    if view is not None:
        asks.append(CreateWatch(listing=view.listing))
    return random.choice(asks)


def read(board: Board, _player: str, random: Random) -> Ask:
    """Something that can always be asked."""
    search, cursor = SearchListings(limit=2), board.cursor
    if cursor is not None and random.random() < 0.5:
        search, board.cursor = SearchListings(limit=2, cursor=cursor), None
    return random.choice(
        (GetPlayer(), ListInventory(), ListDeliveries(), search, search, MyBids(), MyListings(), EventsSince(seq=0))
    )


_KINDS: tuple[dict[Act, int], ...] = (
    {_bid: 70, _buy: 10, _sell: 12, _cancel: 5, _look: 10},
    {_order: 40, _cancel_order: 10, _quote: 4, _use_quote: 10, _see_market: 4},
    {_offer: 14, _accept: 30, _decline: 5, _withdraw: 12, _see_offers: 2},
)
_ALWAYS: dict[Act, int] = {_claim: 12, read: 8, _watch: 3}
