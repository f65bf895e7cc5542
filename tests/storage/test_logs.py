"""Logs leave memory with a checkpoint: wherever the node ends, each of their rows is in its store's file once."""

from pathlib import Path

import pytest

from auction.events import Record, encode_events
from auction.evolve import evolve
from auction.state import StoreId
from auction.stores import State
from shardnode.storage.port import Append, Entry
from tests.storage.histories import as_kept, every_kind, logs_of
from tests.storage.houses import HOUSES, House
from tests.storage.rows import kept
from tests.storage.states import caught_up, taken


class Stores:
    """What a node does with its stores, without the node: all are awake when they are needed."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.states: dict[StoreId, State] = {}
        self.dirty: dict[StoreId, int] = {}

    def happen(self, position: int, record: Record) -> None:
        """A record is durable, and then in memory."""
        parts = {store: encode_events(events) for store, events in record.items()}
        woken = {store: self.states.get(store) or caught_up(self.house.storage, store) for store in record}
        self.house.storage.journal.append(Append([Entry(position, parts)], {}, position))
        for store, events in record.items():
            self.states[store] = state = woken[store]
            self.dirty[store] = position
            for event in events:
                evolve(state, event)

    def checkpoint(self, *, reach_the_disk: int | None = None) -> None:
        """Take what changed; so many of the stores reach the disk, or all."""
        snapshots = [taken(store, self.states[store], position) for store, position in self.dirty.items()]
        self.house.storage.stores.save(snapshots[:reach_the_disk])
        self.dirty.clear()

    def crash(self) -> None:
        """What is in memory is gone. After the start, stores whose files lack something are woken to be saved."""
        end = self.house.crash().position
        self.states.clear()
        self.dirty.clear()
        for store in self.house.storage.journal.unsaved(99):
            self.states[store] = caught_up(self.house.storage, store)
            self.dirty[store] = end


@pytest.mark.parametrize("reach_the_disk", [0, 1, 2, None])
@pytest.mark.parametrize("storage", HOUSES)
def test_a_log_has_every_row_once_though_saves_failed(tmp_path: Path, storage: str, reach_the_disk: int | None) -> None:
    """Every few records a checkpoint takes what changed, reaches the disk in part or whole, and the node dies: the
    journal gives again what no file has, and nothing that a file has is there twice.
    """
    known = every_kind()
    house = HOUSES[storage](tmp_path)
    house.open()
    stores = Stores(house)
    for position, record in enumerate(known.records, 1):
        stores.happen(position, record)
        if position % 4 == 0:
            stores.checkpoint(reach_the_disk=reach_the_disk)
            stores.crash()
        elif position % 4 == 2:
            stores.checkpoint()
    stores.checkpoint()
    written = {
        store: {log: house.log(store, state.kind, log) for log in state.LOGS}
        for store, state in known.states.items()
        if state.head() is not None
    }
    assert written == logs_of(known)
    assert {store: kept(caught_up(house.storage, store)) for store in written} == as_kept(known)
    assert all(any(logs.values()) for logs in written.values())
    house.close()


@pytest.mark.parametrize("storage", HOUSES)
def test_a_checkpoint_takes_the_rows_of_logs_out_of_memory(tmp_path: Path, storage: str) -> None:
    """A store that is awake for long does not grow with what was ever written to its logs."""
    known = every_kind()
    house = HOUSES[storage](tmp_path)
    house.open()
    stores = Stores(house)
    for position, record in enumerate(known.records, 1):
        stores.happen(position, record)
    assert any(len(getattr(state, log)) for state in stores.states.values() for log in state.LOGS)
    stores.checkpoint()
    assert not any(len(getattr(state, log)) for state in stores.states.values() for log in state.LOGS)
    house.close()
