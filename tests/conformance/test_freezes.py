"""Freezing: an operator stops trading at once, and lets it go on."""

import contextlib
from collections.abc import Iterator
from typing import Any

from tests.conformance.house import House, Player


@contextlib.contextmanager
def frozen(house: House, **what: Any) -> Iterator[Player]:
    """Something is frozen until the block ends; the operator is at hand."""
    operator = house.enter("olga", "operator")
    said = operator.call("admin.freeze", **what)["frozen"]
    assert [(row["what"], row["id"]) for row in said] == [(what["what"], what.get("id"))]
    try:
        yield operator
    finally:
        said = operator.call("admin.thaw", what=what["what"], **({"id": what["id"]} if "id" in what else {}))
        assert said == {"frozen": []}


def test_a_frozen_player_neither_buys_nor_sells(house: House) -> None:
    """Every way to trade is `frozen`; what waits may be claimed, and what was begun be taken back."""
    seller, pal = house.newcomer(gold=100, items=2), house.newcomer(gold=100, items=1)
    own, others = seller.sell(buyout=50), pal.sell(start_bid=5, buyout=50)
    made = seller.call("offer.make", to=pal.name, give={"gold": 1}, want={})["offer"]
    with frozen(house, what="player", id=seller.name):
        for method, params in (
            ("listing.create", {"item": seller.items[1], "buyout": 5, "duration_s": 3600}),
            ("listing.bid", {"listing": others, "amount": 6}),
            ("listing.buyout", {"listing": others, "price": 50}),
            ("commodity.buy", {"commodity": "cut_peat", "quantity": 1, "limit_price": 1}),
            ("offer.make", {"to": pal.name, "give": {"gold": 1}, "want": {}}),
        ):
            refused = seller.refusal(method, **params)
            assert (refused.reason, refused.data["what"], refused.data["id"]) == ("frozen", "player", seller.name), (
                method
            )
        assert pal.refusal("listing.buyout", listing=own, price=50).reason == "frozen"
        assert pal.refusal("offer.accept", offer=made).reason == "frozen"
        assert seller.call("listing.cancel", listing=own)["listing"]["state"] == "cancelled"
        seller.claim_all()
        assert seller.call("offer.withdraw", offer=made)["state"] == "withdrawn"
    seller.bid(others, 6)


def test_without_claims_nothing_moves(house: House) -> None:
    """`claims: false` stops claiming and taking back, too."""
    seller = house.newcomer(items=2)
    listing, other = seller.sell(buyout=50), seller.sell(1, buyout=50)
    seller.call("listing.cancel", listing=other)
    (waiting,) = seller.deliveries()
    with frozen(house, what="house", claims=False):
        assert seller.refusal("listing.cancel", listing=listing).reason == "frozen"
        assert seller.refusal("delivery.claim", delivery=waiting["delivery"]).reason == "frozen"
        assert seller.call("player.get")["deliveries"] == 1
    seller.call("listing.cancel", listing=listing)


def test_a_category_or_a_commodity_is_frozen_alone(house: House) -> None:
    """The rest is traded as ever."""
    seller = house.newcomer(gold=10, items=1)
    category = seller.call("inventory.list")["items"][0]["category"]
    with frozen(house, what="category", id=category):
        params = {"item": seller.items[0], "buyout": 5, "duration_s": 3600}
        assert seller.refusal("listing.create", **params).data["id"] == category
    trader = house.trader(gold=100)
    with frozen(house, what="commodity", id="cut_peat"):
        peat = {"commodity": "cut_peat", "quantity": 1, "limit_price": 1}
        assert trader.refusal("commodity.buy", **peat).reason == "frozen"
        trader.call("commodity.buy", commodity="marsh_mint", quantity=1, limit_price=1)


def test_only_operators_freeze(house: House) -> None:
    """Players and services may not; what is not there cannot be frozen."""
    assert house.newcomer().refusal("admin.freeze", what="house").reason == "forbidden"
    assert house.service.refusal("admin.thaw", what="house").reason == "forbidden"
    operator = house.enter("olga", "operator")
    assert operator.refusal("admin.freeze", what="category", id="moonlight").reason == "no_such_category"
    assert operator.refusal("admin.freeze", what="commodity", id="moonlight").reason == "no_such_commodity"
    assert operator.refusal("admin.freeze", what="house", id="x").code == -32602
    assert operator.refusal("admin.freeze", what="player").code == -32602
    assert operator.call("admin.thaw", what="player", id="nobody") == {"frozen": []}
