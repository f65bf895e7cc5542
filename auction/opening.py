"""The first event of a player's store, for whatever it is first written to for."""

from auction.context import Context
from auction.events import Event, StoreOpened
from auction.player_state import PlayerState
from auction.state import Account


def opened(state: PlayerState, player: str, context: Context) -> tuple[Account, list[Event]]:
    """A player's account, as it is or will be, and what has to happen before it is written to."""
    account = state.account.get(0)
    if account is not None:
        return account, []
    store = context.store_of(player)
    account = Account.opened(player, store, context.life_of(store), context.now_ms)
    return account, [StoreOpened(player, store, account.life, context.now_ms)]
