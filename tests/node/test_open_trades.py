"""What a node says of its open trades, through whole nodes in memory."""

from auction.commands import PlaceBid
from shardnode.agreement.effects import OpenTrade
from shardnode.agreement.messages import TradeId
from shardnode.ops.open_trades import told
from tests.node.many import HouseInMemory
from tests.node.test_trades import Market

ROLES_AND_AGES = (("acceptor", 1), ("participant", 2), ("acceptor", 9), ("coordinator", 3))


def test_a_trade_that_outlived_its_coordinator_is_open_no_longer_once_it_is_settled() -> None:
    """Acceptors keep the register of a dead coordinator's trade for ever, but nobody waits for it."""
    market = Market(HouseInMemory())
    house = market.house
    house.wire.drop = lambda _sender, _to, frame: b"decided" in frame
    house.begin(market.ann, PlaceBid(listing=market.listing, amount=200)).addErrback(lambda _: None)
    house.pass_time(0.5)
    house.crash("n2")
    house.wire.drop = lambda *_: False
    house.restart("n2")
    house.pass_time(20)
    assert market.gold(market.ann) == (800, 200)
    for node in house.nodes.values():
        figures = node.metrics.render().decode().splitlines()
        assert "auction_trades_open 0.0" in figures and "auction_trades_oldest_seconds 0.0" in figures
    left = told(house.nodes["n1"].node.trades.open_trades())
    assert [row.role for row in left.trades] == ["acceptor"]


def test_what_holds_something_is_told_before_mere_votes() -> None:
    """However old these are."""
    trades = [OpenTrade(TradeId(1, "n1", 1, age), role, "", age, None, ()) for role, age in ROLES_AND_AGES]
    assert [(row.role, row.age_s) for row in told(trades).trades] == [
        ("coordinator", 3),
        ("participant", 2),
        ("acceptor", 9),
        ("acceptor", 1),
    ]
