"""The engine: what is matched, and whom it tells."""

from collections.abc import Callable

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from auction.commands import Bounds, ListingFilter, StatBounds
from auction.state import Listing
from shardnode.search.query import passes
from shardnode.wire.events import ListingsMatched, PriceMatched
from tests.search.rows import listing
from tests.watches.rig import Rig, missed

replace = msgspec.structs.replace


def after_bid(row: Listing, price: int) -> Listing:
    """The row when somebody else has bid."""
    return replace(
        row, version=row.version + 1, price=price, bids=row.bids + 1, leader=f"b{row.bids}", leader_max=price
    )


def ended(row: Listing) -> Listing:
    """The row when it has ended."""
    return replace(row, version=row.version + 1, state="sold" if row.bids else "expired", leader_max=0)


def test_a_search_is_told_of_a_new_listing_that_matches() -> None:
    """Of one that does not, nobody hears."""
    rig = Rig()
    rig.search("wim", base="ash_bow")
    rig.change(listing(1), listing(2, base="oak_bow"))
    assert rig.rest() == [("wim", "w", ["l0001"])]


def test_a_search_is_not_told_of_what_matched_before() -> None:
    """Neither of listings older than the watch, nor again when a listing goes on to match."""
    rig = Rig()
    rig.change(listing(1))
    rig.search("wim", base="ash_bow")
    rig.change(after_bid(listing(1), 20))
    assert rig.rest() == []
    rig.change(listing(2))
    rig.rest()
    rig.change(after_bid(listing(2), 20))
    assert rig.rest() == []


def test_a_search_is_told_when_the_price_comes_to_match() -> None:
    """A bid carries it past the least price asked for, once."""
    rig = Rig()
    rig.search("wim", price=Bounds(min=50))
    low = listing(1, start_bid=10)
    rig.change(low)
    assert rig.rest() == []
    high = after_bid(low, 60)
    rig.change(high)
    assert rig.rest() == [("wim", "w", ["l0001"])]
    rig.change(after_bid(high, 70))
    assert rig.rest() == []


def test_what_ends_before_it_is_looked_at_is_not_told() -> None:
    """Nobody could buy it any more."""
    rig = Rig()
    rig.search("wim")
    rig.change(listing(1))
    rig.change(ended(listing(1)))
    assert rig.rest() == []


def test_a_followed_listing_is_told_with_every_change_and_its_end() -> None:
    """As it is then, and as the viewer sees it."""
    rig = Rig()
    row = listing(1, seller="sal")
    rig.change(row)
    for player in ("sal", "b0", "wim"):
        rig.watch(player, listing="l0001")
    rig.change(after_bid(row, 20))
    rig.rest()
    seen = {player: matched.data.listings[0] for _, player, matched in rig.told if isinstance(matched, ListingsMatched)}
    assert {player: (view.price, view.mine, view.winning) for player, view in seen.items()} == {
        "sal": (20, True, False),
        "b0": (20, False, True),
        "wim": (20, False, False),
    }
    rig.told.clear()
    rig.change(ended(after_bid(row, 20)))
    rig.rest()
    assert [matched.data.listings[0].state for _, _, matched in rig.told if isinstance(matched, ListingsMatched)] == [
        "sold"
    ] * 3


def test_a_followed_commodity_is_told_with_its_latest_trade() -> None:
    """Price, instant and pieces ever traded; other commodities are not for who follows this one."""
    rig = Rig()
    rig.watch("wim", commodity="tin")
    rig.trade("salt", 3)
    assert rig.rest() == []
    rig.trade("tin", 7, volume=90)
    rig.rest()
    ((_, player, matched),) = rig.told
    assert isinstance(matched, PriceMatched)
    assert (player, matched.type, matched.watch) == ("wim", "watch.matched", "w")
    assert msgspec.to_builtins(matched.data) == {"commodity": "tin", "price": 7, "at_ms": 100_000, "volume": 90}


def test_who_is_gone_is_told_nothing() -> None:
    """A watch that is deleted, or whose player is not connected any more, leaves nothing behind."""
    rig = Rig()
    rig.search("wim", "w1")
    rig.watch("wim", "w2", listing="l0001")
    rig.watch("eve", "w1", commodity="tin")
    rig.change(listing(1))
    rig.trade("tin", 5)
    rig.engine.unwatch("wim", "w1")
    rig.engine.forget("eve")
    assert rig.rest() == [("wim", "w2", ["l0001"])]
    rig.engine.unwatch("wim", "w2")
    rig.engine.unwatch("wim", "w2")
    rig.change(listing(2))
    assert rig.rest() == []
    assert len(rig.engine) == 0


def test_a_watch_that_is_known_is_not_held_twice() -> None:
    """Reading a player's watches again changes nothing."""
    rig = Rig()
    rig.search("wim")
    rig.search("wim")
    rig.change(listing(1))
    assert rig.rest() == [("wim", "w", ["l0001"])]
    assert len(rig.engine) == 1


def test_equal_searches_of_many_players_are_each_told() -> None:
    """A later watch of the same search is not told of what came before it."""
    rig = Rig()
    rig.search("p1", base="ash_bow")
    rig.change(listing(1))
    rig.rest()
    rig.search("p2", base="ash_bow")
    assert rig.rest() == []
    rig.change(listing(2))
    assert rig.rest() == [("p1", "w", ["l0002"]), ("p2", "w", ["l0002"])]


BASES = ("ash_bow", "oak_bow", "elm_staff")
NAMES = {"ash_bow": "Ash Bow", "oak_bow": "Oak Bow", "elm_staff": "Elm Staff"}
CATEGORIES = {"ash_bow": "bows", "oak_bow": "bows", "elm_staff": "staves"}


def maybe(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """It, or nothing."""
    return st.none() | strategy


WANTED = st.builds(
    ListingFilter,
    base=maybe(st.sampled_from(BASES)),
    category=maybe(st.sampled_from(("bows", "staves"))),
    rarity=maybe(st.lists(st.sampled_from(("common", "rare")), max_size=2)),
    level=maybe(st.builds(Bounds, min=maybe(st.integers(1, 3)), max=maybe(st.integers(1, 3)))),
    price=maybe(st.builds(Bounds, min=maybe(st.integers(5, 40)), max=maybe(st.integers(5, 40)))),
    stats=maybe(st.lists(st.builds(StatBounds, stat=st.sampled_from(("grip", "reach")), min=maybe(st.integers(0, 3))))),
    text=maybe(st.sampled_from(("ash", "bow", "b", "oak b", ""))),
    buyout_only=st.booleans(),
)
ITEMS = st.fixed_dictionaries(
    {
        "base": st.sampled_from(BASES),
        "rarity": st.sampled_from(("common", "rare")),
        "level": st.integers(1, 3),
        "stats": st.dictionaries(st.sampled_from(("grip", "reach")), st.integers(0, 3)),
        "start_bid": st.none() | st.integers(5, 20),
        "buyout": st.none() | st.integers(20, 40),
    }
)


@given(
    searches=st.lists(WANTED, min_size=1, max_size=6),
    steps=st.lists(st.tuples(st.sampled_from(("open", "bid", "bid", "end", "look")), ITEMS, st.integers(0, 5))),
)
def test_a_search_is_told_what_matches_now_and_did_not_before(
    searches: list[ListingFilter], steps: list[tuple[str, dict[str, object], int]]
) -> None:
    """Held against all listings at two looks: exactly those that pass the filter at the later one alone are told."""
    rig = Rig()
    tests: dict[str, Callable[[Listing], bool]] = {}
    for number, wanted in enumerate(searches):
        rig.watch(f"p{number}", query=wanted)
        tests[f"p{number}"] = passes(wanted)
    rows: dict[str, Listing] = {}
    looked: dict[str, Listing] = {}
    for number, (step, item, place) in enumerate([*steps, ("look", {}, 0)]):
        if step == "open":
            base = str(item["base"])
            row = listing(number, **item, name=NAMES[base], category=CATEGORIES[base])
            rows[row.listing] = row
            rig.change(row)
        elif step != "look" and rows:
            row = list(rows.values())[place % len(rows)]
            if step == "bid":
                row = rows[row.listing] = after_bid(row, (row.price or row.start_bid or 5) + place)
            else:
                row = ended(rows.pop(row.listing))
            rig.change(row)
        else:
            told = {(player, one) for player, _, shown in rig.rest() if isinstance(shown, list) for one in shown}
            assert told == {
                (player, name)
                for player, test in tests.items()
                for name, row in rows.items()
                if test(row) and not (name in looked and test(looked[name]))
            }
            looked = dict(rows)
            rig.pass_time(1.0)
    assert all(missed(matched) == 0 for _, _, matched in rig.told)
