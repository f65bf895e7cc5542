"""Keys: the same player, key, method and params give the stored first answer, executed once."""

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.client import ENCODINGS, JSON
from tests.conformance.contract import BAD_PARAMS, MUTATIONS, REQUIRED
from tests.conformance.house import HOUR_S, House, Issuer, running


def result(answer: dict[str, Any]) -> Any:
    """What an answer says, without its id."""
    return {name: value for name, value in answer.items() if name != "id"}


def test_a_repeat_gets_the_first_answer_and_does_nothing(house: House) -> None:
    """The stored answer comes back word for word, however the world has changed since."""
    seller, bidder, other = house.newcomer(items=1), house.newcomer(gold=1000), house.newcomer(gold=1000)
    create = {"item": seller.items[0], "start_bid": 10, "buyout": 700, "duration_s": HOUR_S, "key": "create"}
    created = seller.ask("listing.create", create)
    listing = created["result"]["listing"]["listing"]
    bid = {"listing": listing, "amount": 50, "key": "bid"}
    led = bidder.ask("listing.bid", bid)
    assert result(bidder.ask("listing.bid", bid)) == result(led)
    assert bidder.gold() == (950, 50)
    buyout = {"listing": listing, "price": 700, "key": "buyout"}
    bought = other.ask("listing.buyout", buyout)
    claim = {"delivery": other.deliveries()[0]["delivery"], "key": "claim"}
    claimed = other.ask("delivery.claim", claim)
    for player, method, params, first in (
        (seller, "listing.create", create, created),
        (bidder, "listing.bid", bid, led),
        (other, "listing.buyout", buyout, bought),
        (other, "delivery.claim", claim, claimed),
    ):
        assert "result" in first, first
        assert result(player.ask(method, params)) == result(first), method
    bidder.await_gold(1000, 0)
    assert other.gold() == (300, 0)
    assert seller.call("player.get")["listings"] == 0


def test_a_cancel_is_repeated_like_any_other(house: House) -> None:
    """It is answered with the cancelled listing again, not with `listing_closed`."""
    seller = house.newcomer(items=1)
    params = {"listing": seller.sell(start_bid=1), "key": "cancel"}
    first = seller.ask("listing.cancel", params)
    assert first["result"]["listing"]["state"] == "cancelled"
    assert result(seller.ask("listing.cancel", params)) == result(first)


def test_a_key_holds_across_connections_and_encodings(house: House) -> None:
    """Asked again in either encoding, on a new connection, it is the same answer."""
    player = house.newcomer(items=1)
    params = {"item": player.items[0], "start_bid": 10, "duration_s": HOUR_S, "key": "k"}
    first = player.ask("listing.create", params)
    player.close()
    for encoding in ENCODINGS:
        again = house.enter(player.name, encoding=encoding)
        assert result(again.ask("listing.create", params)) == result(first)


def test_two_requests_with_one_key_in_flight_are_one(house: House) -> None:
    """A repeat that overtakes the first answer, even on another connection, has one effect."""
    player = house.newcomer(items=1)
    twin = house.enter(player.name)
    params = {"item": player.items[0], "start_bid": 10, "duration_s": HOUR_S, "key": "k"}
    request = {"jsonrpc": "2.0", "id": "x", "method": "listing.create", "params": params}
    for session in (player, twin, player, twin):
        session.send(request)
    answers = [session.answer("x") for session in (player, twin, player, twin)]
    assert all("result" in answer and answer == answers[0] for answer in answers)
    assert player.call("player.get")["listings"] == 1


def test_a_key_used_for_something_else_is_refused(house: House) -> None:
    """Other params or another method under a used key are `key_reused`, and change nothing."""
    seller, bidder = house.newcomer(items=2), house.newcomer(gold=1000)
    listing = seller.sell(start_bid=10)
    bidder.call("listing.bid", listing=listing, amount=50, key="k")
    for method, params in (
        ("listing.bid", {"listing": listing, "amount": 51}),
        ("listing.bid", {"listing": "no such", "amount": 50}),
        ("listing.cancel", {"listing": listing}),
        ("delivery.claim", {"delivery": "no such"}),
    ):
        assert bidder.refusal(method, **params, key="k").reason == "key_reused", method
    assert bidder.gold() == (950, 50)


def test_a_key_is_its_players_own(house: House) -> None:
    """Another player may use the same key for anything."""
    seller, first, second = house.newcomer(items=1), house.newcomer(gold=100), house.newcomer(gold=100)
    listing = seller.sell(start_bid=10)
    first.call("listing.bid", listing=listing, amount=20, key="k")
    second.call("listing.bid", listing=listing, amount=50, key="k")
    seller.refusal("listing.cancel", listing=listing, key="k")


def test_a_key_is_free_after_a_refusal(house: House) -> None:
    """A repeat is decided anew, and the key may go to something else."""
    seller, bidder = house.newcomer(items=2), house.newcomer()
    listing = seller.sell(start_bid=10)
    bid = {"listing": listing, "amount": 50, "key": "k"}
    assert bidder.refusal("listing.bid", **bid).reason == "insufficient_gold"
    assert bidder.refusal("listing.cancel", listing=listing, key="k").reason == "not_owner"
    assert bidder.refusal("delivery.claim", delivery="no such", key="k").reason == "no_such_delivery"
    house.grant(bidder.name, gold=100)
    assert bidder.call("listing.bid", **bid)["winning"]
    assert bidder.refusal("listing.cancel", listing=listing, key="k").reason == "key_reused"


def test_outbid_is_stored_with_its_key(house: House) -> None:
    """A repeat gets the figures of then, moves no price again, and the key is used."""
    seller, leader, bidder = house.newcomer(items=1), house.newcomer(gold=1000), house.newcomer(gold=1000)
    listing = seller.sell(start_bid=100)
    leader.bid(listing, 500)
    bid = {"listing": listing, "amount": 200, "key": "k"}
    first = bidder.ask("listing.bid", bid)
    assert first["error"]["data"]["reason"] == "outbid"
    bidder.ask("listing.bid", {"listing": listing, "amount": 300})
    stands = leader.look(listing)
    assert result(bidder.ask("listing.bid", bid)) == result(first)
    assert leader.look(listing) == stands
    assert bidder.refusal("listing.bid", listing=listing, amount=400, key="k").reason == "key_reused"
    assert result(house.enter(bidder.name, encoding=JSON).ask("listing.bid", bid)) == result(first)


def test_admin_keys_belong_to_caller_and_target(house: House) -> None:
    """The same key may be used for another player, and by another service; for the same ones it is the same grant."""
    one, two = house.newcomer(), house.newcomer()
    other = house.enter(house.new_name(), "service")
    first = house.service.ask(
        "admin.grant", {"player": one.name, "gold": 5, "items": [{"base": house.base}], "key": "k"}
    )
    again = house.service.ask(
        "admin.grant", {"player": one.name, "gold": 5, "items": [{"base": house.base}], "key": "k"}
    )
    assert result(again) == result(first)
    house.service.call("admin.grant", player=two.name, gold=7, key="k")
    other.call("admin.grant", player=one.name, gold=11, key="k")
    assert house.service.refusal("admin.grant", player=one.name, gold=6, key="k").reason == "key_reused"
    assert house.service.refusal("admin.take", player=one.name, gold=5, key="k").reason == "key_reused"
    assert (one.gold(), two.gold()) == ((16, 0), (7, 0))
    house.service.call("admin.take", player=one.name, gold=6, key="t")
    house.service.call("admin.take", player=one.name, gold=6, key="t")
    assert one.gold() == (10, 0)


def test_the_targets_own_keys_are_others(house: House) -> None:
    """A player may use the key that a service used for it."""
    player = house.newcomer(items=1)
    house.service.call("admin.grant", player=player.name, gold=5, key="k")
    player.call("listing.create", item=player.items[0], start_bid=1, duration_s=HOUR_S, key="k")


def test_the_key_is_checked_before_existence(house: House) -> None:
    """A used key is told before anything else that is wrong with the request, but for its params and its role."""
    player = house.newcomer(gold=10, items=1)
    player.call("listing.create", item=player.items[0], start_bid=1, duration_s=HOUR_S, key="k")
    assert player.refusal("listing.bid", listing="no such", amount=1, key="k").reason == "key_reused"
    assert player.refusal("listing.bid", listing="no such", amount=-1, key="k").code == BAD_PARAMS
    assert player.refusal("admin.grant", player="x", key="k").reason == "forbidden"


@pytest.mark.parametrize("key", ["", "x" * 65, 7, True, ["k"]], ids=repr)
def test_a_key_is_1_to_64_characters(house: House, key: Any) -> None:
    """Anything else is a bad param, of every mutation."""
    for method in MUTATIONS:
        answer = house.service.ask(method, {**REQUIRED[method], "key": key})
        assert (answer["error"]["code"], answer["error"]["data"]["path"]) == (BAD_PARAMS, "key"), method


@pytest.mark.parametrize("key", ["x", "x" * 64, "é✓ \n" * 16, "\u0000"], ids=repr)
def test_a_key_may_be_any_characters(house: House, key: str) -> None:
    """The client chooses them."""
    player = house.newcomer(items=1)
    params = {"item": player.items[0], "start_bid": 1, "duration_s": HOUR_S, "key": key}
    first = player.ask("listing.create", params)
    assert "result" in first
    assert result(player.ask("listing.create", params)) == result(first)


def test_queries_take_no_key(house: House) -> None:
    """Only mutations do."""
    for method, params in REQUIRED.items():
        if method not in MUTATIONS:
            assert house.service.refusal(method, **params, key="k").data["path"] == "key", method


@pytest.mark.parametrize("ended_by", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_keys_hold_across_restarts(ended_by: signal.Signals, tmp_path: Path, issuer: Issuer) -> None:
    """What was answered before a node ended, however it did, is answered after it started again, in either encoding."""
    options = ("--token-key", issuer.public_file)
    with running(tmp_path, *options, ended_by=ended_by) as (url, _), House(url, issuer) as house:
        seller, leader, bidder = house.newcomer(items=1), house.newcomer(gold=1000), house.newcomer(gold=1000)
        create = {"item": seller.items[0], "start_bid": 100, "duration_s": HOUR_S, "key": "k"}
        created = seller.ask("listing.create", create)
        listing = created["result"]["listing"]["listing"]
        leader.bid(listing, 500)
        bid = {"listing": listing, "amount": 200, "key": "k"}
        outbid = bidder.ask("listing.bid", bid)
        assert outbid["error"]["data"]["reason"] == "outbid"
    with running(tmp_path, *options) as (url, _), House(url, issuer) as house:
        for encoding in ENCODINGS:
            assert result(house.enter(seller.name, encoding=encoding).ask("listing.create", create)) == result(created)
            assert result(house.enter(bidder.name, encoding=encoding).ask("listing.bid", bid)) == result(outbid)
        again = house.enter(leader.name)
        assert again.gold() == (500, 500)
        assert again.look(listing)["price"] == 210
