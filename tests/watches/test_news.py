"""What a record says to those who hold watches."""

from auction.commands import BuyCommodity, CreateWatch, DeleteWatch, ListingFilter, SellCommodity
from auction.context import Caller, Request
from shardnode.watches.news import News, news_of
from shardnode.wire.events import Price
from tests.auction.house import House


def news(house: House, player: str, ask: object) -> News | None:
    """The news of what a question did."""
    executed = house.execute(Request(Caller(player, "player"), ask))  # type: ignore[arg-type]  # some question
    return news_of(executed.record, house.states.get)


def test_watches_that_are_made_and_deleted_are_news() -> None:
    """With the player whose they are."""
    house = House()
    made = news(house, "wim", CreateWatch(query=ListingFilter(base="tide_oar")))
    (row,) = house.state("wim").watches
    assert made == News([("wim", row)], [], [])
    assert news(house, "wim", DeleteWatch(watch=row.watch)) == News([], [("wim", row.watch)], [])


def test_a_trade_is_news_of_its_market_s_latest_price() -> None:
    """However many orders were met; with the day's pieces, which begin anew with the day."""
    house = House()
    house.grant("sal", commodities={"tin": 100})
    house.grant("bea", gold=10_000)
    for price in (20, 21):
        assert news(house, "sal", SellCommodity(commodity="tin", quantity=5, limit_price=price)) is None
    both = news(house, "bea", BuyCommodity(commodity="tin", quantity=8, limit_price=30))
    assert both == News([], [], [Price("tin", 21, house.now_ms, 8)])
    house.now_ms += 1_000
    again = news(house, "bea", BuyCommodity(commodity="tin", quantity=1, limit_price=30))
    assert again == News([], [], [Price("tin", 21, house.now_ms, 9)])
    house.now_ms += 86_400_000
    next_day = news(house, "bea", BuyCommodity(commodity="tin", quantity=1, limit_price=30))
    assert next_day == News([], [], [Price("tin", 21, house.now_ms, 1)])


def test_what_concerns_no_watch_is_no_news() -> None:
    """Most records are of that kind."""
    house = House()
    house.create("sal", start_bid=5)
    assert [news_of(record, house.states.get) for record in house.records] == [None, None]
