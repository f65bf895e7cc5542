"""Searches that wait for their turn are bounded, and what they read at a start must be whole."""

from auction.commands import SearchListings
from auction.context import Answer
from auction.results import SearchResult
from shardnode.node.node import NodeLimits
from shardnode.node.searches import SearchLimits
from shardnode.storage.port import StorageFault
from tests.node.house import NodeInMemory


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
