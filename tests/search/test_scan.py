"""The index finds what the brute force finds, whatever is listed, changed and asked for."""

import random
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from auction.commands import Bounds, SearchListings, StatBounds
from auction.state import Listing
from shardnode.search import scan
from shardnode.search.columns import PLACES_AT_FIRST, Columns
from shardnode.search.rows import CHUNK, Rows
from shardnode.search.scan import find
from tests.search.brute_force import NONE_KEPT, Searched, found, searched
from tests.search.rows import listing

NAMES = ("Ash Bow", "Élan Bow", "Ash Ring", "Straße", "ash")
STATS = ("might", "wit", "reach")
SORTS = ("price", "buyout", "ends_at", "created_at", "level", "score", *(f"stat:{stat}" for stat in STATS), "stat:none")

amounts = st.integers(1, 6) | st.integers(1, 2**53 - 1)
numbers = st.integers(-2, 7)
stat_ids = st.sampled_from((*STATS, "none"))


@st.composite
def listings(draw: st.DrawFn, number: int) -> Listing:
    """A new listing; few different values, so that many are alike."""
    takes_bids = draw(st.booleans())
    ids = draw(st.sampled_from(("l{:04}", "{:04}", "samestore.l{:04}", "\N{LATIN SMALL LETTER E WITH ACUTE}{:04}")))
    return listing(
        number,
        listing=ids.format(number),
        category=draw(st.sampled_from(("bows", "rings"))),
        base=draw(st.sampled_from(("ash_bow", "elm_bow", "ash_ring"))),
        name=draw(st.sampled_from(NAMES)),
        rarity=draw(st.sampled_from(("common", "fine", "rare"))),
        level=draw(st.integers(1, 5)),
        stats=draw(st.dictionaries(st.sampled_from(STATS), st.integers(1, 4) | st.just(1_000_000))),
        start_bid=draw(amounts) if takes_bids else None,
        buyout=draw(st.none() | amounts) if takes_bids else draw(amounts),
        created_at_ms=draw(st.integers(1, 5)),
        ends_at_ms=draw(st.integers(1, 5)),
    )


def bounds_of(values: st.SearchStrategy[int]) -> st.SearchStrategy[dict[str, int | None]]:
    """Bounds, perhaps open ones, perhaps the wrong way round."""
    return st.fixed_dictionaries({"min": st.none() | values, "max": st.none() | values})


queries = st.builds(
    SearchListings,
    category=st.none() | st.sampled_from(("bows", "rings", "none")),
    base=st.none() | st.sampled_from(("ash_bow", "elm_bow", "ash_ring", "none")),
    rarity=st.none() | st.lists(st.sampled_from(("common", "fine", "rare", "none")), max_size=3),
    level=st.none() | bounds_of(st.integers(0, 6)).map(lambda bounds: Bounds(**bounds)),
    price=st.none() | bounds_of(st.just(0) | amounts).map(lambda bounds: Bounds(**bounds)),
    stats=st.none()
    | st.lists(
        st.builds(lambda stat, bounds: StatBounds(stat=stat, **bounds), stat_ids, bounds_of(numbers)), max_size=2
    ),
    text=st.none() | st.sampled_from(("", "a", "ASH", "bow ash", "elan", "strasse", "x", "ring a")),
    buyout_only=st.booleans(),
    score=st.none() | st.dictionaries(stat_ids, numbers | st.sampled_from((2**31 - 1, -(2**31)))),
    sort=st.none() | st.sampled_from(SORTS),
    order=st.sampled_from((None, "asc", "desc")),
)


class AnyMarket(RuleBasedStateMachine):
    """Listings come, change and end, and every search finds what the brute force finds."""

    @initialize()
    def begin(self) -> None:
        """An empty house."""
        self.searched = Searched()
        self.own = self.searched.index.of("n1")
        self.rows: dict[str, Listing] = {}
        self.made = 0

    @rule(data=st.data(), count=st.integers(1, 12))
    def create(self, data: st.DataObject, count: int) -> None:
        """New listings in one batch."""
        rows = [data.draw(listings(self.made + place)) for place in range(count)]
        self.made += count
        self._apply(rows)

    @rule(pick=st.integers(0, 1_000), price=amounts, ends_at_ms=st.integers(1, 5))
    def bid(self, pick: int, price: int, ends_at_ms: int) -> None:
        """A listing is bid on."""
        if self.rows:
            row = list(self.rows.values())[pick % len(self.rows)]
            if row.start_bid is not None:
                version = row.version + 1
                self._apply([msgspec.structs.replace(row, version=version, price=price, ends_at_ms=ends_at_ms)])

    @rule(picks=st.lists(st.integers(0, 1_000), min_size=1, max_size=8))
    def end(self, picks: list[int]) -> None:
        """Listings end."""
        if self.rows:
            known = list(self.rows.values())
            rows = {known[pick % len(known)].listing: known[pick % len(known)] for pick in picks}
            self._apply(
                [msgspec.structs.replace(row, version=row.version + 1, state="expired") for row in rows.values()]
            )

    @rule(query=queries, most=st.integers(1, 30))
    def search(self, query: SearchListings, most: int) -> None:
        """A search of any kind."""
        expected = found(self.rows.values(), query)
        assert self.searched.find(query, most) == expected[:most]
        assert find(self.searched.columns, query, most).count == len(expected)
        assert len(self.searched.columns) == len(self.rows) == len(self.own)

    def _apply(self, rows: list[Listing]) -> None:
        self.own.apply(rows)
        for row in rows:
            self.rows.pop(row.listing, None)
            if row.state == "open":
                self.rows[row.listing] = row


TestAnyMarket = AnyMarket.TestCase
TestAnyMarket.settings = settings(max_examples=40, stateful_step_count=12)


def crowd(count: int, seed: int = 1) -> list[Listing]:
    """Listings of a large market, with the ids of real ones."""
    chance = random.Random(seed)
    stores = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz234567", k=26)) for _ in range(count // 10 + 1)]
    return [
        listing(
            number,
            listing=f"{stores[number // 10]}.l{number % 10 + 1}",
            category=chance.choice(("bows", "rings", "axes")),
            rarity=chance.choices(("common", "rare"), (9, 1))[0],
            level=chance.randint(1, 50),
            stats={stat: chance.randint(1, 100) for stat in chance.sample(STATS, chance.randint(0, 3))},
            start_bid=None,
            buyout=chance.randint(1, 500),
            created_at_ms=chance.randint(1, 10_000),
            ends_at_ms=chance.randint(1, 10_000),
        )
        for number in range(count)
    ]


@pytest.fixture(scope="module")
def large_market() -> tuple[list[Listing], Searched]:
    """Thousands of listings, a third of which ended, their places taken by others."""
    rows = crowd(2_400)
    house = Searched()
    own = house.index.of("n1")
    own.apply(rows[:1_600])
    house.find(SearchListings())
    own.apply([msgspec.structs.replace(row, version=2, state="sold") for row in rows[:1_600:2]])
    house.find(SearchListings())
    own.apply(rows[1_600:])
    return [*rows[1:1_600:2], *rows[1_600:]], house


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize(
    "query",
    [
        {},
        {"rarity": ["common"]},
        {"category": "bows", "stats": [StatBounds(stat="wit", min=30)]},
        {"price": Bounds(max=400), "level": Bounds(min=3, max=45)},
    ],
    ids=["all", "most", "few", "many"],
)
def test_the_first_of_very_many_are_the_right_ones(
    large_market: tuple[list[Listing], Searched], query: dict[str, Any], sort: str, order: Any
) -> None:
    """Whether kinds, whole columns or a sample narrowed them down, and where the last of them is one of many alike."""
    rows, house = large_market
    asked = SearchListings(**query, sort=sort, order=order, score={"might": 3, "wit": -1})
    expected = found(rows, asked)
    for most in (1, 7, 100, 10_000):
        assert house.find(asked, most) == expected[:most]


def test_a_sample_that_misleads_only_costs_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the few places looked at are none of the first ones, nothing is left out that belongs to them."""
    rows = [listing(number, level=1 if number % 4 == 1 else 50) for number in range(1_000)]
    monkeypatch.setattr(scan, "SAMPLED", 100)
    for order in ("asc", "desc"):
        query = SearchListings(sort="level", order=order)  # type: ignore[arg-type]  # drawn from what `order` takes
        house = Searched()
        house.index.of("n1").apply(rows)
        assert house.find(query, 120) == found(rows, query)[:120]


def test_listings_of_one_seller_are_in_order_of_their_whole_ids() -> None:
    """Ids that begin alike are told apart by their ends: 10 comes before 2."""
    rows = [listing(number, listing=f"{'a' * 26}.l{number}") for number in range(1, 30)]
    assert [row.listing for row in searched(rows, SearchListings(sort="level"))] == sorted(row.listing for row in rows)


def test_columns_grow_and_take_places_again() -> None:
    """Past their first size nothing is lost; what ended makes room for what comes."""
    house = Searched()
    own = house.index.of("n1")
    rows = [listing(number, listing=f"l{number:06}") for number in range(3 * PLACES_AT_FIRST)]
    for first in range(0, len(rows), 500):
        own.apply(rows[first : first + 500])
        house.find(SearchListings(), 1)
    assert house.find(SearchListings(sort="created_at")) == rows
    used, size = house.columns.used, house.columns.nbytes()
    for generation in range(2, 6):
        own.apply([msgspec.structs.replace(row, version=2, state="sold") for row in rows])
        rows = [listing(number, listing=f"g{generation}{number:06}") for number in range(len(rows))]
        own.apply(rows)
        assert house.find(SearchListings(sort="created_at")) == rows
    assert house.columns.used <= used + len(rows)
    assert house.columns.nbytes() <= 2 * size


def test_what_was_found_stays_as_it_was() -> None:
    """Later changes of the columns, the end of a listing and another in its place among them, do not touch it."""
    house = Searched()
    own = house.index.of("n1")
    rows = [listing(number) for number in range(10)]
    own.apply(rows)
    house.take_in()
    turn = house.columns.rows.turn
    earlier, other = (find(house.columns, SearchListings(), 10) for _ in range(2))
    assert earlier.page(0, 3) == rows[:3]
    retired = []
    for version in range(2, 5):
        own.apply([msgspec.structs.replace(row, version=version, ends_at_ms=version) for row in rows[version:]])
        retired.append(house.take_in(turn))
    own.apply([msgspec.structs.replace(row, version=9, state="sold") for row in rows])
    own.apply([listing(number, level=9) for number in range(20, 40)])
    retired.append(house.take_in(turn))
    assert retired == [8, 15, 21, 31]
    assert earlier.page(3, 4) == rows[3:7]
    assert other.page(0, 10) == rows
    own.apply([listing(50)])
    assert house.take_in(turn + 2) == 31 - 15
    assert house.take_in() == 0
    assert len(house.find(SearchListings())) == 21


def test_rows_take_the_room_of_those_that_nobody_needs() -> None:
    """However often a market changes, it takes no more room than what is kept for searches."""
    rows = Rows()
    for _ in range(3):
        numbers = [rows.add(bytes([number % 256])) for number in range(CHUNK + 5)]
        assert [rows.get(number) for number in numbers[-3:]] == [bytes([(CHUNK + place) % 256]) for place in (2, 3, 4)]
        for number in numbers:
            rows.retire(number)
        rows.end_turn(NONE_KEPT)
        assert rows.retired == 0
    assert max(numbers) < 2 * CHUNK


@given(changes=st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=60), batch=st.integers(1, 9))
def test_batches_of_any_size_lead_to_the_same_columns(changes: list[tuple[int, bool]], batch: int) -> None:
    """However many changes of the same listings are taken in at once, the last of each stands."""
    house = Searched()
    own = house.index.of("n1")
    own.settle()
    rows: dict[str, Listing] = {}
    for version, (number, ends) in enumerate(changes, 1):
        row = listing(number, version=version, state="sold" if ends else "open", start_bid=version)
        own.apply([row])
        rows[row.listing] = row
        if version % batch == 0:
            house.find(SearchListings(), 1)
    expected = [row for row in rows.values() if row.state == "open"]
    assert house.find(SearchListings(sort="price")) == found(expected, SearchListings(sort="price"))
    assert house.index.pending() == 0


def test_an_empty_house_answers() -> None:
    """Nothing is found of anything, and no column is missing for it."""
    for sort in SORTS:
        result = find(Columns(), SearchListings(sort=sort, stats=[StatBounds(stat="might")]), 10)
        assert (result.page(0, 5), len(result), result.count) == ([], 0, 0)
    assert np.array_equal(Columns().kinds.places(SearchListings(text="x")), [])
