"""A real node with some of the listings, asked through its WebSocket: what a player waits for beside the index."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet.defer import Deferred, succeed

from auction.commands import SearchListings
from auction.state import Listing
from load_tests.generator import CODEC
from load_tests.house import call, call_all, running_house
from load_tests.search.sides import Page
from load_tests.websocket import Connection

LISTINGS_A_SELLER = 2_000
ITEMS_A_GRANT = 200
"""As many as surely fit into one message."""

RULES = f"""[rules]
max_listings = {LISTINGS_A_SELLER}
stash_capacity = {LISTINGS_A_SELLER}
"""


class _Listed(msgspec.Struct, frozen=True):
    listing: str


class _Found(msgspec.Struct, frozen=True):
    listings: list[_Listed]
    next: str | None


class OverSocket:
    """A node's searches as a player's client sees them: sent, answered, decoded. The client waits for its answer."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page(self, query: SearchListings, following: Any) -> "Deferred[Page]":
        """See `Side`; a page is followed by its cursor."""
        params = msgspec.to_builtins(msgspec.structs.replace(query, cursor=following))
        asked = {name: value for name, value in params.items() if value is not None}
        (raw,) = call_all(self._connection, [("listing.search", asked)])
        found = CODEC.result(raw, _Found)
        return succeed(Page([row.listing for row in found.listings], found.next))


@contextmanager
def running_node(directory: Path, rows: Sequence[Listing]) -> Iterator[OverSocket]:
    """Start a node, list these goods on it, bids aside, and be connected to it as a player."""
    with running_house(directory, RULES) as house:
        service = house.connect("load-test", "service")
        for first in range(0, len(rows), LISTINGS_A_SELLER):
            seller = f"seller-{first}"
            connection = house.connect(seller)
            _list(service, connection, seller, rows[first : first + LISTINGS_A_SELLER])
            connection.close()
        service.close()
        connection = house.connect("player")
        yield OverSocket(connection)
        connection.close()


def _list(service: Connection, connection: Connection, seller: str, rows: Sequence[Listing]) -> None:
    """Give a seller the goods, and put them up for sale."""
    for first in range(0, len(rows), ITEMS_A_GRANT):
        some = rows[first : first + ITEMS_A_GRANT]
        items = [
            {"base": row.item.base, "rarity": row.item.rarity, "level": row.item.level, "stats": row.item.stats}
            for row in some
        ]
        granted = call(service, "admin.grant", player=seller, items=items, key=f"{seller}-{first}")
        params = [_terms(item["item"], row) for item, row in zip(granted["items"], some, strict=True)]
        call_all(connection, [("listing.create", each) for each in params])


def _terms(item: str, row: Listing) -> dict[str, Any]:
    prices = {"start_bid": row.start_bid, "buyout": row.buyout}
    duration_s = (row.ends_at_ms - row.created_at_ms) // 1000
    return {"item": item, "duration_s": duration_s, **{name: each for name, each in prices.items() if each is not None}}
