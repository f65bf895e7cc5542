"""PostgreSQL as a side of the comparison: one client on a local socket, statements prepared, rows fetched."""

from collections.abc import Callable
from typing import Any

from psycopg import Connection, connect
from psycopg.types.string import TextLoader
from twisted.internet.defer import Deferred, succeed

from auction.commands import SearchListings
from load_tests.search.postgres.statements import Row, Statement
from load_tests.search.sides import Page

PREPARED_MAX = 10_000
"""More than there are different statements in a mix, so none is prepared twice."""


def connected(conninfo: str) -> Connection[Row]:
    """A client of the server. Stats come as text, not parsed, as a web server would pass them on."""
    connection = connect(conninfo, autocommit=True, prepare_threshold=0)
    connection.prepared_max = PREPARED_MAX
    connection.adapters.register_loader("jsonb", TextLoader)
    return connection


class Postgres:
    """Searches by one way to write them as statements. The client waits for its rows, as nothing else goes on."""

    def __init__(
        self, connection: Connection[Row], statement: Callable[[SearchListings, Row | None], Statement]
    ) -> None:
        self._connection = connection
        self._statement = statement

    def page(self, query: SearchListings, following: Any) -> "Deferred[Page]":
        """See `Side`; a page is followed by what comes after its last row."""
        rows = self._connection.execute(*self._statement(query, following)).fetchall()
        shown = rows[: query.limit]
        return succeed(Page([row[0] for row in shown], shown[-1] if len(rows) > query.limit else None))
