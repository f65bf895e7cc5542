"""Watches of players who are connected to nodes that are not their homes, and prices told between nodes."""

from typing import Any

import msgspec
import pytest

from auction.commands import ListWatches
from auction.results import WatchView
from auction.state import Watch
from shardnode.cluster.cluster import ClusterLimits
from shardnode.cluster.messages import Prices
from shardnode.cluster.watchers import WatcherLimits
from shardnode.watches.news import News
from shardnode.wire.events import ListingsMatched, Price, PriceMatched
from tests.cluster.rig import NODES, House
from tests.search.rows import listing

ANN = "ann-n1"


def connect(house: House, node: str, player: str) -> None:
    """A player's first session on a node."""
    house.homes[node].here.add(player)
    house.nodes[node].joined(player)
    house.settle()


def disconnect(house: House, node: str, player: str) -> None:
    """The player's last session there is gone."""
    house.homes[node].here.remove(player)
    house.nodes[node].left(player)
    house.settle()


def follow(house: House, player: str, watch: str = "w1", **what: Any) -> None:
    """A player's store has a watch, of a `listing`, a `commodity` or a `query`."""
    view = WatchView(watch, what.get("query"), what.get("listing"), what.get("commodity"), 1)
    house.homes[player[-2:]].watches.setdefault(player, []).append(view)


def told(house: House, node: str) -> list[tuple[str, str]]:
    """Players and watches told on a node."""
    return [(player, matched.watch) for player, matched in house.homes[node].matched]


def trade(house: House, commodity: str, price: int, at_ms: int, *, node: str = "n3") -> None:
    """A commodity is traded, durably, at a node that says to be its home; those here end in the name of theirs."""
    house.nodes[node].news_durable(News([], [], [Price(commodity, price, at_ms, 1)]))


@pytest.mark.parametrize("seller", NODES)
@pytest.mark.parametrize("node", NODES)
def test_a_watcher_is_told_wherever_it_is_connected(node: str, seller: str) -> None:
    """At home or elsewhere, of listings of any node."""
    house = House()
    follow(house, ANN, query={"base": "ash_bow"})
    connect(house, node, ANN)
    house.show(seller, [listing(1)])
    house.settle(1.0)
    assert told(house, node) == [(ANN, "w1")]
    assert sum(len(home.matched) for home in house.homes.values()) == 1


def test_a_watcher_on_several_nodes_is_told_on_each() -> None:
    """And on none that it has left."""
    house = House()
    follow(house, ANN, listing="l0001")
    for node in NODES:
        connect(house, node, ANN)
    disconnect(house, "n3", ANN)
    house.show("n2", [listing(1)])
    house.settle(1.0)
    assert [len(told(house, node)) for node in NODES] == [1, 1, 0]


def test_watches_of_who_is_not_connected_cost_nothing() -> None:
    """They are read when the player comes and forgotten when it goes, though it comes and goes again."""
    house = House()
    follow(house, ANN, listing="l0001")
    for _ in range(3):
        connect(house, "n2", ANN)
        assert held(house) == 1
        disconnect(house, "n2", ANN)
        assert held(house) == 0


def test_a_link_that_is_down_ends_what_is_watched_through_it() -> None:
    """The watches are forgotten with the attachment, and read again with it."""
    house = House()
    follow(house, ANN, listing="l0001")
    connect(house, "n2", ANN)
    house.cut("n1", "n2")
    assert held(house) == 0
    house.join("n1", "n2")
    house.settle()
    assert held(house) == 1
    house.show("n3", [listing(1)])
    house.settle(1.0)
    assert told(house, "n2") == [(ANN, "w1")]


def test_the_end_of_a_followed_listing_is_told_though_its_home_was_away() -> None:
    """It came while the listing's home started again, which the others then hear of from its snapshot."""
    house = House()
    house.show("n3", [listing(1), listing(2)])
    house.settle()
    for name in ("l0001", "l0002"):
        follow(house, ANN, name, listing=name)
    connect(house, "n2", ANN)
    for node in ("n1", "n2"):
        house.cut(node, "n3")
    house.restart("n3")
    house.show("n3", [listing(1, version=2, state="expired"), listing(2, version=2, price=7, bids=1)])
    for node in ("n1", "n2"):
        house.join(node, "n3")
    house.settle(2.0)
    views = [
        matched.data.listings[0] for _, matched in house.homes["n2"].matched if isinstance(matched, ListingsMatched)
    ]
    assert {view.listing: (view.state, view.price) for view in views} == {
        "l0001": ("expired", None),
        "l0002": ("open", 7),
    }


def test_a_watch_is_heeded_once_it_is_durable_and_until_it_is_deleted() -> None:
    """While its player is connected; else it is read later."""
    house = House()
    connect(house, "n2", ANN)
    made = Watch("w9", 1, None, "l0001", None, 1)
    house.nodes["n1"].news_durable(News([(ANN, made), ("bob-n1", made)], [], []))
    assert held(house) == 1
    house.show("n1", [listing(1)])
    house.settle(1.0)
    assert told(house, "n2") == [(ANN, "w9")]
    house.nodes["n1"].news_durable(News([], [(ANN, "w9"), ("bob-n1", "w9")], []))
    assert held(house) == 0


def test_watches_that_cannot_be_read_are_read_later() -> None:
    """As soon as the store can be, without another login."""
    house = House()
    follow(house, ANN, listing="l0001")
    house.homes["n1"].reads = False
    connect(house, "n2", ANN)
    assert held(house) == 0
    house.homes["n1"].reads = True
    house.settle(1.1)
    assert held(house) == 1


def test_so_many_players_watches_are_read_at_a_time() -> None:
    """The others wait for these; all are read in the end."""
    house = House(ClusterLimits(watchers=WatcherLimits(reading_max=2)))
    for number in range(5):
        house.disks["n1"].notices[f"p{number}-n1"] = []
        follow(house, f"p{number}-n1", listing="l0001")
        connect(house, "n1", f"p{number}-n1")
    assert held(house) == 5
    assert not any(isinstance(request.ask, ListWatches) for request in house.homes["n1"].asked)


def test_a_commodity_of_any_node_is_followed_from_any_other() -> None:
    """Its market's home tells the others its price; the watcher hears of it where it is connected."""
    house = House()
    follow(house, ANN, commodity="tin-n3")
    connect(house, "n2", ANN)
    trade(house, "tin-n3", 7, 1_000)
    house.settle(1.0)
    ((player, matched),) = house.homes["n2"].matched
    assert isinstance(matched, PriceMatched)
    assert (player, matched.data) == (ANN, Price("tin-n3", 7, 1_000, 1))


def test_prices_are_told_to_other_nodes_a_few_times_a_second() -> None:
    """A storm of trades is one message each quarter of a second, and the last price arrives."""
    house = House()
    follow(house, ANN, commodity="tin-n3")
    connect(house, "n1", ANN)
    house.frames.clear()
    for at_ms in range(200):
        trade(house, "tin-n3", at_ms, at_ms)
        house.settle(0.005)
    house.settle(1.0)
    assert 4 <= len(messages(house, Prices)) / 2 <= 5
    last = house.homes["n1"].matched[-1][1]
    assert isinstance(last, PriceMatched)
    assert last.data.price == 199


def test_a_price_that_was_missed_is_heard_when_the_link_is_back() -> None:
    """And what was heard before is not told again."""
    house = House()
    for commodity in ("tin-n3", "jade-n3"):
        follow(house, ANN, commodity, commodity=commodity)
    connect(house, "n1", ANN)
    trade(house, "tin-n3", 5, 10)
    house.settle(1.0)
    house.homes["n1"].matched.clear()
    house.cut("n1", "n3")
    trade(house, "jade-n3", 6, 20)
    house.settle(1.0)
    house.join("n1", "n3")
    house.settle(2.0)
    assert told(house, "n1") == [(ANN, "jade-n3")]


def test_an_older_price_is_no_news() -> None:
    """Whatever the network does with the messages."""
    house = House()
    follow(house, ANN, commodity="tin-n3")
    connect(house, "n1", ANN)
    for price, at_ms in ((5, 20), (4, 10), (6, 30)):
        trade(house, "tin-n3", price, at_ms)
        house.settle(1.0)
    assert [matched.data.price for _, matched in house.homes["n1"].matched if isinstance(matched, PriceMatched)] == [
        5,
        6,
    ]


def test_prices_of_another_node_s_market_are_a_fault() -> None:
    """A node that tells them is not listened to."""
    house = House()
    trade(house, "tin-n2", 7, 1_000, node="n3")
    house.settle()
    assert any("whose market is elsewhere" in fault for fault in house.peer_faults)


def test_a_match_for_a_player_who_is_not_here_any_more_ends_the_attachment() -> None:
    """As a push does."""
    house = House()
    follow(house, ANN, listing="l0001")
    connect(house, "n2", ANN)
    del house.nodes["n2"]._session_side._guests[ANN]
    house.show("n1", [listing(1)])
    house.settle(1.0)
    assert held(house) == 0
    assert told(house, "n2") == []


def test_what_a_listing_shows_is_the_viewer_s_own_view() -> None:
    """Across nodes as at home: whether it is mine, and whether I win."""
    house = House()
    follow(house, ANN, listing="l0001")
    connect(house, "n2", ANN)
    house.show("n3", [listing(1, leader=ANN, price=5, bids=1, leader_max=9)])
    house.settle(1.0)
    ((_, matched),) = house.homes["n2"].matched
    assert isinstance(matched, ListingsMatched)
    assert [(view.listing, view.winning, view.mine) for view in matched.data.listings] == [("l0001", True, False)]


def test_a_node_that_stops_tells_nothing_more() -> None:
    """What was about to be told is not."""
    house = House()
    follow(house, ANN, listing="l0001")
    connect(house, "n1", ANN)
    house.show("n1", [listing(1)])
    house.nodes["n1"].stop()
    house.settle(1.0)
    assert told(house, "n1") == []


def held(house: House) -> int:
    """Watches held in the whole house."""
    return sum(
        int(line.split()[1].partition(b".")[0])
        for metrics in house.metrics.values()
        for line in metrics.render().splitlines()
        if line.startswith(b"auction_watches_held ")
    )


def messages(house: House, kind: type[msgspec.Struct]) -> list[Any]:
    """All messages of a kind that were sent over links."""
    tag = kind.__struct_config__.tag
    return [
        message for _, _, frame in house.frames for message in msgspec.msgpack.decode(frame)[2] if message[0] == tag
    ]
