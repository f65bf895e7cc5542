"""The index of open listings: versions, endings, loading, and origins apart."""

from shardnode.search.index import ListingIndex, OpenListings
from tests.search.rows import listing


def test_the_index_keeps_the_newer_row() -> None:
    """A row never replaces one of a higher version."""
    listings = OpenListings()
    listings.apply([listing(1, version=3), listing(1, version=2)])
    assert [row.version for row in listings.rows()] == [3]


def test_ended_listings_leave_the_index() -> None:
    """Only open listings are found."""
    listings = OpenListings()
    listings.apply([listing(1), listing(2)])
    listings.apply([listing(1, version=2, state="sold")])
    assert [row.number for row in listings.rows()] == [2]


def test_a_row_of_the_past_does_not_open_what_has_ended() -> None:
    """While the index is being loaded, an older row of a listing that ended since is passed over."""
    listings = OpenListings()
    listings.apply([listing(1, version=2, state="cancelled")])
    listings.apply([listing(1, version=1)])
    assert len(listings) == 0
    listings.settle()
    assert len(listings) == 0


def test_what_does_not_come_again_in_a_load_is_over_at_its_end() -> None:
    """A row from before a load stays until the load is whole, and beyond only if it came again, changed or not."""
    listings = OpenListings()
    listings.apply([listing(1), listing(2), listing(3)])
    listings.settle()
    listings.load()
    listings.apply([listing(1), listing(2, version=2)])
    assert len(listings) == 3
    listings.settle()
    assert [(row.number, row.version) for row in listings.rows()] == [(1, 1), (2, 2)]


def test_a_load_that_begins_anew_forgets_nothing_open() -> None:
    """A load that was broken off leaves all rows where they are, to be doubted once more."""
    listings = OpenListings()
    listings.apply([listing(1), listing(2)])
    listings.load()
    listings.apply([listing(1)])
    listings.load()
    listings.apply([listing(2)])
    listings.settle()
    assert [row.number for row in listings.rows()] == [2]


def test_the_index_shows_all_origins() -> None:
    """What is for sale anywhere is found and counted; each origin's rows come and go by themselves."""
    index = ListingIndex()
    index.of("n1").apply([listing(1)])
    index.of("n2").apply([listing(2), listing(3)])
    assert [row.number for row in index.rows()] == [1, 2, 3]
    assert len(index) == 3
    assert index.get("l0003") == listing(3)
    assert index.get("l0004") is None
    index.of("n2").settle()
    index.of("n2").load()
    index.of("n2").settle()
    assert [row.number for row in index.rows()] == [1]
