"""Trades between players of different nodes, through whole nodes in memory, their links and their disks."""

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from auction.commands import (
    BuyOut,
    CancelListing,
    CreateListing,
    EventsSince,
    GetListing,
    GetPlayer,
    Grant,
    GrantedItem,
    ListDeliveries,
    MyBids,
    PlaceBid,
    SearchListings,
)
from auction.context import Answer
from auction.refusals import Refusal
from shardnode.wire.errors import InDoubt, Unavailable
from tests.auction.house import CATALOG
from tests.node.many import HouseInMemory

HOUR_S = 3_600


@pytest.fixture
def house() -> HouseInMemory:
    """Three nodes."""
    return HouseInMemory()


def told(answer: Answer) -> Any:
    """What an answer says, as plain data or as a Refusal."""
    import msgspec

    if answer.refused:
        return answer.body
    return msgspec.msgpack.decode(answer.encoded) if answer.encoded else msgspec.to_builtins(answer.body)


class Market:
    """A seller at n1, bidders at n2 and n3, and what they do."""

    def __init__(self, house: HouseInMemory) -> None:
        self.house = house
        self.seller = house.player_at("n1")
        self.ann, self.bob = house.player_at("n2"), house.player_at("n3")
        self._keys = 0
        for player in (self.seller, self.ann, self.bob):
            self.grant(player, gold=1_000)
        item = self.grant(self.seller, items=1)["items"][0]["item"]
        created = self.ask(self.seller, CreateListing(item=item, start_bid=100, buyout=900, duration_s=HOUR_S))
        self.listing = created["listing"]["listing"]

    def ask(self, player: str, ask: Any, **how: Any) -> Any:
        """Ask through any node; plain data or a Refusal."""
        return told(self.house.ask(player, ask, **how))

    def grant(self, player: str, gold: int = 0, items: int = 0) -> Any:
        """Give gold and items."""
        self._keys += 1
        given = [GrantedItem(base=next(iter(CATALOG.bases)))] * items
        ask = Grant(key=f"g{self._keys}", player=player, gold=gold, items=given)
        return self.ask("game", ask, through=self.house.home_of(player), role="service")

    def bid(self, player: str, amount: int, **how: Any) -> Any:
        """Bid on the listing."""
        return self.ask(player, PlaceBid(listing=self.listing, amount=amount, key=how.pop("key", None)), **how)

    def gold(self, player: str) -> tuple[int, int]:
        """What a player can spend, and what its bids hold."""
        gold = self.ask(player, GetPlayer())["gold"]
        return gold["available"], gold["escrowed"]


@pytest.fixture
def market(house: HouseInMemory) -> Market:
    """Three players who live apart."""
    return Market(house)


def test_a_bid_on_another_node_leads(market: Market) -> None:
    """The bidder's gold is in escrow, the listing shows its price, and it is among the bidder's bids."""
    assert market.bid(market.ann, 200)["winning"]
    assert market.gold(market.ann) == (800, 200)
    shown = market.ask(market.bob, GetListing(listing=market.listing))["listing"]
    assert (shown["price"], shown["bids"]) == (100, 1)
    assert market.ask(market.ann, MyBids())["bids"][0]["amount"] == 200


def test_who_is_outbid_on_another_node_gets_its_gold_back(market: Market) -> None:
    """The refund of the former leader crosses from the seller's node to its own, and it is told."""
    market.bid(market.ann, 200)
    assert market.bid(market.bob, 300)["winning"]
    market.house.work()
    assert market.gold(market.ann) == (1_000, 0)
    assert [event["type"] for event in market.ask(market.ann, EventsSince(seq=0))["events"]] == ["listing.outbid"]


def test_a_losing_bid_is_told_outbid_and_holds_nothing(market: Market) -> None:
    """It has moved the price on the other node all the same."""
    market.bid(market.ann, 200)
    lost = market.bid(market.bob, 150)
    assert isinstance(lost, Refusal) and lost.reason == "outbid" and lost.data["price"] == 157
    assert market.gold(market.bob) == (1_000, 0)


def test_the_leader_raises_by_the_difference(market: Market) -> None:
    """A raise across nodes holds only what is new."""
    market.bid(market.ann, 200)
    assert market.bid(market.ann, 500)["winning"]
    assert market.gold(market.ann) == (500, 500)


def test_a_buyout_across_nodes_is_answered_with_its_goods_waiting(market: Market) -> None:
    """When the answer is there the item waits as a delivery, and the seller has its proceeds."""
    bought = market.ask(market.ann, BuyOut(listing=market.listing, price=900))
    assert bought["paid"] == 900
    deliveries = market.ask(market.ann, ListDeliveries())["deliveries"]
    assert [delivery["kind"] for delivery in deliveries] == ["bought"]
    assert market.gold(market.ann) == (100, 0)
    assert market.ask(market.seller, ListDeliveries())["deliveries"][0]["gold"] == 765


def test_a_request_through_any_node_reaches_its_home(market: Market) -> None:
    """A bid asked of a node that is home to neither side is executed once, and its key is good everywhere."""
    first = market.bid(market.ann, 200, key="k", through="n1")
    again = market.bid(market.ann, 200, key="k", through="n3")
    assert first == again and market.gold(market.ann) == (800, 200)


def test_a_refusal_of_the_listing_comes_before_the_wallet(market: Market) -> None:
    """Who cannot pay learns first what the listing has against it, and then that it cannot pay."""
    market.bid(market.bob, 300)
    assert market.bid(market.ann, 50).reason == "bid_too_low"
    assert market.bid(market.ann, 899_999).reason == "price_out_of_range"
    assert market.ask(market.ann, BuyOut(listing=market.listing, price=1)).reason == "price_changed"
    poor = market.house.player_at("n2", but=(market.ann,))
    assert market.bid(poor, 500).reason == "insufficient_gold"


def test_cancelling_the_listing_of_another_node_is_refused(market: Market) -> None:
    """It is not one's own, or it is not there."""
    assert market.ask(market.ann, CancelListing(listing=market.listing)).reason == "not_owner"
    missing = market.listing.rsplit(".", 1)[0] + ".l99"
    assert market.ask(market.ann, CancelListing(listing=missing)).reason == "no_such_listing"


@pytest.mark.parametrize("steps", range(12))
def test_bids_are_shown_while_another_is_made(market: Market, steps: int) -> None:
    """Whenever a further bid is decided, a question for all bids under way is answered, with it or without it."""
    market.bid(market.ann, 150)
    item = market.grant(market.seller, items=1)["items"][0]["item"]
    created = market.ask(market.seller, CreateListing(item=item, start_bid=100, duration_s=HOUR_S))
    market.house.begin(market.ann, PlaceBid(listing=created["listing"]["listing"], amount=150))
    for _ in range(steps):
        market.house.step()
    assert len(market.ask(market.ann, MyBids())["bids"]) in (1, 2)
    assert len(market.ask(market.ann, MyBids())["bids"]) == 2


def test_every_node_finds_every_open_listing(market: Market) -> None:
    """Search never leaves the node, and finds what lives elsewhere; what has ended leaves every index."""
    market.house.pass_time(1)
    for node in ("n1", "n2", "n3"):
        assert len(market.ask(market.bob, SearchListings(), through=node)["listings"]) == 1
    market.ask(market.ann, BuyOut(listing=market.listing, price=900))
    market.house.pass_time(1)
    for node in ("n1", "n2", "n3"):
        assert market.ask(market.bob, SearchListings(), through=node)["listings"] == []


def test_the_winner_on_another_node_gets_its_goods_when_the_listing_ends(market: Market) -> None:
    """Goods and the rest of its maximum cross over when the time has come."""
    market.bid(market.ann, 500)
    market.house.pass_time(HOUR_S + 2)
    assert market.gold(market.ann) == (900, 0)
    assert [delivery["kind"] for delivery in market.ask(market.ann, ListDeliveries())["deliveries"]] == ["won"]


def test_with_the_sellers_node_down_a_bid_is_unavailable_and_the_others_trade(market: Market) -> None:
    """Nothing waits for the dead."""
    market.house.crash("n1")
    with pytest.raises(Unavailable):
        market.bid(market.ann, 200)
    assert market.gold(market.ann) == (1_000, 0)
    item = market.grant(market.bob, items=1)["items"][0]["item"]
    ask = CreateListing(item=item, start_bid=100, duration_s=HOUR_S)
    market.listing = market.ask(market.bob, ask)["listing"]["listing"]
    assert market.bid(market.ann, 200)["winning"]


def test_a_trade_whose_seller_dies_after_its_vote_ends_without_it(market: Market) -> None:
    """The two acceptors that live decide; the seller's node learns the outcome when it is back."""
    house = market.house
    answers: list[Any] = []
    house.begin(market.ann, PlaceBid(listing=market.listing, amount=200)).addBoth(answers.append)
    for _ in range(60):
        for node in house.nodes.values():
            node.work(rounds=1)
        if any(
            node.node.stores.state(market.listing.split(".")[0]) and node.node.trades.open_trades()
            for name, node in house.nodes.items()
            if name == "n1"
        ):
            break
        house.wire.deliver()
    house.wire.deliver()
    house.crash("n1")
    house.pass_time(6)
    house.restart("n1")
    house.pass_time(10)
    assert answers
    assert not any(node.node.trades.open_trades() for node in house.nodes.values())
    shown = market.ask(market.bob, GetListing(listing=market.listing))["listing"]
    assert market.gold(market.ann) == ((800, 200) if shown["bids"] else (1_000, 0))


def test_an_undecidable_trade_is_in_doubt_and_its_key_tells_later(market: Market) -> None:
    """With the others gone after their votes the caller hears `in_doubt`; its key tells one truth later."""
    house = market.house
    answers: list[Any] = []
    house.begin(market.ann, PlaceBid(listing=market.listing, amount=200, key="k")).addBoth(answers.append)
    seen: list[str] = []

    def drop(sender: str, _to: str, frame: bytes) -> bool:
        if b"accept" in frame and b"acceptors" not in frame:
            seen.append(sender)
        return b"accept" in frame

    house.wire.drop = drop
    house.pass_time(5)
    assert seen
    (failure,) = answers
    assert failure.check(InDoubt), failure
    house.wire.drop = lambda *_: False
    house.pass_time(8)
    assert market.bid(market.ann, 200, key="k")["winning"]
    assert market.gold(market.ann) == (800, 200)


def test_nothing_is_vouched_for_before_it_is_durable(market: Market) -> None:
    """While the disk of the bidder's node stands still its own YES does not count, however often it is asked for."""
    house = market.house
    lane = house.nodes[house.home_of(market.ann)].journal_lane
    waiting: list[tuple[Any, ...]] = []
    lane.do = lambda *work: waiting.append(work) or Deferred()  # type: ignore[method-assign]  # the disk stands still
    house.begin(market.ann, PlaceBid(listing=market.listing, amount=200)).addErrback(lambda _: None)
    accepted: list[str] = []

    def see(sender: str, _to: str, frame: bytes) -> bool:
        if b"\xa6accept" in frame:
            accepted.append(sender)
        return False  # n1 may recover the trade, and so decide that it is aborted

    house.wire.drop = see
    house.pass_time(1.5)
    assert waiting
    assert house.home_of(market.ann) not in accepted


def test_a_trade_in_doubt_is_forgotten_when_it_is_settled_though_the_other_side_is_dead(market: Market) -> None:
    """Nobody waits for it any more, so nothing of its caller is kept until the seller's node comes back."""
    house = market.house
    house.wire.drop = lambda _sender, _to, frame: b"accept" in frame
    answers: list[Any] = []
    house.begin(market.ann, PlaceBid(listing=market.listing, amount=200, key="k")).addBoth(answers.append)
    house.pass_time(5)
    assert answers[0].check(InDoubt)
    house.crash("n1")
    house.wire.drop = lambda *_: False
    house.pass_time(12)
    assert market.gold(market.ann)[1] in (0, 200)
    assert house.nodes["n2"].node.trades.awaited == 0
