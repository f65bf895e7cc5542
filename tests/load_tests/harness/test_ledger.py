"""Ledgers and checks: what was acknowledged and is not there is found, and what may be as it is is left alone."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.codec import Message
from load_tests.harness.checks import Asker, Holdings, bid_complaints, complaints
from load_tests.harness.ledger import BidCount, Ledger, Order
from tests.load_tests.harness.making import FEES, GOLD, listing, refusal, result

QUANTITIES = st.integers(min_value=1, max_value=1_000)


class Said(Asker):
    """An Asker who knows listings beforehand."""

    def __init__(self, **listings: dict[str, object]) -> None:
        self._listings = listings

    def ask(self, method: str, **params: object) -> Message:
        """A listing that is known, or none."""
        assert method == "listing.get"
        row = self._listings.get(str(params["listing"]))
        return refusal("no_such_listing") if row is None else result(listing=row)


def has(gold: int = GOLD, items: set[str] | None = None, **pieces: int) -> Holdings:
    """Holdings without listings."""
    return Holdings(gold, items or set(), pieces, {})


def test_all_that_was_acknowledged_and_is_there_is_no_complaint() -> None:
    """A buyout, orders on both sides and a sale, each where it has to be."""
    ledger = Ledger(FEES, GOLD, ["i1"])
    ledger.pieces["iron"].add(100)
    ledger.bought("i2", 500)
    ledger.ordered("o1", Order("iron", buys=True, price=10, resting=3), filled=2, paid=20, received=0)
    ledger.order_ended("o1", gold=20)
    ledger.ordered("o2", Order("iron", buys=False, price=10, resting=0), filled=5, paid=0, received=43)
    assert complaints("ann", ledger, has(GOLD - 500 - 20 - 10 + 43, {"i1", "i2"}, iron=100 + 2 + 1 - 5)) == []
    assert ledger.acknowledged == 4


def test_lost_gold_is_found() -> None:
    """One gold less than was left, or more, is a complaint."""
    ledger = Ledger(FEES, GOLD)
    ledger.bought("i2", 500)
    for gold in (GOLD - 501, GOLD):
        (found,) = complaints("ann", ledger, has(gold, {"i2"}))
        assert f"has {gold} gold where {GOLD - 500}" in found


def test_a_lost_item_is_found() -> None:
    """An item that was bought, or granted, and is neither in the stash nor waiting is a complaint each."""
    ledger = Ledger(FEES, GOLD, ["i1"])
    ledger.bought("i2", 0)
    assert len(complaints("ann", ledger, has())) == 2


def test_lost_pieces_are_found() -> None:
    """A fill that was acknowledged and whose pieces are missing is a complaint."""
    ledger = Ledger(FEES, GOLD)
    ledger.ordered("o1", Order("iron", buys=True, price=10, resting=0), filled=2, paid=20, received=0)
    (found,) = complaints("ann", ledger, has(GOLD - 20, iron=1))
    assert "has 1 of iron where 2" in found


def test_a_lost_listing_is_found() -> None:
    """A listing that the house does not know any more is a complaint."""
    ledger = Ledger(FEES, GOLD, ["i1"])
    ledger.listed("l1", "i1", 100)
    asker = Said()
    (found,) = complaints("ann", ledger, Holdings(GOLD, set(), {}, {"l1": asker.listing("l1")}))
    assert "l1 is not there" in found


@pytest.mark.parametrize(("price", "proceeds"), [(1000, 850), (999, 849), (1, 0)])
def test_what_a_listing_sold_for_has_to_be_there_less_the_fee(price: int, proceeds: int) -> None:
    """The fee is rounded up, and two gold less than that are missed."""
    ledger = Ledger(FEES, GOLD, ["i1"])
    ledger.listed("l1", "i1", 100)
    sold = Said(l1=listing("l1", price, state="sold", item={"item": "i1"}))
    rows = {"l1": sold.listing("l1")}
    assert complaints("ann", ledger, Holdings(GOLD + proceeds, set(), {}, rows)) == []
    assert len(complaints("ann", ledger, Holdings(GOLD + proceeds - 2, set(), {}, rows))) == 1


@given(QUANTITIES, QUANTITIES, QUANTITIES, st.booleans())
def test_an_order_without_an_answer_may_have_been_filled_or_not(
    quantity: int, price: int, filled: int, buys: bool
) -> None:
    """Whatever was filled of it, nothing is missed; and more gold gone than it could cost is."""
    filled = min(filled, quantity)
    ledger = Ledger(FEES, GOLD)
    ledger.pieces["iron"].add(1_000)
    ledger.order_unknown(Order("iron", buys, price, quantity))
    gold = GOLD - filled * price if buys else GOLD + filled * price
    pieces = 1_000 + filled if buys else 1_000 - filled
    assert complaints("ann", ledger, has(gold, iron=pieces)) == []
    assert complaints("ann", ledger, has(GOLD - quantity * price - 1, iron=pieces))


@given(QUANTITIES, QUANTITIES, st.integers(min_value=0, max_value=1_000))
def test_a_resting_order_is_held_to_the_piece(resting: int, price: int, back: int) -> None:
    """Taken back in part, the rest was bought at its price; a piece that is missing then is found."""
    back = min(back, resting)
    ledger = Ledger(FEES, GOLD)
    ledger.ordered("o1", Order("iron", buys=True, price=price, resting=resting), filled=0, paid=0, received=0)
    ledger.order_ended("o1", gold=back * price)
    bought = resting - back
    assert complaints("ann", ledger, has(GOLD - bought * price, iron=bought)) == []
    assert complaints("ann", ledger, has(GOLD - bought * price, iron=bought - 1))


def test_a_buyout_without_an_answer_may_have_cost_its_price() -> None:
    """Paid or not, there is no complaint; half paid, there is."""
    ledger = Ledger(FEES, GOLD)
    ledger.gold.maybe(-500)
    assert not complaints("ann", ledger, has(GOLD)) and not complaints("ann", ledger, has(GOLD - 500))
    assert complaints("ann", ledger, has(GOLD - 501))


@pytest.mark.parametrize(
    ("bids", "price", "said"),
    [
        (5, 200, []),
        (6, 200, []),
        (4, 200, ["shows 4 bids, 5 were acknowledged"]),
        (7, 200, ["shows 7 bids, at most 6 were made"]),
        (5, 199, ["stands at 199, 200 was acknowledged"]),
    ],
)
def test_lost_and_doubled_bids_are_found(bids: int, price: int, said: list[str]) -> None:
    """A listing has as many bids as all generators together know of, and no lower price than any was told."""
    count = BidCount(certain=2, possible=3, price=150)
    count.merge(BidCount(certain=3, possible=3, price=200))
    asker = Said(l1=listing("l1", price, bids=bids))
    found = bid_complaints({"l1": count}, asker, ours_alone=True)
    assert len(found) == len(said) and all(words in text for words, text in zip(said, found, strict=True))


def test_strangers_may_bid_too() -> None:
    """On a server that is not ours alone more bids than ours are no complaint, fewer are."""
    asker = Said(l1=listing("l1", 900, bids=50))
    assert bid_complaints({"l1": BidCount(1, 1, 100)}, asker, ours_alone=False) == []
    assert bid_complaints({"l2": BidCount(1, 1, 100)}, asker, ours_alone=False)


def test_counts_travel() -> None:
    """What a generator counted is the same when it was a line of JSON."""
    count = BidCount(2, 3, 9)
    assert msgspec.json.decode(msgspec.json.encode(count), type=BidCount) == count
