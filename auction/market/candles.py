"""Candles: what a commodity was traded for within a minute, an hour and a day."""

from msgspec.structs import replace

from auction.amounts import MAX_AMOUNT
from auction.market.state import BUCKETS_S, Candle, MarketState


def traded(state: MarketState, price: int, quantity: int, at_ms: int) -> None:
    """Draw a trade into the candles of its instant, and drop the oldest beyond those kept; a part of `evolve`.

    Should the clock of a new home be behind that of a former one, the latest candle takes the trade.
    """
    for bucket_s, kept in BUCKETS_S.items():
        times = state.candle_times[bucket_s]
        begins_ms = at_ms - at_ms % (bucket_s * 1000)
        if times and begins_ms <= times[-1]:
            name = candle_id(bucket_s, times[-1])
            state.candles.put(name, _grown(state.candles.rows[name], price, quantity))
            continue
        name = candle_id(bucket_s, begins_ms)
        state.candles.put(name, Candle(name, bucket_s, begins_ms, price, price, price, price, quantity))
        times.append(begins_ms)
        if len(times) > kept:
            state.candles.drop(candle_id(bucket_s, times.popleft()))


def latest(state: MarketState, bucket_s: int, limit: int) -> list[Candle]:
    """The latest candles of a bucket, oldest first."""
    times = list(state.candle_times[bucket_s])[-limit:]
    return [state.candles.rows[candle_id(bucket_s, at_ms)] for at_ms in times]


def candle_id(bucket_s: int, at_ms: int) -> str:
    """The key of a candle's row."""
    return f"{bucket_s}/{at_ms}"


def _grown(row: Candle, price: int, quantity: int) -> Candle:
    return replace(
        row,
        high=max(row.high, price),
        low=min(row.low, price),
        close=price,
        volume=min(row.volume + quantity, MAX_AMOUNT),
    )
