"""Sums that were too large for the house, and more that came back than was put in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction.commands import BuyCommodity, CancelOrder, MyOrders, QuoteCommodity, SellCommodity
from tests.auction.house import MAX, House, refused

STACK = 2**31
"""What 32 bits with a sign do not hold."""


def test_price_times_quantity_beyond_32_bits() -> None:
    """The story: a cap on stacks was raised, price × quantity overflowed 32 bits, and whoever cancelled such an order
    was given billions. Here the product is exact, held in full and given back in full, up to 2^53 − 1 and no further.
    """
    house = House()
    house.grant("ann", gold=STACK * 3)
    placed = house.done(house.ask("ann", BuyCommodity(commodity="tin", quantity=STACK + 1, limit_price=2)))
    assert house.wallet("ann") == STACK - 2
    back = house.done(house.ask("ann", CancelOrder(order=placed.order)))
    assert back.returned.gold == (STACK + 1) * 2
    assert house.wallet("ann") == STACK * 3
    house.grant("bob", commodities={"tin": 2**27})
    for ask in (
        BuyCommodity(commodity="tin", quantity=2**27, limit_price=2**27),
        SellCommodity(commodity="tin", quantity=2**27, limit_price=2**27),
    ):
        reason, data = refused(house.ask("bob", ask))
        assert (reason, data["max"]) == ("price_out_of_range", MAX // 2**27)
    assert house.wallet("bob") == 0


@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(1, 12))
def test_cancelling_what_was_partly_filled(fills: list[int], quantity: int) -> None:
    """The story: cancelling an order paid back all of it, also what had been filled meanwhile. Here exactly what is
    left comes back, whatever was filled, once.
    """
    house = House()
    house.grant("ann", gold=quantity * 7)
    order = house.done(house.ask("ann", BuyCommodity(commodity="tin", quantity=quantity, limit_price=7))).order
    left = quantity
    for size in fills:
        house.grant("bob", commodities={"tin": size})
        sold = house.done(house.ask("bob", SellCommodity(commodity="tin", quantity=size, limit_price=7)))
        assert sold.filled == min(size, left)
        left -= sold.filled
    answer = house.ask("ann", CancelOrder(order=order))
    if left:
        assert house.done(answer).returned.gold == left * 7
    else:
        assert refused(answer)[0] == "order_closed"
    assert refused(house.ask("ann", CancelOrder(order=order)))[0] == "order_closed"
    assert house.wallet("ann") == left * 7
    house.claim_all("ann")
    held = house.state("ann").commodities.get("tin")
    assert (held.quantity if held is not None else 0) == quantity - left


@pytest.mark.parametrize("sizes", [[5], [5, 3], [1, 1, 1]])
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_orders_that_consume_a_level_to_the_piece(sizes: list[int], more: int) -> None:
    """The story: an order of exactly a level's size left an empty level behind, which then matched for ever. Here one
    less leaves one, the exact size leaves nothing, and one more rests with one, at the end of every level.
    """
    for levels in range(1, len(sizes) + 1):
        house = House()
        house.grant("ann", gold=10_000)
        house.grant("bob", commodities={"tin": 100})
        for place, size in enumerate(sizes):
            house.done(house.ask("bob", SellCommodity(commodity="tin", quantity=size, limit_price=10 + place)))
        whole, asked = sum(sizes[:levels]), sum(sizes[:levels]) + more
        if asked == 0:
            continue
        limit = 10 + levels - 1
        done = house.done(house.ask("ann", BuyCommodity(commodity="tin", quantity=asked, limit_price=limit)))
        assert (done.filled, done.resting) == (min(asked, whole), max(more, 0))
        rest = sum(order.remaining for order in house.done(house.ask("bob", MyOrders())).orders)
        assert rest == sum(sizes) - done.filled
        if rest:
            quote = house.ask("cat", QuoteCommodity(commodity="tin", side="buy", quantity=rest))
            assert house.done(quote).quantity == rest
        short = house.ask("cat", QuoteCommodity(commodity="tin", side="buy", quantity=rest + 1))
        assert refused(short)[1]["available"] == rest
