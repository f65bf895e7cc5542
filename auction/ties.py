"""What stores say of one another: a leader's maximum stands in two stores, the number of a transfer in two.

`Ties` reads stores one by one and says at the end where two disagree. It holds over all stores of a house at rest: with
every record applied, and every transfer that left taken in.
"""

from auction.ledger import BALANCES, ELSEWHERE
from auction.state import PlayerState, StoreId


class Ties:
    """The ties of the stores added so far."""

    def __init__(self) -> None:
        self._leading: dict[str, tuple[str, int]] = {}
        """Open listing → leader and maximum, as the seller's store has it."""
        self._bids: dict[str, tuple[str, int]] = {}
        """Listing → player and maximum, as the leader's store has it."""
        self._sent: dict[tuple[StoreId, StoreId], int] = {}
        """Sender and receiver → the last transfer's number, as the sender has it."""
        self._taken: dict[tuple[StoreId, StoreId], int] = {}
        """The same as the receiver has it."""
        self._gold_elsewhere = 0
        self._twice: list[str] = []

    def add(self, state: PlayerState) -> None:
        """Read one store; one that was never written to has no ties."""
        account = state.account.get(0)
        if account is None:
            return
        for row in state.listings:
            if row.state == "open" and row.leader is not None:
                self._leading[row.listing] = (row.leader, row.leader_max)
        for bid in state.bids:
            if bid.winning:
                if bid.listing in self._bids:
                    self._twice.append(f"listing {bid.listing}: two stores hold a standing bid")
                self._bids[bid.listing] = (account.player, bid.amount)
        for mark in state.transfers_out:
            self._sent[account.store, mark.store] = mark.number
        for mark in state.transfers_in:
            self._taken[mark.store, account.store] = mark.number
        self._gold_elsewhere += getattr(account, BALANCES[ELSEWHERE])

    def faults(self) -> list[str]:
        """Where two stores disagree, in words for an operator; empty for a sound house."""
        found = list(self._twice)
        for listing in sorted(self._leading.keys() | self._bids.keys()):
            here, there = self._leading.get(listing), self._bids.get(listing)
            if here != there:
                found.append(
                    f"listing {listing}: led by {_told(here)} in its own store, by {_told(there)} in the bidder's"
                )
        for pair in sorted(self._sent.keys() | self._taken.keys()):
            sent, taken = self._sent.get(pair, 0), self._taken.get(pair, 0)
            if sent != taken:
                found.append(f"transfers from store {pair[0]} to {pair[1]}: {sent} sent, {taken} taken in")
        if self._gold_elsewhere:
            found.append(f"over all stores {self._gold_elsewhere} more gold went elsewhere than came from there")
        return found


def _told(lead: tuple[str, int] | None) -> str:
    return "nobody" if lead is None else f"{lead[0]} with {lead[1]}"
