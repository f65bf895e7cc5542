"""Random lives of players who make one another offers, beside a naive book in which everything happens at once.

On one node every answer is the book's. On three, trades are prepared, decided, given up and settled in any order, and
transfers come late, twice, or while a trade is open; what was decided is put in the book at that moment, and must be
possible there. Whenever nothing is under way, every answer is the book's again, and so is all that anybody owns. After
every step the whole house is conserved and its stores agree, with what lies between them explained
(`tests.auction.nodes.Nodes.check`).
"""

import random
from typing import Any, ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from auction import ids
from auction.commands import AcceptOffer, ClaimDelivery, DeclineOffer, MakeOffer, OfferSide, Take, WithdrawOffer
from auction.context import Answer
from auction.outcomes import Executed, Locked, Undecided
from auction.player_state import PlayerState
from auction.refusals import Refusal
from auction.results import OfferResult
from auction.state import Delivery
from tests.auction.house import replayed, rows_of, store_of
from tests.auction.naive_offers import NaiveOffers, Purse
from tests.auction.nodes import Nodes, Trade
from tests.auction.offering import expire
from worlddata.types import Rules

RULES = Rules(max_offers=3, offers_inbox_max=3, offers_from_one_max=2, stash_capacity=1_000)
PLAYERS = ["al", "bo", "cy"]
COMMODITIES = ("tin", "salt")
players = st.sampled_from(PLAYERS)
pick = st.integers(0, 2**16)
steps = st.integers(0, 5) | st.just(5)
"""Of a trade: two votes, the decision, two settlements."""


class Offering(RuleBasedStateMachine):
    """Three players, and every delay there is between their nodes."""

    HOMES: ClassVar[dict[str, str]] = {"al": "n1", "bo": "n2", "cy": "n3"}

    def __init__(self) -> None:
        super().__init__()
        self.nodes = Nodes(self.HOMES, RULES)
        self.book = NaiveOffers(RULES, PLAYERS)
        self.names: list[str] = []
        """Of all offers ever made."""
        self.asked: list[tuple[str, Any]] = []
        self.proposed_ms: dict[str, int] = {}
        """When trades were."""

    @initialize()
    def open_stores(self) -> None:
        """Each player begins with a little of everything."""
        for player in PLAYERS:
            self.grant(player, 40, 2, 5)

    def is_quiet(self) -> bool:
        """Whether nothing is under way."""
        return not self.nodes.unsent and not self.open_trades()

    def open_trades(self) -> list[str]:
        """The trades that are not over."""
        return [trade for trade, it in self.nodes.trades.items() if not it.is_over()]

    def grant(self, player: str, gold: int, items: int, pieces: int) -> None:
        """Something enters."""
        goods = dict.fromkeys(COMMODITIES, pieces)
        granted = self.nodes.grant(player, gold=gold, items=items, commodities=goods)
        self.book.purses[player].get(OfferSide(gold=gold, items=granted, commodities=goods))

    @rule(player=players, gold=st.integers(0, 20), items=st.integers(0, 1), pieces=st.integers(0, 3))
    def something_enters(self, player: str, gold: int, items: int, pieces: int) -> None:
        """Gold, items and commodities."""
        self.grant(player, gold, items, pieces)

    @rule(player=players, gold=st.integers(0, 20))
    def gold_leaves(self, player: str, gold: int) -> None:
        """But none that a trade holds."""
        before = self.nodes.state(player).gold()
        taken = self.nodes.ask("mint", Take(key=f"t{len(self.nodes.records)}", player=player, gold=gold), "service")
        assert isinstance(taken, Refusal | Undecided) == (gold > before)
        if gold <= before:
            self.book.purses[player].gold -= gold

    @rule(maker=players, other=st.integers(1, 2), gold=pick, items=pick, pieces=pick, lasts=st.booleans(), steps=steps)
    def make(self, maker: str, other: int, gold: int, items: int, pieces: int, lasts: bool, steps: int) -> None:
        """An offer of what is there, and now and then of what is not."""
        to = PLAYERS[(PLAYERS.index(maker) + other) % len(PLAYERS)]
        give = self.some(maker, gold % 256, items % 256, pieces % 256)
        want = self.some(to, gold // 256, items // 256, pieces // 256)
        if give == want == OfferSide():
            give = OfferSide(gold=1)
        ask = MakeOffer(to=to, give=give, want=want, expires_s=600 if lasts else 5, key=f"k{len(self.asked)}")
        self.ask(maker, ask, steps)

    def some(self, player: str, gold: int, items: int, pieces: int) -> OfferSide:
        """A part of what a player has by the book, or a little more than that."""
        purse = self.book.purses[player]
        held = sorted(purse.items)
        chosen = held[: items % 3] if items % 16 else ["nonsense"]
        goods = {name: pieces % 4 for name in COMMODITIES[: pieces % 3] if pieces % 4}
        return OfferSide(gold=gold % 30 if gold % 3 else 0, items=chosen, commodities=goods)

    @precondition(lambda self: self.names)
    @rule(kind=st.sampled_from((AcceptOffer, AcceptOffer, DeclineOffer, WithdrawOffer)), place=pick, steps=steps)
    def answer(self, kind: Any, place: int, steps: int) -> None:
        """One of the latest offers is accepted, declined or withdrawn, nearly always by who may."""
        offer = self.names[-5:][place % len(self.names[-5:])]
        terms = self.book.offers.get(offer)
        player = PLAYERS[place % len(PLAYERS)]
        if terms is not None and place % 16:
            player = terms.maker if kind is WithdrawOffer else terms.to
        self.ask(player, kind(offer=offer, key=f"k{len(self.asked)}"), steps)

    @precondition(lambda self: self.asked)
    @rule(place=pick, steps=steps)
    def repeat(self, place: int, steps: int) -> None:
        """A key is used again: what was done is done no second time."""
        player, ask = self.asked[place % len(self.asked)]
        stored = self.nodes.state(player).keys.get(f"\n{ask.key}")
        if stored is None:
            self.ask(player, ask, steps, again=True)
        else:
            records = len(self.nodes.records)
            assert self.nodes.ask(player, ask).encoded == stored.answer
            assert len(self.nodes.records) == records

    def ask(self, player: str, ask: Any, steps: int, *, again: bool = False) -> None:
        """Ask, and let a trade that it opens go on; the answer is the book's where nothing else is under way."""
        if not again:
            self.asked.append((player, ask))
        expected = self.expected(player, ask) if self.is_quiet() else None
        told = self.nodes.ask(player, ask)
        if isinstance(told, str):
            self.proposed_ms[told] = self.nodes.now_ms
            self.go_on(told, 5 if expected not in (None, "ok") else steps)
            it = self.nodes.trades[told]
            if expected is not None and it.commit is not None:
                assert _heard(it.answer) == expected if not it.commit else expected == "ok"
        elif isinstance(told, OfferResult):
            self.done(player, ask, told.offer)
        if expected is not None and not isinstance(told, str):
            assert _heard(told) == expected

    def expected(self, player: str, ask: Any) -> str:
        """What the book says to it."""
        now_ms = self.nodes.now_ms
        if isinstance(ask, MakeOffer):
            return self.book.can_make(player, ask, now_ms)
        if isinstance(ask, AcceptOffer):
            return self.book.can_accept(player, ask.offer, now_ms)
        return self.book.can_end(player, ask.offer, now_ms, by_maker=isinstance(ask, WithdrawOffer))

    def done(self, player: str, ask: Any, offer: str, trade: str | None = None) -> None:
        """Put it in the book. A trade makes an offer as of its proposal, and accepts one as of its maker's vote."""
        now_ms = self.nodes.now_ms
        if isinstance(ask, MakeOffer):
            assert ask.expires_s is not None
            made_at_ms = now_ms if trade is None else self.proposed_ms[trade]
            self.book.make(offer, player, ask, made_at_ms + ask.expires_s * 1000, now_ms)
            self.names.append(offer)
        elif isinstance(ask, AcceptOffer):
            self.book.accept(player, offer, now_ms if trade is None else self.nodes.trades[trade].prepared_at_ms)
        elif isinstance(ask, WithdrawOffer):
            self.ended(offer, self.book.offers[offer].to, "withdrawn")
        else:
            self.book.forget(player, offer, "declined")
            if self.HOMES[player] == self.HOMES[self.maker_of(offer)]:
                self.book.end(offer, "declined")

    def ended(self, offer: str, to: str, how: str) -> None:
        """In its maker's store; the other hears of it at once only on the same node."""
        self.book.end(offer, how)
        if self.HOMES[to] == self.HOMES[self.maker_of(offer)]:
            self.book.forget(to, offer, how)

    def maker_of(self, offer: str) -> str:
        """Who made an offer."""
        return self.name_of(ids.minter(offer))

    def name_of(self, store: str) -> str:
        """Whose store it is."""
        return next(player for player in PLAYERS if store == store_of(player))

    @precondition(lambda self: self.open_trades())
    @rule(place=pick, steps=steps)
    def some_trade(self, place: int, steps: int) -> None:
        """A trade goes on: votes, the decision, the outcome in one store and then in the other."""
        trades = self.open_trades()
        self.go_on(trades[place % len(trades)], steps, place)

    def go_on(self, trade: str, steps: int, place: int = 0) -> None:
        """Up to so many steps of a trade; one that must wait stops there."""
        for _ in range(steps):
            it = self.nodes.trades[trade]
            waiting = [store for store in it.proposal.legs if store not in it.votes and store not in it.refusals]
            unsettled = sorted(set(it.votes) - it.settled)
            if it.commit is None and waiting and not it.refusals:
                if isinstance(self.nodes.prepare(trade, waiting[place % len(waiting)]), Locked):
                    return
            elif it.commit is None:
                self.decide(trade, it)
            elif unsettled:
                self.nodes.settle(trade, unsettled[place % len(unsettled)])

    def decide(self, trade: str, it: Trade, *, give_up: bool = False) -> None:
        """A trade is decided: that is when it happens."""
        self.nodes.decide(trade, give_up=give_up)
        if it.commit:
            self.done(it.request.caller.player, it.request.ask, it.proposal.subject, trade)

    @precondition(lambda self: any(it.commit is None for it in self.nodes.trades.values()))
    @rule(place=pick)
    def give_up(self, place: int) -> None:
        """The coordinator of a trade gives it up, or dies, whatever the votes are."""
        trades = [(trade, it) for trade, it in self.nodes.trades.items() if it.commit is None]
        self.decide(*trades[place % len(trades)], give_up=True)

    @precondition(lambda self: self.nodes.unsent)
    @rule(place=pick, acknowledged=st.booleans())
    def carry(self, place: int, acknowledged: bool) -> None:
        """A transfer arrives, in turn or not; its acknowledgement may be lost."""
        self.carry_one(*self.nodes.unsent[place % len(self.nodes.unsent)], acknowledged=acknowledged)

    def carry_one(self, sender: str, sent: Any, *, acknowledged: bool) -> bool:
        """Whether it could be taken in, now or before."""
        outcome = self.nodes.carry_one(sender, sent)
        if not isinstance(outcome, Executed):
            return False
        if outcome.record:
            offer, how = sent.payload.offer, sent.payload.state
            if how == "declined":
                self.book.end(offer, how)
            else:
                self.book.forget(self.name_of(sent.to), offer, how)
        if acknowledged:
            self.nodes.unsent.remove((sender, sent))
        return True

    @rule(player=players)
    def claim(self, player: str) -> None:
        """The oldest of what waits is claimed."""
        for row in list(self.nodes.state(player).deliveries)[:1]:
            told = self.nodes.ask(player, ClaimDelivery(delivery=row.delivery))
            assert not isinstance(told, Refusal), told
            self.book.claim(player, *_as_told(row))

    @rule(wait_ms=st.integers(1, 1_000) | st.integers(1, 20_000), fires=st.booleans())
    def wait(self, wait_ms: int, fires: bool) -> None:
        """Time passes, and timers fire, if not at once; those of offers that a trade holds have to come again."""
        self.nodes.now_ms += wait_ms
        for player in PLAYERS if fires else ():
            for offer in self.nodes.state(player).due_offers(self.nodes.now_ms):
                to = self.nodes.state(player).offers.rows[offer].to
                if not isinstance(expire(self.nodes, offer), Locked):
                    self.ended(offer, to, "expired")

    @rule(place=pick)
    def settle_everything(self, place: int) -> None:
        """All that is under way comes to its end; then everybody owns what the book says, and was told the same."""
        for trade in self.open_trades():
            it = self.nodes.trades[trade]
            if it.commit is None:
                self.decide(trade, it, give_up=bool(place % 2))
            for store in sorted(set(it.votes) - it.settled):
                self.nodes.settle(trade, store)
        while self.nodes.unsent:
            for sender, sent in list(self.nodes.unsent):
                assert self.carry_one(sender, sent, acknowledged=True)
        for player in PLAYERS:
            state = self.nodes.state(player)
            assert _owned(state) == self.book.purses[player]
            waiting = sorted(map(str, map(_as_told, state.deliveries)))
            assert waiting == sorted(map(str, self.book.waiting[player]))
            mine = {offer for offer, terms in self.book.offers.items() if terms.maker == player}
            assert (set(state.offers.rows), set(state.inbox.rows)) == (mine, self.book.inboxes[player])
            told = [(row.data["offer"], row.data["state"]) for row in state.notices if "offer" in row.data]
            assert sorted(map(str, told)) == sorted(map(str, self.book.told[player]))

    def teardown(self) -> None:
        """At the end of a life the records tell it again, and the rows all that is derived."""
        self.settle_everything(0)
        assert self.nodes.check().open_trades == 0
        again = replayed(self.nodes.records)
        for store, state in self.nodes.states.items():
            if state.head() is not None:
                assert rows_of(again[store]) == rows_of(state)
                before = rows_of(state)
                state.recount()
                assert rows_of(state) == before


class OfferingOnOneNode(Offering):
    """The same where everybody is at home on one node, and nothing is ever under way."""

    HOMES: ClassVar[dict[str, str]] = {"al": "n1", "bo": "n1", "cy": "n1"}


class OfferingOnTwoNodes(Offering):
    """The same with both kinds of neighbours."""

    HOMES: ClassVar[dict[str, str]] = {"al": "n1", "bo": "n2", "cy": "n1"}


def _heard(told: Any) -> str:
    """What somebody heard, as the book puts it."""
    body = told.body if isinstance(told, Answer) else told
    if isinstance(body, Refusal):
        return body.reason
    return "ok" if isinstance(body, OfferResult) else type(body).__name__


def _owned(state: PlayerState) -> Purse:
    purse = Purse(state.gold(), set(state.items.rows))
    purse.goods.update({row.commodity: row.quantity for row in state.commodities})
    return purse


def _as_told(row: Delivery) -> tuple[str, OfferSide]:
    """A delivery as the book has it."""
    return row.kind, OfferSide(gold=row.gold, items=[item.item for item in row.items], commodities=row.commodities)


LIVES = settings(max_examples=40, stateful_step_count=50, deadline=None)
TestOffering = Offering.TestCase
TestOffering.settings = LIVES
TestOfferingOnOneNode = OfferingOnOneNode.TestCase
TestOfferingOnOneNode.settings = LIVES
TestOfferingOnTwoNodes = OfferingOnTwoNodes.TestCase
TestOfferingOnTwoNodes.settings = LIVES


@pytest.mark.parametrize("kind", [Offering, OfferingOnTwoNodes])
@pytest.mark.parametrize("seed", range(6))
def test_a_long_life(kind: type[Offering], seed: int) -> None:
    """The same for longer than Hypothesis tries, so that much is under way at once."""
    dice = random.Random(seed)
    life = kind()
    life.open_stores()

    def roll(most: int = 2**16) -> int:
        return dice.randint(0, most)

    for _ in range(300):
        action, some_steps = roll(99), dice.choice((0, 2, 3, 4, 5, 5, 5))
        if action < 30:
            life.make(dice.choice(PLAYERS), roll(1) + 1, roll(), roll(), roll(), roll(3) > 0, some_steps)
        elif action < 55 and life.names:
            life.answer(dice.choice((AcceptOffer, AcceptOffer, DeclineOffer, WithdrawOffer)), roll(), some_steps)
        elif action < 75 and life.open_trades():
            life.some_trade(roll(), roll(5))
        elif action < 85 and life.nodes.unsent:
            life.carry(roll(), dice.random() < 0.5)
        elif action < 88:
            life.claim(dice.choice(PLAYERS))
        elif action < 91 and life.asked:
            life.repeat(roll(), some_steps)
        elif action < 93 and any(it.commit is None for it in life.nodes.trades.values()):
            life.give_up(roll())
        elif action < 95:
            life.something_enters(dice.choice(PLAYERS), roll(20), roll(1), roll(3))
        elif action < 98:
            life.wait(roll(2_000) + 1, dice.random() < 0.6)
        else:
            life.settle_everything(roll())
    life.teardown()
