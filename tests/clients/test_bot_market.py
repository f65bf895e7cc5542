"""The bots' edge: who visits when, how fast, with what gifts, and what happens when the house is away."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from clients.bots import bots_command
from clients.bots.command import Report, show_progress
from clients.bots.living import POPULATE_ROUNDS, VISITORS, Clock, Market
from clients.bots.population import Bot, population
from clients.errors import unavailable
from tests.clients.fake_client import NOW_MS, PURSE, WORLD, FakeClient, surroundings_of
from tests.clients.fake_house import ITEM, FakeHouse, Json, Refuse, listing_of
from tests.clients.shop import EXCHANGE, OFFERS, WATCHES

DELIVERY = {
    "delivery": "ann.d1",
    "kind": "won",
    "gold": 0,
    "items": [ITEM],
    "commodities": {},
    "listing": None,
    "at_ms": 1,
}


class TheEnd(Exception):
    """The test's time is over."""


class HandClock:
    """Time passes when somebody waits, and ends at `until_s`."""

    def __init__(self, until_s: float = 1_000_000.0) -> None:
        self.now_s = 0.0
        self.until_s = until_s

    def clock(self) -> Clock:
        """As the market takes it."""
        return Clock(monotonic_s=lambda: self.now_s, wall_ms=lambda: NOW_MS + int(self.now_s * 1000), wait=self.wait)

    async def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now_s += seconds
        if self.now_s > self.until_s:
            raise TheEnd


def house_of_trade() -> FakeHouse:
    """A house in which everything works and nothing changes."""
    house = FakeHouse()
    granted: set[str] = set()

    def inspect(_player: str, params: Json) -> Json:
        if params["player"] not in granted:
            raise Refuse(-32004, "no_such_player")
        entry = {"number": 1, "at_ms": 1, "debit": "a", "credit": "b", "amount": 1, "reason": "grant", "ref": None}
        return {**PURSE, "player": params["player"], "store": "s", "node": "n1", "ledger": [entry]}

    def grant(_player: str, params: Json) -> Json:
        granted.add(params["player"])
        return {"player": params["player"], "gold": params["gold"], "items": []}

    bases = [{"base": "harbour_cutter", "name": "H", "category": "swords", "min_level": 1, "max_level": 9, "stats": {}}]
    found = [listing_of(f"s{n}.l1", buyout=120 if n % 2 else None, price=60, min_bid=63) for n in range(6)]
    house.handlers |= {
        "world.describe": lambda _player, _params: WORLD,
        "world.bases": lambda _player, _params: {"bases": bases, "next": None},
        "player.get": lambda player, _params: {**PURSE, "player": player, "listings": 0, "deliveries": 1},
        "inventory.list": lambda _player, _params: {
            "items": [{**ITEM, "item": f"x.i{n}", "rarity": "common"} for n in range(9)],
            "commodities": {"iron_ore": 500},
            "next": None,
        },
        "delivery.list": lambda _player, _params: {"deliveries": [DELIVERY], "next": None},
        "delivery.claim": lambda _player, _params: {"delivery": DELIVERY},
        "listing.create": lambda _player, _params: {"listing": listing_of(mine=True)},
        "listing.search": lambda _player, _params: {"listings": found, "next": None, "as_of_ms": NOW_MS},
        "listing.bid": lambda _player, _params: {"listing": listing_of(winning=True), "winning": True},
        "listing.buyout": lambda _player, _params: {"listing": listing_of(state="sold"), "item": ITEM, "paid": 120},
        "admin.player": inspect,
        "admin.grant": grant,
        "admin.take": lambda _player, params: {"player": params["player"], "gold": 0, "items": []},
        **EXCHANGE,
        **OFFERS,
        **WATCHES,
    }
    return house


def market_of(
    house: FakeHouse, hand: HandClock, *, players: int = 20, rate: float = 4.0, service: bool = True
) -> tuple[Market, list[FakeClient], list[Bot]]:
    """A market in a house, the clients it opens, and its bots."""
    opened: list[FakeClient] = []

    async def log_in(player: str) -> Any:
        opened.append(FakeClient(house, f"token-{player}"))
        return opened[-1]

    bots = population(1, players)
    bank: Any = FakeClient(house, "token-bots") if service else None
    return Market(bots, log_in, bank, hand.clock(), rate), opened, bots


def methods(house: FakeHouse) -> Counter[str]:
    """How often each mutation was executed."""
    return Counter(method for _, method, _ in house.executed)


def test_populating_brings_something_of_everything() -> None:
    """Every bot comes by for each round, and the market has some of everything, within seconds."""
    house, hand = house_of_trade(), HandClock()
    market, opened, bots = market_of(house, hand)

    async def fill() -> None:
        await market.open()
        await market.populate()

    asyncio.run(fill())
    assert Counter(client.player for client in opened) == dict.fromkeys((bot.player for bot in bots), POPULATE_ROUNDS)
    assert all(client.closed for client in opened)
    done = methods(house)
    assert done["listing.create"] >= 60
    assert min(done["listing.bid"], done["listing.buyout"], done["delivery.claim"]) > 5
    assert min(done["commodity.buy"], done["commodity.sell"], done["commodity.cancel"]) > 5
    assert min(done["offer.make"], done["offer.accept"] + done["offer.decline"]) > 5
    assert min(done["watch.create"] + done["watch.delete"], done["admin.take"]) > 0
    assert hand.now_s < 5


def test_living_keeps_to_its_rate() -> None:
    """After an hour at 4 requests a second, as many were made, and everybody has been there."""
    house, hand = house_of_trade(), HandClock(until_s=3_600)
    market, opened, bots = market_of(house, hand)

    async def live() -> None:
        await market.open()
        await market.live()

    with pytest.raises(ExceptionGroup) as ended:
        asyncio.run(live())
    assert ended.group_contains(TheEnd)
    assert market.done.total() == pytest.approx(3_600 * 4, rel=0.01)
    assert {client.player for client in opened} == {bot.player for bot in bots}
    assert all(client.closed for client in opened)


def test_gifts_are_given_to_those_who_own_nothing() -> None:
    """A first start grants everybody something; a second start finds that and grants nothing."""
    house, hand = house_of_trade(), HandClock()
    asyncio.run(market_of(house, hand)[0].open())
    assert len({key for _, method, key in house.executed if method == "admin.grant"}) == 20
    asyncio.run(market_of(house, hand)[0].open())
    assert methods(house)["admin.grant"] == 20


def test_without_a_service_nothing_is_granted() -> None:
    """Bots whose tokens are only players' trade with what they have."""
    house, hand = house_of_trade(), HandClock()
    market, opened, _ = market_of(house, hand, service=False)
    asyncio.run(market.open())
    assert methods(house)["admin.grant"] == 0
    assert all(client.closed for client in opened)


def test_a_house_that_is_away_is_waited_for() -> None:
    """Failed visits end, are counted, and are followed by a rest; later the bots come back."""
    house, hand = house_of_trade(), HandClock(until_s=200)
    market, _, _ = market_of(house, hand)
    search = house.handlers["listing.search"]

    def away(player: str, params: Json) -> Json:
        if hand.now_s < 100:
            raise Refuse(-32006, "unavailable")
        return search(player, params)

    async def live() -> None:
        await market.open()
        house.handlers["listing.search"] = away
        await market.live()

    with pytest.raises(ExceptionGroup):
        asyncio.run(live())
    assert 0 < market.done["failed: unavailable"] <= 50
    assert market.done["Bid"] > 0


def test_visitors_are_few() -> None:
    """However large the population, only some are connected at once."""
    house, hand = house_of_trade(), HandClock()
    market, opened, _ = market_of(house, hand, players=100)
    most = 0

    async def count(seconds: float) -> None:
        nonlocal most
        most = max(most, sum(not client.closed for client in opened))
        hand.now_s += seconds
        yielding: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(yielding.set_result, None)
        await yielding

    hand.wait = count  # type: ignore[method-assign]  # this test's waiting lets the others on
    market, opened, _ = market_of(house, hand, players=100)

    async def fill() -> None:
        await market.open()
        await market.populate()

    asyncio.run(fill())
    assert 1 < most <= VISITORS


def test_progress_is_one_line_written_over(capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal a person sees once a second what the bots have done."""
    hand = HandClock(until_s=2.5)
    market, _, _ = market_of(house_of_trade(), hand)
    market.done["Sell"] = 3
    with pytest.raises(TheEnd):
        asyncio.run(show_progress(market, hand.clock()))
    shown = capsys.readouterr().out
    assert shown.count("\r") == 3
    assert "\n" not in shown
    assert "bots: 3 listings, 0 bids" in shown


def run_bots(house: FakeHouse, *arguments: str) -> Any:
    """Run the command in the house in memory."""
    return CliRunner().invoke(bots_command, [*arguments, "--duration-s", "0"], obj=surroundings_of(house))


def test_the_command_says_when_the_market_is_filled(tmp_path: Path) -> None:
    """Standard output has a line that begins with `populated`, for whoever waits for it, and a last one."""
    result = run_bots(house_of_trade(), "--data", str(tmp_path), "--players", "5", "--populate")
    assert result.exit_code == 0, result.output
    first, last = result.stdout.splitlines()
    assert first.startswith("populated ") and last.startswith("done ")


def test_the_command_tells_what_it_did_as_json(tmp_path: Path) -> None:
    """With --json the last line has every count, the times of each intention, and what was in doubt."""
    result = run_bots(house_of_trade(), "--data", str(tmp_path), "--players", "5", "--populate", "--json")
    report = msgspec.json.decode(result.stdout.splitlines()[-1], type=Report)
    assert report.done["Sell"] > 0
    assert report.latency_ms["Sell"].p50 <= report.latency_ms["Sell"].p90 <= report.latency_ms["Sell"].p99
    assert (report.doubted, report.resolved) == (0, 0)


def test_tokens_may_come_from_a_file(tmp_path: Path) -> None:
    """Lines of name and token name the players; `bots` is the service."""
    tokens = tmp_path / "tokens"
    tokens.write_text("bots token-bots\nann token-ann\nbob token-bob\n")
    house = house_of_trade()
    result = run_bots(house, "--token-file", str(tokens), "--populate")
    assert result.exit_code == 0, result.output
    assert {player for player, _, _ in house.executed} == {"bots", "ann", "bob"}


@pytest.mark.parametrize(
    ("content", "said"), [("ann\n", "line 1"), ("bots token-bots\n", "names no player"), ("", "names no player")]
)
def test_a_token_file_that_helps_nobody_is_explained(tmp_path: Path, content: str, said: str) -> None:
    """A line without a token, or a file without players, is named."""
    tokens = tmp_path / "tokens"
    tokens.write_text(content)
    result = run_bots(house_of_trade(), "--token-file", str(tokens))
    assert result.exit_code == 1
    assert said in result.stderr


def test_bots_need_tokens_from_somewhere() -> None:
    """Neither --data nor --token-file is a mistake in what was typed."""
    result = run_bots(house_of_trade())
    assert result.exit_code == 2
    assert "--token-file" in result.stderr


def test_a_url_that_is_none_is_explained(tmp_path: Path) -> None:
    """Another kind of URL is a mistake in what was typed."""
    result = run_bots(house_of_trade(), "--data", str(tmp_path), "--url", "http://127.0.0.1:7117/ws")
    assert result.exit_code == 2
    assert "write one like ws://" in result.stderr


def test_a_house_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Starting without a house ends with a sentence."""
    around = surroundings_of(house_of_trade())

    async def refuse(_urls: Any, _token: Any, _settings: Any) -> Any:
        raise unavailable("cannot connect")

    result = CliRunner().invoke(bots_command, ["--data", str(tmp_path)], obj=around._replace(connect=refuse))
    assert result.exit_code == 1
    assert result.stderr == "Error: cannot connect\n"
