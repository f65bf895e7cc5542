"""What a player watches, on its way to the sessions: it is not kept, and never piles up."""

import pytest

from auction.state import Notice
from shardnode.wire.events import ListingsMatched, Matches, Price, PriceMatched
from tests.gateway.rig import NOW_S, House, connect

MATCHED = PriceMatched(watch="w1", at_ms=7, data=Price("tin", 3, 5, 90))
PUSHED = {
    "jsonrpc": "2.0",
    "method": "watch",
    "params": {
        "watch": "w1",
        "type": "watch.matched",
        "at_ms": 7,
        "data": {"commodity": "tin", "price": 3, "at_ms": 5, "volume": 90},
    },
}


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_a_match_is_pushed_to_all_sessions_of_its_player(encoding: str) -> None:
    """As the notification `watch`, without a seq; other players hear nothing."""
    house = House()
    gateway = house.gateway()
    one, two, other = connect(gateway, encoding), connect(gateway, encoding), connect(gateway, encoding)
    one.login()
    two.login()
    other.login("bob")
    gateway.match("alice", MATCHED)
    assert one.take_all() == [PUSHED]
    assert two.take_all() == [PUSHED]
    assert other.take_all() == []
    gateway.match("alice", ListingsMatched(watch="w2", at_ms=8, data=Matches([], 4)))
    assert one.take()["params"]["data"] == {"listings": [], "missed": 4}


def test_a_match_is_not_for_who_is_not_logged_in_any_more() -> None:
    """Like every push it stays away once the token has expired."""
    house = House()
    gateway = house.gateway()
    client = connect(gateway)
    client.login(ttl_s=60)
    house.clock.advance(61)
    gateway.match("alice", MATCHED)
    assert client.take_all() == []


def test_a_slow_reader_is_told_less_and_not_dropped() -> None:
    """However many matches there are, few wait for a client that does not read; events do, and matches that come when
    it reads again are told.
    """
    house = House()
    gateway = house.gateway(unsent_bytes_max=10_000, unsent_for_watches_max=1_000)
    client = connect(gateway)
    client.login()
    client.wire.slow = True
    notice = Notice(1, "listing.outbid", NOW_S * 1000, {"listing": "l", "price": 1, "min_bid": 2})
    gateway.push("alice", notice)
    for _ in range(1_000):
        gateway.match("alice", MATCHED)
        house.clock.advance(0)
    gateway.push("alice", notice)
    methods = [message["method"] for message in client.take_all()]
    dropped = len(house.metrics.limits)
    assert methods == ["event", *["watch"] * (1_000 - dropped), "event"]
    assert 950 < dropped < 1_000
    assert set(house.metrics.limits) == {"unsent_for_watches_max"}
    assert client.close_code is None
    client.drain()
    gateway.match("alice", MATCHED)
    assert client.take_all() == [PUSHED]
