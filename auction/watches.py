"""What players want to hear of: saved searches, and listings and commodities that they follow.

A watch is a row of its player's store and changes nothing else in the house. Whom it is told to, and when, is not for
the rules to say: `shardnode.watches` matches it against what changes.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from auction import ids
from auction.commands import CreateWatch, DeleteWatch, ListWatches
from auction.context import Context
from auction.events import Event, StoreOpened, WatchDropped, WatchMade
from auction.player_state import PlayerState
from auction.refusals import Refusal
from auction.results import NothingResult, WatchesResult, WatchResult, WatchView
from auction.state import Account, Watch


def create(
    state: PlayerState, player: str, ask: CreateWatch, context: Context
) -> tuple[list[Event], WatchResult] | Refusal:
    """A watch; a player's first may open its store.

    `ask` has passed `auction.params.bad_param`, and a listing that it names exists. A base, category or stat that the
    catalog lacks is never matched, as in a search.
    """
    if ask.commodity is not None and ask.commodity not in context.catalog.commodities:
        return Refusal("no_such_commodity")
    if len(state.watches) >= context.catalog.rules.max_watches:
        return Refusal("watch_limit")
    opened = state.account.get(0)
    store = context.store_of(player)
    account = opened or Account.opened(player, store, context.life_of(store), context.now_ms)
    number = account.watches_made + 1
    watch = ids.mint(store, "w", number)
    query = None if ask.query is None else msgspec.to_builtins(ask.query)
    opening = [] if opened else [StoreOpened(player, store, account.life, context.now_ms)]
    made = WatchMade(Watch(watch, number, query, ask.listing, ask.commodity, context.now_ms))
    return [*opening, made], WatchResult(watch)


def delete(state: PlayerState, ask: DeleteWatch) -> tuple[list[Event], NothingResult] | Refusal:
    """One watch less."""
    if ask.watch not in state.watches:
        return Refusal("no_such_watch")
    return [WatchDropped(ask.watch)], NothingResult()


def show(_ask: ListWatches, _viewer: str, state: PlayerState, _context: Context) -> WatchesResult:
    """All watches, in the order they were made."""
    return WatchesResult(
        [WatchView(row.watch, row.query, row.listing, row.commodity, row.at_ms) for row in state.watches]
    )


def _made(state: PlayerState, event: WatchMade) -> None:
    row = event.watch
    account = state.account.to_change()
    account.watches_made += 1
    assert row.number == account.watches_made, row
    state.watches.put(row.watch, row)


def _dropped(state: PlayerState, event: WatchDropped) -> None:
    state.watches.drop(event.watch)


OF_PLAYER: dict[type, Callable[[Any, Any], None]] = {WatchMade: _made, WatchDropped: _dropped}
"""In a player's store: event → its effect."""
