"""What the world holds, and how lists are read a page at a time."""

from typing import Any

import pytest

from tests.conformance.contract import BAD_PARAMS
from tests.conformance.house import House

LISTS = ("world.bases", "inventory.list", "listing.mine", "listing.search", "bids.mine", "delivery.list")
"""Every method that takes `limit` and `cursor`."""


def test_the_rules_are_those_of_the_house(house: House) -> None:
    """House rules stand where the operator changed them, defaults elsewhere."""
    assert house.newcomer().call("world.describe")["rules"] == {
        "fee_bp": 1500,
        "deposit_bp": 0,
        "increment_bp": 500,
        "increment_min": 1,
        "price_min": 1,
        "price_max": 2**53 - 1,
        "max_bids": 3,
        "durations_s": [2, 3600, 7200],
        "max_listings": 4,
        "stash_capacity": 6,
        "cancel_window_s": 300,
        "snipe_window_s": 0,
        "snipe_extension_s": 30,
        "snipe_max_s": 600,
        "max_orders": 3,
        "max_offers": 3,
        "offers_inbox_max": 3,
        "offers_from_one_max": 2,
        "offer_expires_s": 86_400,
        "offer_expires_max_s": 604_800,
        "max_watches": 3,
        "trade_age_s": 0,
        "relist_cooldown_s": 0,
        "buy_limits": {},
        "audit_worth": 1_000_000,
        "rates": {},
    }


def test_bases_are_read_whole_page_by_page(house: House) -> None:
    """Pages of any size lead through the same bases, each once, in the same order."""
    player = house.newcomer()
    by_hundred = [base for page in player.pages("world.bases", limit=100) for base in page]
    by_seven = player.pages("world.bases", limit=7)
    assert [base for page in by_seven for base in page] == by_hundred
    assert {len(page) for page in by_seven[:-1]} == {7}
    assert len({base["base"] for base in by_hundred}) == len(by_hundred) >= 150
    assert len(player.call("world.bases")["bases"]) == 50


def test_bases_of_a_category_are_all_of_it_and_nothing_else(house: House) -> None:
    """The filter leaves out what is of another category."""
    player = house.newcomer()
    everything = [base for page in player.pages("world.bases", limit=100) for base in page]
    category = everything[0]["category"]
    found = [base for page in player.pages("world.bases", category=category, limit=3) for base in page]
    assert found == [base for base in everything if base["category"] == category]
    assert player.call("world.bases", category="no such")["bases"] == []


def test_a_base_says_what_its_items_may_be(house: House) -> None:
    """Levels and each stat have a range."""
    for base in house.newcomer().call("world.bases", limit=100)["bases"]:
        assert base["min_level"] <= base["max_level"], base
        assert base["stats"], base
        assert all(span["min"] <= span["max"] for span in base["stats"].values()), base


def test_commodities_are_listed_whole(house: House) -> None:
    """Each is there once, with a tick of at least 1."""
    found = house.newcomer().call("world.commodities")["commodities"]
    assert len({commodity["commodity"] for commodity in found}) == len(found) >= 30
    assert all(commodity["tick"] >= 1 for commodity in found)


@pytest.mark.parametrize("limit", [0, -1, 101, 2**63, 1.0, "1", True], ids=repr)
def test_a_limit_is_an_integer_of_1_to_100(house: House, limit: Any) -> None:
    """Every list refuses another limit and says which param is wrong."""
    player = house.newcomer()
    for method in (*LISTS, "events.since"):
        params = {"seq": 0} if method == "events.since" else {}
        answer = player.ask(method, {**params, "limit": limit})
        assert (answer["error"]["code"], answer["error"]["data"]["path"]) == (BAD_PARAMS, "limit"), method


@pytest.mark.parametrize("method", LISTS)
def test_a_limit_of_1_and_of_100_is_taken(house: House, method: str) -> None:
    """Both ends of the range are in it."""
    player = house.newcomer()
    for limit in (1, 100):
        player.call(method, limit=limit)


def test_a_cursor_belongs_to_its_query(house: House) -> None:
    """With another filter, or on another list, a cursor is `cursor_mismatch`."""
    player = house.newcomer(items=2)
    cursor = player.call("world.bases", limit=1)["next"]
    category = player.call("world.bases", limit=1)["bases"][0]["category"]
    assert player.refusal("world.bases", limit=1, category=category, cursor=cursor).reason == "cursor_mismatch"
    for method in ("inventory.list", "listing.mine", "bids.mine", "delivery.list"):
        assert player.refusal(method, limit=1, cursor=cursor).reason == "cursor_mismatch", method
    cursor = player.call("inventory.list", limit=1)["next"]
    assert player.refusal("delivery.list", limit=1, cursor=cursor).reason == "cursor_mismatch"


@pytest.mark.parametrize("cursor", ["", "x" * 10_000, 1, True, []], ids=lambda cursor: repr(cursor)[:20])
def test_a_cursor_that_is_none_is_never_a_page(house: House, cursor: Any) -> None:
    """A client that makes cursors up gets an error and keeps its session."""
    player = house.newcomer()
    for method in LISTS:
        assert "error" in player.ask(method, {"cursor": cursor}), method
