"""Auctions of seconds end by themselves: who gets what, and who is told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.client import ENCODINGS, Encoding, eventually
from tests.conformance.house import House, Issuer, Player, running

SECONDS = 2
START, TOP = 100, 500


class Evening:
    """Auctions that ended by themselves: one without a bid, one with one bidder, one with two."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.seller = house.newcomer(items=3)
        self.winner = house.newcomer(gold=1000)
        self.loser = house.newcomer(gold=1000)
        self.unwanted, self.wanted, self.contested = (
            self.seller.sell(number, start_bid=START, duration_s=SECONDS) for number in range(3)
        )
        self.items = {listing: self.seller.look(listing)["item"] for listing in (self.wanted, self.contested)}
        self.winner.bid(self.wanted, TOP)
        self.loser.bid(self.contested, 200)
        self.winner.bid(self.contested, TOP)
        self.before = [self.seller.look(listing) for listing in (self.unwanted, self.wanted, self.contested)]
        self.told = {player: _told(player, count) for player, count in ((self.seller, 6), (self.winner, 4))}


def _told(player: Player, count: int) -> list[dict[str, Any]]:
    return [player.event() for _ in range(count)]


@pytest.fixture(scope="module", params=ENCODINGS, ids=lambda encoding: encoding.subprotocol.rpartition(".")[2])
def evening(request: pytest.FixtureRequest, url: str, issuer: Issuer) -> Iterator[Evening]:
    """One evening for all of these tests, in each encoding."""
    with House(url, issuer, request.param) as house:
        yield Evening(house)


def test_a_listing_ends_at_its_instant_and_not_before(evening: Evening) -> None:
    """Every push of an ending is stamped with `ends_at_ms` or later."""
    ends = {row["listing"]: row["ends_at_ms"] for row in evening.before}
    for row in evening.before:
        assert row["ends_at_ms"] == row["created_at_ms"] + SECONDS * 1000
    for events in evening.told.values():
        for event in events:
            assert event["at_ms"] >= ends.get(event["data"].get("listing"), 0)


def test_a_listing_without_a_bid_expires(evening: Evening) -> None:
    """It is nobody's, and the item waits for the seller."""
    seen = evening.seller.look(evening.unwanted)
    assert (seen["state"], seen["price"], seen["min_bid"], seen["bids"]) == ("expired", None, None, 0)
    (delivery,) = [each for each in evening.seller.deliveries() if each["listing"] == evening.unwanted]
    assert (delivery["kind"], delivery["gold"], delivery["items"]) == ("returned", 0, [seen["item"]])


def test_a_listing_with_a_bid_is_sold_at_the_visible_price(evening: Evening) -> None:
    """With one bidder that is the start, with two the second maximum and an increment."""
    for listing, price, bids in ((evening.wanted, START, 1), (evening.contested, 210, 2)):
        seen = evening.winner.look(listing)
        assert (seen["state"], seen["price"], seen["min_bid"], seen["bids"]) == ("sold", price, None, bids)
        assert seen["winning"]
        assert not evening.loser.look(listing)["winning"]


def test_the_winner_gets_the_item_and_the_rest_of_the_maximum(evening: Evening) -> None:
    """The gold is in the wallet by itself; each item waits as `won`."""
    assert evening.winner.gold() == (1000 - START - 210, 0)
    assert evening.loser.gold() == (1000, 0)
    waiting = {each["listing"]: each for each in evening.winner.deliveries()}
    assert waiting.keys() == evening.items.keys()
    for listing, delivery in waiting.items():
        assert (delivery["kind"], delivery["gold"], delivery["items"]) == ("won", 0, [evening.items[listing]])


def test_the_seller_gets_the_price_less_the_fee(evening: Evening) -> None:
    """Proceeds wait to be claimed: of 100 they are 85, of 210 they are 178, rounded down once."""
    proceeds = {each["listing"]: each for each in evening.seller.deliveries() if each["kind"] == "proceeds"}
    assert {listing: each["gold"] for listing, each in proceeds.items()} == {
        evening.wanted: 85,
        evening.contested: 178,
    }
    assert evening.seller.gold() == (0, 0)


def test_everybody_hears_how_it_ended(evening: Evening) -> None:
    """`listing.expired`, `listing.sold`, `listing.won`, and `delivery.arrived` for each thing that waits."""
    waiting = {each["delivery"]: each["kind"] for each in evening.seller.deliveries() + evening.winner.deliveries()}
    for events in evening.told.values():
        arrived = [event["data"] for event in events if event["type"] == "delivery.arrived"]
        assert arrived
        assert all(waiting[data["delivery"]] == data["kind"] for data in arrived)
    seller = {(event["type"], event["data"].get("listing")): event["data"] for event in evening.told[evening.seller]}
    assert waiting[seller["listing.expired", evening.unwanted]["delivery"]] == "returned"
    assert seller["listing.sold", evening.wanted] == {"listing": evening.wanted, "price": START, "proceeds": 85}
    assert seller["listing.sold", evening.contested] == {"listing": evening.contested, "price": 210, "proceeds": 178}
    won = [event["data"] for event in evening.told[evening.winner] if event["type"] == "listing.won"]
    assert {data["listing"]: data["price"] for data in won} == {evening.wanted: START, evening.contested: 210}
    assert all(waiting[data["delivery"]] == "won" for data in won)


def test_pushes_are_numbered_without_a_gap(evening: Evening) -> None:
    """For each player `seq` starts at 1 and grows by one; `events.since` tells the same."""
    for player, events in evening.told.items():
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        assert player.call("events.since", seq=0)["events"] == events


def test_what_is_over_takes_nothing_any_more(evening: Evening) -> None:
    """Bids, buyouts and cancels are `listing_closed`."""
    for listing in (evening.unwanted, evening.wanted):
        assert evening.loser.refusal("listing.bid", listing=listing, amount=600).reason == "listing_closed"
        assert evening.loser.refusal("listing.buyout", listing=listing, price=1).reason == "listing_closed"
        assert evening.seller.refusal("listing.cancel", listing=listing).reason == "listing_closed"


def test_what_is_over_is_counted_and_searched_no_more(evening: Evening) -> None:
    """The seller has no open listing, and no search finds one of these."""
    assert evening.seller.call("player.get")["listings"] == 0
    found = evening.loser.call("listing.search", sort="created_at", order="desc", limit=100)["listings"]
    assert not {row["listing"] for row in found} & {row["listing"] for row in evening.before}


SOFT_RULES = """[rules]
durations_s = [60, 3600]
snipe_window_s = 300
snipe_extension_s = 90
snipe_max_s = 100
"""


@pytest.fixture(scope="module")
def soft_url(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[str]:
    """A node where every bid on an auction of a minute is a late one."""
    directory: Path = tmp_path_factory.mktemp("soft")
    rules = directory / "rules.toml"
    rules.write_text(SOFT_RULES)
    with running(directory, "--rules", rules, "--token-key", issuer.public_file) as (url, _):
        yield url


def test_a_late_bid_leaves_time_for_another(soft_url: str, issuer: Issuer, encoding: Encoding) -> None:
    """Within the window of the end, a bid leaves the extension, and all of them no more than the most."""
    with House(soft_url, issuer, encoding) as house:
        seller, bidder = house.newcomer(items=2), house.newcomer(gold=1000)
        late, early = seller.sell(0, start_bid=10, duration_s=60), seller.sell(1, start_bid=10)
        first_end_ms, early_end_ms = (seller.look(listing)["ends_at_ms"] for listing in (late, early))
        before_ms = house.visitor().hello["server_time_ms"]
        ends_at_ms = bidder.bid(late, 10)["ends_at_ms"]
        after_ms = house.visitor().hello["server_time_ms"]
        assert before_ms + 90_000 <= ends_at_ms <= after_ms + 90_000
        assert ends_at_ms <= first_end_ms + 100_000
        assert bidder.bid(early, 10)["ends_at_ms"] == early_end_ms
        assert seller.look(late)["ends_at_ms"] == ends_at_ms


def test_a_bid_counts_up_to_the_end_and_not_after(house: House) -> None:
    """Bids until the end are taken, and then refused for the end alone; the last one taken is the one that wins."""
    seller, bidder = house.newcomer(items=2), house.newcomer(gold=10_000)
    seller.sell(0, start_bid=1, duration_s=SECONDS)
    for _ in range(50):
        seller.call("player.get")
    listing = seller.sell(1, start_bid=1, duration_s=SECONDS)
    ends_at_ms = seller.look(listing)["ends_at_ms"]
    taken = [bidder.bid(listing, 1)]
    seller.event("listing.expired")  # the first one's, a moment before the second one's end
    eventually(lambda: not _raised(bidder, listing, taken))
    assert house.visitor().hello["server_time_ms"] >= ends_at_ms
    assert bidder.event("listing.won")["data"]["price"] == 1
    assert bidder.gold() == (9_999, 0)


def _raised(bidder: Player, listing: str, taken: list[Any]) -> bool:
    answer = bidder.ask("listing.bid", {"listing": listing, "amount": len(taken) + 1})
    if "error" in answer:
        assert answer["error"]["data"]["reason"] == "listing_closed", answer
        return False
    taken.append(answer["result"])
    return True
