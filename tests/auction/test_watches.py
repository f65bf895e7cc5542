"""Watches: made, shown and deleted; what they may name, and how many there may be."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction.commands import (
    Bounds,
    CreateWatch,
    DeleteWatch,
    GetPlayer,
    ListingFilter,
    ListWatches,
    StatBounds,
)
from auction.context import Caller, Request
from auction.house import execute
from auction.outcomes import Elsewhere, Executed
from auction.params import bad_param
from auction.results import NothingResult, WatchResult
from tests.auction.house import CATALOG, MAX, House, market_of, replayed, rows_of, store_of
from worlddata.types import Rules

FILTERS: st.SearchStrategy[ListingFilter] = st.builds(
    ListingFilter,
    category=st.none() | st.sampled_from(["oars", "nothing"]),
    base=st.none() | st.just("tide_oar"),
    rarity=st.none() | st.lists(st.sampled_from(["plain", "rare"]), max_size=2),
    level=st.none() | st.builds(Bounds, min=st.none() | st.integers(0, MAX), max=st.none() | st.integers(0, MAX)),
    stats=st.none() | st.lists(st.builds(StatBounds, stat=st.just("reach"), min=st.none() | st.integers(-9, 9))),
    text=st.none() | st.text(max_size=9),
    buyout_only=st.booleans(),
)


def watch(house: House, player: str, **what: Any) -> str:
    """A watch that is made; its id."""
    made = house.ask(player, CreateWatch(**what))
    assert isinstance(made, WatchResult), made
    return made.watch


def watches(house: House, player: str) -> list[str]:
    """The ids of a player's watches."""
    return [view.watch for view in house.ask(player, ListWatches()).watches]


def test_a_watch_is_of_a_search_a_listing_or_a_commodity() -> None:
    """All three are made, numbered by their store and listed in that order, with just what was asked for."""
    house = House()
    listing = house.create("sal", start_bid=5)
    query = ListingFilter(base="tide_oar", price=Bounds(max=9), stats=[StatBounds(stat="reach", min=3)])
    made = [
        watch(house, "wim", query=query),
        watch(house, "wim", listing=listing),
        watch(house, "wim", commodity="tin"),
    ]
    assert made == [f"{store_of('wim')}.w{number}" for number in (1, 2, 3)]
    shown = house.ask("wim", ListWatches()).watches
    given_query = {"base": "tide_oar", "price": {"max": 9}, "stats": [{"stat": "reach", "min": 3}]}
    assert [(view.watch, view.query, view.listing, view.commodity) for view in shown] == [
        (made[0], given_query, None, None),
        (made[1], None, listing, None),
        (made[2], None, None, "tin"),
    ]
    assert {view.at_ms for view in shown} == {house.now_ms}


def test_a_watch_opens_the_store_of_a_player_who_owns_nothing() -> None:
    """Listing watches creates nothing, and the first watch does."""
    house = House()
    assert watches(house, "wim") == []
    assert house.state("wim").account.get(0) is None
    watch(house, "wim", commodity="salt")
    assert house.state("wim").owner().player == "wim"
    assert house.ask("wim", GetPlayer()).gold.available == 0


def test_a_deleted_watch_is_gone() -> None:
    """Deleting answers nothing, once; its number is not given again."""
    house = House()
    first = watch(house, "wim", commodity="tin")
    assert house.ask("wim", DeleteWatch(watch=first)) == NothingResult()
    assert watches(house, "wim") == []
    assert house.refusal("wim", DeleteWatch(watch=first)) == ("no_such_watch", {})
    assert watch(house, "wim", commodity="tin") == f"{store_of('wim')}.w2"


def test_another_player_s_watch_cannot_be_deleted() -> None:
    """A watch is its player's alone."""
    house = House()
    mine = watch(house, "wim", commodity="tin")
    assert house.refusal("eve", DeleteWatch(watch=mine)) == ("no_such_watch", {})
    assert watches(house, "wim") == [mine]


@pytest.mark.parametrize("listing", ["nonsense", f"{store_of('sal')}.l2", f"{store_of('nobody')}.l1"])
def test_a_listing_that_does_not_exist_is_refused(listing: str) -> None:
    """Nor does an id that no store ever minted, or one of a store that exists nowhere."""
    house = House()
    house.create("sal", start_bid=5)
    assert house.refusal("wim", CreateWatch(listing=listing)) == ("no_such_listing", {})


def test_an_id_that_looks_like_a_market_s_listing_is_refused() -> None:
    """Stores of other kinds have no listings."""
    house = House()
    assert house.refusal("wim", CreateWatch(listing=f"{market_of('tin')}.l1")) == ("no_such_listing", {})


def test_an_ended_listing_and_one_s_own_can_be_followed() -> None:
    """It exists, and that is all that is asked for."""
    house = House()
    listing = house.create("sal", buyout=5)
    house.run_out(listing)
    assert watch(house, "sal", listing=listing)


def test_a_commodity_that_does_not_exist_is_refused() -> None:
    """The catalog says which there are."""
    assert House().refusal("wim", CreateWatch(commodity="moonlight")) == ("no_such_commodity", {})


def test_a_search_for_what_the_catalog_lacks_is_watched() -> None:
    """As in a search it merely finds nothing."""
    house = House()
    assert watch(house, "wim", query=ListingFilter(base="nothing", category="none", rarity=["x"]))


def test_watches_are_limited() -> None:
    """One more than the rules allow is refused until one is deleted; what does not exist is refused before that."""
    house = House(Rules(max_watches=2))
    first = watch(house, "wim", commodity="tin")
    watch(house, "wim", commodity="tin")
    assert house.refusal("wim", CreateWatch(commodity="tin")) == ("watch_limit", {})
    assert house.refusal("wim", CreateWatch(commodity="moonlight")) == ("no_such_commodity", {})
    assert house.refusal("wim", CreateWatch(listing="l")) == ("no_such_listing", {})
    house.ask("wim", DeleteWatch(watch=first))
    watch(house, "wim", commodity="tin")


def test_a_repeated_key_makes_one_watch() -> None:
    """And the same key with another query is refused."""
    house = House()
    query = ListingFilter(text="oar")
    first = house.answer("wim", CreateWatch(query=query, key="k"))
    again = house.answer("wim", CreateWatch(query=query, key="k"))
    assert again.encoded == first.encoded
    assert len(watches(house, "wim")) == 1
    assert house.refusal("wim", CreateWatch(query=ListingFilter(text="bell"), key="k")) == ("key_reused", {})


def test_a_listing_of_another_node_is_asked_for() -> None:
    """Its home says whether it exists; nothing happens before that."""
    house = House()
    listing = house.create("sal", start_bid=5)
    view = house.view(listing)
    home = store_of("wim")
    context = msgspec.structs.replace(house.context(), at_home=lambda store: store == home)
    request = Request(Caller("wim", "player"), CreateWatch(listing=listing))
    states = {home: house.state("wim")}
    assert execute(request, states.get, context) == Elsewhere((listing,))
    refused = execute(request, states.get, context, {listing: None})
    assert isinstance(refused, Executed)
    assert refused.record == {}
    made = execute(request, states.get, context, {listing: view})
    assert isinstance(made, Executed)
    assert made.answer.body == WatchResult(f"{home}.w1")


@pytest.mark.parametrize(
    ("params", "path"),
    [
        ({}, "query"),
        ({"listing": "l", "commodity": "tin"}, "commodity"),
        ({"query": ListingFilter(), "listing": "l"}, "listing"),
        ({"query": ListingFilter(), "listing": "l", "commodity": "tin"}, "listing"),
    ],
)
def test_one_thing_is_watched_at_a_time(params: dict[str, Any], path: str) -> None:
    """None of the three, or more than one, is a bad param; the path names the first that is too much."""
    bad = bad_param(CreateWatch(**params), CATALOG)
    assert bad is not None
    assert bad.path == path


@pytest.mark.parametrize("params", [{"query": ListingFilter()}, {"listing": "l"}, {"commodity": "tin"}])
def test_each_of_the_three_is_good_alone(params: dict[str, Any]) -> None:
    """An empty filter too: it means all listings."""
    assert bad_param(CreateWatch(**params), CATALOG) is None


@given(st.lists(FILTERS, min_size=1, max_size=5), st.data())
def test_the_journal_keeps_watches(filters: list[ListingFilter], data: st.DataObject) -> None:
    """What the records replay is what is in memory, and each query reads back as the filter that was given."""
    house = House()
    made = [watch(house, "wim", query=query) for query in filters]
    gone = data.draw(st.sets(st.sampled_from(made)))
    for one in sorted(gone):
        house.ask("wim", DeleteWatch(watch=one))
    home = store_of("wim")
    again = replayed(house.records)[home]
    assert rows_of(again) == rows_of(house.state("wim"))
    kept = [msgspec.convert(row.query, ListingFilter) for row in house.state("wim").watches]
    assert kept == [query for one, query in zip(made, filters, strict=True) if one not in gone]
