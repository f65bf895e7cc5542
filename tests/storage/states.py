"""A store's state as a node makes it: its file, and the journal's records beyond."""

from auction.state import StoreId
from auction.stores import State
from shardnode.storage.port import Snapshot, Storage
from shardnode.storage.replay import replay
from tests.auction.house import empty


def caught_up(storage: Storage, store: StoreId) -> State:
    """The store's state at the journal's end; in its logs is what its file lacks."""
    state, position = storage.stores.load(store) or (None, 0)
    for _, part in storage.journal.replay(store, position):
        state = replay(state, part)
    return empty(store) if state is None else state


def taken(store: StoreId, state: State, position: int) -> Snapshot:
    """What a checkpoint takes of a store."""
    changes = {name: getattr(state, name).take_changes() for name in state.TABLES}
    return Snapshot(store, state.kind, position, changes)
