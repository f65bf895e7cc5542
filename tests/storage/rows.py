"""Rows of every table of every kind of stores: strategies for any row, and a few that read well."""

from types import UnionType
from typing import Any, get_args, get_origin

import msgspec
from hypothesis import strategies as st

from auction.house_state import Freeze, House
from auction.ids import house_store, market_store, player_store
from auction.market.state import Book, BookOrder
from auction.state import Account, AuditEntry, Bid, Item, Listing, ListingRules, Passage, StoreId
from auction.stores import KINDS, Kind, State
from shardnode.storage.port import Append, Entry, Snapshot

NAMING_KEY = bytes(range(32))
STORES = [player_store(NAMING_KEY, name) for name in ("ann", "bob", "cyd", "dora")]
"""Players' stores."""
EACH_KIND: dict[Kind, StoreId] = {
    "player": STORES[0],
    "market": market_store(NAMING_KEY, "tin"),
    "house": house_store(NAMING_KEY),
}
RULES = ListingRules(**{field.name: 1 for field in msgspec.structs.fields(ListingRules)})
SWORD = Item("s.i1", "sword", "Sword “of Œ”", "swords", "rare", 30, {"might": 7, "luck": 2}, bound=True)


class Fact(msgspec.Struct, frozen=True):
    """Something a node knows besides its stores' states."""

    number: int
    text: str = ""
    data: bytes = b""
    parts: tuple["Fact", ...] = ()


_NUMBERS = st.integers(-(2**53), 2**53)
_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
"""A row's texts hold no NUL."""
_PLAIN = st.none() | st.booleans() | _NUMBERS | st.floats(allow_nan=False, allow_infinity=False) | _TEXTS
_SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    int: _NUMBERS,
    str: _TEXTS,
    bytes: st.binary(max_size=20),
    Any: _PLAIN | st.lists(_PLAIN, max_size=2) | st.dictionaries(_TEXTS, _PLAIN, max_size=2),
}


def rows(row_class: type[msgspec.Struct]) -> st.SearchStrategy[msgspec.Struct]:
    """Any row of a table."""
    return st.builds(row_class, **{field.name: _values(field.type) for field in msgspec.structs.fields(row_class)})


def facts() -> st.SearchStrategy[Fact]:
    """Any fact."""
    leaves = st.builds(Fact, _NUMBERS, st.text(max_size=8), st.binary(max_size=20))
    return st.builds(
        Fact, _NUMBERS, st.text(max_size=8), st.binary(max_size=20), st.lists(leaves, max_size=2).map(tuple)
    )


def snapshots(store: StoreId, kind: Kind, position: int) -> st.SearchStrategy[Snapshot]:
    """Any changes of a store: puts in any tables, removals in all but the logs."""
    head, *others = KINDS[kind].TABLES
    heads = st.builds(_head(kind, store), _NUMBERS).map(lambda row: {0: row})
    tables = {name: _changes(kind, name) for name in others}
    changes = st.fixed_dictionaries({head: heads}, optional=tables)
    return changes.map(lambda tables: Snapshot(store, kind, position, tables))


def apply(state: dict[str, dict[Any, Any]], snapshot: Snapshot) -> None:
    """What a snapshot does to naive tables."""
    for name, changes in snapshot.changes.items():
        for key, row in changes.items():
            if row is None:
                state[name].pop(key, None)
            else:
                state[name][key] = row


def kept(state: State) -> dict[str, dict[Any, Any]]:
    """The rows of a state as naive tables, without those of its logs."""
    return {name: getattr(state, name).rows for name in state.TABLES if name not in state.LOGS}


def all_rows(state: State) -> dict[str, dict[Any, Any]]:
    """Copies of all the tables of a state, those of its logs included that were not taken yet."""
    return {name: dict(getattr(state, name).rows) for name in state.TABLES}


def listing(listing_id: str, price: int = 5) -> Listing:
    """An open listing."""
    return Listing(
        listing=listing_id,
        number=1,
        version=price,
        seller="ann",
        item=SWORD,
        state="open",
        start_bid=1,
        buyout=None,
        price=price,
        leader="bob",
        leader_max=price,
        bids=1,
        deposit=0,
        created_at_ms=1,
        ends_at_ms=9,
        first_ends_at_ms=9,
        rules=RULES,
    )


def sold(listing_id: str, price: int, at_ms: int) -> Listing:
    """A listing that was sold."""
    return msgspec.structs.replace(listing(listing_id, price), state="sold", ended_at_ms=at_ms)


def batch(
    first: int,
    *records: dict[str, bytes],
    wakeups: dict[str, int | None] | None = None,
    now_ms: int = 0,
    facts: dict[str, msgspec.Struct | None] | None = None,
) -> Append:
    """A batch of records from a position on."""
    return Append([Entry(first + n, events) for n, events in enumerate(records)], wakeups or {}, now_ms, facts or {})


def first_snapshot(store: StoreId, position: int, gold: int = 100) -> Snapshot:
    """A player's first snapshot: an account, an item, a bid, two lines of history."""
    return Snapshot(
        store,
        "player",
        position,
        {
            "account": {0: Account("ann", store, gold=gold)},
            "items": {SWORD.item: SWORD},
            "bids": {"x.l1": Bid("x.l1", 7, True, 8)},
            "history": {1: passage(1), 2: passage(2)},
        },
    )


def first_of(kind: Kind, position: int) -> Snapshot:
    """The first snapshot of a store of a kind: a few rows that each kind has."""
    store = EACH_KIND[kind]
    if kind == "player":
        return first_snapshot(store, position)
    order = BookOrder("s.o1", 1, "ann", "buy", price=3, quantity=8, remaining=5, at_ms=1)
    freeze = Freeze("commodity/tin", "commodity", "tin", claims=True, by="ops", at_ms=1)
    tables: dict[Kind, dict[str, dict[Any, Any]]] = {
        "market": {"book": {0: Book("tin", store, gold_escrowed=15)}, "orders": {order.order: order}},
        "house": {"house": {0: House("house", store, version=1)}, "freezes": {freeze.freeze: freeze}},
    }
    return Snapshot(store, kind, position, tables[kind] | {"audit": {1: entry(1), 2: entry(2)}})


def passage(number: int) -> Passage:
    """A line of a history."""
    return Passage(number, 5, "granted", None, None, gold_in=number, items_in=("s.i1",))


def entry(number: int) -> AuditEntry:
    """A line of an audit log."""
    return AuditEntry(number, 5, "ops", "operator", "admin.freeze", None, 0, f"the {number}.")


def _head(kind: Kind, store: StoreId) -> Any:
    heads: dict[Kind, Any] = {
        "player": lambda number: Account("ann", store, gold=number),
        "market": lambda number: Book("tin", store, orders_taken=number),
        "house": lambda number: House("house", store, version=number),
    }
    return heads[kind]


def _changes(kind: Kind, name: str) -> st.SearchStrategy[dict[Any, Any]]:
    row_class = KINDS[kind].TABLES[name]
    key = msgspec.structs.fields(row_class)[0].name
    put = st.lists(rows(row_class), max_size=3).map(lambda found: {getattr(row, key): row for row in found})
    if name in KINDS[kind].LOGS:
        return put
    dropped = st.dictionaries(_values(msgspec.structs.fields(row_class)[0].type), st.none(), max_size=2)
    return st.tuples(dropped, put).map(lambda both: both[0] | both[1])


def _values(form: Any) -> st.SearchStrategy[Any]:
    if isinstance(form, type) and issubclass(form, msgspec.Struct):
        return rows(form)
    if get_origin(form) is tuple:
        return st.lists(_values(get_args(form)[0]), max_size=2).map(tuple)
    if get_origin(form) is dict:
        return st.dictionaries(_TEXTS, _values(get_args(form)[1]), max_size=3)
    if isinstance(form, UnionType):
        return st.one_of([_values(part) for part in get_args(form)])
    return _SCALARS[form] if form in _SCALARS else st.from_type(form)
