"""Listings as their sellers make, see and cancel them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.client import Encoding, eventually
from tests.conformance.contract import BAD_PARAMS
from tests.conformance.house import HOUR_S, House, Issuer, running

STRICT_RULES = """[rules]
price_min = 10
price_max = 1000
deposit_bp = 1000
cancel_window_s = 0
"""


@pytest.fixture(scope="module")
def strict_url(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer) -> Iterator[str]:
    """A node whose rules bound prices, take deposits and let nobody cancel."""
    directory: Path = tmp_path_factory.mktemp("strict")
    rules = directory / "rules.toml"
    rules.write_text(STRICT_RULES)
    with running(directory, "--rules", rules, "--token-key", issuer.public_file) as (url, _):
        yield url


@pytest.fixture
def strict_house(strict_url: str, issuer: Issuer, encoding: Encoding) -> Iterator[House]:
    """The strict node, in one encoding."""
    with House(strict_url, issuer, encoding) as house:
        yield house


@pytest.mark.parametrize("prices", [{"start_bid": 7}, {"buyout": 9}, {"start_bid": 7, "buyout": 9}], ids=str)
def test_a_listing_is_made_of_an_item_and_its_prices(house: House, prices: dict[str, int]) -> None:
    """It is open, has no bids, ends when it should, and holds the item that has left the stash."""
    seller = house.newcomer(items=2)
    item = seller.call("inventory.list")["items"][0]
    made = seller.call("listing.create", item=item["item"], duration_s=HOUR_S, **prices)["listing"]
    assert made == {
        "listing": made["listing"],
        "item": item,
        "state": "open",
        "start_bid": prices.get("start_bid"),
        "buyout": prices.get("buyout"),
        "price": None,
        "min_bid": prices.get("start_bid"),
        "bids": 0,
        "created_at_ms": made["created_at_ms"],
        "ends_at_ms": made["created_at_ms"] + HOUR_S * 1000,
        "mine": True,
        "winning": False,
    }
    assert item["item"] not in seller.stash()
    state = seller.call("player.get")
    assert (state["listings"], state["stash"]["used"]) == (1, 1)


def test_a_listing_looks_the_same_to_everybody_but_for_whose_it_is(house: House) -> None:
    """`mine` and `winning` are the viewer's; the seller is not named."""
    seller, bidder, other = house.newcomer(items=1), house.newcomer(gold=20), house.newcomer()
    listing = seller.sell(start_bid=7, buyout=50)
    bidder.bid(listing, 11)
    seen = [player.look(listing) for player in (seller, bidder, other)]
    assert [(view["mine"], view["winning"]) for view in seen] == [(True, False), (False, True), (False, False)]
    assert all({**view, "mine": False, "winning": False} == seen[2] for view in seen)
    assert seller.name not in str(seen[2])


@pytest.mark.parametrize("params", [{}, {"buyout": 5, "start_bid": 6}, {"start_bid": -1}, {"buyout": 2**53}], ids=str)
def test_a_listing_without_prices_that_make_sense_is_refused(house: House, params: dict[str, int]) -> None:
    """One price at least, a buyout of no less than the first bid, and both amounts."""
    seller = house.newcomer(items=1)
    refusal = seller.refusal("listing.create", item=seller.items[0], duration_s=HOUR_S, **params)
    assert refusal.code == BAD_PARAMS
    assert seller.stash() == list(seller.items)


def test_a_buyout_may_be_the_first_bid(house: House) -> None:
    """Then no bid can be taken, for every maximum is the buyout or more."""
    seller, buyer = house.newcomer(items=1), house.newcomer(gold=5)
    listing = seller.sell(start_bid=5, buyout=5)
    assert buyer.look(listing)["min_bid"] is None
    assert buyer.refusal("listing.bid", listing=listing, amount=5).reason == "price_out_of_range"
    buyer.call("listing.buyout", listing=listing, price=5)


def test_only_what_is_in_the_stash_can_be_sold(house: House) -> None:
    """Unknown items, another's, and those for sale already are `no_such_item`."""
    seller, other = house.newcomer(items=2), house.newcomer(items=1)
    seller.sell(0, start_bid=1)
    for item in ("no such", other.items[0], seller.items[0]):
        refusal = seller.refusal("listing.create", item=item, start_bid=1, duration_s=HOUR_S)
        assert refusal.reason == "no_such_item", item


def test_a_bound_item_cannot_be_sold(house: House) -> None:
    """It stays where it is."""
    seller = house.newcomer()
    bound = house.grant(seller.name, items=[{"base": house.base, "bound": True}])["items"][0]
    refusal = seller.refusal("listing.create", item=bound["item"], start_bid=1, duration_s=HOUR_S)
    assert refusal.reason == "bound_item"
    assert seller.call("inventory.list")["items"] == [bound]


@pytest.mark.parametrize("duration_s", [0, 1, 3, 3599, 172_800, 2**53 - 1])
def test_a_listing_lasts_as_long_as_the_rules_offer(house: House, duration_s: int) -> None:
    """Any other duration is `duration_not_offered`."""
    seller = house.newcomer(items=1)
    refusal = seller.refusal("listing.create", item=seller.items[0], start_bid=1, duration_s=duration_s)
    assert refusal.reason == "duration_not_offered"


def test_a_player_may_have_so_many_listings(house: House) -> None:
    """At `max_listings` another is `listing_limit`, until one of them is over."""
    seller = house.newcomer(items=5)
    listings = [seller.sell(number, start_bid=1) for number in range(4)]
    refusal = seller.refusal("listing.create", item=seller.items[4], start_bid=1, duration_s=HOUR_S)
    assert refusal.reason == "listing_limit"
    seller.call("listing.cancel", listing=listings[0])
    seller.sell(4, start_bid=1)


def test_prices_keep_to_the_houses_bounds(strict_house: House) -> None:
    """Below `price_min` and above `price_max` a listing is `price_out_of_range`; at the bounds it is made."""
    seller = strict_house.newcomer(gold=1000, items=2)
    for prices in ({"start_bid": 9}, {"buyout": 9}, {"start_bid": 10, "buyout": 1001}, {"start_bid": 1001}):
        refusal = seller.refusal("listing.create", item=seller.items[0], duration_s=HOUR_S, **prices)
        assert refusal.reason == "price_out_of_range", prices
    seller.sell(0, start_bid=10, buyout=1000)
    seller.sell(1, start_bid=1000)


def test_a_bid_keeps_to_the_houses_bounds(strict_house: House) -> None:
    """Where there is no buyout, `price_max` is the most that may be bid, and `data.max` says so."""
    seller, bidder = strict_house.newcomer(gold=1000, items=1), strict_house.newcomer(gold=5000)
    listing = seller.sell(start_bid=10)
    refusal = bidder.refusal("listing.bid", listing=listing, amount=1001)
    assert (refusal.reason, refusal.data["max"]) == ("price_out_of_range", 1000)
    assert bidder.bid(listing, 1000)["price"] == 10


def test_a_deposit_is_left_at_creation(strict_house: House) -> None:
    """Its share of `start_bid`, or of `buyout` without one, leaves the wallet; without it there is no listing."""
    seller = strict_house.newcomer(gold=25, items=3)
    seller.sell(0, start_bid=100, buyout=1000)
    assert seller.gold() == (15, 0)
    seller.sell(1, buyout=100)
    assert seller.gold() == (5, 0)
    refusal = seller.refusal("listing.create", item=seller.items[2], start_bid=100, duration_s=HOUR_S)
    assert (refusal.reason, refusal.data["available"]) == ("insufficient_gold", 5)
    assert seller.stash() == [seller.items[2]]


def test_a_deposit_comes_back_with_a_sale(strict_house: House) -> None:
    """What the seller claims after a sale is the price less the fee, and the deposit."""
    seller, buyer = strict_house.newcomer(gold=10, items=1), strict_house.newcomer(gold=200)
    listing = seller.sell(start_bid=100, buyout=200)
    assert seller.gold() == (0, 0)
    buyer.call("listing.buyout", listing=listing, price=200)
    seller.claim_all()
    assert seller.gold() == (170 + 10, 0)


def test_a_cancelled_listing_gives_its_item_back(house: House) -> None:
    """The item waits as a delivery `returned`, and the seller is told."""
    seller = house.newcomer(items=1)
    listing = seller.sell(start_bid=7, buyout=9)
    cancelled = seller.call("listing.cancel", listing=listing)["listing"]
    assert (cancelled["state"], cancelled["min_bid"], cancelled["price"]) == ("cancelled", None, None)
    assert seller.look(listing) == cancelled
    assert seller.stash() == []
    (delivery,) = seller.deliveries()
    assert (delivery["kind"], delivery["gold"], delivery["listing"]) == ("returned", 0, listing)
    assert [item["item"] for item in delivery["items"]] == list(seller.items)
    event = seller.event()
    assert (event["type"], event["data"]) == (
        "delivery.arrived",
        {"delivery": delivery["delivery"], "kind": "returned"},
    )
    seller.claim_all()
    assert seller.stash() == list(seller.items)


def test_only_the_owner_of_an_open_listing_without_bids_may_cancel_it(house: House) -> None:
    """Another's is `not_owner`, one with bids `has_bids`, one that is over `listing_closed`."""
    seller, other = house.newcomer(items=2), house.newcomer(gold=100)
    listing = seller.sell(0, start_bid=7, buyout=9)
    assert other.refusal("listing.cancel", listing=listing).reason == "not_owner"
    other.bid(listing, 7)
    assert other.refusal("listing.cancel", listing=listing).reason == "not_owner"
    assert seller.refusal("listing.cancel", listing=listing).reason == "has_bids"
    other.call("listing.buyout", listing=listing, price=9)
    assert seller.refusal("listing.cancel", listing=listing).reason == "listing_closed"
    listing = seller.sell(1, start_bid=7)
    seller.call("listing.cancel", listing=listing)
    assert seller.refusal("listing.cancel", listing=listing).reason == "listing_closed"


def test_after_the_window_nothing_is_cancelled(strict_house: House) -> None:
    """`cancel_window_s` counts from the listing's creation."""
    seller = strict_house.newcomer(gold=1000, items=1)
    listing = seller.sell(start_bid=10)
    created_at_ms = seller.look(listing)["created_at_ms"]
    eventually(lambda: strict_house.visitor().hello["server_time_ms"] > created_at_ms)
    assert seller.refusal("listing.cancel", listing=listing).reason == "cancel_window_over"
    assert seller.look(listing)["state"] == "open"


@pytest.mark.parametrize("method", ["listing.get", "listing.bid", "listing.buyout", "listing.cancel"])
def test_a_listing_that_never_was_is_no_such_listing(house: House, method: str) -> None:
    """Neither made-up ids nor those of other things, nor one altered by a character, are listings."""
    player = house.newcomer(gold=10, items=1)
    listing = player.sell(start_bid=5)
    more = {"listing.bid": {"amount": 5}, "listing.buyout": {"price": 5}}.get(method, {})
    elsewhere = ("b" if listing.startswith("a") else "a") + listing[1:]
    for made_up in ("x", player.items[0], listing + "0", listing[:-1], elsewhere, listing.upper(), "é" * 80):
        assert player.refusal(method, listing=made_up, **more).reason == "no_such_listing", made_up


def test_a_seller_sees_the_own_listings(house: House) -> None:
    """All of them, or those in one state, a page at a time."""
    seller, buyer = house.newcomer(items=4), house.newcomer(gold=100)
    kept, cancelled, sold, other = (seller.sell(number, buyout=9) for number in range(4))
    seller.call("listing.cancel", listing=cancelled)
    buyer.call("listing.buyout", listing=sold, price=9)
    found = {
        state: {row["listing"] for row in seller.call("listing.mine", state=state)["listings"]}
        for state in ("open", "sold", "cancelled", "expired")
    }
    assert found == {"open": {kept, other}, "sold": {sold}, "cancelled": {cancelled}, "expired": set()}
    in_pages = [row["listing"] for page in seller.pages("listing.mine", limit=3) for row in page]
    assert sorted(in_pages) == sorted([kept, cancelled, sold, other])
    assert all(row["mine"] for row in seller.call("listing.mine")["listings"])
    assert buyer.call("listing.mine")["listings"] == []
    assert seller.refusal("listing.mine", state="closed").data["path"] == "state"
