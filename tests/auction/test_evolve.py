"""Events and what they make of a state: replay, pruning, the ledger, and the durable form."""

import functools
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction import ledger
from auction.commands import PlaceBid
from auction.events import (
    Answered,
    BidPlaced,
    BidTaken,
    DeliveryMade,
    Event,
    Granted,
    KeyTold,
    ListingClosed,
    Noticed,
    Refund,
    StoreOpened,
    Taken,
    TransferSent,
    TransferTaken,
    decode_events,
    encode_events,
)
from auction.evolve import _EVOLVE, evolve
from auction.player_state import PlayerState
from auction.refusals import REASONS, Refusal
from auction.state import LEDGER_KEPT, STORE_VERSION, Notice
from tests.auction.house import MAX, START_MS, House, replayed, rows_of, store_of
from worlddata.types import Rules

AL = store_of("al")


def opened(gold: int = 0) -> PlayerState:
    """Al's store, with some gold."""
    state = PlayerState()
    evolve(state, StoreOpened("al", AL))
    if gold:
        evolve(state, Granted(gold, (), {}, START_MS))
    return state


def test_every_event_has_its_way_to_evolve() -> None:
    """No event can be journaled that replay would not know."""
    known = set().union(*_EVOLVE.values())
    assert known == set(get_args(Event))


def test_every_event_carries_its_version() -> None:
    """Tags are distinct and end in the version of the form."""
    tags = [event.__struct_config__.tag for event in get_args(Event)]
    assert len(set(tags)) == len(tags)
    assert all(isinstance(tag, str) and tag.rpartition(".")[2].isdecimal() for tag in tags)
    assert STORE_VERSION == 3


def test_every_table_is_a_part_of_the_state() -> None:
    """`PlayerState.TABLES` names each table of a state, and a row's first field is its key."""
    state = PlayerState()
    assert all(hasattr(state, name) for name in PlayerState.TABLES)
    house = House()
    house.grant("al", gold=5, items=1, commodities={"tin": 1})
    house.cancel("al", house.create("al", start_bid=1))
    for name, row_class in PlayerState.TABLES.items():
        for key, row in getattr(house.state("al"), name).rows.items():
            assert isinstance(row, row_class)
            assert name == "account" or getattr(row, row_class.__struct_fields__[0]) == key


def test_replay_makes_the_same_states() -> None:
    """The records of a whole life of listings, read back from their durable form, make equal states out of nothing."""
    house = House(Rules(max_listings=50, deposit_bp=200))
    for player in ("al", "bo", "cy"):
        house.grant(player, gold=10_000, items=2, commodities={"tin": 2})
    listings = [house.create("al", start_bid=50, buyout=900) for _ in range(6)]
    for listing in listings[:4]:
        house.bid("bo", listing, 300)
        house.bid("cy", listing, 200)
        house.bid("cy", listing, 500)
    house.buy_out("bo", listings[0], 900)
    house.cancel("al", listings[4])
    house.claim_all("al")
    house.now_ms = house.view(listings[1]).ends_at_ms
    for listing in house.state("al").due_listings(house.now_ms):
        house.end(listing)
    house.claim_all("bo")
    again = replayed(house.records)
    assert {store: rows_of(state) for store, state in again.items()} == {
        store: rows_of(state) for store, state in house.states.items() if state.head() is not None
    }


def test_loading_rows_in_any_order_makes_the_same_state() -> None:
    """`recount` puts the rows of a loaded store in order and derives what no table holds."""
    house = House(Rules(max_listings=50))
    house.grant("bo", gold=10_000)
    for number in range(12):
        house.now_ms += 1
        listing = house.create("al", start_bid=10)
        house.answer("bo", PlaceBid(listing=listing, amount=20), own_key=f"n1.{number}")
        if number % 2:
            house.cancel("al", house.create("al", start_bid=10))
    for player in ("al", "bo"):
        state = house.state(player)
        loaded = PlayerState()
        for name in PlayerState.TABLES:
            getattr(loaded, name).rows = dict(sorted(getattr(state, name).rows.items(), key=str, reverse=True))
        loaded.recount()
        assert rows_of(loaded) == rows_of(state)


def test_a_table_tells_what_changed_once() -> None:
    """Put and dropped rows are told at the next call and not again."""
    state = opened(gold=5)
    assert set(state.account.take_changes()) == {0}
    assert state.account.take_changes() == {}
    house = House()
    (item,) = house.grant("al", items=1)
    items = house.state("al").items
    items.take_changes()
    house.create("al", item=item, start_bid=1)
    assert items.take_changes() == {item: None}


def test_a_taken_account_stays_as_it_was_taken() -> None:
    """The account is changed in place, yet a checkpoint keeps what it took, and is told of every later change."""
    state = opened(gold=5)
    taken = state.account.take_changes()[0]
    evolve(state, Granted(2, (), {}, START_MS))
    assert taken is not None and taken.gold == 5
    assert state.account.take_changes() == {0: state.owner()}
    assert state.gold() == 7


class TestLedger:
    """Double entry."""

    def test_each_movement_of_gold_is_one_entry(self) -> None:
        """Deposit, bid, sale, fee and claim stand in the seller's ledger with what they concern."""
        house = House(Rules(deposit_bp=1_000))
        house.grant("al", gold=100)
        house.grant("bo", gold=1_000)
        listing = house.create("al", start_bid=100)
        house.bid("bo", listing, 300)
        house.run_out(listing)
        house.claim_all("al")
        delivery = f"{AL}.d1"
        entries = [(row.debit, row.credit, row.amount, row.reason, row.ref) for row in house.state("al").ledger]
        assert entries == [
            ("wallet", "granted", 100, "grant", None),
            ("escrow", "wallet", 10, "deposit", listing),
            ("escrow", "elsewhere", 300, "bid", listing),
            ("burned", "escrow", 15, "fee", listing),
            ("elsewhere", "escrow", 200, "refund", listing),
            ("waiting", "escrow", 95, "proceeds", delivery),
            ("wallet", "waiting", 95, "claim", delivery),
        ]
        entries = [(row.debit, row.credit, row.amount, row.reason, row.ref) for row in house.state("bo").ledger]
        assert entries == [
            ("wallet", "granted", 1_000, "grant", None),
            ("elsewhere", "wallet", 300, "bid", listing),
            ("wallet", "elsewhere", 200, "refund", listing),
        ]

    def test_only_the_latest_entries_are_kept(self) -> None:
        """Older entries are dropped; the balances keep their sum."""
        house = House()
        for _ in range(LEDGER_KEPT + 10):
            house.grant("al", gold=1)
        state = house.state("al")
        assert list(state.ledger.rows) == list(range(11, LEDGER_KEPT + 11))
        assert state.owner().gold == state.owner().gold_granted == LEDGER_KEPT + 10

    def test_nothing_is_posted_for_nothing(self) -> None:
        """A movement of 0 gold leaves no entry."""
        house = House()
        house.grant("al", gold=0)
        assert len(house.state("al").ledger) == 0

    @pytest.mark.parametrize(
        ("debit", "credit", "amount"),
        [
            (ledger.BURNED, ledger.WALLET, 101),
            (ledger.WALLET, ledger.ESCROW, 1),
            (ledger.WALLET, ledger.GRANTED, MAX),
            (ledger.WALLET, ledger.GRANTED, -1),
            (ledger.WALLET, ledger.BURNED, 1),
            (ledger.GRANTED, ledger.WALLET, 1),
        ],
    )
    def test_what_cannot_be_stops_the_node(self, debit: str, credit: str, amount: int) -> None:
        """No balance falls below zero, the wallet keeps its bound, and nothing comes back from the burned."""
        with pytest.raises(AssertionError):
            ledger.post(
                opened(gold=100), debit=debit, credit=credit, amount=amount, reason="", ref=None, at_ms=START_MS
            )


class TestPruning:
    """What a store forgets, and that replay forgets the same."""

    def test_ended_listings_are_cut_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """At twice the number kept the oldest ended ones go; open ones stay, however old."""
        monkeypatch.setattr("auction.evolve.CLOSED_LISTINGS_KEPT", 3)
        house = House()
        still_open = house.create("al", start_bid=1)
        ended = []
        for _ in range(6):
            ended.append(house.create("al", start_bid=1))
            house.cancel("al", ended[-1])
        assert list(house.state("al").listings.rows) == [still_open, *ended[3:]]
        assert rows_of(replayed(house.records)[AL]) == rows_of(house.state("al"))

    def test_lost_bids_are_cut_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """At twice the number kept the oldest lost ones go; those that lead stay, however old."""
        monkeypatch.setattr("auction.evolve.LOST_BIDS_KEPT", 2)
        house = House()
        house.grant("bo", gold=1_000)
        house.grant("cy", gold=10_000)
        leads = house.create("al", start_bid=1)
        house.bid("bo", leads, 100)
        lost = [house.create("al", start_bid=1) for _ in range(4)]
        for listing in lost:
            house.now_ms += 1
            house.bid("bo", listing, 50)
        for listing in lost:
            house.bid("cy", listing, 100)
        assert set(house.state("bo").bids.rows) == {leads, *lost[2:]}
        assert rows_of(replayed(house.records)[store_of("bo")]) == rows_of(house.state("bo"))


class TestAssertions:
    """What no decision may produce stops the node before it lies."""

    @pytest.mark.parametrize(
        "event",
        [
            StoreOpened("al", AL),
            Taken(101, (), {}, START_MS),
            BidPlaced("x", 101, 101, True, START_MS),
            BidPlaced("x", 50, 40, True, START_MS),
            DeliveryMade(f"{AL}.d2", "refund", 1, (), {}, None, START_MS),
            Noticed(Notice(2, "listing.sold", START_MS, {})),
            TransferSent("other", 2, Refund("x", 0, True, 1, 2), START_MS),
            TransferTaken("other", 2, Refund("x", 0, True, 1, 2), 0, START_MS),
            TransferTaken("other", 1, Refund("x", 0, True, 1, 2), 0, START_MS),
        ],
    )
    def test_an_event_that_cannot_follow_stops_the_node(self, event: Event) -> None:
        """A second opening, spending more than there is, a number skipped, a refund without a bid: all assertions."""
        with pytest.raises(AssertionError):
            evolve(opened(gold=100), event)

    @pytest.mark.parametrize(
        "event",
        [
            Taken(0, ("x",), {}, START_MS),
            Taken(0, (), {"tin": 1}, START_MS),
            BidTaken("x", "bo", 1, 1, 1, START_MS, START_MS),
            ListingClosed("x", "expired", None, None, 0, 0, 0, START_MS),
            KeyTold("x", START_MS),
        ],
    )
    def test_a_missing_row_stops_the_node(self, event: Event) -> None:
        """An event about a row that is not there is our own bug."""
        with pytest.raises(KeyError):
            evolve(opened(), event)

    def test_a_price_above_the_maximum_stops_the_node(self) -> None:
        """Nobody is ever asked for more than was offered, nor does a closed listing take a bid."""
        house = House()
        listing = house.create("al", start_bid=1)
        with pytest.raises(AssertionError):
            evolve(house.state("al"), BidTaken(listing, "bo", 10, 11, 1, START_MS, START_MS))
        house.cancel("al", listing)
        with pytest.raises(AssertionError):
            evolve(house.state("al"), BidTaken(listing, "bo", 10, 10, 1, START_MS, START_MS))

    def test_a_key_is_answered_once(self) -> None:
        """A second answer under a key would be a second effect."""
        state = opened()
        answered = Answered("\nk", b"f" * 16, False, b"a", START_MS, False)
        evolve(state, answered)
        with pytest.raises(AssertionError):
            evolve(state, answered)

    def test_nothing_happens_in_a_store_that_was_not_opened(self) -> None:
        """The first event of every store says whose it is."""
        with pytest.raises(KeyError):
            evolve(PlayerState(), Granted(1, (), {}, START_MS))


AMOUNT = st.integers(0, MAX)
TEXT = st.text(max_size=8)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    int: AMOUNT,
    str: TEXT,
    bool: st.booleans(),
    bytes: st.binary(max_size=16),
    object: TEXT | AMOUNT,
    type(None): st.none(),
    Refusal: st.builds(Refusal, st.sampled_from(sorted(REASONS)), st.dictionaries(TEXT, TEXT | AMOUNT, max_size=2)),
}


@functools.cache
def some(hint: Any) -> st.SearchStrategy[Any]:
    """Anything of a type of the vocabulary; the fields of a struct by their types."""
    if hint in PLAIN:
        return PLAIN[hint]
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return st.builds(hint, **{name: some(field) for name, field in get_type_hints(hint).items()})
    kind, args = get_origin(hint), get_args(hint)
    if kind is Literal:
        return st.sampled_from(args)
    if kind is tuple:
        return st.lists(some(args[0]), max_size=2).map(tuple)
    if kind is dict:
        return st.dictionaries(some(args[0]), some(args[1]), max_size=2)
    return st.one_of([some(arg) for arg in args])


@given(st.lists(some(Event), max_size=3))
def test_events_come_back_as_they_went(events: list[Event]) -> None:
    """What `encode_events` wrote, `decode_events` reads, whatever the events hold."""
    assert decode_events(encode_events(events)) == events


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        msgspec.msgpack.encode([["granted.2", 1, [], {}, START_MS]]),
        msgspec.msgpack.encode([["granted.1", "1", [], {}, START_MS]]),
        msgspec.msgpack.encode([["granted.1", 1]]),
    ],
)
def test_what_is_no_event_is_not_read(data: bytes) -> None:
    """Broken data, an unknown version, a wrong type or a missing field is an error, never a guess."""
    with pytest.raises(msgspec.DecodeError):
        decode_events(data)


def test_the_durable_form_is_fixed() -> None:
    """Bytes written by this version are the ones that every later version must read."""
    events: list[Event] = [
        StoreOpened("al", "s"),
        TransferSent("t", 1, Refund("l", 7, True, 8, None), 5),
    ]
    written = bytes.fromhex(
        "92"
        "95ae73746f72652d6f70656e65642e31a2616ca1730100"
        "96af7472616e736665722d73656e742e31a1740196a8726566756e642e31a16c07c308c00501"
    )
    before_lives = bytes.fromhex(
        "92"
        "93ae73746f72652d6f70656e65642e31a2616ca173"
        "95af7472616e736665722d73656e742e31a1740196a8726566756e642e31a16c07c308c005"
    )
    assert encode_events(events) == written
    assert decode_events(written) == decode_events(before_lives) == events
