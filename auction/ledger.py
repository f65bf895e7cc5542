"""Double entry: every movement of gold in a store is posted from one account to another.

An entry debits the account that the gold goes to and credits the one it comes from. The balances stand in the store's
account row; what was granted always equals the sum of all the others.

    wallet     what the player can spend
    escrow     with the player's own open listings: leaders' maxima and the player's deposits
    held       promised to trades between nodes that are not decided yet
    waiting    deliveries not yet claimed
    elsewhere  what went to other stores, less what came from them; over all stores of a house it sums to zero
    burned     what left the house: taken, fees, forfeited deposits; only ever debited
    granted    what entered the house; only ever credited, and counted as a positive sum
"""

from typing import Final

from auction.amounts import checked
from auction.player_state import PlayerState
from auction.state import LEDGER_KEPT, LedgerEntry

WALLET: Final = "wallet"
ESCROW: Final = "escrow"
HELD: Final = "held"
WAITING: Final = "waiting"
ELSEWHERE: Final = "elsewhere"
BURNED: Final = "burned"
GRANTED: Final = "granted"

BALANCES: Final = {
    WALLET: "gold",
    ESCROW: "gold_escrowed",
    HELD: "gold_held",
    WAITING: "gold_waiting",
    ELSEWHERE: "gold_elsewhere",
    BURNED: "gold_burned",
    GRANTED: "gold_granted",
}
"""Account of the ledger → its balance's name in the account row."""


def post(state: PlayerState, *, debit: str, credit: str, amount: int, reason: str, ref: str | None, at_ms: int) -> None:
    """Move `amount` gold from account `credit` to account `debit`; nothing is posted for 0.

    The only place where gold moves within a store.
    """
    if amount == 0:
        return
    assert amount > 0 and debit != GRANTED and credit != BURNED, (debit, credit, amount)
    number = state.entries_made + 1
    state.entries_made = number
    state.ledger.put(number, LedgerEntry(number, at_ms, debit, credit, amount, reason, ref))
    if number > LEDGER_KEPT:
        state.ledger.drop(number - LEDGER_KEPT)
    account = state.account.to_change()
    debited, credited = BALANCES[debit], BALANCES[credit]
    setattr(account, debited, getattr(account, debited) + amount)
    left = getattr(account, credited) + (amount if credit == GRANTED else -amount)
    setattr(account, credited, left)
    assert left >= 0 or credit == ELSEWHERE, account
    checked(account.gold + account.gold_held)
