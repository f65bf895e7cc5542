"""Timers of listings that trades between nodes hold, through whole nodes in memory."""

from auction.commands import GetListing, PlaceBid
from tests.node.many import HouseInMemory
from tests.node.test_trades import HOUR_S, Market


def market_before_its_end(seconds: int) -> Market:
    """The listing, which is led from another node, ends in so many seconds."""
    market = Market(HouseInMemory())
    assert market.bid(market.ann, 200)["winning"]
    for _ in range((HOUR_S - seconds) // 10):
        market.house.reactor.advance(10)
        market.house.pass_time(0.05)
    return market


def test_trades_on_a_listing_do_not_fill_the_timers() -> None:
    """However often it is bid on from other nodes, its end is known once: what fills the heap keeps others out."""
    market = market_before_its_end(20)
    timers = market.house.nodes["n1"].node.timers
    before = len(timers)
    for amount in range(201, 220):
        assert market.bid(market.ann, amount)["winning"]
    assert len(timers) == before == 1


def test_a_listing_whose_end_came_while_a_trade_held_it_ends_when_the_trade_does() -> None:
    """However long that took, and though its timer is spent; what was promised before the end is done before it."""
    market = market_before_its_end(30)
    house = market.house
    house.wire.drop = lambda _sender, _to, frame: b"accept" in frame or b"propose" in frame
    house.begin(market.ann, PlaceBid(listing=market.listing, amount=500)).addErrback(lambda _: None)
    house.pass_time(45)
    assert market.ask(market.seller, GetListing(listing=market.listing))["listing"]["state"] == "open"
    house.wire.drop = lambda *_: False
    house.pass_time(6)
    assert market.ask(market.seller, GetListing(listing=market.listing))["listing"]["state"] == "sold"
    assert market.gold(market.ann) == (900, 0)
