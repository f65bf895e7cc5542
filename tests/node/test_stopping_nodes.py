"""A node of a cluster that is stopped in order, with trades open and transfers on their way."""

from typing import Any

from auction.commands import GetListing, PlaceBid
from shardnode.storage.facts import TRANSFERS
from tests.node.many import HouseInMemory
from tests.node.test_trades import Market


def stop(house: HouseInMemory, node: str) -> None:
    """End a node in order; the others see its links go."""
    house.nodes[node].stop()
    house.wire.down(node)


def test_a_node_that_stops_with_a_trade_open_takes_it_up_again() -> None:
    """Whichever node it is, after the restart the trade ends and the listing is free."""
    for node in ("n1", "n2", "n3"):
        market = Market(HouseInMemory())
        house = market.house
        house.wire.drop = lambda _sender, _to, frame: b"accept" in frame or b"propose" in frame
        answers: list[Any] = []
        house.begin(market.ann, PlaceBid(listing=market.listing, amount=200)).addBoth(answers.append)
        house.pass_time(0.5)
        stop(house, node)
        house.wire.drop = lambda *_: False
        house.restart(node)
        house.pass_time(12)
        house.check_whole()
        assert market.bid(market.bob, 300)["winning"], node
        shown = market.ask(market.bob, GetListing(listing=market.listing))["listing"]
        house.pass_time(2)
        assert market.gold(market.ann) == (1_000, 0)
        assert shown["bids"] in (1, 2)


def test_a_transfer_that_a_stop_found_unsent_arrives_after_it() -> None:
    """The refund of who was outbid crosses when both nodes are back."""
    market = Market(HouseInMemory())
    house = market.house
    market.bid(market.ann, 200)
    house.wire.sever("n1", "n2")
    assert market.bid(market.bob, 300)["winning"]
    stop(house, "n1")
    house.restart("n1")
    house.wire.heal("n1", "n2")
    house.pass_time(2)
    assert market.gold(market.ann) == (1_000, 0)


def test_a_stopped_node_has_written_down_what_was_in_no_hurry() -> None:
    """No transfer that is done is left among its facts."""
    market = Market(HouseInMemory())
    house = market.house
    market.bid(market.ann, 200)
    market.bid(market.bob, 300)
    house.work()
    assert market.gold(market.ann) == (1_000, 0)
    stop(house, "n1")
    house.nodes["n1"].storage.open()
    assert not [key for key in house.nodes["n1"].storage.journal.facts() if key.startswith(TRANSFERS)]
