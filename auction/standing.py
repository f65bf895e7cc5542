"""Whether a player may trade at all: what the rules ask of who trades rather than of what is traded."""

from auction.context import Context
from auction.player_state import PlayerState
from auction.refusals import Refusal


def cannot_trade(state: PlayerState, context: Context) -> Refusal | None:
    """What the player's own store has against any trade: an operator stopped it, or the player is too new."""
    account = state.account.get(0)
    players = () if account is None else (account.player,)
    return context.freezes.against(players=players) or too_new(state, context)


def too_new(state: PlayerState, context: Context) -> Refusal | None:
    """Why a player may not begin a trade yet: `too_new`, where the rules name an age and the store is younger.

    Whoever was never granted anything has the whole age still to wait, which begins with the first grant. Claims and
    cancellations begin nothing and are not asked.
    """
    age_ms = context.catalog.rules.trade_age_s * 1000
    if age_ms == 0:
        return None
    account = state.account.get(0)
    left_ms = age_ms if account is None else account.opened_at_ms + age_ms - context.now_ms
    return Refusal("too_new", {"retry_after_ms": left_ms}) if left_ms > 0 else None
