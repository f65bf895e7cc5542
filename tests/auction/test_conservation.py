"""The proof of conservation finds what it is meant to find."""

from typing import Any

from msgspec.structs import replace

from auction.conservation import Totals, faults
from auction.player_state import PlayerState
from tests.auction.house import MAX, House


def traded() -> House:
    """A house with gold, items and commodities in every place they can be in."""
    house = House()
    house.grant("al", gold=100, items=2, commodities={"tin": 5})
    house.grant("bo", gold=1_000)
    house.bid("bo", house.create("al", start_bid=10), 200)
    house.buy_out("bo", house.create("al", buyout=100), 100)
    return house


def totals(house: House) -> Totals:
    """The sums over all stores of a house."""
    counted = Totals()
    for state in house.states.values():
        counted.add(state)
    return counted


def changed(state: PlayerState, table: str, **fields: Any) -> None:
    """Tamper with the first row of a table."""
    rows = getattr(state, table).rows
    key = next(iter(rows))
    rows[key] = replace(rows[key], **fields)


def test_a_sound_house_is_balanced() -> None:
    """Every place is counted, and together they are what was granted less what was burned."""
    counted = totals(traded())
    assert counted.balanced()
    assert (counted.gold.granted, counted.gold.burned, counted.gold.held) == (1_100, 15, 800)
    assert (counted.gold.escrow, counted.gold.in_flight) == (200, 85)
    assert (counted.items.granted, counted.items.burned, counted.items.held) == (4, 0, 2)
    assert (counted.items.escrow, counted.items.in_flight) == (1, 1)
    assert (counted.commodities["tin"].granted, counted.commodities["tin"].held) == (5, 5)
    assert counted.stores == 2


def test_a_store_never_written_to_counts_for_nothing() -> None:
    """An empty state has nothing to count and no faults."""
    counted = Totals()
    counted.add(PlayerState())
    assert (counted.stores, counted.balanced(), faults(PlayerState())) == (0, True, [])


def test_gold_out_of_nowhere_is_found() -> None:
    """One gold more in a wallet, an escrow or a delivery unbalances the house and its store's books."""
    for table, fields in (
        ("account", {"gold": 101}),
        ("listings", {"leader_max": 201}),
        ("deliveries", {"gold": 86}),
        ("account", {"gold_burned": 14}),
    ):
        house = traded()
        changed(house.state("al"), table, **fields)
        assert not totals(house).balanced()
        assert len(faults(house.state("al"))) == 1


def test_an_item_in_two_places_is_found() -> None:
    """An item that is in a stash and in a delivery at once is named, even if the counts agree."""
    house = traded()
    (delivery,) = house.state("bo").deliveries
    item = delivery.items[0]
    state = house.state("al")
    state.items.drop(next(iter(state.items)).item)
    state.items.put(item.item, item)
    counted = totals(house)
    assert counted.items.holds()
    assert counted.duplicates == [item.item]
    assert not counted.balanced()


def test_a_lost_item_or_commodity_is_found() -> None:
    """What vanished without being burned unbalances the house."""
    house = traded()
    house.state("al").items.drop(next(iter(house.state("al").items)).item)
    assert not totals(house).items.holds()
    changed(house.state("al"), "commodities", quantity=4)
    assert not totals(house).commodities["tin"].holds()


def test_an_amount_out_of_bounds_is_found() -> None:
    """A quantity past 2^53 − 1 is told as such."""
    house = traded()
    changed(house.state("al"), "commodities", quantity=MAX + 1)
    assert ["out of bounds" in fault for fault in faults(house.state("al"))] == [True]
