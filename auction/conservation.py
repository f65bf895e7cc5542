"""Proof that gold and goods are conserved: granted − burned = held + in escrow + in flight, per item id and commodity.

`Totals` sums whole houses, store by store; `faults` compares one store's books with its rows. Both count the rows
themselves, never a counter that the rules keep for their own use. Only sums over all stores of a house balance: gold
and items granted in one store are, after a trade, in another, or between the two (`auction.ties` knows of that).
"""

from collections.abc import Iterable

import msgspec

from auction.amounts import fits
from auction.market.state import BookOrder, MarketState
from auction.player_state import PlayerState
from auction.stash import pieces_held
from auction.state import Assets, Item, Order
from auction.stores import State


class Balance(msgspec.Struct):
    """What entered and left the house, and where the rest is."""

    granted: int = 0
    burned: int = 0
    held: int = 0
    """In wallets and stashes."""
    escrow: int = 0
    """With open listings and offers, in the books of commodities, and held for trades that are not decided yet."""
    in_flight: int = 0
    """In deliveries waiting to be claimed, and on the way between stores."""

    def holds(self) -> bool:
        """Whether nothing appeared and nothing vanished."""
        return self.granted - self.burned == self.held + self.escrow + self.in_flight


class Totals:
    """Sums over the stores added so far."""

    def __init__(self) -> None:
        self.stores = 0
        self.gold = Balance()
        self.items = Balance()
        self.commodities: dict[str, Balance] = {}
        self.duplicates: list[str] = []
        """Item ids found in more than one place."""
        self._seen: set[str] = set()

    def add(self, state: State) -> None:
        """Count one store; one that was never written to holds nothing."""
        if state.head() is None:
            return
        self.stores += 1
        if isinstance(state, PlayerState):
            self._add_player(state)
        elif isinstance(state, MarketState):
            self._add_market(state)

    def add_in_flight(self, assets: Assets) -> None:
        """Count what left one store and did not enter the other yet."""
        self.gold.in_flight += assets.gold
        self.items.in_flight += self._count(assets.items)
        for name, quantity in assets.commodities.items():
            self.commodities.setdefault(name, Balance()).in_flight += quantity

    def count_once(self, assets: Assets) -> None:
        """Leave out what is still in escrow in one store and has entered the other already."""
        self.gold.escrow -= assets.gold
        self.items.escrow -= len(assets.items)
        for item in assets.items:
            if item.item in self.duplicates:
                self.duplicates.remove(item.item)
        for name, quantity in assets.commodities.items():
            self.commodities.setdefault(name, Balance()).escrow -= quantity

    def balanced(self) -> bool:
        """Whether all that was added is conserved and every item is in one place."""
        balances = (self.gold, self.items, *self.commodities.values())
        return not self.duplicates and all(balance.holds() for balance in balances)

    def _add_player(self, state: PlayerState) -> None:
        self._add_gold(state)
        self._add_items(state)
        for row in state.commodities:
            commodity = self.commodities.setdefault(row.commodity, Balance())
            commodity.granted += row.granted
            commodity.burned += row.burned
            commodity.held += row.quantity
        for aside in (*(offer.give for offer in state.offers), *state.trades):
            self.items.escrow += self._count(aside.items)
            for name, quantity in aside.commodities.items():
                self.commodities.setdefault(name, Balance()).escrow += quantity
        for delivery in state.deliveries:
            for name, quantity in delivery.commodities.items():
                self.commodities.setdefault(name, Balance()).in_flight += quantity

    def _add_market(self, state: MarketState) -> None:
        book = state.book.rows[0]
        gold, pieces = in_the_book(state)
        self.gold.burned += book.gold_burned
        self.gold.escrow += gold
        self.commodities.setdefault(book.commodity, Balance()).escrow += pieces

    def _add_gold(self, state: PlayerState) -> None:
        account = state.owner()
        self.gold.granted += account.gold_granted
        self.gold.burned += account.gold_burned
        self.gold.held += account.gold
        self.gold.escrow += gold_in_escrow(state) + gold_held(state)
        self.gold.in_flight += gold_waiting(state)

    def _add_items(self, state: PlayerState) -> None:
        account = state.owner()
        self.items.granted += account.items_granted
        self.items.burned += account.items_burned
        self.items.held += self._count(state.items)
        self.items.escrow += self._count(row.item for row in state.listings if row.state == "open")
        self.items.in_flight += self._count(item for delivery in state.deliveries for item in delivery.items)

    def _count(self, items: Iterable[Item]) -> int:
        count = 0
        for item in items:
            count += 1
            if item.item in self._seen:
                self.duplicates.append(item.item)
            self._seen.add(item.item)
        return count


def gold_in_escrow(state: PlayerState) -> int:
    """Leaders' maxima and deposits with the open listings of a store, and what its open offers give."""
    in_listings = sum(row.leader_max + row.deposit for row in state.listings if row.state == "open")
    return in_listings + sum(row.give.gold for row in state.offers)


def gold_held(state: PlayerState) -> int:
    """Gold that a store has promised to trades."""
    return sum(row.held for row in state.trades)


def gold_waiting(state: PlayerState) -> int:
    """Gold in the unclaimed deliveries of a store."""
    return sum(row.gold for row in state.deliveries)


def in_the_book(state: MarketState) -> tuple[int, int]:
    """Gold and pieces that the orders in a market's book hold."""
    return sum(map(_worth, state.orders)), sum(row.remaining for row in state.orders if row.side == "sell")


def faults(state: State) -> list[str]:
    """Where the books of one store disagree with its rows, in words for an operator; empty for a sound store."""
    head = state.head()
    if head is None:
        return []
    checks: dict[str, bool] = {}
    if isinstance(state, PlayerState):
        checks = _of_a_player(state)
    elif isinstance(state, MarketState):
        checks = _of_a_market(state)
    return [f"store {head.store}: {fault}" for fault, sound in checks.items() if not sound]


def _of_a_player(state: PlayerState) -> dict[str, bool]:
    """What could be wrong → whether it is right."""
    account = state.owner()
    placed = (
        account.gold
        + account.gold_escrowed
        + account.gold_held
        + account.gold_waiting
        + account.gold_elsewhere
        + account.gold_burned
    )
    amounts = [
        account.gold + account.gold_held,
        *(row.quantity + pieces_held(state, row.commodity) for row in state.commodities),
        *(amount for row in state.offers for amount in (row.give.gold, *row.give.commodities.values())),
        *(amount for row in state.listings for amount in (row.leader_max, row.deposit, row.price or 0)),
        *(row.gold for row in state.deliveries),
        *(quantity for row in state.deliveries for quantity in row.commodities.values()),
        *(amount for row in state.orders for amount in (row.gold, row.remaining)),
    ]
    resting = [row for row in state.orders if row.state != "sent"]
    escrow_is_right = account.gold_escrowed == gold_in_escrow(state)
    return {
        "the ledger's balances do not add up to what was granted": placed == account.gold_granted,
        "the escrow's balance is not what the open listings and offers hold": escrow_is_right,
        "the held balance is not what the open trades hold": account.gold_held == gold_held(state),
        "the waiting balance is not what the deliveries hold": account.gold_waiting == gold_waiting(state),
        "an order does not hold what it is worth": all(row.gold == _worth(row) for row in resting),
        "an amount is out of bounds": all(fits(amount) for amount in amounts),
    }


def _worth(row: Order | BookOrder) -> int:
    """Gold that an order in the book holds."""
    return (row.price or 0) * row.remaining if row.side == "buy" else 0


def _of_a_market(state: MarketState) -> dict[str, bool]:
    book = state.book.rows[0]
    gold, pieces = in_the_book(state)
    amounts = [amount for row in state.orders for amount in (_worth(row), row.remaining)]
    return {
        "the balances of gold do not add up": book.gold_escrowed + book.gold_burned + book.gold_elsewhere == 0,
        "the balances of pieces do not add up": book.goods_escrowed + book.goods_elsewhere == 0,
        "the gold in escrow is not what the orders hold": book.gold_escrowed == gold,
        "the pieces in escrow are not what the orders hold": book.goods_escrowed == pieces,
        "an amount is out of bounds": all(fits(amount) for amount in amounts),
    }
