"""A node that is full still does what it promised to trades between nodes, through whole nodes in memory."""

from typing import Any

import pytest

from auction.commands import GetPlayer, PlaceBid
from shardnode.node.awake_stores import StoreLimits
from shardnode.node.node import NodeLimits
from shardnode.wire.errors import Unavailable
from tests.node.many import HouseInMemory
from tests.node.test_trades import Market


def vote_of_the_seller_is_out(market: Market) -> None:
    """The seller's node has promised a bid, and dies before it hears more."""
    house = market.house
    answers: list[Any] = []
    house.begin(market.ann, PlaceBid(listing=market.listing, amount=200)).addBoth(answers.append)
    while not house.nodes["n1"].node.trades.open_trades():
        house.wire.deliver()
        for node in house.nodes.values():
            node.work(rounds=1)
    house.nodes["n1"].work(rounds=2)
    house.wire.deliver()
    house.crash("n1")
    house.pass_time(6)


def test_a_trade_is_settled_though_all_stores_in_memory_are_busy() -> None:
    """Promised is promised: its store is woken however many are awake, and the listing is free again."""
    market = Market(HouseInMemory())
    house = market.house
    vote_of_the_seller_is_out(market)
    full = StoreLimits(awake_max=2)
    house.nodes["n1"].limits = NodeLimits(stores=full)
    house.restart("n1")
    n1 = house.nodes["n1"].node
    others = [house.player_at("n1", but=(market.seller,))]
    others.append(house.player_at("n1", but=(market.seller, *others)))
    for _ in range(40):
        for player in others:
            house.begin(player, GetPlayer()).addErrback(lambda _: None)
        house.pass_time(0.25)
    assert [trade for trade in n1.trades.open_trades() if trade.role == "participant"] == []
    assert len(n1.stores) <= full.awake_max + 1


def test_a_node_that_is_behind_with_its_disk_promises_nothing_more_and_settles_what_it_has_promised() -> None:
    """Requests of other nodes' players are no way around its bounds; what is open ends all the same."""
    market = Market(HouseInMemory())
    house = market.house
    n1 = house.nodes["n1"].node
    house.wire.drop = lambda _sender, _to, frame: b"accept" in frame or b"propose" in frame
    house.begin(market.ann, PlaceBid(listing=market.listing, amount=200)).addErrback(lambda _: None)
    house.pass_time(0.5)
    n1.stores.limits = StoreLimits(dirty_max=0)
    house.wire.drop = lambda *_: False
    house.pass_time(3)
    assert market.gold(market.ann) == (800, 200)
    with pytest.raises(Unavailable):
        market.bid(market.bob, 300)
    n1.stores.limits = StoreLimits()
    assert market.bid(market.bob, 300)["winning"]
