"""Proxy bidding against a naive model: who bid how much, and in which order."""

from hypothesis import given
from hypothesis import strategies as st

from auction.refusals import Refusal
from tests.auction.house import MAX, House
from tests.auction.naive import NaiveAuction
from worlddata.types import Rules

BIDDERS = ("bo", "cy", "di")


amounts = st.integers(1, 60) | st.integers(1, 5_000) | st.integers(MAX - 50, MAX)


@given(
    start_bid=st.integers(1, 50),
    increment_bp=st.sampled_from([0, 1, 500, 10_000]),
    increment_min=st.integers(1, 7),
    bids=st.lists(st.tuples(st.sampled_from(BIDDERS), amounts), max_size=12),
)
def test_bids_go_as_on_paper(
    start_bid: int, increment_bp: int, increment_min: int, bids: list[tuple[str, int]]
) -> None:
    """Whoever bids whatever, leader, price and answers are those of the naive auction; the leader's maximum is held."""
    rules = Rules(increment_bp=increment_bp, increment_min=increment_min)
    house = House(rules)
    for bidder in BIDDERS:
        house.grant(bidder, gold=MAX)
    listing = house.create("al", start_bid=start_bid)
    paper = NaiveAuction(start_bid, rules)
    price = 0
    for bidder, amount in bids:
        answer = house.bid(bidder, listing, amount)
        heard = answer.reason if isinstance(answer, Refusal) else "ok"
        assert heard == paper.bid(bidder, amount)
        leader = paper.leader()
        seen = house.view(listing, leader[0] if leader else "nobody")
        assert (seen.price, seen.winning) == (paper.price, leader is not None)
        assert (seen.price or 0) >= price
        price = seen.price or 0
        for player in BIDDERS:
            held = leader[1] if leader and leader[0] == player else 0
            assert (house.wallet(player), house.escrowed(player)) == (MAX - held, held)
    house.run_out(listing)
    leader = paper.leader()
    if leader is not None and paper.price is not None:
        assert house.wallet(leader[0]) == MAX - paper.price


@given(
    buyout=st.integers(1, 200),
    start_bid=st.integers(1, 200),
    bids=st.lists(st.tuples(st.sampled_from(BIDDERS), st.integers(1, 250)), max_size=10),
)
def test_the_minimum_told_is_the_least_that_is_taken(buyout: int, start_bid: int, bids: list[tuple[str, int]]) -> None:
    """A new bidder's bid of exactly `min_bid` is taken, one less is not, and where none is told no bid is taken."""
    house = House()
    for bidder in (*BIDDERS, "ed"):
        house.grant(bidder, gold=10_000)
    listing = house.create("al", start_bid=min(start_bid, buyout), buyout=buyout)
    for bidder, amount in bids:
        house.bid(bidder, listing, amount)
    least = house.view(listing).min_bid
    if least is None:
        assert all(
            isinstance(answer, Refusal) and answer.reason in ("bid_too_low", "price_out_of_range")
            for answer in (house.bid("ed", listing, amount) for amount in range(1, buyout + 2))
        )
    else:
        below = house.bid("ed", listing, least - 1)
        assert isinstance(below, Refusal)
        assert below.reason == "bid_too_low"
        at = house.bid("ed", listing, least)
        assert not isinstance(at, Refusal) or at.reason == "outbid"
