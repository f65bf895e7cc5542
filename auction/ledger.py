"""Double entry: every movement of gold in a store is posted from one account to another.

An entry debits the account that the gold goes to and credits the one it comes from; an account's balance is its debits
less its credits, so the balances of a store always sum to zero.

    wallet     what the player can spend
    escrow     with the player's own open listings: leaders' maxima and the player's deposits
    waiting    deliveries not yet claimed
    granted    where gold enters the house (balance: less all that ever did)
    burned     where gold leaves the house: taken, fees, forfeited deposits
    elsewhere  what went to other stores, less what came from them; over all stores of a house it sums to zero
"""

from typing import Final

from auction.state import LEDGER_KEPT, Balance, LedgerEntry, PlayerState

WALLET: Final = "wallet"
ESCROW: Final = "escrow"
WAITING: Final = "waiting"
GRANTED: Final = "granted"
BURNED: Final = "burned"
ELSEWHERE: Final = "elsewhere"

ACCOUNTS = (WALLET, ESCROW, WAITING, GRANTED, BURNED, ELSEWHERE)


def post(state: PlayerState, *, debit: str, credit: str, amount: int, reason: str, ref: str | None, at_ms: int) -> None:
    """Move `amount` gold from account `credit` to account `debit`; nothing is posted for 0."""
    assert amount >= 0, amount
    if amount == 0:
        return
    number = state.entries_made + 1
    state.entries_made = number
    state.ledger.put(number, LedgerEntry(number, at_ms, debit, credit, amount, reason, ref))
    if number - LEDGER_KEPT in state.ledger:
        state.ledger.drop(number - LEDGER_KEPT)
    state.balances.put(debit, Balance(debit, balance(state, debit) + amount))
    state.balances.put(credit, Balance(credit, balance(state, credit) - amount))


def balance(state: PlayerState, account: str) -> int:
    """Debits less credits of an account, over all entries ever posted."""
    row = state.balances.get(account)
    return 0 if row is None else row.total
