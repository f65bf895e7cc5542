"""Who lives in the market: names, trades, friends and what everybody starts with, all from one seed."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import msgspec

PLAYERS_MAX = 1_000
SHARES = {
    "seller": 25,
    "market_maker": 12,
    "bargain_hunter": 15,
    "gatherer": 14,
    "crafter": 10,
    "collector": 12,
    "undercutter": 7,
    "sniper": 5,
}
"""Strategy → how many of a hundred follow it. The first inhabitants are one of each, in this order."""
START_GOLD_MIN, START_GOLD_MAX = 1_500, 60_000
START_ITEMS_MIN, START_ITEMS_MAX = 6, 12
START_PIECES_WORTH = 2_000
"""About how much gold the pieces of each speciality are worth that one starts with."""
SPECIALITIES = {"market_maker": 6}
SPECIALITIES_ELSE = 3
"""How many commodities one knows, by strategy."""
PLAYERS_A_COMMODITY = 4
"""The more players, the more commodities are known, so that there are always some to trade with."""
FRIENDS_OF_A_GUEST = 4
LOOT_GOLD_MAX = 400
LOOT_ITEMS_MAX = 3
GATHER_EVERY_MS = 120_000
GATHERED_WORTH = 500

_FIRST = (
    "Al",
    "Bran",
    "Cor",
    "Dag",
    "El",
    "Fen",
    "Gar",
    "Hal",
    "Is",
    "Jor",
    "Kel",
    "Lor",
    "Mar",
    "Nev",
    "Or",
    "Per",
    "Ros",
)
_LAST = (
    "a",
    "an",
    "dis",
    "en",
    "eth",
    "ia",
    "ick",
    "in",
    "is",
    "o",
    "on",
    "or",
    "ric",
    "us",
    "wen",
    "wick",
    "wyn",
    "yra",
)


class Bot(msgspec.Struct, frozen=True):
    """One inhabitant: `strategy` is a name of STRATEGIES, `seed` is its own chance."""

    player: str
    strategy: str
    seed: str


class Ware(msgspec.Struct, frozen=True):
    """A commodity that bots trade in: prices are multiples of `tick`, and a piece is worth about `worth`."""

    commodity: str
    tick: int
    worth: int


class Gift(msgspec.Struct, frozen=True):
    """What the game's world gives a player: params of `admin.grant`. The same key gives nothing twice."""

    key: str
    gold: int = 0
    items: list[dict[str, Any]] = []
    commodities: dict[str, int] = {}


def chance_of(seed: str) -> Random:
    """The chance that belongs to a seed."""
    return Random(seed)  # noqa: S311 - bots throw dice and keep no secrets


def population(seed: int, players: int) -> list[Bot]:
    """The first `players` inhabitants of a seed; a larger population begins with the smaller one."""
    names = _names(chance_of(f"{seed}/names"))
    kinds, weights = list(SHARES), list(SHARES.values())
    bots = []
    for number in range(players):
        drawn = chance_of(f"{seed}/kind/{number}").choices(kinds, weights)[0]
        kind = kinds[number] if number < len(kinds) else drawn
        bots.append(Bot(player=next(names), strategy=kind, seed=f"{seed}/{number}"))
    return bots


def friends(bots: Sequence[Bot], guest: str | None = None) -> list[tuple[str, ...]]:
    """Of each bot, whom it offers things directly: its neighbours, so that friendship is mutual, and of the first few
    a guest as well.
    """
    around = [*bots[-1:], *bots, *bots[:1]]
    circles = []
    for place, bot in enumerate(bots):
        near = dict.fromkeys(each.player for each in (around[place], around[place + 2]) if each is not bot)
        circles.append((*near, guest) if guest and place < FRIENDS_OF_A_GUEST else tuple(near))
    return circles


def specialities(bot: Bot, wares: Sequence[Ware], players: int) -> list[Ware]:
    """The commodities that a bot knows, of those that such a population trades in."""
    known = wares[: max(SPECIALITIES_ELSE, players // PLAYERS_A_COMMODITY)]
    count = SPECIALITIES.get(bot.strategy, SPECIALITIES_ELSE)
    return chance_of(f"{bot.seed}/specialities").sample(known, min(count, len(known)))


def starting_gift(bot: Bot, bases: list[str], wares: Sequence[Ware] = ()) -> Gift:
    """What a bot owns when it comes to the house for the first time; `wares` are its specialities."""
    chance = chance_of(f"{bot.seed}/start")
    gold = round(START_GOLD_MIN * (START_GOLD_MAX / START_GOLD_MIN) ** chance.random())
    count = chance.randint(START_ITEMS_MIN, START_ITEMS_MAX)
    items = [{"base": chance.choice(bases)} for _ in range(count)]
    return Gift(f"start-{bot.seed}", gold, items, {ware.commodity: _pieces(ware, START_PIECES_WORTH) for ware in wares})


def loot(bot: Bot, bases: list[str], now_ms: int) -> Gift:
    """What an adventure brings home: one gift an hour, whoever asks how often."""
    hour = now_ms // 3_600_000
    chance = chance_of(f"{bot.seed}/loot/{hour}")
    count = chance.randint(1, LOOT_ITEMS_MAX)
    gold = chance.randint(1, LOOT_GOLD_MAX)
    return Gift(f"loot-{bot.seed}-{hour}", gold, [{"base": chance.choice(bases)} for _ in range(count)])


def harvest(bot: Bot, wares: Sequence[Ware], now_ms: int) -> Gift:
    """What gathering brings home: pieces of one speciality every GATHER_EVERY_MS, whoever asks how often."""
    turn = now_ms // GATHER_EVERY_MS
    chance = chance_of(f"{bot.seed}/harvest/{turn}")
    ware = chance.choice(wares)
    quantity = _pieces(ware, round(GATHERED_WORTH * chance.uniform(0.5, 1.5)))
    return Gift(f"harvest-{bot.seed}-{turn}", commodities={ware.commodity: quantity})


def handiwork(bot: Bot, bases: list[str], now_ms: int) -> Gift:
    """What is made of pieces that were used up at an instant."""
    chance = chance_of(f"{bot.seed}/handiwork/{now_ms}")
    return Gift(f"handiwork-{bot.seed}-{now_ms}", items=[{"base": chance.choice(bases)}])


def _pieces(ware: Ware, gold: int) -> int:
    return max(1, gold // ware.worth)


def _names(chance: Random) -> Iterator[str]:
    """Names without end, all different; from the second round on with a numeral."""
    plain = [first + last for first in _FIRST for last in _LAST]
    chance.shuffle(plain)
    generation = 1
    while True:
        yield from plain if generation == 1 else (f"{name}-{generation}" for name in plain)
        generation += 1
