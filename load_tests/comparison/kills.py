"""`kill -9` under load: a node is killed while bids run, and started again on the data that it left, time and again."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Timer

import msgspec

from clients.codec import Message
from load_tests.comparison.checks import Check
from load_tests.duels import Duellist, connect, connect_again, player_name
from load_tests.generator import Line, drive
from load_tests.house import House, audit, call, running_house
from load_tests.processes import ServerFailed
from load_tests.websocket import ConnectionLost

DEAD_WITHIN_S = 10.0
"""How long a node may still answer after it should have been killed."""
BACK_WITHIN_S = 60.0
"""How long it may take until everybody has an answer."""
NOT_READY = ("in_doubt", "unavailable")
"""Reasons for which a player asks again: the node is still bringing up to date what the bid needs."""


class Kills(msgspec.Struct, frozen=True):
    """What came of them."""

    first_answer_s: list[float]
    """From each kill until the node, started again at once, had answered a request."""
    everybody_answered_s: list[float]
    """From each kill until all players had come back, at once, and each had an answer to a bid."""
    journaled: list[int]
    """Records that the house had made durable before each kill."""
    acknowledged: int
    """Bids that the node acknowledged before it was killed, all in all."""
    lost: int
    """Listings on which a player's highest acknowledged bid is not remembered, counted by player."""
    balanced: bool
    """What `auction audit` said in the end."""


class Returning(Duellist):
    """A player who comes back after a kill, and asks again where the node is not ready for a bid."""

    @property
    def answered(self) -> bool:
        """Whether the house has taken or refused a bid of this player yet."""
        return any(count for reason, count in self.outcomes.items() if reason not in NOT_READY)

    def take(self, message: Message) -> bool:
        """See `Duellist`."""
        data = {} if message.error is None else message.error.data or {}
        if data.get("reason") not in NOT_READY:
            return super().take(message)
        self.outcomes[data["reason"]] += 1
        self.ask_again()
        return True


class Mortal:
    """A house in a directory whose node is killed under load."""

    def __init__(self, directory: Path, connections: int) -> None:
        self._directory = directory
        self._connections = connections
        self._players: list[Returning] = []
        """Of the node's present life, or of the one before while nobody is connected."""
        self._bids: list[dict[str, int]] = [{} for _ in range(connections)]
        """The most that was acknowledged to each player, by auction."""
        self._acknowledged = 0
        self._first_answer_s: list[float] = []
        self._everybody_answered_s: list[float] = []
        self._journaled: list[int] = []

    def measure(self, kills: int, seconds: float) -> Kills:
        """Let bids run for `seconds` before each kill. Raises ServerFailed where the node does not die or start."""
        killed_at_s = self._life(None, seconds)
        for _ in range(kills - 1):
            killed_at_s = self._life(killed_at_s, seconds)
        with running_house(self._directory) as house:
            for line in self._come_back(house, killed_at_s):
                line.connection.close()
            lost = sum(self._lost(house, number) for number in range(self._connections))
        balanced = audit(self._directory / "data")
        return Kills(
            first_answer_s=self._first_answer_s,
            everybody_answered_s=self._everybody_answered_s,
            journaled=self._journaled,
            acknowledged=self._acknowledged,
            lost=lost,
            balanced=balanced,
        )

    def _life(self, killed_at_s: float | None, seconds: float) -> float:
        """Start the node, let bids run and kill it; returns when. `killed_at_s` is when it was killed before."""
        killed: list[float] = []
        try:
            with running_house(self._directory) as house:
                lines = self._come(house) if killed_at_s is None else self._come_back(house, killed_at_s)
                timer = Timer(seconds, lambda: killed.append(_kill(house.server.process.pid)))
                timer.start()
                try:
                    drive(lines, seconds + DEAD_WITHIN_S)
                finally:
                    timer.cancel()
                    for line in lines:
                        line.connection.close()
        except (ConnectionLost, ConnectionError):
            if not killed:
                raise
            self._remember()
            return killed[0]
        raise ServerFailed(f"the node still answered {DEAD_WITHIN_S:g} s after kill -9")

    def _come(self, house: House) -> list[Line]:
        """Everybody, for the first time."""
        lines, duellists = connect(house, self._connections)
        self._players = [Returning(each.auctions) for each in duellists]
        return [Line(line.connection, player) for line, player in zip(lines, self._players, strict=True)]

    def _come_back(self, house: House, killed_at_s: float) -> list[Line]:
        """Everybody, to ask anew for each of its auctions; notes how long after the kill there were answers."""
        with closing(house.connect(player_name(0))) as connection:
            call(connection, "player.get")
            self._first_answer_s.append(time.perf_counter() - killed_at_s)
        self._players = [Returning(player.auctions) for player in self._players]
        lines = connect_again(house, self._players)
        while not all(player.answered for player in self._players):
            if time.perf_counter() - killed_at_s > BACK_WITHIN_S:
                raise ServerFailed(f"not everybody had an answer to a bid within {BACK_WITHIN_S:g} s after kill -9")
            drive(lines, 0)
        self._everybody_answered_s.append(time.perf_counter() - killed_at_s)
        return lines

    def _remember(self) -> None:
        """Note what was acknowledged until the kill, and how much was durable then."""
        self._journaled.append(int((self._directory / "data" / "journal.end").read_text()))
        for bids, player in zip(self._bids, self._players, strict=True):
            bids.update(player.acknowledged)
            self._acknowledged += player.outcomes["leads"]

    def _lost(self, house: House, number: int) -> int:
        """On how many listings the house remembers less of a player than it acknowledged."""
        with closing(house.connect(player_name(number))) as connection:
            rows = call(connection, "bids.mine")["bids"]
        remembered = {row["listing"]["listing"]: row["amount"] for row in rows}
        return sum(remembered.get(listing, 0) < amount for listing, amount in self._bids[number].items())


def checks_of(kills: Kills) -> Iterator[Check]:
    """Whether anything was lost."""
    yield Check(
        "fractal, killed: every acknowledged bid is remembered",
        kills.lost == 0,
        f"{kills.acknowledged:,} bids acknowledged before {len(kills.first_answer_s)} kills, {kills.lost} lost",
    )
    yield Check("fractal, killed: audit", kills.balanced, "balanced" if kills.balanced else "not balanced")


def _kill(pid: int) -> float:
    """Kill a process, and tell when."""
    now_s = time.perf_counter()
    os.kill(pid, signal.SIGKILL)
    return now_s
