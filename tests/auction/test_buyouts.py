"""Buyouts: the sale at once, whoever leads."""

import pytest

from tests.auction.house import House, refused
from worlddata.types import Rules


@pytest.fixture
def house() -> House:
    """A house with the default rules, a seller and two players of means."""
    house = House()
    for buyer in ("bo", "cy"):
        house.grant(buyer, gold=10_000)
    return house


def test_a_buyout_sells_at_once(house: House) -> None:
    """The buyer pays, the item waits for it, the price less the fee waits for the seller."""
    listing = house.create("al", start_bid=100, buyout=1_000)
    result = house.done(house.buy_out("bo", listing, 1_000))
    assert (result.paid, result.listing.state, result.listing.price, result.listing.winning) == (
        1_000,
        "sold",
        1_000,
        True,
    )
    assert house.wallet("bo") == 9_000
    (bought,) = house.deliveries("bo")
    assert (bought.kind, [item.item for item in bought.items], bought.gold) == ("bought", [result.item.item], 0)
    (proceeds,) = house.deliveries("al")
    assert (proceeds.kind, proceeds.gold, proceeds.listing) == ("proceeds", 850, listing)
    assert house.notices("bo") == [("delivery.arrived", {"delivery": bought.delivery, "kind": "bought"})]
    assert house.notices("al") == [
        ("listing.sold", {"listing": listing, "price": 1_000, "proceeds": 850}),
        ("delivery.arrived", {"delivery": proceeds.delivery, "kind": "proceeds"}),
    ]


def test_a_buyout_under_a_standing_bid_refunds_the_leader(house: House) -> None:
    """Whoever led has its whole maximum back in the wallet, and is told that the listing is gone."""
    listing = house.create("al", start_bid=100, buyout=1_000)
    house.bid("bo", listing, 900)
    house.done(house.buy_out("cy", listing, 1_000))
    assert (house.wallet("bo"), house.escrowed("bo"), house.wallet("cy")) == (10_000, 0, 9_000)
    assert house.notices("bo") == [("listing.outbid", {"listing": listing, "price": 1_000, "min_bid": None})]
    assert house.deliveries("bo") == []
    assert len(house.state("bo").bids) == 0


def test_a_leader_who_buys_out_pays_the_difference(house: House) -> None:
    """The leader's own maximum is part of the price; needed is only the rest."""
    listing = house.create("al", start_bid=100, buyout=10_500)
    house.bid("bo", listing, 9_900)
    assert refused(house.buy_out("bo", listing, 10_500)) == ("insufficient_gold", {"available": 100})
    house.grant("bo", gold=500)
    assert house.buy_out("bo", listing, 10_500).paid == 10_500
    assert (house.wallet("bo"), house.escrowed("bo")) == (0, 0)
    assert [notice for notice, _ in house.notices("bo")] == ["delivery.arrived"]
    assert house.deliveries("al")[0].gold == 8_925


def test_a_buyer_who_was_outbid_before_pays_the_whole(house: House) -> None:
    """A lost bid is no part of the price."""
    listing = house.create("al", start_bid=100, buyout=1_000)
    house.bid("cy", listing, 200)
    house.bid("bo", listing, 500)
    house.done(house.buy_out("cy", listing, 1_000))
    assert (house.wallet("bo"), house.wallet("cy")) == (10_000, 9_000)


def test_only_the_price_the_player_saw_is_taken(house: House) -> None:
    """Another price, higher or lower, is refused with the one that holds."""
    listing = house.create("al", buyout=1_000)
    for price in (999, 1_001, 0):
        assert refused(house.buy_out("bo", listing, price)) == ("price_changed", {"price": 1_000})


def test_a_listing_without_buyout_cannot_be_bought_out(house: House) -> None:
    """An auction pure and simple can only be bid on."""
    listing = house.create("al", start_bid=100)
    assert refused(house.buy_out("bo", listing, 100)) == ("no_buyout", {})


def test_nobody_buys_the_own_listing(house: House) -> None:
    """A seller takes the item back by cancelling only."""
    house.grant("al", gold=1_000)
    listing = house.create("al", buyout=100)
    assert refused(house.buy_out("al", listing, 100)) == ("own_listing", {})


def test_a_buyout_must_be_covered(house: House) -> None:
    """One gold short is refused with what there is."""
    listing = house.create("al", buyout=10_001)
    assert refused(house.buy_out("bo", listing, 10_001)) == ("insufficient_gold", {"available": 10_000})


def test_a_listing_is_bought_once(house: House) -> None:
    """The second buyer finds the listing closed."""
    listing = house.create("al", buyout=100)
    house.done(house.buy_out("bo", listing, 100))
    assert refused(house.buy_out("cy", listing, 100)) == ("listing_closed", {})


def test_a_buyout_counts_one_millisecond_before_the_end_and_not_at_it(house: House) -> None:
    """At T − 1 ms a buyout is taken; at T the listing is closed."""
    in_time, late = house.create("al", buyout=100), house.create("al", buyout=100)
    house.now_ms = house.view(in_time).ends_at_ms - 1
    assert house.buy_out("bo", in_time, 100).listing.state == "sold"
    house.now_ms += 1
    assert refused(house.buy_out("bo", late, 100)) == ("listing_closed", {})


@pytest.mark.parametrize("listing", ["nonsense", "a" * 26 + ".l1"])
def test_an_unknown_listing_cannot_be_bought(house: House, listing: str) -> None:
    """An id that names no listing is refused as such."""
    assert refused(house.buy_out("bo", listing, 100)) == ("no_such_listing", {})


def test_a_buyout_needs_no_room_for_standing_bids() -> None:
    """The limit on standing bids does not keep anybody from buying."""
    house = House(Rules(max_bids=1))
    house.grant("bo", gold=1_000)
    house.bid("bo", house.create("al", start_bid=1), 5)
    assert house.buy_out("bo", house.create("al", buyout=100), 100).paid == 100


@pytest.mark.parametrize(
    ("price", "fee_bp", "proceeds"),
    [(1, 1_500, 0), (6, 1_500, 5), (7, 1_500, 5), (100, 1, 99), (10_000, 1, 9_999), (99, 0, 99), (99, 10_000, 0)],
)
def test_proceeds_are_rounded_down_once(price: int, fee_bp: int, proceeds: int) -> None:
    """The seller gets the whole gold of price × (1 − fee), and the house burns the rest."""
    house = House(Rules(fee_bp=fee_bp))
    house.grant("bo", gold=price)
    listing = house.create("al", buyout=price)
    house.done(house.buy_out("bo", listing, price))
    assert house.notices("al")[0] == (
        "listing.sold",
        {"listing": listing, "price": price, "proceeds": proceeds},
    )
    assert [delivery.gold for delivery in house.deliveries("al")] == ([proceeds] if proceeds else [])
    assert house.state("al").owner().gold_burned == price - proceeds
