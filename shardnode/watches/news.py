"""What of a record concerns watches: those that were made or deleted, and what was traded."""

from collections.abc import Callable

import msgspec

from auction.events import Record, WatchDropped, WatchMade
from auction.market.candles import candle_id
from auction.market.events import OrderMatched
from auction.market.state import MarketState
from auction.outcomes import a_player
from auction.state import StoreId, Watch
from auction.stores import State
from shardnode.wire.events import Price

DAY_S = 86_400
OF_WATCHES = frozenset((WatchMade, WatchDropped, OrderMatched))


class News(msgspec.Struct, frozen=True):
    """Of one record."""

    made: list[tuple[str, Watch]]
    """With their players."""
    dropped: list[tuple[str, str]]
    """Players and ids."""
    prices: list[Price]
    """The last of each market."""


def news_of(record: Record, state_of: Callable[[StoreId], State | None]) -> News | None:
    """What the record says; None where that is nothing. The states are those that it has just changed."""
    if all(OF_WATCHES.isdisjoint(map(type, events)) for events in record.values()):
        return None
    concerned = [(store, event) for store, events in record.items() for event in events if type(event) in OF_WATCHES]
    news = News([], [], [])
    for store, event in concerned:
        if isinstance(event, WatchMade):
            news.made.append((a_player(state_of(store)).owner().player, event.watch))
        elif isinstance(event, WatchDropped):
            news.dropped.append((a_player(state_of(store)).owner().player, event.watch))
    for store in {store: None for store, event in concerned if isinstance(event, OrderMatched)}:
        news.prices.append(_last_price(state_of(store)))
    return news


def _last_price(state: State | None) -> Price:
    assert isinstance(state, MarketState), state
    book = state.book.rows[0]
    assert book.last_price is not None, book
    today = state.candles.rows[candle_id(DAY_S, state.candle_times[DAY_S][-1])]
    return Price(book.commodity, book.last_price, book.last_at_ms, today.volume)
