"""What sold within a day: counted once, forgotten in time, and bounded."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction.results import Market
from auction.sales import SALES_KEPT_MS, Sale, sale_of
from auction.state import Listing
from shardnode.search.index import IndexLimits, ListingIndex
from shardnode.search.sales import SaleLimits, Sales, market_of
from tests.search.rows import listing

NOW_MS = 1_800_000_000_000


def sold(number: int, price: int, at_ms: int = NOW_MS, base: str = "ash_bow") -> Listing:
    """A listing that was sold."""
    return listing(number, version=2, state="sold", price=price, ended_at_ms=at_ms, base=base, leader="ann")


def sale(number: int, price: int = 1, at_ms: int = NOW_MS, base: str = "ash_bow") -> Sale:
    """A sale."""
    return Sale(number, base, price, at_ms)


@given(
    prices=st.lists(st.integers(1, 2**53 - 1), max_size=9),
    ages_ms=st.lists(st.sampled_from((0, 5, SALES_KEPT_MS - 1, SALES_KEPT_MS, 2 * SALES_KEPT_MS)), min_size=9),
    nodes=st.lists(st.integers(0, 2), min_size=9),
    told_twice=st.booleans(),
)
def test_the_market_is_what_the_house_sold_within_a_day(
    prices: list[int], ages_ms: list[int], nodes: list[int], told_twice: bool
) -> None:
    """Count and median over all nodes, each sale once however often it is told; the largest amounts are exact."""
    index = ListingIndex()
    facts = list(zip(range(len(prices)), prices, ages_ms, nodes, strict=False))
    for number, price, age_ms, node in facts * (1 + told_twice):
        index.of(f"n{node}").apply([sold(number, price, NOW_MS - age_ms), sold(number + 100, 7, base="elm_bow")])
    recent = [price for _, price, age_ms, _ in facts if age_ms < SALES_KEPT_MS]
    median = _median(recent) if recent else None
    assert market_of(index.sold("ash_bow"), NOW_MS) == Market(median, len(recent))
    assert market_of(index.sold("no_such"), NOW_MS) == Market(None, 0)


def _median(prices: list[int]) -> int:
    return (statistics.median_low(prices) + statistics.median_high(prices)) // 2


@pytest.mark.parametrize("state", ["expired", "cancelled", "open"])
def test_only_a_sale_is_a_sale(state: str) -> None:
    """Neither another end, nor one whose instant nobody kept; two sales have two marks."""
    assert sale_of(listing(1, state=state, price=5, ended_at_ms=NOW_MS)) is None
    assert sale_of(listing(1, state="sold", price=5, ended_at_ms=None)) is None
    one, other = sale_of(sold(1, 5)), sale_of(sold(2, 5))
    assert one is not None
    assert other is not None
    assert one == Sale(one.mark, "ash_bow", 5, NOW_MS)
    assert one.mark != other.mark
    assert 0 <= one.mark < 2**63


def test_a_listing_that_ends_while_the_index_is_loaded_is_a_sale_too() -> None:
    """Whether it was known, doubted or never seen."""
    own = ListingIndex().of("n1")
    own.apply([listing(1)])
    own.settle()
    own.load()
    own.apply([sold(1, 10), sold(2, 20)])
    own.settle()
    assert [(found.price, found.base) for found in own.sales] == [(10, "ash_bow"), (20, "ash_bow")]


def test_sales_of_a_base_are_bounded() -> None:
    """At the limit its oldest go, so what is counted is too few, never too many, and the latest are there."""
    sales = Sales(SaleLimits(base_sales_max=8))
    for number in range(100):
        sales.add(sale(number, at_ms=NOW_MS + number))
        assert len(sales) <= 8
    assert {found.mark for found in sales} >= set(range(95, 100))
    assert len({found.mark for found in sales}) == len(sales)


def test_sales_of_all_bases_are_bounded() -> None:
    """At the limit the base with the most makes room; others keep theirs."""
    sales = Sales(SaleLimits(base_sales_max=50, sales_max=20))
    for number in range(4):
        sales.add(sale(number, base="rare_base"))
    for number in range(100, 200):
        sales.add(sale(number, at_ms=NOW_MS + number))
        assert len(sales) <= 20
    assert len([found for found in sales if found.base == "rare_base"]) == 4


def test_what_came_twice_makes_room_first() -> None:
    """A sale told again and again takes nobody's place for long."""
    sales = Sales(SaleLimits(base_sales_max=8))
    for number in range(4):
        sales.add(sale(number))
    for _ in range(100):
        sales.add(sale(4))
    assert {found.mark for found in sales} == set(range(5))


def test_sales_past_a_day_are_not_handed_on() -> None:
    """They may still be there, but nobody is told of them."""
    sales = Sales(SaleLimits())
    sales.add(sale(1, at_ms=NOW_MS - SALES_KEPT_MS))
    sales.add(sale(2, at_ms=NOW_MS - SALES_KEPT_MS + 1))
    sales.add(sale(3, at_ms=NOW_MS))
    assert [found.mark for found in sales] == [2, 3]


def test_an_index_has_its_own_limits_of_sales() -> None:
    """They are those it was given."""
    index = ListingIndex(IndexLimits(sales=SaleLimits(base_sales_max=2)))
    index.of("n1").apply([sold(number, number + 1) for number in range(10)])
    assert market_of(index.sold("ash_bow"), NOW_MS).sold_24h <= 2
