"""Bids decided in SQL and in workers, against the models that hold the node's own; the audit, against what is wrong."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from auction.amounts import MAX_AMOUNT, share_rounded_up
from auction.state import Item
from load_tests.standard import Standard
from load_tests.standard.audit import audited
from load_tests.standard.database import Database
from load_tests.standard.postgres import connect
from load_tests.standard.rows import Command, Trade
from load_tests.standard.settings import RulesIn
from load_tests.standard.trading import trading
from tests.auction.naive import NaiveAuction
from worlddata.types import Rules

BIDDERS = ("bo", "cy", "di")
LISTING = """INSERT INTO listings (
        seller, item, document, base, category, rarity, level, words, stats, start_bid, deposit, created_at_ms,
        first_ends_at_ms, fee_bp, increment_bp, increment_min, price_max, snipe_window_s, snipe_extension_s,
        snipe_max_s, state, ends_at_ms, version, min_bid, leader_max, bids)
    VALUES ('al', 0, $6, '', '', '', 1, '', '{}', $1, 0, 0, $2, 0, $3, $4, $5, 30, 30, 600, 'open', $2, 1, $1, 0, 0)
    RETURNING listing"""
END_MS = 1_000_000
DOCUMENT = msgspec.json.encode(Item("i1", "", "", "", "", 1, {}, bound=False)).decode()

amounts = st.integers(1, 60) | st.integers(1, 5_000) | st.integers(MAX_AMOUNT - 50, MAX_AMOUNT)


class Undone(Database):
    """One connection, whose transactions are all part of one that comes to nothing."""

    _outer: Any

    async def begin(self) -> None:
        """Whatever is done from here on can be undone."""
        line = await self._take()
        self._outer = line.connection.transaction()
        await self._outer.start()
        self._give(line)

    async def undo(self) -> None:
        """All of it."""
        await self._outer.rollback()


class Floor:
    """A listing of nobody's item, players with all the gold there can be, and whoever decides on their bids."""

    def __init__(self, runner: asyncio.Runner, database: Undone, rules_in: RulesIn) -> None:
        self._runner = runner
        self._database = database
        self._trading = trading(rules_in, database, max_bids=100)
        self._listing = 0

    @contextmanager
    def open(self, start_bid: int, increment_bp: int, increment_min: int) -> Iterator[None]:
        """Put the listing up, and undo all in the end."""
        self._runner.run(self._database.begin())
        try:
            for bidder in BIDDERS:
                self.query("INSERT INTO players (player, gold) VALUES ($1, $2)", bidder, MAX_AMOUNT)
            ((self._listing,),) = self.query(
                LISTING, start_bid, END_MS, increment_bp, increment_min, MAX_AMOUNT, DOCUMENT
            )
            yield
        finally:
            self._runner.run(self._database.undo())

    def query(self, statement: str, *values: object) -> list[Any]:
        """Rows of a statement."""
        return self._runner.run(self._database.rows(statement, values))

    def bid(self, bidder: str, amount: int, now_ms: int = 0) -> Trade:
        """One bid, without a key, and what came of it."""
        command = Command(bidder, self._listing, now_ms, key=None, fingerprint=None)
        return self._runner.run(self._bid(command, amount))

    async def _bid(self, command: Command, amount: int) -> Trade:
        return await self._trading.bid(command, amount)


@pytest.fixture
def floor(standard: Standard, rules_in: RulesIn) -> Iterator[Floor]:
    """Both forms decide here, on a connection of their own."""
    with asyncio.Runner() as runner:
        database = Undone(standard.sockets, size=1)
        runner.run(database.open())
        yield Floor(runner, database, rules_in)
        runner.run(database.close())


@pytest.fixture
def database(standard: Standard) -> Iterator[Connection[Any]]:
    """A transaction that comes to nothing."""
    with connect(standard.sockets) as connection:
        yield connection
        connection.rollback()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start_bid=st.integers(1, 50),
    increment_bp=st.sampled_from([0, 1, 500, 10_000]),
    increment_min=st.integers(1, 7),
    bids=st.lists(st.tuples(st.sampled_from(BIDDERS), amounts), max_size=10),
)
def test_bids_go_as_on_paper(
    floor: Floor, start_bid: int, increment_bp: int, increment_min: int, bids: list[tuple[str, int]]
) -> None:
    """Whoever bids whatever, leader, price and answers are those of the naive auction; the leader's maximum is held."""
    paper = NaiveAuction(start_bid, Rules(increment_bp=increment_bp, increment_min=increment_min))
    with floor.open(start_bid, increment_bp, increment_min):
        for bidder, amount in bids:
            expected = paper.bid(bidder, amount)
            trade = floor.bid(bidder, amount)
            assert (trade.reason or "ok") == expected
            leads = paper.leader()
            assert leads is not None or trade.reason == "bid_too_low"
            if trade.row is not None and leads is not None:
                assert (trade.row.price, trade.row.leader) == (paper.price, leads[0])
        held = dict(floor.query("SELECT player, escrowed FROM players WHERE player = ANY($1)", list(BIDDERS)))
    assert held == {bidder: paper.held(bidder) for bidder in BIDDERS}


def test_a_late_bid_extends_the_listing(floor: Floor) -> None:
    """A bid within the snipe window leaves so many seconds, all extensions together no more than the rules allow."""

    def end_ms(trade: Trade) -> int:
        assert trade.row is not None, trade
        return trade.row.ends_at_ms

    with floor.open(1, 0, 1):
        assert end_ms(floor.bid("bo", 10, END_MS - 30_001)) == END_MS
        assert end_ms(floor.bid("cy", 20, END_MS - 10_000)) == END_MS + 20_000
        assert floor.bid("bo", 30, END_MS + 20_000).reason == "listing_closed"
        now_ms = END_MS
        for amount in range(30, 130):
            now_ms = min(now_ms + 19_000, END_MS + 599_999)
            floor.bid(BIDDERS[amount % 2], amount, now_ms)
        assert end_ms(floor.bid("di", 500, END_MS + 599_999)) == END_MS + 600_000


def test_gold_that_a_wallet_cannot_take_waits(floor: Floor) -> None:
    """Who is outbid with a full wallet finds the bid's gold in a delivery, and is told of both."""
    with floor.open(1, 0, 1):
        floor.bid("bo", 10)
        floor.query("UPDATE players SET gold = $1 WHERE player = 'bo'", MAX_AMOUNT)
        trade = floor.bid("cy", 20)
        waiting = floor.query("SELECT delivery, gold FROM deliveries WHERE player = 'bo' AND kind = 'refund'")
        assert [tuple(row) for row in waiting] == [(trade.refund, 10)]
        assert (trade.former, trade.former_seq) == ("bo", 2)


@given(amount=st.integers(0, MAX_AMOUNT), share_bp=st.integers(0, 10_000))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_shares_are_those_of_the_house(database: Connection[Any], amount: int, share_bp: int) -> None:
    """Shares of any amount are exact in SQL: rounded down for increments, up for fees."""
    row = database.execute("SELECT share(%s, %s), share_rounded_up(%s, %s)", [amount, share_bp] * 2).fetchone()
    assert row == (amount * share_bp // 10_000, share_rounded_up(amount, share_bp))


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ("UPDATE players SET gold = gold + 1 WHERE player = 'audited'", {"gold", "wallets and escrows"}),
        (
            "UPDATE players SET escrowed = 1, gold = gold - 1 WHERE player = 'audited'",
            {"wallets and escrows", "escrows"},
        ),
        ("UPDATE items SET owner = NULL WHERE owner = 'audited'", {"items", "counts"}),
    ],
)
def test_the_audit_finds_what_is_wrong(database: Connection[Any], damage: str, found: set[str]) -> None:
    """Gold out of nothing, gold held for no bid and an item that is nowhere each show in the audit."""
    database.execute("SELECT grant_goods('audited', 5, %s, 10, 0, 'audited', '', '')", [ITEM])
    assert audited(database).balanced
    database.execute(damage.encode())
    assert {check.partition(":")[0] for check in audited(database).failed} == found


ITEM = """[{"item": -1, "document": "{}", "base": "", "category": "", "rarity": "", "level": 1, "words": "",
    "stats": {}, "bound": false}]"""
