"""What strategies have in common: arriving, answering friends, selling items, bidding, and judging prices.

Each habit is a generator that yields what it wants next and is sent the outcome. Nothing here waits, asks a clock or
meets a socket.
"""

from collections.abc import Callable, Generator, Sequence
from random import Random
from typing import Any

import msgspec

from auction.results import (
    BookResult,
    DeliveriesResult,
    InventoryResult,
    ListingView,
    OffersResult,
    OfferView,
    PlayerResult,
    SearchResult,
)
from auction.state import Item
from clients.bots.intentions import (
    Adventure,
    AnswerOffer,
    Bid,
    CheckRivals,
    Claim,
    Intention,
    MakeOffer,
    SeeDeliveries,
    SeeOffers,
    SeeStash,
    SeeWallet,
    Sell,
)
from clients.bots.population import Ware
from clients.bots.worth import Appraiser
from clients.calls import Goods
from clients.errors import AuctionError, Outbid

CLAIMS_A_VISIT = 10
SALES_A_VISIT = 3
BIDS_A_VISIT = 5
ANSWERS_A_VISIT = 3
PURSE_SHARE_MAX = 0.4
"""The largest share of the wallet that goes into one listing, order or offer."""
POOR = 500
"""With less gold than this and nothing to sell, a bot goes on an adventure."""
FRIENDLY = 0.25
"""How often an item goes to a friend instead of on the market."""
BARTERED = 0.3
"""How often a friend is asked for pieces instead of gold."""
FAIR = 0.8
"""The least that a friend gets, as a share of the worth of what he gives."""
UNDERCUT = 0.97
"""What an undercutter asks, as a share of the cheapest rival."""


class Trade(msgspec.Struct, frozen=True, kw_only=True):
    """What a strategy knows: the house that it trades in, whom it offers things directly, and which commodities."""

    appraiser: Appraiser
    categories: list[str]
    durations_s: tuple[int, ...]
    listings_max: int
    price_max: int
    friends: tuple[str, ...] = ()
    wares: tuple[Ware, ...] = ()


Life = Generator[Intention, Any, None]
Strategy = Callable[[Trade, Random, Callable[[], int]], Life]
"""From what it knows, chance, and the instant in milliseconds, to a life."""


def arrive(trade: Trade, chance: Random) -> Generator[Intention, Any, PlayerResult]:
    """Count what there is, claim what waits, and answer friends."""
    wallet: PlayerResult = yield SeeWallet()
    if wallet.deliveries:
        waiting: DeliveriesResult = yield SeeDeliveries()
        for delivery in waiting.deliveries[:CLAIMS_A_VISIT]:
            yield Claim(delivery.delivery)
        wallet = yield SeeWallet()
    if trade.friends and chance.random() < 0.5:
        found: OffersResult = yield SeeOffers()
        for offer in found.offers[:ANSWERS_A_VISIT]:
            yield from _answer(trade, chance, wallet, offer)
    return wallet


def purse_of(wallet: PlayerResult) -> int:
    """What one listing, order or offer may cost."""
    return int(wallet.gold.available * PURSE_SHARE_MAX)


def going_price(ware: Ware, book: BookResult) -> float:
    """What a piece costs just now; the last price, drawn a little to what everybody believes it is worth."""
    return ware.worth if book.last is None else 0.8 * book.last.price + 0.2 * ware.worth


def in_ticks(ware: Ware, price: float) -> int:
    """A price of the book, at least one tick."""
    return max(1, round(price / ware.tick)) * ware.tick


def sell_items(
    trade: Trade,
    chance: Random,
    wallet: PlayerResult,
    unsold: dict[str, int],
    *,
    markup: float,
    keep: frozenset[str] = frozenset(),
    undercut: bool = False,
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
        if trade.friends and chance.random() < FRIENDLY:
            outcome = yield offer_to_friend(trade, chance, {"items": [item.item]}, worth)
        elif undercut:
            rivals: SearchResult = yield CheckRivals(item.base)
            outcome = yield _undercut(trade, chance, item, rivals, worth)
        else:
            outcome = yield _listing_of(trade, chance, item, worth)
        if isinstance(outcome, AuctionError):
            break
    for gone in unsold.keys() - {item.item for item in stash.items}:
        del unsold[gone]
    if not stash.items or (not goods and wallet.gold.available < POOR):
        yield Adventure()


def offer_to_friend(trade: Trade, chance: Random, give: Goods, worth: float) -> MakeOffer:
    """Ask a friend for a little less than it is worth, in gold or in pieces."""
    asked = max(1.0, worth * chance.uniform(FAIR, 1.0))
    want: Goods = {"gold": price_of(trade, asked)}
    if trade.wares and chance.random() < BARTERED:
        ware = chance.choice(trade.wares)
        want = {"commodities": {ware.commodity: max(1, int(asked / ware.worth))}}
    return MakeOffer(chance.choice(trade.friends), give, want)


def bid_on(listing: ListingView, limit: int, again_up_to: int | None = None) -> Life:
    """Bid up to a limit if that is enough; once outbid, try once more if the heart says so."""
    if listing.min_bid is None or listing.winning:
        return
    ceiling = limit if listing.buyout is None else min(limit, listing.buyout - 1)
    if ceiling < listing.min_bid:
        return
    outcome = yield Bid(listing.listing, ceiling)
    if isinstance(outcome, Outbid) and again_up_to is not None and outcome.min_bid <= again_up_to:
        yield Bid(listing.listing, again_up_to)


def others(listings: Sequence[ListingView], chance: Random) -> list[ListingView]:
    """Other players' listings, in the order that caught the eye."""
    return chance.sample(listings := [one for one in listings if not one.mine], len(listings))


def price_of(trade: Trade, gold: float) -> int:
    """Round as people do, to two digits."""
    whole = max(1, round(gold))
    step = int("1" + "0" * max(0, len(str(whole)) - 2))
    return min(trade.price_max - 1, max(1, whole // step * step))


def _answer(trade: Trade, chance: Random, wallet: PlayerResult, offer: OfferView) -> Life:
    """Accept what is worth it, decline the rest; take back an own offer now and then."""
    if offer.maker == wallet.player:
        if chance.random() < 0.2:
            yield AnswerOffer(offer.offer, "withdraw")
        return
    given = trade.appraiser.worth_of_all(offer.give.gold, offer.give.items, offer.give.commodities)
    wanted = trade.appraiser.worth_of_all(offer.want.gold, (), offer.want.commodities)
    fair = wanted <= given and not offer.want.items and offer.want.gold <= purse_of(wallet)
    outcome = yield AnswerOffer(offer.offer, "accept" if fair else "decline")
    if fair and isinstance(outcome, AuctionError):
        yield AnswerOffer(offer.offer, "decline")


def _listing_of(trade: Trade, chance: Random, item: Item, worth: float) -> Sell:
    """Most take bids and name a buyout; some take only the one or the other."""
    start_bid = price_of(trade, worth * chance.uniform(0.4, 0.8))
    buyout = max(start_bid + 1, price_of(trade, worth * chance.uniform(0.85, 1.5)))
    kind = chance.random()
    return Sell(
        item=item.item,
        start_bid=None if kind < 0.1 else start_bid,
        buyout=None if kind > 0.75 else buyout,
        duration_s=chance.choice(trade.durations_s),
    )


def _undercut(trade: Trade, chance: Random, item: Item, rivals: SearchResult, worth: float) -> Sell:
    """A little below the cheapest rival and what it sold for lately, but not below half its worth."""
    asked = [one.buyout for one in rivals.listings if one.buyout is not None and not one.mine]
    if rivals.market and rivals.market.median_price is not None:
        asked.append(rivals.market.median_price)
    buyout = max(worth / 2, min(asked, default=worth) * UNDERCUT)
    return Sell(item.item, None, price_of(trade, buyout), chance.choice(trade.durations_s))


def _kept(trade: Trade, item: Item, keep: frozenset[str]) -> bool:
    return item.category in keep and trade.appraiser.is_treasure(item)
