"""What bids mean: prices, leaders, escrow, and every way to be refused."""

from typing import NamedTuple

import pytest

from tests.conformance.client import eventually
from tests.conformance.contract import AMOUNT_MAX
from tests.conformance.house import House, Player


class Contest(NamedTuple):
    """Bids on one listing, by bidders A, B and C, and how it then stands."""

    start_bid: int
    bids: tuple[tuple[str, int], ...]
    price: int
    leader: str
    """A bidder and its maximum."""
    leader_max: int
    counted: int


CONTESTS = {
    "one bidder pays the start": Contest(100, (("A", 500),), 100, "A", 500, 1),
    "a lower maximum moves the price": Contest(100, (("A", 500), ("B", 200)), 210, "A", 500, 2),
    "a higher maximum leads": Contest(100, (("A", 200), ("B", 500)), 210, "B", 500, 2),
    "at equal maxima the earlier leads": Contest(100, (("A", 500), ("B", 500)), 500, "A", 500, 2),
    "the price never passes the leader's maximum": Contest(100, (("A", 200), ("B", 205)), 205, "B", 205, 2),
    "nor that of one who keeps the lead": Contest(100, (("A", 205), ("B", 200)), 205, "A", 205, 2),
    "a raise by the leader moves nothing": Contest(100, (("A", 500), ("A", 800)), 100, "A", 800, 1),
    "nor once there was a second": Contest(100, (("A", 500), ("B", 200), ("A", 900)), 210, "A", 900, 2),
    "a raise counts against the next": Contest(100, (("A", 500), ("A", 800), ("B", 600)), 630, "A", 800, 2),
    "the start is enough": Contest(100, (("A", 100),), 100, "A", 100, 1),
    "the least raise is enough": Contest(100, (("A", 100), ("B", 105)), 105, "B", 105, 2),
    "the least increment is 1": Contest(1, (("A", 5), ("B", 2)), 3, "A", 5, 2),
    "the second of three decides": Contest(100, (("A", 500), ("B", 200), ("C", 300)), 315, "A", 500, 3),
    "also where the third leads": Contest(100, (("A", 500), ("B", 200), ("C", 600)), 525, "C", 600, 3),
    "who was outbid may come back": Contest(100, (("A", 500), ("B", 600), ("A", 700)), 630, "A", 700, 3),
    "the largest amounts": Contest(2**52, (("A", AMOUNT_MAX), ("B", AMOUNT_MAX)), AMOUNT_MAX, "A", AMOUNT_MAX, 2),
}


@pytest.mark.parametrize("case", CONTESTS.values(), ids=CONTESTS)
def test_price_leader_and_escrow_follow_from_the_maxima(house: House, case: Contest) -> None:
    """The table of cases: what everybody sees, and whose gold is where."""
    seller = house.newcomer(items=1)
    listing = seller.sell(start_bid=case.start_bid)
    bidders = {name: house.newcomer(gold=AMOUNT_MAX) for name in sorted({name for name, _ in case.bids})}
    for name, amount in case.bids:
        answer = bidders[name].ask("listing.bid", {"listing": listing, "amount": amount})
        assert "error" not in answer or answer["error"]["data"]["reason"] == "outbid", answer
    seen = seller.look(listing)
    assert (seen["price"], seen["bids"], seen["state"]) == (case.price, case.counted, "open")
    for name, bidder in bidders.items():
        held = case.leader_max if name == case.leader else 0
        assert bidder.look(listing)["winning"] == (name == case.leader)
        bidder.await_gold(AMOUNT_MAX - held, held)


def test_a_winning_bid_is_answered_with_the_listing(house: House) -> None:
    """The answer is what the bidder then sees."""
    seller, bidder = house.newcomer(items=1), house.newcomer(gold=1000)
    listing = seller.sell(start_bid=100, buyout=900)
    seen = bidder.bid(listing, 200)
    assert seen == bidder.look(listing)
    assert (seen["price"], seen["bids"]) == (100, 1)


def test_a_losing_bid_is_answered_outbid_with_where_the_listing_stands(house: House) -> None:
    """Price and least next bid are told; the former is the listing's, and nobody gets a push."""
    seller, leader, bidder = house.newcomer(items=1), house.newcomer(gold=1000), house.newcomer(gold=1000)
    listing = seller.sell(start_bid=100)
    leader.bid(listing, 500)
    refusal = bidder.refusal("listing.bid", listing=listing, amount=200)
    assert (refusal.reason, refusal.data["price"]) == ("outbid", 210)
    seen = bidder.look(listing)
    assert (seen["price"], seen["min_bid"]) == (refusal.data["price"], refusal.data["min_bid"])
    assert bidder.gold() == (1000, 0)
    leader.call("player.get")
    assert leader.events_heard() == bidder.events_heard() == []


def test_who_led_is_told_and_has_the_gold_back(house: House) -> None:
    """The push says where the listing stands; its figures are the listing's."""
    seller, first, second = house.newcomer(items=1), house.newcomer(gold=1000), house.newcomer(gold=1000)
    listing = seller.sell(start_bid=100)
    first.bid(listing, 200)
    second.bid(listing, 500)
    event = first.event()
    seen = first.look(listing)
    assert (event["type"], event["seq"]) == ("listing.outbid", 1)
    assert event["data"] == {"listing": listing, "price": 210, "min_bid": seen["min_bid"]}
    first.await_gold(1000, 0)


@pytest.mark.parametrize("before", [(), (500,), (500, 500)], ids=["no bid", "one", "two"])
def test_min_bid_is_the_least_that_is_taken(house: House, before: tuple[int, ...]) -> None:
    """One less is `bid_too_low` and told so; exactly that much is taken."""
    seller = house.newcomer(items=1)
    listing = seller.sell(start_bid=100)
    for amount in before:
        house.newcomer(gold=1000).ask("listing.bid", {"listing": listing, "amount": amount})
    bidder = house.newcomer(gold=1000)
    least = bidder.look(listing)["min_bid"]
    refusal = bidder.refusal("listing.bid", listing=listing, amount=least - 1)
    assert (refusal.reason, refusal.data["min_bid"]) == ("bid_too_low", least)
    assert bidder.look(listing)["bids"] == len(before)
    answer = bidder.ask("listing.bid", {"listing": listing, "amount": least})
    assert answer.get("error", {"data": {"reason": "outbid"}})["data"]["reason"] == "outbid"
    assert bidder.look(listing)["bids"] == len(before) + 1


def test_a_raise_holds_only_the_difference(house: House) -> None:
    """A leader with 200 more in the wallet may raise by 200, and not by 201."""
    seller, leader = house.newcomer(items=1), house.newcomer(gold=700)
    listing = seller.sell(start_bid=100)
    leader.bid(listing, 500)
    refusal = leader.refusal("listing.bid", listing=listing, amount=701)
    assert (refusal.reason, refusal.data["available"]) == ("insufficient_gold", 200)
    assert leader.bid(listing, 700)["price"] == 100
    assert leader.gold() == (0, 700)


@pytest.mark.parametrize("amount", [100, 400, 500])
def test_a_leader_may_only_raise(house: House, amount: int) -> None:
    """No more than the own maximum is refused, and changes nothing."""
    seller, leader = house.newcomer(items=1), house.newcomer(gold=1000)
    listing = seller.sell(start_bid=100)
    before = leader.bid(listing, 500)
    leader.refusal("listing.bid", listing=listing, amount=amount)
    assert leader.look(listing) == before
    assert leader.gold() == (500, 500)


def test_the_buyout_price_cannot_be_bid(house: House) -> None:
    """A maximum of the buyout or more is `price_out_of_range`, with the most that may be bid; one less is taken."""
    seller, bidder = house.newcomer(items=1), house.newcomer(gold=AMOUNT_MAX)
    listing = seller.sell(start_bid=100, buyout=600)
    for amount in (600, 601, AMOUNT_MAX):
        refusal = bidder.refusal("listing.bid", listing=listing, amount=amount)
        assert (refusal.reason, refusal.data["max"]) == ("price_out_of_range", 599)
    bidder.bid(listing, 599)


def test_gold_that_is_not_there_cannot_be_bid(house: House) -> None:
    """More than the wallet holds is `insufficient_gold`, with what it holds; gold behind bids is not in it."""
    seller, bidder = house.newcomer(items=2), house.newcomer(gold=250)
    first, second = seller.sell(0, start_bid=100), seller.sell(1, start_bid=100)
    bidder.bid(first, 150)
    refusal = bidder.refusal("listing.bid", listing=second, amount=101)
    assert (refusal.reason, refusal.data["available"]) == ("insufficient_gold", 100)
    assert bidder.look(second)["bids"] == 0
    bidder.bid(second, 100)


def test_a_losing_bid_must_be_covered_all_the_same(house: House) -> None:
    """Who could not pay moves no price."""
    seller, leader, bidder = house.newcomer(items=1), house.newcomer(gold=1000), house.newcomer(gold=150)
    listing = seller.sell(start_bid=100)
    before = leader.bid(listing, 500)
    assert bidder.refusal("listing.bid", listing=listing, amount=200).reason == "insufficient_gold"
    assert leader.look(listing) == before


def test_a_player_may_lead_so_many_listings(house: House) -> None:
    """At `max_bids` standing bids a new one is `bid_limit`; a raise is none, and who is outbid may place one more."""
    seller, other, bidder = house.newcomer(items=4), house.newcomer(gold=1000), house.newcomer(gold=1000)
    listings = [seller.sell(number, start_bid=10) for number in range(4)]
    for listing in listings[:3]:
        bidder.bid(listing, 10)
    assert bidder.refusal("listing.bid", listing=listings[3], amount=10).reason == "bid_limit"
    bidder.bid(listings[0], 20)
    other.bid(listings[0], 100)
    bidder.bid(listings[3], 10)


def test_not_every_listing_takes_a_bid_from_everybody(house: House) -> None:
    """The own is `own_listing`, one without `start_bid` is `not_for_bids`, one that is over is `listing_closed`."""
    seller, bidder = house.newcomer(gold=100, items=3), house.newcomer(gold=100)
    own, fixed, over = seller.sell(0, start_bid=5), seller.sell(1, buyout=5), seller.sell(2, start_bid=5)
    seller.call("listing.cancel", listing=over)
    assert seller.refusal("listing.bid", listing=own, amount=5).reason == "own_listing"
    assert bidder.refusal("listing.bid", listing=fixed, amount=4).reason == "not_for_bids"
    assert bidder.refusal("listing.bid", listing=over, amount=5).reason == "listing_closed"
    assert bidder.look(fixed)["min_bid"] is None
    assert bidder.gold() == (100, 0)


def test_a_contest_in_flight_ends_with_one_leader(house: House) -> None:
    """Three bidders who wait for no answer: each bid is answered once, and all gold is where the last one left it."""
    seller = house.newcomer(items=1)
    listing = seller.sell(start_bid=1)
    bidders = [house.newcomer(gold=10_000) for _ in range(3)]
    for round_ in range(50):
        for number, bidder in enumerate(bidders):
            amount = 1 + 40 * round_ + 11 * number
            params = {"listing": listing, "amount": amount}
            bidder.send({"jsonrpc": "2.0", "id": amount, "method": "listing.bid", "params": params})
    for bidder in bidders:
        answers = [bidder.next_answer() for _ in range(50)]
        assert len({answer["id"] for answer in answers}) == 50
    seen = [bidder.look(listing) for bidder in bidders]
    assert sorted(view["winning"] for view in seen) == [False, False, True]
    eventually(lambda: all(sum(bidder.gold()) == 10_000 for bidder in bidders))
    for bidder, view in zip(bidders, seen, strict=True):
        _, escrowed = bidder.gold()
        assert (escrowed >= view["price"]) == view["winning"] == (escrowed > 0)
        told = bidder.call("events.since", seq=0, limit=100)["events"]
        assert [event["seq"] for event in told] == list(range(1, len(told) + 1))
        assert [bidder.event() for _ in told] == told


def _standing(player: Player) -> dict[str, tuple[int, bool]]:
    rows = player.call("bids.mine")["bids"]
    assert all(row["winning"] == row["listing"]["winning"] for row in rows)
    return {row["listing"]["listing"]: (row["amount"], row["winning"]) for row in rows}


def test_a_player_sees_the_own_bids(house: House) -> None:
    """Leading or not, with the own maximum, a page at a time; another's are not told."""
    seller, first, second = house.newcomer(items=3), house.newcomer(gold=1000), house.newcomer(gold=1000)
    led, lost, raised = (seller.sell(number, start_bid=10) for number in range(3))
    for listing in (led, lost, raised):
        first.bid(listing, 20)
    second.bid(lost, 50)
    first.bid(raised, 30)
    assert _standing(first) == {led: (20, True), lost: (20, False), raised: (30, True)}
    assert _standing(second) == {lost: (50, True)}
    assert _standing(seller) == {}
    one = first.call("bids.mine", limit=1)
    more = first.call("bids.mine", limit=2, cursor=one["next"])
    assert len(one["bids"] + more["bids"]) == 3
    assert more["next"] is None


def test_refusals_of_a_bid_come_in_their_order(house: House) -> None:
    """Existence, ownership, state, price, limits, gold: each is told before what comes after it."""
    seller, other = house.newcomer(items=4), house.newcomer(gold=10_000)
    poor = house.newcomer(gold=30)
    listings = [seller.sell(number, start_bid=10, buyout=1000) for number in range(4)]
    for listing in listings[:3]:
        poor.bid(listing, 10)
    target = listings[3]

    def reason(player: Player, amount: int, listing: str = target) -> str | None:
        return player.refusal("listing.bid", listing=listing, amount=amount).reason

    assert reason(poor, 5000, "no such") == "no_such_listing"
    assert reason(seller, 5000) == "own_listing"
    assert reason(poor, 5000) == "price_out_of_range"
    assert reason(poor, 9) == "bid_too_low"
    assert reason(poor, 500) == "bid_limit"
    other.bid(listings[0], 100)
    assert reason(poor, 500) == "insufficient_gold"
    other.call("listing.buyout", listing=target, price=1000)
    assert reason(poor, 5000) == "listing_closed"
    assert reason(seller, 5000) == "own_listing"
