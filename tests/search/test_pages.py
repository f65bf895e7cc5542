"""Cursors, and the searches that they continue."""

import pytest

from auction.commands import SearchListings
from auction.refusals import Refusal
from shardnode.search.pages import Page, PageLimits, Pages, node_of
from tests.search.rows import listing

QUERY = SearchListings(limit=2)


def following(query: SearchListings, cursor: str | None) -> SearchListings:
    """The same query, at a cursor."""
    assert cursor is not None
    return SearchListings(category=query.category, limit=query.limit, cursor=cursor)


def page(answer: Page | Refusal) -> Page:
    """The answer, which must be a page."""
    assert isinstance(answer, Page)
    return answer


def test_pages_lead_through_everything_once() -> None:
    """Following the cursors shows every row exactly once, in order, and then ends."""
    rows = [listing(number) for number in range(5)]
    pages = Pages("n1", 1, PageLimits())
    first = pages.first(QUERY, rows, 0)
    second = page(pages.next(following(QUERY, first.next), 10))
    third = page(pages.next(following(QUERY, second.next), 20))
    assert first.rows + second.rows + third.rows == rows
    assert third.next is None


def test_a_full_last_page_has_no_cursor() -> None:
    """No cursor leads to an empty page."""
    assert Pages("n1", 1, PageLimits()).first(QUERY, [listing(1), listing(2)], 0).next is None


def test_pages_tell_the_instant_of_their_search() -> None:
    """All pages of a search are as of the same instant."""
    pages = Pages("n1", 1, PageLimits())
    first = pages.first(QUERY, [listing(number) for number in range(3)], 123)
    assert page(pages.next(following(QUERY, first.next), 456)).as_of_ms == 123


def test_a_cursor_expires() -> None:
    """After its time a cursor is refused, not answered with something else."""
    pages = Pages("n1", 1, PageLimits(cursor_s=60))
    first = pages.first(QUERY, [listing(number) for number in range(3)], 0)
    assert pages.next(following(QUERY, first.next), 60_000) == Refusal("cursor_expired")
    assert len(pages) == 0


def test_a_cursor_of_an_earlier_start_is_expired() -> None:
    """A restart forgets its searches and says so."""
    first = Pages("n1", 1, PageLimits()).first(QUERY, [listing(number) for number in range(3)], 0)
    later = Pages("n1", 2, PageLimits())
    later.first(QUERY, [listing(number) for number in range(3)], 0)
    assert later.next(following(QUERY, first.next), 1) == Refusal("cursor_expired")


@pytest.mark.parametrize("cursor", ["x", "n1.1-1", "1-1-1", "n1.1-1-99", "n1.-1-1-1", "n1.1-1-1\n"])
def test_a_made_up_cursor_is_refused(cursor: str) -> None:
    """A cursor that was never given leads nowhere."""
    pages = Pages("n1", 1, PageLimits())
    pages.first(QUERY, [listing(number) for number in range(3)], 0)
    assert pages.next(following(QUERY, cursor), 1) == Refusal("cursor_mismatch")


def test_a_cursor_belongs_to_its_query() -> None:
    """Another query's cursor is refused."""
    pages = Pages("n1", 1, PageLimits())
    first = pages.first(QUERY, [listing(number) for number in range(3)], 0)
    other = SearchListings(category="rings", limit=2)
    assert pages.next(following(other, first.next), 1) == Refusal("cursor_mismatch")


def test_what_cursors_keep_is_bounded() -> None:
    """At the bound no further search is taken until an older one has expired; none expires early."""
    pages = Pages("n1", 1, PageLimits(kept_rows_max=6))
    firsts = [pages.first(QUERY, [listing(number) for number in range(3)], now_ms) for now_ms in (0, 1)]
    assert pages.full(2)
    assert page(pages.next(following(QUERY, firsts[0].next), 59_999)).rows
    assert not pages.full(60_000)
    assert page(pages.next(following(QUERY, firsts[1].next), 60_000)).rows


def test_a_cursor_says_which_node_gave_it() -> None:
    """So another node can pass it on; what nobody gave names nobody."""
    cursor = Pages("n2", 1, PageLimits()).first(QUERY, [listing(number) for number in range(3)], 0).next
    assert cursor is not None
    assert node_of(cursor) == "n2"
    assert node_of("n2") is None


def test_a_cursor_of_another_node_is_expired() -> None:
    """A node answers for its own searches alone, whatever their numbers."""
    first = Pages("n1", 1, PageLimits()).first(QUERY, [listing(number) for number in range(3)], 0)
    other = Pages("n2", 1, PageLimits())
    other.first(QUERY, [listing(number) for number in range(3)], 0)
    assert other.next(following(QUERY, first.next), 1) == Refusal("cursor_expired")
