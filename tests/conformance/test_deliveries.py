"""What waits to be claimed, and how it is claimed."""

import pytest

from tests.conformance.client import eventually
from tests.conformance.contract import AMOUNT_MAX
from tests.conformance.house import House, Player

CAPACITY = 6


def bought(house: House, buyer: Player, price: int = 10) -> tuple[Player, str]:
    """Sell something to a buyer at once: the seller, and the buyer's delivery."""
    seller = house.newcomer(items=1)
    listing = seller.sell(buyout=price)
    buyer.call("listing.buyout", listing=listing, price=price)
    return seller, buyer.deliveries()[-1]["delivery"]


def test_what_is_claimed_is_in_wallet_and_stash(house: House) -> None:
    """The answer is the delivery as it waited; then it waits no more."""
    buyer = house.newcomer(gold=100)
    seller, goods = bought(house, buyer, price=100)
    for player in (buyer, seller):
        (waiting,) = player.deliveries()
        assert player.call("player.get")["deliveries"] == 1
        assert player.call("delivery.claim", delivery=waiting["delivery"])["delivery"] == waiting
        assert player.deliveries() == []
        assert player.call("player.get")["deliveries"] == 0
    assert buyer.stash() == list(seller.items)
    assert seller.gold() == (85, 0)
    assert buyer.refusal("delivery.claim", delivery=goods).reason == "delivery_claimed"


def test_a_delivery_is_claimed_once_and_by_its_owner(house: House) -> None:
    """Again it is `delivery_claimed`; to anybody else, and made up, it is `no_such_delivery`."""
    buyer, other = house.newcomer(gold=100), house.newcomer()
    seller, goods = bought(house, buyer)
    for stranger in (other, seller):
        assert stranger.refusal("delivery.claim", delivery=goods).reason == "no_such_delivery"
    buyer.call("delivery.claim", delivery=goods)
    assert buyer.refusal("delivery.claim", delivery=goods).reason == "delivery_claimed"
    for made_up in ("x", goods + "0", goods[:-1], seller.items[0], "é" * 80):
        assert buyer.refusal("delivery.claim", delivery=made_up).reason == "no_such_delivery", made_up


def test_a_full_stash_claims_no_goods(house: House) -> None:
    """The delivery waits on until there is room; gold can be claimed all the while."""
    player = house.newcomer(gold=100, items=CAPACITY)
    _, goods = bought(house, player)
    assert player.refusal("delivery.claim", delivery=goods).reason == "stash_full"
    listing = player.sell(0, buyout=100)
    house.grant(player.name, items=[{"base": house.base}])
    house.newcomer(gold=100).call("listing.buyout", listing=listing, price=100)
    proceeds = next(each["delivery"] for each in player.deliveries() if each["kind"] == "proceeds")
    player.call("delivery.claim", delivery=proceeds)
    assert player.refusal("delivery.claim", delivery=goods).reason == "stash_full"
    house.service.call("admin.take", player=player.name, items=[player.items[1]], key="room")
    player.call("delivery.claim", delivery=goods)
    assert player.call("player.get")["stash"] == {"used": CAPACITY, "capacity": CAPACITY}


def test_a_full_wallet_claims_no_gold(house: House) -> None:
    """Past 2^53 − 1 it is `wallet_full`; up to it the gold comes in."""
    seller, _ = bought(house, house.newcomer(gold=100), price=100)
    house.grant(seller.name, gold=AMOUNT_MAX - 84)
    (proceeds,) = seller.deliveries()
    assert proceeds["gold"] == 85
    assert seller.refusal("delivery.claim", delivery=proceeds["delivery"]).reason == "wallet_full"
    house.service.call("admin.take", player=seller.name, gold=1, key="room")
    seller.call("delivery.claim", delivery=proceeds["delivery"])
    assert seller.gold() == (AMOUNT_MAX, 0)


def test_a_refund_that_finds_no_room_waits(house: House) -> None:
    """An outbid bidder whose wallet has filled meanwhile claims the gold when it fits again."""
    seller, first = house.newcomer(items=1), house.newcomer(gold=100)
    listing = seller.sell(start_bid=50)
    first.bid(listing, 100)
    house.grant(first.name, gold=AMOUNT_MAX - 99)
    house.newcomer(gold=1000).bid(listing, 500)
    eventually(lambda: bool(first.deliveries()))
    (refund,) = first.deliveries()
    assert (refund["kind"], refund["gold"], refund["listing"]) == ("refund", 100, listing)
    assert first.gold() == (AMOUNT_MAX - 99, 0)
    arrived = first.event("delivery.arrived")["data"]
    assert arrived == {"delivery": refund["delivery"], "kind": "refund"}
    assert first.refusal("delivery.claim", delivery=refund["delivery"]).reason == "wallet_full"
    house.service.call("admin.take", player=first.name, gold=1, key="room")
    first.call("delivery.claim", delivery=refund["delivery"])
    assert first.gold() == (AMOUNT_MAX, 0)


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_deliveries_are_read_page_by_page(house: House, limit: int) -> None:
    """Pages of any size lead through the same deliveries, each once, in the same order."""
    buyer = house.newcomer(gold=100)
    for _ in range(3):
        bought(house, buyer)
    found = [each["delivery"] for page in buyer.pages("delivery.list", limit=limit) for each in page]
    assert found == [each["delivery"] for each in buyer.deliveries()]
    assert len(set(found)) == 3
