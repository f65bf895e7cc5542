"""The bots' edge: carries out what strategies want, over few sockets, at a bounded rate, until it is cancelled.

Players come and go as people do: a visit is a login, some intentions and a goodbye. A service's client gives everybody
something to start with, and loot.
"""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from clients.bots.habits import Life, Trade
from clients.bots.intentions import Adventure, Craft, Gather, Hear, Intention, Leave
from clients.bots.population import (
    Bot,
    Gift,
    Ware,
    chance_of,
    friends,
    handiwork,
    harvest,
    loot,
    specialities,
    starting_gift,
)
from clients.bots.requests import request
from clients.bots.strategies import STRATEGIES
from clients.bots.worth import Appraiser, worth_of_piece
from clients.calls import pages
from clients.client import Client
from clients.errors import AuctionError, NotFound, Refused
from clients.watched import Match

VISITORS = 12
"""How many bots are connected at once."""
INTENTIONS_A_VISIT = 60
REST_AFTER_FAILURE_S = 2.0
POPULATE_RATE = 600.0
"""Intentions a second while the market is being filled."""
POPULATE_ROUNDS = 4
"""How many visits everybody makes to fill the market: the first brings listings and orders, the others trade."""
MATCHES_HEARD = 10
"""How many of the latest pushes of its watches a bot remembers of a visit."""

TIMES_KEPT = 10_000
"""Of how many of the latest bids and buyouts the times are kept."""

LogIn = Callable[[str], Awaitable[Client]]
"""From a player's name to a logged-in client."""


class Clock(msgspec.Struct, frozen=True):
    """Time, passed in: a monotonic clock in seconds, the wall clock in milliseconds, and waiting."""

    monotonic_s: Callable[[], float]
    wall_ms: Callable[[], int]
    wait: Callable[[float], Awaitable[None]]


class Pace:
    """Lets intentions through one by one, `rate` a second."""

    def __init__(self, clock: Clock, rate: float) -> None:
        self.rate = rate
        self._clock = clock
        self._next_s = clock.monotonic_s()

    async def turn(self) -> None:
        """Wait for the next turn."""
        now_s = self._clock.monotonic_s()
        self._next_s = max(now_s, self._next_s + 1 / self.rate)
        if self._next_s > now_s:
            await self._clock.wait(self._next_s - now_s)


class Market:
    """A population and the house it lives in. `done` counts what it did, by intention and by refusal.

    `times_s` has how long answers took, by intention; `doubted` and `resolved` are those of all sessions so far.
    """

    def __init__(
        self,
        bots: list[Bot],
        log_in: LogIn,
        service: Client | None,
        clock: Clock,
        rate: float,
        friend: str | None = None,
    ) -> None:
        self.done: Counter[str] = Counter()
        self.times_s: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=TIMES_KEPT))
        self.doubted = 0
        self.resolved = 0
        self._bots = bots
        self._log_in = log_in
        self._service = service
        self._clock = clock
        self._friends = friends(bots, friend)
        self._rate = rate
        self._pace = Pace(clock, rate)
        self._lives: dict[str, Life] = {}
        self._chances = {bot.player: chance_of(bot.seed) for bot in bots}
        self._bases: list[str] = []
        self._trades: dict[str, Trade] = {}
        """Player → what the strategy knows."""

    async def open(self) -> None:
        """Learn the house's rules, and give everybody who owns nothing yet something to start with."""
        client = self._service or await self._log_in(self._bots[0].player)
        world = await client.world()
        commodities = (await client.commodities()).commodities
        self._bases = [base.base async for page in pages(client.bases, limit=100) for base in page.bases]
        trade = Trade(
            appraiser=Appraiser(world.rarities, commodities),
            categories=[category.category for category in world.categories if category.holds == "items"],
            durations_s=world.rules.durations_s,
            listings_max=world.rules.max_listings,
            price_max=world.rules.price_max,
        )
        wares = [Ware(each.commodity, each.tick, worth_of_piece(each)) for each in commodities]
        chance_of(f"{self._bots[0].seed}/wares").shuffle(wares)
        for bot, near in zip(self._bots, self._friends, strict=True):
            own = tuple(specialities(bot, wares, len(self._bots)))
            self._trades[bot.player] = msgspec.structs.replace(trade, friends=near, wares=own)
        if self._service is None:
            await client.close()
            return
        for bot in self._bots:
            if not await self._owned_something(bot):
                await self._give(bot, starting_gift(bot, self._bases, self._trades[bot.player].wares))

    async def populate(self) -> None:
        """Let everybody come by quickly, so that there is a market."""
        self._pace.rate = POPULATE_RATE
        for _ in range(POPULATE_ROUNDS):
            await self._visits(deque(self._bots), again=False)
        self._pace.rate = self._rate

    async def live(self) -> None:
        """Let bots come and go, for ever."""
        order = self._bots.copy()
        chance_of(self._bots[0].seed).shuffle(order)
        await self._visits(deque(order), again=True)

    async def _visits(self, waiting: deque[Bot], *, again: bool) -> None:
        async def doorway() -> None:
            while waiting:
                bot = waiting.popleft()
                await self._visit(bot)
                if again:
                    waiting.append(bot)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(VISITORS, len(waiting))):
                group.create_task(doorway())

    async def _visit(self, bot: Bot) -> None:
        """One bot's time at the house. A fault of line or house ends it; the bot begins anew with its next visit."""
        try:
            client = await self._log_in(bot.player)
        except AuctionError as error:
            await self._fail(error)
            return
        try:
            await self._trade_with(client, bot)
        except AuctionError as error:
            self._lives.pop(bot.player).close()
            await self._fail(error)
        finally:
            self.doubted += client.session.doubted
            self.resolved += client.session.resolved
            await client.close()

    async def _trade_with(self, client: Client, bot: Bot) -> None:
        life = self._lives.get(bot.player)
        if life is None:
            strategy = STRATEGIES[bot.strategy]
            trade, chance = self._trades[bot.player], self._chances[bot.player]
            life = self._lives[bot.player] = strategy(trade, chance, self._clock.wall_ms)
        heard: deque[Match] = deque(maxlen=MATCHES_HEARD)
        client.listen_to_watches(heard.append)
        intention = life.send(None)
        for _ in range(INTENTIONS_A_VISIT):
            if isinstance(intention, Leave):
                return
            if isinstance(intention, Hear):
                intention = life.send(list(heard))
                continue
            await self._pace.turn()
            intention = life.send(await self._carry_out(client, bot, intention))
        self._lives.pop(bot.player).close()

    async def _carry_out(self, client: Client, bot: Bot, intention: Intention) -> Any:
        name = came_to = type(intention).__name__
        began_s = self._clock.monotonic_s()
        try:
            outcome = await self._ask(client, bot, intention)
        except (Refused, NotFound) as refusal:
            outcome, came_to = refusal, f"refused: {refusal.reason}"
        self.times_s[name].append(self._clock.monotonic_s() - began_s)
        self.done[came_to] += 1
        return outcome

    async def _ask(self, client: Client, bot: Bot, intention: Intention) -> Any:
        """Ask the house; what happens in the game's world, its service tells the house."""
        now_ms = self._clock.wall_ms()
        match intention:
            case Adventure():
                return await self._give(bot, loot(bot, self._bases, now_ms))
            case Gather():
                return await self._give(bot, harvest(bot, self._trades[bot.player].wares, now_ms))
            case Craft(commodity=commodity, quantity=quantity):
                return await self._craft(bot, {commodity: quantity}, handiwork(bot, self._bases, now_ms))
            case _:
                return await request(client, intention)

    async def _craft(self, bot: Bot, used: dict[str, int], made: Gift) -> Any:
        if self._service is None:
            return None
        await self._service.take(bot.player, commodities=used, key=f"used-{made.key}")
        return await self._give(bot, made)

    async def _owned_something(self, bot: Bot) -> bool:
        assert self._service is not None
        try:
            return bool((await self._service.inspect(bot.player)).ledger)
        except NotFound:
            return False

    async def _give(self, bot: Bot, gift: Gift) -> Any:
        if self._service is None:
            return None
        return await self._service.grant(
            bot.player, gold=gift.gold, items=gift.items, commodities=gift.commodities, key=gift.key
        )

    async def _fail(self, error: AuctionError) -> None:
        self.done[f"failed: {error.reason or error.code}"] += 1
        await self._clock.wait(REST_AFTER_FAILURE_S)
