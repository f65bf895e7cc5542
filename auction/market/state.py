"""The state of one commodity's market store: the orders that rest in its book, and what was traded.

book           1 row: which commodity, balances, counters, the last price
orders         the orders that rest; each holds its gold (`price × remaining`) or its `remaining` pieces
candles        open, high, low, close and volume by minute, hour and day
transfers_out, transfers_in   as in a player's store
history        every fill, kept for ever, and not in memory
audit          fills of great worth: the same
"""

from collections import deque
from typing import ClassVar, Literal

import msgspec

from auction.market.levels import Levels
from auction.state import AuditEntry, OrderSide, Passage, StoreId, TransferMark
from auction.tables import LogTable, OneRow, Table

BOOK_ORDERS_MAX = 100_000
"""How many orders rest in one book at most; one that would be beyond is returned."""
FILLS_MAX = 200
"""How many resting orders one order meets at most; what would still cross then is returned."""
BUCKETS_S = {60: 1_440, 3_600: 720, 86_400: 1_096}
"""Seconds of a candle → how many of the latest are kept: a day of minutes, a month of hours, three years of days."""


class Book(msgspec.Struct, gc=False):
    """The store's single row. Gold and pieces: what is in escrow with resting orders, burned, and went elsewhere less
    what came from there: `gold_escrowed + gold_burned + gold_elsewhere` and `goods_escrowed + goods_elsewhere` are 0.
    """

    commodity: str
    store: StoreId
    life: int = 1
    gold_escrowed: int = 0
    gold_burned: int = 0
    gold_elsewhere: int = 0
    goods_escrowed: int = 0
    goods_elsewhere: int = 0
    orders_taken: int = 0
    """Counter of orders that came in: their place in time."""
    last_price: int | None = None
    last_at_ms: int = 0
    passages_made: int = 0
    audited: int = 0


class BookOrder(msgspec.Struct, frozen=True, gc=False):
    """An order that rests: at one price the lower `number` goes first."""

    order: str
    number: int
    player: str
    side: OrderSide
    price: int
    quantity: int
    remaining: int
    at_ms: int


class Candle(msgspec.Struct, frozen=True, gc=False):
    """What was traded within `bucket_s` seconds from `at_ms` on, which are whole minutes, hours and days of UTC.

    Without trades there is none.
    """

    candle: str
    """`<bucket_s>/<at_ms>`."""
    bucket_s: int
    at_ms: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    """Pieces, counted no further than MAX_AMOUNT."""


class MarketState:
    """All tables of one market store, and what is derived from them: `bids` and `asks` have the book in its order
    (`auction.market.levels`), `candle_times` the instants of the candles of each bucket, the oldest first.
    """

    kind: ClassVar[Literal["market"]] = "market"
    TABLES: ClassVar[dict[str, type[msgspec.Struct]]] = {
        "book": Book,
        "orders": BookOrder,
        "candles": Candle,
        "transfers_out": TransferMark,
        "transfers_in": TransferMark,
        "history": Passage,
        "audit": AuditEntry,
    }
    LOGS: ClassVar[frozenset[str]] = frozenset(("history", "audit"))

    __slots__ = (
        "asks",
        "audit",
        "bids",
        "book",
        "candle_times",
        "candles",
        "history",
        "locked",
        "orders",
        "transfers_in",
        "transfers_out",
    )

    def __init__(self) -> None:
        self.book: OneRow[Book] = OneRow()
        self.orders: Table[str, BookOrder] = Table()
        self.candles: Table[str, Candle] = Table()
        self.transfers_out: Table[str, TransferMark] = Table()
        self.transfers_in: Table[str, TransferMark] = Table()
        self.history: LogTable[Passage] = LogTable()
        self.audit: LogTable[AuditEntry] = LogTable()
        self.locked: dict[str, str] = {}
        """No trade ever holds anything here."""
        self.bids = Levels("buy")
        self.asks = Levels("sell")
        self.candle_times: dict[int, deque[int]] = {bucket_s: deque() for bucket_s in BUCKETS_S}

    def recount(self) -> None:
        """Put the rows in order and derive the rest anew, after a store was loaded."""
        self.orders.sort(lambda row: row.number)
        self.bids, self.asks = Levels("buy"), Levels("sell")
        for order in self.orders:
            self.side(order.side).add(order.price, order.order, order.remaining)
        for bucket_s in BUCKETS_S:
            self.candle_times[bucket_s] = deque(sorted(row.at_ms for row in self.candles if row.bucket_s == bucket_s))

    def side(self, side: OrderSide) -> Levels:
        """The orders of one side."""
        return self.bids if side == "buy" else self.asks

    def head(self) -> Book | None:
        """The one row; None for a store that was never written to."""
        return self.book.get(0)

    def head_to_change(self) -> Book:
        """The one row of a store that was written to, to be changed at once."""
        return self.book.to_change()

    def wake_at_ms(self) -> int | None:
        """Nothing in a market is ever due."""
        return None
