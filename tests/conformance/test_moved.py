"""A cluster's sessions: any node serves anybody, and sends home whoever asks for it."""

import pytest

from tests.cluster_processes.cluster import Cluster
from tests.conformance.contract import REQUIRED
from tests.conformance.house import HOUR_S, House, Player

OF_ANY_HOME = {
    *("world.describe", "world.bases", "world.commodities", "listing.search", "listing.get"),
    *("session.login", "admin.grant", "admin.take", "admin.player", "admin.freeze", "admin.thaw"),
    *("commodity.quote", "commodity.book", "commodity.history"),
}
"""Methods that have nothing to do with where the caller is at home."""


def redirected(house: House, name: str) -> Player:
    """A session that asks to be sent home."""
    player = house.visitor()
    player.name = name
    player.call("session.login", token=house.issuer.token(name), redirects=True)
    return player


def test_whoever_asks_for_it_is_sent_home(far_house: House, cluster: Cluster) -> None:
    """Every method that the home has to answer is `moved` with the home's URL, and what needs no home is answered."""
    player = redirected(far_house, far_house.new_name())
    home = cluster.url(cluster.home_of(player.name))
    for method, params in REQUIRED.items():
        if method not in OF_ANY_HOME:
            refused = player.refusal(method, **params)
            assert (refused.code, refused.reason, refused.data["url"]) == (-32008, "moved", home), method
    player.call("world.describe")
    player.call("listing.search")
    assert player.refusal("listing.get", listing="no such").reason == "no_such_listing"
    with House(home, far_house.issuer, far_house.encoding) as house:
        assert redirected(house, player.name).call("player.get")["player"] == player.name


def test_nothing_is_done_for_a_session_that_is_sent_home(far_house: House) -> None:
    """A mutation that is `moved` has no effect, and its key stays free for the home."""
    seller = far_house.newcomer(items=1)
    params = {"item": seller.items[0], "start_bid": 1, "duration_s": HOUR_S, "key": "k"}
    assert redirected(far_house, seller.name).refusal("listing.create", **params).reason == "moved"
    assert seller.call("player.get")["listings"] == 0
    assert "result" in seller.ask("listing.create", params)


def test_a_session_may_ask_no_more_to_be_sent_home(far_house: House) -> None:
    """The latest login says whether; a player may have sessions of both kinds."""
    name = far_house.new_name()
    player = redirected(far_house, name)
    assert player.refusal("player.get").reason == "moved"
    player.call("session.login", token=far_house.issuer.token(name))
    assert player.call("player.get")["player"] == name
    assert far_house.enter(name).call("player.get")["player"] == name


@pytest.mark.parametrize("through", ["n1", "n2", "n3"])
def test_every_node_tells_the_same(far_house: House, cluster: Cluster, through: str) -> None:
    """Whatever node a player comes to, its wallet, its listings, their view and its events are the same."""
    seller, bidder = far_house.newcomer(items=1), far_house.newcomer(gold=500)
    listing = seller.sell(start_bid=10)
    bidder.bid(listing, 20)
    far_house.newcomer(gold=500).bid(listing, 50)
    outbid = bidder.event("listing.outbid")
    with House(cluster.url(through), far_house.issuer, far_house.encoding) as house:
        again = house.enter(bidder.name)
        assert again.call("events.since", seq=0)["events"] == [outbid]
        assert again.call("player.get") == bidder.call("player.get")
        assert again.look(listing) == bidder.look(listing)
        assert house.enter(seller.name).call("listing.mine") == seller.call("listing.mine")


def test_pushes_follow_a_player_to_every_session(far_house: House, cluster: Cluster) -> None:
    """Sessions on three nodes at once are told the same, in the same order."""
    player = far_house.newcomer(items=3)
    houses = [House(url, far_house.issuer, far_house.encoding) for url in cluster.urls]
    sessions = [house.enter(player.name) for house in houses]
    for item in range(3):
        far_house.newcomer(gold=50).call("listing.buyout", listing=player.sell(item, buyout=10), price=10)
    told = [[session.event() for _ in range(6)] for session in sessions]
    assert [event["seq"] for event in told[0]] == [1, 2, 3, 4, 5, 6]
    assert told[0] == told[1] == told[2]
    for house in houses:
        house.close()


def test_a_trade_crosses_nodes_with_its_goods(far_house: House, cluster: Cluster) -> None:
    """Seller and buyer at home on different nodes, neither connected to its own: paid, delivered and told."""
    seller, buyer = far_house.newcomer(items=1), far_house.newcomer(gold=100)
    assert cluster.home_of(seller.name) != cluster.home_of(buyer.name)
    bought = buyer.call("listing.buyout", listing=seller.sell(buyout=100), price=100)
    assert (bought["paid"], bought["item"]["item"]) == (100, seller.items[0])
    assert seller.event("listing.sold")["data"]["proceeds"] == 85
    seller.claim_all()
    buyer.claim_all()
    assert (seller.gold(), seller.stash()) == ((85, 0), [])
    assert (buyer.gold(), buyer.stash()) == ((0, 0), list(seller.items))


def test_a_home_that_is_unknown_to_nobody_is_the_same_for_all(far_house: House, cluster: Cluster) -> None:
    """`admin.player` names the node that `moved` points to, through whichever node it is asked."""
    player = far_house.newcomer(gold=1)
    for url in cluster.urls:
        with House(url, far_house.issuer, far_house.encoding) as house:
            told = house.service.call("admin.player", player=player.name)
            assert told["node"] == cluster.home_of(player.name)
