"""Amounts: integers of 0 … 2^53 − 1 and nothing else, in every place where one may stand."""

import json
from typing import Any

import pytest

from tests.conformance.client import JSON
from tests.conformance.contract import AMOUNT_MAX, BAD_PARAMS, PARSE_ERROR
from tests.conformance.house import HOUR_S, House, Issuer

WRONG = {
    "2^53": 2**53,
    "2^63 - 1": 2**63 - 1,
    "2^63": 2**63,
    "2^64 - 1": 2**64 - 1,
    "-1": -1,
    "-2^53": -(2**53),
    "-2^63": -(2**63),
    "1.0": 1.0,
    "0.5": 0.5,
    "1e300": 1e300,
    "'1'": "1",
    "''": "",
    "true": True,
    "false": False,
    "[]": [],
    "{}": {},
}
PLACES: dict[str, tuple[str, dict[str, Any]]] = {
    "listing.create start_bid": ("start_bid", {"item": "x", "duration_s": HOUR_S}),
    "listing.create buyout": ("buyout", {"item": "x", "start_bid": 1, "duration_s": HOUR_S}),
    "listing.create duration_s": ("duration_s", {"item": "x", "start_bid": 1}),
    "listing.bid amount": ("amount", {"listing": "x"}),
    "listing.buyout price": ("price", {"listing": "x"}),
    "events.since seq": ("seq", {}),
    "admin.grant gold": ("gold", {"player": "x", "key": "k"}),
    "admin.take gold": ("gold", {"player": "x", "key": "k"}),
}
"""Method and param, and the other params that the method needs."""


@pytest.mark.parametrize("value", WRONG.values(), ids=WRONG)
def test_what_is_no_amount_is_refused_by_its_param(house: House, value: Any) -> None:
    """Every param that is an amount answers −32602 with its path; nothing is rounded, parsed or cut off."""
    for place, (param, others) in PLACES.items():
        error = house.service.ask(place.split()[0], {**others, param: value})["error"]
        assert (error["code"], error["data"]["path"]) == (BAD_PARAMS, param), place


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")], ids=repr)
def test_what_is_no_number_is_no_amount(house: House, value: float) -> None:
    """MessagePack has such floats; in JSON a message with one does not parse."""
    for place, (param, others) in PLACES.items():
        house.service.send({"jsonrpc": "2.0", "id": 1, "method": place.split()[0], "params": {**others, param: value}})
        answer = house.service.next_answer()
        if house.encoding is JSON:
            assert (answer["id"], answer["error"]["code"]) == (None, PARSE_ERROR), place
        else:
            assert (answer["id"], answer["error"]["data"]["path"]) == (1, param), place


@pytest.mark.parametrize(
    "literal", ["1.0", "1e2", "1E0", "-0.0", "9007199254740991.0", "18446744073709551616", f"1{'0' * 400}"]
)
def test_a_json_number_that_is_no_integer_of_64_bits_is_no_amount(url: str, issuer: Issuer, literal: str) -> None:
    """A float stays a float however it is written, and no integer is too long to be refused."""
    with House(url, issuer, JSON) as house:
        params = {"player": "x", "key": "k", "gold": 77}
        message = {"jsonrpc": "2.0", "id": 1, "method": "admin.grant", "params": params}
        house.service.send_raw(json.dumps(message).replace("77", literal).encode())
        error = house.service.answer(1)["error"]
    assert (error["code"], error["data"]["path"]) == (BAD_PARAMS, "gold")


@pytest.mark.parametrize("amount", [0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**52, AMOUNT_MAX])
def test_an_amount_comes_back_exactly(house: House, amount: int) -> None:
    """Granted, read and taken, whatever its size."""
    player = house.newcomer()
    assert house.grant(player.name, gold=amount)["gold"] == amount
    assert player.gold() == (amount, 0)
    assert house.service.call("admin.take", player=player.name, gold=amount, key="all")["gold"] == amount
    assert player.gold() == (0, 0)


@pytest.mark.parametrize("price", [2**31, 2**32, 2**52, AMOUNT_MAX])
def test_a_price_comes_back_exactly(house: House, price: int) -> None:
    """Asked, paid and claimed less the fee, rounded down once, whatever its size."""
    seller, buyer = house.newcomer(items=1), house.newcomer(gold=price)
    listing = seller.sell(start_bid=price, buyout=price)
    assert buyer.look(listing)["buyout"] == price
    assert buyer.call("listing.buyout", listing=listing, price=price)["paid"] == price
    seller.claim_all()
    fee = -(-price * 1500 // 10_000)
    assert (seller.gold(), buyer.gold()) == ((price - fee, 0), (0, 0))


def test_a_sum_keeps_to_the_bound_of_its_parts(house: House) -> None:
    """A wallet cannot be granted past 2^53 − 1, at once or bit by bit."""
    player = house.newcomer(gold=AMOUNT_MAX)
    assert house.service.refusal("admin.grant", player=player.name, gold=1, key="k").reason == "wallet_full"
    assert house.service.refusal("admin.grant", player=player.name, gold=AMOUNT_MAX, key="k").reason == "wallet_full"
    assert player.gold() == (AMOUNT_MAX, 0)


def test_a_commodity_keeps_to_the_bound(house: House) -> None:
    """A quantity is an amount too."""
    player = house.newcomer()
    commodity = house.service.call("world.commodities")["commodities"][0]["commodity"]
    for wrong in (2**53, -1, 1.5, True):
        refusal = house.service.refusal("admin.grant", player=player.name, commodities={commodity: wrong}, key="k")
        assert refusal.code == BAD_PARAMS, wrong
        assert refusal.data["path"].startswith("commodities"), wrong
    house.grant(player.name, commodities={commodity: AMOUNT_MAX})
    house.service.refusal("admin.grant", player=player.name, commodities={commodity: 1}, key="k")
    assert player.call("inventory.list")["commodities"] == {commodity: AMOUNT_MAX}
