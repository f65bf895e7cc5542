"""A connected client without a connection: calls go straight to the house in memory."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import msgspec

from auction.state import Notice
from clients.calls import Calls
from clients.errors import ErrorBody, error_from
from clients.surroundings import Surroundings
from clients.watched import Match, match_of
from shardnode.wire.methods import LoginResult
from tests.clients.fake_house import FakeHouse, Refuse

NOW_MS = 1_000_000
WORLD: dict[str, Any] = {
    "version": "1.0.0",
    "hash": "00",
    "rules": {"durations_s": [3_600, 43_200]},
    "categories": [
        {"category": "swords", "name": "Swords", "holds": "items"},
        {"category": "bows", "name": "Bows", "holds": "items"},
        {"category": "ores", "name": "Ores", "holds": "commodities"},
    ],
    "rarities": [
        {
            "rarity": rarity,
            "name": rarity.title(),
            "order": order,
            "stats_min": 1,
            "stats_max": 2,
            "weight": 1,
            "worth_factor": 3**order,
        }
        for order, rarity in enumerate(["common", "fine", "rare"])
    ],
    "stats": [
        {
            "stat": stat,
            "name": stat.title(),
            "unit": "points",
            "at_level_1": {"min": 1, "max": 2},
            "at_level_100": {"min": 3, "max": 4},
        }
        for stat in ("damage", "agility")
    ],
    "counts": {"bases": 2},
}
PURSE: dict[str, Any] = {
    "player": "ann",
    "gold": {"available": 5_000, "escrowed": 126},
    "listings": 1,
    "deliveries": 0,
    "stash": {"used": 1, "capacity": 210},
    "seq": 2,
}


class FakeClient(Calls):
    """Whom a token "token-NAME" names."""

    def __init__(self, house: FakeHouse, token: str) -> None:
        self.house = house
        self.player = token.removeprefix("token-")
        self.closed = False
        login = LoginResult(self.player, "player", NOW_MS, len(house.events[self.player]))
        self.session = SimpleNamespace(login=login, doubted=0, resolved=0)
        self._keys = itertools.count(len(house.executed) * 1_000_000)

    def call(self, method: str, params: dict[str, Any], result: type, key: str | None = None) -> Awaitable[Any]:  # noqa: ARG002 - the key is in params
        """Ask the house at once."""
        return self._answer(method, params, result)

    def new_key(self) -> str:
        """A number that no client of this player had before."""
        return f"{self.player}-{next(self._keys)}"

    async def events(self) -> AsyncIterator[Notice]:
        """All events there are, and no more."""
        for event in self.house.events[self.player]:
            yield msgspec.convert(event, Notice)

    def listen(self, on_event: Callable[[Notice], object], on_missed: Callable[[Any], object]) -> None:  # noqa: ARG002 - none are missed here
        """Tell all events there are."""
        for event in self.house.events[self.player]:
            on_event(msgspec.convert(event, Notice))

    def listen_to_watches(self, on_match: Callable[[Match], object]) -> None:
        """Tell all that watches told."""
        for params in self.house.matches[self.player]:
            match = match_of(params)
            assert match is not None
            on_match(match)

    async def close(self) -> None:
        """Note it."""
        self.closed = True

    async def _answer(self, method: str, params: dict[str, Any], result: type) -> Any:
        try:
            return msgspec.convert(self.house.answer(self.player, method, params), result)
        except Refuse as refusal:
            raise error_from(msgspec.convert(refusal.error, ErrorBody)) from refusal


def surroundings_of(house: FakeHouse, clients: list[FakeClient] | None = None) -> Surroundings:
    """Commands run in these surroundings meet the house in memory; their clients are kept in the list."""

    async def connect(_urls: Any, token: Callable[[], str], _settings: object) -> Any:
        client = FakeClient(house, token())
        if clients is not None:
            clients.append(client)
        return client

    return Surroundings(mint=lambda _data, sub, _role, _ttl_s: f"token-{sub}", connect=connect)
