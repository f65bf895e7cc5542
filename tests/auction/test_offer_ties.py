"""Both stores of an offer must tell the same, and what it holds must be somewhere."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from auction.conservation import Totals, faults
from auction.player_state import PlayerState
from auction.state import Assets, ReceivedOffer
from auction.ties import Ties
from tests.auction.house import store_of
from tests.auction.nodes import Nodes
from tests.auction.offering import made, side

AL, BO = store_of("al"), store_of("bo")


@pytest.fixture
def nodes() -> Nodes:
    """al, on n1, offers bo, on n2, gold, an item and tin."""
    nodes = Nodes({"al": "n1", "bo": "n2", "cy": "n3"})
    (item,) = nodes.grant("al", gold=1_000, items=1, commodities={"tin": 5})
    for player in ("bo", "cy"):
        nodes.grant(player, gold=1_000)
    made(nodes, "al", "bo", side(300, [item], tin=2), side(50))
    return nodes


def proof(nodes: Nodes) -> tuple[list[str], bool]:
    """What two stores disagree on, and whether all is conserved."""
    totals, ties = Totals(), Ties()
    for state in nodes.states.values():
        totals.add(state)
        ties.add(state)
    ties.count_between(totals)
    return ties.faults(), totals.balanced()


def received(nodes: Nodes) -> ReceivedOffer:
    """The offer in bo's inbox."""
    (row,) = nodes.state("bo").inbox
    return row


@pytest.mark.parametrize(
    ("tamper", "fault"),
    [
        (lambda al, _bo, _cy, row: al.offers.drop(row.offer), "in the inbox of store"),
        (lambda _al, bo, _cy, row: bo.inbox.drop(row.offer), "made to bo, in whose inbox it is not"),
        (lambda _al, _bo, cy, row: cy.inbox.put(row.offer, row), "in two inboxes"),
        (lambda _al, bo, _cy, row: bo.inbox.put(row.offer, replace(row, maker="cy")), "tell it differently"),
        (lambda _al, bo, _cy, row: bo.inbox.put(row.offer, replace(row, give=Assets(301))), "tell it differently"),
    ],
)
def test_what_two_stores_say_must_agree(
    nodes: Nodes, tamper: Callable[[PlayerState, PlayerState, PlayerState, ReceivedOffer], None], fault: str
) -> None:
    """Whatever is missing, twice or different is named, with the offer."""
    assert proof(nodes) == ([], True)
    row = received(nodes)
    tamper(nodes.state("al"), nodes.state("bo"), nodes.state("cy"), row)
    found, _ = proof(nodes)
    assert any(row.offer in told and fault in told for told in found), found


def test_it_must_be_in_the_inbox_of_whom_it_is_made_to(nodes: Nodes) -> None:
    """Not in anybody else's."""
    row = received(nodes)
    nodes.state("bo").inbox.drop(row.offer)
    nodes.state("cy").inbox.put(row.offer, row)
    assert proof(nodes)[0] == [f"offer {row.offer}: the two stores tell it differently"]


@pytest.mark.parametrize(
    ("give", "is_wrong_in_the_books"),
    [
        (lambda give: replace(give, gold=299), True),
        (lambda give: replace(give, items=()), False),
        (lambda give: replace(give, commodities={"tin": 1}), False),
    ],
)
def test_what_an_offer_holds_must_be_there(
    nodes: Nodes, give: Callable[[Assets], Assets], is_wrong_in_the_books: bool
) -> None:
    """Gold, items and pieces that are missing from an offer are missing from the house."""
    state = nodes.state("al")
    (row,) = state.offers
    state.offers.put(row.offer, replace(row, give=give(row.give)))
    assert not proof(nodes)[1]
    assert bool(faults(state)) == is_wrong_in_the_books


def test_an_item_that_an_offer_holds_is_nowhere_else(nodes: Nodes) -> None:
    """In the stash as well, it is a duplicate."""
    state = nodes.state("al")
    (row,) = state.offers
    (item,) = row.give.items
    state.items.put(item.item, item)
    totals = Totals()
    for each in nodes.states.values():
        totals.add(each)
    assert totals.duplicates == [item.item]
