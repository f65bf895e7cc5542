"""Proof that gold and goods are conserved: granted − burned = held + in escrow + in flight, per item id and commodity.

`Totals` sums whole houses, store by store; `faults` compares one store's books with its rows. Both count the rows
themselves, never a counter that the rules keep for their own use. Only sums over all stores of a house balance: gold
and items granted in one store are, after a trade, in another, or between the two (`auction.ties` knows of that).
"""

from collections.abc import Iterable

import msgspec

from auction.amounts import fits
from auction.player_state import PlayerState
from auction.state import Assets, Item


class Balance(msgspec.Struct):
    """What entered and left the house, and where the rest is."""

    granted: int = 0
    burned: int = 0
    held: int = 0
    """In wallets and stashes."""
    escrow: int = 0
    """With open listings, and held for trades that are not decided yet."""
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

    def add(self, state: PlayerState) -> None:
        """Count one store; one that was never written to holds nothing."""
        account = state.account.get(0)
        if account is None:
            return
        self.stores += 1
        self._add_gold(state)
        self._add_items(state)
        for row in state.commodities:
            commodity = self.commodities.setdefault(row.commodity, Balance())
            commodity.granted += row.granted
            commodity.burned += row.burned
            commodity.held += row.quantity
        for delivery in state.deliveries:
            for name, quantity in delivery.commodities.items():
                self.commodities.setdefault(name, Balance()).in_flight += quantity

    def add_in_flight(self, assets: Assets) -> None:
        """Count what left one store and did not enter the other yet."""
        self.gold.in_flight += assets.gold
        self.items.in_flight += self._count(assets.items)
        for name, quantity in assets.commodities.items():
            self.commodities.setdefault(name, Balance()).in_flight += quantity

    def balanced(self) -> bool:
        """Whether all that was added is conserved and every item is in one place."""
        balances = (self.gold, self.items, *self.commodities.values())
        return not self.duplicates and all(balance.holds() for balance in balances)

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
    """Leaders' maxima and deposits with the open listings of a store."""
    return sum(row.leader_max + row.deposit for row in state.listings if row.state == "open")


def gold_held(state: PlayerState) -> int:
    """Gold that a store has promised to trades."""
    return sum(row.held for row in state.trades)


def gold_waiting(state: PlayerState) -> int:
    """Gold in the unclaimed deliveries of a store."""
    return sum(row.gold for row in state.deliveries)


def faults(state: PlayerState) -> list[str]:
    """Where the books of one store disagree with its rows, in words for an operator; empty for a sound store."""
    account = state.account.get(0)
    if account is None:
        return []
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
        *(row.quantity for row in state.commodities),
        *(amount for row in state.listings for amount in (row.leader_max, row.deposit, row.price or 0)),
        *(row.gold for row in state.deliveries),
    ]
    checks = {
        "the ledger's balances do not add up to what was granted": placed == account.gold_granted,
        "the escrow's balance is not what the open listings hold": account.gold_escrowed == gold_in_escrow(state),
        "the held balance is not what the open trades hold": account.gold_held == gold_held(state),
        "the waiting balance is not what the deliveries hold": account.gold_waiting == gold_waiting(state),
        "an amount is out of bounds": all(fits(amount) for amount in amounts),
    }
    return [f"store {account.store}: {fault}" for fault, sound in checks.items() if not sound]
