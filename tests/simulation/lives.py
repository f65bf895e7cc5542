"""What players want of the house, one request after another: the bots' strategies, and rivals who make conflicts.

A life is a generator that yields requests and is sent the outcome of each: a result, a refusal, or None where nobody
knows. All lives share a board of what anybody has seen.
"""

import itertools
from collections.abc import Awaitable, Callable, Generator
from random import Random
from typing import Any, TypeVar, cast

import msgspec
from msgspec.structs import replace

from auction.commands import (
    AcceptOffer,
    Ask,
    EventsSince,
    FreezeTrading,
    Grant,
    GrantedItem,
    InspectPlayer,
    Take,
    ThawTrading,
)
from auction.house_state import FrozenThing
from auction.refusals import Refusal
from auction.results import CommodityView, Result
from clients.bots import intentions
from clients.bots.habits import Trade
from clients.bots.population import Ware
from clients.bots.requests import request
from clients.bots.strategies import STRATEGIES
from clients.bots.worth import Appraiser
from clients.calls import Calls
from clients.errors import ErrorBody, error_from
from shardnode.wire.errors import refusal_error
from shardnode.wire.methods import METHODS
from tests.simulation.acts import COMMODITIES, Act, read
from tests.simulation.board import Board
from tests.simulation.house import WORLD

GOLD = 500
"""What a player begins with: enough for a bid or two."""
ITEMS = 4
PIECES = 12
"""Of each commodity."""

Life = Generator[Ask, Result | Refusal | None, None]

_APPRAISER = Appraiser(
    list(WORLD.rarities.values()),
    [CommodityView(ware.commodity, ware.name, ware.category, ware.tick) for ware in WORLD.commodities.values()],
)
_TRADE = Trade(
    appraiser=_APPRAISER,
    categories=[category.category for category in WORLD.categories.values() if category.holds == "items"],
    durations_s=WORLD.rules.durations_s,
    listings_max=WORLD.rules.max_listings,
    price_max=WORLD.rules.price_max,
    wares=tuple(Ware(ware.commodity, ware.tick, 10 * ware.tick) for ware in WORLD.commodities.values()),
)
_BASES = list(WORLD.bases)
_AT_HOME = (intentions.Leave, intentions.Adventure, intentions.Gather, intentions.Craft, intentions.Hear)
"""What bots want of nobody here."""

T = TypeVar("T")


class _Wishes(Calls):
    """Makes a bot's calls into the requests that they are, and sends none."""

    def call(self, method: str, params: dict[str, Any], result: type[T], key: str | None = None) -> Awaitable[T]:  # noqa: ARG002 - Calls' signature
        """The request, without a key: the crowd gives it one, or leaves that to the node."""
        asked = msgspec.convert({**params, "key": None} if key is not None else params, METHODS[method].params)
        return cast(Any, asked)

    def new_key(self) -> str:
        """See Calls."""
        return "none"


_WISHES: Any = _Wishes()


def rival(board: Board, acts: tuple[list[Act], list[int]], player: str, random: Random) -> Life:
    """Does what makes conflicts, and looks at it all."""
    while True:
        (act,) = random.choices(*acts)
        ask = act(board, player, random) or read(board, player, random)
        if isinstance(ask, AcceptOffer):
            board.wanted.add(ask.offer)
        board.learn(player, ask, (yield ask))


def bot(strategy: str, board: Board, player: str, random: Random, now_ms: Callable[[], int]) -> Life:
    """The life of a bot, as requests. Where the outcome of one is unknown it begins anew, as after a lost line."""
    trade = replace(_TRADE, friends=tuple(other for other in board.players if other != player))
    while True:
        life = STRATEGIES[strategy](trade, random, now_ms)
        intention = next(life)
        while True:
            ask: Any = EventsSince(seq=0) if isinstance(intention, _AT_HOME) else request(_WISHES, intention)
            outcome = yield ask
            board.learn(player, ask, outcome)
            if outcome is None:
                life.close()
                break
            intention = life.send(_told(intention, outcome))


def _told(intention: intentions.Intention, outcome: Result | Refusal) -> Any:
    """The outcome as strategies know it: nobody listens for pushes here, and the game gives when it likes."""
    if isinstance(intention, _AT_HOME):
        return [] if isinstance(intention, intentions.Hear) else None
    if not isinstance(outcome, Refusal):
        return outcome
    error = refusal_error(outcome)
    return error_from(ErrorBody(error.code, error.message, msgspec.to_builtins(error.data)))


def game(gifts: list[Grant], board: Board, random: Random) -> Life:
    """The game's own service: gives everybody something to begin with, then gives, takes and looks."""
    for first in gifts:
        board.learn(first.player, first, (yield first))
    for number in itertools.count():
        player = random.choice(board.players)
        kind = random.random()
        if kind < 0.5:
            key, gold = f"game.{number}", random.randrange(100)
            yield gift(player, random, key, gold=gold, items=random.randrange(2), pieces=random.randrange(5))
        elif kind < 0.8:
            items = board.stash.get(player, [])
            taken = random.sample(items, min(len(items), random.randrange(2)))
            pieces = {random.choice(COMMODITIES): random.randrange(4)}
            yield Take(key=f"game.{number}", player=player, gold=random.randrange(60), items=taken, commodities=pieces)
        else:
            yield InspectPlayer(player=player)


def gift(player: str, random: Random, key: str, *, gold: int, items: int, pieces: int) -> Grant:
    """Gold and goods out of nowhere."""
    given = [GrantedItem(base=random.choice(_BASES)) for _ in range(items)]
    return Grant(key=key, player=player, gold=gold, items=given, commodities=dict.fromkeys(COMMODITIES, pieces))


def operator(board: Board, random: Random) -> Life:
    """Stops trading in one thing after another, each for a moment."""
    while True:
        what, thing = _frozen(board, random)
        yield FreezeTrading(what=what, id=thing, claims=random.random() < 0.7)
        for _ in range(random.randrange(3)):
            yield InspectPlayer(player=random.choice(board.players))
        thawed = None
        while thawed is None:
            thawed = yield ThawTrading(what=what, id=thing)
        yield InspectPlayer(player=random.choice(board.players))


def _frozen(board: Board, random: Random) -> tuple[FrozenThing, str | None]:
    kind = random.random()
    if kind < 0.1:
        return "house", None
    if kind < 0.4:
        return "commodity", random.choice(COMMODITIES)
    if kind < 0.7:
        return "category", random.choice(list(WORLD.categories))
    return "player", random.choice(board.players)
