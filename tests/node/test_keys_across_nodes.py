"""Keys of trades between nodes: what a client is told of a key stays true, whatever else happens meanwhile."""

from typing import Any

import pytest

from auction.commands import PlaceBid
from shardnode.wire.errors import InDoubt
from tests.node.many import HouseInMemory
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
