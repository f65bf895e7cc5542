"""What single requests are answered while a node of three is down, stands still, or dies with them in its hands."""

import time
from collections.abc import Iterator

import pytest

from tests.cluster_processes.cluster import Cluster
from tests.cluster_processes.town import Town, refusal_of
from tests.conformance.client import Refused, eventually
from tests.conformance.house import Issuer
from tests.crash.house import assert_balanced
from tests.crash.loop import Loop

AT_ONCE_S = 0.5
NOTICED_S = 3.0
"""A link that stands still is noticed after a second; this machine may be busy."""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, loop: Loop) -> Iterator[Town]:
    """Three nodes that serve whenever a test begins, and have lost nothing when all have ended."""
    issuer = Issuer(tmp_path_factory.mktemp("issuer"))
    cluster = Cluster(tmp_path_factory.mktemp("cluster"), "--token-key", issuer.public_file)
    try:
        cluster.start()
        town = Town(cluster, issuer, loop)
        yield town
        town.close()
        cluster.stop()
        assert_balanced(*cluster.directories)
    finally:
        cluster.close()


def test_without_one_node_the_others_trade_on(town: Town) -> None:
    """Players of two nodes trade as before while the third is down; what needs the third is `unavailable` at once."""
    lost = town.player("n1", "n2", gold=500, items=1)
    listing_lost = lost.sell(start_bid=10)
    seller, bidder, buyer = (
        town.player("n2", "n3", items=1),
        town.player("n3", "n2", gold=500),
        town.player("n2", "n2", gold=900),
    )
    town.cluster.kill("n1")
    eventually(lambda: lost.ask("player.get", {}).get("error", {}).get("data", {}).get("reason") == "unavailable")

    for player, method, params in (
        (lost, "player.get", {}),
        (lost, "listing.create", {"item": lost.items[0], "start_bid": 1, "duration_s": 3600}),
        (lost, "listing.bid", {"listing": listing_lost, "amount": 20}),
        (bidder, "listing.get", {"listing": listing_lost}),
        (bidder, "listing.bid", {"listing": listing_lost, "amount": 20}),
        (bidder, "listing.buyout", {"listing": listing_lost, "price": 20}),
    ):
        reason, seconds = refusal_of(player, method, **params)
        assert (reason, seconds < AT_ONCE_S) == ("unavailable", True), (method, seconds)

    listing = seller.sell(start_bid=10, buyout=300)
    assert bidder.bid(listing, 100)["price"] == 10
    assert buyer.call("listing.buyout", listing=listing, price=300)["paid"] == 300
    assert bidder.event("listing.outbid")["data"]["listing"] == listing
    assert bidder.gold() == (500, 0)
    buyer.claim_all()
    seller.claim_all()
    assert (buyer.stash(), buyer.gold(), seller.gold()) == (list(seller.items), (600, 0), (255, 0))

    town.cluster.start("n1")
    assert "result" in town.repeat(lost, "player.get")
    assert bidder.bid(listing_lost, 20)["price"] == 10


@pytest.mark.parametrize("ending", ["resume", "kill"])
def test_what_was_sent_on_and_cut_off_is_in_doubt(town: Town, ending: str) -> None:
    """A mutation whose home falls silent is `in_doubt` with its key, a query `unavailable`; the key tells later."""
    player = town.player("n1", "n2", gold=500, items=2)
    create = {"item": player.items[0], "start_bid": 10, "duration_s": 3600}
    town.cluster.pause("n1")
    for number, (method, params) in enumerate(
        (("listing.create", {**create, "key": "mine"}), ("listing.create", {**create, "item": player.items[1]}))
    ):
        player.send({"jsonrpc": "2.0", "id": f"m{number}", "method": method, "params": params})
    player.send({"jsonrpc": "2.0", "id": "q", "method": "player.get", "params": {}})
    if ending == "kill":
        town.cluster.kill("n1")
    began_s = time.monotonic()
    with_key, without_key, query = (Refused(player.answer(each)["error"]) for each in ("m0", "m1", "q"))
    assert time.monotonic() - began_s < NOTICED_S
    assert (with_key.reason, without_key.reason, query.reason) == ("in_doubt", "in_doubt", "unavailable")
    assert with_key.data["key"] == "mine"
    reason, seconds = refusal_of(player, "player.get")
    assert (reason, seconds < AT_ONCE_S) == ("unavailable", True)

    if ending == "kill":
        town.cluster.start("n1")
    else:
        town.cluster.resume("n1")
    first = town.repeat(player, "listing.create", **create, key="mine")
    second = town.repeat(player, "listing.create", **{**create, "item": player.items[1]}, key=without_key.data["key"])
    assert "result" in first and "result" in second
    assert player.call("player.get")["listings"] == 2
    assert town.repeat(player, "listing.create", **create, key="mine")["result"] == first["result"]
