"""A house full of open listings, all from one seed: what real players would have put up, without any player.

Bases are as unevenly popular as in games, rarities fall by the catalog's weights, levels and stats are rolled as the
house rolls them, and prices lie log-normally around an item's worth.
"""

import base64
from collections.abc import Iterator
from itertools import accumulate
from random import Random
from typing import Literal

import msgspec

from auction.ids import mint
from auction.pricing import min_bid
from auction.state import Item, Listing, ListingRules
from worlddata.types import Base, Catalog, Range, Rarity, stat_range

NOW_MS = 1_800_000_000_000
"""The market's instant: listings were created before it and end after it."""
NEW_A_MS = 3
"""Listings put up in one millisecond while the market moves on."""
PRICE_SIGMA = 0.6
"""Spread of prices around the worth: two thirds lie between 0.55 and 1.8 times as much."""
POPULARITY_EXPONENT = 0.7
"""How much less every next base is listed than the most popular one (Zipf)."""
STORE_BYTES = 16
"""A store's id is base32 of so many bytes."""
BUYOUT_ONLY, BIDS_ONLY = 0.30, 0.15
"""Shares of listings; the rest take bids and have a buyout too."""
BID_ON = 0.30
"""Share that was bid on, of those that take bids."""
BIDS_END = 0.5
"""Chance that nobody bids again after a bid."""

Change = Literal["new", "bid", "closed"]
CHANGES: tuple[Change, ...] = ("new", "bid", "closed")


class Market:
    """Makes listings, and lets the market move on."""

    def __init__(self, catalog: Catalog, seed: int) -> None:
        self._chance = Random(seed)  # noqa: S311 - a market is made up, and keeps no secrets
        self._catalog = catalog
        self._bases = sorted(catalog.bases.values(), key=lambda base: base.base)
        self._chance.shuffle(self._bases)
        self._popular = list(accumulate((place + 1) ** -POPULARITY_EXPONENT for place in range(len(self._bases))))
        self._rarities = sorted(catalog.rarities.values(), key=lambda rarity: rarity.order)
        self._common = list(accumulate(rarity.weight for rarity in self._rarities))
        self._rules = ListingRules.of(catalog.rules)
        self._ranges: dict[tuple[str, int], list[tuple[str, Range]]] = {}
        self._seller, self._store = "", ""
        self._made = 0
        self._new = 0
        """Listings put up since NOW_MS."""
        self.open: list[Listing] = []
        """The open listings, in no order."""

    def listings(self, count: int) -> Iterator[Listing]:
        """Put so many listings up for sale; each was created a while ago and has some time left."""
        for _ in range(count):
            duration_s = self._chance.choice(self._catalog.rules.durations_s)
            age_ms = int(self._chance.random() * duration_s * 1000)
            row = self._bid_on(self._listing(NOW_MS - age_ms, duration_s))
            self.open.append(row)
            yield row

    def changes(self, count: int) -> Iterator[Listing]:
        """The next changed rows: as many new listings as bids and as ends, in turns."""
        for number in range(count):
            yield self._change(CHANGES[number % len(CHANGES)])

    def _change(self, kind: Change) -> Listing:
        if kind == "new":
            self._new += 1
            created_at_ms = NOW_MS + self._new // NEW_A_MS
            self.open.append(self._listing(created_at_ms, self._chance.choice(self._catalog.rules.durations_s)))
            return self.open[-1]
        place = self._chance.randrange(len(self.open))
        row = self.open[place]
        if kind == "bid" and min_bid(row) is not None:
            self.open[place] = _outbid(row)
            return self.open[place]
        self.open[place] = self.open[-1]
        self.open.pop()
        return _ended(row)

    def _listing(self, created_at_ms: int, duration_s: int) -> Listing:
        base = self._chance.choices(self._bases, cum_weights=self._popular)[0]
        rarity = self._chance.choices(self._rarities, cum_weights=self._common)[0]
        number = self._made % self._catalog.rules.max_listings + 1
        if number == 1:
            self._seller = f"seller-{self._made}"
            self._store = base64.b32encode(self._chance.randbytes(STORE_BYTES)).decode().rstrip("=").lower()
        self._made += 1
        start_bid, buyout = self._prices(base.worth * rarity.worth_factor)
        ends_at_ms = created_at_ms + duration_s * 1000
        return Listing(
            listing=mint(self._store, "l", number),
            number=number,
            version=1,
            seller=self._seller,
            item=self._item(base, rarity, mint(self._store, "i", number)),
            state="open",
            start_bid=start_bid,
            buyout=buyout,
            price=None,
            leader=None,
            leader_max=0,
            bids=0,
            deposit=0,
            created_at_ms=created_at_ms,
            ends_at_ms=ends_at_ms,
            first_ends_at_ms=ends_at_ms,
            rules=self._rules,
        )

    def _item(self, base: Base, rarity: Rarity, item: str) -> Item:
        level = self._chance.randint(base.min_level, base.max_level)
        ranges = self._ranges.get((base.base, level))
        if ranges is None:
            stats = self._catalog.stats
            ranges = [(stat, stat_range(base, stats[stat], level)) for stat in sorted(base.stats)]
            self._ranges[base.base, level] = ranges
        count = self._chance.randint(min(rarity.stats_min, len(ranges)), min(rarity.stats_max, len(ranges)))
        rolled = {
            stat: self._chance.randint(bounds.min, bounds.max) for stat, bounds in self._chance.sample(ranges, count)
        }
        return Item(item, base.base, base.name, base.category, rarity.rarity, level, rolled, False)

    def _prices(self, worth: int) -> tuple[int | None, int | None]:
        buyout = max(2, round(worth * self._chance.lognormvariate(0, PRICE_SIGMA)))
        kind = self._chance.random()
        if kind < BUYOUT_ONLY:
            return None, buyout
        start_bid = max(1, int(buyout * self._chance.uniform(0.3, 0.9)))
        return start_bid, None if kind < BUYOUT_ONLY + BIDS_ONLY else buyout

    def _bid_on(self, row: Listing) -> Listing:
        if self._chance.random() < BID_ON:
            while min_bid(row) is not None:
                row = _outbid(row)
                if self._chance.random() < BIDS_END:
                    break
        return row


def _ended(row: Listing) -> Listing:
    """The row after its end: sold to the leader, else bought out, else nobody wanted it."""
    paid = row.buyout if row.price is None else row.price
    return msgspec.structs.replace(
        row,
        version=row.version + 1,
        state="expired" if paid is None else "sold",
        price=paid,
        leader_max=0,
        ended_at_ms=NOW_MS,
    )


def _outbid(row: Listing) -> Listing:
    """The row after somebody new bid the least that it takes."""
    least = min_bid(row)
    assert least is not None
    return msgspec.structs.replace(
        row, version=row.version + 1, price=least, leader=f"bidder-{row.bids}", leader_max=least, bids=row.bids + 1
    )
