"""Searches over the whole house: filters, order, pages, and that what is new or gone shows."""

from pathlib import Path
from typing import Any

import pytest

from tests.conformance.client import eventually
from tests.conformance.contract import BAD_PARAMS
from tests.conformance.house import House, Issuer, Player, running


def found(player: Player, **query: Any) -> list[str]:
    """The listings that a query finds, in its order."""
    return [row["listing"] for page in player.pages("listing.search", limit=100, **query) for row in page]


class Market:
    """Listings of one base that no other test sells, so that a filter by base finds these alone."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.viewer = house.newcomer()
        self.bidder = house.newcomer(gold=10_000)
        self.base = self._unsold_base()
        self.by_name: dict[str, str] = {}
        self.rows: dict[str, Any] = {}
        for name, prices in (
            ("bid 100", {"start_bid": 100}),
            ("bid 200 or buy 900", {"start_bid": 200, "buyout": 900}),
            ("buy 150", {"buyout": 150}),
            ("bid 100, now 300", {"start_bid": 100, "buyout": 400}),
        ):
            seller = house.newcomer()
            item = house.grant(seller.name, items=[{"base": self.base["base"]}])["items"][0]["item"]
            made = seller.call("listing.create", item=item, duration_s=3600, **prices)
            self.by_name[name] = made["listing"]["listing"]
        moved = self.by_name["bid 100, now 300"]
        self.bidder.bid(moved, 380)
        house.newcomer(gold=1000).ask("listing.bid", {"listing": moved, "amount": 280})
        self.rows = {listing: self.viewer.look(listing) for listing in self.by_name.values()}
        assert self.rows[moved]["price"] == 294
        eventually(self._is_fed)

    def find(self, **query: Any) -> list[str]:
        """The listings of this market's base that a query finds."""
        return found(self.viewer, base=self.base["base"], **query)

    def _is_fed(self) -> bool:
        """Whether searches know by now what the listings' homes know."""
        rows = self.viewer.call("listing.search", base=self.base["base"])["listings"]
        return {row["listing"]: row for row in rows} == self.rows

    def _unsold_base(self) -> dict[str, Any]:
        everything = [base for page in self.viewer.pages("world.bases", limit=100) for base in page]
        sold = {row["item"]["base"] for page in self.viewer.pages("listing.search", limit=100) for row in page}
        unsold: dict[str, Any] = next(base for base in reversed(everything) if base["base"] not in sold)
        return unsold


@pytest.fixture
def market(house: House) -> Market:
    """Four listings."""
    return Market(house)


def test_a_search_finds_listings_as_their_homes_show_them(market: Market) -> None:
    """Every row is what `listing.get` tells the same viewer."""
    result = market.viewer.call("listing.search", base=market.base["base"])
    assert {row["listing"]: row for row in result["listings"]} == market.rows
    assert result["next"] is None
    assert result["as_of_ms"] >= max(row["created_at_ms"] for row in market.rows.values())


def test_price_means_what_a_buyer_would_pay_now(market: Market) -> None:
    """`min_bid` where bids are taken, else `buyout`: in the filter and in the sort."""
    names = market.by_name
    order = [names["bid 100"], names["buy 150"], names["bid 200 or buy 900"], names["bid 100, now 300"]]
    asked = {name: market.rows[listing]["min_bid"] or market.rows[listing]["buyout"] for name, listing in names.items()}
    assert (asked["bid 100"], asked["buy 150"], asked["bid 200 or buy 900"]) == (100, 150, 200)
    assert market.find(sort="price") == order
    assert market.find(sort="price", order="desc") == order[::-1]
    assert market.find(sort="price", price={"max": 150}) == order[:2]
    assert market.find(sort="price", price={"min": 151, "max": 200}) == order[2:3]
    assert market.find(sort="price", price={"min": 100}) == order


def test_nulls_sort_last_in_either_direction(market: Market) -> None:
    """A listing without a buyout comes after those that have one."""
    names = market.by_name
    rising = [names["buy 150"], names["bid 100, now 300"], names["bid 200 or buy 900"]]
    assert market.find(sort="buyout") == [*rising, names["bid 100"]]
    assert market.find(sort="buyout", order="desc") == [*rising[::-1], names["bid 100"]]


def test_the_listing_id_breaks_ties(market: Market) -> None:
    """Where all are equal in the sort, the id decides."""
    assert market.find(sort="score", score={"no_such_stat": 1}) == sorted(market.rows)


@pytest.mark.parametrize(
    ("sort", "field"), [("ends_at", "ends_at_ms"), ("created_at", "created_at_ms")], ids=["ends_at", "created_at"]
)
def test_searches_sort_by_instants(market: Market, sort: str, field: str) -> None:
    """Both ways, ties by id."""
    rising = sorted(market.rows, key=lambda listing: (market.rows[listing][field], listing))
    falling = sorted(market.rows, key=lambda listing: (-market.rows[listing][field], listing))
    assert market.find(sort=sort) == rising
    assert market.find(sort=sort, order="desc") == falling


def test_searches_sort_and_filter_by_what_items_are(market: Market) -> None:
    """By level, rarity, a stat, and a score over stats."""
    items = {listing: row["item"] for listing, row in market.rows.items()}
    levels = sorted(item["level"] for item in items.values())
    assert [items[listing]["level"] for listing in market.find(sort="level")] == levels
    low = {listing for listing, item in items.items() if item["level"] <= levels[1]}
    assert set(market.find(level={"max": levels[1]})) == low
    assert set(market.find(level={"min": levels[-1]})) == {
        listing for listing, item in items.items() if item["level"] == levels[-1]
    }
    rarity = next(iter(items.values()))["rarity"]
    assert set(market.find(rarity=[rarity])) == {listing for listing, item in items.items() if item["rarity"] == rarity}
    assert market.find(rarity=["no such"]) == []
    for stat in market.base["stats"]:
        have = {listing: item["stats"][stat] for listing, item in items.items() if stat in item["stats"]}
        ranked = sorted(have, key=lambda listing: (have[listing], listing))
        lacking = sorted(items.keys() - have.keys())
        assert market.find(sort=f"stat:{stat}") == [*ranked, *lacking]
        assert set(market.find(stats=[{"stat": stat}])) == have.keys()
        if have:
            most = max(have.values())
            best = {listing for listing, value in have.items() if value == most}
            assert set(market.find(stats=[{"stat": stat, "min": most, "max": most}])) == best
            assert market.find(sort="score", score={stat: 1}, order="desc")[0] in best


def test_scores_show_the_best_first(market: Market) -> None:
    """Weights alone sort by the weighted sum, the largest first; who wants it otherwise says so."""
    items = {listing: row["item"]["stats"] for listing, row in market.rows.items()}
    for stat in market.base["stats"]:
        worst_first = sorted(items, key=lambda listing: (items[listing].get(stat, 0), listing))
        best_first = sorted(items, key=lambda listing: (-items[listing].get(stat, 0), listing))
        assert market.find(score={stat: 3}) == market.find(score={stat: 3}, sort="score") == best_first
        assert market.find(score={stat: 3}, order="asc") == worst_first
        assert market.find(score={stat: -3}) == worst_first


def test_a_search_tells_what_its_base_sold_for(market: Market) -> None:
    """The median and the number of what was sold, and nothing where it is not asked for or no base is named."""

    def told(**query: Any) -> Any:
        return market.viewer.ask("listing.search", query)["result"].get("market")

    asked = {"base": market.base["base"], "with_market": True}
    assert told(**asked) == {"median_price": None, "sold_24h": 0}
    for name, price, so_far in (("buy 150", 150, (150, 1)), ("bid 200 or buy 900", 900, (525, 2))):
        market.bidder.call("listing.buyout", listing=market.by_name[name], price=price)
        figures = dict(zip(("median_price", "sold_24h"), so_far, strict=True))
        eventually(lambda: told(**asked) == figures)  # noqa: B023 - at once
    assert told(base=market.base["base"]) is told(with_market=True) is None


def test_searches_filter_by_category_text_and_buyout(market: Market) -> None:
    """By the category of the base, by its name in any case, and by having a buyout."""
    assert set(market.find(category=market.base["category"])) == market.rows.keys()
    assert market.find(category="no such") == []
    assert set(market.find(text=market.base["name"].upper())) == market.rows.keys()
    assert market.find(text="no such thing") == []
    assert set(market.find(buyout_only=True)) == market.rows.keys() - {market.by_name["bid 100"]}


def test_a_players_own_listings_are_found_too(house: House) -> None:
    """They are `mine`."""
    seller = house.newcomer(items=1)
    listing = seller.sell(start_bid=1)
    eventually(lambda: listing in found(seller, sort="created_at", order="desc"))
    rows = seller.call("listing.search", sort="created_at", order="desc", limit=100)["listings"]
    assert {row["listing"]: row["mine"] for row in rows}[listing]


def test_what_is_sold_or_cancelled_is_found_no_more(market: Market) -> None:
    """A search shows open listings alone."""
    sold = market.by_name["buy 150"]
    market.bidder.call("listing.buyout", listing=sold, price=150)
    eventually(lambda: set(market.find()) == market.rows.keys() - {sold})


def test_pages_neither_repeat_nor_skip_while_the_market_moves(market: Market) -> None:
    """What is sold between two pages takes nobody's place."""
    first = market.viewer.call("listing.search", base=market.base["base"], sort="price", limit=2)
    order = [market.by_name[name] for name in ("bid 100", "buy 150", "bid 200 or buy 900", "bid 100, now 300")]
    assert [row["listing"] for row in first["listings"]] == order[:2]
    market.bidder.call("listing.buyout", listing=order[1], price=150)
    second = market.viewer.call("listing.search", base=market.base["base"], sort="price", limit=2, cursor=first["next"])
    assert [row["listing"] for row in second["listings"]] == order[2:]
    assert second["next"] is None


def test_a_searchs_cursor_belongs_to_its_query(market: Market) -> None:
    """With any other filter or order it is `cursor_mismatch`."""
    query = {"base": market.base["base"], "sort": "price", "limit": 1}
    cursor = market.viewer.call("listing.search", **query)["next"]
    for change in ({"order": "desc"}, {"sort": "level"}, {"text": "x"}, {"price": {"min": 1}}, {"buyout_only": True}):
        refusal = market.viewer.refusal("listing.search", **{**query, **change}, cursor=cursor)
        assert refusal.reason == "cursor_mismatch", change
    market.viewer.call("listing.search", **query, cursor=cursor)


@pytest.mark.parametrize(
    ("param", "value"),
    [
        ("sort", "name"),
        ("sort", "stat:"),
        ("sort", 1),
        ("order", "up"),
        ("rarity", "common"),
        ("rarity", [1]),
        ("level", 5),
        ("level", {"from": 1}),
        ("price", {"min": -1}),
        ("price", {"max": 2**53}),
        ("stats", {"might": 1}),
        ("stats", [{"min": 1}]),
        ("score", ["might"]),
        ("score", {"might": "much"}),
        ("text", 5),
        ("buyout_only", 1),
        ("with_market", "yes"),
        ("category", 1),
        ("base", ["a"]),
    ],
    ids=str,
)
def test_a_searchs_params_are_checked(house: House, param: str, value: Any) -> None:
    """Each wrong one is named."""
    refusal = house.newcomer().refusal("listing.search", **{param: value})
    assert refusal.code == BAD_PARAMS
    assert refusal.data["path"].startswith(param)


@pytest.mark.slow
def test_a_searchs_cursor_lives_60_s(tmp_path: Path, issuer: Issuer) -> None:
    """It leads on for that long and is `cursor_expired` after; two auctions that end are the clock."""
    rules = tmp_path / "rules.toml"
    rules.write_text("[rules]\ndurations_s = [57, 63]\n")
    options = ("--rules", rules, "--token-key", issuer.public_file)
    with running(tmp_path, *options) as (url, _), House(url, issuer) as house:
        seller = house.newcomer(items=3)
        seller.sell(0, start_bid=1, duration_s=57)
        seller.sell(1, start_bid=1, duration_s=63)
        seller.sell(2, start_bid=1, duration_s=63)
        eventually(lambda: len(found(seller)) == 3)
        used, unused = (seller.call("listing.search", limit=1)["next"] for _ in range(2))
        seller.event("listing.expired", within_s=60)
        assert len(seller.call("listing.search", limit=1, cursor=used)["listings"]) == 1
        seller.event("listing.expired", within_s=60)
        assert seller.refusal("listing.search", limit=1, cursor=unused).reason == "cursor_expired"
