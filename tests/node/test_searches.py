"""Searches show one instant, wait for their turn within bounds and know what sold; what a start reads must be whole."""

import pytest
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from auction.commands import BuyOut, CreateListing, Grant, GrantedItem, SearchListings
from auction.context import Answer
from auction.refusals import Refusal
from auction.results import Market, SearchResult
from shardnode.node.node import NodeLimits
from shardnode.node.searches import SearchLimits
from shardnode.search.index import IndexLimits
from shardnode.search.pages import PageLimits
from shardnode.storage.port import StorageFault
from shardnode.wire.errors import BadParams, Unavailable
from tests.auction.house import CATALOG
from tests.node.house import HOUR_S, NodeInMemory
from tests.node.many import HouseInMemory

BASE = next(iter(CATALOG.bases))
OF_BASE = SearchListings(base=BASE, with_market=True)


def outcome_of(answer: "Deferred[Answer]") -> list[object]:
    """What comes of a question, when it does."""
    outcomes: list[object] = []
    answer.addBoth(outcomes.append)
    return outcomes


def the_fault(outcomes: list[object]) -> Exception:
    """What the only outcome, a failure, says."""
    (failure,) = outcomes
    assert isinstance(failure, Failure), failure
    return failure.value


def numbers(outcomes: list[object]) -> int:
    """How many listings the only outcome, an answer, shows."""
    (answer,) = outcomes
    assert isinstance(answer, Answer), answer
    assert isinstance(answer.body, SearchResult)
    return len(answer.body.listings)


def sell(house: NodeInMemory, price: int) -> None:
    """Somebody sells something to somebody."""
    (item,) = house.grant("sal", items=1)
    listing = house.ask("sal", CreateListing(item=item, buyout=price, duration_s=HOUR_S)).listing.listing
    house.grant("ann", price)
    house.ask("ann", BuyOut(listing=listing, price=price))


def test_one_search_too_many_is_refused_and_counted() -> None:
    """Those before it are answered; the next one after them finds its turn again."""
    house = NodeInMemory(NodeLimits(searches=SearchLimits(searches_max=2)))
    house.work()
    outcomes: list[object] = []
    for _ in range(3):
        house.begin("ann", SearchListings()).addBoth(outcomes.append)
    (refused,) = outcomes
    assert "too many searches" in str(refused)
    assert b'auction_limit_hits_total{limit="searches_max"} 1.0' in house.metrics.render()
    house.work()
    assert all(isinstance(answer, Answer) for answer in outcomes[1:]), outcomes
    assert isinstance(house.ask("ann", SearchListings()), SearchResult)


def test_a_search_whose_turn_comes_too_late_is_refused() -> None:
    """It costs the search thread nothing, and what it took along is taken in all the same."""
    house = NodeInMemory()
    house.work()
    house.list_item("sal")
    outcomes = outcome_of(house.begin("ann", SearchListings()))
    house.reactor.advance(2.5)
    assert outcomes == []
    house.work()
    fault = the_fault(outcomes)
    assert isinstance(fault, Unavailable)
    assert fault.figures["retry_after_ms"] == SearchLimits().retry_after_ms
    assert b'auction_limit_hits_total{limit="search_waits_s"} 1.0' in house.metrics.render()
    assert len(house.ask("ann", SearchListings()).listings) == 1


def test_a_search_waits_only_so_long_for_a_node_that_reads_its_listings() -> None:
    """It is refused then, and one that is asked later waits anew; with everything read it is answered."""
    house = NodeInMemory()
    house.list_item("sal")
    house.crash()
    house.start()
    early = outcome_of(house.begin("ann", SearchListings()))
    house.reactor.advance(1.5)
    late = outcome_of(house.begin("ann", SearchListings()))
    house.reactor.advance(1.0)
    assert isinstance(the_fault(early), Unavailable)
    assert late == []
    house.work()
    assert numbers(late) == 1
    assert house.failures == []


def test_a_search_that_nobody_waits_for_any_more_is_forgotten() -> None:
    """Given up while the listings are read, or while it has its turn; the node goes on."""
    house = NodeInMemory()
    loading = house.begin("ann", SearchListings())
    given_up = [outcome_of(loading)]
    loading.cancel()
    house.work()
    searching = house.begin("ann", SearchListings())
    given_up.append(outcome_of(searching))
    searching.cancel()
    house.work()
    house.pass_time(3)
    assert [len(outcomes) for outcomes in given_up] == [1, 1]
    assert house.node.searches.waiting == 0
    assert house.failures == []
    assert isinstance(house.ask("ann", SearchListings()), SearchResult)


def test_in_a_storm_of_updates_a_search_shows_the_instant_at_which_it_was_asked() -> None:
    """Nothing of what changed before is missing, nothing of what changes while it waits is in it, page after page."""
    house = NodeInMemory()
    house.work()
    searches: list[list[object]] = []
    for number in range(20):
        house.list_item(f"sal{number}")
        searches.append(outcome_of(house.begin("ann", SearchListings(limit=100))))
    house.work()
    assert [numbers(outcomes) for outcomes in searches] == list(range(1, 21))
    first = house.ask("ann", SearchListings(limit=8))
    seen = [row.listing for row in first.listings]
    following = first.next
    while following is not None:
        for number in range(20):
            house.list_item(f"more{len(seen)}{number}")
        page = house.ask("ann", SearchListings(limit=8, cursor=following))
        seen += [row.listing for row in page.listings]
        following = page.next
    assert len(seen) == len(set(seen)) == 20


def test_changes_are_taken_in_without_searches() -> None:
    """What nobody looks at does not pile up."""
    house = NodeInMemory(NodeLimits(searches=SearchLimits(index=IndexLimits(pending_rows_max=10))))
    house.work()
    for number in range(3):
        house.list_item(f"sal{number}")
        assert house.node.index.pending() > 0
        house.pass_time(0.1)
        assert house.node.index.pending() == 0
    assert len(house.ask("ann", SearchListings()).listings) == 3


def test_what_cannot_be_taken_in_stops_the_node() -> None:
    """A bug in the search thread is told once; the node does not go on with half an index."""
    house = NodeInMemory()
    house.work()
    house.list_item("sal")
    house.node.searches._columns.kinds = None  # type: ignore[assignment]  # a bug
    house.list_item("sal")
    house.pass_time(0.1)
    assert [failure.type for failure in house.failures] == [AttributeError]


def test_rows_that_stay_for_searches_are_bounded() -> None:
    """Where a market changes too much within a cursor's life, the oldest search is forgotten, and that is counted."""
    house = NodeInMemory(NodeLimits(searches=SearchLimits(replaced_rows_max=3)))
    house.work()
    listings = [house.list_item(f"sal{number}") for number in range(4)]
    house.grant("ann", 10_000)
    old, young = (SearchListings(limit=2, cursor=house.ask("ann", SearchListings(limit=2)).next) for _ in range(2))
    for listing in listings[:3]:
        house.bid("ann", listing, 200)
        house.pass_time(0.1)
    assert len(house.ask("ann", old).listings) == 2
    house.bid("ann", listings[3], 200)
    house.pass_time(0.1)
    assert house.ask("ann", old) == Refusal("cursor_expired")
    assert len(house.ask("ann", young).listings) == 2
    assert b'auction_limit_hits_total{limit="replaced_rows_max"} 1.0' in house.metrics.render()


def test_a_page_too_far_says_what_to_do() -> None:
    """The pages of a search lead through so many listings, and then to an error, not to a silent end."""
    house = NodeInMemory(NodeLimits(searches=SearchLimits(pages=PageLimits(found_max=2))))
    house.work()
    for number in range(3):
        house.list_item(f"sal{number}")
    page = house.ask("ann", SearchListings(limit=2))
    with pytest.raises(BadParams, match="narrow it"):
        house.ask("ann", SearchListings(limit=2, cursor=page.next))


def test_the_market_of_a_base_outlives_restarts() -> None:
    """From the snapshot, from the records beyond it, and as it happens; it is not told where it is not asked for."""
    house = NodeInMemory()
    house.work()
    assert house.ask("bob", OF_BASE).market == Market(None, 0)
    sell(house, 100)
    sell(house, 300)
    assert house.ask("bob", OF_BASE).market == Market(200, 2)
    house.pass_time(6)
    sell(house, 500)
    house.crash()
    house.start()
    house.work()
    assert house.ask("bob", OF_BASE).market == Market(300, 3)
    sell(house, 1_000)
    house.stop()
    house.start()
    house.work()
    result = house.ask("bob", OF_BASE)
    assert result.market == Market(400, 4)
    for query in (SearchListings(base=BASE), SearchListings(with_market=True)):
        assert not isinstance(house.ask("bob", query).market, Market)
    assert house.ask("bob", SearchListings(base="no_such", with_market=True)).market == Market(None, 0)


def test_a_snapshot_that_lacks_an_open_listing_stops_the_start_with_what_to_do() -> None:
    """A torn database can lose rows in silence; the node says that its disk is damaged, not that it has a bug."""
    house = NodeInMemory()
    listing = house.list_item("sal")
    house.grant("ann", 1_000)
    house.pass_time(6)
    house.bid("ann", listing, 200)
    house.crash()
    house.storage.lose_open_listings()
    house.start()
    house.work()
    (failure,) = house.failures
    assert failure.check(StorageFault)
    assert "restore" in str(failure.value)


def test_the_market_is_the_whole_houses() -> None:
    """Every node counts what was sold at any, across restarts of the one that sold and of the one that asks."""
    house = HouseInMemory(3)
    seller = house.player_at("n1")
    buyer = house.player_at("n2")
    granted = house.ask(
        "game", Grant(key="g", player=seller, items=[GrantedItem(base=BASE)] * 2), through="n1", role="service"
    ).body
    house.ask("game", Grant(key="h", player=buyer, gold=900), through="n2", role="service")
    for item, price in zip(granted.items, (200, 700), strict=True):
        made = house.ask(seller, CreateListing(item=item.item, buyout=price, duration_s=HOUR_S))
        house.ask(buyer, BuyOut(listing=made.body.listing.listing, price=price))
    house.pass_time(6)
    for restarted in (None, "n3", "n1"):
        if restarted is not None:
            house.crash(restarted)
            house.restart(restarted)
            house.pass_time(3)
        markets = [house.ask(buyer, OF_BASE, through=node).body.market for node in house.nodes]
        assert markets == [Market(450, 2)] * 3, restarted
