"""What anybody in the crowd has seen of the house: everybody knows it, so that all fight over the same few things."""

from random import Random
from typing import NamedTuple

from auction.commands import AcceptOffer, Ask, CreateListing, DeclineOffer, DeleteWatch, MakeOffer, WithdrawOffer
from auction.ids import minter
from auction.refusals import Refusal
from auction.results import (
    BidsResult,
    DeliveriesResult,
    GrantResult,
    InventoryResult,
    ListingsResult,
    ListingView,
    OfferResult,
    OffersResult,
    OrderResult,
    OrdersResult,
    QuoteResult,
    Result,
    SearchResult,
    WatchesResult,
    WatchResult,
)
from tests.auction.house import store_of

HOT = 3
"""How many of the latest open listings, and of the latest offers to somebody, rivals fight over."""
SENSIBLE = 0.9
"""Share of choices that make sense."""


class KnownOffer(NamedTuple):
    """An offer that was made; nobody here knows whether it is still open."""

    offer: str
    maker: str
    to: str


class Board:
    """Things as they were seen last, and what is whose."""

    def __init__(self, players: list[str]) -> None:
        self.players = players
        self.listings: dict[str, ListingView] = {}
        self.stash: dict[str, list[str]] = {}
        self.deliveries: dict[str, list[str]] = {}
        self.orders: dict[str, list[str]] = {}
        self.quotes: dict[str, list[QuoteResult]] = {}
        self.offers: dict[str, KnownOffer] = {}
        self.wanted: set[str] = set()
        """Offers that somebody is about to accept, for all that is known."""
        self.watches: dict[str, list[str]] = {}
        self.cursor: str | None = None
        """Where the latest search goes on."""

    def learn(self, player: str, ask: Ask, outcome: Result | Refusal | None) -> None:
        """Put up what a player was shown."""
        match outcome:
            case InventoryResult():
                self.stash[player] = [item.item for item in outcome.items]
            case GrantResult():
                known = self.stash.get(player, [])
                self.stash[player] = [*known, *(item.item for item in outcome.items if item.item not in known)]
            case DeliveriesResult():
                self.deliveries[player] = [delivery.delivery for delivery in outcome.deliveries]
            case OrderResult():
                self.orders.setdefault(player, []).append(outcome.order)
            case OrdersResult():
                self.orders[player] = [view.order for view in outcome.orders]
            case QuoteResult():
                self.quotes.setdefault(player, []).append(outcome)
            case WatchResult():
                self.watches.setdefault(player, []).append(outcome.watch)
            case WatchesResult():
                self.watches[player] = [view.watch for view in outcome.watches]
            case OffersResult():
                self.offers.update((view.offer, KnownOffer(view.offer, view.maker, view.to)) for view in outcome.offers)
            case OfferResult() if isinstance(ask, MakeOffer):
                self.offers[outcome.offer] = KnownOffer(outcome.offer, player, ask.to)
            case _:
                self._learn_of_listings(outcome)
        if isinstance(ask, AcceptOffer | DeclineOffer | WithdrawOffer) and outcome is not None:
            self.wanted.discard(ask.offer)
            if isinstance(outcome, Refusal):
                self.offers.pop(ask.offer, None)
        if isinstance(ask, CreateListing) and outcome is not None:
            self.stash[player] = [item for item in self.stash.get(player, ()) if item != ask.item]
        if isinstance(ask, DeleteWatch) and outcome is not None:
            self.watches[player] = [watch for watch in self.watches.get(player, ()) if watch != ask.watch]

    def _learn_of_listings(self, outcome: Result | Refusal | None) -> None:
        if isinstance(outcome, SearchResult | ListingsResult):
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

    def own(self, player: str, random: Random) -> ListingView | None:
        """One of a player's own latest listings; now and then another's."""
        own = [view for view in self.listings.values() if minter(view.listing) == store_of(player)][-HOT:]
        return random.choice(own) if own and random.random() < SENSIBLE else self.hot(player, random)

    def offer(self, player: str, random: Random, *, made: bool) -> str | None:
        """One of the latest offers that a player made, or was made; now and then one that is none of his business. Who
        made one is the most likely to take it back while somebody accepts it.
        """
        known = list(self.offers.values())
        own = [offer for offer in known if player == (offer.maker if made else offer.to)]
        if made:
            own = [offer for offer in own if offer.offer in self.wanted] or own
        seen = own[-HOT:] if random.random() < SENSIBLE else known[-HOT:]
        return random.choice(seen).offer if seen else None

    def other(self, player: str, random: Random) -> str:
        """Another player."""
        return random.choice([other for other in self.players if other != player])
