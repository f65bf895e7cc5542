"""The checker of histories: what it accepts, what it refuses, and that it agrees with trying every order."""

from collections.abc import Iterable
from itertools import permutations
from math import inf
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from auction.commands import BuyOut, CancelListing, GetListing, PlaceBid
from auction.refusals import Refusal
from auction.results import BidResult, BuyoutResult, ListingResult
from auction.state import Item, Listing, ListingRules
from auction.views import listing_view
from tests.auction.house import START_MS, store_of
from tests.simulation.house import RULES
from tests.simulation.linearizable import Operation, linearizable
from tests.simulation.one_listing import END, Asked, OneListing

Do = tuple[str, int]


def register(value: int, what: Do) -> Iterable[int]:
    """A register: a write leaves its value, a read is possible where it returns the value there is."""
    kind, number = what
    if kind == "write":
        return [number]
    return [value] if number == value else []


def operation(kind: str, number: int, began_s: float, ended_s: float, *, optional: bool = False) -> Operation:
    """One operation on a register."""
    return Operation((kind, number), began_s, ended_s, optional)


def test_operations_one_after_another_are_in_order() -> None:
    """A read after a write sees it, and the order found is the one in which it happened."""
    history = [operation("read", 1, 2, 3), operation("write", 1, 0, 1)]
    assert linearizable(history, 0, register) == [history[1], history[0]]


def test_a_read_of_what_was_overwritten_before_it_began_is_refused() -> None:
    """A stale read has no place in any order."""
    history = [operation("write", 1, 0, 1), operation("write", 2, 2, 3), operation("read", 1, 4, 5)]
    assert linearizable(history, 0, register) is None


def test_operations_at_the_same_time_may_happen_in_either_order() -> None:
    """A read that overlaps a write may see it or not, but two reads in a row do not see it come and go."""
    write = operation("write", 1, 0, 10)
    assert linearizable([write, operation("read", 0, 1, 2)], 0, register) is not None
    assert linearizable([write, operation("read", 1, 1, 2)], 0, register) is not None
    assert linearizable([write, operation("read", 1, 1, 2), operation("read", 0, 3, 4)], 0, register) is None


def test_what_nobody_waited_for_may_happen_late_or_never() -> None:
    """A lost write explains a later read, and is left out where nobody saw it; one that was answered is not."""
    lost, seen, unseen = (
        operation("write", 1, 0, inf, optional=True),
        operation("read", 1, 7, 8),
        operation("read", 0, 5, 6),
    )
    assert linearizable([lost, unseen, seen], 0, register) == [unseen, lost, seen]
    assert linearizable([lost, unseen], 0, register) == [unseen]
    assert linearizable([operation("write", 1, 0, 1), unseen], 0, register) is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("read", "write")), st.integers(0, 2), st.integers(0, 8), st.integers(1, 6), st.booleans()
        ),
        max_size=5,
    )
)
def test_it_finds_an_order_exactly_where_there_is_one(drawn: list[tuple[str, int, int, int, bool]]) -> None:
    """The search agrees with trying every order of every choice of the optional operations."""
    history = [
        operation(kind, number, began_s, inf if optional else began_s + lasts_s, optional=optional)
        for kind, number, began_s, lasts_s, optional in drawn
    ]
    assert (linearizable(history, 0, register) is not None) == any(map(_is_an_order, _choices(history)))


def _choices(history: list[Operation]) -> Iterable[tuple[Operation, ...]]:
    for count in range(len(history) + 1):
        for order in permutations(history, count):
            if all(operation in order or operation.optional for operation in history):
                yield order


def _is_an_order(order: tuple[Operation, ...]) -> bool:
    value = 0
    for place, done in enumerate(order):
        if any(later.ended_s < done.began_s for later in order[place:]):
            return False
        after = list(register(value, done.what))
        if not after:
            return False
        (value,) = after
    return True


ITEM = Item("i", "tide_oar", "Tide Oar", "oars", "plain", 1, {}, False)
ROW = Listing(
    listing=f"{store_of('sue')}.l1",
    number=1,
    version=1,
    seller="sue",
    item=ITEM,
    state="open",
    start_bid=50,
    buyout=300,
    price=None,
    leader=None,
    leader_max=0,
    bids=0,
    deposit=1,
    created_at_ms=START_MS,
    ends_at_ms=START_MS + 5_000,
    first_ends_at_ms=START_MS + 5_000,
    rules=ListingRules.of(RULES),
)


def shown(player: str, **changes: Any) -> Any:
    """The listing as a player sees it after some changes."""
    fields = {name: getattr(ROW, name) for name in ROW.__struct_fields__}
    return listing_view(Listing(**{**fields, **changes}), player)


def bid(player: str, amount: int, outcome: Any, began_s: float, ended_s: float) -> Operation:
    """A bid and what its bidder heard."""
    return Operation(Asked(player, PlaceBid(listing=ROW.listing, amount=amount), outcome), began_s, ended_s)


def look(player: str, view: Any, began_s: float, ended_s: float) -> Operation:
    """Somebody looked at the listing."""
    return Operation(Asked(player, GetListing(listing=ROW.listing), ListingResult(view)), began_s, ended_s)


ANN_LEADS = BidResult(shown("ann", price=50, leader="ann", leader_max=100, bids=1), winning=True)
BOB_IS_OUTBID = Refusal("outbid", {"price": 84, "min_bid": 88})
BOB_LEADS = BidResult(shown("bob", price=50, leader="bob", leader_max=80, bids=1), winning=True)
LEADS_AFTER_BOB = BidResult(shown("ann", price=84, leader="ann", leader_max=100, bids=2), winning=True)


def check(*history: Operation) -> bool:
    """Whether a history of one listing could have happened."""
    one = OneListing(ROW, clocks_go_back=False)
    return linearizable([*history, Operation(END, 0.0, inf, optional=True)], one.start(), one.step) is not None


def test_bids_in_a_row_are_answered_by_the_rules() -> None:
    """Who bids second against a larger maximum is outbid; the same answers the other way round are impossible."""
    assert check(bid("ann", 100, ANN_LEADS, 0, 1), bid("bob", 80, BOB_IS_OUTBID, 2, 3))
    assert not check(bid("bob", 80, BOB_IS_OUTBID, 0, 1), bid("ann", 100, ANN_LEADS, 2, 3))


def test_two_first_bids_cannot_both_have_been_the_first() -> None:
    """Bids at the same time are answered in some order, and only one of them finds no other."""
    assert check(bid("ann", 100, LEADS_AFTER_BOB, 0, 9), bid("bob", 80, BOB_LEADS, 0, 9))
    assert not check(bid("ann", 100, ANN_LEADS, 0, 9), bid("bob", 80, BOB_LEADS, 0, 9))


def test_a_listing_is_sold_once() -> None:
    """After one buyout every other is refused, and the listing shows that it is sold."""
    sold = {"state": "sold", "price": 300, "leader": "ann", "deposit": 0}
    bought = Operation(
        Asked("ann", BuyOut(listing=ROW.listing, price=300), BuyoutResult(shown("ann", **sold), ITEM, 300)), 0, 1
    )
    again = Asked("bob", BuyOut(listing=ROW.listing, price=300), BuyoutResult(shown("bob", **sold), ITEM, 300))
    refused = Asked("bob", BuyOut(listing=ROW.listing, price=300), Refusal("listing_closed"))
    assert check(bought, Operation(refused, 2, 3), look("bob", shown("bob", **sold), 4, 5))
    assert not check(bought, Operation(again, 2, 3))
    assert not check(bought, look("bob", shown("bob"), 2, 3))


def test_a_listing_takes_no_bid_after_somebody_heard_that_it_is_over() -> None:
    """Time goes on: `listing_closed` comes after every bid that was taken."""
    closed = Refusal("listing_closed")
    assert check(bid("ann", 100, ANN_LEADS, 0, 1), bid("bob", 80, closed, 2, 3))
    assert not check(bid("bob", 80, closed, 0, 1), bid("ann", 100, ANN_LEADS, 2, 3))


def test_a_listing_ends_by_itself() -> None:
    """The house may end it at any time that nobody contradicts: its leader has won, for the visible price."""
    won = shown("ann", state="sold", price=50, leader="ann", bids=1, deposit=0)
    assert check(bid("ann", 100, ANN_LEADS, 0, 1), look("ann", won, 2, 3))
    assert not check(look("ann", won, 2, 3))


def test_a_listing_with_bids_is_not_cancelled() -> None:
    """The seller hears `has_bids`, or was first."""
    cancelled = ListingResult(shown("sue", state="cancelled", deposit=0))
    cancel = Asked("sue", CancelListing(listing=ROW.listing), cancelled)
    assert check(Operation(cancel, 0, 1), bid("ann", 100, Refusal("listing_closed"), 2, 3))
    assert not check(bid("ann", 100, ANN_LEADS, 0, 1), Operation(cancel, 2, 3))
