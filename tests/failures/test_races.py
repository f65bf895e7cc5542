"""Two who want the same at once, and lines that break at the worst moment."""

from typing import Any

import pytest
from twisted.python.failure import Failure

from auction.commands import (
    BuyOut,
    CancelListing,
    ClaimDelivery,
    CreateListing,
    GetListing,
    GetPlayer,
    Grant,
    GrantedItem,
    ListDeliveries,
    PlaceBid,
)
from auction.context import Answer
from auction.refusals import Refusal
from shardnode.wire.errors import InDoubt, Unavailable
from tests.node.house import EPOCH_S, HOUR_S
from tests.node.many import HouseInMemory

PRICE = 500


class Stall:
    """A house of three nodes: a seller on one, two buyers on the others, and one item for sale."""

    def __init__(self) -> None:
        self.house = HouseInMemory(3)
        self.seller, self.ann, self.bob = (self.house.player_at(node) for node in ("n1", "n2", "n3"))
        self.items: dict[str, str] = {}
        for player in (self.seller, self.ann, self.bob):
            gift = Grant(key="g", player=player, gold=1_000, items=[GrantedItem(base="tide_oar")])
            granted = self.body("game", gift, role="service", through=self.house.home_of(player))
            self.items[player] = granted.items[0].item
        self.goods = self.items[self.seller]

    def body(self, player: str, ask: Any, **how: Any) -> Any:
        """The result or Refusal of a request that is answered."""
        answer = self.house.ask(player, ask, **how)
        assert isinstance(answer, Answer)
        return answer.body

    def sell(self, *, start_bid: int | None = None, buyout: int | None = None) -> str:
        """Put the item up for an hour."""
        ask = CreateListing(item=self.goods, duration_s=HOUR_S, start_bid=start_bid, buyout=buyout)
        listing: str = self.body(self.seller, ask).listing.listing
        return listing

    def at_once(self, *asks: tuple[str, Any]) -> list[Any]:
        """Send several requests before any of them is looked at; what each came to."""
        heard: list[list[Any]] = [[] for _ in asks]
        for (player, ask), outcomes in zip(asks, heard, strict=True):
            self.house.begin(player, ask).addBoth(outcomes.append)
        self.house.work()
        self.house.pass_time(1.0)
        self.house.check_whole()
        return [outcome for (outcome,) in heard]

    def owners(self) -> list[str]:
        """In whose deliveries or stash the item is."""
        found = []
        for player in (self.seller, self.ann, self.bob):
            state = self.house.nodes[self.house.home_of(player)].node.stores.state(
                self.house.nodes["n1"].node.names.store_of(player)
            )
            assert state is not None and state.kind == "player"
            places = [*state.items, *(item for delivery in state.deliveries for item in delivery.items)]
            found += [player for item in places if item.item == self.goods]
        return found

    def left_s(self, listing: str) -> float:
        """Seconds until the listing ends."""
        view = self.body(self.seller, GetListing(listing=listing)).listing
        return float(view.ends_at_ms / 1000 - EPOCH_S - self.house.reactor.seconds())

    def gold(self, player: str) -> tuple[int, int]:
        """Wallet and escrow."""
        gold = self.body(player, GetPlayer()).gold
        return gold.available, gold.escrowed


@pytest.fixture
def stall() -> Stall:
    """Everybody is there."""
    return Stall()


def reason(outcome: Any) -> str:
    """Why something was not done, "" where it was."""
    if isinstance(outcome, Failure):
        assert isinstance(outcome.value, Unavailable | InDoubt)
        return outcome.value.reason
    return outcome.body.reason if isinstance(outcome.body, Refusal) else ""


def test_two_sessions_of_one_player(stall: Stall) -> None:
    """The story: a player logged in twice and spent the same gold in both windows. Here the gold is spent once,
    whatever node each session is on.
    """
    first = stall.sell(buyout=600)
    other = CreateListing(item=stall.items[stall.bob], buyout=600, duration_s=HOUR_S)
    second = stall.body(stall.bob, other).listing.listing
    heard: list[Any] = []
    for node, listing in (("n1", first), ("n3", second)):
        ask = BuyOut(listing=listing, price=600)
        stall.house.begin(stall.ann, ask, through=node).addBoth(heard.append)
    stall.house.work()
    stall.house.pass_time(1.0)
    assert sorted(map(reason, heard)) in (["", "insufficient_gold"], ["", "unavailable"])
    assert stall.gold(stall.ann) == (400, 0)


def test_two_sessions_claim_one_delivery(stall: Stall) -> None:
    """The story: a mail with gold was opened in two windows at once, and paid twice. Here one of them is told that it
    was claimed.
    """
    listing = stall.sell(buyout=PRICE)
    stall.body(stall.ann, BuyOut(listing=listing, price=PRICE))
    (proceeds,) = stall.body(stall.seller, ListDeliveries()).deliveries
    claim = ClaimDelivery(delivery=proceeds.delivery)
    heard: list[Any] = []
    for node in ("n2", "n3"):
        stall.house.begin(stall.seller, claim, through=node).addBoth(heard.append)
    stall.house.work()
    assert sorted(map(reason, heard)) == ["", "delivery_claimed"]
    assert stall.gold(stall.seller)[0] == 1_000 + proceeds.gold


def test_buyout_against_buyout(stall: Stall) -> None:
    """The story: two buyers pressed at the same instant and both were given the sword. Here one gets it, the other
    keeps the gold.
    """
    listing = stall.sell(buyout=PRICE)
    ask = BuyOut(listing=listing, price=PRICE)
    outcomes = stall.at_once((stall.ann, ask), (stall.bob, ask))
    assert sorted(map(reason, outcomes)) == ["", "listing_closed"]
    assert len(stall.owners()) == 1
    assert sorted(stall.gold(player) for player in (stall.ann, stall.bob)) == [(500, 0), (1_000, 0)]


def test_cancel_against_bid(stall: Stall) -> None:
    """The story: a seller cancelled while a bid was on its way; the item came back and the bid paid all the same. Here
    either the bid is refused or the cancellation is.
    """
    listing = stall.sell(start_bid=10)
    outcomes = stall.at_once(
        (stall.ann, PlaceBid(listing=listing, amount=50)), (stall.seller, CancelListing(listing=listing))
    )
    assert sorted(map(reason, outcomes)) in (["", "has_bids"], ["", "listing_closed"])
    led = reason(outcomes[0]) == ""
    assert stall.gold(stall.ann) == ((950, 50) if led else (1_000, 0))
    assert stall.owners() == ([] if led else [stall.seller])


def test_bid_against_the_end(stall: Stall) -> None:
    """The story: a bid in the last instant was taken after the auction had been paid out, and its gold was gone. Here
    a bid is before the end or is refused, and what is promised before the end is kept.
    """
    listing = stall.sell(start_bid=10)
    stall.body(stall.bob, PlaceBid(listing=listing, amount=100))
    stall.house.reactor.advance(stall.left_s(listing) - 0.01)
    heard: list[Any] = []
    stall.house.begin(stall.ann, PlaceBid(listing=listing, amount=300)).addBoth(heard.append)
    stall.house.work()
    stall.house.pass_time(60.0)
    assert len(heard) == 1
    led = reason(heard[0]) == ""
    stall.house.pass_time(max(stall.left_s(listing), 0) + 2)
    winner, loser = (stall.ann, stall.bob) if led else (stall.bob, stall.ann)
    assert stall.owners() == [winner]
    assert stall.gold(loser) == (1_000, 0)
    assert stall.gold(winner)[1] == 0


@pytest.mark.parametrize("frames", range(14))
def test_the_line_breaks_at_every_step_of_a_trade(stall: Stall, frames: int) -> None:
    """The story: pulling the plug at the right moment of a trade left the goods with both. Here the line between buyer
    and seller is cut after any number of frames, and mended: the trade is whole or it is not, and the caller is told or
    learns it by the key.
    """
    listing = stall.sell(buyout=PRICE)
    heard: list[Any] = []
    ask = BuyOut(listing=listing, price=PRICE, key="once")
    stall.house.begin(stall.ann, ask).addBoth(heard.append)
    seen = 0
    for _ in range(200):
        seen += len(stall.house.wire.frames)
        if seen >= frames:
            break
        stall.house.step()
    stall.house.wire.sever("n1", "n2")
    stall.house.pass_time(6.0)
    stall.house.wire.heal("n1", "n2")
    stall.house.pass_time(6.0)
    stall.house.check_whole()
    assert len(heard) == 1
    again = stall.house.ask(stall.ann, ask)
    stall.house.pass_time(2.0)
    assert reason(again) == ""
    assert stall.owners() == [stall.ann]
    assert stall.gold(stall.ann) == (500, 0)
    assert sum(delivery.gold for delivery in stall.body(stall.seller, ListDeliveries()).deliveries) == 425


def test_the_seller_is_gone_before_it_is_settled(stall: Stall) -> None:
    """The story: a sale to which the seller was no longer logged in was paid to nobody. Here the proceeds wait, however
    long, through a death of the seller's node at the moment of the sale.
    """
    listing = stall.sell(buyout=PRICE)
    heard: list[Any] = []
    stall.house.begin(stall.ann, BuyOut(listing=listing, price=PRICE, key="k")).addBoth(heard.append)
    for _ in range(4):
        stall.house.step()
    stall.house.crash("n1")
    stall.house.pass_time(6.0)
    stall.house.restart("n1")
    stall.house.pass_time(6.0)
    again = stall.house.ask(stall.ann, BuyOut(listing=listing, price=PRICE, key="k"))
    assert reason(again) == ""
    stall.house.pass_time(2.0)
    assert stall.owners() == [stall.ann]
    (proceeds,) = stall.body(stall.seller, ListDeliveries()).deliveries
    assert (proceeds.kind, proceeds.gold) == ("proceeds", 425)


def test_done_but_unheard_and_sent_again_through_another_node(stall: Stall) -> None:
    """The story: the purchase went through, the answer was lost, the client bought again elsewhere, and paid twice.
    Here the key gives the first answer, through whatever node it is asked for.
    """
    listing = stall.sell(buyout=PRICE)
    ask = BuyOut(listing=listing, price=PRICE, key="mine")
    first = stall.house.ask(stall.ann, ask, through="n3")
    for through in ("n1", "n2", "n3"):
        again = stall.house.ask(stall.ann, ask, through=through)
        assert reason(again) == ""
        assert again.encoded == first.encoded or again.body == first.body
    assert stall.gold(stall.ann) == (500, 0)
    assert stall.owners() == [stall.ann]
