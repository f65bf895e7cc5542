"""The search load test: its market, its searches and its comparisons, and the whole of it for a moment."""

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from twisted.internet.defer import Deferred, ensureDeferred, succeed

from auction.commands import SearchListings
from auction.pricing import min_bid
from load_tests.search.absorbing import MESSAGE_ROWS, Feed, messages_of
from load_tests.search.market import NOW_MS, Market
from load_tests.search.mix import KINDS, Mix, Wanted
from load_tests.search.postgres.statements import by_hand, plain
from load_tests.search.report import BY_HAND, OURS, PLAIN, Report, ratios, side_figures
from load_tests.search.sides import NEXT_PAGE, Asking, Difference, Page, compare
from shardnode.search.index import IndexLimits, ListingIndex
from worlddata.loading import load_catalog
from worlddata.types import Catalog, stat_range

LISTINGS = 2_000
PATIENCE_S = 120


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The packaged world."""
    return load_catalog(tmp_path_factory.mktemp("world"))


@pytest.fixture
def market(catalog: Catalog) -> Market:
    """Some listings."""
    market = Market(catalog, seed=1)
    assert sum(1 for _ in market.listings(LISTINGS)) == LISTINGS
    return market


class Scripted:
    """A side with pages that are known beforehand."""

    def __init__(self, pages: list[Page]) -> None:
        self._pages = pages

    def page(self, query: SearchListings, following: Any) -> "Deferred[Page]":  # noqa: ARG002 - see Side
        """The first page, or the one that is told as following."""
        return succeed(self._pages[following or 0])


def test_a_market_is_all_of_its_seed(catalog: Catalog, market: Market) -> None:
    """The same seed makes the same listings and moves them the same way, and another seed makes others."""
    same, other = Market(catalog, seed=1), Market(catalog, seed=2)
    assert list(same.listings(LISTINGS)) == market.open
    assert list(other.listings(LISTINGS)) != market.open
    assert list(same.changes(100)) == list(market.changes(100))


def test_listings_are_what_players_could_have_put_up(catalog: Catalog, market: Market) -> None:
    """Ids differ, items fit their bases, stats lie in their ranges, and every listing is open and has a price."""
    assert len({row.listing for row in market.open}) == LISTINGS
    for row in market.open:
        base = catalog.bases[row.item.base]
        assert base.min_level <= row.item.level <= base.max_level
        for stat, value in row.item.stats.items():
            bounds = stat_range(base, catalog.stats[stat], row.item.level)
            assert bounds.min <= value <= bounds.max
        assert row.created_at_ms <= NOW_MS < row.ends_at_ms
        assert row.buyout is not None or min_bid(row) is not None
        assert (row.bids > 0) == (row.price is not None) == (row.leader is not None)


def test_a_market_moves_by_new_listings_bids_and_ends(market: Market) -> None:
    """Changed rows are newer than what they change, what is closed is open no longer, and all three kinds come."""
    known = {row.listing: row for row in market.open}
    kinds = Counter[str]()
    for row in market.changes(300):
        before = known.pop(row.listing, None)
        assert before is None or row.version > before.version
        kinds["new" if before is None else row.state] += 1
        if row.state == "open":
            known[row.listing] = row
        else:
            assert row.ended_at_ms == NOW_MS
    assert known == {row.listing: row for row in market.open}
    assert kinds["new"] == 100
    assert min(kinds[kind] for kind in ("new", "open", "sold", "expired")) > 0


def test_a_mix_has_every_kind_and_finds_something(catalog: Catalog, market: Market) -> None:
    """Kinds come in their shares, some searches are read on, and what is looked for comes from the market."""
    searches = Mix(catalog, market.open, seed=1).searches(1_000)
    counts = Counter(wanted.kind for wanted in searches)
    for kind, (share, _) in KINDS.items():
        assert share * 5 < counts[kind] < share * 15
    assert {wanted.next_pages for wanted in searches} == {0, 1, 2}
    assert {wanted.query.base for wanted in searches if wanted.kind == "base"} <= {row.item.base for row in market.open}


def test_only_text_and_rarities_are_written_by_hand(catalog: Catalog, market: Market) -> None:
    """For every other kind PostgreSQL gets the same statement either way."""
    for wanted in Mix(catalog, market.open, seed=1).searches(200):
        differ = by_hand(wanted.query, None)[0] != plain(wanted.query, None)[0]
        assert differ == (wanted.kind in {"text", "rarity"})


def test_sides_that_find_different_listings_fail_the_run() -> None:
    """One listing of one further page that differs is enough, and the same pages are counted."""
    wanted = Wanted("base", SearchListings(base="any"), next_pages=1)
    one = Scripted([Page(["a"], 1), Page(["b"], None)])
    other = Scripted([Page(["a"], 1), Page(["c"], None)])
    same = ensureDeferred(compare({"one": one, "again": one}, [wanted]))
    assert same.result == 2
    differing = ensureDeferred(compare({"one": one, "other": other}, [wanted]))
    with pytest.raises(Difference, match="one and other differ"):
        differing.result.raiseException()  # type: ignore[union-attr]  # it failed at once


def test_a_round_measures_first_and_further_pages_apart() -> None:
    """A further page is of its own kind whatever was searched for, and none is asked for beyond the last."""
    side = Scripted([Page(["a"], 1), Page(["b"], None)])
    times = ensureDeferred(Asking(side, [Wanted("base", SearchListings(), next_pages=2)]).round(0.01)).result
    assert len(times["base"]) == len(times[NEXT_PAGE]) > 0  # type: ignore[index]  # it came at once


def test_figures_are_by_kind_and_ratios_by_round() -> None:
    """Kinds keep to themselves, and what another side took is divided by what ours took in the same round."""
    ours = [{"base": [0.001] * 10}, {"base": [0.002] * 10, NEXT_PAGE: [0.002]}]
    theirs = [{"base": [0.010] * 10}, {"base": [0.010] * 10}]
    figures = side_figures(ours)
    assert (figures.all.pages, figures.kinds["base"].pages, figures.kinds[NEXT_PAGE].pages) == (21, 20, 1)
    assert ratios(theirs, ours).mean.rounds == [10.0, 5.0]


def test_a_feed_keeps_its_pace(market: Market) -> None:
    """What is due by the clock is taken in, whole messages at a time while there is room, and in the end all of it."""
    index = ListingIndex(IndexLimits(pending_rows_max=LISTINGS + 3 * MESSAGE_ROWS))
    listings = index.of("peer")
    listings.apply(market.open, past=True)
    listings.settle()
    feed = Feed(messages_of(market, 10 * MESSAGE_ROWS), index, "peer", updates_per_s=1_000)
    feed.due(0.0)
    assert feed.applied == 0
    feed.due(3.5 * MESSAGE_ROWS / 1_000)
    assert feed.applied == 3 * MESSAGE_ROWS
    feed.due(60.0)
    assert 3 * MESSAGE_ROWS < feed.applied < 10 * MESSAGE_ROWS
    assert not index.has_room()
    feed.finish()
    assert feed.applied == 10 * MESSAGE_ROWS
    assert {row.listing: row for row in listings.rows()} == {row.listing: row for row in market.open}


def test_search_prints_a_table_and_writes_figures_and_a_picture(tmp_path: Path) -> None:
    """`python -m load_tests.search` measures all sides for a moment, and they all found the same."""
    file = tmp_path / "results" / "search.json"
    options = ["--listings", "2000", "--seconds", "0.5", "--rounds", "1", "--socket-listings", "200", "--json", file]
    command = [sys.executable, "-m", "load_tests.search", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr
    assert "Searches over 2,000 listings" in done.stdout
    report = msgspec.json.decode(file.read_bytes(), type=Report)
    assert report.sides.keys() == {OURS, PLAIN, BY_HAND}
    assert report.ratios.keys() == {PLAIN, BY_HAND}
    assert report.pages_compared > 200
    assert all(each.all.pages > 0 for each in report.sides.values())
    assert report.absorbed is not None and report.absorbed.updates_per_s > 0
    assert report.through_socket is not None and report.through_socket.socket.pages > 0
    assert "<svg" in file.with_suffix(".svg").read_text()
