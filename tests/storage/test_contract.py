"""What every storage promises, on disk and in memory alike."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from auction.sales import SALES_KEPT_MS, sale_of
from auction.stores import KINDS, Kind
from shardnode.storage.port import Recovered, Snapshot, StorageFault
from tests.storage.houses import HOUSES, NAMING_KEY, House
from tests.storage.rows import (
    EACH_KIND,
    STORES,
    SWORD,
    Fact,
    batch,
    entry,
    first_of,
    first_snapshot,
    kept,
    listing,
    passage,
    sold,
)

ANN, BOB, CYD, _ = STORES


@pytest.fixture(params=HOUSES)
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """Each storage, open and empty."""
    house = HOUSES[request.param](tmp_path)
    house.open()
    yield house
    house.close()


def test_a_first_start_finds_nothing(house: House) -> None:
    """An empty directory has no records, no stores, no wake-ups, nothing for sale."""
    journal = house.storage.journal
    assert (journal.length(), journal.feed_position(), journal.unsaved(9)) == (0, 0, [])
    assert (journal.due(10**15, 9), journal.open_listings("", 9), journal.feed_tail(0, 9)) == ([], [], [])
    assert journal.facts() == {}
    assert not house.storage.stores.exists(ANN)
    assert house.storage.stores.load(ANN) is None


@pytest.mark.parametrize("way", ["restart", "crash"])
def test_what_was_appended_is_there_after_any_end(house: House, way: str) -> None:
    """Position, instant, naming key and identity survive; the incarnation grows by one with each start."""
    house.storage.journal.append(batch(1, {ANN: b"a1"}, {BOB: b"b2", ANN: b"a2"}, now_ms=1_000))
    house.storage.journal.append(batch(3, {BOB: b"b3"}, now_ms=900))
    first = getattr(house, way)()
    again = getattr(house, way)()
    assert first == Recovered(3, 1_000, 2, NAMING_KEY, again.identity)
    assert again == Recovered(3, 1_000, 3, NAMING_KEY, first.identity)
    assert house.storage.journal.replay(ANN, 0) == [(1, b"a1"), (2, b"a2")]
    assert house.storage.journal.replay(BOB, 2) == [(3, b"b3")]
    assert house.storage.journal.feed_tail(0, 9) == [(1, [b"a1"]), (2, [b"b2", b"a2"]), (3, [b"b3"])]


def test_feed_tail_gives_pages_that_begin_within_a_batch(house: House) -> None:
    """Whole records past any position, at most as many as asked for, none twice."""
    house.storage.journal.append(batch(1, {ANN: b"1"}, {ANN: b"2"}, {ANN: b"3"}))
    house.storage.journal.append(batch(4, {ANN: b"4"}, {ANN: b"5"}))
    tail = house.storage.journal.feed_tail
    assert [[position for position, _ in tail(after, 2)] for after in (0, 2, 4, 5)] == [[1, 2], [3, 4], [5], []]


def test_wakeups_are_the_latest_told_earliest_first(house: House) -> None:
    """A later batch replaces or removes a store's wake-up; `due` is exclusive, ordered and limited."""
    journal = house.storage.journal
    journal.append(batch(1, {ANN: b""}, wakeups={ANN: 50, BOB: 40, CYD: 30}))
    journal.append(batch(2, {ANN: b""}, wakeups={ANN: 20, CYD: None}))
    for _ in range(2):
        journal = house.storage.journal
        assert journal.due(41, 9) == [(ANN, 20), (BOB, 40)]
        assert journal.due(40, 9) == [(ANN, 20)]
        assert journal.due(41, 1) == [(ANN, 20)]
        house.crash()


def known(house: House) -> dict[str, Fact]:
    """The facts, read."""
    return {key: msgspec.json.decode(fact, type=Fact) for key, fact in house.storage.journal.facts().items()}


def test_facts_are_the_latest_told_and_outlive_their_batch(house: House) -> None:
    """A later batch replaces or removes a fact; those that stay are there when all records are cut off."""
    journal = house.storage.journal
    journal.append(batch(1, {ANN: b""}, facts={"b": Fact(1), "a": Fact(2, '“Œ”"\\\n\0', b"\0\xff"), "c": Fact(3)}))
    journal.append(batch(2, {ANN: b""}, facts={"b": Fact(4, parts=(Fact(5),)), "c": None, "never": None}))
    journal.append(batch(3, {ANN: b""}, facts={"c": None, "d": Fact(2**53 - 1)}))
    facts = {"a": Fact(2, '“Œ”"\\\n\0', b"\0\xff"), "b": Fact(4, parts=(Fact(5),)), "d": Fact(2**53 - 1)}
    journal.save_open_listings({}, 3)
    assert journal.forget({ANN: 3}) == 3
    for way in ("crash", "restart", "crash"):
        assert known(house) == facts
        assert list(known(house)) == ["a", "b", "d"]
        getattr(house, way)()
    house.storage.journal.append(batch(4, {}, facts=dict.fromkeys(facts)))
    house.crash()
    assert known(house) == {}


def test_a_record_of_facts_alone_has_a_position_and_holds_up_nothing(house: House) -> None:
    """It touches no store: the feed sees an empty record, and the journal is cut past it without any store's file."""
    journal = house.storage.journal
    journal.append(batch(1, {}, {}, facts={"a": Fact(1)}, now_ms=7))
    journal.append(batch(3, {ANN: b"a3"}))
    assert journal.feed_tail(0, 9) == [(1, []), (2, []), (3, [b"a3"])]
    assert (journal.length(), journal.unsaved(9), journal.replay(ANN, 0)) == (3, [ANN], [(3, b"a3")])
    journal.save_open_listings({}, 3)
    assert journal.forget({}) == 2
    recovered = house.crash()
    assert (recovered.position, recovered.now_ms) == (3, 7)
    assert known(house) == {"a": Fact(1)}


def test_facts_share_nothing_with_who_told_them(house: House) -> None:
    """Changing what was given, or what was read, changes nothing in storage."""

    class Changing(msgspec.Struct):
        number: int

    fact = Changing(1)
    house.storage.journal.append(batch(1, {}, facts={"a": fact}))
    fact.number = 2
    house.storage.journal.facts().clear()
    assert house.storage.journal.facts() == {"a": b'{"number":1}'}


def test_open_listings_come_in_pages_by_id_with_their_position(house: House) -> None:
    """Rows put are replaced or removed by later ones; pages follow one another by id."""
    journal = house.storage.journal
    journal.append(batch(1, {ANN: b"1"}, {ANN: b"2"}))
    journal.save_open_listings({"c": listing("c"), "a": listing("a"), "b": listing("b")}, 1)
    ended = {name: msgspec.structs.replace(listing(name), state="expired") for name in ("b", "gone")}
    journal.save_open_listings({"a": listing("a", 8), **ended}, 2)
    for _ in range(2):
        journal = house.storage.journal
        assert journal.feed_position() == 2
        assert journal.open_listings("", 1) == [listing("a", 8)]
        assert journal.open_listings("a", 9) == [listing("c")]
        house.crash()


def test_sales_are_kept_for_a_day(house: House) -> None:
    """Those of listings that were sold, each once, in pages by mark, until a day after by the journal's instants."""
    journal = house.storage.journal
    rows = {name: sold(name, 10 + number, number) for number, name in enumerate("abcde")}
    sales = sorted((sale_of(row) for row in rows.values()), key=lambda sale: sale.mark)
    journal.append(batch(1, {ANN: b"1"}, now_ms=5))
    journal.save_open_listings({**rows, "x": msgspec.structs.replace(rows["a"], listing="x", state="expired")}, 1)
    journal.save_open_listings({"a": rows["a"]}, 1)
    assert house.storage.journal.sales(-1, 9) == sales
    house.crash()
    journal = house.storage.journal
    assert journal.sales(-1, 2) == sales[:2]
    assert journal.sales(sales[1].mark, 9) == sales[2:]
    journal.append(batch(2, {ANN: b"2"}, now_ms=SALES_KEPT_MS + 2))
    journal.save_open_listings({}, 2)
    for _ in range(2):
        assert [sale.at_ms for sale in house.storage.journal.sales(-1, 9)] == [
            sale.at_ms for sale in sales if sale.at_ms > 2
        ]
        house.crash()


def test_a_record_goes_when_every_store_and_the_feed_have_it(house: House) -> None:
    """`forget` cuts whole batches from the front, none that a store's file or the feed lacks."""
    journal = house.storage.journal
    journal.append(batch(1, {ANN: b"a1"}, {BOB: b"b2"}))
    journal.append(batch(3, {ANN: b"a3"}))
    assert journal.forget({ANN: 3, BOB: 2}) == 0, "the feed has nothing yet"
    journal.save_open_listings({}, 3)
    journal.append(batch(4, {ANN: b"a4"}))
    assert journal.unsaved(9) == [ANN]
    assert journal.forget({}) == 3
    assert journal.length() == 1
    assert journal.replay(ANN, 3) == [(4, b"a4")]
    assert journal.feed_tail(3, 9) == [(4, [b"a4"])]


def test_one_store_that_is_not_saved_keeps_what_touches_it(house: House) -> None:
    """A batch stays while any store in it lacks it, and so does all that comes after."""
    journal = house.storage.journal
    journal.append(batch(1, {ANN: b"a1"}))
    journal.append(batch(2, {BOB: b"b2"}))
    journal.append(batch(3, {ANN: b"a3"}))
    journal.save_open_listings({}, 3)
    assert journal.forget({ANN: 3}) == 1
    assert journal.unsaved(9) == [BOB]
    assert journal.forget({BOB: 1}) == 0
    assert journal.forget({BOB: 2}) == 2
    assert (journal.length(), journal.unsaved(9)) == (0, [])


def test_after_a_crash_the_journal_names_the_stores_that_it_still_holds(house: House) -> None:
    """After a crash `unsaved` names all stores in the journal, those longest waiting first."""
    journal = house.storage.journal
    journal.append(batch(1, {CYD: b"c1"}, {ANN: b"a2"}))
    journal.append(batch(3, {BOB: b"b3", CYD: b"c3"}))
    journal.save_open_listings({}, 3)
    journal.forget({CYD: 3})
    house.crash()
    journal = house.storage.journal
    assert journal.unsaved(9) == [CYD, ANN, BOB]
    assert journal.unsaved(1) == [CYD]
    assert journal.forget({CYD: 3, ANN: 2, BOB: 3}) == 3


def test_an_empty_journal_remembers_where_it_ended(house: House) -> None:
    """With all records cut, position and instant stay, and the next record follows."""
    journal = house.storage.journal
    journal.append(batch(1, {ANN: b"a1"}, now_ms=77))
    journal.save_open_listings({}, 1)
    assert journal.forget({ANN: 1}) == 1
    recovered = house.restart()
    assert (recovered.position, recovered.now_ms) == (1, 77)
    house.storage.journal.append(batch(2, {ANN: b"a2"}))
    assert house.crash().position == 2


@pytest.mark.parametrize("way", ["restart", "crash"])
def test_a_saved_store_is_loaded_as_it_was(house: House, way: str) -> None:
    """Rows put, replaced and removed, the position, and the counts derived from the rows; nothing counts as changed."""
    stores = house.storage.stores
    house.storage.journal.append(batch(1, {ANN: b""}, {ANN: b""}))
    stores.save([first_snapshot(ANN, 1)])
    change = {"items": {SWORD.item: None}, "account": {0: first_snapshot(ANN, 2, gold=5).changes["account"][0]}}
    stores.save([Snapshot(ANN, "player", 2, change)])
    getattr(house, way)()
    loaded = house.storage.stores.load(ANN)
    assert loaded is not None
    state, position = loaded
    assert position == 2
    assert (state.gold(), len(state.items), state.standing_bids, state.bids_escrowed) == (5, 0, 1, 7)
    assert not state.account.changed
    assert house.storage.stores.exists(ANN)


@pytest.mark.parametrize("way", ["restart", "crash"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_store_of_each_kind_is_loaded_as_one(house: House, kind: Kind, way: str) -> None:
    """Saved side by side, stores of every kind have the tables of their own, and no others."""
    house.storage.journal.append(batch(1, dict.fromkeys(EACH_KIND.values(), b"")))
    house.storage.stores.save([first_of(each, 1) for each in KINDS])
    getattr(house, way)()
    loaded = house.storage.stores.load(EACH_KIND[kind])
    assert loaded is not None
    state, position = loaded
    changes = first_of(kind, 1).changes
    assert type(state) is KINDS[kind]
    assert kept(state) == {name: changes.get(name, {}) for name in state.TABLES if name not in state.LOGS}
    assert (position, state.head()) == (1, next(iter(changes.values()))[0])
    assert not any(getattr(state, name).changed for name in state.TABLES)


@pytest.mark.parametrize("kind", KINDS)
def test_logs_are_kept_and_not_loaded(house: House, kind: Kind) -> None:
    """Rows are added snapshot by snapshot; one that is written again, by a replay after a crash, is there once."""
    store = EACH_KIND[kind]
    house.storage.journal.append(batch(1, {store: b""}, {store: b""}, {store: b""}))
    house.storage.stores.save([first_of(kind, 1)])
    before = list(first_of(kind, 1).changes.get("audit", {}).values())
    rows: dict[str, dict] = {"audit": {number: entry(number) for number in (3, 12, 7)}}
    house.storage.stores.save([Snapshot(store, kind, 2, rows)])
    house.storage.stores.save([Snapshot(store, kind, 3, rows)])
    house.crash()
    loaded = house.storage.stores.load(store)
    assert loaded is not None
    assert not any(getattr(loaded[0], log) for log in loaded[0].LOGS)
    assert house.log(store, kind, "audit") == [*before, entry(3), entry(7), entry(12)]


def test_each_log_of_each_store_is_its_own(house: House) -> None:
    """History and audit of a store do not mix, and neither do those of two stores."""
    house.storage.journal.append(batch(1, {ANN: b"", BOB: b""}))
    house.storage.stores.save([first_snapshot(ANN, 1), first_snapshot(BOB, 1)])
    house.storage.stores.save([Snapshot(BOB, "player", 1, {"audit": {1: entry(1)}, "history": {3: passage(3)}})])
    assert house.log(ANN, "player", "history") == [passage(1), passage(2)]
    assert house.log(BOB, "player", "history") == [passage(1), passage(2), passage(3)]
    assert (house.log(ANN, "player", "audit"), house.log(BOB, "player", "audit")) == ([], [entry(1)])


def test_more_stores_than_open_files(house: House) -> None:
    """Stores beyond the limit of open files are saved and loaded all the same, in any order."""
    house.storage.journal.append(batch(1, *({store: b""} for store in STORES)))
    for position in (1, 2, 3):
        house.storage.stores.save([first_snapshot(store, position, gold=position) for store in STORES])
    for store in reversed(STORES):
        loaded = house.storage.stores.load(store)
        assert loaded is not None
        assert (loaded[0].gold(), loaded[1]) == (3, 3)


def test_a_state_that_was_loaded_is_the_callers_own(house: House) -> None:
    """Changing a loaded state changes nothing in storage."""
    house.storage.journal.append(batch(1, {ANN: b""}))
    house.storage.stores.save([first_snapshot(ANN, 1)])
    first = house.storage.stores.load(ANN)
    assert first is not None
    first[0].items.drop(SWORD.item)
    second = house.storage.stores.load(ANN)
    assert second is not None
    assert SWORD.item in second[0].items


def test_a_store_ahead_of_the_journal_is_refused(house: House) -> None:
    """A file that knows records which the journal does not have is not loaded; others are."""
    house.storage.journal.append(batch(1, {ANN: b""}))
    house.storage.stores.save([first_snapshot(ANN, 2), first_snapshot(BOB, 1)])
    with pytest.raises(StorageFault, match="journal"):
        house.storage.stores.load(ANN)
    assert house.storage.stores.load(BOB) is not None


def test_positions_have_no_gaps(house: House) -> None:
    """A batch that does not follow the last record is our own bug."""
    house.storage.journal.append(batch(1, {ANN: b""}))
    with pytest.raises(AssertionError):
        house.storage.journal.append(batch(3, {ANN: b""}))


def test_a_file_never_goes_back(house: House) -> None:
    """A snapshot older than the file is our own bug."""
    house.storage.journal.append(batch(1, {ANN: b""}, {ANN: b""}))
    house.storage.stores.save([first_snapshot(ANN, 2)])
    with pytest.raises(AssertionError):
        house.storage.stores.save([first_snapshot(ANN, 1)])


def test_a_storage_is_opened_once(house: House) -> None:
    """A second opener is refused while the first is there."""
    other = type(house.storage).open
    with pytest.raises(StorageFault, match="in use"):
        other(house.storage)


def test_a_closed_journal_takes_nothing(house: House) -> None:
    """After `close` an append is refused and says so."""
    house.storage.journal.close()
    with pytest.raises(StorageFault, match="closed"):
        house.storage.journal.append(batch(1, {ANN: b""}))
