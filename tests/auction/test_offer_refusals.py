"""What offers are refused for, in which order, and what limits and freezes do to them."""

from typing import Any

import pytest

from auction.refusals import ORDER
from shardnode.wire.methods import METHODS
from tests.auction.house import House, refused
from tests.auction.offering import accept, decline, expire, made, make, side, withdraw
from worlddata.types import Rules


@pytest.fixture
def house() -> House:
    """al and bo have 1,000 gold each, al 5 tin, bo 7 salt."""
    house = House()
    house.grant("al", gold=1_000, commodities={"tin": 5})
    house.grant("bo", gold=1_000, commodities={"salt": 7})
    return house


def test_existence_comes_first(house: House) -> None:
    """Whoever is not there, and whatever is not there, before anything else."""
    (item,) = house.grant("bo", items=1)
    for give, want, reason in (
        (side(2_000, items=[item]), side(), "no_such_item"),
        (side(2_000, items=["nonsense"]), side(), "no_such_item"),
        (side(2_000, lead=1), side(), "no_such_commodity"),
        (side(2_000), side(lead=1), "no_such_commodity"),
    ):
        assert refused(make(house, "al", "bo", give, want)) == (reason, {})
    for give in (side(1), side(2_000), side(items=["nonsense"])):
        assert refused(make(house, "al", "nobody", give))[0] == "no_such_player"


def test_a_bound_item_stays_with_its_owner(house: House) -> None:
    """It is neither given nor, when the offer is accepted, paid."""
    (mine,) = house.grant("al", items=1, bound=True)
    (theirs,) = house.grant("bo", items=1, bound=True)
    assert refused(make(house, "al", "bo", side(items=[mine]))) == ("bound_item", {})
    offer = made(house, "al", "bo", side(1), side(items=[theirs]))
    assert refused(accept(house, "bo", offer)) == ("bound_item", {})
    assert decline(house, "bo", offer).state == "declined"


def test_what_is_short_is_named(house: House) -> None:
    """Gold, and pieces of a commodity, on either side."""
    assert refused(make(house, "al", "bo", side(1_001))) == ("insufficient_gold", {"available": 1_000})
    short = ("insufficient_goods", {"commodity": "tin", "available": 5})
    assert refused(make(house, "al", "bo", side(1_000, tin=6))) == short
    offer = made(house, "al", "bo", side(1), side(1_001, salt=8))
    assert refused(accept(house, "bo", offer)) == ("insufficient_gold", {"available": 1_000})
    house.grant("bo", gold=1)
    assert refused(accept(house, "bo", offer)) == ("insufficient_goods", {"commodity": "salt", "available": 7})
    house.grant("bo", commodities={"salt": 1})
    assert accept(house, "bo", offer).state == "accepted"


def test_what_is_wanted_must_be_there_when_it_is_accepted(house: House) -> None:
    """Not when it is asked for; and the offer stays open until it is."""
    (item,) = house.grant("bo", items=1)
    offer = made(house, "al", "bo", side(1), side(items=[item]))
    listing = house.create("bo", item=item, start_bid=1)
    assert refused(accept(house, "bo", offer)) == ("no_such_item", {})
    house.cancel("bo", listing)
    house.claim_all("bo")
    assert accept(house, "bo", offer).state == "accepted"


def test_a_player_has_only_so_many_open() -> None:
    """The limit is the rule's; what is over makes room."""
    house = House(Rules(max_offers=2, offers_from_one_max=9))
    for player in ("al", "bo"):
        house.grant(player, gold=1_000)
    first, _ = (made(house, "al", "bo", side(1)) for _ in range(2))
    assert refused(make(house, "al", "bo", side(2_000))) == ("offer_limit", {})
    accept(house, "bo", first)
    made(house, "al", "bo", side(1))


def test_an_inbox_takes_only_so_many() -> None:
    """Of one maker, and of all together; the maker's own limit is told first, the gold last."""
    house = House(Rules(max_offers=4, offers_from_one_max=2, offers_inbox_max=3))
    for player in ("al", "bo", "cy"):
        house.grant(player, gold=1_000)
    first, _ = (made(house, "al", "bo", side(1)) for _ in range(2))
    assert refused(make(house, "al", "bo", side(2_000))) == ("inbox_full", {})
    made(house, "cy", "bo", side(1))
    assert refused(make(house, "cy", "bo", side(1))) == ("inbox_full", {})
    made(house, "al", "cy", side(1))
    made(house, "al", "cy", side(1))
    assert refused(make(house, "al", "bo", side(1))) == ("offer_limit", {})
    decline(house, "bo", first)
    assert made(house, "cy", "bo", side(1))


def test_the_too_new_wait() -> None:
    """Whoever makes an offer and whoever accepts one must be of age; to decline and to withdraw needs no age."""
    house = House(Rules(trade_age_s=60))
    house.grant("al", gold=1_000)
    house.now_ms += 30_000
    house.grant("bo", gold=1_000)
    assert refused(make(house, "al", "bo", side(2_000))) == ("too_new", {"retry_after_ms": 30_000})
    house.now_ms += 30_000
    offers = [made(house, "al", "bo", side(1)) for _ in range(3)]
    assert refused(accept(house, "bo", offers[0])) == ("too_new", {"retry_after_ms": 30_000})
    assert decline(house, "bo", offers[1]).state == "declined"
    house.now_ms += 30_000
    assert accept(house, "bo", offers[0]).state == "accepted"


@pytest.mark.parametrize("claims", [True, False])
@pytest.mark.parametrize(
    ("what", "which"),
    [
        ("house", None),
        ("player", "al"),
        ("player", "bo"),
        ("category", "oars"),
        ("category", "ores"),
        ("commodity", "tin"),
        ("commodity", "salt"),
    ],
)
def test_what_is_frozen_is_not_traded(house: House, what: Any, which: str | None, claims: bool) -> None:
    """Whatever of it is, and whichever side; it is taken back and turned down where the freeze lets it, or where
    neither who does it nor what is given is frozen. It expires all the same.
    """
    *given, left = house.grant("al", items=4)
    want = side(salt=1)
    offers = [made(house, "al", "bo", side(1, [item], tin=1), want, expires_s=60) for item in given]
    house.freeze(what, which, claims=claims)
    frozen = ("frozen", {"what": what, "id": which})
    assert refused(make(house, "al", "bo", side(2_000, [left], tin=1), want)) == frozen
    assert refused(accept(house, "bo", offers[0])) == frozen
    may_withdraw, may_decline = claims or which in ("bo", "salt"), claims or which in ("al", "salt")
    for answer, state, may in (
        (withdraw(house, "al", offers[0]), "withdrawn", may_withdraw),
        (decline(house, "bo", offers[1]), "declined", may_decline),
    ):
        assert answer.state == state if may else refused(answer) == frozen
    house.now_ms += 60_000
    assert expire(house, offers[2]).record


def test_every_reason_has_its_place() -> None:
    """Whatever a trade may be refused for has a place in the order in which it is told."""
    by_the_house = {"key_reused", "outbid"}
    for method in ("listing.bid", "listing.buyout", "offer.make", "offer.accept"):
        assert set(METHODS[method].refusals) - by_the_house <= set(ORDER)
