"""Keys of trades between nodes: what a client is told of a key stays true, whatever else happens meanwhile."""

from typing import Any

import pytest

from auction.commands import BuyCommodity, CreateListing, MyOrders, PlaceBid
from auction.context import Caller, Request
from auction.ids import market_store
from shardnode.wire.errors import InDoubt
from tests.node.many import NAMING_KEY, HouseInMemory
from tests.node.test_trades import Market


@pytest.fixture
def market() -> Market:
    """Three players who live apart."""
    return Market(HouseInMemory())


def stop_accepting(market: Market) -> None:
    """No trade can be decided any more."""
    market.house.wire.drop = lambda _sender, _to, frame: b"accept" in frame or b"propose" in frame


def go_on(market: Market) -> None:
    """All messages arrive again."""
    market.house.wire.drop = lambda *_: False


def begin(market: Market, ask: Any, **how: Any) -> list[Any]:
    """Ask, and note the answer."""
    answers: list[Any] = []
    market.house.begin(market.ann, ask, **how).addBoth(answers.append)
    return answers


def test_a_repeat_of_a_key_in_doubt_is_in_doubt_for_as_long_as_its_trade_is_open(market: Market) -> None:
    """`unavailable` would say that nothing was done, and the trade commits later."""
    stop_accepting(market)
    ask = PlaceBid(listing=market.listing, amount=200, key="k")
    first = begin(market, ask)
    market.house.pass_time(4.5)
    assert first[0].check(InDoubt), first
    again = begin(market, ask)
    market.house.pass_time(4.5)
    assert again[0].check(InDoubt), again
    assert (again[0].value.figures["key"], again[0].value.figures["trade"]) == ("k", first[0].value.figures["trade"])
    go_on(market)
    market.house.pass_time(8)
    assert market.bid(market.ann, 200, key="k")["winning"]


def begin_without_key(market: Market, listing: str, through: str) -> tuple[Request, list[Any]]:
    """Bid through another node, which makes a key up; the request and its answer."""
    node = market.house.nodes[through].node
    request = Request(Caller(market.ann, "player"), PlaceBid(listing=listing, amount=200), node.mint_key())
    answers: list[Any] = []
    node.cluster.ask(request).addBoth(answers.append)
    return request, answers


def hear_doubt(market: Market, request: Request, answers: list[Any], through: str) -> None:
    """The client is told the key of a request that was cut off, as a session would."""
    assert answers[0].check(InDoubt), answers
    market.house.nodes[through].node.cluster.tell_key(request)


def raise_often(market: Market, listing: str) -> None:
    """Bid without keys until those made up for it crowd out what nobody was told."""
    market.house.pass_time(0.1)
    for amount in range(300, 310):
        assert market.ask(market.ann, PlaceBid(listing=listing, amount=amount))["winning"]


def test_a_key_told_to_a_client_is_kept_though_its_home_has_restarted(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client's node passes the key on when the home is back; its store sleeps then."""
    monkeypatch.setattr("auction.evolve.UNTOLD_KEYS_KEPT", 2)
    house = market.house
    seller = house.player_at("n2", but=(market.ann,))
    item = market.grant(seller, items=1)["items"][0]["item"]
    listing = market.ask(seller, CreateListing(item=item, start_bid=100, duration_s=3_600))["listing"]["listing"]
    house.wire.drop = lambda sender, to, _frame: (sender, to) == ("n2", "n3")
    request, answers = begin_without_key(market, listing, through="n3")
    house.work()
    house.crash("n2")
    hear_doubt(market, request, answers, through="n3")
    go_on(market)
    house.restart("n2")
    house.work()
    raise_often(market, listing)
    assert market.ask(market.ann, PlaceBid(listing=listing, amount=200, key=request.own_key))["winning"]


def test_a_key_told_to_a_client_while_its_trade_is_open_is_kept(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told before there is anything to keep under it."""
    monkeypatch.setattr("auction.evolve.UNTOLD_KEYS_KEPT", 2)
    house = market.house
    stop_accepting(market)
    request, answers = begin_without_key(market, market.listing, through="n3")
    house.pass_time(0.3)
    house.wire.sever("n2", "n3")
    hear_doubt(market, request, answers, through="n3")
    house.wire.heal("n2", "n3")
    house.pass_time(0.3)
    go_on(market)
    house.pass_time(10)
    raise_often(market, market.listing)
    assert market.ask(market.ann, PlaceBid(listing=market.listing, amount=200, key=request.own_key))["winning"]


def test_a_key_that_the_home_itself_told_is_kept_though_it_restarts_before_the_trade_is_decided(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the restart nobody knows any more who was told it; whoever waited does so no longer."""
    monkeypatch.setattr("auction.evolve.UNTOLD_KEYS_KEPT", 2)
    house = market.house
    stop_accepting(market)
    request, answers = begin_without_key(market, market.listing, through="n2")
    house.pass_time(4.5)
    assert answers[0].check(InDoubt), answers
    house.crash("n2")
    go_on(market)
    house.restart("n2")
    house.pass_time(10)
    assert market.gold(market.ann) == (800, 200)
    raise_often(market, market.listing)
    assert market.ask(market.ann, PlaceBid(listing=market.listing, amount=200, key=request.own_key))["winning"]


def test_a_key_told_for_an_order_is_kept_though_its_home_restarts_before_the_market_answers(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The market's node dies before the order is there, and the client is told its key. Repeated with it later, nothing
    more is bought.
    """
    monkeypatch.setattr("auction.evolve.UNTOLD_KEYS_KEPT", 2)
    house = market.house
    away = house.map.home_of(market_store(NAMING_KEY, "tin"))
    home = next(node for node in house.nodes if node != away)
    buyer = house.player_at(home, but=(market.seller, market.ann, market.bob))
    market.grant(buyer, gold=1_000)
    node = house.nodes[home].node
    ask = BuyCommodity(commodity="tin", quantity=2, limit_price=6)
    request = Request(Caller(buyer, "player"), ask, node.mint_key())
    answers: list[Any] = []
    node.cluster.ask(request).addBoth(answers.append)
    house.crash(away)
    house.pass_time(4.5)
    assert answers[0].check(InDoubt), answers
    node.cluster.tell_key(request)
    house.work()
    house.crash(home)
    house.restart(home)
    house.restart(away)
    house.pass_time(3)
    for _ in range(5):
        market.ask(buyer, BuyCommodity(commodity="tin", quantity=1, limit_price=5))
    again = market.ask(buyer, BuyCommodity(commodity="tin", quantity=2, limit_price=6, key=request.own_key))
    assert again["resting"] == 2
    assert sum(row["quantity"] == 2 for row in market.ask(buyer, MyOrders())["orders"]) == 1
