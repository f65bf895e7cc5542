"""Creating and cancelling listings: escrow, deposits, windows and limits."""

import pytest

from auction.commands import CancelListing, CreateListing, ListInventory
from tests.auction.house import HOUR_S, START_MS, House, refused
from worlddata.types import Rules


@pytest.fixture
def house() -> House:
    """A house with the default rules."""
    return House()


def test_a_new_listing_is_open_and_holds_its_item(house: House) -> None:
    """The item leaves the stash; the listing tells the seller's terms and when it ends."""
    (item,) = house.grant("al", items=1)
    listing = house.create("al", item=item, start_bid=100, buyout=500)
    seen = house.view(listing, "al")
    assert (seen.state, seen.start_bid, seen.buyout, seen.price, seen.min_bid, seen.bids) == (
        "open",
        100,
        500,
        None,
        100,
        0,
    )
    assert (seen.created_at_ms, seen.ends_at_ms) == (START_MS, START_MS + HOUR_S * 1000)
    assert (seen.mine, seen.winning, seen.item.item) == (True, False, item)
    assert house.ask("al", ListInventory()).items == []


def test_an_item_in_escrow_cannot_be_listed_again(house: House) -> None:
    """Held assets are not spendable: the second listing finds no such item."""
    (item,) = house.grant("al", items=1)
    house.create("al", item=item, start_bid=100)
    assert house.refusal("al", CreateListing(item=item, start_bid=100, duration_s=HOUR_S)) == ("no_such_item", {})


def test_another_players_item_is_no_such_item(house: House) -> None:
    """What is in another player's hands cannot be listed, and is not told apart from what does not exist."""
    (item,) = house.grant("al", items=1)
    house.grant("bo")
    for seller, name in (("bo", item), ("bo", "nonsense"), ("nobody", item)):
        ask = CreateListing(item=name, start_bid=100, duration_s=HOUR_S)
        assert house.refusal(seller, ask) == ("no_such_item", {})


def test_a_bound_item_cannot_be_listed(house: House) -> None:
    """A bound item stays with its owner."""
    (item,) = house.grant("al", items=1, bound=True)
    assert house.refusal("al", CreateListing(item=item, start_bid=1, duration_s=HOUR_S)) == ("bound_item", {})


def test_only_offered_durations_are_taken(house: House) -> None:
    """Another duration is refused with those that the house offers."""
    (item,) = house.grant("al", items=1)
    offered = {"durations_s": [3_600, 43_200, 86_400, 172_800]}
    ask = CreateListing(item=item, start_bid=1, duration_s=3_601)
    assert house.refusal("al", ask) == ("duration_not_offered", offered)


def test_prices_keep_to_the_houses_bounds() -> None:
    """Start bid and buyout are both within `price_min` and `price_max`, ends included."""
    house = House(Rules(price_min=10, price_max=20))
    bounds = {"min": 10, "max": 20}
    (item,) = house.grant("al", items=1)
    for start_bid, buyout in ((9, None), (None, 21), (9, 15), (15, 21)):
        ask = CreateListing(item=item, duration_s=HOUR_S, start_bid=start_bid, buyout=buyout)
        assert house.refusal("al", ask) == ("price_out_of_range", bounds)
    assert house.view(house.create("al", item=item, start_bid=10, buyout=20)).state == "open"


def test_open_listings_are_limited() -> None:
    """`max_listings` counts open ones: when one ends there is room again."""
    house = House(Rules(max_listings=2))
    (item,) = house.grant("al", items=1)
    first, _ = house.create("al", start_bid=1), house.create("al", start_bid=1)
    assert house.refusal("al", CreateListing(item=item, start_bid=1, duration_s=HOUR_S)) == ("listing_limit", {})
    house.cancel("al", first)
    assert house.view(house.create("al", item=item, start_bid=1)).state == "open"


class TestCancel:
    """A seller may take a listing back for a while."""

    def test_the_item_comes_back_as_a_delivery(self, house: House) -> None:
        """A cancelled listing is closed, and its item waits to be claimed."""
        listing = house.create("al", start_bid=100)
        result = house.done(house.cancel("al", listing))
        assert (result.listing.state, result.listing.min_bid, result.listing.mine) == ("cancelled", None, True)
        (returned,) = house.deliveries("al")
        assert (returned.kind, returned.gold, returned.listing) == ("returned", 0, listing)
        assert [item.item for item in returned.items] == [result.listing.item.item]
        assert house.notices("al") == [
            ("delivery.arrived", {"delivery": returned.delivery, "kind": "returned"}),
        ]

    def test_the_window_counts_from_the_creation(self, house: House) -> None:
        """At the window's last millisecond a listing may be cancelled, one later not."""
        early, late = house.create("al", start_bid=1), house.create("al", start_bid=1)
        house.now_ms += 300_000
        assert house.cancel("al", early).listing.state == "cancelled"
        house.now_ms += 1
        assert refused(house.cancel("al", late)) == ("cancel_window_over", {})

    def test_a_listing_with_bids_stays(self, house: House) -> None:
        """Once somebody bid, the seller is bound."""
        house.grant("bo", gold=100)
        listing = house.create("al", start_bid=1)
        house.bid("bo", listing, 1)
        assert refused(house.cancel("al", listing)) == ("has_bids", {})

    def test_only_the_owner_cancels(self, house: House) -> None:
        """To another player the answer is `not_owner`, whatever the listing's state."""
        listing = house.create("al", start_bid=1)
        assert refused(house.cancel("bo", listing)) == ("not_owner", {})
        house.cancel("al", listing)
        assert refused(house.cancel("bo", listing)) == ("not_owner", {})

    def test_a_closed_listing_stays_closed(self, house: House) -> None:
        """A listing is cancelled once, and not at or after its end."""
        once, ended = house.create("al", start_bid=1), house.create("al", start_bid=1)
        house.cancel("al", once)
        assert refused(house.cancel("al", once)) == ("listing_closed", {})
        house.now_ms = house.view(ended).ends_at_ms
        assert refused(house.cancel("al", ended)) == ("listing_closed", {})

    @pytest.mark.parametrize("listing", ["nonsense", "a" * 26 + ".l1"])
    def test_an_unknown_listing_cannot_be_cancelled(self, house: House, listing: str) -> None:
        """Neither an id that nobody minted nor one of no listing is cancelled."""
        assert house.refusal("al", CancelListing(listing=listing)) == ("no_such_listing", {})


class TestDeposit:
    """What a seller leaves at creation."""

    def deposit_house(self) -> House:
        """A house that takes 1 % of the start bid, rounded up."""
        house = House(Rules(deposit_bp=100))
        house.grant("al", gold=1_000)
        house.grant("bo", gold=100_000)
        return house

    def test_it_is_a_share_of_the_start_bid_rounded_up(self) -> None:
        """1 % of 101 is 2 gold; without a start bid the buyout counts."""
        house = self.deposit_house()
        house.create("al", start_bid=101, buyout=90_000)
        assert house.wallet("al") == 998
        house.create("al", buyout=301)
        assert house.wallet("al") == 994

    def test_it_must_be_covered(self) -> None:
        """Who cannot pay the deposit cannot list."""
        house = self.deposit_house()
        (item,) = house.grant("al", items=1)
        ask = CreateListing(item=item, start_bid=100_001, duration_s=HOUR_S)
        assert house.refusal("al", ask) == ("insufficient_gold", {"available": 1_000})

    def test_it_comes_back_with_the_proceeds(self) -> None:
        """After a sale the deposit waits together with the price less the fee."""
        house = self.deposit_house()
        listing = house.create("al", start_bid=1_000)
        house.bid("bo", listing, 5_000)
        house.run_out(listing)
        (proceeds,) = house.deliveries("al")
        assert (proceeds.kind, proceeds.gold) == ("proceeds", 850 + 10)
        assert house.state("al").owner().gold_burned == 150

    def test_it_is_burned_when_nobody_buys(self) -> None:
        """A listing that expires, or is cancelled, forfeits its deposit."""
        house = self.deposit_house()
        expired, cancelled = house.create("al", start_bid=1_000), house.create("al", start_bid=1_000)
        house.cancel("al", cancelled)
        assert house.state("al").owner().gold_burned == 10
        house.run_out(expired)
        assert (house.wallet("al"), house.state("al").owner().gold_burned) == (980, 20)
