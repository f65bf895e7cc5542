"""The coordinator of a trade dies between two of its steps: the others end the trade, and the key tells how."""

import pytest

from tests.cluster_processes.cluster import Cluster
from tests.cluster_processes.town import Town
from tests.conformance.client import Refused, eventually
from tests.conformance.house import Issuer
from tests.crash.house import assert_balanced
from tests.crash.loop import Loop


@pytest.mark.parametrize("fault", ["before-accept", "before-decided"])
def test_a_trade_outlives_its_coordinator(open_house: Cluster, issuer: Issuer, loop: Loop, fault: str) -> None:
    """Dead before ACCEPT the trade is aborted, dead after it committed; either way without waiting for the dead."""
    open_house.start("n1", fault=fault)
    open_house.start("n2", "n3")
    town = Town(open_house, issuer, loop)
    seller, rival = town.player("n2", "n2", items=1), town.player("n3", "n3", gold=1000)
    bidder = town.player("n1", "n3", gold=1000)
    listing = seller.sell(start_bid=100)
    bid = {"listing": listing, "amount": 300, "key": "the bid"}
    answer = bidder.ask("listing.bid", bid)
    assert Refused(answer["error"]).reason == "in_doubt"
    assert open_house.processes.pop("n1").exit_code() == -9

    led = town.repeat(rival, "listing.bid", listing=listing, amount=500, key="the other bid")["result"]
    was_committed = fault == "before-decided"
    assert isinstance(led, dict)
    assert (led["listing"]["bids"], led["listing"]["price"]) == ((2, 315) if was_committed else (1, 100))

    open_house.start("n1")
    told = town.repeat(bidder, "listing.bid", **bid)
    if was_committed:
        assert isinstance(told["result"], dict)
        assert (told["result"]["listing"]["bids"], told["result"]["listing"]["price"]) == (1, 100)
    else:
        assert isinstance(told["error"], dict)
        assert told["error"]["data"]["reason"] == "outbid"
    eventually(lambda: bidder.gold() == (1000, 0))
    eventually(lambda: not open_house.open_trades())
    town.close()
    open_house.stop()
    assert assert_balanced(*open_house.directories)["open_trades"] == 0
