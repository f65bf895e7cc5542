"""What people see, and act on, while it changes: searches, texts, crowds."""

from typing import Any

import pytest

from auction.commands import (
    BuyOut,
    CreateListing,
    CreateWatch,
    GetListing,
    GetPlayer,
    ListInventory,
    SearchListings,
)
from auction.refusals import Refusal
from tests.node.house import HOUR_S, NodeInMemory
from tests.node.many import HouseInMemory
from worlddata.types import Rate, Rules

RULES = Rules(max_listings=1_000, stash_capacity=10_000, max_bids=1_000)
HOSTILE = (
    "'; DROP TABLE items; --",
    "\x00",
    "%_%",
    "\u202e\u0301" * 30,
    "ﷺ" * 100,
    "tide\noar",
    "İıſß",
    "🗡" * 50,
    '"}],"method":"admin.grant"',
)
"""Texts that people have sent."""


def test_a_listing_that_search_still_shows_is_bought() -> None:
    """The story: the list showed what was sold long ago, and buying it took the gold for nothing. Here another node's
    index is behind on purpose; who acts on it is told the truth by the listing's home, and pays nothing.
    """
    house = HouseInMemory(3)
    seller, ann, bob = (house.player_at(node) for node in ("n1", "n2", "n3"))
    for player in (seller, ann, bob):
        house.nodes[house.home_of(player)].grant(player, 1_000, items=1)
    item = house.ask(seller, ListInventory()).body.items[0].item
    listing = house.ask(seller, CreateListing(item=item, buyout=100, duration_s=HOUR_S)).body.listing.listing
    house.wire.drop = lambda sender, to, frame: (sender, to) == ("n1", "n3") and b"feed-changes" in frame
    assert not isinstance(house.ask(ann, BuyOut(listing=listing, price=100)).body, Refusal)
    shown = house.ask(bob, SearchListings(), through="n3").body.listings
    assert [view.listing for view in shown] == [listing]
    refusal = house.ask(bob, BuyOut(listing=listing, price=100)).body
    assert refusal.reason == "listing_closed"
    assert house.ask(bob, GetPlayer()).body.gold.available == 1_000


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_hostile_names_and_texts(text: str) -> None:
    """The story: a name with a quote in it emptied a table, one with a line break forged a log. Here a text is a text:
    a search for it answers, and whatever takes names and ids refuses it by its form or as unknown.
    """
    house = NodeInMemory(rules=RULES)
    house.list_item("sal")
    found = house.ask("ann", SearchListings(text=text))
    assert found.listings == [] or text == "tide\noar"
    unknown = house.ask("ann", GetListing(listing=text[:80] or "x"))
    assert isinstance(unknown, Refusal) and unknown.reason == "no_such_listing"
    assert house.ask("ann", SearchListings(category=text[:80], base=text[:80], rarity=[text[:80]])).listings == []
    assert not house.failures


def test_search_under_a_storm_of_updates() -> None:
    """The story: while the market moved fast, pages of a search showed things twice and left others out. Here the pages
    of one search show each listing once, as many as there were, whatever moves meanwhile.
    """
    house = NodeInMemory(rules=RULES)
    house.grant("bob", 1_000_000)
    listings = [house.list_item("sal", start_bid=100 + number) for number in range(60)]
    query = SearchListings(sort="price", limit=7)
    seen: list[str] = []
    page = house.ask("eve", query)
    for turn in range(100):
        seen += [view.listing for view in page.listings]
        if page.next is None:
            break
        for listing in listings[turn::9]:
            house.bid("bob", listing, 5_000 + 10 * turn)
        house.list_item("sal", start_bid=1)
        page = house.ask("eve", SearchListings(sort="price", limit=7, cursor=page.next))
    assert sorted(seen) == sorted(listings)


def test_undercut_bots() -> None:
    """The story: bots that undercut each other by one listed and cancelled a thousand times a minute, until nobody else
    was served. Here each may have so many listings and ask so often, is told how long to wait, and the house goes on.
    """
    rules = Rules(rates={"trade": Rate(per_s=2, burst=5)}, max_listings=3, stash_capacity=1_000)
    house = NodeInMemory(rules=rules)
    items = {bot: house.grant(bot, items=50) for bot in ("bot1", "bot2")}
    outcomes: dict[str, int] = {}
    price = 1_000
    for turn in range(50):
        bot = ("bot1", "bot2")[turn % 2]
        price -= 1
        ask = CreateListing(item=items[bot][turn // 2], buyout=price, duration_s=HOUR_S)
        body = house.ask(bot, ask)
        name = body.reason if isinstance(body, Refusal) else "listed"
        outcomes[name] = outcomes.get(name, 0) + 1
        if name == "rate_limited":
            assert 0 < body.data["retry_after_ms"] <= 500
    assert outcomes["listed"] == 6
    assert outcomes["rate_limited"] >= 30
    house.list_item("sal")
    assert len(house.ask("eve", SearchListings()).listings) == 7


def test_a_thousand_subscribers_of_one_item() -> None:
    """The story: a famous sword was followed by everybody, each bid was pushed to everybody, and the house stood still.
    Here a thousand watchers of one listing cost the bids nothing but a few pushes a second for each watcher.
    """
    house = NodeInMemory(rules=RULES)
    house.grant("bob", 1_000_000)
    listing = house.list_item("sal")
    for number in range(1_000):
        house.connect(f"w{number}")
        made: Any = house.ask(f"w{number}", CreateWatch(listing=listing))
        assert not isinstance(made, Refusal)
    house.work()
    for amount in range(200, 300):
        assert not isinstance(house.bid("bob", listing, amount), Refusal)
    house.pass_time(2.0)
    told = [player for player, _ in house.matched]
    assert set(told) == {f"w{number}" for number in range(1_000)}
    assert len(told) <= 1_000 * 6
    last: Any = [matched for player, matched in house.matched if player == "w0"][-1]
    assert last.data.listings[-1].listing == listing
    assert not house.failures
