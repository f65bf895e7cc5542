"""Commodity orders through whole nodes: what becomes of them when the market's node is away."""

import pytest

from auction.commands import BuyCommodity, CancelOrder, GetPlayer, Grant
from auction.context import Answer
from auction.refusals import Refusal
from auction.state import StoreId
from shardnode.wire.errors import Unavailable
from tests.node.many import HouseInMemory

COMMODITY = "tin"


def a_buyer(house: HouseInMemory) -> tuple[str, StoreId]:
    """Somebody with gold who does not live where the market does, and that node."""
    market = house.map.home_of(house.nodes["n1"].node.names.market_of(COMMODITY))
    home = next(node for node in house.nodes if node != market)
    player = house.player_at(home)
    house.ask("game", Grant(key="g", player=player, gold=1_000), through=home, role="service")
    return player, market


def gold(house: HouseInMemory, player: str) -> tuple[int, int]:
    """Wallet and escrow."""
    body = house.ask(player, GetPlayer()).body.gold
    return body.available, body.escrowed


def test_an_order_whose_market_cannot_be_reached_does_not_leave() -> None:
    """It is `unavailable` at once and holds nothing, and so is taking one back; both go once it is there again."""
    house = HouseInMemory(3)
    player, market = a_buyer(house)
    order = BuyCommodity(commodity=COMMODITY, quantity=10, limit_price=7, key="k")
    house.crash(market)
    with pytest.raises(Unavailable):
        house.ask(player, order)
    assert gold(house, player) == (1_000, 0)
    house.restart(market)
    house.pass_time(2.0)
    placed = house.ask(player, order)
    assert isinstance(placed, Answer) and not isinstance(placed.body, Refusal)
    assert gold(house, player) == (930, 70)
    house.crash(market)
    cancel = CancelOrder(order=placed.body.order)
    with pytest.raises(Unavailable):
        house.ask(player, cancel)
    house.restart(market)
    house.pass_time(2.0)
    assert house.ask(player, cancel).body.returned.gold == 70
    assert gold(house, player) == (1_000, 0)
