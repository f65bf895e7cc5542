"""What bots want of commodities, read as transcripts: view in, intention out."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.bots.habits import PURSE_SHARE_MAX
from clients.bots.intentions import AskQuote, CancelOrder, Craft, Gather, MakeOffer, Order, TakeQuote
from clients.bots.wares import CHEAP, CRAFT_WORTH, DEAR, ORDERS_KEPT
from clients.errors import InsufficientGoods
from tests.clients.bot_world import AMONG_FRIENDS, TRADE, WARES, World, kinds, life_of, wanted

IRON, SILVER = WARES
PIECES = {IRON.commodity: 500, SILVER.commodity: 80}


def order(number: int, commodity: str = IRON.commodity) -> dict[str, Any]:
    """An order that rests."""
    quantities = {"quantity": 5, "remaining": 5, "at_ms": 1}
    return {"order": f"ann.o{number}", "commodity": commodity, "side": "buy", "price": 20, **quantities}


@given(last=st.none() | st.integers(1, 2**40), gold=st.integers(0, 2**53 - 1), pieces=st.integers(0, 2**53 - 1))
def test_a_market_maker_stands_on_both_sides(last: int | None, gold: int, pieces: int) -> None:
    """Whatever the last price: a bid below the ask, both in ticks, within purse and stash."""
    world = World(gold=gold)
    world.book["last"] = None if last is None else {"price": last, "at_ms": 1}
    world.pieces = {IRON.commodity: pieces, SILVER.commodity: pieces}
    orders = wanted(world.visit(life_of("market_maker")), Order)
    for ware in WARES:
        of_ware = {each.side: each for each in orders if each.commodity == ware.commodity}
        assert all(each.limit_price % ware.tick == 0 < each.limit_price for each in of_ware.values())
        if len(of_ware) == 2:
            assert of_ware["buy"].limit_price < of_ware["sell"].limit_price
        if "sell" in of_ware:
            assert 1 <= of_ware["sell"].quantity <= pieces
    assert sum(each.quantity * each.limit_price for each in orders if each.side == "buy") <= gold * PURSE_SHARE_MAX


def test_a_market_maker_follows_the_last_price() -> None:
    """Both sides move with what was paid last, and stay near it."""
    for last in (IRON.worth // 2, IRON.worth * 2):
        world = World(gold=10**6)
        world.pieces = dict(PIECES)
        world.book["last"] = {"price": last, "at_ms": 1}
        bid, ask = (each.limit_price for each in wanted(world.visit(life_of("market_maker")), Order)[:2])
        assert last * 0.6 < bid < ask < last * 1.4


def test_a_market_maker_takes_old_orders_back_first() -> None:
    """Its orders are always those of its latest visit."""
    world = World()
    world.pieces, world.orders = dict(PIECES), [order(1), order(2), order(3, "granite")]
    visit = world.visit(life_of("market_maker"))
    assert wanted(visit, CancelOrder) == [CancelOrder("ann.o1"), CancelOrder("ann.o2")]
    assert kinds(visit).index("CancelOrder") < kinds(visit).index("Order")


def test_a_gatherer_sells_at_once_where_that_pays() -> None:
    """By a quote for most of a piece's worth or more; below that by an order, a tick under the cheapest ask."""
    world = World()
    world.pieces = {IRON.commodity: 500}
    world.price = IRON.worth
    visit = world.visit(life_of("gatherer"))
    assert wanted(visit, TakeQuote) == [TakeQuote("sell", "q")]
    world.price = int(IRON.worth * CHEAP) - 1
    ask = IRON.worth + 10
    world.book["asks"] = [{"price": ask, "quantity": 5, "orders": 1}]
    visit = world.visit(life_of("gatherer"))
    assert not wanted(visit, TakeQuote)
    assert [each.limit_price for each in wanted(visit, Order)] == [ask - IRON.tick]
    assert kinds(visit)[-2:] == ["Gather", "Leave"]


def test_a_gatherer_sells_nothing_for_nothing() -> None:
    """However low others go, it asks for a share of the worth."""
    world = World()
    world.pieces, world.price = {IRON.commodity: 500}, 1
    world.book["asks"] = [{"price": 2, "quantity": 5, "orders": 1}]
    (asked,) = wanted(world.visit(life_of("gatherer")), Order)
    assert asked.limit_price >= int(IRON.worth * CHEAP)


def test_a_gatherer_offers_pieces_to_friends() -> None:
    """Now and then, instead of on the market."""
    world, life = World(), life_of("gatherer", trade=AMONG_FRIENDS)
    world.pieces = dict(PIECES)
    offers = [offer for _ in range(20) for offer in wanted(world.visit(life), MakeOffer)]
    assert offers and all(set(offer.give) == {"commodities"} for offer in offers)


def test_who_knows_no_commodities_gathers_none() -> None:
    """A world may have none."""
    trade = msgspec.structs.replace(TRADE, wares=())
    for name in ("gatherer", "crafter", "market_maker"):
        assert not {"Gather", "Order", "Craft"} & set(kinds(World().visit(life_of(name, trade=trade))))
    assert Gather() in World().visit(life_of("gatherer"))


def test_a_crafter_buys_what_is_needed_and_uses_what_is_there() -> None:
    """Enough pieces become an item; too few are bought at once if that is not too dear, else bid for."""
    world = World(gold=10**6)
    needed = CRAFT_WORTH // IRON.worth
    world.pieces = {IRON.commodity: needed}
    world.price = int(SILVER.worth * DEAR)
    visit = world.visit(life_of("crafter"))
    assert wanted(visit, Craft) == [Craft(IRON.commodity, needed)]
    assert wanted(visit, TakeQuote) == [TakeQuote("buy", "q")]
    world.price += 1
    world.book["bids"] = [{"price": SILVER.worth, "quantity": 5, "orders": 1}]
    visit = world.visit(life_of("crafter"))
    assert not wanted(visit, TakeQuote)
    assert [each.limit_price for each in wanted(visit, Order)] == [SILVER.worth + SILVER.tick]


def test_a_crafter_without_gold_bids_nothing() -> None:
    """Not even a tick."""
    visit = World(gold=0).visit(life_of("crafter"))
    assert wanted(visit, AskQuote) and not wanted(visit, Order) and not wanted(visit, TakeQuote)


@pytest.mark.parametrize("name", ["gatherer", "crafter"])
def test_a_quote_that_is_refused_leads_to_an_order(name: str) -> None:
    """Where the book holds less than is wanted, an order rests in it."""
    world = World(gold=10**6)
    world.pieces = dict(PIECES) if name == "gatherer" else {}
    world.refuse[AskQuote] = InsufficientGoods(-32003, "insufficient_goods", "no", {"available": 3})
    visit = world.visit(life_of(name))
    assert {each.commodity for each in wanted(visit, Order)} == {IRON.commodity, SILVER.commodity}


@pytest.mark.parametrize("name", ["gatherer", "crafter"])
def test_old_orders_are_tidied_up(name: str) -> None:
    """The oldest are taken back where many rest."""
    world = World()
    world.orders = [order(number) for number in range(ORDERS_KEPT + 2)]
    assert wanted(world.visit(life_of(name)), CancelOrder) == [CancelOrder("ann.o0"), CancelOrder("ann.o1")]


def test_everybody_believes_the_same_of_a_piece() -> None:
    """The worth of a commodity is a multiple of its tick, and depends on nothing else than the commodity."""
    assert all(ware.worth % ware.tick == 0 < ware.worth for ware in WARES)
    assert TRADE.appraiser.worth_of_all(7, (), {IRON.commodity: 3, "unknown": 9}) == 7 + 3 * IRON.worth
