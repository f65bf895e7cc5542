"""Ties explain what is under way, and nothing else."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from auction.conservation import Totals, faults
from auction.player_state import PlayerState
from auction.ties import Ties
from tests.auction.house import rows_of, store_of
from tests.auction.nodes import Nodes

AL, BO = store_of("al"), store_of("bo")


@pytest.fixture
def nodes() -> Nodes:
    """al sells on n1, bo bids on n2, di on n1; bo led with 100 and its refund is under way."""
    nodes = Nodes({"al": "n1", "bo": "n2", "di": "n1"})
    for bidder in ("bo", "di"):
        nodes.grant(bidder, gold=1_000)
    listing = nodes.create("al", start_bid=50, buyout=900)
    nodes.run(nodes.bid("bo", listing, 100))
    nodes.bid("di", listing, 200)
    return nodes


def ties_of(nodes: Nodes, *, explained: bool) -> Ties:
    """The ties of a house, with or without what its nodes keep of transfers and trades."""
    ties = Ties()
    for state in nodes.states.values():
        ties.add(state)
    if explained:
        for sender, sent in nodes.unsent:
            ties.add_unsent(sender, sent)
        for trade, it in nodes.trades.items():
            ties.add_outcome(trade, bool(it.commit), it.payload)
    return ties


def balanced(nodes: Nodes, ties: Ties) -> bool:
    """Whether the house is conserved, with what lies between its stores."""
    totals = Totals()
    for state in nodes.states.values():
        totals.add(state)
    ties.count_between(totals)
    return totals.balanced()


def test_a_refund_under_way_is_explained_by_who_keeps_it(nodes: Nodes) -> None:
    """Without it gold is missing, a transfer is, and the former leader's bid stands where nobody knows of it."""
    assert ties_of(nodes, explained=True).faults() == []
    assert balanced(nodes, ties_of(nodes, explained=True))
    lost = ties_of(nodes, explained=False)
    assert not balanced(nodes, lost)
    found = "\n".join(lost.faults())
    assert f"transfers from store {AL} to {BO}: 1 sent, 0 taken in" in found
    assert "two stores hold a standing bid" in found
    assert "over all stores 100 more gold went elsewhere" in found


def test_a_transfer_taken_already_is_no_longer_under_way(nodes: Nodes) -> None:
    """Its acknowledgement was lost: the sender keeps it, and it counts once."""
    nodes.carry(duplicate=True)
    ties = ties_of(nodes, explained=True)
    assert nodes.unsent and ties.faults() == []
    assert balanced(nodes, ties)


def test_an_item_under_way_is_in_flight() -> None:
    """Sold and sent, it is neither with the seller nor with the buyer."""
    nodes = Nodes({"al": "n1", "bo": "n2"})
    nodes.grant("bo", gold=100)
    nodes.run(nodes.buy_out("bo", nodes.create("al", buyout=100), 100))
    assert balanced(nodes, ties_of(nodes, explained=True))
    assert not balanced(nodes, ties_of(nodes, explained=False))


@pytest.mark.parametrize("first", [AL, BO])
@pytest.mark.parametrize("what", ["leads", "loses", "raises", "buys"])
def test_a_trade_settled_on_one_side_is_explained_by_its_outcome(nodes: Nodes, first: str, what: str) -> None:
    """Whichever side was first, and whatever the trade does; where it moves gold, nothing else explains it."""
    (listing,) = nodes.state("al").listings.rows
    nodes.carry()
    if what == "loses":
        nodes.bid("di", listing, 800)
    elif what == "raises":
        nodes.run(nodes.bid("bo", listing, 250))
    trade = nodes.buy_out("bo", listing, 900) if what == "buys" else nodes.bid("bo", listing, 300)
    for store in (AL, BO):
        nodes.prepare(trade, store)
    nodes.decide(trade)
    nodes.settle(trade, first)
    ties = ties_of(nodes, explained=True)
    assert (ties.open_trades, ties.faults()) == (1, [])
    assert balanced(nodes, ties)
    nodes.trades[trade].commit = False
    unexplained = ties_of(nodes, explained=True)
    assert balanced(nodes, unexplained) == (what == "loses")
    assert (unexplained.faults() == []) == (what == "loses")


@pytest.mark.parametrize(
    ("tamper", "fault"),
    [
        (lambda bo: bo.bids.put(*refund_due(bo, 7)), "is owed 7 gold"),
        (lambda bo: bo.bids.drop(next(iter(bo.bids)).listing), "which expects none"),
    ],
)
def test_what_a_bid_is_owed_must_be_under_way(nodes: Nodes, tamper: Callable[[PlayerState], None], fault: str) -> None:
    """Gold owed that nobody sent, and gold sent that nobody is owed, are both named."""
    tamper(nodes.state("bo"))
    assert any(fault in found for found in ties_of(nodes, explained=True).faults())


def refund_due(state: PlayerState, gold: int) -> tuple[str, object]:
    """The first bid, owed something."""
    bid = next(iter(state.bids))
    return bid.listing, replace(bid, refund_due=gold)


def test_gold_held_must_be_held_for_a_trade(nodes: Nodes) -> None:
    """A store whose held balance is not what its open trades hold is off, and not balanced."""
    listing = nodes.create("al", start_bid=10)
    trade = nodes.bid("bo", listing, 100)
    nodes.prepare(trade, BO)
    state = nodes.state("bo")
    assert faults(state) == []
    before = rows_of(state)
    state.trades.drop(trade)
    assert before != rows_of(state)
    assert faults(state) == [f"store {BO}: the held balance is not what the open trades hold"]
    assert not balanced(nodes, ties_of(nodes, explained=True))
