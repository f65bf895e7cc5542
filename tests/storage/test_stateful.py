"""Any history of a storage, with crashes and restarts anywhere, against a naive model of what it promises."""

import shutil
import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from auction.sales import Sale, sale_of
from auction.stores import KINDS, Kind
from shardnode.storage.port import Append, Entry
from tests.storage.houses import HOUSES
from tests.storage.rows import EACH_KIND, STORES, Fact, apply, facts, kept, listing, snapshots, sold

KIND_OF: dict[str, Kind] = {store: kind for kind, store in EACH_KIND.items()} | {STORES[1]: "player"}
_stores = st.sampled_from(list(KIND_OF))
_events = st.dictionaries(_stores, st.binary(max_size=40))
_instants = st.integers(1, 50)


class StorageHistory(RuleBasedStateMachine):
    """What is acknowledged is there, whatever happens; `kind` says where."""

    kind: str

    @initialize()
    def begin(self) -> None:
        """Open an empty storage, and a model of it."""
        self.base = Path(tempfile.mkdtemp())
        self.house = HOUSES[self.kind](self.base)
        self.house.open()
        self.batches: list[list[Entry]] = []
        self.now_ms = 0
        self.starts = 1
        self.wakeups: dict[str, int] = {}
        self.facts: dict[str, Fact] = {}
        self.listings: dict[str, object] = {}
        self.sales: dict[int, Sale] = {}
        self.feed_position = 0
        self.cut = 0
        self.files: dict[str, tuple[dict[str, dict], int]] = {}
        self.forgotten = dict.fromkeys(KIND_OF, 0)

    @property
    def position(self) -> int:
        """Of the last record."""
        return self.batches[-1][-1].position if self.batches else 0

    def records(self, after: int) -> list[Entry]:
        """Past a position."""
        return [entry for entries in self.batches for entry in entries if entry.position > after]

    @rule(
        records=st.lists(_events, min_size=1, max_size=4),
        wakeups=st.dictionaries(_stores, st.none() | _instants, max_size=2),
        now_ms=_instants,
        known=st.dictionaries(
            st.sampled_from(["prepared/1.n1.5.7/s", "peer/n2", 'ü"\\']), st.none() | facts(), max_size=3
        ),
    )
    def append(
        self,
        records: list[dict[str, bytes]],
        wakeups: dict[str, int | None],
        now_ms: int,
        known: dict[str, Fact | None],
    ) -> None:
        """A batch becomes durable."""
        entries = [Entry(self.position + 1 + number, events) for number, events in enumerate(records)]
        self.house.storage.journal.append(Append(entries, wakeups, now_ms, known))
        self.facts = {key: fact for key, fact in (self.facts | known).items() if fact is not None}
        self.batches.append(entries)
        self.now_ms = max(self.now_ms, now_ms)
        for store, wake_at_ms in wakeups.items():
            self.wakeups.pop(store, None)
            if wake_at_ms is not None:
                self.wakeups[store] = wake_at_ms

    @precondition(lambda self: self.position > 0)
    @rule(store=_stores, data=st.data())
    def save(self, store: str, data: st.DataObject) -> None:
        """A store's changes reach its file."""
        kind = KIND_OF[store]
        tables, saved = self.files.get(store, ({name: {} for name in KINDS[kind].TABLES}, 0))
        snapshot = data.draw(snapshots(store, kind, data.draw(st.integers(saved, self.position))))
        self.house.storage.stores.save([snapshot])
        apply(tables, snapshot)
        self.files[store] = (tables, snapshot.position)

    @rule(changed=st.dictionaries(st.sampled_from("abc"), st.none() | _instants, max_size=3), data=st.data())
    def save_open_listings(self, changed: dict[str, int | None], data: st.DataObject) -> None:
        """The feed's snapshot moves on."""
        position = data.draw(st.integers(self.feed_position, self.position))
        rows = {
            name: sold(name, 1, self.now_ms) if price is None else listing(name, price)
            for name, price in changed.items()
        }
        self.house.storage.journal.save_open_listings(rows, position)
        self.feed_position = position
        sales = [sale for sale in map(sale_of, rows.values()) if sale is not None]
        self.sales |= {sale.mark: sale for sale in sales}
        self.listings = {name: row for name, row in (self.listings | rows).items() if row.state == "open"}

    @rule(stores=st.sets(_stores))
    def forget(self, stores: set[str]) -> None:
        """The journal hears what is saved, and cuts off what nobody needs."""
        saved = {store: self.files[store][1] for store in stores if store in self.files}
        self.forgotten |= saved
        cut = self.cut
        for entries in self.batches:
            last = entries[-1].position
            needed = any(e.position > self.forgotten[store] for e in entries for store in e.events)
            if last > self.cut and (needed or last > self.feed_position):
                break
            cut = max(cut, last)
        assert self.house.storage.journal.forget(saved) == cut - self.cut
        self.cut = cut

    @rule(way=st.sampled_from(["crash", "restart"]))
    def end_and_start(self, way: str) -> None:
        """The node ends, this way or that, and starts again."""
        recovered = getattr(self.house, way)()
        self.starts += 1
        self.forgotten = dict.fromkeys(KIND_OF, 0)
        assert (recovered.position, recovered.now_ms, recovered.incarnation) == (
            self.position,
            self.now_ms,
            self.starts,
        )

    @rule(after=st.integers(0, 30), limit=st.integers(1, 5))
    def read_pages(self, after: int, limit: int) -> None:
        """Pages are what they say."""
        journal = self.house.storage.journal
        after = max(min(after, self.position), self.cut)
        expected = [(entry.position, list(entry.events.values())) for entry in self.records(after)]
        assert journal.feed_tail(after, limit) == expected[:limit]
        due = sorted((wake_at_ms, store) for store, wake_at_ms in self.wakeups.items() if wake_at_ms < 25)
        assert journal.due(25, limit) == [(store, wake_at_ms) for wake_at_ms, store in due][:limit]
        assert (
            journal.open_listings("a", limit)
            == [self.listings[name] for name in sorted(self.listings) if name > "a"][:limit]
        )

        assert journal.sales(-1, limit) == [self.sales[mark] for mark in sorted(self.sales)][:limit]

    @rule(store=_stores)
    def load_and_replay(self, store: str) -> None:
        """A store's file holds what was saved, and the journal what the file lacks."""
        assert self.house.storage.stores.exists(store) == (store in self.files)
        loaded = self.house.storage.stores.load(store)
        saved = 0
        if loaded is None:
            assert store not in self.files
        else:
            state, saved = loaded
            tables, position = self.files[store]
            assert (state.kind, saved) == (KIND_OF[store], position)
            assert kept(state) == {name: rows for name, rows in tables.items() if name not in state.LOGS}
            assert not any(getattr(state, log) for log in state.LOGS)
        after = max(saved, self.cut, self.forgotten[store])
        expected = [(e.position, e.events[store]) for e in self.records(after) if store in e.events]
        assert self.house.storage.journal.replay(store, after) == expected

    @precondition(lambda self: self.files)
    @rule(data=st.data())
    def read_log(self, data: st.DataObject) -> None:
        """A log has every row that was ever written to it, in order, and the node started once more."""
        store = data.draw(st.sampled_from(sorted(self.files)))
        log = data.draw(st.sampled_from(sorted(KINDS[KIND_OF[store]].LOGS)))
        rows = self.files[store][0][log]
        assert self.house.log(store, KIND_OF[store], log) == [rows[number] for number in sorted(rows)]
        self.starts += 1
        self.forgotten = dict.fromkeys(KIND_OF, 0)

    @invariant()
    def bookkeeping(self) -> None:
        """Length, feed position and the unsaved are known at any time."""
        journal = self.house.storage.journal
        assert (journal.length(), journal.feed_position()) == (self.position - self.cut, self.feed_position)
        assert {key: msgspec.json.decode(fact, type=Fact) for key, fact in journal.facts().items()} == self.facts
        first: dict[str, int] = {}
        for entries in self.batches:
            if entries[-1].position > self.cut:
                last = {store: entry.position for entry in entries for store in entry.events}
                for store, position in last.items():
                    if position > self.forgotten[store]:
                        first.setdefault(store, position)
        assert journal.unsaved(9) == sorted(first, key=lambda store: (first[store], store))

    def teardown(self) -> None:
        """Leave nothing."""
        self.house.close()
        shutil.rmtree(self.base)


@pytest.mark.parametrize(("kind", "histories"), [("memory", 60), ("disk", 12)])
def test_any_history_keeps_what_was_acknowledged(kind: str, histories: int) -> None:
    """No order of appends, saves, cuts, crashes and restarts loses or invents anything."""
    machine = type(kind, (StorageHistory,), {"kind": kind})
    run_state_machine_as_test(machine, settings=settings(max_examples=histories, stateful_step_count=20))
