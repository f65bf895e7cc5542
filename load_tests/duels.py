"""Players who duel: each auction has two of them, and whoever is outbid is told so, and bids the least that it must.

So nearly every bid takes the lead from somebody who is connected, and costs the node what bids can cost: three stores
change (the seller's, the new leader's, the former leader's), and an answer and a push go out.
"""

from collections import Counter, deque
from collections.abc import Sequence
from typing import Any

import msgspec

from clients.codec import Message
from load_tests.generator import CODEC, Line, messages
from load_tests.house import START_BID, House, Refused

HEADROOM = 2
"""By how much a bid with headroom offers more than it must: the next one or two bids are then answered `outbid`."""
DUELS_EACH = 8
"""Auctions that each player takes part in; enough that hardly anybody leads them all and has nothing to bid on."""


class _Outbid(msgspec.Struct, frozen=True):
    listing: str
    min_bid: int


class _Event(msgspec.Struct, frozen=True):
    type: str
    data: _Outbid


class Duellist:
    """Bids wherever it does not lead, the least it may; every so manieth bid, if asked to, has headroom."""

    def __init__(self, auctions: Sequence[str], headroom_every: int | None = None) -> None:
        self.auctions = tuple(auctions)
        self.outcomes: Counter[str] = Counter()
        """How bids were answered: "leads", or the refusal's reason."""
        self.pushes = 0
        self.acknowledged: dict[str, int] = {}
        """The most that the house accepted from this player, by auction."""
        self._headroom_every = headroom_every
        self._number = 0
        self._bidding_on = ""
        self._offered = 0
        self._open = deque((auction, START_BID) for auction in auctions)
        """Auctions that somebody else leads, and what the next bid must offer."""

    def request(self) -> bytes | None:
        """The next bid, None while this player leads all its auctions."""
        if not self._open:
            return None
        self._number += 1
        self._bidding_on, amount = self._open.popleft()
        if self._headroom_every is not None and self._number % self._headroom_every == 0:
            amount += HEADROOM
        self._offered = amount
        return CODEC.request(self._number, "listing.bid", {"listing": self._bidding_on, "amount": amount})

    def take(self, message: Message) -> bool:
        """Take in an answer, or the push about a lead that was lost."""
        if message.method == "event":
            self.pushes += 1
            outbid = CODEC.result(message.params, _Event).data
            self._open.append((outbid.listing, outbid.min_bid))
        elif message.error is not None:
            self._refused(message.error.data or {})
        elif message.id == self._number:
            self.outcomes["leads"] += 1
            self.acknowledged[self._bidding_on] = self._offered
        return message.id == self._number

    def ask_again(self) -> None:
        """Make the bid that was answered last once more, after the others."""
        self._open.append((self._bidding_on, self._offered))

    def _refused(self, data: dict[str, Any]) -> None:
        if "min_bid" not in data:
            raise Refused(f"a bid was refused: {data}")
        self.outcomes[data["reason"]] += 1
        self._open.appendleft((self._bidding_on, data["min_bid"]))


def pairs(players: int) -> list[tuple[int, int]]:
    """Who duels with whom, by number: everybody with the next few in a ring, so that no two meet twice."""
    reach = min(DUELS_EACH // 2, (players - 1) // 2)
    return [(player, (player + step) % players) for step in range(1, reach + 1) for player in range(players)]


def connect(house: House, players: int) -> tuple[list[Line], list[Duellist]]:
    """Populate a house, and connect players who have their auctions before them."""
    duels = pairs(players)
    listings = house.populate([player_name(number) for number in range(players)], len(duels))
    duellists = [
        Duellist([listing for listing, duel in zip(listings, duels, strict=True) if number in duel])
        for number in range(players)
    ]
    return connect_again(house, duellists), duellists


def connect_again(house: House, duellists: Sequence[Duellist]) -> list[Line]:
    """Connect all the players of a populated house, in the order in which they were connected first."""
    return [Line(house.connect(player_name(number)), each) for number, each in enumerate(duellists)]


def player_name(number: int) -> str:
    """As the players are called, counted from 0."""
    return f"player-{number}"


def settle(lines: Sequence[Line]) -> None:
    """Take in everything that the node had to tell the players before now."""
    for line in lines:
        line.connection.send(CODEC.request(0, "player.get", {}))
        settled = False
        while not settled:
            for message in messages(line.connection):
                if message.id == 0:
                    settled = True
                else:
                    line.caller.take(message)
