"""Naive models: an auction as a person would keep it on paper, and a whole house of them."""

import msgspec

from worlddata.types import Rules


class NaiveAuction(msgspec.Struct):
    """One auction on paper: the latest maximum of each bidder, earliest first."""

    start_bid: int
    rules: Rules
    maxima: list[tuple[str, int]] = []
    price: int | None = None

    def increment(self, price: int) -> int:
        """The least raise over a price."""
        return max(self.rules.increment_min, price * self.rules.increment_bp // 10_000)

    def least(self) -> int:
        """The least that a new bidder may offer, whatever the buyout says."""
        return self.start_bid if self.price is None else self.price + self.increment(self.price)

    def leader(self) -> tuple[str, int] | None:
        """Who leads with which maximum: the largest, of equals the earliest."""
        return max(self.maxima, key=lambda bid: bid[1], default=None)

    def held(self, player: str) -> int:
        """What is held of a player's gold."""
        leader = self.leader()
        return leader[1] if leader is not None and leader[0] == player else 0

    def bid(self, bidder: str, amount: int) -> str:
        """Take a maximum and say what its bidder hears."""
        leader = self.leader()
        if leader is not None and leader[0] == bidder:
            if amount <= leader[1]:
                return "bid_too_low"
            self.maxima[self.maxima.index(leader)] = (bidder, amount)
            return "ok"
        if amount < self.least():
            return "bid_too_low"
        self.maxima = [bid for bid in self.maxima if bid[0] != bidder] + [(bidder, amount)]
        ranked = sorted((maximum for _, maximum in self.maxima), reverse=True)
        self.price = self.start_bid
        if len(ranked) > 1:
            self.price = min(ranked[0], ranked[1] + self.increment(ranked[1]))
        return "ok" if self.held(bidder) else "outbid"


class NaiveListing(msgspec.Struct):
    """A listing on paper."""

    seller: str
    item: str
    start_bid: int | None
    buyout: int | None
    deposit: int
    created_at_ms: int
    ends_at_ms: int
    last_end_ms: int
    auction: NaiveAuction
    is_open: bool = True


class NaiveHouse:
    """Who has what, in plain dictionaries; each method says what the player hears, and does it.

    It has no stores, no escrow accounts and no transfers: gold that is held is simply not in `wallet`.
    """

    def __init__(self, rules: Rules, now_ms: int) -> None:
        self.rules = rules
        self.now_ms = now_ms
        self.wallet: dict[str, int] = {}
        self.stash: dict[str, set[str]] = {}
        self.listings: dict[str, NaiveListing] = {}
        self.waiting: dict[str, list[tuple[int, str | None]]] = {}
        """Player → gold or item of each delivery, oldest first."""
        self.burned = 0

    def open_listings(self, player: str) -> int:
        """How many listings of a player are open."""
        return sum(listing.is_open and listing.seller == player for listing in self.listings.values())

    def held(self, player: str) -> list[int]:
        """What is held of a player's gold, listing by listing."""
        held = (listing.auction.held(player) for listing in self.listings.values() if listing.is_open)
        return [gold for gold in held if gold]

    def can_create(self, seller: str, item: str, start_bid: int | None, buyout: int | None) -> str:
        """What a seller hears."""
        if item not in self.stash[seller]:
            return "no_such_item"
        if any(price is not None and price > self.rules.price_max for price in (start_bid, buyout)):
            return "price_out_of_range"
        if self.open_listings(seller) >= self.rules.max_listings:
            return "listing_limit"
        return "ok" if self.deposit(start_bid, buyout) <= self.wallet[seller] else "insufficient_gold"

    def deposit(self, start_bid: int | None, buyout: int | None) -> int:
        """Rounded up."""
        return -(-(start_bid or buyout or 0) * self.rules.deposit_bp // 10_000)

    def create(
        self, listing: str, seller: str, item: str, start_bid: int | None, buyout: int | None, duration_s: int
    ) -> None:
        """What `can_create` allowed."""
        deposit = self.deposit(start_bid, buyout)
        self.wallet[seller] -= deposit
        self.stash[seller].remove(item)
        ends_at_ms = self.now_ms + duration_s * 1000
        self.listings[listing] = NaiveListing(
            seller,
            item,
            start_bid,
            buyout,
            deposit,
            self.now_ms,
            ends_at_ms,
            ends_at_ms + self.rules.snipe_max_s * 1000,
            NaiveAuction(start_bid or 0, self.rules),
        )

    def bid(self, bidder: str, name: str, amount: int) -> str:
        """A bid, on a copy of the paper until it is sure to count."""
        listing = self.listings[name]
        refusal = self._closed(bidder, listing)
        if refusal:
            return refusal
        if listing.start_bid is None:
            return "not_for_bids"
        if amount > min(self.rules.price_max, (listing.buyout or amount + 1) - 1):
            return "price_out_of_range"
        before = listing.auction.leader()
        after = msgspec.structs.replace(listing.auction, maxima=list(listing.auction.maxima))
        heard = after.bid(bidder, amount)
        if heard == "bid_too_low":
            return heard
        held = listing.auction.held(bidder)
        if not held and len(self.held(bidder)) >= self.rules.max_bids:
            return "bid_limit"
        if amount - held > self.wallet[bidder]:
            return "insufficient_gold"
        listing.auction = after
        if heard == "ok":
            self.wallet[bidder] -= amount
            if before is not None:
                self.wallet[before[0]] += before[1]
        if not held and listing.ends_at_ms - self.now_ms <= self.rules.snipe_window_s * 1000:
            extended_ms = min(self.now_ms + self.rules.snipe_extension_s * 1000, listing.last_end_ms)
            listing.ends_at_ms = max(listing.ends_at_ms, extended_ms)
        return heard

    def buy_out(self, buyer: str, name: str) -> str:
        """A buyout at the listing's price."""
        listing = self.listings[name]
        refusal = self._closed(buyer, listing)
        if refusal:
            return refusal
        if listing.buyout is None:
            return "no_buyout"
        if listing.buyout - listing.auction.held(buyer) > self.wallet[buyer]:
            return "insufficient_gold"
        leader = listing.auction.leader()
        if leader is not None:
            self.wallet[leader[0]] += leader[1]
        self.wallet[buyer] -= listing.buyout
        self._sell(listing, buyer, listing.buyout)
        return "ok"

    def cancel(self, player: str, name: str) -> str:
        """A cancellation."""
        listing = self.listings[name]
        if listing.seller != player:
            return "not_owner"
        if not listing.is_open or self.now_ms >= listing.ends_at_ms:
            return "listing_closed"
        if listing.auction.maxima:
            return "has_bids"
        if self.now_ms > listing.created_at_ms + self.rules.cancel_window_s * 1000:
            return "cancel_window_over"
        self._give_back(listing)
        return "ok"

    def due(self) -> set[str]:
        """The open listings whose end has come."""
        return {name for name, row in self.listings.items() if row.is_open and row.ends_at_ms <= self.now_ms}

    def end(self, name: str) -> None:
        """End a listing that is due."""
        listing = self.listings[name]
        leader = listing.auction.leader()
        if leader is None or listing.auction.price is None:
            self._give_back(listing)
        else:
            self.wallet[leader[0]] += leader[1] - listing.auction.price
            self._sell(listing, leader[0], listing.auction.price)

    def claim(self, player: str, place: int) -> str:
        """A claim of one of the waiting deliveries."""
        gold, item = self.waiting[player][place]
        if item is not None and len(self.stash[player]) >= self.rules.stash_capacity:
            return "stash_full"
        del self.waiting[player][place]
        self.wallet[player] += gold
        if item is not None:
            self.stash[player].add(item)
        return "ok"

    def _closed(self, player: str, listing: NaiveListing) -> str | None:
        if listing.seller == player:
            return "own_listing"
        return None if listing.is_open and self.now_ms < listing.ends_at_ms else "listing_closed"

    def _sell(self, listing: NaiveListing, buyer: str, price: int) -> None:
        listing.is_open = False
        proceeds = price * (10_000 - self.rules.fee_bp) // 10_000
        self.burned += price - proceeds
        if proceeds + listing.deposit:
            self.waiting[listing.seller].append((proceeds + listing.deposit, None))
        self.waiting[buyer].append((0, listing.item))

    def _give_back(self, listing: NaiveListing) -> None:
        listing.is_open = False
        self.burned += listing.deposit
        self.waiting[listing.seller].append((0, listing.item))
