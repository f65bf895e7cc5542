"""Offers between two players, as clients see them."""

from typing import Any

from tests.conformance.client import eventually
from tests.conformance.house import House, Player


def offer(player: Player, to: Player, give: Any, want: Any, **more: Any) -> str:
    """Make an offer; its id."""
    made = player.call("offer.make", to=to.name, give=give, want=want, **more)
    assert made["state"] == "open"
    told: str = made["offer"]
    return told


def test_an_accepted_offer_changes_hands_at_once(house: House) -> None:
    """Gold, items and commodities both ways; both sides find what they got as one delivery."""
    giver, taker = house.newcomer(gold=500, items=2), house.newcomer(gold=50, items=1)
    house.grant(taker.name, commodities={"cut_peat": 9})
    give = {"gold": 100, "items": [giver.items[0]]}
    want = {"gold": 7, "items": [taker.items[0]], "commodities": {"cut_peat": 4}}
    made = offer(giver, taker, give, want)
    assert giver.gold() == (400, 100) and giver.stash() == [giver.items[1]]
    assert taker.event("offer.received")["data"] == {"offer": made, "state": "open"}
    (seen,) = taker.call("offer.list")["offers"]
    assert (seen["from"], seen["to"], seen["state"]) == (giver.name, taker.name, "open")
    assert seen["give"]["gold"] == 100 and [item["item"] for item in seen["give"]["items"]] == give["items"]
    assert seen["want"] == want
    assert taker.call("offer.accept", offer=made) == {"offer": made, "state": "accepted"}
    assert taker.gold() == (43, 0) and giver.gold() == (400, 0)
    (got,) = taker.deliveries()
    assert (got["kind"], got["gold"], [item["item"] for item in got["items"]]) == ("traded", 100, give["items"])
    assert giver.event("offer.closed")["data"] == {"offer": made, "state": "accepted"}
    (paid,) = giver.deliveries()
    assert (paid["kind"], paid["gold"], paid["commodities"]) == ("traded", 7, {"cut_peat": 4})
    giver.claim_all()
    taker.claim_all()
    assert (giver.gold()[0], taker.gold()[0]) == (407, 143)
    assert set(giver.stash()) == {giver.items[1], taker.items[0]}
    assert giver.call("offer.list")["offers"] == taker.call("offer.list")["offers"] == []


def test_declined_and_withdrawn_offers_return_everything(house: House) -> None:
    """Gold by itself, goods as a delivery; what is closed stays closed."""
    giver, taker = house.newcomer(gold=100, items=1), house.newcomer(gold=100)
    declined = offer(giver, taker, {"gold": 30, "items": giver.items}, {"gold": 1})
    assert taker.call("offer.decline", offer=declined)["state"] == "declined"
    eventually(lambda: giver.gold() == (100, 0))
    for side in (giver, taker):
        assert side.event("offer.closed")["data"] == {"offer": declined, "state": "declined"}
    (back,) = giver.deliveries()
    assert (back["kind"], [item["item"] for item in back["items"]]) == ("returned", giver.items)
    giver.claim_all()
    withdrawn = offer(giver, taker, {"gold": 30}, {})
    assert giver.call("offer.withdraw", offer=withdrawn)["state"] == "withdrawn"
    assert giver.gold() == (100, 0)
    for side in (giver, taker):
        assert side.event("offer.closed")["data"] == {"offer": withdrawn, "state": "withdrawn"}
    assert taker.refusal("offer.accept", offer=withdrawn).reason in ("offer_closed", "no_such_offer")
    assert giver.refusal("offer.withdraw", offer=withdrawn).reason == "offer_closed"
    assert taker.gold() == (100, 0) and taker.deliveries() == []


def test_an_offer_expires_and_returns_everything(house: House) -> None:
    """By itself, and both sides hear it."""
    giver, taker = house.newcomer(gold=10), house.newcomer()
    made = offer(giver, taker, {"gold": 10}, {}, expires_s=1)
    assert giver.event("offer.closed")["data"] == {"offer": made, "state": "expired"}
    assert taker.event("offer.closed")["data"] == {"offer": made, "state": "expired"}
    assert giver.gold() == (10, 0)
    assert taker.refusal("offer.accept", offer=made).reason in ("offer_closed", "no_such_offer")


def test_who_cannot_give_is_refused(house: House) -> None:
    """Gold, goods, bound items, things of others; the offer stays open for another try."""
    giver, taker = house.newcomer(gold=10, items=1), house.newcomer(gold=5, items=1)
    short = giver.refusal("offer.make", to=taker.name, give={"gold": 11}, want={})
    assert (short.reason, short.data["available"]) == ("insufficient_gold", 10)
    few = giver.refusal("offer.make", to=taker.name, give={"commodities": {"cut_peat": 1}}, want={})
    assert few.reason == "insufficient_goods"
    alien = giver.refusal("offer.make", to=taker.name, give={"items": [taker.items[0]]}, want={})
    assert alien.reason == "no_such_item"
    unknown = giver.refusal("offer.make", to=taker.name, give={"commodities": {"moonlight": 1}}, want={})
    assert unknown.reason == "no_such_commodity"
    nobody = giver.refusal("offer.make", to="nobody-at-all", give={"gold": 1}, want={})
    assert nobody.reason == "no_such_player"
    (bound,) = house.grant(giver.name, items=[{"base": house.base, "bound": True}])["items"]
    tied = giver.refusal("offer.make", to=taker.name, give={"items": [bound["item"]]}, want={})
    assert tied.reason == "bound_item"
    dear = offer(giver, taker, {"items": giver.items}, {"gold": 6})
    assert taker.refusal("offer.accept", offer=dear).data["available"] == 5
    house.grant(taker.name, gold=1)
    assert taker.call("offer.accept", offer=dear)["state"] == "accepted"


def test_strangers_cannot_fill_an_inbox(house: House) -> None:
    """So many from one, so many in all, and so many that one may make."""
    taker, pest, crowd = house.newcomer(), house.newcomer(gold=10), house.newcomer(gold=10)
    offer(pest, taker, {"gold": 1}, {})
    offer(pest, taker, {"gold": 1}, {})
    assert pest.refusal("offer.make", to=taker.name, give={"gold": 1}, want={}).reason == "inbox_full"
    assert pest.gold() == (8, 2)
    offer(crowd, taker, {"gold": 1}, {})
    assert crowd.refusal("offer.make", to=taker.name, give={"gold": 1}, want={}).reason == "inbox_full"
    other, third = house.newcomer(), house.newcomer()
    offer(pest, other, {"gold": 1}, {})
    assert pest.refusal("offer.make", to=third.name, give={"gold": 1}, want={}).reason == "offer_limit"


def test_only_the_two_know_of_an_offer(house: House) -> None:
    """Nobody else can accept, decline or withdraw it; nor can each do what is the other's."""
    giver, taker, other = house.newcomer(gold=9), house.newcomer(), house.newcomer()
    made = offer(giver, taker, {"gold": 9}, {})
    for who, method in (
        (other, "offer.accept"),
        (other, "offer.decline"),
        (other, "offer.withdraw"),
        (giver, "offer.accept"),
        (giver, "offer.decline"),
        (taker, "offer.withdraw"),
    ):
        assert who.refusal(method, offer=made).reason == "no_such_offer"
    assert giver.refusal("offer.withdraw", offer="f").reason == "no_such_offer"


def test_keys_make_an_offer_and_accept_it_once(house: House) -> None:
    """The first answer again, and nothing twice."""
    giver, taker = house.newcomer(gold=100), house.newcomer()
    params = {"to": taker.name, "give": {"gold": 40}, "want": {}, "key": "gift"}
    first = giver.call("offer.make", **params)
    assert giver.call("offer.make", **params) == first
    assert giver.gold() == (60, 40)
    accepted = taker.call("offer.accept", offer=first["offer"], key="thanks")
    assert taker.call("offer.accept", offer=first["offer"], key="thanks") == accepted
    taker.claim_all()
    assert taker.gold() == (40, 0)


def test_offers_to_oneself_and_of_nothing_are_bad(house: House) -> None:
    """They are bad params, and so are sides too large to be looked at."""
    giver, taker = house.newcomer(gold=9), house.newcomer()
    assert giver.refusal("offer.make", to=giver.name, give={"gold": 1}, want={}).code == -32602
    assert giver.refusal("offer.make", to=taker.name, give={}, want={}).code == -32602
    many = {"items": [f"x{number}" for number in range(11)]}
    assert giver.refusal("offer.make", to=taker.name, give={"gold": 1}, want=many).code == -32602
