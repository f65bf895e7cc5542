"""Deliveries: claiming, once and whole, and gold that finds no room in a wallet."""

import pytest

from auction import ids
from auction.commands import ClaimDelivery, GetPlayer, ListInventory, Take
from auction.events import DeliveryMade
from auction.evolve import evolve
from tests.auction.house import MAX, House, store_of
from worlddata.types import Rules


@pytest.fixture
def house() -> House:
    """A house with the default rules and a buyer of means."""
    house = House()
    house.grant("bo", gold=10_000)
    return house


def test_a_claim_moves_goods_and_gold(house: House) -> None:
    """What was claimed is in stash and wallet, and waits no more."""
    listing = house.create("al", buyout=1_000)
    item = house.view(listing).item.item
    house.buy_out("bo", listing, 1_000)
    for player in ("al", "bo"):
        (waiting,) = house.deliveries(player)
        assert house.ask(player, ClaimDelivery(delivery=waiting.delivery)).delivery == waiting
        assert house.deliveries(player) == []
    assert house.wallet("al") == 850
    assert [view.item for view in house.ask("bo", ListInventory()).items] == [item]


def test_a_delivery_is_claimed_once(house: House) -> None:
    """A second claim is told apart from one of a delivery that never was."""
    listing = house.create("al", start_bid=100)
    house.cancel("al", listing)
    (waiting,) = house.deliveries("al")
    house.done(house.ask("al", ClaimDelivery(delivery=waiting.delivery)))
    assert house.refusal("al", ClaimDelivery(delivery=waiting.delivery)) == ("delivery_claimed", {})
    for never in (ids.mint(store_of("al"), "d", 2), "nonsense"):
        assert house.refusal("al", ClaimDelivery(delivery=never)) == ("no_such_delivery", {})


def test_another_players_delivery_is_no_such_delivery(house: House) -> None:
    """A delivery belongs to its player, claimed or not."""
    listing = house.create("al", start_bid=100)
    house.cancel("al", listing)
    (waiting,) = house.deliveries("al")
    assert house.refusal("bo", ClaimDelivery(delivery=waiting.delivery)) == ("no_such_delivery", {})
    house.claim_all("al")
    assert house.refusal("bo", ClaimDelivery(delivery=waiting.delivery)) == ("no_such_delivery", {})
    assert house.refusal("nobody", ClaimDelivery(delivery=waiting.delivery)) == ("no_such_delivery", {})


def test_a_full_stash_leaves_the_item_waiting() -> None:
    """`stash_full` changes nothing; with room made, the same claim succeeds."""
    house = House(Rules(stash_capacity=2))
    listing = house.create("al", start_bid=100)
    kept = house.grant("al", items=2)
    house.cancel("al", listing)
    (waiting,) = house.deliveries("al")
    claim = ClaimDelivery(delivery=waiting.delivery)
    assert house.refusal("al", claim) == ("stash_full", {})
    house.done(house.ask("mint", Take(key="t", player="al", items=kept[:1]), "service"))
    house.done(house.ask("al", claim))
    assert house.ask("al", GetPlayer()).stash.used == 2


def test_gold_needs_no_room_in_the_stash() -> None:
    """A stash that is full, or over a capacity that was lowered, does not keep proceeds from being claimed."""
    house = House(Rules(stash_capacity=1))
    house.grant("bo", gold=100)
    listing = house.create("al", buyout=100)
    house.catalog = House(Rules(stash_capacity=3)).catalog
    house.grant("al", items=3)
    house.buy_out("bo", listing, 100)
    house.catalog = House(Rules(stash_capacity=1)).catalog
    house.claim_all("al")
    assert house.wallet("al") == 85


def test_a_full_wallet_leaves_the_gold_waiting(house: House) -> None:
    """Proceeds that would pass 2^53 − 1 are `wallet_full`; after some is spent they can be claimed."""
    house.grant("al", gold=MAX - 84)
    house.buy_out("bo", house.create("al", buyout=100), 100)
    (waiting,) = house.deliveries("al")
    assert house.refusal("al", ClaimDelivery(delivery=waiting.delivery)) == ("wallet_full", {})
    house.done(house.ask("mint", Take(key="t", player="al", gold=1), "service"))
    house.claim_all("al")
    assert house.wallet("al") == MAX


def test_a_refund_that_finds_no_room_waits_whole(house: House) -> None:
    """A bidder whose wallet filled up meanwhile finds its refund as a delivery, and is told of it."""
    house.grant("cy", gold=1_000)
    listing = house.create("al", start_bid=100)
    house.bid("cy", listing, 1_000)
    house.grant("cy", gold=MAX)
    house.bid("bo", listing, 5_000)
    (waiting,) = house.deliveries("cy")
    assert (waiting.kind, waiting.gold, waiting.listing) == ("refund", 1_000, listing)
    assert (house.wallet("cy"), house.escrowed("cy")) == (MAX, 0)
    assert house.notices("cy") == [
        ("listing.outbid", {"listing": listing, "price": 1_050, "min_bid": 1_102}),
        ("delivery.arrived", {"delivery": waiting.delivery, "kind": "refund"}),
    ]


def test_a_winners_rest_that_finds_no_room_waits_beside_the_item(house: House) -> None:
    """A winner's wallet that is full leaves two deliveries: the item, and the rest of the maximum."""
    house.grant("cy", gold=1_000)
    listing = house.create("al", start_bid=100)
    house.bid("cy", listing, 1_000)
    house.grant("cy", gold=MAX)
    house.run_out(listing)
    won, rest = house.deliveries("cy")
    assert (won.kind, won.gold, len(won.items)) == ("won", 0, 1)
    assert (rest.kind, rest.gold, rest.items) == ("refund", 900, [])
    assert [notice for notice, _ in house.notices("cy")] == ["listing.won", "delivery.arrived", "delivery.arrived"]


def test_a_winner_who_pays_its_whole_maximum_gets_no_rest(house: House) -> None:
    """With nothing to give back there is nothing but the item."""
    listing = house.create("al", start_bid=100)
    house.bid("bo", listing, 100)
    house.run_out(listing)
    assert [delivery.kind for delivery in house.deliveries("bo")] == ["won"]
    assert house.wallet("bo") == 9_900


def test_commodities_that_would_pass_the_bound_are_stash_full(house: House) -> None:
    """Goods by the piece are bounded as gold is."""
    house.grant("al", commodities={"tin": MAX})
    delivery = ids.mint(store_of("al"), "d", 1)
    evolve(house.state("al"), DeliveryMade(delivery, "filled", 0, (), {"tin": 1}, None, house.now_ms))
    assert house.refusal("al", ClaimDelivery(delivery=delivery)) == ("stash_full", {})
