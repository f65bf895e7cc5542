"""Filters and sorts, told one by one; `test_scan` holds the index to the brute force for any of them."""

import pytest

from auction.commands import Bounds, SearchListings, StatBounds
from auction.state import Listing
from shardnode.search.query import asking_price, fingerprint, folded, passes
from tests.search.brute_force import searched
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
    assert ids(searched(rows, query)) == [1]


def test_stat_bounds_need_the_stat() -> None:
    """An item without a stat does not match a bound on it, not even an open one, nor one that nobody could miss."""
    rows = [listing(1, stats={"might": 5}), listing(2), listing(3, stats={"might": 9})]
    assert ids(searched(rows, SearchListings(stats=[StatBounds(stat="might")]))) == [1, 3]
    assert ids(searched(rows, SearchListings(stats=[StatBounds(stat="might", min=-7)]))) == [1, 3]
    assert ids(searched(rows, SearchListings(stats=[StatBounds(stat="might", min=6)]))) == [3]
    assert ids(searched(rows, SearchListings(stats=[StatBounds(stat="might", max=0)]))) == []
    assert ids(searched(rows, SearchListings(stats=[StatBounds(stat="wit")]))) == []


def test_text_means_the_starts_of_words_without_case_and_accents() -> None:
    """Each word of the text is the beginning of some word of the name."""
    rows = [listing(1, name="Élan Longbow"), listing(2, name="Elm Bow"), listing(3, name="Rebow")]
    assert ids(searched(rows, SearchListings(text="ELAN long"))) == [1]
    assert ids(searched(rows, SearchListings(text="long élan"))) == [1]
    assert ids(searched(rows, SearchListings(text="bow"))) == [2]
    assert ids(searched(rows, SearchListings(text="e"))) == [1, 2]
    assert ids(searched(rows, SearchListings(text="elan elm"))) == []


@pytest.mark.parametrize(
    ("text", "plain"),
    [("ÉLAN", "elan"), ("Straße", "strasse"), ("İstanbul", "istanbul"), ("ﬁre", "fire"), ("🄰xe", "axe"), ("Ⅷ", "viii")],
)
def test_text_is_folded_as_readers_of_any_script_expect(text: str, plain: str) -> None:
    """Case, accents and compatible forms make no difference, and what is folded stays as it is."""
    assert folded(text) == plain
    assert folded(folded(text)) == folded(text)


@pytest.mark.parametrize(
    "text",
    ["", "   ", "\N{COMBINING ACUTE ACCENT}", "\x00", "'; DROP TABLE listings; --", "%", "*", "a" * 100, "🗡" * 100],
)
def test_hostile_texts_find_what_they_say_and_nothing_else(text: str) -> None:
    """No character has a meaning but its own; a text without any letter left asks for nothing in particular."""
    rows = [listing(1), listing(2, name="%"), listing(3, name="'; drop")]
    says_nothing = not folded(text).split()
    expected = [row.number for row in rows if says_nothing or passes(SearchListings(text=text))(row)]
    assert ids(searched(rows, SearchListings(text=text))) == expected
    assert (expected == [1, 2, 3]) == says_nothing


def test_buyout_only_leaves_out_what_cannot_be_bought_out() -> None:
    """Only listings with a buyout price remain."""
    assert ids(searched([listing(1), listing(2, buyout=50)], SearchListings(buyout_only=True))) == [2]


def test_score_sorts_by_the_weighted_sum() -> None:
    """The best come first; a stat that an item lacks counts as nothing, and a weight below 0 counts against it."""
    rows = [listing(1, stats={"might": 5, "wit": 1}), listing(2, stats={"wit": 9}), listing(3)]
    assert ids(searched(rows, SearchListings(score={"might": 2, "wit": 1}))) == [1, 2, 3]
    assert ids(searched(rows, SearchListings(score={"might": 2, "wit": -1}))) == [1, 3, 2]
    assert ids(searched(rows, SearchListings(score={"might": 2, "wit": 1}, order="asc"))) == [3, 2, 1]
    assert ids(searched(rows, SearchListings(score={"might": 2}, sort="ends_at"))) == [1, 2, 3]


def test_the_largest_scores_are_exact() -> None:
    """32 stats of the largest value under the largest weights, of either sign, differ by one all the same."""
    stats = {f"s{number}": 1_000_000 for number in range(32)}
    rows = [listing(1, stats=stats), listing(2, stats={**stats, "s0": 999_999}), listing(3)]
    for weight, order in ((2**31 - 1, [1, 2, 3]), (-(2**31), [3, 2, 1])):
        assert ids(searched(rows, SearchListings(score=dict.fromkeys(stats, weight)))) == order


def test_a_search_without_a_sort_shows_what_ends_next() -> None:
    """And without an order, the least first; scores alone show the best first."""
    rows = [listing(1, ends_at_ms=30, level=2), listing(2, ends_at_ms=10, level=3), listing(3, ends_at_ms=20)]
    assert ids(searched(rows, SearchListings())) == [2, 3, 1]
    assert ids(searched(rows, SearchListings(order="desc"))) == [1, 3, 2]
    assert ids(searched(rows, SearchListings(sort="level"))) == [3, 1, 2]
    assert ids(searched(rows, SearchListings(score={}))) == [2, 3, 1]


def test_a_query_is_the_same_query_whatever_page_is_asked_for() -> None:
    """The cursor, the page size and saying what is meant anyway do not make another query; everything else does."""
    query = SearchListings(category="bows", score={"a": 1, "b": 2})
    same = SearchListings(category="bows", score={"b": 2, "a": 1}, limit=7, cursor="x", sort="score", order="desc")
    assert fingerprint(query) == fingerprint(same)
    assert fingerprint(query) != fingerprint(SearchListings(category="bows", score={"a": 1, "b": 2}, sort="price"))
    assert fingerprint(query) != fingerprint(SearchListings(category="bows", score={"a": 1, "b": 2}, with_market=True))
