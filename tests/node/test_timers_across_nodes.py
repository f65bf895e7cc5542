"""Timers of listings that trades between nodes hold, through whole nodes in memory."""

from tests.node.many import HouseInMemory
from tests.node.test_trades import Market


def test_trades_on_a_listing_do_not_fill_the_timers() -> None:
    """However often it is bid on from other nodes, its end is known once: what fills the heap keeps others out."""
    market = Market(HouseInMemory())
    node = market.house.nodes["n1"].node
    market.house.pass_time(3_600 - 20)
    market.bid(market.ann, 200)
    before = len(node.timers)
    for amount in range(201, 220):
        assert market.bid(market.ann, amount)["winning"]
    assert len(node.timers) == before
