"""An engine with a clock turned by hand, and an index of one origin that feeds it."""

from typing import Any

import msgspec

from auction.commands import ListingFilter
from auction.results import WatchView
from auction.state import Listing
from shardnode.search.packed import pack
from shardnode.watches.engine import WatchEngine, WatchLimits
from shardnode.wire.events import ListingsMatched, Price, PriceMatched, WatchMatched


class Rig:
    """Whoever watches something hears it in `told`, with the second when."""

    def __init__(self, limits: WatchLimits | None = None) -> None:
        self.now_s = 100.0
        self.a_look_takes_s = 0.0
        """How far the clock goes on whenever somebody looks at it."""
        self.told: list[tuple[float, str, WatchMatched]] = []
        self.limits_hit: list[str] = []
        self.rows: dict[str, Listing] = {}
        self.engine = WatchEngine(
            tell=lambda player, matched: self.told.append((self.now_s, player, matched)),
            seconds=self._seconds,
            now_ms=lambda: int(self.now_s * 1000),
            limit_hit=self.limits_hit.append,
            limits=limits or WatchLimits(),
        )

    def watch(self, player: str, watch: str = "w", **what: Any) -> None:
        """A player who is connected watches a `listing`, a `commodity`, or what a `query` finds."""
        query = what.get("query")
        params = None if query is None else msgspec.to_builtins(query)
        self.engine.watch(player, WatchView(watch, params, what.get("listing"), what.get("commodity"), 1))

    def search(self, player: str, watch: str = "w", **wanted: Any) -> None:
        """A player who is connected has saved a search."""
        self.watch(player, watch, query=ListingFilter(**wanted))

    def change(self, *rows: Listing) -> None:
        """Listings are new or have changed."""
        changes = []
        for row in rows:
            before = self.rows.get(row.listing)
            changes.append((row, None if before is None else pack(before)))
            if row.state == "open":
                self.rows[row.listing] = row
            else:
                self.rows.pop(row.listing, None)
        self.engine.listings_changed(changes)

    def trade(self, commodity: str, price: int, volume: int = 1) -> None:
        """A commodity is traded."""
        self.engine.price_changed(Price(commodity, price, int(self.now_s * 1000), volume))

    def rest(self, seconds: float = 10.0) -> list[tuple[str, str, list[str] | int]]:
        """Let the engine work until it has nothing to do, for so long at most; what was told, as player, watch, and the
        listings' ids or the price.
        """
        before = len(self.told)
        until_s = self.now_s + seconds
        while (wait_s := self.engine.work()) is not None and self.now_s + wait_s <= until_s:
            self.now_s += wait_s
        return [(player, matched.watch, what(matched)) for _, player, matched in self.told[before:]]

    def pass_time(self, seconds: float) -> None:
        """Nothing happens for a while."""
        self.now_s += seconds

    def _seconds(self) -> float:
        self.now_s += self.a_look_takes_s
        return self.now_s


def what(matched: WatchMatched) -> list[str] | int:
    """The listings that a push shows, or the price."""
    if isinstance(matched, ListingsMatched):
        return [view.listing for view in matched.data.listings]
    assert isinstance(matched, PriceMatched), matched
    return matched.data.price


def missed(matched: WatchMatched) -> int:
    """What a push says that it does not show."""
    assert isinstance(matched, ListingsMatched), matched
    return matched.data.missed
