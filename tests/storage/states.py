"""A store's state as a node makes it: its file, and the journal's records beyond."""

from auction.events import decode_events
from auction.evolve import evolve
from auction.player_state import PlayerState
from auction.state import StoreId
from shardnode.storage.port import Storage


def caught_up(storage: Storage, store: StoreId) -> PlayerState:
    """The store's state at the journal's end."""
    state, position = storage.stores.load(store) or (PlayerState(), 0)
    for _, part in storage.journal.replay(store, position):
        for event in decode_events(part):
            evolve(state, event)
    return state
