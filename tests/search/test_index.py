"""The index of open listings: versions, endings, loading, origins apart, and what it tells of changes."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from auction.state import Listing
from shardnode.search.index import IndexLimits, ListingIndex, OpenListings
from shardnode.search.packed import pack, unpack, version_of
from shardnode.search.parted import PARTED_FROM, Parted
from tests.search.rows import listing


def one_origin() -> OpenListings:
    """An index of one node."""
    return ListingIndex().of("n1")


def numbers(listings: OpenListings | ListingIndex) -> list[int]:
    """The numbers of all rows."""
    return sorted(row.number for row in listings.rows())


def test_the_index_keeps_the_newer_row() -> None:
    """A row never replaces one of a higher version."""
    listings = one_origin()
    listings.apply([listing(1, version=3), listing(1, version=2)])
    assert [row.version for row in listings.rows()] == [3]


def test_ended_listings_leave_the_index() -> None:
    """Only open listings are found."""
    listings = one_origin()
    listings.apply([listing(1), listing(2)])
    listings.apply([listing(1, version=2, state="sold")])
    assert numbers(listings) == [2]


def test_a_row_of_the_past_does_not_open_what_has_ended() -> None:
    """While the index is being loaded, an older row of a listing that ended since is passed over."""
    listings = one_origin()
    listings.apply([listing(1, version=2, state="cancelled")])
    listings.apply([listing(1, version=1)])
    assert len(listings) == 0
    listings.settle()
    assert len(listings) == 0


def test_what_does_not_come_again_in_a_load_is_over_at_its_end() -> None:
    """A row from before a load stays until the load is whole, and beyond only if it came again, changed or not."""
    listings = one_origin()
    listings.apply([listing(1), listing(2), listing(3)])
    listings.settle()
    listings.load()
    listings.apply([listing(1), listing(2, version=2)])
    assert len(listings) == 3
    assert listings.get("l0003") == listing(3)
    listings.settle()
    assert sorted((row.number, row.version) for row in listings.rows()) == [(1, 1), (2, 2)]


def test_a_load_that_begins_anew_forgets_nothing_open() -> None:
    """A load that was broken off leaves all rows where they are, to be doubted once more."""
    listings = one_origin()
    listings.apply([listing(1), listing(2)])
    listings.load()
    listings.apply([listing(1)])
    listings.load()
    listings.apply([listing(2)])
    listings.settle()
    assert numbers(listings) == [2]


def test_an_older_row_of_a_load_confirms_a_newer_one() -> None:
    """It shows that the listing is still there, and what is known of it stays."""
    listings = one_origin()
    listings.apply([listing(1, version=3)])
    listings.load()
    listings.apply([listing(1, version=2)])
    listings.settle()
    assert [row.version for row in listings.rows()] == [3]


def test_the_index_shows_all_origins() -> None:
    """What is for sale anywhere is found and counted; each origin's rows come and go by themselves."""
    index = ListingIndex()
    index.of("n1").apply([listing(1)])
    index.of("n2").apply([listing(2), listing(3)])
    assert numbers(index) == [1, 2, 3]
    assert len(index) == 3
    assert index.get("l0003") == listing(3)
    assert index.get("l0004") is None
    index.of("n2").settle()
    index.of("n2").load()
    index.of("n2").settle()
    assert numbers(index) == [1]


def test_what_changed_is_handed_over_once() -> None:
    """Each listing with its latest row, or as gone; a row that was known, or is older, changes nothing."""
    index = ListingIndex()
    own = index.of("n1")
    own.apply([listing(1), listing(2), listing(3)])
    own.apply([listing(1, version=2), listing(2, version=2, state="sold")])
    changes = index.take_changes()
    assert {key: change and change[0].version for key, change in changes.items()} == {
        "l0001": 2,
        "l0002": None,
        "l0003": 1,
    }
    assert [unpack(change[1]) == change[0] for change in changes.values() if change] == [True, True]
    own.apply([listing(1, version=2), listing(3), listing(2, version=2, state="sold")])
    assert index.take_changes() == {}
    own.settle()
    own.load()
    own.apply([listing(1, version=2)])
    own.settle()
    assert index.take_changes() == {"l0003": None}


def test_what_waits_for_the_search_thread_is_counted_until_it_is_taken_in() -> None:
    """From half the limit on the index is behind, at the limit it has no room; both pass."""
    index = ListingIndex(IndexLimits(pending_rows_max=4))
    told: list[int] = []
    index.on_pending = lambda: told.append(index.pending())
    own = index.of("n1")
    states = []
    for number in range(5):
        own.apply([listing(number)])
        states.append((index.is_behind(), index.has_room()))
    assert states == [(False, True), (True, True), (True, True), (True, False), (True, False)]
    assert len(own) == 5
    count = len(index.take_changes())
    assert (count, index.pending(), index.has_room()) == (5, 5, False)
    index.taken_in(count)
    assert (index.pending(), index.is_behind(), index.has_room()) == (0, False, True)
    own.apply([listing(7), listing(8)])
    assert told == [0, 0]


def test_listeners_hear_what_is_news_and_nothing_else() -> None:
    """New, changed and ended listings of any origin; not what was known, and not what was so before."""
    index = ListingIndex()
    heard: list[tuple[int, int, str, int | None]] = []
    index.on_changed = lambda news: heard.extend(
        (row.number, row.version, row.state, None if before is None else version_of(before)) for row, before in news
    )
    index.of("n1").apply([listing(1), listing(2)], past=True)
    index.of("n1").settle()
    assert heard == []
    index.of("n1").apply([listing(1), listing(3)])
    index.of("n2").apply([listing(4)])
    index.of("n1").apply([listing(1, version=2), listing(2, version=2, state="sold"), listing(9, state="sold")])
    assert heard == [(3, 1, "open", None), (4, 1, "open", None), (1, 2, "open", 1), (2, 2, "sold", 1)]


def test_what_a_row_replaced_comes_with_the_news() -> None:
    """Nothing for a new listing. Of one whose past is still to come nobody knows: it counts as having been as it is."""
    index = ListingIndex()
    heard: list[tuple[int, Listing | None]] = []
    index.on_changed = lambda news: heard.extend((row.version, was and unpack(was)) for row, was in news)
    own = index.of("n1")
    own.settle()
    rows = [listing(1, version=version, price=version) for version in (1, 2)]
    ended = listing(1, version=3, state="sold")
    own.apply([rows[0]])
    own.apply([rows[1]])
    own.apply([ended])
    assert heard == [(1, None), (2, rows[0]), (3, rows[1])]
    heard.clear()
    own.load()
    late = listing(2, version=5)
    own.apply([late, listing(3)])
    own.apply([listing(2, version=6, state="sold")])
    own.apply([listing(2, version=6, state="sold"), listing(9, version=7, state="sold")])
    assert heard == [(5, late), (1, None), (6, late), (7, None)]


def test_of_the_past_only_what_replaces_something_known_is_news() -> None:
    """As when an origin's snapshot mends a gap: what has changed or ended in it is told, the rest was so before."""
    index = ListingIndex()
    heard: list[tuple[int, int, str, bool]] = []
    index.on_changed = lambda news: heard.extend(
        (row.number, row.version, row.state, was is not None) for row, was in news
    )
    own = index.of("n1")
    own.settle()
    own.apply([listing(number) for number in range(3)])
    heard.clear()
    own.load()
    rows = [listing(0), listing(1, version=2), listing(2, version=2, state="expired"), listing(3, version=4)]
    own.apply([*rows, listing(4, state="sold")], past=True)
    own.settle()
    assert heard == [(1, 2, "open", True), (2, 2, "expired", True)]


def test_what_came_up_for_sale_since_the_node_listens_is_news() -> None:
    """Though a snapshot tells of it first; a change of it before its past has come is the first that is heard of it."""
    index = ListingIndex(since_ms=5_000)
    heard: list[tuple[int, bool]] = []
    index.on_changed = lambda news: heard.extend((row.number, was is not None) for row, was in news)
    own = index.of("n1")
    old, new = {"created_at_ms": 4_999}, {"created_at_ms": 5_000}
    own.apply([listing(1, **old), listing(2, **new), listing(3, version=4, **new)], past=True)
    own.apply([listing(4, version=2, **old), listing(5, version=2, **new)])
    assert heard == [(2, False), (3, False), (4, True), (5, False)]


def test_rows_can_be_read_while_they_change() -> None:
    """Whoever reads them step by step meets each listing once that is open all the time, and no ended one late."""
    listings = one_origin()
    listings.settle()
    count = PARTED_FROM + 100
    listings.apply([listing(number) for number in range(count)])
    rows = listings.rows()
    met = [next(rows).number for _ in range(500)]
    ending = sorted({*range(1, count, 2)} - {*met})
    listings.apply([listing(number, version=2, state="expired") for number in ending])
    listings.apply([listing(number, version=2) for number in range(0, count, 2)])
    listings.apply([listing(number) for number in range(count, 2 * count)])
    met += [row.number for row in rows]
    assert len(met) == len(set(met))
    assert {*met} >= {*range(count)} - {*ending}
    assert len({*met} & {*ending}) < 50, "those of the part that was being read"


def test_rows_can_be_read_while_their_parts_are_dealt_out() -> None:
    """Whoever has begun to read when there were few meets each of these once."""
    listings = one_origin()
    listings.settle()
    listings.apply([listing(number) for number in range(PARTED_FROM)])
    rows = listings.rows()
    met = [next(rows).number for _ in range(500)]
    listings.apply([listing(number) for number in range(PARTED_FROM, 2 * PARTED_FROM)])
    met += [row.number for row in rows]
    assert sorted(met) == [*range(PARTED_FROM)]


@given(
    numbers=st.tuples(st.integers(1, 2**31), st.integers(0, 2**53 - 1), st.none() | st.integers(0, 2**53 - 1)),
    texts=st.tuples(st.text(max_size=80), st.text(max_size=64), st.none() | st.text(max_size=64)),
    stats=st.dictionaries(st.text(max_size=20), st.integers(-(2**53), 2**53)),
)
def test_a_packed_row_is_the_row(
    numbers: tuple[int, int, int | None], texts: tuple[str, str, str | None], stats: dict[str, int]
) -> None:
    """Whatever is in its fields, and its version can be told without unpacking it."""
    row = msgspec.structs.replace(
        listing(1, stats=stats, name=texts[1]),
        listing=texts[0],
        leader=texts[2],
        version=numbers[0],
        buyout=numbers[1],
        ended_at_ms=numbers[2],
    )
    packed = pack(row)
    assert unpack(packed) == row
    assert version_of(packed) == row.version
    assert isinstance(unpack(packed), Listing)


def test_a_parted_dict_is_a_dict() -> None:
    """Keys and values go in, are found, replaced and taken out; another's are taken over."""
    for count in (PARTED_FROM, 2 * PARTED_FROM):
        parted: Parted[int] = Parted()
        for number in range(count):
            parted[f"k{number}"] = number
        parted["k7"] = -7
        assert (len(parted), parted.get("k7"), parted.get("k9"), parted.get("x")) == (count, -7, 9, None)
        assert (parted.pop("k9"), parted.pop("k9"), len(parted)) == (9, None, count - 1)
        other: Parted[int] = Parted()
        other["k9"], other["k7"] = 99, 77
        parted.update(other)
        assert (len(parted), parted.get("k7"), parted.get("k9")) == (count, 77, 99)
        assert sum(len(part) for part in parted.parts()) == count
    assert max(len(part) for part in parted.parts()) < 100
