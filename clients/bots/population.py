"""Who lives in the market: names, trades and what everybody starts with, all from one seed."""

from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec

PLAYERS_MAX = 1_000
SHARES = {"seller": 45, "bargain_hunter": 25, "collector": 20, "sniper": 10}
"""Strategy → how many of a hundred follow it."""
START_GOLD_MIN, START_GOLD_MAX = 1_500, 60_000
START_ITEMS_MIN, START_ITEMS_MAX = 6, 12
LOOT_GOLD_MAX = 400
LOOT_ITEMS_MAX = 3

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


class Gift(msgspec.Struct, frozen=True):
    """What the game's world gives a player: params of `admin.grant`. The same key gives nothing twice."""

    key: str
    gold: int
    items: list[dict[str, Any]]


def chance_of(seed: str) -> Random:
    """The chance that belongs to a seed."""
    return Random(seed)  # noqa: S311 - bots throw dice and keep no secrets


def population(seed: int, players: int) -> list[Bot]:
    """The first `players` inhabitants of a seed; a larger population begins with the smaller one."""
    names = _names(chance_of(f"{seed}/names"))
    kinds, weights = list(SHARES), list(SHARES.values())
    bots = []
    for number in range(players):
        kind = chance_of(f"{seed}/kind/{number}").choices(kinds, weights)[0]
        bots.append(Bot(player=next(names), strategy=kind, seed=f"{seed}/{number}"))
    return bots


def starting_gift(bot: Bot, bases: list[str]) -> Gift:
    """What a bot owns when it comes to the house for the first time."""
    chance = chance_of(f"{bot.seed}/start")
    gold = round(START_GOLD_MIN * (START_GOLD_MAX / START_GOLD_MIN) ** chance.random())
    count = chance.randint(START_ITEMS_MIN, START_ITEMS_MAX)
    return Gift(f"start-{bot.seed}", gold, [{"base": chance.choice(bases)} for _ in range(count)])


def loot(bot: Bot, bases: list[str], now_ms: int) -> Gift:
    """What an adventure brings home: one gift an hour, whoever asks how often."""
    hour = now_ms // 3_600_000
    chance = chance_of(f"{bot.seed}/loot/{hour}")
    count = chance.randint(1, LOOT_ITEMS_MAX)
    gold = chance.randint(1, LOOT_GOLD_MAX)
    return Gift(f"loot-{bot.seed}-{hour}", gold, [{"base": chance.choice(bases)} for _ in range(count)])


def _names(chance: Random) -> Iterator[str]:
    """Names without end, all different; from the second round on with a numeral."""
    plain = [first + last for first in _FIRST for last in _LAST]
    chance.shuffle(plain)
    generation = 1
    while True:
        yield from plain if generation == 1 else (f"{name}-{generation}" for name in plain)
        generation += 1
