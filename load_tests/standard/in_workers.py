"""Bids and buyouts decided in the worker, under row locks: BEGIN, two statements that lock and read, one that writes
everything, COMMIT.

The order of locks is that of trades.sql: the listing, then players by name. Who led is known only when the listing is
locked, and a statement sees what was there when it began, so players are read by a statement of their own. A key, if
there is one, is looked up under the listing's lock by one more.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from auction.pricing import min_bid
from auction.state import Listing, ListingRules
from load_tests.standard.database import Database, Line
from load_tests.standard.deciding import Changes, Player, pay_bid, pay_buyout, take_bid, take_buyout
from load_tests.standard.rows import Command, ListingRow, Trade, item_of, name, trade_of

STATE = (
    *("version", "seller", "state", "start_bid", "buyout", "price", "leader", "leader_max", "bids", "deposit"),
    *("created_at_ms", "ends_at_ms", "first_ends_at_ms"),
)
TERMS = (
    *("fee_bp", "increment_bp", "increment_min", "price_max"),
    *("snipe_window_s", "snipe_extension_s", "snipe_max_s"),
)
"""Columns of a listing that are called as in `auction.state`: its own, and those of the rules it was made under."""
NO_CANCELLING = 0
"""Seconds for it: `listing.cancel` is not served."""
_ALL = ", ".join(("listing", "item", "document", *STATE, *TERMS))

LISTING = f"SELECT {_ALL} FROM listings WHERE listing = $1 FOR NO KEY UPDATE"  # noqa: S608 - our own columns
PLAYERS = """SELECT player, gold, escrowed, leads, open_listings, deliveries, seq FROM players
    WHERE player IN ($1, $2, $3) ORDER BY player FOR NO KEY UPDATE"""
ANSWERED = "SELECT * FROM answered($1, $2, $3)"
DELIVERY_NUMBERS = "SELECT array_agg(nextval('deliveries_delivery_seq')) FROM generate_series(1, $1)"

PLAYER_WRITE = """UPDATE players SET gold = {}, escrowed = {}, leads = {}, open_listings = {}, deliveries = {}, seq = {}
    WHERE player = {}"""
ENTRIES_WRITE = "INSERT INTO ledger (at_ms, ref, amount, player, debit, credit, reason) VALUES"
DELIVERIES_WRITE = """INSERT INTO deliveries (delivery, player, kind, gold, item, document, listing, at_ms)
    OVERRIDING SYSTEM VALUE VALUES"""
KEY_WRITE = "INSERT INTO keys (scope, key, fingerprint, at_ms, trade) VALUES"
LISTING_WRITE = """UPDATE listings SET version = {}, state = {}, price = {}, min_bid = {}, leader = {}, leader_max = {},
        bids = {}, deposit = {}, ends_at_ms = {}
    WHERE listing = {}"""
NO_ITEM = (None, None)


class InWorkers:
    """Decided by `deciding`; see `Trading` for what the methods are."""

    def __init__(self, database: Database, max_bids: int) -> None:
        self._database = database
        self._max_bids = max_bids

    async def bid(self, command: Command, amount: int) -> Trade:
        """See `Trading`."""
        async with self._database.transaction() as line:
            locked = await _locked(line, command)
            if isinstance(locked, Trade):
                return locked
            row, bidder = locked.row, command.player
            vote = take_bid(row, bidder, amount, command.now_ms)
            if isinstance(vote, Trade):
                return vote
            former = row.leader if vote.leads and not vote.led else None
            players = await _players(line, bidder, former)
            refunded = None if former is None else players[former]
            changes = pay_bid(vote, row, players[bidder], refunded, self._max_bids)
            if isinstance(changes, Trade):
                return changes
            return await _write(line, command, locked, vote.listing, changes)

    async def buy_out(self, command: Command, price: int) -> Trade:
        """See `Trading`."""
        async with self._database.transaction() as line:
            locked = await _locked(line, command)
            if isinstance(locked, Trade):
                return locked
            row, buyer = locked.row, command.player
            vote = take_buyout(row, buyer, price, command.now_ms)
            if isinstance(vote, Trade):
                return vote
            former = row.leader if row.leader != buyer else None
            players = await _players(line, buyer, former, row.seller)
            refunded = None if former is None else players[former]
            changes = pay_buyout(vote, row, players[buyer], players[row.seller], refunded)
            if isinstance(changes, Trade):
                return changes
            return await _write(line, command, locked, vote.listing, changes)


class _Locked(msgspec.Struct, frozen=True):
    """A listing under lock, and its item as the database has it."""

    row: Listing
    item: int
    document: str


class _Statement:
    """One statement put together of the writes that a trade needs: a few dozen texts, each prepared once."""

    def __init__(self) -> None:
        self._writes: list[str] = []
        self._values: list[object] = []

    def update(self, write: str, *values: object) -> None:
        """A write whose places take the values."""
        self._writes.append(write.format(*self._places(values)))

    def insert(self, write: str, rows: Sequence[Sequence[object]]) -> None:
        """Rows of one table, of which there may be none."""
        if rows:
            places = ", ".join(f"({', '.join(self._places(row))})" for row in rows)
            self._writes.append(f"{write} {places}")

    async def run(self, line: Line) -> None:
        """Do it all."""
        *before, last = self._writes
        parts = ", ".join(f"write_{number} AS ({write})" for number, write in enumerate(before))
        await line.row(f"WITH {parts} {last}" if before else last, *self._values)

    def _places(self, values: Sequence[object]) -> list[str]:
        first = len(self._values) + 1
        self._values += values
        return [f"${number}" for number in range(first, len(self._values) + 1)]


async def _locked(line: Line, command: Command) -> _Locked | Trade:
    """Lock the listing; a Trade where there is none, or where the command's key was used."""
    record = await line.row(LISTING, command.listing)
    if command.key is not None:
        first = trade_of(await line.row(ANSWERED, command.player, command.key, command.fingerprint))
        if first.reason is not None or first.row is not None:
            return first
    return Trade("no_such_listing") if record is None else _listing(record)


def _listing(record: Any) -> _Locked:
    number, document = record["listing"], record["document"]
    row = Listing(
        listing=name("l", number),
        number=number,
        item=item_of(document),
        rules=ListingRules(cancel_window_s=NO_CANCELLING, **{column: record[column] for column in TERMS}),
        **{column: record[column] for column in STATE},
    )
    return _Locked(row, record["item"], document)


async def _players(line: Line, player: str, *others: str | None) -> dict[str, Player]:
    """Lock players by name; `player` may have no row yet."""
    records = await line.rows(PLAYERS, player, *others, *[None] * (2 - len(others)))
    return {player: Player(player)} | {record[0]: Player(*record) for record in records}


async def _write(line: Line, command: Command, locked: _Locked, after: Listing, changes: Changes) -> Trade:
    """Write all that a trade changes, and say what came of it."""
    made: dict[str, Any] = {}
    if changes.waiting:
        (numbers,) = await line.row(DELIVERY_NUMBERS, len(changes.waiting))
        made = dict(zip(changes.waiting, numbers, strict=True))
    trade = Trade(changes.reason, None, _row(after, locked.document), **changes.told, **made, gold=changes.gold)
    statement, at_ms = _Statement(), command.now_ms
    for each in changes.players:
        counts = (each.leads, each.open_listings, each.deliveries, each.seq)
        statement.update(PLAYER_WRITE, each.gold, each.escrowed, *counts, each.player)
    statement.insert(ENTRIES_WRITE, [(at_ms, after.number, *entry) for entry in changes.entries])
    deliveries = []
    for role, waiting in changes.waiting.items():
        goods = (locked.item, locked.document) if role == "goods" else NO_ITEM
        deliveries.append((made[role], *waiting, *goods, after.number, at_ms))
    statement.insert(DELIVERIES_WRITE, deliveries)
    if command.key is not None:
        statement.insert(KEY_WRITE, [(command.player, command.key, command.fingerprint, at_ms, trade.record())])
    stands = (after.version, after.state, after.price, min_bid(after), after.leader, after.leader_max)
    statement.update(LISTING_WRITE, *stands, after.bids, after.deposit, after.ends_at_ms, after.number)
    await statement.run(line)
    return trade


def _row(row: Listing, document: str) -> ListingRow:
    return ListingRow(
        listing=row.number,
        version=row.version,
        seller=row.seller,
        leader=row.leader,
        document=document,
        state=row.state,
        start_bid=row.start_bid,
        buyout=row.buyout,
        price=row.price,
        min_bid=min_bid(row),
        bids=row.bids,
        created_at_ms=row.created_at_ms,
        ends_at_ms=row.ends_at_ms,
    )
