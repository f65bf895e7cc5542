"""Players and a game's service, who note everything that they are answered, ask again after a crash, and compare."""

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from random import Random
from typing import Any

from twisted.internet.defer import Deferred

from auction.results import BidResult, BuyoutResult, DeliveryResult, GrantResult, ListingResult, ListingView
from auction.state import Notice
from clients.calls import pages
from clients.errors import AuctionError, EventsMissed, InDoubt, Unavailable
from clients.session import Settings, State
from clients.twisted_client import TwistedClient, connect
from tests.crash.books import Answer, Books, Call, Holdings, Refusal, differences, told, waiting
from tests.crash.loop import Loop, together

SERVICE = "game-service"
PAGE = 100
SETTLED_WITHIN_S = 20.0
"""How long the house may take until every auction that is over has ended; the longest of these take 3 s."""
REPEATS_AT_ONCE = 50
OLD_ANSWERS_ASKED_AGAIN = 200
"""Of the answers that were asked for again before, so many are asked for once more each time."""
KEPT_ANSWERS = frozenset({"outbid"})
"""Refusals that are stored under their key; another leaves the key free."""


class Crowd:
    """A handful of players at one house, whichever node serves it at the moment."""

    def __init__(
        self, loop: Loop, names: Iterable[str], token: Callable[[str, str], str], patience: Settings | None = None
    ) -> None:
        self._loop = loop
        self._token = token
        self._patience = patience
        self.names = tuple(names)
        self.clients: dict[str, TwistedClient] = {}
        self.answers: dict[str, tuple[Call, Answer]] = {}
        """Every call and its answer, by the key, the latest last; refusals other than `outbid` are counted only."""
        self.refusals: Counter[str] = Counter()
        self.unanswered: list[Call] = []
        self.heard: dict[str, list[Notice]] = {name: [] for name in self.names}
        """Events, as the SDK told them to each player."""
        self.market: dict[str, ListingView] = {}
        """Each listing as somebody was shown it last."""
        self.stashes: dict[str, list[str]] = {name: [] for name in self.names}
        """Items that each player was given; some are gone."""
        self._asked_again = 0
        """So many of the answers were asked for again."""

    # coming and going

    def enter(self, *urls: str) -> None:
        """Everybody connects to a node and goes on hearing events where the last connection ended.

        Of many nodes, players begin with different ones, and every other player asks to be sent home.
        """
        self._loop.run(self._enter(urls))

    def leave(self) -> None:
        """Everybody disconnects; calls that are open stay unanswered."""
        for client in self.clients.values():
            client.close()

    def cut_off(self) -> None:
        """Wait until everybody has taken in what was still on the way, and noticed that the node is gone."""
        self._loop.until(lambda: all(client.session.state is not State.ONLINE for client in self.clients.values()))
        self.leave()

    async def _enter(self, urls: Sequence[str]) -> None:
        everybody = (*self.names, SERVICE)
        clients = await together(self._connect(urls, number, name) for number, name in enumerate(everybody))
        self.clients = dict(zip(everybody, clients, strict=True))
        for name in self.names:
            self.clients[name].listen(self.heard[name].append, _missed)

    def _connect(self, urls: Sequence[str], number: int, name: str) -> "Deferred[TwistedClient]":
        first = number % len(urls)
        return connect(
            (*urls[first:], *urls[:first]),
            self._token(name, "service" if name == SERVICE else "player"),
            reactor=self._loop.reactor,
            settings=self._patience,
            since=len(self.heard.get(name, ())),
            redirects=number % 2 == 0,
        )

    # asking

    async def ask(self, call: Call) -> Answer | None:
        """Make a mutation and note its answer; None where there is none."""
        try:
            answer = await self._send(call)
        except (InDoubt, Unavailable):
            self.unanswered.append(call)
            return None
        if isinstance(answer, Refusal) and answer.reason not in KEPT_ANSWERS:
            self.refusals[answer.reason] += 1
            return answer
        self.answers[call.key] = call, answer
        self._learn(call, answer)
        return answer

    def _learn(self, call: Call, answer: Answer) -> None:
        match answer:
            case ListingResult(listing=view) | BidResult(listing=view) | BuyoutResult(listing=view):
                self.market[view.listing] = view
            case GrantResult(items=items) if call.method == "grant":
                self.stashes[call.player] += [item.item for item in items]
            case DeliveryResult(delivery=delivery):
                self.stashes[call.player] += [item.item for item in delivery.items]

    def ask_again_what_was_not_answered(self) -> None:
        """What got no answer gets one now, under the same key."""
        calls, self.unanswered = self.unanswered, []
        self._loop.run(_all(self.ask(call) for call in calls))
        assert not self.unanswered, self.unanswered

    def ask_again_what_was_answered(self, keys: Iterable[str]) -> None:
        """The same key gives the same answer, and has no other effect."""
        self._loop.run(_all(self._assert_same(*self.answers[key]) for key in keys))

    async def _assert_same(self, call: Call, answer: Answer) -> None:
        again = await self._send(call)
        assert again == answer, call

    async def _send(self, call: Call) -> Answer:
        method = getattr(self.clients[call.caller], call.method)
        try:
            answer: Answer = await method(**call.params, key=call.key)
        except (InDoubt, Unavailable):
            raise
        except AuctionError as error:
            assert error.reason, error
            return Refusal(error.reason, dict(error.data))
        return answer

    # comparing

    def assert_nothing_is_lost(self, random: Random) -> None:
        """Ask again, under the same keys; then compare all that players have with what the answers imply."""
        self.ask_again_what_was_not_answered()
        keys = list(self.answers)
        old, new = keys[: self._asked_again], keys[self._asked_again :]
        self._asked_again = len(keys)
        self.ask_again_what_was_answered(new + random.sample(old, min(len(old), OLD_ANSWERS_ASKED_AGAIN)))
        self.assert_books_agree()

    def assert_books_agree(self) -> None:
        """Every player has and was told what the acknowledged answers imply, to the last piece of gold, and keeps it.

        What is under way between nodes, and auctions that are just over, get some time to arrive.
        """
        books = self.books()
        held: dict[str, Holdings] = {}
        wrong = ["nobody has looked yet"]
        until_s = time.monotonic() + SETTLED_WITHIN_S
        while wrong:
            assert time.monotonic() < until_s, wrong
            before = held
            shown, held = self._loop.run(self._look())
            now_ms = time.time_ns() // 1_000_000
            overdue = [view for view in shown.values() if view.state == "open" and view.ends_at_ms <= now_ms]
            wrong = [f"{view.listing} is over and does not end" for view in overdue]
            wrong = wrong or ([] if held == before else ["there is still something going on"])
            wrong += [
                f"{name}: {difference}"
                for name in self.names
                for difference in differences(held[name], books.expected(name, shown, now_ms))
            ]
        self._loop.until(lambda: all(len(self.heard[name]) == held[name].seq for name in self.names))

    def books(self) -> Books:
        """What all answers imply."""
        return Books(self.answers.values())

    async def look(self) -> dict[str, Holdings]:
        """What every player has and was told now."""
        return (await self._look())[1]

    async def _look(self) -> tuple[dict[str, ListingView], dict[str, Holdings]]:
        shown: dict[str, ListingView] = {}
        held = await together(self._look_at(name, shown) for name in self.names)
        return shown, dict(zip(self.names, held, strict=True))

    async def _look_at(self, name: str, shown: dict[str, ListingView]) -> Holdings:
        client = self.clients[name]
        mine = [view async for page in pages(client.my_listings, limit=PAGE) for view in page.listings]
        shown.update({view.listing: view for view in mine})
        bids = [bid async for page in pages(client.my_bids, limit=PAGE) for bid in page.bids]
        items = [item async for page in pages(client.inventory, limit=PAGE) for item in page.items]
        deliveries = [each async for page in pages(client.deliveries, limit=PAGE) for each in page.deliveries]
        notices = await self._notices(client)
        wallet = await client.wallet()
        heard = self.heard[name]
        assert heard[: len(notices)] == notices[: len(heard)], f"{name} heard other events than are kept"
        return Holdings(
            gold=wallet.gold.available,
            escrowed=wallet.gold.escrowed,
            items={item.item for item in items},
            leads={bid.listing.listing: bid.amount for bid in bids if bid.winning},
            listings={view.listing: (view.state, view.price, view.bids) for view in mine},
            waiting=Counter(waiting(delivery) for delivery in deliveries),
            told=told(notices),
            open_listings=wallet.listings,
            deliveries=wallet.deliveries,
            stash_used=wallet.stash.used,
            seq=wallet.seq,
        )

    async def _notices(self, client: TwistedClient) -> list[Notice]:
        notices: list[Notice] = []
        page = await client.events_since(0, limit=PAGE)
        while page.events:
            notices += page.events
            page = await client.events_since(page.next_seq, limit=PAGE)
        assert [notice.seq for notice in notices] == list(range(1, page.last_seq + 1)), "a gap among events"
        return notices


def _missed(missed: EventsMissed) -> None:
    raise missed


async def _all(doing: Iterable[Awaitable[Any]]) -> None:
    """Do many things, a number of them at once."""
    left = iter(doing)

    async def some() -> None:
        for each in left:
            await each

    await together(some() for _ in range(REPEATS_AT_ONCE))
