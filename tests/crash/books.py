"""What the acknowledged answers imply for every player, put together from nothing else.

Answers of different players come in any order, so nothing here depends on it: a listing's successive leaders are
ordered by their maxima, which only rise, and its visible price never falls.

The one thing that nobody is told by an answer is the end of an auction. The books take from the house only that an end
has come (`ends_at_ms`), and say what follows from it.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from itertools import pairwise
from typing import Any

import msgspec

from auction.results import (
    BidResult,
    BuyoutResult,
    DeliveryResult,
    DeliveryView,
    GrantResult,
    ListingResult,
    ListingView,
)
from auction.state import Notice

FEE_BP = 1_500
DEPOSIT_BP = 250
SNIPE_MAX_S = 3
HOUSE_RULES = f"""[rules]
fee_bp = {FEE_BP}
deposit_bp = {DEPOSIT_BP}
durations_s = [2, 3, 3600]
max_listings = 20
cancel_window_s = 3600
snipe_window_s = 1
snipe_extension_s = 1
snipe_max_s = {SNIPE_MAX_S}
"""
"""Auctions of seconds, and deposits, so that endings and everything they move fall between two kills."""

Waiting = tuple[str, str | None, int, tuple[str, ...]]
"""A delivery without its id: kind, listing, gold, items."""
Grants = list[tuple[str, GrantResult]]
"""To or from whom, and what."""
Told = tuple[str, str]
"""An event without its number and instant: type, and data in writing."""


class Call(msgspec.Struct, frozen=True):
    """One mutation under its key. `method` is the SDK's name; `player` is the caller, or whom the service gives to."""

    caller: str
    player: str
    method: str
    params: dict[str, Any]
    key: str


class Refusal(msgspec.Struct, frozen=True):
    """A "no" as a client hears it."""

    reason: str
    data: dict[str, Any]


Answer = ListingResult | BidResult | BuyoutResult | DeliveryResult | GrantResult | Refusal


class Holdings(msgspec.Struct):
    """What one player has and was told: the lists, and the figures that `player.get` tells of them."""

    gold: int
    escrowed: int
    items: set[str]
    leads: dict[str, int]
    """Listing → our standing maximum."""
    listings: dict[str, tuple[str, int | None, int]]
    """Listing → state, price, bids."""
    waiting: Counter[Waiting]
    told: Counter[Told]
    open_listings: int
    deliveries: int
    stash_used: int
    seq: int


class Sale:
    """One listing, as its seller's and its bidders' answers tell it."""

    def __init__(self, seller: str, created: ListingView) -> None:
        self.seller = seller
        self.created = created
        self.bids: list[tuple[int, str, ListingView]] = []
        """Bids that led: maximum, bidder, how the listing stood then."""
        self.outbids = 0
        self.prices: list[int] = []
        self.buyer: str | None = None
        self.cancelled = False

    def enter(self, call: Call, answer: Answer) -> None:
        """Note a bid, a buyout or a cancellation."""
        match answer:
            case BidResult(listing=view):
                self.bids.append((call.params["amount"], call.player, view))
                self.prices.append(view.price or 0)
            case Refusal(data=data):
                self.outbids += 1
                self.prices.append(data["price"])
            case BuyoutResult():
                assert self.buyer is None, f"{call.params['listing']} was sold twice"
                self.buyer = call.player
            case ListingResult():
                self.cancelled = True

    @property
    def deposit(self) -> int:
        """What the seller left at creation, rounded up."""
        price = self.created.start_bid or self.created.buyout or 0
        return -(-price * DEPOSIT_BP // 10_000)

    def takeovers(self) -> list[tuple[str, ListingView]]:
        """Each bid by which the lead changed hands, in order."""
        took: list[tuple[str, ListingView]] = []
        for _, bidder, view in sorted(self.bids, key=lambda bid: bid[0]):
            if not took or took[-1][0] != bidder:
                took.append((bidder, view))
        return took

    def lead(self) -> tuple[str, int] | None:
        """Who leads, or led at the end, and its maximum."""
        if not self.bids:
            return None
        maximum, bidder, _ = max(self.bids, key=lambda bid: bid[0])
        return bidder, maximum

    def outcome(self, is_over: bool) -> tuple[str, int | None, int]:
        """State, price and number of bids."""
        counted = len(self.takeovers()) + self.outbids
        price = max(self.prices, default=None)
        if self.cancelled:
            return "cancelled", None, counted
        if self.buyer is not None:
            return "sold", self.created.buyout, counted
        if not is_over:
            return "open", price, counted
        return ("expired", None, counted) if price is None else ("sold", price, counted)

    def assert_ends_within_rules(self, ends_at_ms: int) -> None:
        """No end is earlier than one that a bidder was told, none later than soft close may move it."""
        told = max((view.ends_at_ms for _, _, view in self.bids), default=self.created.ends_at_ms)
        assert told <= ends_at_ms <= self.created.ends_at_ms + SNIPE_MAX_S * 1000, self.created.listing


class Books:
    """What some answers imply; a refusal other than `outbid` has no effect and does not belong here."""

    def __init__(self, answers: Collection[tuple[Call, Answer]]) -> None:
        self._sales = {
            answer.listing.listing: Sale(call.player, answer.listing)
            for call, answer in answers
            if call.method == "sell" and isinstance(answer, ListingResult)
        }
        self._granted: Grants = []
        self._taken: Grants = []
        self._claimed: list[tuple[str, DeliveryView]] = []
        for call, answer in answers:
            self._enter(call, answer)

    def _enter(self, call: Call, answer: Answer) -> None:
        match answer:
            case DeliveryResult():
                self._claimed.append((call.player, answer.delivery))
            case GrantResult():
                (self._granted if call.method == "grant" else self._taken).append((call.player, answer))
            case _ if call.method != "sell":
                self._sales[call.params["listing"]].enter(call, answer)

    def expected(self, player: str, shown: Mapping[str, ListingView], now_ms: int) -> Holdings:
        """What a player must have and have been told. `shown` tells which listings have ended."""
        outcomes = {}
        for listing, sale in self._sales.items():
            assert listing in shown, f"{listing} was acknowledged and is gone"
            sale.assert_ends_within_rules(shown[listing].ends_at_ms)
            outcomes[listing] = sale.outcome(shown[listing].ends_at_ms <= now_ms)
        flows = _Flows(player)
        for listing, sale in self._sales.items():
            flows.add(listing, sale, outcomes[listing])
        gold = _gold(self._granted, player) - _gold(self._taken, player) - flows.spent
        items = _items(self._granted, player)
        items.subtract(_items(self._taken, player))
        items.subtract(sale.created.item.item for sale in self._sales.values() if sale.seller == player)
        for owner, delivery in self._claimed:
            if owner == player:
                claimed = waiting(delivery)
                assert flows.waiting[claimed], f"{player} claimed what nobody sent: {claimed}"
                flows.waiting -= Counter([claimed])
                gold += delivery.gold
                items.update(item.item for item in delivery.items)
        assert set(items.values()) <= {0, 1}, f"{player} got or gave an item twice: {items}"
        mine = {listing: outcomes[listing] for listing, sale in self._sales.items() if sale.seller == player}
        return Holdings(
            gold=gold,
            escrowed=sum(flows.leads.values()),
            items=set(+items),
            leads=flows.leads,
            listings=mine,
            waiting=flows.waiting,
            told=flows.told,
            open_listings=sum(state == "open" for state, _, _ in mine.values()),
            deliveries=flows.waiting.total(),
            stash_used=items.total(),
            seq=flows.told.total(),
        )

    def totals(self) -> dict[str, dict[str, int]]:
        """What entered and left the house by the service's hand, as `auction audit` counts it."""
        return {
            "gold": {"granted": sum(grant.gold for _, grant in self._granted)},
            "items": {
                "granted": sum(len(grant.items) for _, grant in self._granted),
                "burned": sum(len(take.items) for _, take in self._taken),
            },
        }


class _Flows:
    """What all listings moved to and from one player."""

    def __init__(self, player: str) -> None:
        self.player = player
        self.spent = 0
        self.leads: dict[str, int] = {}
        self.waiting: Counter[Waiting] = Counter()
        self.told: Counter[Told] = Counter()

    def add(self, listing: str, sale: Sale, outcome: tuple[str, int | None, int]) -> None:
        """Follow one listing from its creation to where it stands."""
        state, price, _ = outcome
        took = sale.takeovers()
        for (loser, _), (_, view) in pairwise(took):
            if loser == self.player:
                self._tell("listing.outbid", listing=listing, price=view.price, min_bid=view.min_bid)
        if sale.seller == self.player:
            self.spent += sale.deposit
            self._add_sellers_end(listing, sale, state, price)
        lead = sale.lead()
        if sale.buyer is not None:
            if sale.buyer == self.player:
                self._receive("bought", listing, sale, price or 0)
            elif lead is not None and lead[0] == self.player:
                self._tell("listing.outbid", listing=listing, price=price, min_bid=None)
        elif lead is not None and lead[0] == self.player:
            if state == "open":
                self.spent += lead[1]
                self.leads[listing] = lead[1]
            else:
                self._tell("listing.won", listing=listing, price=price)
                self._receive("won", listing, sale, price or 0)

    def _add_sellers_end(self, listing: str, sale: Sale, state: str, price: int | None) -> None:
        if state == "sold":
            assert price is not None
            proceeds = price - -(-price * FEE_BP // 10_000) + sale.deposit
            self._tell("listing.sold", listing=listing, price=price, proceeds=proceeds)
            self._deliver("proceeds", listing, proceeds, ())
        elif state in ("expired", "cancelled"):
            if state == "expired":
                self._tell("listing.expired", listing=listing)
            self._deliver("returned", listing, 0, (sale.created.item.item,))

    def _receive(self, kind: str, listing: str, sale: Sale, paid: int) -> None:
        self.spent += paid
        self._deliver(kind, listing, 0, (sale.created.item.item,))

    def _deliver(self, kind: str, listing: str, gold: int, items: tuple[str, ...]) -> None:
        self.waiting[kind, listing, gold, items] += 1
        self._tell("delivery.arrived", kind=kind)

    def _tell(self, what: str, **data: Any) -> None:
        self.told[_told(what, data)] += 1


def differences(held: Holdings, expected: Holdings) -> list[str]:
    """Where two holdings differ, in words."""
    found = []
    for field in Holdings.__struct_fields__:
        have, should = getattr(held, field), getattr(expected, field)
        if isinstance(have, dict | set):
            found += [
                f"{field}: {each!r} is wrong: {_at(have, each)} for {_at(should, each)}"
                for each in {*have, *should}
                if _at(have, each) != _at(should, each)
            ]
        elif have != should:
            found.append(f"{field}: {have} for {should}")
    return found


def _at(entries: Any, key: Any) -> Any:
    return entries.get(key) if isinstance(entries, dict) else key in entries


def waiting(delivery: DeliveryView) -> Waiting:
    """A delivery as the books know it."""
    return delivery.kind, delivery.listing, delivery.gold, tuple(item.item for item in delivery.items)


def told(notices: Iterable[Notice]) -> Counter[Told]:
    """Events as the books know them; which delivery it was, no answer told before."""
    return Counter(_told(notice.type, {**notice.data}) for notice in notices)


def _told(kind: str, data: dict[str, Any]) -> Told:
    data.pop("delivery", None)
    return kind, str(sorted(data.items()))


def _gold(grants: Grants, player: str) -> int:
    return sum(grant.gold for owner, grant in grants if owner == player)


def _items(grants: Grants, player: str) -> Counter[str]:
    return Counter(item.item for owner, grant in grants if owner == player for item in grant.items)
