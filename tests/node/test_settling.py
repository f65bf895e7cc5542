"""Listings whose end has come, through a whole node: each is settled, whatever becomes of the others."""

import pytest

from auction.commands import CancelListing, GetListing
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
