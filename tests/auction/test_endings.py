"""Endings: expiry with and without bids, exactly at `ends_at_ms`, and never twice."""

import pytest

from auction.commands import EndListing
from auction.context import HOUSE, Request
from auction.evolve import listings_changed
from tests.auction.house import HOUR_S, House, store_of
from worlddata.types import Rules


@pytest.fixture
def house() -> House:
    """A house with the default rules, a seller and two bidders of means."""
    house = House()
    for bidder in ("bo", "cy"):
        house.grant(bidder, gold=10_000)
    return house


def test_without_bids_the_item_comes_back(house: House) -> None:
    """A listing that nobody bid on expires; its item waits for the seller, who is told."""
    listing = house.create("al", start_bid=100)
    house.run_out(listing)
    assert (house.view(listing).state, house.view(listing).price) == ("expired", None)
    (returned,) = house.deliveries("al")
    assert (returned.kind, returned.gold, len(returned.items)) == ("returned", 0, 1)
    assert house.notices("al") == [
        ("listing.expired", {"listing": listing, "delivery": returned.delivery}),
        ("delivery.arrived", {"delivery": returned.delivery, "kind": "returned"}),
    ]


def test_the_winner_pays_the_visible_price(house: House) -> None:
    """The winner's item waits, the rest of its maximum is in the wallet, the seller's proceeds wait."""
    listing = house.create("al", start_bid=100)
    house.bid("bo", listing, 1_000)
    house.bid("cy", listing, 400)
    house.run_out(listing)
    seen = house.view(listing, "bo")
    assert (seen.state, seen.price, seen.winning, seen.min_bid) == ("sold", 420, True, None)
    (won,) = house.deliveries("bo")
    assert (won.kind, won.gold, [item.item for item in won.items]) == ("won", 0, [seen.item.item])
    assert (house.wallet("bo"), house.escrowed("bo")) == (9_580, 0)
    assert house.notices("bo") == [
        ("listing.won", {"listing": listing, "price": 420, "delivery": won.delivery}),
        ("delivery.arrived", {"delivery": won.delivery, "kind": "won"}),
    ]
    (proceeds,) = house.deliveries("al")
    assert (proceeds.kind, proceeds.gold) == ("proceeds", 357)
    assert house.notices("al") == [
        ("listing.sold", {"listing": listing, "price": 420, "proceeds": 357}),
        ("delivery.arrived", {"delivery": proceeds.delivery, "kind": "proceeds"}),
    ]
    assert house.wallet("cy") == 10_000
    assert house.notices("cy") == []


def test_nothing_ends_early(house: House) -> None:
    """One millisecond before `ends_at_ms` the timer does nothing; at it the listing settles."""
    listing = house.create("al", start_bid=100)
    house.bid("bo", listing, 100)
    house.now_ms = house.view(listing).ends_at_ms - 1
    assert house.end(listing).record == {}
    assert house.view(listing).state == "open"
    house.now_ms += 1
    assert house.end(listing).record != {}
    assert house.view(listing).state == "sold"


def test_an_extended_listing_does_not_end_at_its_first_end(house: House) -> None:
    """A timer set before a soft close fires without effect."""
    listing = house.create("al", start_bid=100)
    first_end_ms = house.view(listing).ends_at_ms
    house.now_ms = first_end_ms - 1
    house.bid("bo", listing, 100)
    house.now_ms = first_end_ms
    assert house.end(listing).record == {}


def test_a_listing_settles_once(house: House) -> None:
    """A second timer finds nothing to do, however the listing ended."""
    sold, expired, cancelled = (house.create("al", start_bid=100) for _ in range(3))
    house.bid("bo", sold, 100)
    house.cancel("al", cancelled)
    for listing in (sold, expired):
        house.run_out(listing)
    for listing in (sold, expired, cancelled):
        assert house.end(listing).record == {}


def test_a_late_timer_settles_late(house: House) -> None:
    """A node that was away settles the listing when it is back, at that instant."""
    listing = house.create("al", start_bid=100)
    house.now_ms = house.view(listing).ends_at_ms + 86_400_000
    house.end(listing)
    assert house.view(listing).state == "expired"
    assert house.deliveries("al")[0].at_ms == house.now_ms


@pytest.mark.parametrize("listing", ["nonsense", "a" * 26 + ".l1"])
def test_a_timer_for_no_listing_does_nothing(house: House, listing: str) -> None:
    """An id that names no listing changes nothing."""
    assert house.execute(Request(HOUSE, EndListing(listing=listing))).record == {}


def test_a_store_wakes_for_its_earliest_end() -> None:
    """`wake_at_ms` and `due_listings` follow creations, extensions and ends."""
    house = House(Rules(durations_s=(HOUR_S, 2 * HOUR_S)))
    house.grant("bo", gold=1_000)
    state = house.state("al")
    assert state.wake_at_ms() is None
    late = house.create("al", start_bid=100, duration_s=2 * HOUR_S)
    early = house.create("al", start_bid=100, duration_s=HOUR_S)
    end_ms = house.view(early).ends_at_ms
    assert state.wake_at_ms() == end_ms
    house.now_ms = end_ms - 1
    house.bid("bo", early, 100)
    assert state.wake_at_ms() == end_ms - 1 + 30_000
    house.now_ms = house.view(late).ends_at_ms
    assert state.due_listings(house.now_ms - 1) == [early]
    assert state.due_listings(house.now_ms) == [early, late]
    for listing in (early, late):
        house.end(listing)
    assert state.wake_at_ms() is None


def test_each_change_of_a_listing_is_a_new_version(house: House) -> None:
    """Creation is version 1; bids, raises and the end add one each, so that an index knows the newer row."""
    listing = house.create("al", start_bid=100)
    row_of = house.state("al").listings.rows.__getitem__
    versions = [row_of(listing).version]
    for bidder, amount in (("bo", 200), ("cy", 150), ("bo", 300), ("cy", 400)):
        house.bid(bidder, listing, amount)
        versions.append(row_of(listing).version)
    house.run_out(listing)
    assert [*versions, row_of(listing).version] == [1, 2, 3, 4, 5, 6]


def test_a_record_tells_which_listings_it_changed(house: House) -> None:
    """Creation, bid and end of a listing are changes to it; a grant is none."""
    listing = house.create("al", start_bid=100)
    house.bid("bo", listing, 100)
    house.run_out(listing)
    changes = [list(listings_changed(record.get(store_of("al"), []))) for record in house.records]
    assert changes == [[], [], [], [listing], [listing], [listing]]
