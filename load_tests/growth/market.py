"""Players and auctions, made fast: with many requests in flight on one connection, as the measured load never does."""

import selectors
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Any

from clients.codec import Message
from load_tests.duels import Duellist, pairs
from load_tests.generator import CODEC, Line, messages
from load_tests.house import GOLD, START_BID, House, Refused, call
from load_tests.websocket import Connection

Asked = tuple[str, dict[str, Any]]

IN_FLIGHT = 200
ITEMS_A_GRANT = 200
"""As many as surely fit into one message."""
AUCTIONS_A_SELLER = 16
BUSY = ("unavailable", "in_doubt")
"""Reasons for which the same request with the same key is made again."""
TRIES_MAX = 20
CONNECTED_AT_ONCE = 500
"""Connections that are made before those made earlier are heard again."""


class Raiser:
    """One player alone, who raises its own maximum for ever: nobody is outbid, and two stores change, not three."""

    def __init__(self, auction: str) -> None:
        self.outcomes: Counter[str] = Counter()
        self.pushes = 0
        self._auction = auction
        self._amount = START_BID

    def request(self) -> bytes:
        """The next bid."""
        self._amount += 1
        return CODEC.request(self._amount, "listing.bid", {"listing": self._auction, "amount": self._amount})

    def take(self, message: Message) -> bool:
        """Take in the answer. Raises Refused."""
        if message.error is not None:
            raise Refused(f"a raise was refused: {message.error.message} {message.error.data}")
        answered = message.id == self._amount
        self.outcomes["leads"] += answered
        return answered


class Market:
    """Bidders on their connections."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._bidders: list[Duellist | Raiser] = []

    def add(self, connection: Connection, bidder: Duellist | Raiser) -> None:
        """Somebody has come."""
        self.lines.append(Line(connection, bidder))
        self._bidders.append(bidder)

    def keep_alive(self) -> None:
        """Answer the node's pings, and take in what else has come; whoever does not for 25 s is cut off."""
        with selectors.DefaultSelector() as selector:
            for line in self.lines:
                selector.register(line.connection, selectors.EVENT_READ, line)
            for key, _ in selector.select(0):
                for message in messages(key.data.connection):
                    key.data.caller.take(message)

    def leads(self) -> int:
        """Bids that took a lead so far."""
        return sum(bidder.outcomes["leads"] for bidder in self._bidders)

    def untold(self) -> int:
        """Leads that were lost and that nobody was told of so far."""
        duellists = [bidder for bidder in self._bidders if isinstance(bidder, Duellist)]
        led = {auction for bidder in duellists for auction in bidder.acknowledged}
        lost = sum(bidder.outcomes["leads"] for bidder in duellists) - len(led)
        return lost - sum(bidder.pushes for bidder in duellists)


def ring(players: int) -> list[tuple[int, int]]:
    """Who duels with whom, by number: `load_tests.duels.pairs`, and where there are two, these."""
    return [(0, 1)] if players == 2 else pairs(players)


def ask_all(connection: Connection, asked: Iterable[Asked], most: int = IN_FLIGHT) -> list[Message]:
    """Ask many things, so many of them at once; the answers, refusals among them, in the order of the questions."""
    answers: dict[int, Message] = {}
    waiting = iter(enumerate(asked))

    def ask(count: int) -> int:
        some = list(islice(waiting, count))
        for number, (method, params) in some:
            connection.send(CODEC.request(number, method, params))
        return len(some)

    in_flight = ask(most)
    while in_flight:
        for message in messages(connection):
            if message.id is not None:
                answers[int(message.id)] = message
                in_flight += ask(1) - 1
    return [answers[number] for number in range(len(answers))]


def results(connection: Connection, asked: Sequence[Asked], most: int = IN_FLIGHT) -> list[dict[str, Any]]:
    """Ask many things that are not to be refused, each with a key: of a busy node again. Raises Refused."""
    done: dict[int, dict[str, Any]] = {}
    for _ in range(TRIES_MAX):
        left = [number for number in range(len(asked)) if number not in done]
        for number, answer in zip(left, ask_all(connection, [asked[number] for number in left], most), strict=True):
            if answer.error is None:
                done[number] = CODEC.result(answer.result, dict)
            elif (answer.error.data or {}).get("reason") not in BUSY:
                raise Refused(f"{answer.error.message} {answer.error.data}")
        if len(done) == len(asked):
            return [done[number] for number in range(len(asked))]
    raise Refused(
        f"{len(asked) - len(done)} of {len(asked)} requests were not done in {TRIES_MAX} tries: the node is busy"
    )


def give_gold(service: Connection, players: Iterable[str]) -> None:
    """Make players able to bid as long as it takes."""
    results(service, [("admin.grant", {"player": each, "gold": GOLD, "key": f"gold-{each}"}) for each in players])


def list_goods(house: House, service: Connection, sellers: Sequence[str], auctions: int, each: int) -> list[str]:
    """Open auctions of several sellers, each with so many, the last with what is left; returns the listings."""
    base = call(service, "world.bases", limit=1)["bases"][0]["base"]
    duration_s = max(call(service, "world.describe")["rules"]["durations_s"])
    wanted = {seller: min(each, auctions - number * each) for number, seller in enumerate(sellers)}
    parts = [(seller, first) for seller, count in wanted.items() for first in range(0, count, ITEMS_A_GRANT)]
    goods = [[{"base": base}] * min(ITEMS_A_GRANT, wanted[seller] - first) for seller, first in parts]
    grants = [
        ("admin.grant", {"player": seller, "items": items, "key": f"{seller}-{first}"})
        for (seller, first), items in zip(parts, goods, strict=True)
    ]
    terms = {"start_bid": START_BID, "duration_s": duration_s}
    asked: dict[str, list[Asked]] = {seller: [] for seller in sellers}
    for (seller, _), granted in zip(parts, results(service, grants), strict=True):
        items = [item["item"] for item in granted["items"]]
        asked[seller] += [("listing.create", {"item": item, "key": item, **terms}) for item in items]
    listings: list[str] = []
    for seller in sellers:
        connection = house.connect(seller)
        listings += [made["listing"]["listing"] for made in results(connection, asked[seller])]
        connection.close()
    return listings


def open_market(house: House, connections: int, stack: ExitStack, name: str = "bidder") -> Market:
    """Players of a new name who duel (`load_tests.duels`), connected; the stack closes them. One alone is a Raiser."""
    names = [f"{name}-{number}" for number in range(connections)]
    duels = ring(connections)
    auctions = max(1, len(duels))
    sellers = [f"{name}-seller-{number}" for number in range(-(-auctions // AUCTIONS_A_SELLER))]
    service = house.connect("load-test", "service")
    stack.callback(service.close)
    give_gold(service, names)
    listings = list_goods(house, service, sellers, auctions, AUCTIONS_A_SELLER)
    bidders: Sequence[Duellist | Raiser] = duellists(connections, duels, listings) if duels else [Raiser(listings[0])]
    market = Market()
    for number, (player, bidder) in enumerate(zip(names, bidders, strict=True)):
        connection = house.connect(player)
        stack.callback(connection.close)
        market.add(connection, bidder)
        if number % CONNECTED_AT_ONCE == 0:
            market.keep_alive()
    return market


def duellists(players: int, duels: Sequence[tuple[int, int]], listings: Iterable[str]) -> list[Duellist]:
    """Players by number, each with the auctions of its duels before it."""
    before: list[list[str]] = [[] for _ in range(players)]
    for listing, duel in zip(listings, duels, strict=True):
        for number in duel:
            before[number].append(listing)
    return [Duellist(each) for each in before]
