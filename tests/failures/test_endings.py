"""Listings that end while nobody is there to see it."""

import time
from typing import Any

import pytest

from auction.commands import (
    BuyOut,
    ClaimDelivery,
    CreateListing,
    GetListing,
    GetPlayer,
    Grant,
    GrantedItem,
    ListDeliveries,
)
from auction.refusals import Refusal
from auction.state import Listing
from tests.node.house import NodeInMemory
from worlddata.types import Rules

DURATION_S = 60
RULES = Rules(durations_s=(DURATION_S,), max_listings=10_000, stash_capacity=100_000)


def crowd(house: NodeInMemory, sellers: int, each: int) -> list[str]:
    """Sellers with so many listings each, bid on by one bidder here and there; all listings."""
    made = []
    house.grant("bob", 1_000_000_000)
    for number in range(sellers):
        seller = f"s{number}"
        given = [GrantedItem(base="tide_oar", rarity="plain", level=1, stats={})] * each
        granted = house.ask("game", Grant(key="g", player=seller, items=given), "service")
        answers: list[Any] = []
        for item in granted.items:
            house.begin(seller, CreateListing(item=item.item, start_bid=10, duration_s=DURATION_S)).addBoth(
                answers.append
            )
        house.work()
        made += [answer.body.listing.listing for answer in answers]
        if number % 500 == 499:
            house.pass_time(0.5)  # for checkpoints: no more stores may be dirty than so many
    for listing in made[::7]:
        house.bid("bob", listing, 20)
    return made


def ended(house: NodeInMemory, listings: list[str]) -> list[Listing]:
    """The rows of listings that are over."""
    rows = []
    for listing in listings:
        view = house.ask("eve", GetListing(listing=listing)).listing
        if view.state != "open":
            rows.append(view)
    return rows


def test_expiry_while_the_owners_node_restarts() -> None:
    """The story: auctions that ran out during maintenance were ended by the old process and by the new one. Here each
    ends once, after the restart, and nothing before its time.
    """
    house = NodeInMemory(rules=RULES)
    (listing,) = crowd(house, 1, 1)
    house.pass_time(DURATION_S - 1)
    house.crash()
    house.start()
    house.pass_time(0.5)
    assert house.ask("eve", GetListing(listing=listing)).listing.state == "open"
    house.crash()
    house.reactor.advance(1.0)
    house.start()
    house.pass_time(0.5)
    assert house.ask("eve", GetListing(listing=listing)).listing.state == "sold"
    house.crash()
    house.start()
    house.pass_time(1.0)
    assert [delivery.kind for delivery in house.ask("s0", ListDeliveries()).deliveries] == ["proceeds"]
    assert [delivery.kind for delivery in house.ask("bob", ListDeliveries()).deliveries] == ["won"]


@pytest.mark.parametrize(
    ("sellers", "each"),
    [(40, 25), pytest.param(1_000, 100, marks=pytest.mark.slow)],
    ids=["thousand", "hundred-thousand"],
)
def test_all_listings_end_while_the_node_is_down(sellers: int, each: int) -> None:
    """The story: after a night's downtime the house came up, ended everything that was due at once, and was down again.
    Here a start is served at once, the storm a few stores at a time, nothing ends early and nothing twice.
    """
    house = NodeInMemory(rules=RULES)
    listings = crowd(house, sellers, each)
    assert not ended(house, listings[:50])
    house.stop()
    house.reactor.advance(DURATION_S + 5)
    house.start()
    began_s = time.process_time()
    house.work(rounds=2)
    house.grant("ann", 7)
    assert time.process_time() - began_s < 60, "a start that ends everything first would take far longer"
    while len(house.node.index):
        house.pass_time(1.0)
    house.pass_time(1.0)
    waiting = house.ask("s0", ListDeliveries(limit=100)).deliveries
    assert len(waiting) == min(each, 100)
    sample = listings[:: max(1, len(listings) // 200)]
    assert {view.state for view in ended(house, sample)} <= {"sold", "expired"}
    assert len(ended(house, sample)) == len(sample)
    for number in range(0, sellers, sellers // 10):
        seller = house.ask(f"s{number}", GetPlayer())
        assert (seller.listings, seller.deliveries) == (0, each)


def test_a_full_stash_on_delivery() -> None:
    """The story: goods that were sent to a full bag fell on the floor and were gone. Here they wait, whole, until there
    is room, and are claimed once.
    """
    house = NodeInMemory(rules=Rules(stash_capacity=1))
    (own,) = house.grant("ann", 500, items=1)
    (item,) = house.grant("sal", items=1)
    made = house.ask("sal", CreateListing(item=item, buyout=100, duration_s=3600)).listing
    house.ask("ann", BuyOut(listing=made.listing, price=100))
    (waiting,) = house.ask("ann", ListDeliveries()).deliveries
    for _ in range(3):
        refusal = house.ask("ann", ClaimDelivery(delivery=waiting.delivery))
        assert isinstance(refusal, Refusal) and refusal.reason == "stash_full"
    house.ask("ann", CreateListing(item=own, buyout=5, duration_s=3600))
    assert house.ask("ann", ClaimDelivery(delivery=waiting.delivery)).delivery.items[0].item == item
    again = house.ask("ann", ClaimDelivery(delivery=waiting.delivery))
    assert isinstance(again, Refusal) and again.reason == "delivery_claimed"
