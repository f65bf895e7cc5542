"""What players do while nobody stops them: sell, bid, buy out, cancel, claim; some of it against the rules."""

import time
from itertools import islice
from random import Random

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from auction.results import ListingView
from clients.errors import Unavailable
from tests.crash.books import Call
from tests.crash.crowd import SERVICE, Crowd
from tests.crash.loop import Loop

HANDS = 3
"""Calls that each player has under way at once."""
RECENT = 40
"""Of how many listings a player chooses."""
REST_S = 0.2
"""How long a hand rests that cannot ask anybody."""
TOO_MUCH = 2**52
"""More gold than anybody here has."""


class Trade:
    """A crowd that trades, from `begin` until it is `cut_off`; `answered` counts, over all."""

    def __init__(self, loop: Loop, crowd: Crowd, seed: int) -> None:
        self._loop = loop
        self._crowd = crowd
        self._bases: list[str] = []
        self._keys = 0
        self._hands = [(name, Random(f"{seed} {name} {hand}")) for name in crowd.names for hand in range(HANDS)]
        self._service = Random(f"{seed} {SERVICE}")
        self._busy: list[Deferred[None]] = []
        self._failure: Failure | None = None
        self._trading = False
        self.answered = 0

    def welcome(self) -> None:
        """Everybody who comes for the first time gets something to trade with."""
        if not self._bases:
            self._loop.run(self._welcome())

    def begin(self) -> None:
        """Everybody begins to trade."""
        self._trading = True
        self._busy = [Deferred.fromCoroutine(self._play(name, random)) for name, random in self._hands]
        self._busy.append(Deferred.fromCoroutine(self._serve(self._service)))
        for hand in self._busy:
            hand.addErrback(self._failed)

    def until_answered(self, count: int) -> None:
        """Trade until that many further answers were given."""
        enough = self.answered + count
        self._loop.until(lambda: self.answered >= enough or self._failure is not None)

    def rest(self) -> None:
        """Finish what is under way, and begin nothing."""
        self._trading = False
        self._loop.until(lambda: all(hand.called for hand in self._busy))
        if self._failure is not None:
            self._failure.raiseException()

    def cut_off(self) -> None:
        """The node is gone: take in what it still said, and leave the rest without an answer."""
        self._trading = False
        self._crowd.cut_off()
        self.rest()

    def _failed(self, failure: Failure) -> None:
        self._failure = failure

    async def _welcome(self) -> None:
        self._bases = [base.base for base in (await self._crowd.clients[SERVICE].bases(limit=10)).bases]
        for player in self._crowd.names:
            items = [{"base": base} for base in self._bases]
            await self._ask(SERVICE, player, "grant", player=player, gold=1_000, items=items)

    async def _play(self, player: str, random: Random) -> None:
        deeds = (self._bid, self._sell, self._claim, self._buy_out, self._cancel, self._try_what_is_not_allowed)
        while self._trading:
            (deed,) = random.choices(deeds, (40, 20, 20, 8, 5, 7))
            try:
                await deed(player, random)
            except Unavailable:
                await self._loop.moment(REST_S)

    async def _serve(self, random: Random) -> None:
        """Gold and items come into the house, and now and then some leave it."""
        while self._trading:
            player = random.choice(self._crowd.names)
            gold, stash = random.randint(1, 1_000), self._crowd.stashes[player]
            if stash and random.random() < 0.2:
                await self._ask(SERVICE, player, "take", player=player, gold=gold, items=random.sample(stash, 1))
            else:
                items = [{"base": random.choice(self._bases)} for _ in range(random.randint(0, 4))]
                await self._ask(SERVICE, player, "grant", player=player, gold=gold, items=items)

    async def _ask(self, caller: str, whose: str, method: str, **params: object) -> None:
        self._keys += 1
        answer = await self._crowd.ask(Call(caller, whose, method, params, f"key-{self._keys}"))
        self.answered += answer is not None

    async def _sell(self, player: str, random: Random) -> None:
        stash = self._crowd.stashes[player]
        if not stash:
            await self._crowd.clients[player].wallet()
            return
        item = stash.pop(random.randrange(len(stash)))
        start_bid = random.randint(1, 100)
        prices = random.choice(
            ({"start_bid": start_bid}, {"buyout": start_bid}, {"start_bid": start_bid, "buyout": 500})
        )
        await self._ask(player, player, "sell", item=item, duration_s=random.choice((2, 2, 3, 3600)), **prices)

    async def _bid(self, player: str, random: Random) -> None:
        view = self._choose_open(random)
        if view is None or view.min_bid is None:
            await self._crowd.clients[player].my_bids()
            return
        amount = view.min_bid + random.randint(-2, 60)
        await self._ask(player, player, "bid", listing=view.listing, amount=max(amount, 0))

    async def _buy_out(self, player: str, random: Random) -> None:
        view = self._choose_open(random)
        if view is None or view.buyout is None:
            await self._crowd.clients[player].search(buyout_only=True)
            return
        await self._ask(player, player, "buyout", listing=view.listing, price=view.buyout)

    async def _cancel(self, player: str, random: Random) -> None:
        mine = (await self._crowd.clients[player].my_listings("open")).listings
        if mine:
            await self._ask(player, player, "cancel", listing=random.choice(mine).listing)

    async def _claim(self, player: str, random: Random) -> None:
        waiting = (await self._crowd.clients[player].deliveries()).deliveries
        if waiting:
            await self._ask(player, player, "claim", delivery=random.choice(waiting).delivery)

    async def _try_what_is_not_allowed(self, player: str, random: Random) -> None:
        view = self._choose(random)
        if view is None:
            await self._ask(player, player, "sell", item="no-such-item", start_bid=1, duration_s=2)
            return
        deed = random.choice(("bid", "buyout", "cancel", "sell"))
        if deed == "bid":
            await self._ask(player, player, "bid", listing=view.listing, amount=TOO_MUCH)
        elif deed == "buyout":
            await self._ask(player, player, "buyout", listing=view.listing, price=TOO_MUCH)
        elif deed == "cancel":
            await self._ask(player, player, "cancel", listing=view.listing)
        else:
            await self._ask(player, player, "sell", item=view.item.item, start_bid=1, duration_s=2)

    def _choose(self, random: Random) -> ListingView | None:
        """One of the latest listings, open or not."""
        recent = list(islice(reversed(self._crowd.market.values()), RECENT))
        return random.choice(recent) if recent else None

    def _choose_open(self, random: Random) -> ListingView | None:
        """One of the latest listings that are open, as far as anybody knows."""
        now_ms = time.time() * 1000
        recent = islice(reversed(self._crowd.market.values()), RECENT)
        still_open = [view for view in recent if view.state == "open" and view.ends_at_ms > now_ms]
        return random.choice(still_open) if still_open else None
