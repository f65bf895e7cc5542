"""Rows of every table: strategies for any row, and a few that read well."""

from types import UnionType
from typing import Any, get_args, get_origin

import msgspec
from hypothesis import strategies as st

from auction.ids import player_store
from auction.player_state import TABLES, PlayerState
from auction.state import Account, Bid, Item, Listing, ListingRules
from shardnode.storage.port import Append, Entry, Snapshot

NAMING_KEY = bytes(range(32))
STORES = [player_store(NAMING_KEY, name) for name in ("ann", "bob", "cyd", "dora")]
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
_SCALARS: dict[Any, st.SearchStrategy[Any]] = {int: _NUMBERS, str: _TEXTS, bytes: st.binary(max_size=20)}


def rows(row_class: type[msgspec.Struct]) -> st.SearchStrategy[msgspec.Struct]:
    """Any row of a table."""
    return st.builds(row_class, **{field.name: _values(field.type) for field in msgspec.structs.fields(row_class)})


def facts() -> st.SearchStrategy[Fact]:
    """Any fact."""
    leaves = st.builds(Fact, _NUMBERS, st.text(max_size=8), st.binary(max_size=20))
    return st.builds(
        Fact, _NUMBERS, st.text(max_size=8), st.binary(max_size=20), st.lists(leaves, max_size=2).map(tuple)
    )


def snapshots(store: str, position: int) -> st.SearchStrategy[Snapshot]:
    """Any changes of a store: puts in any tables, and removals."""
    tables = {name: _changes(name) for name in TABLES if name != "account"}
    account = st.builds(Account, player=st.just("ann"), store=st.just(store), gold=_NUMBERS)
    changes = st.fixed_dictionaries({"account": account.map(lambda row: {0: row})}, optional=tables)
    return changes.map(lambda tables: Snapshot(store, position, tables))


def apply(state: dict[str, dict[Any, Any]], snapshot: Snapshot) -> None:
    """What a snapshot does to naive tables."""
    for name, changes in snapshot.changes.items():
        for key, row in changes.items():
            if row is None:
                state[name].pop(key, None)
            else:
                state[name][key] = row


def tables_of(state: PlayerState) -> dict[str, dict[Any, Any]]:
    """The rows of a state, as naive tables."""
    return {name: getattr(state, name).rows for name in TABLES}


def empty() -> dict[str, dict[Any, Any]]:
    """Naive tables without rows."""
    return {name: {} for name in TABLES}


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


def batch(
    first: int,
    *records: dict[str, bytes],
    wakeups: dict[str, int | None] | None = None,
    now_ms: int = 0,
    facts: dict[str, msgspec.Struct | None] | None = None,
) -> Append:
    """A batch of records from a position on."""
    return Append([Entry(first + n, events) for n, events in enumerate(records)], wakeups or {}, now_ms, facts or {})


def first_snapshot(store: str, position: int, gold: int = 100) -> Snapshot:
    """A store's first snapshot: an account, an item, a bid."""
    return Snapshot(
        store,
        position,
        {
            "account": {0: Account("ann", store, gold=gold)},
            "items": {SWORD.item: SWORD},
            "bids": {"x.l1": Bid("x.l1", 7, True, 8)},
        },
    )


def _changes(name: str) -> st.SearchStrategy[dict[Any, Any]]:
    row_class = TABLES[name]
    key = msgspec.structs.fields(row_class)[0].name
    put = st.lists(rows(row_class), max_size=3).map(lambda found: {getattr(row, key): row for row in found})
    dropped = st.dictionaries(_values(msgspec.structs.fields(row_class)[0].type), st.none(), max_size=2)
    return st.tuples(dropped, put).map(lambda both: both[0] | both[1])


def _values(form: Any) -> st.SearchStrategy[Any]:
    if isinstance(form, type) and issubclass(form, msgspec.Struct):
        return rows(form)
    if form == tuple[Item, ...]:
        return st.lists(rows(Item), max_size=2).map(tuple)
    if get_origin(form) is dict:
        return st.dictionaries(_TEXTS, _values(get_args(form)[1]), max_size=3)
    if isinstance(form, UnionType):
        return st.one_of([_values(part) for part in get_args(form)])
    return _SCALARS[form] if form in _SCALARS else st.from_type(form)
