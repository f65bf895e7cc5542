"""`auction client`: commodities, offers and watches, command by command, in a house in memory."""

import json

import msgspec
import pytest
from rich.console import Console, RenderableType

from auction.results import BookResult, CandlesResult
from clients.terminal.pictures import CHART_LINES, book_picture, candle_picture
from tests.clients.fake_house import ITEM, Json, Refuse, listing_of
from tests.clients.shop import FAR, HOME, Shop, ok, type_in


def printed(picture: RenderableType) -> str:
    """A picture as text."""
    console = Console(width=100, color_system=None)
    with console.capture() as capture:
        console.print(picture)
    return capture.get()


def test_a_quote_is_a_price_with_its_levels(shop: Shop) -> None:
    """What so many cost, at which prices, and the id to buy by."""
    text = ok(type_in(shop, "quote", "buy", "iron_ore", "100"))
    assert "100 iron_ore cost 2,100 (40 at 20, 60 at 22)." in text
    assert "quote q.1" in text
    assert "bring, before the fee, 2,100" in ok(type_in(shop, "quote", "sell", "iron_ore", "100"))
    assert shop.asked_for("commodity.quote")[0] == {"commodity": "iron_ore", "side": "buy", "quantity": 100}


def test_an_order_at_a_price_rests_in_part(shop: Shop) -> None:
    """With --at nothing is asked first; what was traded and what rests is told."""
    text = ok(type_in(shop, "buy", "iron_ore", "100", "--at", "20"))
    assert "Bought 40 for 800" in text and "60 rest in the book" in text
    text = ok(type_in(shop, "sell", "iron_ore", "100", "--at", "20"))
    assert "Sold 40 for 680" in text and "60 rest in the book" in text
    wanted = {"commodity": "iron_ore", "quantity": 100, "limit_price": 20}
    assert shop.asked_for("commodity.buy") == shop.asked_for("commodity.sell") == [wanted]


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_without_a_price_the_quote_is_agreed_to(shop: Shop, side: str) -> None:
    """A person sees what it costs or brings now and says yes or no; --yes says so beforehand."""
    refused = type_in(shop, side, "iron_ore", "100", keys="n\n")
    assert refused.exit_code == 1
    assert "2,100" in refused.stderr
    assert shop.asked_for(f"commodity.{side}") == []
    ok(type_in(shop, side, "iron_ore", "100", keys="y\n"))
    ok(type_in(shop, side, "iron_ore", "100", "--yes"))
    ok(type_in(shop, side, "--quote", "q.9"))
    assert shop.asked_for(f"commodity.{side}") == [{"quote": "q.1"}, {"quote": "q.1"}, {"quote": "q.9"}]


@pytest.mark.parametrize(
    "words",
    [
        ("buy",),
        ("buy", "iron_ore"),
        ("buy", "iron_ore", "0"),
        ("buy", "iron_ore", "5", "--quote", "q.1"),
        ("sell",),
        ("sell", "iron_ore", "5", "--buyout", "9"),
        ("sell", "x.i1", "--at", "5"),
        ("offer", "ben"),
        ("offer", "b en", "--give", "5"),
        ("offer", "ben", "--give", "iron=0"),
        ("watch", "cutter", "--commodity", "iron_ore"),
        ("search", "--market"),
        ("search", "--score", "damage"),
    ],
)
def test_what_cannot_be_meant_is_said(shop: Shop, words: tuple[str, ...]) -> None:
    """A command that cannot be meant so ends with 2 and asks the house for nothing."""
    result = type_in(shop, *words)
    assert result.exit_code == 2
    assert "Error" in result.stderr
    assert shop.asked == []


def test_a_price_that_moved_is_told(shop: Shop) -> None:
    """A refused quote says what it would cost now."""

    def moved(_player: str, _params: Json) -> Json:
        raise Refuse(-32003, "price_changed", price=2_400)

    shop.handlers["commodity.buy"] = moved
    result = type_in(shop, "buy", "iron_ore", "100", "--yes")
    assert result.exit_code == 1
    assert "The price is 2,400 now" in result.stderr


def test_what_must_wait_says_how_long(shop: Shop) -> None:
    """A refusal with a time to wait tells it as people do."""

    def too_new(_player: str, _params: Json) -> Json:
        raise Refuse(-32003, "too_new", retry_after_ms=3_600_000)

    shop.handlers["commodity.buy"] = too_new
    assert "wait 1h 00m." in type_in(shop, "buy", "iron_ore", "1", "--at", "5").stderr


def test_orders_and_commodities_are_tables(shop: Shop) -> None:
    """Our orders by the ends of their ids; every commodity with its best and last prices."""
    (row,) = [line.split() for line in ok(type_in(shop, "orders")).splitlines() if "iron_ore" in line]
    assert row == ["tuvwx.o3", "sell", "iron_ore", "22", "60", "100", "1m", "00s"]
    (row,) = [line.split() for line in ok(type_in(shop, "commodities")).splitlines() if "iron_ore" in line]
    assert row == ["iron_ore", "Iron", "Ore", "ores", "1", "18", "20", "19"]


def test_cancel_takes_an_order_back(shop: Shop) -> None:
    """The same word as for a listing; the end of the id says which."""
    assert "60 pieces; `claim` them" in ok(type_in(shop, "cancel", "wx.o3"))
    assert shop.asked_for("commodity.cancel") == [{"order": f"{HOME}.o3"}]
    assert shop.asked_for("listing.cancel") == []


def test_a_book_is_a_picture_of_its_depth(shop: Shop) -> None:
    """The highest ask is on top, the lowest bid at the bottom, the last price between, with bars to scale."""
    lines = ok(type_in(shop, "book", "iron_ore", "--depth", "5")).splitlines()
    assert [line.split()[1] for line in lines if line.startswith(("buy", "sell"))] == ["22", "20", "18", "15"]
    assert lines[3].startswith("last 19, 2m 00s ago")
    assert max(lines, key=lambda line: line.count("█")).split()[1] == "15"
    assert shop.asked_for("commodity.book") == [{"commodity": "iron_ore", "depth": 5}]


def test_an_empty_book_is_told_in_words() -> None:
    """Nobody buys or sells, and nobody ever did."""
    text = printed(book_picture("iron_ore", BookResult([], [], None), 0))
    assert "nobody buys or sells" in text and "never traded" in text


def test_candles_are_a_chart(shop: Shop) -> None:
    """Bodies from first to last price, wicks to the extremes, volumes below."""
    lines = ok(type_in(shop, "candles", "iron_ore", "--bucket", "1m")).splitlines()
    chart = [line.split("┤")[1] for line in lines if "┤" in line]
    assert len(chart) == CHART_LINES + 1
    first, second = ("".join(line.ljust(2)[column] for line in chart) for column in (0, 1))
    assert (first, second) == ("│██│     ▁", " █████████")
    assert lines[1].split()[0] == "24" and lines[CHART_LINES].split()[0] == "10"
    assert "90 pieces" in lines[-1]


def test_a_chart_of_one_price_is_one_line() -> None:
    """Where every trade had the same price there is no range to draw, and no division by it."""
    same = {"at_ms": 0, "open": 5, "high": 5, "low": 5, "close": 5, "volume": 1}
    candles = msgspec.convert({"candles": [same] * 3}, CandlesResult).candles
    assert printed(candle_picture("iron_ore", candles, 60)).count("███") == 2
    assert "nothing was traded" in printed(candle_picture("iron_ore", [], 60))


def test_an_offer_names_gold_pieces_and_items(shop: Shop) -> None:
    """Numbers are gold, name=number pieces, all else items: ours by their ends, another's as they are."""
    given = ("--give", "500", "--give", "x.i1", "--give", "iron_ore=20", "--give", "iron_ore=5")
    assert "withdraw" in ok(type_in(shop, "offer", "ben", *given, "--want", f"{FAR}.i9", "--expires", "2h"))
    assert shop.asked_for("offer.make") == [
        {
            "to": "ben",
            "give": {"gold": 500, "items": [f"{HOME}.i1"], "commodities": {"iron_ore": 25}},
            "want": {"items": [f"{FAR}.i9"]},
            "expires_s": 7_200,
        }
    ]


def test_offers_show_what_one_gives_and_gets(shop: Shop) -> None:
    """Seen from either side, with what may be done."""
    lines = ok(type_in(shop, "offers")).splitlines()
    (mine,) = [line for line in lines if "withdraw" in line]
    (theirs,) = [line for line in lines if "accept" in line]
    assert mine.index("Harbour Cutter") < mine.index("500 gold")
    assert theirs.index("500 gold") < theirs.index("Harbour Cutter")
    assert "20 iron_ore" in theirs


def test_an_offer_is_accepted_once_it_was_agreed_to(shop: Shop) -> None:
    """A person sees what goes and what comes, and says yes or no."""
    refused = type_in(shop, "accept", "xx.f1", keys="n\n")
    assert refused.exit_code == 1
    assert f"Give ben 500 gold, item {HOME}.i1 for Harbour Cutter, 20 iron_ore?" in refused.stderr
    assert shop.asked_for("offer.accept") == []
    assert "Agreed" in ok(type_in(shop, "accept", "xx.f1", "--yes"))
    assert "Declined" in ok(type_in(shop, "decline", "xx.f1"))
    assert "Withdrawn" in ok(type_in(shop, "withdraw", "wx.f1"))
    assert shop.asked_for("offer.accept") == shop.asked_for("offer.decline") == [{"offer": f"{FAR}.f1"}]
    assert shop.asked_for("offer.withdraw") == [{"offer": f"{HOME}.f1"}]


def test_watches_of_all_three_kinds(shop: Shop) -> None:
    """Filters, a listing by its end, or a commodity."""
    ok(type_in(shop, "watch", "cutter", "--stat", "damage=30", "--price-max", "500"))
    ok(type_in(shop, "watch", "--listing", "fexx.l1"))
    ok(type_in(shop, "watch", "--commodity", "iron_ore"))
    ok(type_in(shop, "watch"))
    assert shop.asked_for("watch.create") == [
        {"query": {"text": "cutter", "stats": [{"stat": "damage", "min": 30}], "price": {"max": 500}}},
        {"listing": f"{FAR}.l1"},
        {"commodity": "iron_ore"},
        {"query": {}},
    ]
    text = ok(type_in(shop, "watches"))
    assert "listings: category swords " in text and "iron_ore" in text
    ok(type_in(shop, "unwatch", "wx.w2"))
    assert shop.asked_for("watch.delete") == [{"watch": f"{HOME}.w2"}]


def test_what_watches_tell_is_printed(shop: Shop) -> None:
    """A search's listings by name and price, a commodity's last price, one JSON line each with --json."""
    listings = [listing_of(), listing_of(buyout=70, min_bid=None), *[listing_of(state="sold")] * 2]
    shop.tell_of_watch("ann", listings=listings, missed=3)
    shop.tell_of_watch("ann", commodity="iron_ore", price=19, at_ms=5, volume=1_200)
    text = ok(type_in(shop, "events", "--follow"))
    assert "Watch ann.w1: Harbour Cutter (open from 126), Harbour Cutter (open from 70)" in text
    assert "Harbour Cutter (sold) and 4 more." in text
    assert "iron_ore went for 19; 1,200 pieces were ever traded." in text
    lines = ok(type_in(shop, "--json", "live")).splitlines()
    assert [json.loads(line)["type"] for line in lines] == ["watch.matched"] * 2


def test_the_live_view_shows_what_watches_tell(shop: Shop) -> None:
    """Beside the market, the purse and the events."""
    shop.tell_of_watch("ann", commodity="iron_ore", price=19, at_ms=5, volume=1_200)

    def looked(_player: str, _params: Json) -> Json:
        if len(shop.asked_for("listing.search")) == 2:
            raise Refuse(-32001, "token_expired")
        shop.tell("ann")
        return {"listings": [], "next": None, "as_of_ms": 1_000_000}

    shop.handlers["listing.search"] = looked
    assert "iron_ore went for 19" in type_in(shop, "live").stdout


def test_a_score_sorts_the_best_first(shop: Shop) -> None:
    """Weights alone mean the sort "score", downwards, and each row has its sum; --sort still has the last word."""
    text = ok(type_in(shop, "search", "--score", "damage=3", "--score", "agility=-1"))
    assert "86" in text
    ok(type_in(shop, "search", "--score", "damage=3", "--sort", "price"))
    by_score, by_price = shop.asked_for("listing.search")
    assert by_score == {"score": {"damage": 3, "agility": -1}, "sort": "score", "order": "desc", "limit": 20}
    assert by_price == {"score": {"damage": 3}, "sort": "price", "order": "asc", "limit": 20}


@pytest.mark.parametrize(
    ("market", "said"),
    [
        ({"median_price": 450, "sold_24h": 12}, "Sold within 24 hours: 12, half of them for 450 or less."),
        ({"median_price": None, "sold_24h": 0}, "None of these was sold within 24 hours."),
    ],
)
def test_the_market_of_a_base_is_told(shop: Shop, market: Json, said: str) -> None:
    """--market asks for it and says it below the listings."""
    shop.handlers["listing.search"] = lambda _player, _params: {
        "listings": shop.market,
        "next": None,
        "as_of_ms": 1_000_000,
        "market": market,
    }
    assert said in ok(type_in(shop, "search", "--base", ITEM["base"], "--market"))
    assert shop.asked_for("listing.search")[0]["with_market"] is True
