"""Books and candles as pictures of text. Nothing here asks the house or a clock."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from auction.results import BookLevel, BookResult, CandleView
from clients.terminal.tables import gold, lasting

BAR_COLUMNS = 30
CHART_LINES = 9
BARS = " ▁▂▃▄▅▆▇█"
BOUGHT, SOLD = "green", "red"


def book_picture(commodity: str, book: BookResult, now_ms: int) -> RenderableType:
    """Asks above bids, price by price, each as long as its pieces are many; the latest trade between them."""
    if not book.bids and not book.asks:
        return Group(Text(f"{commodity}: nobody buys or sells", "bold"), _last(book, now_ms))
    most = max(level.quantity for level in (*book.bids, *book.asks))
    return Group(
        Text(commodity, "bold"),
        _side(book.asks[::-1], "sell", SOLD, most),
        _last(book, now_ms),
        _side(book.bids, "buy", BOUGHT, most),
    )


def _side(levels: Sequence[BookLevel], side: str, style: str, most: int) -> Table:
    table = Table.grid(padding=(0, 2))
    for justify in ("left", "right", "right", "right", "left"):
        table.add_column(justify=justify)
    for level in levels:
        orders = "1 order" if level.orders == 1 else f"{gold(level.orders)} orders"
        bar = Text("█" * max(1, BAR_COLUMNS * level.quantity // most), style)
        table.add_row(f"{side:<4}", f"{gold(level.price):>9}", f"{gold(level.quantity):>9}", f"{orders:>10}", bar)
    return table


def _last(book: BookResult, now_ms: int) -> Text:
    if book.last is None:
        return Text("never traded yet", "dim")
    return Text(f"last {gold(book.last.price)}, {lasting(max(0, now_ms - book.last.at_ms))} ago", "italic")


def candle_picture(commodity: str, candles: Sequence[CandleView], bucket_s: int) -> RenderableType:
    """One column a candle: what was paid first and last as a body, the extremes as a wick, the volume below."""
    if not candles:
        return Text(f"{commodity}: nothing was traded; try a longer --bucket, or `book`")
    high, low = max(candle.high for candle in candles), min(candle.low for candle in candles)

    def line_of(price: int) -> int:
        return round((high - price) * (CHART_LINES - 1) / max(1, high - low))

    lines = []
    for line in range(CHART_LINES):
        price = {0: high, line_of(low): low}.get(line)
        text = Text(f"{'' if price is None else gold(price):>12} ┤")
        for candle in candles:
            first, last = sorted((line_of(candle.open), line_of(candle.close)))
            wick = "│" if line_of(candle.high) <= line <= line_of(candle.low) else " "
            text.append("█" if first <= line <= last else wick, BOUGHT if candle.close >= candle.open else SOLD)
        lines.append(text)
    most = max(candle.volume for candle in candles)
    volumes = "".join(BARS[max(1, (len(BARS) - 1) * candle.volume // most)] for candle in candles)
    return Group(
        Text(f"{commodity}: {gold(candles[-1].close)} at last", "bold"),
        *lines,
        Text(f"{'pieces':>12} ┤{volumes}"),
        Text(
            f"{gold(sum(candle.volume for candle in candles))} pieces, a column is {lasting(bucket_s * 1000)}, "
            f"{_instant(candles[0].at_ms)} to {_instant(candles[-1].at_ms)}",
            "dim",
        ),
    )


def _instant(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
