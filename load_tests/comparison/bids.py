"""Bids on one house, whichever way it is built: 64 players who duel, and what must be true when they have stopped."""

from collections.abc import Callable, Iterator
from contextlib import closing

from load_tests.comparison.checks import Check
from load_tests.comparison.turns import CpuTimes, Driven, Turn
from load_tests.duels import connect, settle
from load_tests.house import House, call

SETTLE_ROUNDS_MAX = 200
"""How often everybody is asked whether there is news, before a push that is missing counts as lost."""


class Bids:
    """Players who duel in a house, measured by the bids that took the lead."""

    def __init__(self, name: str, house: House, connections: int, cpu_s: Callable[[], CpuTimes]) -> None:
        self.name = name
        self._house = house
        self._lines, self._players = connect(house, connections)
        self._driven = Driven(self._lines, cpu_s, self._leads)

    def turn(self, seconds: float) -> Turn:
        """See `Side`."""
        return self._driven.turn(seconds)

    def close(self) -> None:
        """Hang up."""
        for line in self._lines:
            line.connection.close()

    def checks(self) -> Iterator[Check]:
        """Whether everybody who lost a lead was told, and every bid that was acknowledged is counted."""
        auctions = {auction for player in self._players for auction in player.acknowledged}
        leads = self._leads()
        outbid = leads - len(auctions)
        for _ in range(SETTLE_ROUNDS_MAX):
            settle(self._lines)
            if self._pushes() == outbid:
                break
        told = f"{self._pushes():,} of {outbid:,}"
        yield Check(f"{self.name}: whoever was outbid was told", self._pushes() == outbid, told)
        counted = self._counted(auctions)
        yield Check(f"{self.name}: acknowledged bids are counted", counted == leads, f"{counted:,} of {leads:,}")

    def _counted(self, auctions: set[str]) -> int:
        """Bids that the house shows on its listings."""
        with closing(self._house.connect("onlooker")) as connection:
            return sum(call(connection, "listing.get", listing=each)["listing"]["bids"] for each in auctions)

    def _leads(self) -> int:
        return sum(player.outcomes["leads"] for player in self._players)

    def _pushes(self) -> int:
        return sum(player.pushes for player in self._players)
