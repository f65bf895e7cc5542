"""The audit of the standard architecture: nothing was lost, nothing was made, and every balance has its entries.

Read in one snapshot (`REPEATABLE READ`), it holds while the service goes on.
"""

from typing import Any

import msgspec
import psycopg

CHECKS = {
    "gold: what was granted is in wallets, with bids, in deliveries, left as deposits, or burned": """
        SELECT (SELECT coalesce(sum(granted), 0) FROM players)
             - (SELECT coalesce(sum(gold + escrowed), 0) FROM players)
             - (SELECT coalesce(sum(gold), 0) FROM deliveries WHERE NOT claimed)
             - (SELECT coalesce(sum(deposit), 0) FROM listings WHERE state = 'open')
             - (SELECT coalesce(sum(amount), 0) FROM ledger WHERE debit = 'burned')""",
    "wallets and escrows: each is the sum of its player's entries": """
        SELECT count(*) FROM players LEFT JOIN (
            SELECT player,
                   sum(CASE 'wallet' WHEN debit THEN amount WHEN credit THEN -amount ELSE 0 END) AS wallet,
                   sum(CASE 'escrow' WHEN debit THEN amount WHEN credit THEN -amount ELSE 0 END) AS escrow,
                   sum(CASE WHEN credit = 'granted' THEN amount ELSE 0 END) AS granted
            FROM ledger GROUP BY player) AS books USING (player)
        WHERE (gold, escrowed, players.granted)
            <> (coalesce(wallet, 0), coalesce(escrow, 0), coalesce(books.granted, 0))""",
    "escrows: each is the sum of the maxima of the bids that lead": """
        SELECT count(*) FROM players LEFT JOIN (
            SELECT leader AS player, sum(leader_max) AS held, count(*) AS leads
            FROM listings WHERE state = 'open' AND leader IS NOT NULL GROUP BY leader) AS bids USING (player)
        WHERE (escrowed, players.leads) <> (coalesce(held, 0), coalesce(bids.leads, 0))""",
    "sales: what buyers paid is what sellers got, and the fees": """
        SELECT coalesce(sum(CASE 'elsewhere' WHEN debit THEN amount WHEN credit THEN -amount ELSE 0 END), 0)
        FROM ledger""",
    "items: each is in one stash, one open listing or one delivery": """
        SELECT count(*) FROM items LEFT JOIN (
            SELECT item, count(*) AS places FROM (
                SELECT item FROM listings WHERE state = 'open'
                UNION ALL SELECT item FROM deliveries WHERE item IS NOT NULL AND NOT claimed) AS held
            GROUP BY item) AS held USING (item)
        WHERE (owner IS NOT NULL)::integer + coalesce(places, 0) <> 1""",
    "counts: open listings, waiting deliveries and stashes": """
        SELECT count(*) FROM players
        LEFT JOIN (SELECT seller AS player, count(*) AS listed FROM listings WHERE state = 'open' GROUP BY seller) AS a
            USING (player)
        LEFT JOIN (SELECT player, count(*) AS waiting FROM deliveries WHERE NOT claimed GROUP BY player) AS b
            USING (player)
        LEFT JOIN (SELECT owner AS player, count(*) AS owned FROM items WHERE owner IS NOT NULL GROUP BY owner) AS c
            USING (player)
        WHERE (open_listings, players.deliveries, stash)
            <> (coalesce(listed, 0), coalesce(waiting, 0), coalesce(owned, 0))""",
}
"""What must hold → a query of one figure, which is 0 where it does."""


class Audit(msgspec.Struct, frozen=True):
    """What was found."""

    failed: dict[str, int]
    """Check → by how much, or how often, it does not hold."""

    @property
    def balanced(self) -> bool:
        """Whether everything holds."""
        return not self.failed


def audited(connection: "psycopg.Connection[Any]") -> Audit:
    """Audit a database as it is in a connection's next transaction."""
    found = {name: connection.execute(query).fetchone() for name, query in CHECKS.items()}
    return Audit({name: int(row[0]) for name, row in found.items() if row is not None and row[0] != 0})
