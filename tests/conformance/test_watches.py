"""Watches: what a player wants to hear of, and what it hears, on one node and through a node that is not its home."""

from typing import Any

import pytest

from tests.conformance.client import JSON, MSGPACK
from tests.conformance.contract import BAD_PARAMS
from tests.conformance.house import House, Player


def watch(player: Player, **what: Any) -> str:
    """Something to hear of; the watch's id."""
    made: str = player.call("watch.create", **what)["watch"]
    return made


def matched(player: Player, watch: str) -> dict[str, Any]:
    """The data of the next push of a watch."""
    while True:
        push = player.event("watch.matched")
        if push["watch"] == watch:
            data: dict[str, Any] = push["data"]
            return data


def has_matched(player: Player, watch: str, listing: str) -> dict[str, Any]:
    """A listing as the pushes of a watch show it at last; others come by."""
    while True:
        for shown in matched(player, watch)["listings"]:
            if shown["listing"] == listing:
                found: dict[str, Any] = shown
                return found


def test_a_saved_search_is_told_of_a_new_listing(house: House) -> None:
    """The push shows the listing as `listing.get` does; a seller's own listings are told as well."""
    seller, watcher = house.newcomer(items=1), house.newcomer()
    mine = watch(watcher, query={"base": house.base, "price": {"min": 1234, "max": 1234}})
    own = watch(seller, query={"base": house.base, "price": {"min": 1234, "max": 1234}})
    listing = seller.sell(buyout=1234)
    assert has_matched(watcher, mine, listing) == watcher.look(listing)
    assert has_matched(seller, own, listing)["mine"] is True


def test_a_bid_lets_a_listing_come_to_match(house: House) -> None:
    """What a buyer would pay now rises into the bounds."""
    seller, watcher, bidder = house.newcomer(items=1), house.newcomer(), house.newcomer(gold=10_000)
    listing = seller.sell(start_bid=500)
    mine = watch(watcher, query={"price": {"min": 5_551, "max": 5_900}})
    bidder.bid(listing, 6_000)
    rival = house.newcomer(gold=10_000)
    assert rival.refusal("listing.bid", listing=listing, amount=5_291).reason == "outbid"
    shown = has_matched(watcher, mine, listing)
    assert shown["min_bid"] == watcher.look(listing)["min_bid"]
    assert 5_551 <= shown["min_bid"] <= 5_900


def test_a_followed_listing_is_told_with_each_change_and_its_end(house: House) -> None:
    """Bids and the sale, each as the viewer sees it."""
    seller, bidder, watcher = house.newcomer(items=1), house.newcomer(gold=1_000), house.newcomer()
    listing = seller.sell(start_bid=10, buyout=500)
    theirs, mine = watch(watcher, listing=listing), watch(bidder, listing=listing)
    bidder.bid(listing, 20)
    assert [(one["price"], one["winning"]) for one in matched(watcher, theirs)["listings"]] == [(10, False)]
    assert [(one["price"], one["winning"]) for one in matched(bidder, mine)["listings"]] == [(10, True)]
    house.newcomer(gold=1_000).call("listing.buyout", listing=listing, price=500)
    while True:
        (shown,) = matched(watcher, theirs)["listings"]
        if shown["state"] != "open":
            break
    assert (shown["state"], shown["price"]) == ("sold", 500)


def test_a_followed_commodity_is_told_with_its_trades(house: House) -> None:
    """The price, when, and how many pieces that day."""
    seller, buyer, watcher = house.trader(cut_peat=10), house.trader(gold=1_000), house.newcomer()
    mine = watch(watcher, commodity="cut_peat")
    seller.call("commodity.sell", commodity="cut_peat", quantity=10, limit_price=30)
    buyer.call("commodity.buy", commodity="cut_peat", quantity=4, limit_price=30)
    told = matched(watcher, mine)
    assert (told["commodity"], told["price"]) == ("cut_peat", 30)
    assert told["volume"] >= 4
    last = watcher.call("commodity.book", commodity="cut_peat")["last"]
    assert last == {"price": told["price"], "at_ms": told["at_ms"]}


def test_a_watch_is_told_in_either_encoding(house: House) -> None:
    """Two sessions of one player in two encodings hear the same."""
    name = house.new_name()
    sessions = [house.enter(name, encoding=encoding) for encoding in (JSON, MSGPACK)]
    mine = watch(sessions[0], query={"price": {"min": 4_321, "max": 4_321}})
    house.newcomer(items=1).sell(buyout=4_321)
    first, second = (session.event("watch.matched") for session in sessions)
    assert first == second
    assert first["watch"] == mine
    assert "seq" not in first


def test_what_is_watched_is_listed_until_it_is_deleted(house: House) -> None:
    """In the order in which it was made, with just what was asked for; afterwards nothing is told."""
    player, seller = house.newcomer(), house.newcomer(items=2)
    followed = seller.sell(buyout=9)
    query = {"category": "bows", "stats": [{"stat": "damage", "min": 3}], "text": "Ash", "level": {"max": 9}}
    made = [watch(player, query=query), watch(player, listing=followed), watch(player, commodity="cut_peat")]
    shown = player.call("watch.list")["watches"]
    assert [one["watch"] for one in shown] == made
    assert [(one["query"], one["listing"], one["commodity"]) for one in shown] == [
        (query, None, None),
        (None, followed, None),
        (None, None, "cut_peat"),
    ]
    for one in made:
        assert player.call("watch.delete", watch=one) == {}
    assert player.call("watch.list") == {"watches": []}
    everything = watch(player, query={"price": {"min": 8_765}})
    seller.call("listing.cancel", listing=followed)
    listing = seller.sell(1, buyout=8_765)
    assert has_matched(player, everything, listing)
    assert not [push for push in player.events_heard() if push.get("watch") in made]


def test_watches_outlive_the_connection(house: House) -> None:
    """A player who comes back hears of what it watched before, without asking."""
    name = house.new_name()
    first = house.enter(name)
    mine = watch(first, query={"price": {"min": 7_654, "max": 7_654}})
    first.close()
    again = house.enter(name)
    assert [one["watch"] for one in again.call("watch.list")["watches"]] == [mine]
    seller = house.newcomer(items=3)
    listing = seller.sell(buyout=7_654)
    assert has_matched(again, mine, listing)["buyout"] == 7_654


def test_a_repeated_key_makes_one_watch(house: House) -> None:
    """The same answer comes again; another request under the key is refused."""
    player = house.newcomer()
    first = player.call("watch.create", commodity="cut_peat", key="k")
    assert player.call("watch.create", commodity="cut_peat", key="k") == first
    assert player.refusal("watch.create", query={}, key="k").reason == "key_reused"
    assert len(player.call("watch.list")["watches"]) == 1


def test_what_is_not_there_cannot_be_watched(house: House) -> None:
    """Listings and commodities must exist; a watch that is deleted must be the player's own."""
    player, other = house.newcomer(), house.newcomer()
    for what, reason in (
        ({"listing": "nothing"}, "no_such_listing"),
        ({"commodity": "nothing"}, "no_such_commodity"),
    ):
        refused = player.refusal("watch.create", **what)
        assert (refused.code, refused.reason) == (-32004, reason)
    mine = watch(player, query={"base": "nothing"})
    for who, which in ((other, mine), (player, "nothing")):
        refused = who.refusal("watch.delete", watch=which)
        assert (refused.code, refused.reason) == (-32004, "no_such_watch")


def test_watches_are_limited(house: House) -> None:
    """One more than the rules allow is refused; deleting one makes room."""
    player = house.newcomer()
    made = [watch(player, query={}) for _ in range(3)]
    refused = player.refusal("watch.create", query={})
    assert (refused.code, refused.reason) == (-32003, "watch_limit")
    player.call("watch.delete", watch=made[0])
    watch(player, query={})


@pytest.mark.parametrize(
    ("params", "path"),
    [
        ({}, "query"),
        ({"query": {}, "commodity": "cut_peat"}, "commodity"),
        ({"listing": "l", "commodity": "cut_peat"}, "commodity"),
        ({"query": {"sort": "price"}}, "query.sort"),
        ({"query": {"limit": 5}}, "query.limit"),
        ({"query": {"level": {"min": -1}}}, "query.level.min"),
        ({"listing": ""}, "listing"),
    ],
)
def test_bad_params_are_named(house: House, params: dict[str, Any], path: str) -> None:
    """One of the three, and a query without sort and paging."""
    answer = house.newcomer().ask("watch.create", params)
    assert (answer["error"]["code"], answer["error"]["data"]["path"]) == (BAD_PARAMS, path)
