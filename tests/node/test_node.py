"""A whole node, from a request to its answer, through crashes, sleep and restarts."""

from typing import Any

import pytest
from twisted.internet.defer import CancelledError
from twisted.python.failure import Failure

from auction.commands import ClaimDelivery, EventsSince, GetListing, GetPlayer, ListDeliveries, PlaceBid, SearchListings
from auction.context import Caller, Request
from auction.keys import own
from auction.refusals import Refusal
from auction.results import BidResult, PlayerResult
from shardnode.node.awake_stores import StoreLimits
from shardnode.node.checkpoints import CheckpointLimits
from shardnode.node.node import NodeLimits
from shardnode.storage.port import StorageFault
from shardnode.wire.errors import Unavailable
from tests.node.house import HOUR_S, NodeInMemory


@pytest.fixture
def house() -> NodeInMemory:
    """A fresh node."""
    return NodeInMemory()


def gold(house: NodeInMemory, player: str) -> tuple[int, int]:
    """What a player can spend and what its bids hold."""
    result: PlayerResult = house.ask(player, GetPlayer())
    return result.gold.available, result.gold.escrowed


def test_an_answer_leaves_only_when_its_record_is_durable(house: NodeInMemory) -> None:
    """A bid is decided at once and answered after the journal's commit."""
    listing = house.list_item("sal")
    house.grant("ann", 1_000)
    answers: list[Any] = []
    house.begin("ann", PlaceBid(listing=listing, amount=100)).addBoth(answers.append)
    house.files_lane.run()
    house.reactor.advance(0)
    assert answers == []
    house.journal_lane.run()
    assert isinstance(answers[0].body, BidResult)


def test_a_read_waits_for_what_it_read(house: NodeInMemory) -> None:
    """A player who sees a bid in effect sees it only once nothing can take it back."""
    listing = house.list_item("sal")
    house.grant("ann", 1_000)
    house.begin("ann", PlaceBid(listing=listing, amount=100))
    read: list[Any] = []
    house.begin("ann", GetPlayer()).addBoth(read.append)
    house.files_lane.run()
    house.reactor.advance(0)
    assert read == []
    house.journal_lane.run()
    assert read[0].body.gold.available == 900


def test_who_was_outbid_is_told_after_it_is_durable(house: NodeInMemory) -> None:
    """A push follows its record through the gate."""
    listing = house.list_item("sal")
    house.grant("ann", 1_000)
    house.grant("bob", 1_000)
    house.bid("ann", listing, 200)
    house.pushed.clear()
    house.begin("bob", PlaceBid(listing=listing, amount=300))
    assert house.pushed == []
    house.work()
    assert [(player, notice.type) for player, notice in house.pushed] == [("ann", "listing.outbid")]


def test_a_crash_forgets_what_was_not_durable_and_nothing_else(house: NodeInMemory) -> None:
    """After a restart every answered bid is there and the unanswered one is not."""
    listing = house.list_item("sal")
    house.grant("ann", 1_000)
    house.grant("bob", 1_000)
    house.bid("ann", listing, 200)
    house.begin("bob", PlaceBid(listing=listing, amount=300))
    house.crash()
    house.start()
    assert gold(house, "ann") == (800, 200)
    assert gold(house, "bob") == (1_000, 0)
    assert house.ask("bob", GetListing(listing=listing)).listing.price == 100


def test_a_repeat_after_a_crash_has_one_effect(house: NodeInMemory) -> None:
    """A key executed before the crash is answered from the store afterwards."""
    listing = house.list_item("sal")
    house.grant("ann", 1_000)
    first = house.ask("ann", PlaceBid(listing=listing, amount=200, key="k"))
    house.crash()
    house.start()
    answers: list[Any] = []
    house.begin("ann", PlaceBid(listing=listing, amount=200, key="k")).addBoth(answers.append)
    house.work()
    assert answers[0].encoded is not None
    assert not answers[0].refused
    assert isinstance(first, BidResult)
    assert gold(house, "ann") == (800, 200)


def test_checkpoints_shorten_the_journal(house: NodeInMemory) -> None:
    """After a pass the stores' files hold everything and the journal nothing."""
    listing = house.list_item("sal")
    house.grant("ann", 1_000)
    house.bid("ann", listing, 200)
    assert house.storage.journal.length() > 0
    house.pass_time(12)
    assert house.storage.journal.length() == 0
    assert len(house.node.stores.dirty) == 0
    assert gold(house, "ann") == (800, 200)


def test_idle_stores_sleep_and_wake_as_they_were() -> None:
    """A store that nobody asked for leaves memory, and a later request finds it unchanged."""
    house = NodeInMemory(NodeLimits(stores=StoreLimits(idle_s=20)))
    listing = house.list_item("sal")
    house.grant("ann", 1_000)
    house.bid("ann", listing, 200)
    house.pass_time(40)
    assert len(house.node.stores) == 0
    assert gold(house, "ann") == (800, 200)
    assert house.bid("ann", listing, 150) == Refusal("bid_too_low", {"min_bid": 201})


def test_a_clean_stop_leaves_all_in_the_files(house: NodeInMemory) -> None:
    """After a stop in order a start replays nothing."""
    listing = house.list_item("sal")
    house.grant("ann", 1_000)
    house.bid("ann", listing, 200)
    house.stop()
    house.start()
    assert house.storage.journal.length() == 0
    assert gold(house, "ann") == (800, 200)


def test_stores_that_a_crash_left_behind_are_saved_without_being_asked_for(house: NodeInMemory) -> None:
    """The journal grows short again after a crash even if nobody comes back."""
    for number in range(5):
        house.grant(f"p{number}", 10)
    house.crash()
    house.start()
    assert house.storage.journal.length() > 0
    house.pass_time(12)
    assert house.storage.journal.length() == 0


def test_a_stop_right_after_a_crash_also_leaves_all_in_the_files(house: NodeInMemory) -> None:
    """A clean stop brings every file up to date, also of players who were never asked for."""
    for number in range(5):
        house.grant(f"p{number}", 10)
    house.crash()
    house.start()
    house.stop()
    house.start()
    assert house.storage.journal.length() == 0


def test_a_listing_ends_at_its_instant_and_everybody_is_told(house: NodeInMemory) -> None:
    """The timer settles a listing: winner and seller find their deliveries."""
    listing = house.list_item("sal")
    house.grant("ann", 1_000)
    house.bid("ann", listing, 200)
    house.pass_time(HOUR_S - 1)
    assert house.ask("ann", GetListing(listing=listing)).listing.state == "open"
    house.pass_time(1.2)
    assert house.ask("ann", GetListing(listing=listing)).listing.state == "sold"
    (won,) = house.ask("ann", ListDeliveries()).deliveries
    assert won.kind == "won"
    assert gold(house, "ann") == (900, 0)
    house.ask("sal", ClaimDelivery(delivery=house.ask("sal", ListDeliveries()).deliveries[0].delivery))
    assert gold(house, "sal") == (85, 0)


def test_a_listing_that_fell_due_while_the_node_was_down_ends_once(house: NodeInMemory) -> None:
    """It ends late rather than never, and a second start does not end it again."""
    listing = house.list_item("sal")
    house.crash()
    house.reactor.advance(2 * HOUR_S)
    house.start()
    house.pass_time(0.5)
    assert house.ask("sal", GetListing(listing=listing)).listing.state == "expired"
    house.crash()
    house.start()
    house.pass_time(0.5)
    assert len(house.ask("sal", ListDeliveries()).deliveries) == 1
    assert [event.seq for event in house.ask("sal", EventsSince(seq=0)).events] == [1, 2]


def test_a_wall_clock_that_jumps_ends_nothing(house: NodeInMemory) -> None:
    """While the clock is not believed, listings stay open and take bids."""
    listing = house.list_item("sal")
    house.grant("ann", 1_000)
    house.pass_time(0.1)
    house.wall_ahead_s = 10 * HOUR_S
    house.pass_time(1)
    assert isinstance(house.bid("ann", listing, 200), BidResult)


def test_search_finds_what_is_durable_also_after_a_restart(house: NodeInMemory) -> None:
    """The index is rebuilt from its snapshot and the journal's tail, without waking a store."""
    first = house.list_item("sal")
    house.pass_time(6)
    second = house.list_item("sal")
    house.grant("ann", 1_000)
    house.bid("ann", first, 200)
    house.crash()
    house.start()
    found = house.ask("ann", SearchListings()).listings
    assert {(row.listing, row.price, row.winning) for row in found} == {(first, 100, True), (second, None, False)}
    assert len(house.node.stores) == 0


def test_a_failing_journal_stops_the_node_and_answers_nobody(house: NodeInMemory) -> None:
    """When the disk fails nothing leaves any more, and the node says so once."""

    def fail(operation: str) -> None:
        if operation == "append":
            raise StorageFault("no space left on device")

    listing = house.list_item("sal")
    house.grant("ann", 1_000)
    house.storage.before = fail
    answers: list[Any] = []
    house.begin("ann", PlaceBid(listing=listing, amount=100)).addBoth(answers.append)
    house.begin("ann", GetPlayer()).addBoth(answers.append)
    house.work()
    assert answers == []
    assert [failure.type for failure in house.failures] == [StorageFault]
    with pytest.raises(Unavailable):
        house.ask("ann", GetPlayer())


def test_one_damaged_store_does_not_stop_the_others(house: NodeInMemory) -> None:
    """What needs the damaged file is unavailable, everything else goes on, and nothing is decided without it."""
    listing = house.list_item("sal")
    house.grant("ann", 1_000)
    house.grant("bob", 1_000)
    house.stop()
    house.start()
    house.storage.damage(house.node.names.store_of("ann"))
    with pytest.raises(Unavailable):
        house.ask("ann", GetPlayer())
    assert isinstance(house.bid("bob", listing, 200), BidResult)
    assert house.failures == []


def test_a_node_with_too_many_dirty_stores_asks_for_patience() -> None:
    """Beyond the bound mutations are refused for certain, reads go on, and a checkpoint makes room."""
    house = NodeInMemory(NodeLimits(stores=StoreLimits(dirty_max=2), checkpoints=CheckpointLimits(interval_s=5)))
    house.grant("ann", 10)
    house.grant("bob", 10)
    with pytest.raises(Unavailable):
        house.grant("cat", 10)
    assert gold(house, "ann") == (10, 0)
    house.pass_time(6)
    house.grant("cat", 10)
    assert gold(house, "cat") == (10, 0)


def test_a_node_full_of_stores_asks_for_patience() -> None:
    """A store too many is not woken; those that are awake are served."""
    house = NodeInMemory(NodeLimits(stores=StoreLimits(awake_max=2)))
    house.grant("ann", 10)
    house.grant("bob", 10)
    with pytest.raises(Unavailable):
        house.ask("cat", GetPlayer())
    assert gold(house, "ann") == (10, 0)


def test_a_node_full_of_stores_that_nobody_uses_any_more_makes_room_at_once() -> None:
    """Whoever asks for listings that never were fills the memory with empty stores, and must lock nobody out by it."""
    stores = StoreLimits(awake_max=10)
    house = NodeInMemory(NodeLimits(stores=stores, checkpoints=CheckpointLimits(interval_s=3_600)))
    for letter in "abcdefghij":
        house.ask("eve", GetListing(listing=f"{letter * 26}.l1"))
    with pytest.raises(Unavailable):
        house.ask("ann", GetPlayer())
    house.pass_time(2)
    assert gold(house, "ann") == (0, 0)
    assert len(house.node.stores) <= 10


def test_a_stopping_node_takes_nothing_more(house: NodeInMemory) -> None:
    """After the stop began, requests are refused as unavailable."""
    house.grant("ann", 10)
    house.node.stop()
    with pytest.raises(Unavailable):
        house.ask("ann", GetPlayer())


def test_a_bug_stops_the_node_before_it_lies(house: NodeInMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    """An assertion in the rules is never turned into an answer."""
    house.grant("ann", 10)

    def buggy(*_: object) -> None:
        raise AssertionError("a wallet would be negative")

    monkeypatch.setattr("shardnode.node.requests.execute", buggy)
    answers: list[Any] = []
    house.begin("ann", GetPlayer()).addBoth(answers.append)
    house.work()
    assert answers == []
    assert [type(failure) for failure in house.failures] == [Failure]


def test_a_key_that_was_told_in_doubt_is_kept(house: NodeInMemory) -> None:
    """A mutation without a key, answered `in_doubt`, can be repeated with the key that was told, for one effect."""
    listing = house.list_item("sal")
    house.grant("ann", 100_000)
    request = Request(Caller("ann", "player"), PlaceBid(listing=listing, amount=200), house.node.mint_key())
    house.node.ask(request)
    house.work()
    house.node.tell_key(house.node.names.store_of("ann"), own(request.own_key))
    for amount in range(300, 300 + 200):
        house.bid("ann", listing, amount)
    house.crash()
    house.start()
    answers: list[Any] = []
    house.begin("ann", PlaceBid(listing=listing, amount=200, key=request.own_key)).addBoth(answers.append)
    house.work()
    assert answers[0].encoded is not None
    assert gold(house, "ann") == (100_000 - 499, 499)


def test_a_mutation_given_up_before_it_was_decided_is_never_done(house: NodeInMemory) -> None:
    """Its client was told the key to repeat it with: done after that, it would be done under a key kept by nobody."""
    listing = house.list_item("sal")
    house.grant("ann", 1_000)
    house.stop()
    house.start()
    answer = house.begin("ann", PlaceBid(listing=listing, amount=200))
    answer.addErrback(lambda failure: failure.trap(CancelledError))
    answer.cancel()
    house.work()
    assert gold(house, "ann") == (1_000, 0)


def test_a_mutation_given_up_after_it_was_decided_stays_done(house: NodeInMemory) -> None:
    """Its answer finds nobody; the repeat under the key that was told does."""
    listing = house.list_item("sal")
    house.grant("ann", 1_000)
    answer = house.begin("ann", PlaceBid(listing=listing, amount=200, key="k"))
    answer.addErrback(lambda failure: failure.trap(CancelledError))
    answer.cancel()
    house.work()
    assert gold(house, "ann") == (800, 200)
    house.bid("ann", listing, 200, key="k")
    assert gold(house, "ann") == (800, 200)
    assert house.failures == []
