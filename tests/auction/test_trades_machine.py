"""Random lives of a house of three nodes beside one of a single node, in which trades and transfers take no time.

Trades are prepared, decided, given up and settled in any order, transfers arrive late, twice, or while a trade is open,
and keys are repeated. After every step the whole house is conserved and its stores agree, with what lies between them
explained (`tests.auction.nodes.Nodes.check`). What the listings' homes did, in their order and at their instants, is
done in the other house too: every answer is the same, and once all is settled and carried, so is everything else.
"""

import random
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from auction.commands import BuyOut, CancelListing, ClaimDelivery, CreateListing, PlaceBid, Take
from auction.context import Answer
from auction.outcomes import Locked, Undecided, a_player
from auction.player_state import PlayerState
from auction.pricing import min_bid
from auction.refusals import Refusal
from auction.results import DeliveryView
from tests.auction.house import House, replayed, rows_of
from tests.auction.nodes import Nodes, Trade
from worlddata.types import Rules

RULES = Rules(
    fee_bp=1_234,
    deposit_bp=333,
    increment_bp=700,
    increment_min=2,
    price_max=400,
    max_bids=4,
    max_listings=3,
    stash_capacity=4,
    durations_s=(10, 120),
    cancel_window_s=5,
    snipe_window_s=4,
    snipe_extension_s=5,
    snipe_max_s=8,
)
HOMES = {"al": "n1", "bo": "n2", "cy": "n3", "di": "n1"}
players = st.sampled_from(sorted(HOMES))
pick = st.integers(0, 2**16)
steps = st.integers(0, 5) | st.just(5)
"""Of a trade: two votes, the decision, two settlements."""


class Interleaving(RuleBasedStateMachine):
    """Four players on three nodes, and every delay there is."""

    def __init__(self) -> None:
        super().__init__()
        self.nodes = Nodes(HOMES, RULES)
        self.one = House(replace(RULES, max_bids=10_000))
        self.listings: list[str] = []
        self.asked: list[tuple[str, Any]] = []
        self.done: dict[str, bytes] = {}
        """Key → the stored answer."""
        self.effects: set[str] = set()
        """Keys whose command was done at its listing's home."""
        self.expected: dict[str, Any] = {}
        """Trade → what the caller has to hear of it."""

    @initialize()
    def open_stores(self) -> None:
        """Each player begins with some gold, and two of them with a listing."""
        for player in sorted(HOMES):
            self.grant(player, 1_000)
        for seller in ("al", "bo"):
            self.list_item(seller, 10, with_buyout=True, long=True)

    def both(self, player: str, ask: Any) -> Any:
        """A command that concerns one player alone is the same in both houses."""
        self.one.now_ms = self.nodes.now_ms
        here = self.nodes.ask(player, ask)
        if not isinstance(here, Undecided | Locked):
            assert here == self.one.ask(player, replace(ask, key=None))
        return here

    def new(self, player: str, kind: type[Any], **params: Any) -> tuple[str, Any]:
        """A command under a new key, kept to be repeated."""
        self.asked.append((player, kind(key=f"k{len(self.asked)}", **params)))
        return self.asked[-1]

    @rule(player=players, what=st.integers(0, 5), gold=st.integers(1, 120), place=pick, flag=st.booleans())
    def something_else(self, player: str, what: int, gold: int, place: int, flag: bool) -> None:
        """What is no trade."""
        if what == 0:
            self.grant(player, gold)
        elif what == 1:
            self.take(player, gold)
        elif what == 2:
            self.cancel(player, place)
        elif what == 3:
            self.claim(player)
        else:
            self.list_item(player, None if gold > 110 else gold // 4 + 1, with_buyout=flag, long=place % 4 > 0)

    def grant(self, player: str, gold: int) -> None:
        """Gold enters."""
        self.nodes.grant(player, gold=gold)
        self.one.grant(player, gold=gold)

    def take(self, player: str, gold: int) -> None:
        """Gold leaves, but none that is held."""
        ask = Take(key=f"t{len(self.nodes.records)}", player=player, gold=gold)
        before = self.nodes.state(player).gold()
        here = self.nodes.ask("mint", ask, "service")
        assert (gold <= before) == (not isinstance(here, Undecided | Refusal))
        if gold <= before:
            assert not isinstance(self.one.ask("mint", ask, "service"), Refusal)

    def list_item(self, seller: str, start_bid: int | None, with_buyout: bool, long: bool) -> None:
        """A new item is put up for sale, if the stash and the limits allow."""
        buyout = 200 if with_buyout or start_bid is None else None
        if len(self.nodes.state(seller).items) >= RULES.stash_capacity:
            item = next(iter(self.nodes.state(seller).items)).item
        else:
            (item,) = self.nodes.grant(seller, items=1)
            assert [item] == self.one.grant(seller, items=1)
        ask = CreateListing(item=item, start_bid=start_bid, buyout=buyout, duration_s=RULES.durations_s[long])
        made = self.both(seller, ask)
        if not isinstance(made, Undecided | Refusal):
            self.listings.append(made.listing.listing)

    def any_listing(self, place: int) -> str:
        """One of the latest listings, an open one if possible."""
        latest = self.listings[-3:]
        still_open = [name for name in latest if self.row(name).state == "open"] if place % 8 else latest
        if not still_open:
            self.list_item(sorted(HOMES)[place % len(HOMES)], 10, with_buyout=True, long=True)
            still_open = self.listings[-1:]
        return still_open[place % len(still_open)]

    def row(self, listing: str) -> Any:
        """A listing in its own store."""
        return a_player(self.nodes.store(listing.partition(".")[0])).listings.rows[listing]

    @rule(who=pick, place=pick, more=st.integers(-1, 40), steps=steps, buys=st.integers(0, 9))
    def bid_or_buy(self, who: int, place: int, more: int, steps: int, buys: int) -> None:
        """Somebody bids about what the listing asks for, raises, or buys; perhaps the trade goes some way at once."""
        listing = self.any_listing(place)
        player = self.bidders(listing)[who % 3]
        row = self.row(listing)
        if buys == 0:
            command = self.new(player, BuyOut, listing=listing, price=row.buyout or 0)
        else:
            least = row.leader_max + 1 if row.leader == player else min_bid(row) or 20
            command = self.new(player, PlaceBid, listing=listing, amount=max(1, least + more))
        self.trade(*command, steps)

    def bidders(self, listing: str) -> list[str]:
        """All but the seller; those of other nodes first."""
        seller = self.row(listing).seller
        return sorted(HOMES.keys() - {seller}, key=lambda player: (HOMES[player] == HOMES[seller], player))

    @precondition(lambda self: self.asked)
    @rule(place=pick, steps=steps)
    def repeat(self, place: int, steps: int) -> None:
        """A request is repeated with its key: once done it has its answer, and never a second effect."""
        self.trade(*self.asked[-1 - place % min(8, len(self.asked))], steps)

    def trade(self, player: str, ask: Any, steps: int) -> None:
        """A bid or a buyout, which a node does at once or proposes."""
        answer = self.nodes.ask(player, ask)
        if isinstance(answer, Answer):
            assert answer.encoded == self.done[ask.key]
        elif isinstance(answer, str):
            assert ask.key not in self.done
            self.go_on(answer, steps)
        elif not isinstance(answer, Locked | Undecided) and (
            not isinstance(answer, Refusal) or answer.reason == "outbid"
        ):
            assert answer == self.effect(player, ask, self.nodes.now_ms)
            self.done[ask.key] = self.stored(player, ask)

    def effect(self, player: str, ask: Any, now_ms: int) -> Any:
        """A command was done at its listing's home: do it in the other house too."""
        assert ask.key not in self.effects
        self.effects.add(ask.key)
        self.one.now_ms = now_ms
        return self.one.ask(player, replace(ask, key=None))

    def stored(self, player: str, ask: Any) -> bytes:
        """The answer under a key."""
        return self.nodes.state(player).keys.rows[f"\n{ask.key}"].answer

    def open_trades(self) -> list[str]:
        """The trades that are not over."""
        return [trade for trade, it in self.nodes.trades.items() if not it.is_over()]

    @precondition(lambda self: self.open_trades())
    @rule(place=pick, steps=steps)
    def some_trade(self, place: int, steps: int) -> None:
        """A trade goes on: votes, the decision, the outcome in one store and then in the other."""
        trades = self.open_trades()
        self.go_on(trades[place % len(trades)], steps, place)

    def go_on(self, trade: str, steps: int, place: int = 0) -> None:
        """Up to so many steps of a trade; one that must wait for its listing stops there."""
        for _ in range(steps):
            it = self.nodes.trades[trade]
            waiting = [store for store in it.proposal.legs if store not in it.votes and store not in it.refusals]
            unsettled = sorted(set(it.votes) - it.settled)
            if it.commit is None and waiting and not it.refusals:
                if isinstance(self.nodes.prepare(trade, waiting[place % len(waiting)]), Locked):
                    return
            elif it.commit is None:
                self.nodes.decide(trade)
            elif unsettled:
                self.settle_one(trade, it, unsettled[place % len(unsettled)])

    @precondition(lambda self: any(it.commit is None for it in self.nodes.trades.values()))
    @rule(place=pick)
    def give_up(self, place: int) -> None:
        """The coordinator of a trade gives it up, or dies, whatever the votes are."""
        trades = [trade for trade, it in self.nodes.trades.items() if it.commit is None]
        self.nodes.decide(trades[place % len(trades)], give_up=True)

    def settle_one(self, trade: str, it: Trade, store: str) -> None:
        """Settle, and do in the other house what the listing's home did, when it does it."""
        ask: Any = it.request.ask
        player = it.request.caller.player
        self.nodes.settle(trade, store)
        if not it.commit:
            return
        if store == it.proposal.other:
            self.expected[trade] = self.effect(player, ask, it.prepared_at_ms)
        else:
            self.done[ask.key] = self.stored(player, ask)
        if it.is_over():
            assert it.answer.body == self.expected[trade]

    @precondition(lambda self: any(it.again for it in self.nodes.trades.values()))
    @rule(steps=steps)
    def propose_again(self, steps: int) -> None:
        """A trade whose sum was wrong is proposed once more, however much later."""
        it = next(it for it in self.nodes.trades.values() if it.again)
        again, it.again = it.again, None
        assert again is not None
        self.go_on(self.nodes.open(it.request, again), steps)

    @precondition(lambda self: self.nodes.unsent)
    @rule(place=pick, acknowledged=st.booleans())
    def carry(self, place: int, acknowledged: bool) -> None:
        """A transfer arrives, in turn or not; its acknowledgement may be lost."""
        sent = self.nodes.unsent[place % len(self.nodes.unsent)]
        outcome = self.nodes.carry_one(*sent)
        if acknowledged and hasattr(outcome, "record"):
            self.nodes.unsent.remove(sent)

    def cancel(self, player: str, place: int) -> None:
        """Anybody cancels any listing."""
        self.both(player, CancelListing(listing=self.any_listing(place)))

    def claim(self, player: str) -> None:
        """A player claims the oldest of what waits, as the same player in the other house does."""
        waiting = list(self.nodes.state(player).deliveries)
        if waiting:
            row = waiting[0]
            other = next(view for view in self.one.deliveries(player) if same(view, row))
            self.one.now_ms = self.nodes.now_ms
            here = self.nodes.ask(player, ClaimDelivery(delivery=row.delivery))
            there = self.one.ask(player, ClaimDelivery(delivery=other.delivery))
            assert isinstance(here, Refusal) == isinstance(there, Refusal)

    @rule(wait_ms=st.integers(1, 1_000) | st.integers(1, 1_000) | st.integers(1, 20_000))
    def wait(self, wait_ms: int) -> None:
        """Time passes, and timers fire; those of listings held for a trade have to come again."""
        self.nodes.now_ms += wait_ms
        for listing in self.listings:
            if self.nodes.end(listing) != Locked(listing.partition(".")[0], listing):
                self.one.now_ms = self.nodes.now_ms
                self.one.end(listing)

    @invariant()
    def open_trades_are_those_that_hold_something(self) -> None:
        """Stores hold what they voted for and was not settled, and nothing else."""
        held = {trade for trade, it in self.nodes.trades.items() if set(it.votes) - it.settled}
        assert {row.trade for player in HOMES for row in self.nodes.state(player).trades} == held

    @invariant()
    def listings_stand_as_in_the_other_house(self) -> None:
        """A listing's home is never late."""
        for listing in self.listings:
            there = a_player(self.one.states[listing.partition(".")[0]]).listings.rows[listing]
            assert self.row(listing) == there

    def teardown(self) -> None:
        """Everything ends: what is undecided is given up, what is decided settled, what was sent carried."""
        for trade in self.open_trades():
            it = self.nodes.trades[trade]
            if it.commit is None:
                self.nodes.decide(trade)
            for store in sorted(set(it.votes) - it.settled):
                self.settle_one(trade, it, store)
        assert self.nodes.carry() == []
        ties = self.nodes.check()
        assert ties.open_trades == 0
        for player in HOMES:
            assert summary(self.nodes.state(player)) == summary(self.one.state(player))
            before = rows_of(self.nodes.state(player))
            self.nodes.state(player).recount()
            assert rows_of(self.nodes.state(player)) == before
        assert self.effects == set(self.done)
        again = replayed(self.nodes.records)
        assert {store: rows_of(state) for store, state in again.items()} == {
            store: rows_of(state) for store, state in self.nodes.states.items() if state.head() is not None
        }


def same(view: DeliveryView, row: Any) -> bool:
    """Whether two deliveries hold the same of the same listing."""
    return (view.kind, view.listing, view.gold) == (row.kind, row.listing, row.gold) and view.items == list(row.items)


def summary(state: PlayerState) -> dict[str, Any]:
    """All that a player has, in no order, without the ids and instants that depend on what came first."""
    account = state.owner()
    return {
        "gold": (account.gold, account.gold_held, account.gold_escrowed, account.gold_waiting, account.gold_burned),
        "bids": {bid.listing: (bid.amount, bid.winning, bid.refund_due) for bid in state.bids},
        "standing": (state.standing_bids, state.bids_escrowed, state.open_bids, state.locked, state.open_keys),
        "items": set(state.items.rows),
        "deliveries": sorted(
            (row.kind, row.listing or "", row.gold, *(item.item for item in row.items)) for row in state.deliveries
        ),
        "told": sorted((row.type, str(row.data.get("listing"))) for row in state.notices),
    }


TestInterleaving = Interleaving.TestCase
TestInterleaving.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)


@pytest.mark.parametrize("seed", range(20))
def test_a_long_life(seed: int) -> None:
    """The same for longer than Hypothesis tries, so that several leads of one player are under way at once."""
    dice = random.Random(seed)
    life = Interleaving()
    life.open_stores()

    def roll(most: int = 2**16) -> int:
        return dice.randint(0, most)

    for _ in range(250):
        action = roll(99)
        if action < 55:
            life.bid_or_buy(roll(), roll(), roll(43) - 3, dice.choice((0, 2, 3, 4, 5, 5, 5, 5)), roll(40))
        elif action < 75 and life.open_trades():
            life.some_trade(roll(), roll(5))
        elif action < 80 and any(it.again for it in life.nodes.trades.values()):
            life.propose_again(5)
        elif action < 85 and life.nodes.unsent:
            life.carry(roll(), dice.random() < 0.5)
        elif action < 95:
            life.something_else(dice.choice(sorted(HOMES)), roll(5), roll(119) + 1, roll(), dice.random() < 0.5)
        elif action < 97 and life.asked:
            life.repeat(roll(), roll(5))
        elif action < 98 and any(it.commit is None for it in life.nodes.trades.values()):
            life.give_up(roll())
        else:
            life.wait(roll(2_000) + 1)
        life.open_trades_are_those_that_hold_something()
        life.listings_stand_as_in_the_other_house()
    life.teardown()
