"""What workers that hold no state must do together: tell each other's players, lose nothing, do nothing twice."""

import os
import signal
from collections.abc import Callable

import pytest

from load_tests.standard import Standard
from tests.conformance.client import eventually
from tests.conformance.house import House, Player

GOLD = 1_000


def on(house: House, worker: str, name: str) -> Player:
    """A connection that the balancer gave to this worker, logged in as a player."""
    found: list[Player] = []

    def connected() -> bool:
        found.append(house.enter(name))
        return bool(found[-1].hello["node"] == worker)

    eventually(connected)
    return found[-1]


@pytest.fixture
def workers(standard: Standard) -> list[str]:
    """The workers' names, once all of them serve."""
    names = ["worker-0", "worker-1"]
    eventually(lambda: set(names) <= standard.pids().keys())
    return names


def bidder(house: House, worker: str) -> Player:
    """A new player with gold, at a worker."""
    name = house.new_name()
    house.grant(name, gold=GOLD)
    return on(house, worker, name)


def test_who_is_outbid_hears_of_it_at_another_worker(house: House, workers: list[str]) -> None:
    """A bid at one worker pushes to the former leader at the other, who then finds the new price in the cache."""
    first, second = (bidder(house, worker) for worker in workers)
    listing = house.newcomer(items=1).sell(start_bid=10)
    first.bid(listing, 10)
    assert first.look(listing)["price"] == 10
    second.bid(listing, 50)
    told = first.event("listing.outbid")
    assert told["data"] == {"listing": listing, "price": 11, "min_bid": 12}
    assert told["seq"] == first.call("player.get")["seq"] == 1
    assert first.look(listing)["price"] == 11
    assert first.gold() == (GOLD, 0)


def test_bids_at_once_on_one_listing_lose_nothing(house: House, workers: list[str], standard: Standard) -> None:
    """Bids of many, sent to both workers before any is answered, leave one leader, and the audit balances."""
    bidders = [bidder(house, workers[number % 2]) for number in range(6)]
    listing = house.newcomer(items=1).sell(start_bid=1)
    for amount in range(10, 40):
        params = {"listing": listing, "amount": amount}
        request = {"jsonrpc": "2.0", "id": f"{amount}", "method": "listing.bid", "params": params}
        bidders[amount % 6].send(request)
    answers = [bidders[amount % 6].answer(f"{amount}") for amount in range(10, 40)]
    accepted = [answer for answer in answers if "result" in answer]
    leaders = [each for each in bidders if each.look(listing)["winning"]]
    assert len(leaders) == 1 and leaders[0].gold() == (GOLD - 39, 39)
    assert len(accepted) <= leaders[0].look(listing)["bids"] + 5
    assert sum(sum(each.gold()) for each in bidders) == 6 * GOLD
    assert standard.audit()


def test_a_key_at_two_workers_has_one_effect(house: House, workers: list[str], standard: Standard) -> None:
    """The same request under the same key, sent to both workers at once, is done once and answered alike."""
    name = house.new_name()
    house.grant(name, gold=GOLD)
    players = [on(house, worker, name) for worker in workers]
    listing = house.newcomer(items=1).sell(start_bid=10)
    params = {"listing": listing, "amount": 20, "key": "once"}
    for player in players:
        player.send({"jsonrpc": "2.0", "id": "bid", "method": "listing.bid", "params": params})
    answers = [player.answer("bid") for player in players]
    assert answers[0] == answers[1] and answers[0]["result"]["listing"]["bids"] == 1
    assert players[0].refusal("listing.bid", listing=listing, amount=30, key="once").reason == "key_reused"
    assert players[0].gold() == (GOLD - 20, 20)
    assert standard.audit()


def test_a_worker_that_is_killed_loses_nothing_acknowledged(
    house: House, workers: list[str], standard: Standard
) -> None:
    """After a kill −9 in the midst of bids, what was acknowledged stands, and another worker takes the place."""
    victim = standard.pids()[workers[1]]
    rival, player = (bidder(house, worker) for worker in workers)
    listing = house.newcomer(items=1).sell(start_bid=10)
    acknowledged = player.bid(listing, 30)
    player.send({"jsonrpc": "2.0", "id": 9, "method": "listing.bid", "params": {"listing": listing, "amount": 40}})
    os.kill(victim, signal.SIGKILL)
    seen = rival.look(listing)
    assert (seen["bids"], seen["price"]) == (acknowledged["bids"], acknowledged["price"])
    eventually(lambda: standard.pids().get(workers[1], victim) != victim)
    again = on(house, workers[1], player.name)
    assert again.look(listing)["winning"] and again.gold() in ((GOLD - 30, 30), (GOLD - 40, 40))
    assert standard.audit()


@pytest.mark.parametrize("method", ["commodity.book", "listing.cancel", "watch.list"])
def test_what_is_not_served_is_no_method(house: House, method: str) -> None:
    """A method of the protocol that the standard architecture leaves out is answered as one that does not exist."""
    params: dict[str, Callable[[], str]] = {"commodity": lambda: "x", "listing": lambda: "x"}
    named = method.partition(".")[0]
    given = {named: params[named]()} if named in params else {}
    assert house.newcomer().refusal(method, **given).code == -32601
