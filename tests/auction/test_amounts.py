"""Amounts at the edges: 2^31, 2^32, 2^53 − 1 and 2^63, and their products, are exact or refused."""

import msgspec
import pytest

from auction import amounts, pricing
from auction.commands import BuyOut, CreateListing, Grant, PlaceBid
from auction.results import BidResult
from auction.state import ListingRules
from tests.auction.house import MAX, House, refused
from worlddata.types import Rules

EDGES = (2**31 - 1, 2**31, 2**31 + 1, 2**32 - 1, 2**32, 2**32 + 1, MAX - 1, MAX)


@pytest.mark.parametrize("price", EDGES)
def test_a_sale_at_an_edge_is_exact(price: int) -> None:
    """At each edge the buyer pays exactly the price and the fee is exactly its share, rounded up once."""
    house = House()
    house.grant("bo", gold=price)
    house.done(house.buy_out("bo", house.create("al", buyout=price), price))
    house.claim_all("al")
    fee = -(-price * 15 // 100)
    assert (house.wallet("bo"), house.wallet("al")) == (0, price - fee)
    assert house.state("al").owner().gold_burned == fee


@pytest.mark.parametrize("amount", EDGES)
def test_a_bid_at_an_edge_is_exact(amount: int) -> None:
    """At each edge a maximum is held, outbid by one more, and given back exactly."""
    house = House()
    house.grant("bo", gold=amount)
    house.grant("cy", gold=MAX)
    listing = house.create("al", start_bid=1)
    assert isinstance(house.bid("bo", listing, amount), BidResult)
    assert (house.wallet("bo"), house.escrowed("bo")) == (0, amount)
    if amount == MAX:
        assert refused(house.bid("cy", listing, MAX)) == ("outbid", {"price": MAX, "min_bid": None})
        house.run_out(listing)
        assert house.wallet("bo") == 0
    else:
        assert house.bid("cy", listing, amount + 1).listing.price == amount + 1
        assert house.wallet("bo") == amount


@pytest.mark.parametrize("price", EDGES)
def test_products_at_an_edge_are_exact(price: int) -> None:
    """Shares of the largest amounts are computed without loss: a fee, a deposit and an increment of everything."""
    rules = ListingRules.of(Rules(increment_bp=10_000, fee_bp=10_000))
    assert pricing.increment(price, rules) == price
    assert pricing.fee(price, rules) == price
    assert pricing.deposit(price, None, Rules(deposit_bp=10_000)) == price
    assert amounts.share_rounded_up(price, 1) == (price + 9_999) // 10_000


def test_an_increment_past_the_bound_leaves_no_minimum() -> None:
    """Where price plus increment would pass 2^53 − 1, no bid can be taken and none is invited."""
    house = House(Rules(increment_bp=10_000))
    house.grant("bo", gold=MAX)
    house.grant("cy", gold=MAX)
    listing = house.create("al", start_bid=2**52)
    assert house.bid("bo", listing, 2**52).listing.min_bid is None
    assert refused(house.bid("cy", listing, MAX)) == ("bid_too_low", {"min_bid": None})


def test_a_price_is_capped_before_it_passes_the_bound() -> None:
    """A losing maximum whose increment would pass the bound moves the price to the leader's maximum."""
    house = House(Rules(increment_bp=10_000))
    house.grant("bo", gold=MAX)
    house.grant("cy", gold=MAX)
    listing = house.create("al", start_bid=1)
    house.bid("bo", listing, MAX)
    assert refused(house.bid("cy", listing, MAX - 1)) == ("outbid", {"price": MAX, "min_bid": None})


def test_proceeds_and_deposit_that_pass_the_bound_together_wait_apart() -> None:
    """A deposit on top of the largest price would be too much for one amount: two deliveries carry it."""
    house = House(Rules(fee_bp=0, deposit_bp=1))
    deposit = pricing.deposit(MAX, None, Rules(deposit_bp=1))
    house.grant("al", gold=deposit)
    house.grant("bo", gold=MAX)
    listing = house.create("al", start_bid=MAX)
    house.bid("bo", listing, MAX)
    house.run_out(listing)
    assert [(delivery.kind, delivery.gold) for delivery in house.deliveries("al")] == [
        ("proceeds", MAX),
        ("proceeds", deposit),
    ]
    assert house.notices("al")[0] == ("listing.sold", {"listing": listing, "price": MAX, "proceeds": MAX})


@pytest.mark.parametrize("amount", [2**53, 2**63 - 1, 2**63, 2**64, 2**63 * 2**53, -1, True, 1.0, "1"])
@pytest.mark.parametrize(
    ("command", "params", "field"),
    [
        (PlaceBid, {"listing": "x"}, "amount"),
        (BuyOut, {"listing": "x"}, "price"),
        (CreateListing, {"item": "x", "duration_s": 60}, "start_bid"),
        (CreateListing, {"item": "x", "duration_s": 60}, "buyout"),
        (CreateListing, {"item": "x", "start_bid": 1}, "duration_s"),
        (Grant, {"player": "al", "key": "k"}, "gold"),
    ],
)
def test_an_amount_out_of_bounds_is_no_command(
    command: type, params: dict[str, object], field: str, amount: object
) -> None:
    """2^53, 2^63 and beyond, negative amounts, booleans, fractions and texts never become a command."""
    good, bad = ({**params, field: value} for value in (MAX, amount))
    assert getattr(msgspec.convert(good, command), field) == MAX
    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.convert(bad, command)


@pytest.mark.parametrize("amount", [-1, 2**53, 2**63])
def test_an_amount_out_of_bounds_inside_stops_the_node(amount: int) -> None:
    """What no rule may produce is an assertion, not a number that goes on its way."""
    assert not amounts.fits(amount)
    with pytest.raises(AssertionError):
        amounts.checked(amount)


def test_the_bounds_themselves_fit() -> None:
    """0 and 2^53 − 1 are amounts."""
    assert amounts.fits(0)
    assert amounts.fits(MAX)
    assert (amounts.checked(0), amounts.checked(MAX)) == (0, MAX)
