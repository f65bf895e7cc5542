"""Grants and takes: what enters the house, what leaves it, and what is rolled."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction.amounts import LIFETIME_MAX
from auction.commands import CreateListing, GetPlayer, Grant, GrantedItem, ListInventory, Take
from auction.events import StoreOpened
from auction.params import bad_param
from tests.auction.house import CATALOG, HOUR_S, MAX, START_MS, House, store_of
from worlddata.types import Rules, stat_range


@pytest.fixture
def house() -> House:
    """A house with the default rules."""
    return House()


def grant(house: House, player: str = "al", key: str = "k", **params: Any) -> Any:
    """The answer to a grant."""
    return house.ask("mint", Grant(key=key, player=player, **params), "service")


def take(house: House, player: str = "al", key: str = "t", **params: Any) -> Any:
    """The answer to a take."""
    return house.ask("mint", Take(key=key, player=player, **params), "service")


def test_a_grant_enters_wallet_and_stash(house: House) -> None:
    """Gold, items and commodities are there at once."""
    result = grant(house, gold=50, items=[GrantedItem(base="fog_bell")], commodities={"tin": 7})
    assert (result.player, result.gold, len(result.items)) == ("al", 50, 1)
    inventory = house.ask("al", ListInventory())
    assert (inventory.items, inventory.commodities) == (result.items, {"tin": 7})
    assert house.wallet("al") == 50


def test_the_first_grant_opens_the_store(house: House) -> None:
    """The store's first event says whose it is, since when; a later grant does not repeat it, even one of nothing."""
    grant(house)
    grant(house, key="again", gold=1)
    first, second = (record[store_of("al")] for record in house.records)
    assert first[0] == StoreOpened("al", store_of("al"), at_ms=START_MS)
    assert not any(isinstance(event, StoreOpened) for event in second)


def test_what_a_grant_names_is_what_the_player_gets(house: House) -> None:
    """A fully described item is not rolled at all."""
    wanted = GrantedItem(base="tide_oar", rarity="rare", level=50, stats={"reach": 60}, bound=True)
    (view,) = grant(house, items=[wanted]).items
    assert (view.base, view.name, view.category) == ("tide_oar", "Tide Oar", "oars")
    assert (view.rarity, view.level, view.stats, view.bound) == ("rare", 50, {"reach": 60}, True)


@given(seed=st.integers(0, 10_000), base=st.sampled_from(sorted(CATALOG.bases)))
def test_what_is_left_out_is_rolled_within_the_bases_ranges(seed: int, base: str) -> None:
    """Rarity, level and stats of a rolled item are ones that the catalog allows together."""
    (view,) = grant(House(seed=seed), items=[GrantedItem(base=base)]).items
    world, rarity = CATALOG.bases[base], CATALOG.rarities[view.rarity]
    assert world.min_level <= view.level <= world.max_level
    assert min(rarity.stats_min, len(world.stats)) <= len(view.stats) <= rarity.stats_max
    for stat, value in view.stats.items():
        bounds = stat_range(world, CATALOG.stats[stat], view.level)
        assert bounds.min <= value <= bounds.max


@given(seed=st.integers(0, 10_000), value=st.integers(1, 208))
def test_a_rolled_level_fits_the_stats_that_were_named(seed: int, value: int) -> None:
    """With a stat named and the level left out, the level is one at which the stat may have that value."""
    (view,) = grant(House(seed=seed), items=[GrantedItem(base="tide_oar", stats={"reach": value})]).items
    bounds = stat_range(CATALOG.bases["tide_oar"], CATALOG.stats["reach"], view.level)
    assert bounds.min <= value <= bounds.max
    assert view.stats == {"reach": value}


def test_rarities_are_rolled_by_weight(house: House) -> None:
    """Of many items about four in five are of the rarity that weighs four times as much."""
    items = grant(house, items=[GrantedItem(base="tide_oar")] * 200).items
    assert 140 < sum(view.rarity == "plain" for view in items) < 180


@pytest.mark.parametrize(
    ("item", "path"),
    [
        ({"rarity": "mythic"}, "items[1].rarity"),
        ({"base": "short_oar", "level": 13}, "items[1].level"),
        ({"stats": {"tone": 1}}, "items[1].stats.tone"),
        ({"stats": {"reach": 209}}, "items[1].stats.reach"),
        ({"level": 1, "stats": {"reach": 11}}, "items[1].stats.reach"),
        ({"stats": {"reach": -1}}, "items[1].stats.reach"),
        ({"stats": {"reach": 1, "weight": 200}}, "items[1].stats"),
    ],
)
def test_items_that_cannot_be_are_bad_params(item: dict[str, Any], path: str) -> None:
    """What no item of the base can be is told with the path of the param."""
    good = GrantedItem(base="tide_oar", rarity="plain", level=1, stats={"reach": 10})
    bad = GrantedItem(**{"base": "tide_oar", **item})
    found = bad_param(Grant(key="k", player="al", items=[good, bad]), CATALOG)
    assert found is not None
    assert found.path == path
    assert bad_param(Grant(key="k", player="al", items=[good]), CATALOG) is None


def test_an_unknown_base_or_commodity_is_refused(house: House) -> None:
    """What the catalog does not have cannot enter the house, and is a refusal rather than a bad param."""
    unknown = Grant(key="k", player="al", items=[GrantedItem(base="no_oar", rarity="mythic")])
    assert bad_param(unknown, CATALOG) is None
    assert house.refusal("mint", unknown, "service") == ("no_such_base", {})
    assert house.refusal("mint", Grant(key="k", player="al", commodities={"lead": 1}), "service") == (
        "no_such_commodity",
        {},
    )
    assert not house.state("al").account


def test_a_grant_keeps_to_the_stashs_capacity() -> None:
    """A grant fills the stash to its last place, and not beyond; gold alone needs none."""
    house = House(Rules(stash_capacity=3))
    house.grant("al", items=2)
    assert house.refusal("mint", Grant(key="k", player="al", items=[GrantedItem(base="tide_oar")] * 2), "service") == (
        "stash_full",
        {},
    )
    house.grant("al", items=1)
    house.grant("al", gold=1)
    assert house.ask("al", GetPlayer()).stash.used == 3


def test_a_grant_keeps_to_the_bounds_of_amounts(house: House) -> None:
    """A wallet, or goods by the piece, may reach 2^53 − 1 and not pass it."""
    house.grant("al", gold=MAX, commodities={"tin": MAX})
    assert house.refusal("mint", Grant(key="k", player="al", gold=1), "service") == ("wallet_full", {})
    assert house.refusal("mint", Grant(key="k", player="al", commodities={"tin": 1}), "service") == ("stash_full", {})


def test_the_lifetime_total_of_a_store_is_bounded(house: House) -> None:
    """What ever entered one store stays below what its file can count, even if all of it left again."""
    for round_ in range(LIFETIME_MAX // MAX):
        house.done(grant(house, key=f"g{round_}", gold=MAX, commodities={"tin": MAX}))
        house.done(take(house, key=f"t{round_}", gold=MAX, commodities={"tin": MAX}))
    assert house.refusal("mint", Grant(key="k", player="al", gold=MAX), "service") == ("wallet_full", {})
    assert house.refusal("mint", Grant(key="k", player="al", commodities={"tin": MAX}), "service") == ("stash_full", {})


def test_a_take_burns_what_leaves(house: House) -> None:
    """Gold, items and commodities are gone for good, and told."""
    items = house.grant("al", gold=100, items=2, commodities={"tin": 5, "salt": 5})
    result = take(house, gold=40, items=items[:1], commodities={"tin": 5, "salt": 0})
    assert (result.player, result.gold, [view.item for view in result.items]) == ("al", 40, items[:1])
    inventory = house.ask("al", ListInventory())
    assert ([view.item for view in inventory.items], inventory.commodities) == (items[1:], {"salt": 5})
    account = house.state("al").owner()
    assert (account.gold, account.gold_burned, account.items_burned) == (60, 40, 1)


def test_a_take_is_whole_or_not_at_all(house: House) -> None:
    """Anything that is not there refuses all of it, with the reason of what is missing."""
    (item,) = house.grant("al", gold=100, items=1, commodities={"tin": 5})
    for ask, refusal in (
        (Take(key="t", player="al", gold=101, items=[item]), ("insufficient_gold", {"available": 100})),
        (Take(key="t", player="al", gold=1, items=["nonsense"]), ("no_such_item", {})),
        (Take(key="t", player="al", gold=1, items=[item, item]), ("no_such_item", {})),
        (Take(key="t", player="al", gold=1, commodities={"tin": 6}), _short("tin", 5)),
        (Take(key="t", player="al", gold=1, commodities={"salt": 1}), _short("salt", 0)),
        (Take(key="t", player="al", gold=1, commodities={"lead": 1}), ("no_such_commodity", {})),
    ):
        assert house.refusal("mint", ask, "service") == refusal
    assert house.wallet("al") == 100


def _short(commodity: str, available: int) -> tuple[str, dict[str, Any]]:
    return "insufficient_goods", {"commodity": commodity, "available": available}


def test_what_is_in_escrow_cannot_be_taken(house: House) -> None:
    """A listed item is not in the stash, and a leader's maximum not in the wallet."""
    (item,) = house.grant("al", items=1)
    listing = house.ask("al", CreateListing(item=item, start_bid=10, duration_s=HOUR_S)).listing.listing
    assert house.refusal("mint", Take(key="t", player="al", items=[item]), "service") == ("no_such_item", {})
    house.grant("bo", gold=100)
    house.bid("bo", listing, 100)
    assert house.refusal("mint", Take(key="t", player="bo", gold=1), "service") == (
        "insufficient_gold",
        {"available": 0},
    )


def test_nothing_is_taken_from_who_was_never_granted_anything(house: House) -> None:
    """A player without a store is `no_such_player`; one who is logged in exists, and owns nothing to take."""
    assert house.refusal("mint", Take(key="t", player="nobody"), "service") == ("no_such_player", {})
    house.present.add("nobody")
    ask = Take(key="t", player="nobody", gold=1)
    assert house.refusal("mint", ask, "service") == ("insufficient_gold", {"available": 0})
    assert not house.state("nobody").account
    assert house.done(take(house, player="nobody")).gold == 0
