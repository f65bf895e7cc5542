"""How bots trade: each strategy is a generator that yields what it wants next and is sent the outcome.

Nothing here waits, asks a clock or meets a socket. The same seed, instants and outcomes give the same intentions.
Strategies around items are here, those around commodities in `wares`.
"""

from collections.abc import Callable
from random import Random

from auction.results import ListingView, SearchResult, WatchesResult
from clients.bots.habits import (
    BIDS_A_VISIT,
    Life,
    Strategy,
    Trade,
    arrive,
    bid_on,
    others,
    purse_of,
    sell_items,
)
from clients.bots.intentions import BuyOut, Hear, Leave, Look, SeeWatches, Unwatch, Watch
from clients.bots.wares import crafter, gatherer, market_maker
from clients.watched import Match
from shardnode.wire.events import ListingsMatched

SNIPE_MS = 180_000
"""How close to its end a listing is when a sniper bids."""
WATCHES_KEPT = 2


def seller(trade: Trade, chance: Random, now_ms: Callable[[], int]) -> Life:  # noqa: ARG001 - every Strategy's signature
    """Lives from selling what adventures bring, a little cheaper each time an item comes back unsold."""
    unsold: dict[str, int] = {}
    while True:
        wallet = yield from arrive(trade, chance)
        yield from sell_items(trade, chance, wallet, unsold, markup=1.0)
        yield Leave()


def undercutter(trade: Trade, chance: Random, now_ms: Callable[[], int]) -> Life:  # noqa: ARG001 - as above
    """Sells for a little less than the cheapest other, whoever that is."""
    unsold: dict[str, int] = {}
    while True:
        wallet = yield from arrive(trade, chance)
        yield from sell_items(trade, chance, wallet, unsold, markup=0.95, undercut=True)
        yield Leave()


def bargain_hunter(trade: Trade, chance: Random, now_ms: Callable[[], int]) -> Life:  # noqa: ARG001 - as above
    """Buys what is offered below its worth, found or told of by watches, on any shelf, and sells it on."""
    unsold: dict[str, int] = {}
    while True:
        wallet = yield from arrive(trade, chance)
        purse = purse_of(wallet)
        yield from _watch(trade, chance, purse)
        found: SearchResult = yield Look(
            category=chance.choice(trade.categories), sort="price", price_max=purse, limit=30
        )
        yield from _snap_up(trade, chance, others(found.listings, chance), purse)
        yield from sell_items(trade, chance, wallet, unsold, markup=1.15)
        told: list[Match] = yield Hear()
        heard = [one for match in told if isinstance(match, ListingsMatched) for one in match.data.listings]
        yield from _snap_up(trade, chance, others(heard, chance), purse)
        yield Leave()


def sniper(trade: Trade, chance: Random, now_ms: Callable[[], int]) -> Life:
    """Watches what is about to end and bids last."""
    unsold: dict[str, int] = {}
    while True:
        wallet = yield from arrive(trade, chance)
        purse = purse_of(wallet)
        found: SearchResult = yield Look(sort="ends_at", limit=50)
        ending = [one for one in others(found.listings, chance) if one.ends_at_ms - now_ms() <= SNIPE_MS]
        for listing in ending[:BIDS_A_VISIT]:
            worth = trade.appraiser.worth(listing.item)
            yield from bid_on(listing, min(purse, int(worth * chance.uniform(0.8, 0.95))))
        yield from sell_items(trade, chance, wallet, unsold, markup=1.1)
        yield Leave()


def collector(trade: Trade, chance: Random, now_ms: Callable[[], int]) -> Life:  # noqa: ARG001 - as above
    """Loves two shelves, pays more than worth for treasures on them, keeps those and sells the rest."""
    loved = chance.sample(trade.categories, min(2, len(trade.categories)))
    unsold: dict[str, int] = {}
    while True:
        wallet = yield from arrive(trade, chance)
        purse = purse_of(wallet)
        found: SearchResult = yield Look(category=chance.choice(loved), sort="level", order="desc", limit=30)
        for listing in others(found.listings, chance)[:BIDS_A_VISIT]:
            eager = 1.3 if trade.appraiser.is_treasure(listing.item) else 0.9
            limit = min(purse, int(trade.appraiser.worth(listing.item) * chance.uniform(eager - 0.2, eager)))
            if listing.buyout is not None and listing.buyout <= limit:
                yield BuyOut(listing.listing, listing.buyout)
            else:
                yield from bid_on(listing, int(limit * 0.8), again_up_to=limit)
        yield from sell_items(trade, chance, wallet, unsold, markup=1.0, keep=frozenset(loved))
        yield Leave()


STRATEGIES: dict[str, Strategy] = {
    "seller": seller,
    "undercutter": undercutter,
    "bargain_hunter": bargain_hunter,
    "sniper": sniper,
    "collector": collector,
    "market_maker": market_maker,
    "gatherer": gatherer,
    "crafter": crafter,
}


def _watch(trade: Trade, chance: Random, purse: int) -> Life:
    """Keep a few saved searches, and change one now and then."""
    watched: WatchesResult = yield SeeWatches()
    if len(watched.watches) < WATCHES_KEPT:
        yield Watch({"category": chance.choice(trade.categories), "price": {"max": purse}, "buyout_only": True})
    elif chance.random() < 0.1:
        yield Unwatch(watched.watches[0].watch)


def _snap_up(trade: Trade, chance: Random, listings: list[ListingView], purse: int) -> Life:
    """Buy below worth, or else bid well below it."""
    for listing in listings[:BIDS_A_VISIT]:
        worth = trade.appraiser.worth(listing.item)
        if listing.buyout is not None and listing.buyout <= min(purse, worth * chance.uniform(0.8, 1.0)):
            yield BuyOut(listing.listing, listing.buyout)
        else:
            yield from bid_on(listing, min(purse, int(worth * chance.uniform(0.6, 0.85))))
