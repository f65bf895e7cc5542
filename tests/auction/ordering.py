"""Short words for commodity orders, in a house of one node or of several; the commodity is tin unless it is said."""

from typing import Any, Protocol

from auction.commands import BuyCommodity, CancelOrder, GetBook, MyOrders, QuoteCommodity, SellCommodity
from auction.results import QuoteResult


class Asks(Protocol):
    """A house."""

    def ask(self, player: str, ask: Any) -> Any:
        """What a player hears."""


def buy(house: Asks, player: str, quantity: int, price: int, *, commodity: str = "tin", key: str | None = None) -> Any:
    """What is heard of an order to buy at a limit."""
    return house.ask(player, BuyCommodity(commodity=commodity, quantity=quantity, limit_price=price, key=key))


def sell(house: Asks, player: str, quantity: int, price: int, *, commodity: str = "tin", key: str | None = None) -> Any:
    """What is heard of an order to sell at a limit."""
    return house.ask(player, SellCommodity(commodity=commodity, quantity=quantity, limit_price=price, key=key))


def quote(house: Asks, player: str, side: Any, quantity: int, commodity: str = "tin") -> Any:
    """What is heard of a quote."""
    return house.ask(player, QuoteCommodity(commodity=commodity, side=side, quantity=quantity))


def use(house: Asks, player: str, quoted: QuoteResult, key: str | None = None) -> Any:
    """What is heard of an order by a quote."""
    kind = BuyCommodity if quoted.side == "buy" else SellCommodity
    return house.ask(player, kind(quote=quoted.quote, key=key))


def take_back(house: Asks, player: str, order: str, key: str | None = None) -> Any:
    """What is heard of a cancellation."""
    return house.ask(player, CancelOrder(order=order, key=key))


def resting(house: Asks, player: str) -> dict[str, int]:
    """A player's orders that rest, with what is left of each."""
    return {row.order: row.remaining for row in house.ask(player, MyOrders(limit=100)).orders}


def book(house: Asks, commodity: str = "tin") -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
    """Bids and asks: price, pieces and orders of each level, the best first."""
    shown = house.ask("anybody", GetBook(commodity=commodity, depth=100))
    bids, asks = ([(row.price, row.quantity, row.orders) for row in side] for side in (shown.bids, shown.asks))
    return bids, asks
