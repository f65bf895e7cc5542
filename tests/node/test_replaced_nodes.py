"""A lost data directory is replaced by an empty one while the other nodes run, through whole nodes in memory."""

from msgspec.structs import replace

from auction.commands import GetListing, PlaceBid
from tests.node.many import HouseInMemory
from tests.node.test_trades import Market


def replace_node(house: HouseInMemory, node: str) -> None:
    """A node's disk is lost, and an operator says so to all."""
    house.crash(node)
    house.nodes[node].storage.wipe()
    house.wire.frames.clear()
    old = house.map
    entry = replace(old.nodes[node], since_epoch=old.epoch + 1)
    house.map = replace(old, version=old.version + 1, epoch=old.epoch + 1, nodes={**old.nodes, node: entry})
    for name, each in house.nodes.items():
        each.map = house.map
        if name != node:
            each.node.remap(house.map)
    house.restart(node)
    house.pass_time(3)


def test_pushes_reach_a_player_whose_home_was_replaced() -> None:
    """Its notices are counted anew from 1, and those of the old directory are no measure for them."""
    market = Market(HouseInMemory())
    house = market.house
    n3 = house.nodes["n3"]
    n3.node.cluster.joined(market.ann)
    house.work()
    market.bid(market.ann, 200)
    market.bid(market.bob, 300)
    house.work()
    assert [notice.seq for player, notice in n3.pushed if player == market.ann] == [1]
    replace_node(house, "n2")
    n3.pushed.clear()
    market.grant(market.ann, gold=1_000)
    market.bid(market.ann, 400)
    market.bid(market.bob, 500)
    house.pass_time(1)
    house.check_whole()
    assert [notice.seq for player, notice in n3.pushed if player == market.ann] == [1]


def test_who_led_from_a_directory_that_was_replaced_gets_its_refund_in_the_new_one() -> None:
    """The gold was with the listing, not with what was lost."""
    market = Market(HouseInMemory())
    house = market.house
    market.bid(market.ann, 200)
    replace_node(house, "n2")
    market.bid(market.bob, 300)
    market.grant(market.ann, gold=1)
    house.pass_time(3)
    house.check_whole()
    assert market.gold(market.ann) == (201, 0)


def test_a_bid_under_way_when_its_home_is_replaced_does_not_hold_the_listing() -> None:
    """The other acceptors decide it, and the new directory knows nothing of it."""
    market = Market(HouseInMemory())
    house = market.house
    house.wire.drop = lambda _sender, _to, frame: b"accept" in frame
    house.begin(market.ann, PlaceBid(listing=market.listing, amount=200)).addErrback(lambda _: None)
    house.pass_time(0.5)
    assert [trade.role for trade in house.nodes["n1"].node.trades.open_trades()] == ["participant"]
    house.wire.drop = lambda *_: False
    replace_node(house, "n2")
    house.pass_time(10)
    assert market.bid(market.bob, 300)["winning"]
    shown = market.ask(market.bob, GetListing(listing=market.listing))["listing"]
    house.check_whole()
    assert shown["bids"] == 1
