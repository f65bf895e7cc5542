"""Cursors, and the searches that they continue."""

import msgspec
import pytest

from auction.commands import SearchListings
from auction.refusals import Refusal
from auction.results import Market
from auction.state import Listing
from shardnode.search.pages import ROOM_SHARED_BY, Page, PageLimits, Pages, node_of
from shardnode.search.scan import Found, find
from shardnode.wire.errors import BadParams
from tests.search.brute_force import Searched
from tests.search.rows import listing

QUERY = SearchListings(limit=2)


def found(count: int, most: int = 10_000) -> Found:
    """What a search finds of so many listings."""
    house = Searched()
    house.index.of("n1").apply(rows_of(count))
    house.take_in()
    return find(house.columns, QUERY, most)


def rows_of(count: int) -> list[Listing]:
    """So many listings."""
    return [listing(number) for number in range(count)]


def begun(pages: Pages, count: int, now_ms: int = 0, most: int = 10_000, turn: int = 1) -> Page:
    """The first page of a search that finds so many."""
    number, result = pages.begin(QUERY, turn, now_ms), found(count, most)
    return pages.first(number, result, result.page(0, QUERY.limit), None)


def next_page(pages: Pages, query: SearchListings, cursor: str | None, now_ms: int) -> Page | Refusal:
    """What a query's cursor leads to."""
    assert cursor is not None
    further = pages.seek(msgspec.structs.replace(query, cursor=cursor), now_ms)
    if isinstance(further, Refusal):
        return further
    return pages.page(further, further.found.page(further.offset, query.limit))


def page(answer: Page | Refusal) -> Page:
    """The answer, which must be a page."""
    assert isinstance(answer, Page)
    return answer


def test_pages_lead_through_everything_once() -> None:
    """Following the cursors shows every row exactly once, in order, and then ends."""
    pages = Pages("n1", 1, PageLimits())
    first = begun(pages, 5)
    second = page(next_page(pages, QUERY, first.next, 10))
    third = page(next_page(pages, QUERY, second.next, 20))
    assert first.rows + second.rows + third.rows == rows_of(5)
    assert third.next is None


def test_pages_neither_repeat_nor_skip_while_the_market_moves() -> None:
    """Between two pages every listing changes or ends and others come; the pages show the search's instant."""
    house = Searched()
    own = house.index.of("n1")
    rows = rows_of(40)
    own.apply(rows)
    house.take_in()
    pages = Pages("n1", 1, PageLimits())
    number, result = pages.begin(QUERY, house.columns.rows.turn, 0), find(house.columns, QUERY, 100)
    shown = pages.first(number, result, result.page(0, 2), None)
    seen = list(shown.rows)
    while shown.next is not None:
        number = len(seen)
        own.apply([msgspec.structs.replace(row, version=row.version + number, ends_at_ms=number) for row in rows[::2]])
        own.apply([msgspec.structs.replace(row, version=2, state="sold") for row in rows[1 : 2 * number : 2]])
        own.apply([listing(100 + number, ends_at_ms=1)])
        oldest = pages.oldest_turn()
        assert oldest is not None
        house.take_in(oldest)
        shown = page(next_page(pages, QUERY, shown.next, number))
        seen += shown.rows
    assert seen == rows


def test_a_full_last_page_has_no_cursor() -> None:
    """No cursor leads to an empty page."""
    pages = Pages("n1", 1, PageLimits())
    assert begun(pages, 2).next is None
    assert page(next_page(pages, QUERY, begun(pages, 4).next, 1)).next is None


def test_pages_tell_the_instant_and_the_market_of_their_search() -> None:
    """All pages of a search are as of the same instant."""
    pages = Pages("n1", 1, PageLimits())
    result = found(3)
    first = pages.first(pages.begin(QUERY, 1, 123), result, result.page(0, 2), Market(5, 1))
    second = page(next_page(pages, QUERY, first.next, 456))
    assert [(shown.as_of_ms, shown.market) for shown in (first, second)] == [(123, Market(5, 1))] * 2


def test_a_cursor_expires() -> None:
    """After its time a cursor is refused, not answered with something else."""
    pages = Pages("n1", 1, PageLimits(cursor_s=60))
    first = begun(pages, 3)
    assert next_page(pages, QUERY, first.next, 60_000) == Refusal("cursor_expired")
    assert len(pages) == 0


def test_the_oldest_search_says_which_rows_have_to_stay() -> None:
    """Those under way and those with cursors; not those that showed all, came to nothing or are past their time."""
    pages = Pages("n1", 1, PageLimits())
    assert pages.oldest_turn() is None
    begun(pages, 2, turn=3)
    assert pages.oldest_turn() is None
    begun(pages, 3, turn=4)
    under_way = pages.begin(QUERY, 5, 0)
    begun(pages, 3, now_ms=1, turn=6)
    assert pages.oldest_turn() == 4
    pages.forget(60_001)
    assert pages.oldest_turn() == 5, "a search under way is kept, however long it takes"
    pages.end(under_way)
    assert pages.oldest_turn() == 6
    pages.forget_oldest()
    assert (pages.oldest_turn(), len(pages)) == (None, 0)


def test_a_cursor_of_an_earlier_start_is_expired() -> None:
    """A restart forgets its searches and says so."""
    first = begun(Pages("n1", 1, PageLimits()), 3)
    later = Pages("n1", 2, PageLimits())
    begun(later, 3)
    assert next_page(later, QUERY, first.next, 1) == Refusal("cursor_expired")


@pytest.mark.parametrize("cursor", ["x", "n1.1-1", "1-1-1", "n1.1-1-99", "n1.1-1-3", "n1.-1-1-1", "n1.1-1-1\n"])
def test_a_made_up_cursor_is_refused(cursor: str) -> None:
    """A cursor that was never given leads nowhere."""
    pages = Pages("n1", 1, PageLimits())
    begun(pages, 3)
    assert next_page(pages, QUERY, cursor, 1) == Refusal("cursor_mismatch")


def test_a_cursor_belongs_to_its_query() -> None:
    """Another query's cursor is refused."""
    pages = Pages("n1", 1, PageLimits())
    first = begun(pages, 3)
    other = SearchListings(category="rings", limit=2)
    assert next_page(pages, other, first.next, 1) == Refusal("cursor_mismatch")


def test_a_search_that_found_too_much_says_so_in_the_end() -> None:
    """The pages lead through as many listings as they may, and then to an error that says what to do."""
    pages = Pages("n1", 1, PageLimits(found_max=3))
    first = begun(pages, 5, most=3)
    second = page(next_page(pages, QUERY, first.next, 1))
    assert first.rows + second.rows == rows_of(3)
    with pytest.raises(BadParams, match="leads through its first 3 listings; narrow it"):
        next_page(pages, QUERY, second.next, 2)


def test_what_cursors_keep_is_bounded() -> None:
    """Each search may keep a part of the room there is; with none left the next has to wait for an older one's end."""
    limits = PageLimits(found_max=3, kept_rows_max=3 * ROOM_SHARED_BY + 4)
    pages = Pages("n1", 1, limits)
    assert pages.room(0) == 3
    firsts = [begun(pages, 3, now_ms) for now_ms in (0, 1)]
    assert pages.room(2) == 2
    begun(pages, 2, 2)
    assert pages.room(2) == 2, "a search of a single page keeps nothing"
    while pages.room(3):
        begun(pages, 3, 3)
    assert page(next_page(pages, QUERY, firsts[0].next, 59_999)).rows, "no cursor dies early"
    assert pages.room(60_003) == 3
    assert next_page(pages, QUERY, firsts[1].next, 60_003) == Refusal("cursor_expired")


def test_a_cursor_says_which_node_gave_it() -> None:
    """So another node can pass it on; what nobody gave names nobody."""
    cursor = begun(Pages("n2", 1, PageLimits()), 3).next
    assert cursor is not None
    assert node_of(cursor) == "n2"
    assert node_of("n2") is None


def test_a_cursor_of_another_node_is_expired() -> None:
    """A node answers for its own searches alone, whatever their numbers."""
    first = begun(Pages("n1", 1, PageLimits()), 3)
    other = Pages("n2", 1, PageLimits())
    begun(other, 3)
    assert next_page(other, QUERY, first.next, 1) == Refusal("cursor_expired")
