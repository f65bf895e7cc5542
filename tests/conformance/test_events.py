"""What a player is told, and how a client that was away learns of it."""

from typing import Any

import pytest

from tests.conformance.client import JSON, MSGPACK
from tests.conformance.contract import AMOUNT_MAX, BAD_PARAMS
from tests.conformance.house import House, Player


def happen(house: House, player: Player, count: int) -> None:
    """Let a player be told `count` things."""
    for _ in range(count):
        item = house.grant(player.name, items=[{"base": house.base}])["items"][0]["item"]
        made = player.call("listing.create", item=item, start_bid=1, duration_s=3600)
        player.call("listing.cancel", listing=made["listing"]["listing"])
        player.claim_all()
        house.service.call("admin.take", player=player.name, items=[item], key=item)


def test_who_was_told_nothing_has_no_events(house: House) -> None:
    """There is nothing to resume, from wherever one asks."""
    player = house.newcomer()
    for seq in (0, 5, AMOUNT_MAX):
        result = player.call("events.since", seq=seq)
        assert (result["events"], result["last_seq"]) == ([], 0)


def test_pushes_and_events_since_tell_the_same(house: House) -> None:
    """Each event is pushed once, in the order of `seq`, from 1 on without a gap."""
    player = house.newcomer()
    happen(house, player, 5)
    pushed = [player.event() for _ in range(5)]
    assert [event["seq"] for event in pushed] == [1, 2, 3, 4, 5]
    result = player.call("events.since", seq=0)
    assert result["events"] == pushed
    assert (result["next_seq"], result["oldest_seq"], result["last_seq"]) == (5, 1, 5)
    assert player.call("player.get")["seq"] == 5
    assert house.enter(player.name).call("session.login", token=house.issuer.token(player.name))["seq"] == 5


def test_events_after_a_seq_are_told_and_no_others(house: House) -> None:
    """From the middle, from the end and from beyond it."""
    player = house.newcomer()
    happen(house, player, 4)
    for seq, expected in ((0, [1, 2, 3, 4]), (2, [3, 4]), (3, [4]), (4, []), (9, [])):
        result = player.call("events.since", seq=seq)
        assert [event["seq"] for event in result["events"]] == expected, seq
        assert result["last_seq"] == 4


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 100])
def test_next_seq_leads_through_all_events(house: House, limit: int) -> None:
    """Passed back as `seq` until nothing comes, whatever the limit."""
    player = house.newcomer()
    happen(house, player, 4)
    seen: list[int] = []
    seq = 0
    while True:
        result = player.call("events.since", seq=seq, limit=limit)
        if not result["events"]:
            break
        assert len(result["events"]) <= limit
        seen += [event["seq"] for event in result["events"]]
        seq = result["next_seq"]
    assert seen == [1, 2, 3, 4]


def test_a_dropped_socket_loses_no_event(house: House) -> None:
    """What happened while nobody listened is resumed from the last seq heard, and pushes go on from there."""
    seller, bidder = house.newcomer(items=2), house.newcomer(gold=1000)
    listing = seller.sell(start_bid=10, buyout=500)
    bidder.bid(listing, 20)
    house.newcomer(gold=1000).bid(listing, 30)
    heard = bidder.event()["seq"]
    bidder.socket.socket.close()
    second = house.enter(bidder.name)
    second.bid(listing, 100)
    second.close()
    house.newcomer(gold=1000).bid(listing, 200)
    house.newcomer(gold=1000).bid(listing, 300)
    again = house.enter(bidder.name)
    missed = again.call("events.since", seq=heard)
    assert [event["type"] for event in missed["events"]] == ["listing.outbid"]
    happen(house, again, 1)
    assert again.event()["seq"] == missed["last_seq"] + 1


def test_events_are_told_in_either_encoding(house: House) -> None:
    """Two sessions of one player in two encodings hear the same."""
    name = house.new_name()
    sessions = [house.enter(name, encoding=encoding) for encoding in (JSON, MSGPACK)]
    happen(house, sessions[0], 2)
    first, second = ([session.event() for _ in range(2)] for session in sessions)
    assert first == second


def test_a_push_comes_no_later_than_it_can_be_asked_for(house: House) -> None:
    """Whatever `events.since` tells was pushed to the session, or will be."""
    player = house.newcomer()
    happen(house, player, 3)
    told = player.call("events.since", seq=0)["events"]
    assert [player.event() for _ in told] == told


@pytest.mark.parametrize("seq", [-1, 2**53, 2**64 - 1, 1.0, "0", True], ids=repr)
def test_a_seq_is_an_amount(house: House, seq: Any) -> None:
    """Anything else is a bad param."""
    answer = house.newcomer().ask("events.since", {"seq": seq})
    assert (answer["error"]["code"], answer["error"]["data"]["path"]) == (BAD_PARAMS, "seq")
