"""Random lives of a small house beside a naive one: every answer, every wallet, every item's place, after every step.

What must always hold (gold and goods conserved, an item in one place, books that agree with the rows, a refusal that
changes nothing) is held in every step by `tests.auction.house.House`.
"""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from auction.commands import BuyOut, CancelListing, ClaimDelivery, CreateListing, PlaceBid, Take
from auction.refusals import Refusal
from tests.auction.house import START_MS, House, replayed, rows_of
from tests.auction.naive import NaiveHouse
from worlddata.types import Rules

RULES = Rules(
    fee_bp=1_234,
    deposit_bp=333,
    increment_bp=700,
    increment_min=2,
    price_max=400,
    max_bids=1,
    max_listings=2,
    stash_capacity=3,
    durations_s=(10, 60),
    cancel_window_s=5,
    snipe_window_s=4,
    snipe_extension_s=5,
    snipe_max_s=8,
)
PLAYERS = ("al", "bo", "cy")
players = st.sampled_from(PLAYERS)
prices = st.integers(1, 420)
pick = st.integers(0, 2**16)


class Trading(RuleBasedStateMachine):
    """Three players who do anything, right or wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.house = House(RULES)
        self.paper = NaiveHouse(RULES, START_MS)
        self.items: list[str] = []
        self.asked = 0
        self.last: tuple[str, Any] | None = None
        """The latest request that was stored under its key."""

    @initialize()
    def open_stores(self) -> None:
        """Each player begins with some gold and two items."""
        for player in PLAYERS:
            self.paper.wallet[player] = 0
            self.paper.stash[player] = set()
            self.paper.waiting[player] = []
            self.grant(player, 200)
            for _ in range(2):
                self.grant_item(player)

    def ask(self, player: str, kind: type[Any], expected: str, **params: Any) -> Any:
        """Ask under a new key and compare what the player hears."""
        self.asked += 1
        ask = kind(key=f"k{self.asked}", **params)
        answer = self.house.ask(player, ask)
        heard = answer.reason if isinstance(answer, Refusal) else "ok"
        assert heard == expected, (ask, answer)
        if heard in ("ok", "outbid"):
            self.last = (player, ask)
        return answer

    @rule(player=players, gold=st.integers(0, 300))
    def grant(self, player: str, gold: int) -> None:
        """Gold enters."""
        self.house.grant(player, gold=gold)
        self.paper.wallet[player] += gold

    @rule(player=players)
    def grant_item(self, player: str) -> None:
        """An item enters, if there is room."""
        if len(self.paper.stash[player]) < RULES.stash_capacity:
            (item,) = self.house.grant(player, items=1)
            self.items.append(item)
            self.paper.stash[player].add(item)

    @rule(player=players, gold=st.integers(0, 50))
    def take(self, player: str, gold: int) -> None:
        """Gold leaves."""
        self.asked += 1
        answer = self.house.ask("mint", Take(key=f"k{self.asked}", player=player, gold=gold), "service")
        assert isinstance(answer, Refusal) == (gold > self.paper.wallet[player])
        if not isinstance(answer, Refusal):
            self.paper.wallet[player] -= gold
            self.paper.burned += gold

    @rule(
        seller=players,
        place=pick,
        start_bid=st.none() | prices,
        more=st.none() | st.integers(0, 100),
        duration_s=st.sampled_from(RULES.durations_s),
    )
    def create(self, seller: str, place: int, start_bid: int | None, more: int | None, duration_s: int) -> None:
        """An item is put up for sale: one of the own, or for once any at all."""
        items = sorted(self.paper.stash[seller]) if place % 8 else self.items
        if not items:
            return
        item = items[place % len(items)]
        buyout = (start_bid or 1) + more if more is not None else None
        if start_bid is None and buyout is None:
            buyout = 100
        expected = self.paper.can_create(seller, item, start_bid, buyout)
        answer = self.ask(
            seller, CreateListing, expected, item=item, start_bid=start_bid, buyout=buyout, duration_s=duration_s
        )
        if expected == "ok":
            self.paper.create(answer.listing.listing, seller, item, start_bid, buyout, duration_s)

    def any_listing(self, place: int) -> str:
        """One of the open listings, or for once any of the latest."""
        still_open = [name for name, row in self.paper.listings.items() if row.is_open]
        names = still_open if still_open and place % 8 else list(self.paper.listings)[-6:]
        return names[place % len(names)]

    @precondition(lambda self: self.paper.listings)
    @rule(bidder=players, place=pick, amount=prices)
    def bid(self, bidder: str, place: int, amount: int) -> None:
        """Anybody bids anything on any listing."""
        listing = self.any_listing(place)
        expected = self.paper.bid(bidder, listing, amount)
        self.ask(bidder, PlaceBid, expected, listing=listing, amount=amount)

    @precondition(lambda self: self.paper.listings)
    @rule(who=pick, place=pick, more=st.integers(0, 60))
    def bid_well(self, who: int, place: int, more: int) -> None:
        """Somebody else than the seller bids about what the listing asks for."""
        listing = self.any_listing(place)
        row = self.paper.listings[listing]
        bidder = [player for player in PLAYERS if player != row.seller][who % 2]
        amount = row.auction.least() + more
        expected = self.paper.bid(bidder, listing, amount)
        self.ask(bidder, PlaceBid, expected, listing=listing, amount=amount)

    @precondition(lambda self: self.paper.listings)
    @rule(buyer=players, place=pick)
    def buy_out(self, buyer: str, place: int) -> None:
        """Anybody buys any listing at its price, if it has one."""
        listing = self.any_listing(place)
        expected = self.paper.buy_out(buyer, listing)
        price = self.paper.listings[listing].buyout or 0
        self.ask(buyer, BuyOut, expected, listing=listing, price=price)

    @precondition(lambda self: self.paper.listings)
    @rule(player=players, place=pick)
    def cancel(self, player: str, place: int) -> None:
        """Anybody cancels any listing."""
        listing = self.any_listing(place)
        self.ask(player, CancelListing, self.paper.cancel(player, listing), listing=listing)

    @rule(player=players, place=pick)
    def claim(self, player: str, place: int) -> None:
        """A player claims one of what waits."""
        waiting = self.house.deliveries(player)
        assert [(view.gold, view.items[0].item if view.items else None) for view in waiting] == self.paper.waiting[
            player
        ]
        if waiting:
            place %= len(waiting)
            expected = self.paper.claim(player, place)
            self.ask(player, ClaimDelivery, expected, delivery=waiting[place].delivery)

    @rule(wait_ms=st.integers(1, 4_000) | st.integers(1, 20_000), late=st.booleans())
    def wait(self, wait_ms: int, late: bool) -> None:
        """Time passes; timers fire, or are late."""
        self.house.now_ms += wait_ms
        self.paper.now_ms += wait_ms
        if not late:
            due = [
                listing for player in PLAYERS for listing in self.house.state(player).due_listings(self.house.now_ms)
            ]
            assert set(due) == self.paper.due()
            for listing in due:
                self.house.end(listing)
                self.paper.end(listing)

    @precondition(lambda self: self.paper.listings)
    @rule(place=pick)
    def timer(self, place: int) -> None:
        """A timer of any listing fires at any time, and does nothing before the end."""
        listing = self.any_listing(place)
        row = self.paper.listings[listing]
        if not row.is_open or self.paper.now_ms < row.ends_at_ms:
            assert self.house.end(listing).record == {}

    @precondition(lambda self: self.last is not None)
    @rule()
    def repeat(self) -> None:
        """A repeated key has no second effect."""
        assert self.last is not None
        player, ask = self.last
        before = {store: rows_of(state) for store, state in self.house.states.items()}
        answer = self.house.answer(player, ask)
        assert answer.body is None
        assert answer.encoded == self.house.state(player).keys.rows[f"\n{ask.key}"].answer
        assert {store: rows_of(state) for store, state in self.house.states.items()} == before

    @invariant()
    def every_player_has_what_paper_says(self) -> None:
        """Wallets, held gold, stashes and burned gold."""
        for player in self.paper.wallet:
            state = self.house.state(player)
            held = self.paper.held(player)
            assert (state.gold(), state.standing_bids, state.bids_escrowed) == (
                self.paper.wallet[player],
                len(held),
                sum(held),
            )
            assert set(state.items.rows) == self.paper.stash[player]
            assert len(state.open_listings) == self.paper.open_listings(player)
        opened = [self.house.state(player).owner() for player in PLAYERS]
        assert sum(account.gold_burned for account in opened) == self.paper.burned

    @invariant()
    def every_listing_stands_as_on_paper(self) -> None:
        """Whether it is open, its price, its leader and its end."""
        for name, paper in self.paper.listings.items():
            row = self.house.state(paper.seller).listings.rows[name]
            assert (row.state == "open", row.item.item, row.ends_at_ms) == (
                paper.is_open,
                paper.item,
                paper.ends_at_ms,
            )
            if paper.is_open:
                leader = paper.auction.leader()
                assert (row.leader, row.leader_max) == (leader or (None, 0))
                assert row.price == paper.auction.price

    def teardown(self) -> None:
        """The records alone make the same house again."""
        again = replayed(self.house.records)
        assert {store: rows_of(state) for store, state in again.items()} == {
            store: rows_of(state) for store, state in self.house.states.items() if state.head() is not None
        }


TestTrading = Trading.TestCase
TestTrading.settings = settings(max_examples=100, stateful_step_count=60, deadline=None)
