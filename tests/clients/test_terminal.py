"""`auction client`, command by command, in a house in memory."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from auction.refusals import REASONS
from clients.errors import ErrorBody, error_from, unavailable
from clients.surroundings import Surroundings
from clients.terminal import client
from clients.terminal.advice import ADVICE, advice, exit_code
from clients.terminal.references import SHOWN_MIN, shortened
from clients.terminal.tables import lasting
from shardnode.wire.errors import CODES, FAULTS
from tests.clients.fake_client import surroundings_of
from tests.clients.fake_house import Json, Refuse, listing_of
from tests.clients.shop import FAR, HOME, Shop, ok, type_in


def test_search_shows_a_table(shop: Shop) -> None:
    """Rows have the end of the id, name, level, stats, prices, time left, and what we are to the listing."""
    text = ok(type_in(shop, "search"))
    assert "3 listings" in text
    row = next(line for line in text.splitlines() if "fexx.l12" in line)
    assert " ".join(row.split()) == "fexx.l12 Harbour Cutter leading 12 Damage 31, Agility 7 120 126 – 1h 00m"


def test_search_passes_its_filters(shop: Shop) -> None:
    """Every filter that can be typed reaches the house as the protocol names it."""
    ok(
        type_in(
            shop,
            *("search", "cutter", "--category", "swords", "--rarity", "rare", "--rarity", "fine", "--level-min", "3"),
            *("--price-max", "500", "--stat", "damage=30", "--stat", "agility=..9", "--buyout-only"),
            *("--sort", "price", "--desc", "--limit", "5"),
        )
    )
    assert shop.asked_for("listing.search") == [
        {
            "text": "cutter",
            "category": "swords",
            "rarity": ["rare", "fine"],
            "level": {"min": 3},
            "price": {"max": 500},
            "stats": [{"stat": "damage", "min": 30}, {"stat": "agility", "max": 9}],
            "buyout_only": True,
            "sort": "price",
            "order": "desc",
            "limit": 5,
        }
    ]


@pytest.mark.parametrize("bound", ["damage", "damage=", "=3", "damage=..", "Damage=3", "damage=x"])
def test_a_stat_that_cannot_be_read_is_explained(shop: Shop, bound: str) -> None:
    """A mistyped bound is a usage error with examples."""
    result = type_in(shop, "search", "--stat", bound)
    assert result.exit_code == 2
    assert "damage=30..50" in result.stderr


def test_an_order_that_is_none_is_explained(shop: Shop) -> None:
    """A mistyped --sort is a usage error that names the orders there are."""
    result = type_in(shop, "search", "--sort", "name")
    assert result.exit_code == 2
    assert "stat:damage" in result.stderr


def test_json_is_one_line_a_result(shop: Shop) -> None:
    """With --json a program reads what the house answered."""
    (line,) = ok(type_in(shop, "--json", "search")).splitlines()
    assert [each["listing"] for each in json.loads(line)["listings"]] == [each["listing"] for each in shop.market]


def test_show_finds_a_listing_by_the_end_of_its_id(shop: Shop) -> None:
    """The end shown in a table is enough, if nothing else ends so."""
    text = ok(type_in(shop, "show", "fexx.l1"))
    assert f"{FAR}.l1" in text
    assert "Rare, level 12, Swords" in text


def test_an_end_that_fits_several_is_refused_with_them(shop: Shop) -> None:
    """Nothing is guessed."""
    shop.market.append(listing_of(f"{HOME[:-2]}xx.l1"))
    result = type_in(shop, "show", "xx.l1")
    assert result.exit_code == 2
    assert f"{FAR}.l1" in result.stderr and f"{HOME[:-2]}xx.l1" in result.stderr


def test_an_end_that_fits_nothing_says_how_to_go_on(shop: Shop) -> None:
    """The message names the command that shows whole ids."""
    result = type_in(shop, "bid", "nothing", "5")
    assert result.exit_code == 2
    assert "search --ids" in result.stderr


def test_sell_lists_an_item_for_the_shortest_duration(shop: Shop) -> None:
    """Without --duration the house's shortest is taken; prices are passed on."""
    assert "yours" in ok(type_in(shop, "sell", "x.i1", "--start-bid", "50", "--buyout", "90"))
    assert shop.asked_for("listing.create") == [
        {"item": f"{HOME}.i1", "start_bid": 50, "buyout": 90, "duration_s": 3_600}
    ]


@pytest.mark.parametrize(
    ("typed", "duration_s"), [("90", 90), ("30s", 30), ("10m", 600), ("12h", 43_200), ("2d", 172_800)]
)
def test_durations_are_typed_as_people_say_them(shop: Shop, typed: str, duration_s: int) -> None:
    """Seconds, minutes, hours and days."""
    ok(type_in(shop, "sell", "x.i1", "--buyout", "90", "--duration", typed))
    assert shop.asked_for("listing.create")[0]["duration_s"] == duration_s


@pytest.mark.parametrize(
    "words", [("sell", "x.i1"), ("sell", "x.i1", "--buyout", "9", "--duration", "soon"), ("claim",)]
)
def test_what_is_missing_is_said(shop: Shop, words: tuple[str, ...]) -> None:
    """A command that cannot be meant so ends with 2 and asks the house for nothing."""
    result = type_in(shop, *words)
    assert result.exit_code == 2
    assert "Error" in result.stderr
    assert shop.asked == []


def test_bid_tells_where_it_stands(shop: Shop) -> None:
    """A leading bid shows price and maximum."""
    assert "You lead Harbour Cutter at 120, with a maximum of 1,500." in ok(type_in(shop, "bid", "fexx.l1", "1500"))


def test_outbid_says_what_to_bid_next(shop: Shop) -> None:
    """A refusal is one sentence with its figures, and exit code 1."""

    def outbid(_player: str, _params: Json) -> Json:
        raise Refuse(-32003, "outbid", price=1_300, min_bid=1_365)

    shop.handlers["listing.bid"] = outbid
    result = type_in(shop, "bid", "fexx.l1", "1200")
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: Another player's maximum is as high or higher. The price is 1,300 now; bid 1,365 or more.\n"
    )


def test_buyout_asks_first(shop: Shop) -> None:
    """A person confirms the price; --yes does so beforehand; a no buys nothing."""
    assert type_in(shop, "buyout", "fexx.l1", keys="n\n").exit_code == 1
    assert shop.asked_for("listing.buyout") == []
    assert "yours for 900" in ok(type_in(shop, "buyout", "fexx.l1", keys="y\n"))
    ok(type_in(shop, "buyout", "fexx.l1", "--yes"))
    assert shop.asked_for("listing.buyout") == [{"listing": f"{FAR}.l1", "price": 900}] * 2


def test_buyout_of_what_has_none_points_to_bid(shop: Shop) -> None:
    """Nothing is asked of the house that it must refuse."""
    result = type_in(shop, "buyout", "fexx.l12")
    assert result.exit_code == 2
    assert "use `bid`" in result.stderr


def test_cancel_takes_back(shop: Shop) -> None:
    """Our own listing is found by its end."""
    assert "on its way back" in ok(type_in(shop, "cancel", "wx.l7"))
    assert shop.asked_for("listing.cancel") == [{"listing": f"{HOME}.l7"}]


def test_claim_one_or_all(shop: Shop) -> None:
    """One delivery by its end, then all that is left, then none."""
    assert "1,500" in ok(type_in(shop, "claim", "x.d1"))
    assert "wx.d2" in ok(type_in(shop, "claim", "--all"))
    assert "Nothing waits" in ok(type_in(shop, "claim", "--all"))
    assert shop.asked_for("delivery.claim") == [{"delivery": f"{HOME}.d{number}"} for number in (1, 2)]


def test_a_full_stash_stops_claiming_and_says_so(shop: Shop) -> None:
    """What was claimed before stays shown; the refusal says what to do."""
    claim = shop.handlers["delivery.claim"]

    def full(player: str, params: Json) -> Json:
        if params["delivery"].endswith("2"):
            raise Refuse(-32003, "stash_full")
        return claim(player, params)

    shop.handlers["delivery.claim"] = full
    result = type_in(shop, "claim", "--all")
    assert result.exit_code == 1
    assert "wx.d1" in result.stdout
    assert "sell something" in result.stderr


@pytest.mark.parametrize(
    ("command", "seen"),
    [
        ("wallet", ["ann", "5,000", "126", "1 of 210", "claim --all"]),
        ("stash", ["wx.i1", "wx.i2", "bound", "iron_ore", "1,200"]),
        ("listings", ["wx.l7", "yours"]),
        ("bids", ["xx.l12", "300", "leading"]),
        ("deliveries", ["wx.d1", "proceeds", "1,500", "10m 00s"]),
    ],
)
def test_what_is_ours_is_shown(shop: Shop, command: str, seen: list[str]) -> None:
    """Wallet, stash, listings, bids and deliveries as tables."""
    text = ok(type_in(shop, command))
    assert [word for word in seen if word not in text] == []
    assert json.loads(ok(type_in(shop, "--json", command)))


def test_an_empty_list_says_so(shop: Shop) -> None:
    """Nothing to show is told in words."""
    shop.market.clear()
    assert "0 listings: nothing" in ok(type_in(shop, "search"))


def test_events_are_sentences(shop: Shop) -> None:
    """The latest events, or those since a seq, read as what happened."""
    shop.tell("ann", "listing.outbid", listing=f"{FAR}.l1", price=1_200, min_bid=1_260)
    shop.tell("ann", "listing.sold", listing=f"{HOME}.l7", price=900, proceeds=765)
    text = ok(type_in(shop, "events"))
    assert "the price is 1,200 now, bid 1,260 or more" in text
    assert "Sold for 900; 765 wait for you." in text
    assert "1,200" not in ok(type_in(shop, "events", "--since", "1"))


def test_live_shows_market_purse_and_events(shop: Shop) -> None:
    """The live view has all three, and ends with the session."""
    shop.tell("ann", "listing.outbid", listing=f"{FAR}.l1", price=1_200, min_bid=1_260)
    looks = []

    def search(_player: str, _params: Json) -> Json:
        looks.append(1)
        if len(looks) == 2:
            raise Refuse(-32001, "token_expired")
        return {"listings": shop.market, "next": None, "as_of_ms": 1_000_000}

    shop.handlers["listing.search"] = search
    result = type_in(shop, "live", "--category", "swords")
    assert result.exit_code == 4
    assert "auction token" in result.stderr
    for seen in ("The market", "ann: 5,000 gold, 126 in escrow", "You were outbid"):
        assert seen in result.stdout


def test_live_waits_for_a_house_that_is_away(shop: Shop) -> None:
    """An unreachable house is said on the screen, and watched on for."""
    answers = iter([(-32006, "unavailable"), (-32001, "token_invalid")])

    def search(_player: str, _params: Json) -> Json:
        shop.tell("ann")
        raise Refuse(*next(answers))

    shop.handlers["listing.search"] = search
    shop.tell("ann")
    result = type_in(shop, "live")
    assert result.exit_code == 4
    assert "waiting for the house" in result.stdout


def test_who_am_i_must_be_said(shop: Shop, tmp_path: Path) -> None:
    """Without a token, or a directory and a name, the message says which to give; with them it works."""
    around = surroundings_of(shop)
    nobody = CliRunner().invoke(client, ["wallet"], obj=around, env={"AUCTION_TOKEN": None})
    assert nobody.exit_code == 2
    assert "--as NAME" in nobody.stderr
    assert CliRunner().invoke(client, ["wallet"], obj=around, env={"AUCTION_TOKEN": "token-ann"}).exit_code == 0
    minted = CliRunner().invoke(client, ["--data", str(tmp_path), "--as", "ann", "wallet"], obj=around)
    assert minted.exit_code == 0


@pytest.mark.parametrize("words", [("--as", "al ice"), ("--url", "http://house/ws"), ("--url", "house:7117")])
def test_a_name_or_url_that_is_none_is_explained(shop: Shop, words: tuple[str, str]) -> None:
    """What cannot be a player's name or a house's URL is a usage error before anything is tried."""
    result = type_in(shop, *words, "wallet")
    assert result.exit_code == 2
    assert f"Invalid value for '{words[0]}'" in result.stderr
    assert shop.asked == []


@pytest.mark.parametrize("said", ["typed", "environment"])
def test_several_nodes_may_be_named(said: str) -> None:
    """`--url` again and again, or AUCTION_URL with spaces, name nodes to be tried in turn."""
    asked: list[tuple[str, ...]] = []

    async def refuse(urls: Any, _token: Any, _settings: Any) -> Any:
        asked.append(tuple(urls))
        raise unavailable("cannot connect")

    nodes = ("ws://n1/ws", "wss://n2/ws")
    words = [word for url in nodes for word in ("--url", url)] if said == "typed" else []
    environment = {"AUCTION_TOKEN": "token-ann", "AUCTION_URL": None if said == "typed" else " ".join(nodes)}
    CliRunner().invoke(client, [*words, "wallet"], obj=Surroundings(connect=refuse), env=environment)
    assert asked == [nodes]


def test_without_the_auction_command_no_token_is_made(tmp_path: Path) -> None:
    """The clients themselves make no tokens."""
    result = CliRunner().invoke(client, ["--data", str(tmp_path), "--as", "ann", "wallet"], env={"AUCTION_TOKEN": None})
    assert result.exit_code == 2
    assert "give a token instead" in result.stderr


def test_a_house_that_is_not_there_ends_with_three(shop: Shop) -> None:
    """The reason is one sentence."""

    async def refuse(_urls: Any, _token: Any, _settings: Any) -> Any:
        raise unavailable("cannot connect to ws://nowhere")

    result = type_in(shop, "wallet", around=Surroundings(connect=refuse))
    assert result.exit_code == 3
    assert result.stderr == "Error: cannot connect to ws://nowhere\n"


@pytest.mark.parametrize(
    ("reason", "code"),
    [("forbidden", 4), ("in_doubt", 5), ("rate_limited", 3), ("stash_full", 1), ("bad_params", 2)],
)
def test_exit_codes_tell_the_kind_of_failure(reason: str, code: int) -> None:
    """Scripts can tell a refusal from a house that is away, a closed door, and doubt."""
    error = error_from(ErrorBody(CODES[reason], "text", {"reason": reason, "key": "k"}))
    assert exit_code(error) == code


def test_every_reason_has_advice() -> None:
    """Whatever the house may say to these commands, a person reads what to do next, and figures where there are any."""
    by_message = {"parse_error", "invalid_request", "unknown_method", "bad_params", "moved", "unavailable"}
    assert (REASONS.keys() | FAULTS.keys()) - by_message == ADVICE.keys()
    figures = {
        "available": 1,
        "price": 2,
        "min_bid": 3,
        "min": 4,
        "max": 5,
        "durations_s": [6],
        "what": "house",
        "left": 7,
    }
    for reason in ADVICE:
        said = advice(error_from(ErrorBody(CODES[reason], "text", {"reason": reason, **figures})))
        assert said.endswith(".")
        assert not set("?{}") & set(said)


@given(st.sets(st.text("abc.123", min_size=1, max_size=20), max_size=30))
def test_short_names_tell_things_apart(ids: set[str]) -> None:
    """Every id has an end of its own, all of one length, and no longer than it must be."""
    names = shortened(ids)
    assert names.keys() == ids
    assert len(set(names.values())) == len(ids)
    assert all(each.endswith(name) for each, name in names.items())
    if len({each[-SHOWN_MIN:] for each in ids}) == len(ids):
        assert all(len(name) <= SHOWN_MIN for name in names.values())


@pytest.mark.parametrize(
    ("duration_ms", "shown"),
    [(0, "0s"), (59_999, "59s"), (60_000, "1m 00s"), (3_725_000, "1h 02m"), (90_000_000, "1d 01h")],
)
def test_durations_are_shown_in_two_units(duration_ms: int, shown: str) -> None:
    """The two largest units tell enough."""
    assert lasting(duration_ms) == shown
