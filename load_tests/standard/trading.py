"""Where bids and buyouts are decided: the two forms of the standard architecture, behind the same two methods.

database   InDatabase: one PL/pgSQL function a command, one round trip          trades.sql
workers    InWorkers: the rules of `auction`, on rows that a transaction locks  in_workers, deciding
"""

from typing import Protocol

from load_tests.standard.database import Database
from load_tests.standard.in_workers import InWorkers
from load_tests.standard.rows import Command, Trade, trade_of
from load_tests.standard.settings import RulesIn

BID = "SELECT * FROM bid($1, $2, $3, $4, $5, $6, $7)"
BUY_OUT = "SELECT * FROM buy_out($1, $2, $3, $4, $5, $6)"


class Trading(Protocol):
    """One transaction a command. A key that was used before gives its first answer, with nobody left to be told."""

    async def bid(self, command: Command, amount: int) -> Trade:
        """Offer `amount` gold at most."""

    async def buy_out(self, command: Command, price: int) -> Trade:
        """Buy at the listing's price, which is what the player saw."""


class InDatabase:
    """Decided where the rows are, by the functions of trades.sql."""

    def __init__(self, database: Database, max_bids: int) -> None:
        self._database = database
        self._max_bids = max_bids

    async def bid(self, command: Command, amount: int) -> Trade:
        """See `Trading`."""
        place, key = (command.player, command.listing), (command.key, command.fingerprint)
        return trade_of(await self._database.row(BID, *place, amount, command.now_ms, self._max_bids, *key))

    async def buy_out(self, command: Command, price: int) -> Trade:
        """See `Trading`."""
        place, key = (command.player, command.listing), (command.key, command.fingerprint)
        return trade_of(await self._database.row(BUY_OUT, *place, price, command.now_ms, *key))


def trading(rules_in: RulesIn, database: Database, max_bids: int) -> Trading:
    """The form that was chosen."""
    return InDatabase(database, max_bids) if rules_in == "database" else InWorkers(database, max_bids)
