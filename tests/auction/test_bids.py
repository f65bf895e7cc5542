"""Bids: proxy maxima, prices, escrow and refunds, and every reason to refuse one."""

import pytest

from auction.commands import MyBids, PlaceBid
from auction.outcomes import a_player
from auction.results import BidResult
from tests.auction.house import HOUR_S, House, refused
from worlddata.types import Rules


@pytest.fixture
def house() -> House:
    """A house with the default rules, a seller and three bidders of means."""
    house = House()
    for bidder in ("bo", "cy", "di"):
        house.grant(bidder, gold=10_000)
    return house


def test_the_first_bid_leads_at_the_start_bid(house: House) -> None:
    """With one bidder the visible price is `start_bid`, whatever the maximum."""
    listing = house.create("al", start_bid=100)
    result = house.bid("bo", listing, 5_000)
    assert isinstance(result, BidResult)
    assert (result.winning, result.listing.winning, result.listing.price, result.listing.min_bid) == (
        True,
        True,
        100,
        105,
    )
    assert (house.wallet("bo"), house.escrowed("bo")) == (5_000, 5_000)


def test_the_first_bid_may_equal_the_start_bid(house: House) -> None:
    """`start_bid` itself is enough, one less is not."""
    listing = house.create("al", start_bid=100)
    assert refused(house.bid("bo", listing, 99)) == ("bid_too_low", {"min_bid": 100})
    assert house.bid("bo", listing, 100).listing.price == 100


def test_a_losing_maximum_moves_the_price_and_holds_nothing(house: House) -> None:
    """An `outbid` answer has moved the price to the loser's maximum plus the increment and left its gold alone."""
    listing = house.create("al", start_bid=100)
    house.bid("bo", listing, 1_000)
    assert refused(house.bid("cy", listing, 400)) == ("outbid", {"price": 420, "min_bid": 441})
    seen = house.view(listing, "bo")
    assert (seen.price, seen.bids, seen.winning) == (420, 2, True)
    assert (house.wallet("cy"), house.escrowed("cy")) == (10_000, 0)
    assert house.notices("bo") == house.notices("cy") == []


def test_a_losing_maximum_must_be_covered_all_the_same(house: House) -> None:
    """Who cannot pay a maximum cannot push the price with it."""
    listing = house.create("al", start_bid=100)
    house.bid("bo", listing, 9_000)
    house.grant("ed", gold=399)
    assert refused(house.bid("ed", listing, 400)) == ("insufficient_gold", {"available": 399})
    assert house.view(listing).price == 100


def test_the_price_never_passes_the_leaders_maximum(house: House) -> None:
    """A losing maximum just below the leader's moves the price to the leader's maximum, not past it."""
    listing = house.create("al", start_bid=100)
    house.bid("bo", listing, 1_000)
    assert refused(house.bid("cy", listing, 999)) == ("outbid", {"price": 1_000, "min_bid": 1_050})


def test_equal_maxima_leave_the_earlier_in_front(house: House) -> None:
    """At equal maxima the earlier bidder leads, at its whole maximum."""
    listing = house.create("al", start_bid=100)
    house.bid("bo", listing, 1_000)
    assert refused(house.bid("cy", listing, 1_000)) == ("outbid", {"price": 1_000, "min_bid": 1_050})
    assert house.view(listing, "bo").winning


def test_a_larger_maximum_takes_the_lead_and_the_former_leader_is_refunded(house: House) -> None:
    """The new leader's price is the old maximum plus the increment; the old leader has its gold back and is told."""
    listing = house.create("al", start_bid=100)
    house.bid("bo", listing, 1_000)
    result = house.bid("cy", listing, 5_000)
    assert (result.listing.price, result.listing.min_bid, result.listing.bids) == (1_050, 1_102, 2)
    assert (house.wallet("bo"), house.escrowed("bo")) == (10_000, 0)
    assert (house.wallet("cy"), house.escrowed("cy")) == (5_000, 5_000)
    assert house.notices("bo") == [("listing.outbid", {"listing": listing, "price": 1_050, "min_bid": 1_102})]
    assert house.deliveries("bo") == []


def test_a_new_leader_never_pays_more_than_its_maximum(house: House) -> None:
    """A maximum less than one increment above the old one is the price itself."""
    listing = house.create("al", start_bid=100)
    house.bid("bo", listing, 1_000)
    assert house.bid("cy", listing, 1_001).listing.price == 1_001


def test_a_leader_raises_and_pays_only_the_difference(house: House) -> None:
    """A raise holds the difference; price, count of bids and end stay."""
    listing = house.create("al", start_bid=100)
    house.bid("bo", listing, 1_000)
    house.now_ms = house.view(listing).ends_at_ms - 1
    before = house.view(listing)
    house.done(house.bid("bo", listing, 1_001))
    assert (house.wallet("bo"), house.escrowed("bo")) == (8_999, 1_001)
    after = house.view(listing)
    assert (after.price, after.bids, after.ends_at_ms) == (before.price, before.bids, before.ends_at_ms)


def test_a_raise_needs_only_the_difference_in_the_wallet(house: House) -> None:
    """A leader whose wallet holds just the difference may raise by it, and by no more."""
    listing = house.create("al", start_bid=100)
    house.grant("ed", gold=1_000)
    house.bid("ed", listing, 900)
    assert refused(house.bid("ed", listing, 1_001)) == ("insufficient_gold", {"available": 100})
    assert house.bid("ed", listing, 1_000).winning
    assert house.wallet("ed") == 0


def test_a_raise_must_be_larger_than_the_own_maximum(house: House) -> None:
    """The leader's own maximum, or less, is too low, however far above the price."""
    listing = house.create("al", start_bid=100, buyout=1_001)
    house.bid("bo", listing, 999)
    assert refused(house.bid("bo", listing, 999)) == ("bid_too_low", {"min_bid": 1_000})
    house.done(house.bid("bo", listing, 1_000))
    assert refused(house.bid("bo", listing, 1_000)) == ("bid_too_low", {"min_bid": None})


def test_a_bid_below_the_increment_is_too_low(house: House) -> None:
    """After the first bid, the least offer is the price plus the listing's increment."""
    listing = house.create("al", start_bid=100)
    house.bid("bo", listing, 1_000)
    assert refused(house.bid("cy", listing, 104)) == ("bid_too_low", {"min_bid": 105})
    assert refused(house.bid("cy", listing, 105))[0] == "outbid"


def test_the_increment_is_rounded_down_but_at_least_the_minimum() -> None:
    """5 % of 119 is 5 whole gold; where the share is less than `increment_min`, that holds."""
    house = House(Rules(increment_min=3))
    house.grant("bo", gold=1_000)
    assert house.view(house.create("al", start_bid=119)).min_bid == 119
    listing, cheap = house.create("al", start_bid=119), house.create("al", start_bid=10)
    assert house.bid("bo", listing, 119).listing.min_bid == 124
    assert house.bid("bo", cheap, 10).listing.min_bid == 13


def test_a_maximum_of_the_buyout_or_more_is_out_of_range(house: House) -> None:
    """One below the buyout is the largest bid; the answer says so."""
    listing = house.create("al", start_bid=100, buyout=1_000)
    assert refused(house.bid("bo", listing, 1_000)) == ("price_out_of_range", {"max": 999})
    assert house.bid("bo", listing, 999).winning


def test_a_maximum_above_the_houses_largest_price_is_out_of_range() -> None:
    """`price_max` bounds bids as it bounds prices, as it was when the listing was made."""
    house = House(Rules(price_max=500))
    house.grant("bo", gold=1_000)
    listing = house.create("al", start_bid=100)
    assert refused(house.bid("bo", listing, 501)) == ("price_out_of_range", {"max": 500})
    assert house.bid("bo", listing, 500).winning


def test_no_minimum_is_told_where_no_bid_can_reach_it(house: House) -> None:
    """`min_bid` is null once the next bid would have to be the buyout or more; such bids are too low."""
    listing = house.create("al", start_bid=100, buyout=104)
    assert house.bid("bo", listing, 103).listing.min_bid is None
    assert refused(house.bid("cy", listing, 103)) == ("bid_too_low", {"min_bid": None})
    only_buyout_fits = house.create("al", start_bid=100, buyout=100)
    assert house.view(only_buyout_fits).min_bid is None
    assert refused(house.bid("bo", only_buyout_fits, 100)) == ("price_out_of_range", {"max": 99})


def test_a_listing_without_start_bid_takes_no_bids(house: House) -> None:
    """Such a listing is `not_for_bids`, and tells no `min_bid`."""
    listing = house.create("al", buyout=1_000)
    assert house.view(listing).min_bid is None
    assert refused(house.bid("bo", listing, 500)) == ("not_for_bids", {})


def test_nobody_bids_on_the_own_listing(house: House) -> None:
    """A seller cannot drive the own price."""
    house.grant("al", gold=1_000)
    listing = house.create("al", start_bid=100)
    assert refused(house.bid("al", listing, 200)) == ("own_listing", {})


@pytest.mark.parametrize("listing", ["nonsense", "", "a" * 26 + ".l1", "a" * 26 + ".l0", "a" * 26 + ".d1"])
def test_an_unknown_listing_is_no_such_listing(house: House, listing: str) -> None:
    """Whatever an id looks like, one that names no listing is refused as such."""
    assert refused(house.bid("bo", listing, 200)) == ("no_such_listing", {})


def test_a_listings_refusal_comes_before_the_bidders(house: House) -> None:
    """With a price too low and an empty wallet the answer is about the price."""
    listing = house.create("al", start_bid=100)
    assert refused(house.bid("nobody", listing, 99))[0] == "bid_too_low"
    assert refused(house.bid("nobody", listing, 100)) == ("insufficient_gold", {"available": 0})


def test_a_refused_bid_opens_no_store(house: House) -> None:
    """A player who owns nothing, and whose bid is refused, has no store afterwards."""
    listing = house.create("al", start_bid=100)
    house.bid("nobody", listing, 100)
    assert not house.state("nobody").account


def test_standing_bids_are_limited() -> None:
    """`max_bids` counts the listings led: a raise is free of it, and being outbid makes room."""
    house = House(Rules(max_bids=2))
    house.grant("bo", gold=1_000)
    house.grant("cy", gold=1_000)
    first, second, third = (house.create("al", start_bid=10) for _ in range(3))
    house.bid("bo", first, 20)
    house.bid("bo", second, 20)
    assert refused(house.bid("bo", third, 20)) == ("bid_limit", {})
    assert house.bid("bo", first, 30).winning
    house.bid("cy", second, 100)
    assert house.bid("bo", third, 20).winning


def test_the_limit_tells_nothing_of_the_leaders_maximum() -> None:
    """At the limit a bid that would lose is refused as one that would win, and the price stays."""
    house = House(Rules(max_bids=1))
    house.grant("bo", gold=1_000)
    house.grant("cy", gold=1_000)
    taken, other = house.create("al", start_bid=10), house.create("al", start_bid=10)
    house.bid("cy", taken, 500)
    house.bid("bo", other, 20)
    assert refused(house.bid("bo", taken, 100)) == refused(house.bid("bo", taken, 600)) == ("bid_limit", {})
    assert house.view(taken).price == 10


def test_a_bid_counts_one_millisecond_before_the_end_and_not_at_it(house: House) -> None:
    """At T − 1 ms a bid is taken; at T it is closed, even though the timer has not fired."""
    in_time, late = house.create("al", start_bid=100), house.create("al", start_bid=100)
    house.now_ms = house.view(in_time).ends_at_ms - 1
    assert house.bid("bo", in_time, 200).winning
    house.now_ms = house.view(late).ends_at_ms
    assert refused(house.bid("bo", late, 200)) == ("listing_closed", {})
    assert house.view(late).state == "open"


def test_a_settled_listing_takes_no_bids(house: House) -> None:
    """After its end a listing is closed for bids."""
    listing = house.create("al", start_bid=100)
    house.run_out(listing)
    assert refused(house.bid("bo", listing, 200)) == ("listing_closed", {})


class TestSoftClose:
    """A bid near the end moves the end."""

    def test_a_bid_within_the_window_leaves_the_extension(self, house: House) -> None:
        """With 30 s each, a bid 10 s before the end moves it to 30 s from now."""
        listing = house.create("al", start_bid=100)
        ends_at_ms = house.view(listing).ends_at_ms
        house.now_ms = ends_at_ms - 10_000
        assert house.bid("bo", listing, 200).listing.ends_at_ms == ends_at_ms + 20_000

    def test_a_bid_before_the_window_moves_nothing(self, house: House) -> None:
        """One millisecond before the window opens, the end stays; at its opening the extension adds nothing."""
        listing = house.create("al", start_bid=100)
        ends_at_ms = house.view(listing).ends_at_ms
        house.now_ms = ends_at_ms - 30_001
        assert house.bid("bo", listing, 200).listing.ends_at_ms == ends_at_ms
        house.now_ms = ends_at_ms - 30_000
        assert house.bid("cy", listing, 1_000).listing.ends_at_ms == ends_at_ms

    def test_the_window_includes_its_first_millisecond(self) -> None:
        """A bid exactly `snipe_window_s` before the end extends, one millisecond earlier it does not."""
        house = House(Rules(snipe_window_s=10, snipe_extension_s=30))
        house.grant("bo", gold=1_000)
        for early_ms, moved_ms in ((10_000, 20_000), (10_001, 0)):
            listing = house.create("al", start_bid=100)
            ends_at_ms = house.view(listing).ends_at_ms
            house.now_ms = ends_at_ms - early_ms
            assert house.bid("bo", listing, 200).listing.ends_at_ms == ends_at_ms + moved_ms

    def test_a_losing_bid_extends_too(self, house: House) -> None:
        """An `outbid` bid is accepted for the clock as for the price."""
        listing = house.create("al", start_bid=100)
        house.bid("bo", listing, 1_000)
        ends_at_ms = house.view(listing).ends_at_ms
        house.now_ms = ends_at_ms - 1
        assert refused(house.bid("cy", listing, 500))[0] == "outbid"
        assert house.view(listing).ends_at_ms == ends_at_ms - 1 + 30_000

    def test_a_refused_bid_does_not_extend(self, house: House) -> None:
        """Who cannot pay cannot keep a listing open."""
        listing = house.create("al", start_bid=100)
        ends_at_ms = house.view(listing).ends_at_ms
        house.now_ms = ends_at_ms - 1
        assert refused(house.bid("nobody", listing, 500))[0] == "insufficient_gold"
        assert house.view(listing).ends_at_ms == ends_at_ms

    def test_all_extensions_together_are_bounded(self) -> None:
        """Ever new bids move the first end by `snipe_max_s` and no further."""
        house = House(Rules(snipe_window_s=30, snipe_extension_s=30, snipe_max_s=50))
        house.grant("bo", gold=10**9)
        house.grant("cy", gold=10**9)
        listing = house.create("al", start_bid=100)
        first_end_ms = house.view(listing).ends_at_ms
        ends, amount = [], 100
        for bidder in ("bo", "cy", "bo", "cy"):
            house.now_ms = house.view(listing).ends_at_ms - 1
            house.done(house.bid(bidder, listing, amount))
            amount *= 2
            ends.append(house.view(listing).ends_at_ms - first_end_ms)
        assert ends == [29_999, 50_000, 50_000, 50_000]

    def test_a_window_of_0_turns_it_off(self) -> None:
        """Without a window the end never moves."""
        house = House(Rules(snipe_window_s=0))
        house.grant("bo", gold=1_000)
        listing = house.create("al", start_bid=100)
        house.now_ms = house.view(listing).ends_at_ms - 1
        assert house.bid("bo", listing, 200).listing.ends_at_ms == house.now_ms + 1


def test_a_listing_keeps_the_rules_it_was_made_under(house: House) -> None:
    """New house rules change neither the increment nor the fee of a listing that is open."""
    listing = house.create("al", start_bid=100)
    house.catalog = House(Rules(increment_bp=10_000, fee_bp=0)).catalog
    assert house.bid("bo", listing, 1_000).listing.min_bid == 105
    house.run_out(listing)
    assert house.notices("al")[0] == ("listing.sold", {"listing": listing, "price": 100, "proceeds": 85})


def test_an_outbid_bidder_may_come_back(house: House) -> None:
    """Whoever was outbid may bid again, and its later bid is the one that stands."""
    listing = house.create("al", start_bid=100)
    for bidder, amount in (("bo", 200), ("cy", 500), ("bo", 1_000)):
        house.done(house.bid(bidder, listing, amount))
    assert (house.wallet("bo"), house.wallet("cy")) == (9_000, 10_000)
    (mine,) = house.ask("bo", MyBids()).bids
    assert (mine.amount, mine.winning, mine.listing.price) == (1_000, True, 525)


def test_bids_are_counted_but_raises_are_not(house: House) -> None:
    """`bids` counts leading and outbid ones."""
    listing = house.create("al", start_bid=100)
    house.bid("bo", listing, 1_000)
    house.bid("bo", listing, 2_000)
    house.bid("cy", listing, 1_500)
    house.bid("cy", listing, 3_000)
    assert house.view(listing).bids == 3


def test_a_bid_touches_only_the_stores_it_concerns(house: House) -> None:
    """The record names the seller's, the bidder's and the former leader's store, and no other."""
    listing = house.create("al", start_bid=100, duration_s=HOUR_S)
    house.bid("bo", listing, 200)
    house.ask("cy", PlaceBid(listing=listing, amount=400))
    players = {a_player(house.states[store]).owner().player for store in house.records[-1]}
    assert players == {"al", "bo", "cy"}
