"""A player's wallet, stash and counts, and what the game's own service brings in and takes out."""

from typing import Any

import pytest

from tests.conformance.contract import AMOUNT_MAX, BAD_PARAMS
from tests.conformance.house import House

CAPACITY = 6


def some_base(house: House) -> dict[str, Any]:
    """One base of the world."""
    found: dict[str, Any] = house.service.call("world.bases", limit=1)["bases"][0]
    return found


def some_commodities(house: House) -> list[str]:
    """The world's commodities, by id."""
    return [each["commodity"] for each in house.service.call("world.commodities")["commodities"]]


def test_who_was_granted_nothing_owns_nothing(house: House) -> None:
    """A player exists from the first token on, with an empty wallet, an empty stash and nothing to be told."""
    player = house.newcomer()
    assert player.call("player.get") == {
        "player": player.name,
        "gold": {"available": 0, "escrowed": 0},
        "listings": 0,
        "deliveries": 0,
        "stash": {"used": 0, "capacity": CAPACITY},
        "seq": 0,
    }
    assert player.call("inventory.list") == {"items": [], "commodities": {}, "next": None}
    assert player.call("listing.mine") == {"listings": [], "next": None}
    assert player.call("bids.mine") == {"bids": [], "next": None}
    assert player.call("delivery.list") == {"deliveries": [], "next": None}


def test_a_grant_goes_straight_into_wallet_and_stash(house: House) -> None:
    """Gold, items and commodities are there with the answer, and nothing has to be claimed."""
    player = house.newcomer()
    iron, copper = some_commodities(house)[:2]
    granted = house.grant(
        player.name, gold=10, items=[{"base": house.base}, {"base": house.base}], commodities={iron: 3, copper: 4}
    )
    assert (granted["player"], granted["gold"], len(granted["items"])) == (player.name, 10, 2)
    house.grant(player.name, gold=5, commodities={iron: 1})
    state = player.call("player.get")
    assert (state["gold"], state["stash"]["used"], state["deliveries"]) == ({"available": 15, "escrowed": 0}, 2, 0)
    inventory = player.call("inventory.list")
    assert sorted(inventory["items"], key=_id) == sorted(granted["items"], key=_id)
    assert inventory["commodities"] == {iron: 4, copper: 4}


def _id(item: dict[str, Any]) -> str:
    name: str = item["item"]
    return name


def test_a_grant_names_a_player_whom_nobody_has_seen(house: House) -> None:
    """What was granted waits for the first login."""
    name = house.new_name()
    house.grant(name, gold=3)
    assert house.enter(name).call("player.get")["gold"]["available"] == 3


def test_what_a_grant_leaves_out_is_rolled_within_the_bases_ranges(house: House) -> None:
    """Level and stats are within the base's, name and category are the base's, and the item is not bound."""
    base = some_base(house)
    for _ in range(4):
        for item in house.grant(house.new_name(), items=[{"base": base["base"]}] * CAPACITY)["items"]:
            assert (item["base"], item["name"], item["category"]) == (base["base"], base["name"], base["category"])
            assert base["min_level"] <= item["level"] <= base["max_level"]
            assert not item["bound"]
            for stat, value in item["stats"].items():
                assert base["stats"][stat]["min"] <= value <= base["stats"][stat]["max"]


def test_a_grant_may_say_all_that_an_item_is(house: House) -> None:
    """Rarity, level, stats and bound come as they were asked for; the id is new."""
    rolled = house.grant(house.new_name(), items=[{"base": house.base}])["items"][0]
    wanted = {name: rolled[name] for name in ("base", "rarity", "level", "stats")}
    item = house.grant(house.new_name(), items=[{**wanted, "bound": True}])["items"][0]
    assert item == {**rolled, "item": item["item"], "bound": True}
    assert item["item"] != rolled["item"]


def test_a_grant_is_checked_against_the_catalog(house: House) -> None:
    """What no base of the world can be is refused, whole, and nothing of it arrives."""
    player = house.newcomer()
    base = some_base(house)
    stat, span = next(iter(base["stats"].items()))
    for change in (
        {"rarity": "no such"},
        {"level": base["max_level"] + 1},
        {"level": base["min_level"] - 1},
        {"stats": {"no_such_stat": 1}},
        {"stats": {stat: span["max"] + 1}},
        {"stats": {stat: span["min"] - 1}},
    ):
        items = [{"base": base["base"]}, {"base": base["base"], **change}]
        house.service.refusal("admin.grant", player=player.name, gold=1, items=items, key="k")
    wrong = house.service.refusal("admin.grant", player=player.name, gold=1, items=[{"base": "no such"}], key="k")
    assert wrong.reason == "no_such_base"
    wrong = house.service.refusal("admin.grant", player=player.name, gold=1, commodities={"no such": 1}, key="k")
    assert wrong.reason == "no_such_commodity"
    state = player.call("player.get")
    assert (state["gold"]["available"], state["stash"]["used"]) == (0, 0)


def test_a_grant_must_fit(house: House) -> None:
    """Beyond the stash's capacity it is `stash_full`, beyond 2^53 − 1 gold `wallet_full`; nothing of it arrives."""
    player = house.newcomer(gold=AMOUNT_MAX - 1, items=CAPACITY - 1)
    two = [{"base": house.base}] * 2
    refusal = house.service.refusal("admin.grant", player=player.name, items=two, gold=1, key="k")
    assert refusal.reason == "stash_full"
    assert house.service.refusal("admin.grant", player=player.name, gold=2, key="k").reason == "wallet_full"
    house.service.call("admin.grant", player=player.name, gold=1, items=two[:1], key="k")
    state = player.call("player.get")
    assert (state["gold"]["available"], state["stash"]["used"]) == (AMOUNT_MAX, CAPACITY)


def test_what_is_taken_is_gone(house: House) -> None:
    """Gold, items and commodities leave wallet and stash; the answer says what left."""
    player = house.newcomer(gold=10, items=2)
    iron = some_commodities(house)[0]
    house.grant(player.name, commodities={iron: 5})
    taken = house.service.call(
        "admin.take", player=player.name, gold=4, items=list(player.items[:1]), commodities={iron: 2}, key="k"
    )
    assert (taken["gold"], [item["item"] for item in taken["items"]]) == (4, [player.items[0]])
    assert player.call("player.get")["gold"]["available"] == 6
    inventory = player.call("inventory.list")
    assert [item["item"] for item in inventory["items"]] == [player.items[1]]
    assert inventory["commodities"] == {iron: 3}


def test_only_what_is_there_can_be_taken(house: House) -> None:
    """Each kind of want has its refusal, and a refused take takes nothing of what was there."""
    player, other = house.newcomer(gold=10, items=1), house.newcomer(items=1)
    iron = some_commodities(house)[0]

    def refused(**what: Any) -> Any:
        return house.service.refusal("admin.take", player=player.name, key="k", **what)

    refusal = refused(gold=11, items=list(player.items))
    assert (refusal.reason, refusal.data["available"]) == ("insufficient_gold", 10)
    assert refused(gold=1, commodities={iron: 1}).reason == "insufficient_goods"
    assert refused(gold=1, items=["no such"]).reason == "no_such_item"
    assert refused(gold=1, items=list(other.items)).reason == "no_such_item"
    assert refused(gold=1, items=list(player.items) * 2).reason == "no_such_item"
    assert refused(gold=1, commodities={"no such": 1}).reason == "no_such_commodity"
    state = player.call("player.get")
    assert (state["gold"]["available"], state["stash"]["used"]) == (10, 1)


def test_escrowed_goods_cannot_be_taken(house: House) -> None:
    """An item that is for sale is in no stash, and gold behind a bid is in no wallet."""
    seller, bidder = house.newcomer(items=1), house.newcomer(gold=10)
    listing = seller.call("listing.create", item=seller.items[0], start_bid=5, duration_s=3600)["listing"]["listing"]
    bidder.call("listing.bid", listing=listing, amount=8)
    refusal = house.service.refusal("admin.take", player=seller.name, items=list(seller.items), key="k")
    assert refusal.reason == "no_such_item"
    refusal = house.service.refusal("admin.take", player=bidder.name, gold=3, key="k")
    assert (refusal.reason, refusal.data["available"]) == ("insufficient_gold", 2)


def test_nothing_is_taken_from_nobody(house: House) -> None:
    """A name that no token and no grant ever named is `no_such_player`, for looking and for taking."""
    nobody = house.new_name()
    assert house.service.refusal("admin.take", player=nobody, gold=1, key="k").reason == "no_such_player"
    assert house.service.refusal("admin.player", player=nobody).reason == "no_such_player"


def test_a_player_exists_once_a_token_has_named_it(house: House) -> None:
    """Who is logged in and owns nothing can be looked at; there is too little to take, but nothing can be taken."""
    player = house.newcomer()
    assert house.service.call("admin.player", player=player.name)["gold"] == {"available": 0, "escrowed": 0}
    refusal = house.service.refusal("admin.take", player=player.name, gold=1, key="k")
    assert (refusal.reason, refusal.data.get("available")) == ("insufficient_gold", 0)
    assert house.service.call("admin.take", player=player.name, gold=0, key="k")["gold"] == 0
    assert player.call("player.get")["gold"]["available"] == 0


def test_services_and_operators_see_a_player_as_it_sees_itself(house: House) -> None:
    """`admin.player` is `player.get` of any player, with its store, node and ledger besides."""
    player = house.newcomer(gold=10, items=2)
    player.call("listing.create", item=player.items[0], start_bid=5, duration_s=3600)
    for viewer in (house.service, house.enter(house.new_name(), "operator")):
        seen = viewer.call("admin.player", player=player.name)
        assert {name: seen[name] for name in ("player", "gold", "listings", "deliveries", "stash", "seq")} == (
            player.call("player.get")
        )
        assert seen["node"] == viewer.hello["node"]
        assert seen["ledger"]


def test_the_inventory_is_read_page_by_page(house: House) -> None:
    """Pages lead through every item once; commodities stand beside them."""
    player = house.newcomer(items=5)
    by_two = player.pages("inventory.list", limit=2)
    assert [len(page) for page in by_two] == [2, 2, 1]
    assert sorted(item["item"] for page in by_two for item in page) == sorted(player.items)


@pytest.mark.parametrize("player", ["", "x" * 65, "with space", "dot.dot", "x\n", 7, None], ids=repr)
def test_a_player_param_is_a_players_name(house: House, player: Any) -> None:
    """What can be no `sub` can be no param either."""
    for method in ("admin.grant", "admin.take", "admin.player"):
        params = {"player": player} if method == "admin.player" else {"player": player, "key": "k"}
        answer = house.service.ask(method, params)
        assert (answer["error"]["code"], answer["error"]["data"]["path"]) == (BAD_PARAMS, "player"), method
