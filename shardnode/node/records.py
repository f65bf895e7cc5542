"""Records on their way into the journal, each with what else the node must know of it.

A record carries the facts that became true with it: what the agreement keeps, every transfer in it that leaves for
another node, and what is frozen. All are durable with the record or not at all. What it means to who watches something
is told when it is durable.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from auction.events import Record
from auction.evolve import listings_changed, offers_changed
from auction.freezes import Freezes, as_of
from auction.house_state import HouseState
from auction.player_state import PlayerState
from auction.state import Listing, StoreId
from shardnode.node.awake_stores import AwakeStores
from shardnode.node.gate import Gate
from shardnode.node.journal_writer import JournalWriter
from shardnode.node.timers import Timers
from shardnode.storage.facts import FREEZES, Unsent
from shardnode.watches.news import News, news_of

NOTED_MAX = 1_000
"""Facts that wait for the next record; so many get one of their own."""

Facts = Mapping[str, msgspec.Struct | None]
"""Key → what became true, or None for what no longer holds."""


class Carrier(Protocol):
    """Who carries transfers to other nodes."""

    def unsent(self, record: Record) -> Mapping[str, Unsent]:
        """The facts of those transfers of a record that leave this node."""

    def leave(self, unsent: Mapping[str, Unsent]) -> None:
        """They are durable: send them."""


class Records:
    """The only caller of the journal's writer. `note` collects facts that are in no hurry."""

    def __init__(
        self,
        *,
        stores: AwakeStores,
        writer: JournalWriter,
        timers: Timers,
        gate: Gate,
        carrier: Carrier | None,
        house: StoreId,
        freezes_durable: Callable[[Freezes], None],
        news_durable: Callable[[News], None],
    ) -> None:
        self._stores = stores
        self._writer = writer
        self._timers = timers
        self._gate = gate
        self._carrier = carrier
        self._house = house
        self._freezes_durable = freezes_durable
        self._news_durable = news_durable
        self._noted: dict[str, msgspec.Struct | None] = {}

    @property
    def position(self) -> int:
        """That of the last record handed to the journal."""
        return self._writer.position

    def commit(self, record: Record, now_ms: int, facts: Facts | None = None) -> int:
        """Hand a record to the journal; returns its position."""
        listings: dict[str, Listing] = {}
        wakeups: dict[StoreId, int | None] = {}
        for store, events in record.items():
            state = self._stores.state(store)
            assert state is not None, store
            timed = offers_changed(events)
            for listing in listings_changed(events):
                assert isinstance(state, PlayerState), store
                listings[listing] = state.listings.rows[listing]
                timed = True
            if timed and self._stores.wakeup_changed(store):
                wakeups[store] = wake_at_ms = state.wake_at_ms()
                if wake_at_ms is not None:
                    self._timers.set(store, wake_at_ms)
        leaving = self._carrier.unsent(record) if self._carrier is not None else None
        changed: dict[str, msgspec.Struct | None] = {}
        if self._noted:
            changed.update(self._noted)
            self._noted.clear()
        if facts:
            changed.update(facts)
        if leaving:
            changed.update(leaving)
        freezes = self._freezes() if self._house in record else None
        if freezes is not None:
            changed[FREEZES] = freezes
        position = self._writer.add(record, now_ms, wakeups, listings, changed)
        self._stores.touched(record, position)
        if leaving:
            assert self._carrier is not None
            self._gate.when(position, self._carrier.leave, leaving)
        if freezes is not None:
            self._gate.when(position, self._freezes_durable, freezes)
        news = news_of(record, self._stores.state)
        if news is not None:
            self._gate.when(position, self._news_durable, news)
        return position

    def note(self, facts: Facts) -> None:
        """These became true, or, where None, hold no longer; it is enough that they go with the next record."""
        self._noted.update(facts)
        if len(self._noted) >= NOTED_MAX:
            self.write_noted()

    def write_noted(self) -> None:
        """What was noted waits no longer for a record to go with."""
        if self._noted:
            self.commit({}, 0)

    def _freezes(self) -> Freezes:
        state = self._stores.state(self._house)
        assert isinstance(state, HouseState), state
        return as_of(state)
