"""Filters and sorts, against a plain reading of the protocol."""

from hypothesis import given
from hypothesis import strategies as st

from auction.commands import Bounds, SearchListings, StatBounds
from auction.state import Listing
from shardnode.search.query import asking_price, fingerprint, found
from tests.search.rows import listing


def ids(rows: list[Listing]) -> list[int]:
    """The numbers of rows."""
    return [row.number for row in rows]


def test_price_is_the_least_bid_where_bids_are_taken() -> None:
    """What a buyer would pay now is `min_bid`, whatever the buyout."""
    assert asking_price(listing(1, start_bid=10, buyout=100)) == 10
    assert asking_price(listing(1, start_bid=10, price=50, leader="ann", leader_max=60, bids=1)) == 52


def test_price_is_the_buyout_where_no_bids_are_taken() -> None:
    """A listing for buyout only, or one whose next bid would reach the buyout, costs its buyout."""
    assert asking_price(listing(1, start_bid=None, buyout=100)) == 100
    assert asking_price(listing(1, start_bid=10, buyout=100, price=99, leader="ann", leader_max=99, bids=2)) == 100


def test_filters_combine() -> None:
    """A listing must match every filter that is given."""
    rows = [
        listing(1, category="bows", level=5, rarity="rare"),
        listing(2, category="bows", level=50, rarity="rare"),
        listing(3, category="rings", level=5, rarity="rare"),
        listing(4, category="bows", level=5, rarity="common"),
    ]
    query = SearchListings(category="bows", rarity=["rare", "epic"], level=Bounds(max=10))
    assert ids(found(rows, query)) == [1]


def test_stat_bounds_need_the_stat() -> None:
    """An item without a stat does not match a bound on it, not even an open one."""
    rows = [listing(1, stats={"might": 5}), listing(2), listing(3, stats={"might": 9})]
    assert ids(found(rows, SearchListings(stats=[StatBounds(stat="might")]))) == [1, 3]
    assert ids(found(rows, SearchListings(stats=[StatBounds(stat="might", min=6)]))) == [3]


def test_text_means_the_starts_of_words_without_case_and_accents() -> None:
    """Each word of the text is the beginning of some word of the name."""
    rows = [listing(1, name="Élan Longbow"), listing(2, name="Elm Bow"), listing(3, name="Rebow")]
    assert ids(found(rows, SearchListings(text="ELAN long"))) == [1]
    assert ids(found(rows, SearchListings(text="bow"))) == [2]


def test_buyout_only_leaves_out_what_cannot_be_bought_out() -> None:
    """Only listings with a buyout price remain."""
    assert ids(found([listing(1), listing(2, buyout=50)], SearchListings(buyout_only=True))) == [2]


def test_score_sorts_by_the_weighted_sum() -> None:
    """Upgrades come first with `score` descending; a stat that an item lacks counts as nothing."""
    rows = [listing(1, stats={"might": 5, "wit": 1}), listing(2, stats={"wit": 9}), listing(3)]
    query = SearchListings(score={"might": 2, "wit": 1}, sort="score", order="desc")
    assert ids(found(rows, query)) == [1, 2, 3]


def test_a_query_is_the_same_query_whatever_page_is_asked_for() -> None:
    """The cursor and the page size do not make another query; everything else does."""
    query = SearchListings(category="bows", score={"a": 1, "b": 2})
    assert fingerprint(query) == fingerprint(
        SearchListings(category="bows", score={"b": 2, "a": 1}, limit=7, cursor="x")
    )
    assert fingerprint(query) != fingerprint(SearchListings(category="bows", score={"a": 1, "b": 2}, sort="price"))


@given(
    rows=st.lists(
        st.tuples(st.none() | st.integers(1, 5), st.none() | st.integers(6, 9), st.none() | st.integers(-3, 3)),
        max_size=20,
    ),
    sort=st.sampled_from(["price", "buyout", "level", "created_at", "stat:might"]),
    order=st.sampled_from(["asc", "desc"]),
)
def test_order_is_by_value_then_id_with_nulls_last(
    rows: list[tuple[int | None, int | None, int | None]], sort: str, order: str
) -> None:
    """For any listings and any sort: values in order, nulls last in both directions, ids break ties upwards."""
    listings = [
        listing(number, start_bid=start, buyout=buyout, stats={} if might is None else {"might": might})
        for number, (start, buyout, might) in enumerate(rows)
    ]
    values = {
        "price": asking_price,
        "buyout": lambda row: row.buyout,
        "level": lambda row: row.item.level,
        "created_at": lambda row: row.created_at_ms,
        "stat:might": lambda row: row.item.stats.get("might"),
    }
    sign = 1 if order == "asc" else -1

    def plain(row: Listing) -> tuple[bool, int, str]:
        value = values[sort](row)
        return (value is None, 0 if value is None else sign * value, row.listing)

    assert found(reversed(listings), SearchListings(sort=sort, order=order)) == sorted(listings, key=plain)  # type: ignore[arg-type]  # drawn from what `order` takes
