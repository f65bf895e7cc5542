"""Buyouts: a sale at once, whoever leads."""

from tests.conformance.house import House


def test_a_buyout_closes_the_listing_and_pays_everybody(house: House) -> None:
    """The buyer pays the price and the item waits; the seller's proceeds are the price less the fee, and wait."""
    seller, buyer = house.newcomer(items=1), house.newcomer(gold=1000)
    listing = seller.sell(start_bid=10, buyout=333)
    result = buyer.call("listing.buyout", listing=listing, price=333)
    seen = buyer.look(listing)
    assert (result["paid"], result["listing"], result["item"]) == (333, seen, seen["item"])
    assert (seen["state"], seen["price"], seen["min_bid"], seen["winning"]) == ("sold", 333, None, True)
    assert result["item"]["item"] == seller.items[0]
    assert buyer.gold() == (667, 0)
    (goods,) = buyer.deliveries()
    assert (goods["kind"], goods["gold"], goods["items"], goods["listing"]) == ("bought", 0, [seen["item"]], listing)
    (proceeds,) = seller.deliveries()
    assert (proceeds["kind"], proceeds["gold"], proceeds["items"], proceeds["listing"]) == (
        "proceeds",
        283,  # 333 less 15 %, rounded down to the seller's loss
        [],
        listing,
    )
    assert seller.gold() == (0, 0)


def test_a_sale_is_told_to_both(house: House) -> None:
    """The seller hears `listing.sold`; whose delivery it is hears `delivery.arrived`."""
    seller, buyer = house.newcomer(items=1), house.newcomer(gold=1000)
    listing = seller.sell(buyout=100)
    buyer.call("listing.buyout", listing=listing, price=100)
    (goods,), (proceeds,) = buyer.deliveries(), seller.deliveries()
    told = {event["type"]: event["data"] for event in (seller.event(), seller.event())}
    assert told == {
        "listing.sold": {"listing": listing, "price": 100, "proceeds": 85},
        "delivery.arrived": {"delivery": proceeds["delivery"], "kind": "proceeds"},
    }
    arrived = buyer.event("delivery.arrived")
    assert arrived["data"] == {"delivery": goods["delivery"], "kind": "bought"}


def test_a_buyout_refunds_who_leads(house: House) -> None:
    """The whole maximum is in the leader's wallet again, by itself."""
    seller, leader, buyer = house.newcomer(items=1), house.newcomer(gold=500), house.newcomer(gold=500)
    listing = seller.sell(start_bid=100, buyout=500)
    leader.bid(listing, 400)
    buyer.call("listing.buyout", listing=listing, price=500)
    leader.await_gold(500, 0)
    assert buyer.gold() == (0, 0)
    assert leader.deliveries() == []
    assert not leader.look(listing)["winning"]


def test_a_leader_who_buys_out_pays_the_difference(house: House) -> None:
    """What is behind the own bid counts; no other gold is needed."""
    seller, leader = house.newcomer(items=1), house.newcomer(gold=500)
    listing = seller.sell(start_bid=100, buyout=500)
    leader.bid(listing, 400)
    assert leader.call("listing.buyout", listing=listing, price=500)["paid"] == 500
    assert leader.gold() == (0, 0)
    assert [delivery["kind"] for delivery in leader.deliveries()] == ["bought"]


def test_a_buyout_is_at_the_price_that_the_player_saw(house: House) -> None:
    """Another price is `price_changed`, with the right one."""
    seller, buyer = house.newcomer(items=1), house.newcomer(gold=1000)
    listing = seller.sell(buyout=500)
    for price in (0, 499, 501):
        refusal = buyer.refusal("listing.buyout", listing=listing, price=price)
        assert (refusal.reason, refusal.data["price"]) == ("price_changed", 500)
    assert buyer.gold() == (1000, 0)
    assert buyer.look(listing)["state"] == "open"


def test_refusals_of_a_buyout_come_in_their_order(house: House) -> None:
    """Existence, ownership, state, price, gold: each is told before what comes after it."""
    seller, poor, rich = house.newcomer(items=2), house.newcomer(gold=10), house.newcomer(gold=1000)
    listing, unpriced = seller.sell(0, start_bid=1, buyout=500), seller.sell(1, start_bid=1)
    assert poor.refusal("listing.buyout", listing="no such", price=1).reason == "no_such_listing"
    assert seller.refusal("listing.buyout", listing=listing, price=1).reason == "own_listing"
    assert poor.refusal("listing.buyout", listing=unpriced, price=1).reason == "no_buyout"
    assert poor.refusal("listing.buyout", listing=listing, price=1).reason == "price_changed"
    refusal = poor.refusal("listing.buyout", listing=listing, price=500)
    assert (refusal.reason, refusal.data["available"]) == ("insufficient_gold", 10)
    rich.call("listing.buyout", listing=listing, price=500)
    assert poor.refusal("listing.buyout", listing=listing, price=1).reason == "listing_closed"
    assert rich.refusal("listing.buyout", listing=listing, price=500).reason == "listing_closed"
    assert seller.refusal("listing.buyout", listing=listing, price=500).reason == "own_listing"


def test_a_leader_without_the_difference_cannot_buy_out(house: House) -> None:
    """The refusal tells what the wallet holds, and the bid stands."""
    seller, leader = house.newcomer(items=1), house.newcomer(gold=450)
    listing = seller.sell(start_bid=100, buyout=500)
    leader.bid(listing, 400)
    refusal = leader.refusal("listing.buyout", listing=listing, price=500)
    assert (refusal.reason, refusal.data["available"]) == ("insufficient_gold", 50)
    assert leader.look(listing)["winning"]
    assert leader.gold() == (50, 400)
