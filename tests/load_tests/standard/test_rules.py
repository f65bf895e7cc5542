"""The rules that stand in SQL, against the models that hold the node's own; and the audit, against what is wrong."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from auction.amounts import MAX_AMOUNT, share_rounded_up
from load_tests.standard import Standard
from load_tests.standard.audit import audited
from load_tests.standard.postgres import connect
from tests.auction.naive import NaiveAuction
from worlddata.types import Rules

BIDDERS = ("bo", "cy", "di")
LISTING = """INSERT INTO listings (
        seller, item, document, base, category, rarity, level, words, stats, start_bid, deposit, created_at_ms,
        first_ends_at_ms, fee_bp, increment_bp, increment_min, price_max, snipe_window_s, snipe_extension_s,
        snipe_max_s, state, ends_at_ms, version, min_bid, leader_max, bids)
    VALUES (
        'al', 0, '{}', '', '', '', 1, '', '{}', %(start)s, 0, 0,
        %(end)s, 0, %(bp)s, %(least)s, %(max)s, 30, 30,
        600, 'open', %(end)s, 1, %(start)s, 0, 0)
    RETURNING listing"""
END_MS = 1_000_000

amounts = st.integers(1, 60) | st.integers(1, 5_000) | st.integers(MAX_AMOUNT - 50, MAX_AMOUNT)


@pytest.fixture
def database(standard: Standard) -> Iterator[Connection[Any]]:
    """A transaction that comes to nothing."""
    with connect(standard.sockets) as connection:
        yield connection
        connection.rollback()


def put_up(database: Connection[Any], start_bid: int, increment_bp: int, increment_min: int) -> int:
    """A listing of nobody's item, and players with all the gold there can be."""
    database.rollback()
    for bidder in BIDDERS:
        database.execute("INSERT INTO players (player, gold) VALUES (%s, %s)", [bidder, MAX_AMOUNT])
    terms = {"start": start_bid, "bp": increment_bp, "least": increment_min, "max": MAX_AMOUNT, "end": END_MS}
    row = database.execute(LISTING, terms).fetchone()
    assert row is not None
    return int(row[0])


def bid(database: Connection[Any], bidder: str, listing: int, amount: int, now_ms: int = 0) -> Any:
    """One bid's answer: reason, price, leader and end."""
    call = "SELECT reason, price, leader, ends_at_ms FROM bid(%s, %s, %s, %s, 100, NULL, NULL)"
    return database.execute(call, [bidder, listing, amount, now_ms]).fetchone()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start_bid=st.integers(1, 50),
    increment_bp=st.sampled_from([0, 1, 500, 10_000]),
    increment_min=st.integers(1, 7),
    bids=st.lists(st.tuples(st.sampled_from(BIDDERS), amounts), max_size=10),
)
def test_bids_go_as_on_paper(
    database: Connection[Any], start_bid: int, increment_bp: int, increment_min: int, bids: list[tuple[str, int]]
) -> None:
    """Whoever bids whatever, leader, price and answers are those of the naive auction; the leader's maximum is held."""
    paper = NaiveAuction(start_bid, Rules(increment_bp=increment_bp, increment_min=increment_min))
    listing = put_up(database, start_bid, increment_bp, increment_min)
    for bidder, amount in bids:
        expected = paper.bid(bidder, amount)
        reason, price, leader, _ = bid(database, bidder, listing, amount)
        assert (reason or "ok") == expected
        leads = paper.leader()
        assert leads is not None or reason == "bid_too_low"
        if price is not None and leads is not None:
            assert (price, leader) == (paper.price, leads[0])
    held = dict(database.execute("SELECT player, escrowed FROM players WHERE player = ANY(%s)", [list(BIDDERS)]))
    assert held == {bidder: paper.held(bidder) for bidder in BIDDERS}


def test_a_late_bid_extends_the_listing(database: Connection[Any]) -> None:
    """A bid within the snipe window leaves so many seconds, all extensions together no more than the rules allow."""
    listing = put_up(database, 1, 0, 1)
    assert bid(database, "bo", listing, 10, END_MS - 30_001)[3] == END_MS
    assert bid(database, "cy", listing, 20, END_MS - 10_000)[3] == END_MS + 20_000
    assert bid(database, "bo", listing, 30, END_MS + 20_000)[0] == "listing_closed"
    now_ms = END_MS
    for amount in range(30, 130):
        now_ms = min(now_ms + 19_000, END_MS + 599_999)
        bid(database, BIDDERS[amount % 2], listing, amount, now_ms)
    assert bid(database, "di", listing, 500, END_MS + 599_999)[3] == END_MS + 600_000


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
