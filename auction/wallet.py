"""Whether a wallet can pay, and whether it has room.

Gold that a trade between nodes holds is neither spent nor free until the trade is decided. So who is short only of such
gold is not refused, but hears that it cannot be decided now; and room is kept for it to come back.
"""

from auction.amounts import fits
from auction.outcomes import Undecided
from auction.player_state import PlayerState
from auction.refusals import Refusal
from auction.state import Account


def cannot_pay(state: PlayerState, amount: int, coming: int = 0) -> Refusal | Undecided | None:
    """Why the wallet cannot pay an amount now; `coming` gold is known to be on its way back to it."""
    gold = state.gold()
    if amount <= gold:
        return None
    if amount <= gold + held(state) + coming:
        return Undecided()
    return Refusal("insufficient_gold", {"available": gold})


def held(state: PlayerState) -> int:
    """Gold promised to trades that are not decided yet."""
    account = state.account.get(0)
    return 0 if account is None else account.gold_held


def has_room(account: Account, gold: int) -> bool:
    """Whether the wallet can take gold in, and what is held for trades can still go back."""
    return fits(account.gold + account.gold_held + gold)
