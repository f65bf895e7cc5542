"""The state of one player's store: its tables (rows in `auction.state`), and what is derived from them."""

from typing import ClassVar, Literal

import msgspec

from auction.state import (
    Account,
    AuditEntry,
    Awaited,
    Bid,
    Commodity,
    Cooldown,
    Delivery,
    Item,
    Key,
    LedgerEntry,
    Listing,
    Notice,
    Offer,
    Order,
    Passage,
    PreparedLeg,
    Purchases,
    ReceivedOffer,
    TransferMark,
    UsedQuote,
    Watch,
)
from auction.tables import LogTable, OneRow, Table


class PlayerState:
    """All tables of one player store. A store that was never written to has no account row.

    Derived from the rows, so that no decision scans a table: `open_listings` maps each open listing to its
    `ends_at_ms`, `standing_bids` counts the bids that lead and `bids_escrowed` sums their maxima, `untold_keys` are the
    keys with `untold`, `entries_made` is the number of the latest ledger entry. Of the trades not decided yet, `locked`
    maps each listing or offer to its trade and `open_keys` each caller's key to the listing, offer or order that it is
    about, those of `awaited` included; `open_bids` counts the bids among them that may become one more that leads.
    `offers_over` are the offers of whose end a notice tells: until that is forgotten they are known to have been.
    """

    kind: ClassVar[Literal["player"]] = "player"
    TABLES: ClassVar[dict[str, type[msgspec.Struct]]] = {
        "account": Account,
        "items": Item,
        "commodities": Commodity,
        "listings": Listing,
        "bids": Bid,
        "orders": Order,
        "awaited": Awaited,
        "quotes": UsedQuote,
        "purchases": Purchases,
        "offers": Offer,
        "inbox": ReceivedOffer,
        "watches": Watch,
        "cooldowns": Cooldown,
        "deliveries": Delivery,
        "notices": Notice,
        "keys": Key,
        "trades": PreparedLeg,
        "transfers_out": TransferMark,
        "transfers_in": TransferMark,
        "ledger": LedgerEntry,
        "history": Passage,
        "audit": AuditEntry,
    }
    """Table → row class; its first field is its key, except for the one account row."""
    LOGS: ClassVar[frozenset[str]] = frozenset(("history", "audit"))
    """Those that are not kept in memory."""

    __slots__ = (
        "account",
        "audit",
        "awaited",
        "bids",
        "bids_escrowed",
        "commodities",
        "cooldowns",
        "deliveries",
        "entries_made",
        "history",
        "inbox",
        "items",
        "keys",
        "ledger",
        "listings",
        "locked",
        "notices",
        "offers",
        "offers_over",
        "open_bids",
        "open_keys",
        "open_listings",
        "orders",
        "purchases",
        "quotes",
        "standing_bids",
        "trades",
        "transfers_in",
        "transfers_out",
        "untold_keys",
        "watches",
    )

    def __init__(self) -> None:
        self.account: OneRow[Account] = OneRow()
        self.items: Table[str, Item] = Table()
        self.commodities: Table[str, Commodity] = Table()
        self.listings: Table[str, Listing] = Table()
        """In the order they were made."""
        self.bids: Table[str, Bid] = Table()
        self.orders: Table[str, Order] = Table()
        """In the order they were made, like the watches and deliveries."""
        self.awaited: Table[str, Awaited] = Table()
        self.quotes: Table[str, UsedQuote] = Table()
        self.purchases: Table[str, Purchases] = Table()
        self.offers: Table[str, Offer] = Table()
        self.inbox: Table[str, ReceivedOffer] = Table()
        self.watches: Table[str, Watch] = Table()
        self.cooldowns: Table[str, Cooldown] = Table()
        self.deliveries: Table[str, Delivery] = Table()
        self.notices: Table[int, Notice] = Table()
        self.keys: Table[str, Key] = Table()
        """Oldest first."""
        self.trades: Table[str, PreparedLeg] = Table()
        self.transfers_out: Table[str, TransferMark] = Table()
        self.transfers_in: Table[str, TransferMark] = Table()
        self.ledger: Table[int, LedgerEntry] = Table()
        self.history: LogTable[Passage] = LogTable()
        self.audit: LogTable[AuditEntry] = LogTable()
        self.open_listings: dict[str, int] = {}
        self.standing_bids = 0
        self.bids_escrowed = 0
        self.untold_keys: set[str] = set()
        self.entries_made = 0
        self.locked: dict[str, str] = {}
        self.open_keys: dict[str, str] = {}
        self.open_bids = 0
        self.offers_over: set[str] = set()

    def recount(self) -> None:
        """Put the rows in order and derive the counts anew, after a store was loaded."""
        self.listings.sort(lambda row: row.number)
        self.orders.sort(lambda row: row.number)
        self.watches.sort(lambda row: row.number)
        self.deliveries.sort(lambda row: row.number)
        self.keys.sort(lambda row: row.at_ms)
        self.open_listings = {row.listing: row.ends_at_ms for row in self.listings if row.state == "open"}
        standing = [bid.amount for bid in self.bids if bid.winning]
        self.standing_bids, self.bids_escrowed = len(standing), sum(standing)
        self.untold_keys = {row.key for row in self.keys if row.untold}
        self.entries_made = max(self.ledger.rows, default=0)
        self.locked = {row.listing: row.trade for row in self.trades}
        self.open_keys = {row.key: row.listing for row in self.trades if row.key is not None}
        self.open_keys.update((row.key, row.subject) for row in self.awaited)
        self.open_bids = sum(self.may_lead_one_more(row) for row in self.trades)
        told_over = map(offer_told_over, self.notices)
        self.offers_over = {offer for offer in told_over if offer is not None}

    def head(self) -> Account | None:
        """The account row; None for a store that was never written to."""
        return self.account.get(0)

    def head_to_change(self) -> Account:
        """The account row of a store that was written to, to be changed at once."""
        return self.account.to_change()

    def owner(self) -> Account:
        """The account row of a store that was written to, to be read."""
        return self.account.rows[0]

    def gold(self) -> int:
        """What the wallet holds, 0 for a store that was never written to."""
        account = self.account.get(0)
        return 0 if account is None else account.gold

    def may_lead_one_more(self, row: PreparedLeg) -> bool:
        """Whether a trade may end with one more bid that leads. It stays so while the listing is locked."""
        return row.side == "buyer" and row.kind == "bid" and not self.leads(row.listing)

    def leads(self, listing: str) -> bool:
        """Whether the player leads a listing, as far as is known here."""
        bid = self.bids.get(listing)
        return bid is not None and bid.winning

    def wake_at_ms(self) -> int | None:
        """When the store has something to do next, None for never; changes only with its listings and offers."""
        next_listing = min(self.open_listings.values(), default=None)
        if not self.offers:
            return next_listing
        next_offer = min(row.expires_at_ms for row in self.offers)
        return next_offer if next_listing is None else min(next_listing, next_offer)

    def due_listings(self, now_ms: int) -> list[str]:
        """Open listings whose end has come, the earliest end first."""
        due = [(ends_at_ms, listing) for listing, ends_at_ms in self.open_listings.items() if ends_at_ms <= now_ms]
        return [listing for _, listing in sorted(due)]

    def due_offers(self, now_ms: int) -> list[str]:
        """Open offers that have expired, the earliest first."""
        due = [(row.expires_at_ms, row.offer) for row in self.offers if row.expires_at_ms <= now_ms]
        return [offer for _, offer in sorted(due)]


def offer_told_over(notice: Notice) -> str | None:
    """The offer of whose end a notice tells."""
    return str(notice.data["offer"]) if notice.type == "offer.closed" else None
