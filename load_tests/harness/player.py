"""Who plays: a player with chances of its own, what it knows, and the board that all players of a generator look at."""

from bisect import bisect
from collections import deque
from collections.abc import Sequence
from itertools import accumulate
from random import Random

import msgspec

from clients.codec import Message
from load_tests.generator import CODEC
from load_tests.harness.acts import ACTS, Asked, Params, Seen, Told
from load_tests.harness.ledger import Ledger
from load_tests.scenario import ActName

FALLBACK: ActName = "search"
"""What is done where an act finds nothing to act on."""
LOTS_MAX = 200_000
"""Listings that players of a generator are offered to buy out at most; further ones that they put up are not shown."""


class Lot(msgspec.Struct):
    """A listing as it was last heard of."""

    listing: str
    min_bid: int
    buyout: int | None = None
    offered: int = 0
    """The most that a player here has offered; perhaps the offer is still on its way."""
    seller: str = ""
    """Of the players here; empty for the market's own sellers."""


class Ware(msgspec.Struct, frozen=True):
    """A commodity that is traded; prices are multiples of `tick`."""

    commodity: str
    tick: int


class Shelf:
    """Listings to choose from by chance; one that is gone leaves no gap: the last takes its place."""

    __slots__ = ("_at", "_lots")

    def __init__(self, lots: Sequence[Lot]) -> None:
        self._lots = list(lots)
        self._at = {lot.listing: at for at, lot in enumerate(lots)}

    def __len__(self) -> int:
        return len(self._lots)

    def pick(self, which: float, seller_not: str = "") -> Lot | None:
        """One of them, by a chance within 0 … 1; where its seller is the one named, the one before it."""
        if not self._lots:
            return None
        at = int(which * len(self._lots))
        lot = self._lots[at]
        if seller_not and lot.seller == seller_not:
            lot = self._lots[at - 1]
        return None if seller_not and lot.seller == seller_not else lot

    def add(self, lot: Lot) -> None:
        """One more."""
        self._at[lot.listing] = len(self._lots)
        self._lots.append(lot)

    def discard(self, listing: str) -> None:
        """One less, if it is here."""
        at = self._at.pop(listing, None)
        if at is None:
            return
        last = self._lots.pop()
        if last.listing != listing:
            self._lots[at] = last
            self._at[last.listing] = at


class Board:
    """What is for sale, as all players of one generator together have heard of it: so bids are seldom made too late."""

    def __init__(
        self,
        lots: Sequence[Lot],
        wares: Sequence[Ware],
        queries: Sequence[Params],
        prices: dict[str, int],
        duration_s: int,
    ) -> None:
        self.queries = queries
        self.prices = prices
        """What players ask for their own items: `start_bid`, `buyout`, or both."""
        self.duration_s = duration_s
        self.market = Shelf(lots)
        """All that the market's own sellers put up, sold or not."""
        self.auctions = Shelf([lot for lot in lots if lot.min_bid])
        """Of these, what takes bids, as far as is known."""
        self.bargains = Shelf([lot for lot in lots if lot.buyout is not None])
        """What can be bought out, players' own listings among it."""
        self._wares = wares
        self._lots = {lot.listing: lot for lot in lots}

    def ware(self, which: float) -> Ware:
        """One of the commodities."""
        return self._wares[int(which * len(self._wares))]

    def seen(self, listing: Seen) -> None:
        """Somebody saw a listing."""
        if listing.state != "open":
            self.gone(listing.listing)
        self.heard(listing.listing, listing.min_bid)

    def heard(self, listing: str, min_bid: int | None) -> None:
        """Somebody heard what a bid must offer; None, where none is taken."""
        lot = self._lots.get(listing)
        if lot is not None and min_bid is not None and min_bid > lot.min_bid:
            lot.min_bid = min_bid

    def put_up(self, listing: Seen, seller: str) -> None:
        """A player put something up."""
        if listing.buyout is not None and len(self.bargains) < LOTS_MAX:
            self.bargains.add(Lot(listing.listing, listing.min_bid or 0, listing.buyout, seller=seller))

    def gone(self, listing: str) -> None:
        """A listing takes no more bids, and cannot be bought."""
        self.auctions.discard(listing)
        self.bargains.discard(listing)


class Player:
    """One player: what it does next, and what it makes of what it is told."""

    __slots__ = (
        *("_acts", "_keys", "_random", "_weights", "board", "leads", "ledger", "much", "name", "seq", "stash"),
        *("waiting", "which"),
    )

    def __init__(
        self, name: str, acts: dict[ActName, float], board: Board, ledger: Ledger, random: Random, stash: Sequence[str]
    ) -> None:
        self.name = name
        self.board = board
        self.ledger = ledger
        self.stash = deque(stash)
        """Items that it can put up."""
        self.waiting: dict[str, None] = {}
        """Deliveries that it can claim."""
        self.leads: dict[str, int] = {}
        """Listings that it leads, or perhaps leads → its maximum there."""
        self.seq = 0
        """Of the latest event it was told."""
        self.which = self.much = 0.0
        """The chances of its present request."""
        self._acts = list(acts)
        self._weights = list(accumulate(acts.values()))
        self._random = random.random
        self._keys = 0

    @property
    def comes_and_goes(self) -> bool:
        """Whether it connects only to leave again, so that it has no place between."""
        return all(ACTS[name].leaves for name in self._acts)

    def next(self) -> Asked:
        """What it does next."""
        kind, self.which, self.much = self._random(), self._random(), self._random()
        name = self._acts[bisect(self._weights, kind * self._weights[-1])]
        params = ACTS[name].ask(self)
        if params is None:
            name = FALLBACK
            params = ACTS[name].ask(self)
            assert params is not None, "there is always something to look for"
        if ACTS[name].keyed:
            self._keys += 1
            params["key"] = f"{self._keys}"
        return Asked(name, params)

    def take(self, asked: Asked, message: Message) -> str:
        """Take in an answer; "ok", or the reason of its error."""
        if message.error is None:
            asked.result = message.result
            asked.act.done(self, asked)
            return "ok"
        asked.data = message.error.data or {}
        asked.reason = str(asked.data.get("reason", message.error.code))
        asked.act.refused(self, asked)
        return asked.reason

    def hear(self, message: Message) -> None:
        """Take in what the server pushed; only events matter to players here."""
        if message.method == "event":
            self.told(CODEC.result(message.params, Told))

    def told(self, event: Told) -> None:
        """Take in an event, maybe for the second time. One that came late, after a new bid, takes no lead away."""
        self.seq = max(self.seq, event.seq)
        if event.type == "listing.outbid":
            listing = event.data["listing"]
            if event.data["price"] > self.leads.get(listing, event.data["price"]):
                del self.leads[listing]
            self.board.heard(listing, event.data["min_bid"])
        elif event.type == "delivery.arrived":
            self.waiting[event.data["delivery"]] = None
