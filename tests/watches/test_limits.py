"""What watches may cost: how often players hear, how much at once, and how long the thread is kept."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction.commands import Bounds
from shardnode.watches.engine import WatchLimits
from tests.search.rows import listing
from tests.watches.rig import Rig, missed, what
from tests.watches.test_engine import after_bid


def test_changes_between_two_rounds_are_told_once() -> None:
    """The first at once, the others together half a second later, as the listing is then."""
    rig = Rig()
    rig.watch("wim", listing="l0001")
    row = listing(1)
    for price in range(10, 40, 10):
        row = after_bid(row, price)
        rig.change(row)
        rig.rest(seconds=0.1)
    assert [rig.now_s - since_s for since_s, _, _ in rig.told] == [0.0]
    rig.rest()
    assert [since_s for since_s, _, _ in rig.told] == [100.0, 100.5]
    assert rig.told[-1][2].data.listings[0].price == 30  # type: ignore[attr-defined]  # of a followed listing
    assert [missed(matched) for _, _, matched in rig.told] == [0, 0]


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.floats(0, 0.4), st.sampled_from(("tin", "salt", "jade"))),
        max_size=40,
    )
)
def test_nobody_hears_more_often_than_twice_a_second(steps: list[tuple[int, float, str]]) -> None:
    """Whatever happens, and however many watches a player has; and each hears the latest price in the end."""
    rig = Rig()
    players = {"p0": ("tin",), "p1": ("tin", "salt"), "p2": ("tin", "salt", "jade")}
    for player, commodities in players.items():
        for commodity in commodities:
            rig.watch(player, commodity, commodity=commodity)
    latest: dict[str, int] = {}
    for price, after_s, commodity in steps:
        latest[commodity] = price
        rig.trade(commodity, price)
        rig.rest(seconds=0.3)
        rig.pass_time(after_s)
    rig.rest()
    for player, commodities in players.items():
        mine = [(since_s, matched) for since_s, told, matched in rig.told if told == player]
        assert all(later - earlier >= 0.5 for (earlier, _), (later, _) in pairwise(mine))
        heard = {matched.watch: what(matched) for _, matched in mine}
        assert heard == {commodity: latest[commodity] for commodity in commodities if commodity in latest}


def test_a_player_s_watches_have_their_turns() -> None:
    """A busy one does not keep the others from being told."""
    rig = Rig()
    rig.watch("wim", "busy", commodity="tin")
    for number in range(3):
        rig.watch("wim", f"w{number}", listing=f"l{number:04}")
    rig.change(*(listing(number) for number in range(3)))
    for price in range(8):
        rig.trade("tin", price)
        rig.rest(seconds=0.0)
        rig.pass_time(0.5)
    assert sorted({matched.watch for _, _, matched in rig.told[:4]}) == ["busy", "w0", "w1", "w2"]


def test_one_push_shows_the_latest_and_counts_the_rest() -> None:
    """Five more than fit: the newest are shown, the five oldest counted, and none of them again later."""
    rig = Rig()
    rig.search("wim")
    rig.change(*(listing(number) for number in range(25)))
    ((_, _, shown),) = rig.rest()
    assert shown == [f"l{number:04}" for number in range(5, 25)]
    assert missed(rig.told[0][2]) == 5
    rig.pass_time(1.0)
    rig.change(listing(99))
    assert rig.rest() == [("wim", "w", ["l0099"])]
    assert missed(rig.told[1][2]) == 0


def test_a_listing_that_comes_to_match_twice_is_shown_once() -> None:
    """Where it left in between, before its player could be told; as it was the last time, and nothing was missed."""
    rig = Rig()
    rig.search("wim", price=Bounds(min=30))
    first = listing(9, start_bid=50)
    rig.change(first)
    rig.rest(seconds=0.0)  # from here on the next round is half a second away
    row = listing(1, start_bid=20, buyout=40)
    for price in (30, 39):
        row = after_bid(row, price)
        rig.rows[row.listing] = listing(1, start_bid=20, buyout=40)
        rig.change(row)
        rig.engine.work()
    rig.rest()
    assert [what(matched) for _, _, matched in rig.told] == [["l0009"], ["l0001"]]
    matched = rig.told[1][2]
    assert matched.data.listings[0].price == 39  # type: ignore[attr-defined]  # of a saved search
    assert missed(matched) == 0


def test_changes_that_wait_are_bounded() -> None:
    """The oldest are passed over; every search is told how many, once, with the next that it hears."""
    rig = Rig(WatchLimits(changed_listings_max=3))
    rig.search("wim", base="ash_bow")
    rig.search("eve", base="oak_bow")
    rig.change(*(listing(number) for number in range(5)))
    assert rig.engine.waiting == 3
    assert rig.limits_hit == ["changed_listings_max"] * 2
    assert rig.rest() == [("wim", "w", ["l0002", "l0003", "l0004"])]
    rig.pass_time(1.0)
    rig.change(listing(8), listing(9, base="oak_bow"))
    rig.rest()
    assert [(player, missed(matched)) for _, player, matched in rig.told] == [("wim", 2), ("wim", 0), ("eve", 2)]


def test_changes_of_one_listing_wait_as_one() -> None:
    """However often it changes, it takes one place; and what it was before the first of them counts."""
    rig = Rig(WatchLimits(changed_listings_max=2))
    rig.search("wim", price=Bounds(min=15))
    row = listing(1, start_bid=10)
    rig.change(row)
    for price in (20, 30, 40):
        row = after_bid(row, price)
        rig.change(row)
    assert rig.engine.waiting == 1
    assert rig.rest() == [("wim", "w", ["l0001"])]
    assert not rig.limits_hit


def test_watches_held_are_bounded() -> None:
    """One more is not heeded, and takes nothing from the others; when one goes there is room again."""
    rig = Rig(WatchLimits(watches_held_max=2))
    for player in ("p1", "p2", "p3"):
        rig.watch(player, commodity="tin")
    assert rig.limits_hit == ["watches_held_max"]
    rig.trade("tin", 5)
    assert [player for player, _, _ in rig.rest()] == ["p1", "p2"]
    rig.engine.forget("p1")
    rig.watch("p3", commodity="tin")
    rig.pass_time(1.0)
    rig.trade("tin", 6)
    assert [player for player, _, _ in rig.rest()] == ["p2", "p3"]


def test_the_thread_is_kept_for_a_slice_at_a_time() -> None:
    """A thousand watchers of one listing are told in many slices, with a rest after each, all of them once."""
    rig = Rig()
    for number in range(1_000):
        rig.watch(f"p{number}", listing="l0001")
    rig.change(listing(1))
    rig.a_look_takes_s = 0.0001
    slices = 0
    while True:
        began_s = rig.now_s
        wait_s = rig.engine.work()
        assert rig.now_s - began_s < 0.0025
        if wait_s is None:
            break
        assert wait_s == WatchLimits().rest_s
        rig.now_s += wait_s
        slices += 1
    assert slices > 10
    assert sorted(player for _, player, _ in rig.told) == sorted(f"p{number}" for number in range(1_000))


def test_a_listing_that_many_different_searches_look_at_is_left_in_between() -> None:
    """Ten thousand searches that any listing could match take several slices, and each that matches is told."""
    rig = Rig()
    for number in range(10_000):
        rig.search(f"p{number}", level=Bounds(max=number))
    rig.change(listing(1, level=9_990))
    rig.a_look_takes_s = 0.0001
    assert rig.engine.work() == WatchLimits().rest_s
    assert rig.told == []
    rig.rest(seconds=60.0)
    assert sorted(player for _, player, _ in rig.told) == [f"p{number}" for number in range(9_990, 10_000)]


@pytest.mark.parametrize("count", [1_000, 5_000])
def test_who_goes_in_the_middle_of_a_round_is_told_nothing(count: int) -> None:
    """And who stays is told all the same, whether the round was at telling or at finding out whom."""
    rig = Rig()
    for number in range(count):
        rig.watch(f"p{number}", commodity="tin")
    rig.trade("tin", 5)
    rig.a_look_takes_s = 0.0001
    rig.engine.work()
    told = {player for _, player, _ in rig.told}
    assert (len(told) > 0) == (count == 1_000)
    gone = {f"p{number}" for number in range(0, count, 2)} - told
    for player in gone:
        rig.engine.forget(player)
    rig.rest(seconds=60.0)
    assert {player for _, player, _ in rig.told} == {f"p{number}" for number in range(count)} - gone


def test_nothing_is_left_of_watches_that_are_gone() -> None:
    """Neither of the searches nor of what was followed."""
    rig = Rig()
    for number in range(20):
        rig.search("wim", f"s{number}", base=f"b{number}", price=Bounds(max=number))
        rig.watch("wim", f"l{number}", listing=f"l{number}")
        rig.watch("eve", f"c{number}", commodity=f"c{number}")
    for number in range(20):
        rig.engine.unwatch("wim", f"s{number}")
    rig.engine.forget("wim")
    rig.engine.forget("eve")
    engine = rig.engine
    left = (engine._watchers, engine._listings, engine._commodities, engine._searches._all, engine._searches._priced)
    assert [dict(kept) for kept in left] == [{}] * 5
    assert (len(engine), len(engine._searches)) == (0, 0)
