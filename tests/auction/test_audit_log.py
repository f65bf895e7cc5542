"""The audit log: every deed of somebody with a role, and every trade of great worth, in the record of the deed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction.commands import AcceptOffer, BuyCommodity, Grant, MakeOffer, OfferSide, SellCommodity, Take
from auction.events import Audited
from auction.grants import ITEMS_NAMED
from auction.state import AuditEntry
from tests.auction.house import MAX, START_MS, House, market_of, replayed, rows_of, store_of
from worlddata.types import Rules


@pytest.fixture
def house() -> House:
    """A house where trades for 100 gold and more are kept."""
    house = House(Rules(audit_worth=100))
    house.grant("bo", gold=10_000)
    return house


def entries(house: House, store: str) -> list[AuditEntry]:
    """All entries of a store, the oldest first, out of the records."""
    events = [event for record in house.records for event in record.get(store, ())]
    return [event.entry for event in events if isinstance(event, Audited)]


def trades(house: House, store: str) -> list[AuditEntry]:
    """Those of trades."""
    return [entry for entry in entries(house, store) if entry.action == "trade"]


def test_a_grant_and_a_take_leave_entries(house: House) -> None:
    """Who, in which role, what, when; in the store of the player it was done to."""
    (item,) = house.grant("al", gold=50, items=1, commodities={"tin": 7})
    house.now_ms += 9
    take = Take(key="t", player="al", gold=20, items=[item], commodities={"tin": 2, "salt": 0})
    house.done(house.ask("smith", take, "service"))
    assert entries(house, store_of("al")) == [
        AuditEntry(1, START_MS, "mint", "service", "admin.grant", None, 50, f"50 gold, 7 tin, {item}"),
        AuditEntry(2, START_MS + 9, "smith", "service", "admin.take", None, 20, f"20 gold, 2 tin, {item}"),
    ]


def test_what_was_refused_leaves_none(house: House) -> None:
    """And neither does a repeated key, which did nothing."""
    before = len(house.records)
    for player in ("al", "bo"):
        ask = Take(key="t", player=player, gold=99_999)
        house.refusal("smith", ask, "service")
    assert len(house.records) == before
    grant = Grant(key="k", player="al", gold=1)
    assert house.answer("mint", grant, "service").encoded == house.answer("mint", grant, "service").encoded
    assert len(entries(house, store_of("al"))) == 1


def test_of_many_items_some_are_named(house: House) -> None:
    """An entry stays readable; the history has all of them."""
    items = house.grant("al", items=ITEMS_NAMED + 5)
    (entry,) = entries(house, store_of("al"))
    assert entry.detail.endswith("and 5 more items")
    assert [item for item in items if item in entry.detail.split(", ")] == items[:ITEMS_NAMED]
    house.grant("cy")
    assert entries(house, store_of("cy"))[0].detail == "nothing"


@pytest.mark.parametrize(("price", "kept"), [(99, False), (100, True), (101, True)])
def test_a_sale_of_great_worth_is_kept_where_the_item_was_sold(house: House, price: int, kept: bool) -> None:
    """From the worth on that the rules name, the price itself included; with buyer, seller and item."""
    (item,) = house.grant("al", items=1)
    listing = house.create("al", item=item, buyout=price)
    house.now_ms += 5
    house.done(house.buy_out("bo", listing, price))
    expected = AuditEntry(2, START_MS + 5, "bo", "player", "trade", listing, price, f"{item} (Tide Oar) of al")
    assert trades(house, store_of("al")) == ([expected] if kept else [])
    assert trades(house, store_of("bo")) == []


def test_an_auction_is_worth_what_was_paid(house: House) -> None:
    """Not the winner's maximum, nor the price that was asked."""
    for start_bid in (99, 100):
        listing = house.create("al", start_bid=start_bid)
        house.bid("bo", listing, 5_000)
        house.run_out(listing)
    assert [entry.worth for entry in trades(house, store_of("al"))] == [100]


def test_nothing_is_kept_where_the_rule_is_off() -> None:
    """A worth of 0 turns it off; deeds of those with a role are kept all the same."""
    house = House(Rules(audit_worth=0))
    house.grant("bo", gold=10_000)
    listing = house.create("al", buyout=5_000)
    house.buy_out("bo", listing, 5_000)
    assert [entry.action for entry in entries(house, store_of("al"))] == ["admin.grant"]


def test_a_fill_of_great_worth_is_kept_in_the_market(house: House) -> None:
    """Each fill by itself, not their sum."""
    house.grant("al", commodities={"tin": 100})
    for price, quantity in ((10, 9), (11, 10)):
        house.done(house.ask("al", SellCommodity(commodity="tin", quantity=quantity, limit_price=price)))
    order = house.done(house.ask("bo", BuyCommodity(commodity="tin", quantity=19, limit_price=20))).order
    (entry,) = entries(house, market_of("tin"))
    assert (entry.number, entry.who, entry.worth) == (1, "bo", 110)
    assert entry.detail == f"10 of tin from al, by {order}"


def test_an_offer_of_great_worth_is_kept_with_its_maker(house: House) -> None:
    """Its worth is the gold of the side that gives more of it."""
    (item,) = house.grant("al", items=1)
    give, want = OfferSide(items=[item]), OfferSide(gold=100)
    offer = house.done(house.ask("al", MakeOffer(to="bo", give=give, want=want))).offer
    house.done(house.ask("bo", AcceptOffer(offer=offer)))
    (entry,) = trades(house, store_of("al"))
    assert (entry.who, entry.ref, entry.worth) == ("bo", offer, 100)


@given(worth=st.sampled_from([1, 2**31, 2**32, MAX]), price=st.sampled_from([1, 2**31 - 1, 2**31, 2**32, MAX]))
def test_worth_is_compared_without_overflow(worth: int, price: int) -> None:
    """Up to the largest amount there is."""
    house = House(Rules(audit_worth=worth))
    house.grant("bo", gold=MAX)
    listing = house.create("al", buyout=price)
    house.done(house.buy_out("bo", listing, price))
    assert bool(trades(house, store_of("al"))) == (price >= worth)


def test_entries_are_numbered_store_by_store_and_replayed(house: House) -> None:
    """Their numbers have no gaps, whatever else happens; replay writes the same."""
    for _ in range(3):
        listing = house.create("al", buyout=100)
        house.buy_out("bo", listing, 100)
    house.freeze("house")
    again: dict[str, Any] = replayed(house.records)
    for store, state in house.states.items():
        assert [entry.number for entry in entries(house, store)] == list(range(1, len(entries(house, store)) + 1))
        assert rows_of(again.get(store, state)) == rows_of(state)
