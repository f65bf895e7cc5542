"""Listings whose end has come, through a whole node: each is settled, whatever becomes of the others."""

import pytest

from auction.commands import CancelListing, GetListing
from shardnode.node.awake_stores import StoreLimits
from shardnode.node.node import NodeLimits
from shardnode.node.timers import TimerLimits
from tests.node.house import HOUR_S, NodeInMemory


def test_an_old_listing_that_ends_after_many_younger_ones_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store forgets ended listings, but never the one that is just ending: node and index must hear of it."""
    monkeypatch.setattr("auction.evolve.CLOSED_LISTINGS_KEPT", 2)
    house = NodeInMemory()
    oldest = house.list_item("sal")
    for _ in range(3):
        house.ask("sal", CancelListing(listing=house.list_item("sal")))
    house.pass_time(HOUR_S + 1)
    assert house.failures == []
    assert house.ask("sal", GetListing(listing=oldest)).listing.state == "expired"
    assert len(house.node.searches.index) == 0


def house_with_two_endings(led_by: str) -> tuple[NodeInMemory, str, str]:
    """A node just started, with two listings of one seller that end in an hour: the first is led by a player."""
    house = NodeInMemory()
    led = house.list_item("sal")
    house.pass_time(0.1)
    other = house.list_item("sal")
    house.grant(led_by, 1_000)
    house.bid(led_by, led, 200)
    house.stop()
    house.start()
    return house, led, other


def test_a_damaged_leader_does_not_keep_the_sellers_other_listings_open() -> None:
    """What can be settled is settled, though what fell due before it cannot."""
    house, led, other = house_with_two_endings(led_by="ann")
    house.storage.damage(house.node.names.store_of("ann"))
    house.pass_time(HOUR_S + 60)
    assert house.failures == []
    assert house.ask("sal", GetListing(listing=other)).listing.state == "expired"
    assert house.ask("sal", GetListing(listing=led)).listing.state == "open"


def test_a_listing_that_cannot_be_settled_is_tried_again_now_and_then() -> None:
    """It ends when its stores can be opened again, and however long that takes, the tries do not become more."""
    house, led, _ = house_with_two_endings(led_by="ann")
    ann = house.node.names.store_of("ann")
    house.storage.damage(ann)
    loads: list[str] = []
    load = house.storage.stores.load
    house.storage.stores.load = lambda store: (loads.append(store), load(store))[1]  # type: ignore[method-assign]  # counts them
    house.pass_time(HOUR_S + 120)
    loads.clear()
    house.pass_time(600)
    assert 10 <= loads.count(ann) <= 30
    house.storage.damage(ann, mended=True)
    house.pass_time(60)
    assert house.ask("sal", GetListing(listing=led)).listing.state == "sold"


def test_a_storm_of_endings_in_a_full_node_waits_instead_of_spinning() -> None:
    """While no store can be woken the node asks its database a few times a second, not as fast as it can."""
    house = NodeInMemory()
    for number in range(4):
        listing = house.list_item(f"sal{number}")
        house.grant(f"ann{number}", 1_000)
        house.bid(f"ann{number}", listing, 200)
    house.stop()
    house.reactor.advance(2 * HOUR_S)
    timers = TimerLimits(read_max=4, in_flight_max=4)
    house.limits = NodeLimits(stores=StoreLimits(awake_max=2), timers=timers)
    house.start()
    reads: list[int] = []
    due = house.storage.journal.due
    house.storage.journal.due = lambda before_ms, limit: (reads.append(limit), due(before_ms, limit))[1]  # type: ignore[method-assign]  # counts them
    house.pass_time(4)
    assert 1 <= len(reads) <= 20
    house.limits = NodeLimits()
    house.crash()
    house.start()
    house.pass_time(1)
    assert len(house.node.searches.index) == 0
