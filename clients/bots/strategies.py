"""How bots trade: each strategy is a generator that yields what it wants next and is sent the outcome.

Nothing here waits, asks a clock or meets a socket. The same seed, instants and outcomes give the same intentions.
"""

from collections.abc import Callable, Generator
from random import Random
from typing import Any

import msgspec

from auction.results import DeliveriesResult, InventoryResult, ListingView, PlayerResult, SearchResult
from auction.state import Item
from clients.bots.intentions import (
    Adventure,
    Bid,
    BuyOut,
    Claim,
    Intention,
    Leave,
    Look,
    SeeDeliveries,
    SeeStash,
    SeeWallet,
    Sell,
)
from clients.bots.worth import Appraiser
from clients.errors import AuctionError, Outbid

CLAIMS_A_VISIT = 10
SALES_A_VISIT = 3
BIDS_A_VISIT = 5
PURSE_SHARE_MAX = 0.4
"""The largest share of the wallet that goes into one listing."""
SNIPE_MS = 180_000
"""How close to its end a listing is when a sniper bids."""
POOR = 500
"""With less gold than this and nothing to sell, a bot goes on an adventure."""


class Trade(msgspec.Struct, frozen=True):
    """What every strategy knows of the house it trades in."""

    appraiser: Appraiser
    categories: list[str]
    durations_s: tuple[int, ...]
    listings_max: int
    price_max: int


Life = Generator[Intention, Any, None]
Strategy = Callable[[Trade, Random, Callable[[], int]], Life]
"""From the house, chance, and the instant in milliseconds, to a life."""


def seller(trade: Trade, chance: Random, now_ms: Callable[[], int]) -> Life:  # noqa: ARG001 - every Strategy's signature
    """Lives from selling what adventures bring, a little cheaper each time an item comes back unsold."""
    unsold: dict[str, int] = {}
    while True:
        wallet = yield from _arrive()
        yield from _sell(trade, chance, wallet, unsold, markup=1.0)
        yield Leave()


def bargain_hunter(trade: Trade, chance: Random, now_ms: Callable[[], int]) -> Life:  # noqa: ARG001 - as above
    """Buys what is offered below its worth, on any shelf, and sells it on."""
    unsold: dict[str, int] = {}
    while True:
        wallet = yield from _arrive()
        purse = int(wallet.gold.available * PURSE_SHARE_MAX)
        found = yield Look(category=chance.choice(trade.categories), sort="price", price_max=purse, limit=30)
        for listing in _others(found, chance)[:BIDS_A_VISIT]:
            worth = trade.appraiser.worth(listing.item)
            if listing.buyout is not None and listing.buyout <= min(purse, worth * chance.uniform(0.8, 1.0)):
                yield BuyOut(listing.listing, listing.buyout)
            else:
                yield from _bid(listing, min(purse, int(worth * chance.uniform(0.6, 0.85))))
        yield from _sell(trade, chance, wallet, unsold, markup=1.15)
        yield Leave()


def sniper(trade: Trade, chance: Random, now_ms: Callable[[], int]) -> Life:
    """Watches what is about to end and bids last."""
    unsold: dict[str, int] = {}
    while True:
        wallet = yield from _arrive()
        purse = int(wallet.gold.available * PURSE_SHARE_MAX)
        found = yield Look(sort="ends_at", limit=50)
        ending = [listing for listing in _others(found, chance) if listing.ends_at_ms - now_ms() <= SNIPE_MS]
        for listing in ending[:BIDS_A_VISIT]:
            worth = trade.appraiser.worth(listing.item)
            yield from _bid(listing, min(purse, int(worth * chance.uniform(0.8, 0.95))))
        yield from _sell(trade, chance, wallet, unsold, markup=1.1)
        yield Leave()


def collector(trade: Trade, chance: Random, now_ms: Callable[[], int]) -> Life:  # noqa: ARG001 - as above
    """Loves two shelves, pays more than worth for treasures on them, keeps those and sells the rest."""
    loved = chance.sample(trade.categories, min(2, len(trade.categories)))
    unsold: dict[str, int] = {}
    while True:
        wallet = yield from _arrive()
        purse = int(wallet.gold.available * PURSE_SHARE_MAX)
        found = yield Look(category=chance.choice(loved), sort="level", order="desc", limit=30)
        for listing in _others(found, chance)[:BIDS_A_VISIT]:
            eager = 1.3 if trade.appraiser.is_treasure(listing.item) else 0.9
            limit = min(purse, int(trade.appraiser.worth(listing.item) * chance.uniform(eager - 0.2, eager)))
            if listing.buyout is not None and listing.buyout <= limit:
                yield BuyOut(listing.listing, listing.buyout)
            else:
                yield from _bid(listing, int(limit * 0.8), again_up_to=limit)
        yield from _sell(trade, chance, wallet, unsold, markup=1.0, keep=frozenset(loved))
        yield Leave()


STRATEGIES: dict[str, Strategy] = {
    "seller": seller,
    "bargain_hunter": bargain_hunter,
    "sniper": sniper,
    "collector": collector,
}


def _arrive() -> Generator[Intention, Any, PlayerResult]:
    """Count what there is and claim what waits."""
    wallet: PlayerResult = yield SeeWallet()
    if wallet.deliveries:
        waiting: DeliveriesResult = yield SeeDeliveries()
        for delivery in waiting.deliveries[:CLAIMS_A_VISIT]:
            yield Claim(delivery.delivery)
        wallet = yield SeeWallet()
    return wallet


def _sell(
    trade: Trade,
    chance: Random,
    wallet: PlayerResult,
    unsold: dict[str, int],
    *,
    markup: float,
    keep: frozenset[str] = frozenset(),
) -> Life:
    """List some items of the stash, as many as the rules and the visit allow; without any, earn some."""
    room = min(SALES_A_VISIT, trade.listings_max - wallet.listings)
    if room <= 0:
        return
    stash: InventoryResult = yield SeeStash()
    goods = [item for item in stash.items if not item.bound and not _kept(trade, item, keep)]
    chance.shuffle(goods)
    for item in goods[:room]:
        times = unsold[item.item] = unsold.get(item.item, 0) + 1
        worth = trade.appraiser.worth(item) * markup * 0.9 ** (times - 1)
        outcome = yield _offer(trade, chance, item, worth)
        if isinstance(outcome, AuctionError):
            break
    for gone in unsold.keys() - {item.item for item in stash.items}:
        del unsold[gone]
    if not stash.items or (not goods and wallet.gold.available < POOR):
        yield Adventure()


def _offer(trade: Trade, chance: Random, item: Item, worth: float) -> Sell:
    """Most take bids and name a buyout; some take only the one or the other."""
    start_bid = _price(trade, worth * chance.uniform(0.4, 0.8))
    buyout = max(start_bid + 1, _price(trade, worth * chance.uniform(0.85, 1.5)))
    kind = chance.random()
    return Sell(
        item=item.item,
        start_bid=None if kind < 0.1 else start_bid,
        buyout=None if kind > 0.75 else buyout,
        duration_s=chance.choice(trade.durations_s),
    )


def _bid(listing: ListingView, limit: int, again_up_to: int | None = None) -> Life:
    """Bid up to a limit if that is enough; once outbid, try once more if the heart says so."""
    if listing.min_bid is None or listing.winning:
        return
    ceiling = limit if listing.buyout is None else min(limit, listing.buyout - 1)
    if ceiling < listing.min_bid:
        return
    outcome = yield Bid(listing.listing, ceiling)
    if isinstance(outcome, Outbid) and again_up_to is not None and outcome.min_bid <= again_up_to:
        yield Bid(listing.listing, again_up_to)


def _price(trade: Trade, gold: float) -> int:
    """Round as people do, to two digits."""
    whole = max(1, round(gold))
    step = int("1" + "0" * max(0, len(str(whole)) - 2))
    return min(trade.price_max - 1, max(1, whole // step * step))


def _others(found: SearchResult, chance: Random) -> list[ListingView]:
    """Other players' listings, in the order that caught the eye."""
    return chance.sample(listings := [one for one in found.listings if not one.mine], len(listings))


def _kept(trade: Trade, item: Item, keep: frozenset[str]) -> bool:
    return item.category in keep and trade.appraiser.is_treasure(item)
