"""What players want of the house, one request after another: the bots' strategies, and rivals who make conflicts.

A life is a generator that yields requests and is sent the outcome of each: a result, a refusal, or None where nobody
knows. All lives share a board of what anybody has seen, so that everybody fights over the same few listings.
"""

import itertools
from collections.abc import Callable, Generator
from random import Random
from typing import Any

import msgspec

from auction.commands import (
    AcceptOffer,
    Ask,
    Bounds,
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
    GetListing,
    GetPlayer,
    Grant,
    GrantedItem,
    InspectPlayer,
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
    Take,
    WithdrawOffer,
)
from auction.ids import minter
from auction.refusals import Refusal
from auction.results import (
    BidsResult,
    DeliveriesResult,
    GrantResult,
    InventoryResult,
    ListingsResult,
    ListingView,
    Result,
    SearchResult,
)
from clients.bots import intentions
from clients.bots.habits import Trade
from clients.bots.strategies import STRATEGIES
from clients.bots.worth import Appraiser
from clients.errors import ErrorBody, error_from
from shardnode.wire.errors import refusal_error
from tests.auction.house import store_of
from tests.simulation.house import WORLD

HOT = 3
"""How many of the latest open listings rivals fight over."""
BIDS = 2
"""How many listings a player bids on who looks round in a house at rest."""
SENSIBLE = 0.9
"""Share of choices that make sense."""
GOLD = 500
"""What a player begins with: enough for a bid or two."""
ITEMS = 4

Life = Generator[Ask, Result | Refusal | None, None]

_TRADE = Trade(
    appraiser=Appraiser(list(WORLD.rarities.values())),
    categories=[category.category for category in WORLD.categories.values() if category.holds == "items"],
    durations_s=WORLD.rules.durations_s,
    listings_max=WORLD.rules.max_listings,
    price_max=WORLD.rules.price_max,
)
_BASES = list(WORLD.bases)


class Board:
    """What anybody has seen: listings as they were seen last, and what is whose."""

    def __init__(self) -> None:
        self.listings: dict[str, ListingView] = {}
        self.stash: dict[str, list[str]] = {}
        self.deliveries: dict[str, list[str]] = {}
        self.cursor: str | None = None
        """Where the latest search goes on."""

    def learn(self, player: str, outcome: Result | Refusal | None) -> None:
        """Put up what a player was shown."""
        if isinstance(outcome, InventoryResult):
            self.stash[player] = [item.item for item in outcome.items]
        elif isinstance(outcome, GrantResult):
            self.stash.setdefault(player, []).extend(item.item for item in outcome.items)
        elif isinstance(outcome, DeliveriesResult):
            self.deliveries[player] = [delivery.delivery for delivery in outcome.deliveries]
        elif isinstance(outcome, SearchResult | ListingsResult):
            if isinstance(outcome, SearchResult):
                self.cursor = outcome.next
            self.listings.update((view.listing, view) for view in outcome.listings)
        elif isinstance(outcome, BidsResult):
            self.listings.update((bid.listing.listing, bid.listing) for bid in outcome.bids)
        elif isinstance(view := getattr(outcome, "listing", None), ListingView):
            self.listings[view.listing] = view

    def hot(self, player: str, random: Random) -> ListingView | None:
        """One of the few listings that are fought over; people are slow to see that one has ended, or is their own."""
        fresh = list(self.listings.values())[-2 * HOT :]
        others = [view for view in fresh if view.state == "open" and minter(view.listing) != store_of(player)]
        seen = others[-HOT:] if random.random() < SENSIBLE else fresh
        return random.choice(seen) if seen else None

    def bids(self, player: str, random: Random) -> list[PlaceBid]:
        """Bids on some of what others have on offer."""
        others = [view for view in self.listings.values() if view.state == "open" and view.start_bid is not None]
        others = [view for view in others if minter(view.listing) != store_of(player)]
        some = random.sample(others, min(len(others), BIDS))
        return [PlaceBid(listing=view.listing, amount=view.min_bid or 1) for view in some]


def rival(board: Board, player: str, random: Random) -> Life:
    """Does what makes conflicts: bids close to each other, raises, buys out, cancels, claims, and looks at it all."""
    while True:
        act = random.choices(_ACTS, _WEIGHTS)[0]
        ask = act(board, player, random) or _sell(board, player, random) or _read(board, player, random)
        outcome = yield ask
        board.learn(player, outcome)
        if isinstance(ask, CreateListing) and outcome is not None:
            board.stash[player] = [item for item in board.stash[player] if item != ask.item]


def _bid(board: Board, player: str, random: Random) -> Ask | None:
    view = board.hot(player, random)
    if view is None:
        return None
    least = view.min_bid or view.price or 10
    return PlaceBid(listing=view.listing, amount=max(1, least + random.choice((-3, 0, 0, 1, 5, 20, 80))))


def _buy(board: Board, player: str, random: Random) -> Ask | None:
    view = board.hot(player, random)
    if view is None or view.buyout is None:
        return None
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
    own = [view for view in board.listings.values() if minter(view.listing) == store_of(player)][-HOT:]
    view = random.choice(own) if own and random.random() < SENSIBLE else board.hot(player, random)
    return CancelListing(listing=view.listing) if view is not None else None


def _claim(board: Board, player: str, random: Random) -> Ask | None:
    waiting = board.deliveries.get(player)
    return ClaimDelivery(delivery=random.choice(waiting)) if waiting else ListDeliveries()


def _look(board: Board, player: str, random: Random) -> Ask | None:
    view = board.hot(player, random)
    return GetListing(listing=view.listing) if view is not None else SearchListings()


def _read(board: Board, _player: str, random: Random) -> Ask | None:
    search, cursor = SearchListings(limit=2), board.cursor
    if cursor is not None and random.random() < 0.5:
        search, board.cursor = SearchListings(limit=2, cursor=cursor), None
    return random.choice(
        (GetPlayer(), ListInventory(), ListDeliveries(), search, search, MyBids(), MyListings(), EventsSince(seq=0))
    )


_WEIGHED: dict[Callable[[Board, str, Random], Ask | None], int] = {
    _bid: 50, _buy: 9, _sell: 12, _cancel: 4, _claim: 8, _look: 9, _read: 8,
}  # fmt: skip
_ACTS, _WEIGHTS = tuple(_WEIGHED), tuple(_WEIGHED.values())


def bot(strategy: str, board: Board, player: str, random: Random, now_ms: Callable[[], int]) -> Life:
    """The life of a bot, as requests. Where the outcome of one is unknown it begins anew, as after a lost line."""
    while True:
        life = STRATEGIES[strategy](_TRADE, random, now_ms)
        intention = next(life)
        while True:
            outcome = yield _request(intention)
            board.learn(player, outcome)
            if outcome is None:
                life.close()
                break
            intention = life.send(_told(intention, outcome))


def _request(intention: intentions.Intention) -> Ask:
    match intention:
        case intentions.SeeWallet():
            return GetPlayer()
        case intentions.SeeDeliveries():
            return ListDeliveries()
        case intentions.Claim(delivery):
            return ClaimDelivery(delivery=delivery)
        case intentions.SeeStash():
            return ListInventory()
        case intentions.Look(category, sort, order, price_max, limit):
            price = Bounds(max=price_max) if price_max is not None else None
            return SearchListings(category=category, sort=sort, order=order, price=price, limit=limit)
        case intentions.Sell(item, start_bid, buyout, duration_s):
            return CreateListing(item=item, start_bid=start_bid, buyout=buyout, duration_s=duration_s)
        case intentions.Bid(listing, amount):
            return PlaceBid(listing=listing, amount=amount)
        case intentions.BuyOut(listing, price):
            return BuyOut(listing=listing, price=price)
        case intentions.CheckRivals(base):
            return SearchListings(base=base, buyout_only=True, sort="buyout", with_market=True)
        case intentions.SeeWatches():
            return ListWatches()
        case intentions.Watch(query):
            return CreateWatch(query=msgspec.convert(query, ListingFilter))
        case intentions.Unwatch(watch):
            return DeleteWatch(watch=watch)
        case _:
            return _request_of_exchange(intention)


def _request_of_exchange(intention: intentions.Intention) -> Ask:
    """Commodities and offers; what is asked of nobody reads events instead."""
    match intention:
        case intentions.SeeBook(commodity):
            return GetBook(commodity=commodity)
        case intentions.SeeOrders():
            return MyOrders()
        case intentions.Order(side, commodity, quantity, limit_price):
            return _ORDERS[side](commodity=commodity, quantity=quantity, limit_price=limit_price)
        case intentions.AskQuote(side, commodity, quantity):
            return QuoteCommodity(side=side, commodity=commodity, quantity=quantity)
        case intentions.TakeQuote(side, quote):
            return _ORDERS[side](quote=quote)
        case intentions.CancelOrder(order):
            return CancelOrder(order=order)
        case intentions.SeeOffers():
            return ListOffers()
        case intentions.MakeOffer(to, give, want):
            return MakeOffer(to=to, give=msgspec.convert(give, OfferSide), want=msgspec.convert(want, OfferSide))
        case intentions.AnswerOffer(offer, answer):
            return _ANSWERS[answer](offer=offer)
        case _:
            return EventsSince(seq=0)


_ORDERS = {"buy": BuyCommodity, "sell": SellCommodity}
_ANSWERS = {"accept": AcceptOffer, "decline": DeclineOffer, "withdraw": WithdrawOffer}


def _told(intention: intentions.Intention, outcome: Result | Refusal) -> Any:
    """The outcome as strategies know it."""
    if isinstance(intention, intentions.Hear):
        return []  # nobody listens for pushes here
    if isinstance(intention, intentions.Leave | intentions.Adventure | intentions.Gather | intentions.Craft):
        return None  # nobody brings loot: the game gives when it likes
    if not isinstance(outcome, Refusal):
        return outcome
    error = refusal_error(outcome)
    return error_from(ErrorBody(error.code, error.message, msgspec.to_builtins(error.data)))


def game(gifts: list[Grant], board: Board, players: list[str], random: Random) -> Life:
    """The game's own service: gives everybody something to begin with, then gives, takes and looks."""
    for first in gifts:
        board.learn(first.player, (yield first))
    for number in itertools.count():
        player = random.choice(players)
        kind = random.random()
        if kind < 0.5:
            yield gift(player, random, f"game.{number}", gold=random.randrange(100), items=random.randrange(2))
        elif kind < 0.8:
            items = board.stash.get(player, [])
            taken = random.sample(items, min(len(items), random.randrange(2)))
            yield Take(key=f"game.{number}", player=player, gold=random.randrange(60), items=taken)
        else:
            yield InspectPlayer(player=player)


def gift(player: str, random: Random, key: str, *, gold: int, items: int) -> Grant:
    """Gold and items out of nowhere."""
    given = [GrantedItem(base=random.choice(_BASES)) for _ in range(items)]
    return Grant(key=key, player=player, gold=gold, items=given)
