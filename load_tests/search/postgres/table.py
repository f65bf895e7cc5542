"""The open listings as a PostgreSQL table, built by somebody who knows the searches: columns, load, indexes."""

from collections.abc import Iterable
from typing import Any

import msgspec
from psycopg import Connection

from auction.pricing import min_bid
from auction.state import Listing
from shardnode.search.query import asking_price, folded

COLUMNS = {
    "listing": "text NOT NULL",
    "base": "text NOT NULL",
    "name": "text NOT NULL",
    "words": "text NOT NULL",
    "category": "text NOT NULL",
    "rarity": "text NOT NULL",
    "level": "integer NOT NULL",
    "stats": "jsonb NOT NULL",
    "start_bid": "bigint",
    "buyout": "bigint",
    "bid": "bigint",
    "min_bid": "bigint",
    "price": "bigint NOT NULL",
    "bids": "integer NOT NULL",
    "created_at": "bigint NOT NULL",
    "ends_at": "bigint NOT NULL",
    "seller": "text NOT NULL",
    "leader": "text",
}
"""What a page of listings shows, and what it is searched by: `price` is what a buyer would pay now, `words` the name
without case and accents, each word after a space. `stats` is only shown: what is searched is one column a stat."""

INDEXES = (
    "UNIQUE INDEX ON listings (listing)",
    "INDEX ON listings (base, price, listing)",
    "INDEX ON listings (category, price, listing)",
    "INDEX ON listings (category, level)",
    "INDEX ON listings (category, rarity, price, listing)",
    "INDEX ON listings (category, buyout, listing) WHERE buyout IS NOT NULL",
    "INDEX ON listings (category, created_at DESC, listing)",
    "INDEX ON listings (category, ends_at, listing)",
    "INDEX ON listings (created_at DESC, listing)",
    "INDEX ON listings (ends_at, listing)",
    "INDEX ON listings (name, price, listing)",
    "INDEX ON listings (price, listing)",
    "INDEX ON listings USING gin (words gin_trgm_ops)",
)
INDEX_OF_A_STAT = "INDEX ON listings (category, {stat} DESC, listing) WHERE {stat} IS NOT NULL"

NAMES = "CREATE TABLE names AS SELECT DISTINCT name, words FROM listings"
"""All different names: a few hundred, however many listings there are."""


class TableSize(msgspec.Struct, frozen=True):
    """Bytes on disk and, all of it being cached, in memory."""

    table: int
    indexes: int


def stat_column(stat: str) -> str:
    """Name of the column that holds a stat."""
    return f"stat_{stat}"


def fill(connection: Connection[tuple[Any, ...]], stats: list[str], listings: Iterable[Listing]) -> None:
    """Make the table with a column for each of the stats, and copy the listings into it."""
    columns = {**COLUMNS, **{stat_column(stat): "integer" for stat in stats}}
    typed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    connection.execute("CREATE EXTENSION pg_trgm")
    connection.execute(f"CREATE UNLOGGED TABLE listings ({typed})".encode())
    with connection.cursor() as cursor, cursor.copy("COPY listings FROM STDIN") as copy:
        for row in listings:
            copy.write_row([*_values(row), *(row.item.stats.get(stat) for stat in stats)])


def finish(connection: Connection[tuple[Any, ...]], stats: list[str]) -> TableSize:
    """Index and analyse the table."""
    of_stats = (INDEX_OF_A_STAT.format(stat=stat_column(stat)) for stat in stats)
    for index in (*INDEXES, *of_stats):
        connection.execute(f"CREATE {index}".encode())
    connection.execute(NAMES)
    connection.execute("VACUUM ANALYZE")
    sizes = connection.execute("SELECT pg_table_size('listings'), pg_indexes_size('listings')").fetchone()
    assert sizes is not None
    return TableSize(*sizes)


def _values(row: Listing) -> list[str | int | None]:
    item = row.item
    return [
        *(row.listing, item.base, item.name, f" {folded(item.name)}", item.category, item.rarity, item.level),
        msgspec.json.encode(item.stats).decode(),
        *(row.start_bid, row.buyout, row.price, min_bid(row), asking_price(row), row.bids),
        *(row.created_at_ms, row.ends_at_ms, row.seller, row.leader),
    ]
