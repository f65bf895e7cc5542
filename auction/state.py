"""What a player store holds: one class a table, one table a class.

A store's state is a handful of tables of frozen rows. `evolve` (and nothing else) puts new rows in the place of old
ones, so whoever holds a row holds a fact that cannot change under him: a checkpoint or a search index may keep
rows by reference. Only the account row, which nearly every event changes, is changed in place; a checkpoint gets a
copy. Each table knows which keys changed since they were last taken, for the checkpoint.

    account        1 row: who owns the store, the wallet and the ledger's other balances, counters
    items          the stash: every item that the player can dispose of, and no other
    commodities    goods by the piece
    listings       what the player sells or sold; an open listing holds its item and the leader's whole maximum
    bids           what the player bid on listings that have not ended for him
    deliveries     goods and gold waiting to be claimed; a claim removes the row
    notices        what the player was told, numbered from 1 (the protocol's events)
    keys           idempotency keys with the stored first answers
    trades         what is promised to trades between nodes that are not decided yet: gold held, listings locked
    transfers_out  last number sent to each other store
    transfers_in   last number taken from each other store
    ledger         the latest double entries; the account row keeps the balances over all entries ever made
"""

from collections.abc import Callable, Iterator
from typing import Generic, Literal, TypeVar

import msgspec

from worlddata.types import Rules

STORE_VERSION = 2
"""Version of the tables below; it stands in every store file."""

NOTICES_KEPT = 10_000
"""How many of a player's latest notices can be read again with `events.since`."""
LEDGER_KEPT = 256
"""How many of the latest ledger entries a store keeps; the account's balances keep the sum of all."""
CLOSED_LISTINGS_KEPT = 500
"""How many of a player's latest ended listings can still be looked at; cut back to it at twice as many."""
LOST_BIDS_KEPT = 200
"""How many of a player's latest bids that no longer lead are kept for `bids.mine`; cut back to it at twice as many."""
KEYS_KEPT_S = 24 * 3600
"""How long a client's key is remembered at least, as the protocol promises."""
KEYS_SWEPT_S = 3600
"""How much older than KEYS_KEPT_S the oldest key may grow before all keys past KEYS_KEPT_S are forgotten at once."""
KEYS_MAX = 200_000
"""How many keys one store remembers at most; beyond it mutations are refused as too frequent."""
UNTOLD_KEYS_KEPT = 64
"""How many of the latest keys that the node itself gave, and told nobody, are kept; cut back to it at twice as many."""

IDS_A_LIFE = 10**12
"""How many ids of a kind one life of a store may mint. A store that was lost with its node's disk begins its next life
where the ids of all earlier ones end, so that no id is ever given twice."""

ListingState = Literal["open", "sold", "expired", "cancelled"]
DeliveryKind = Literal["bought", "won", "proceeds", "refund", "returned", "granted", "traded", "filled"]

TradeKind = Literal["bid", "buyout"]
TradeSide = Literal["seller", "buyer"]

StoreId = str
"""26 characters of base32: the keyed hash of kind and name. See `auction.ids`."""


class Account(msgspec.Struct, gc=False):
    """The store's single row: owner, balances and counters. Gold in whole pieces.

    The balances are those of `auction.ledger`, over all entries ever made here:
    `gold + gold_escrowed + gold_held + gold_waiting + gold_elsewhere + gold_burned == gold_granted`, always.
    """

    player: str
    store: StoreId
    gold: int = 0
    """The wallet: gold the player can spend."""
    gold_escrowed: int = 0
    """With the player's own open listings: their leaders' maxima and the player's deposits."""
    gold_held: int = 0
    """Promised to trades that are not decided yet; with the wallet it never passes MAX_AMOUNT, so it can go back."""
    gold_waiting: int = 0
    """In deliveries not yet claimed."""
    gold_elsewhere: int = 0
    """What went to other stores less what came from them; over all stores of a house it sums to zero."""
    gold_granted: int = 0
    """Gold that entered the house in this store."""
    gold_burned: int = 0
    """Gold that left the house in this store: taken, fees, deposits not returned."""
    items_granted: int = 0
    items_burned: int = 0
    items_made: int = 0
    """Counter of item ids minted here."""
    listings_made: int = 0
    deliveries_made: int = 0
    notices_made: int = 0
    """The `seq` of the latest notice."""
    life: int = 1
    """Grows when a store has to begin again because its node's disk was lost; see `auction.ids.life_mark`."""

    @classmethod
    def opened(cls, player: str, store: StoreId, life: int) -> "Account":
        """The row of a store that just begins its life."""
        used = (life - 1) * IDS_A_LIFE
        return cls(player, store, items_made=used, listings_made=used, deliveries_made=used, life=life)


class Item(msgspec.Struct, frozen=True):
    """One item, wherever it is, and as the protocol shows it.

    It carries its name and category so that a store reads well without the catalog.
    """

    item: str
    base: str
    name: str
    category: str
    rarity: str
    level: int
    stats: dict[str, int]
    bound: bool


class Commodity(msgspec.Struct, frozen=True, gc=False):
    """How much of one commodity the player holds, and how much entered and left the house here."""

    commodity: str
    quantity: int
    granted: int = 0
    burned: int = 0


class ListingRules(msgspec.Struct, frozen=True, gc=False):
    """The rules a listing was made under; they stay with it to its end."""

    fee_bp: int
    increment_bp: int
    increment_min: int
    price_max: int
    cancel_window_s: int
    snipe_window_s: int
    snipe_extension_s: int
    snipe_max_s: int

    @classmethod
    def of(cls, rules: Rules) -> "ListingRules":
        """Copy from the house's rules what a listing needs."""
        return cls(
            fee_bp=rules.fee_bp,
            increment_bp=rules.increment_bp,
            increment_min=rules.increment_min,
            price_max=rules.price_max,
            cancel_window_s=rules.cancel_window_s,
            snipe_window_s=rules.snipe_window_s,
            snipe_extension_s=rules.snipe_extension_s,
            snipe_max_s=rules.snipe_max_s,
        )


class Listing(msgspec.Struct, frozen=True):
    """One listing in its seller's store. While it is open it holds `item` and, of the leader, `leader_max` gold."""

    listing: str
    number: int
    version: int
    """Grows by one with every change; an index never replaces a newer row by an older one."""
    seller: str
    item: Item
    """In escrow here while the listing is open; afterwards only a description of what was listed."""
    state: ListingState
    start_bid: int | None
    buyout: int | None
    price: int | None
    """The visible bid (None before the first); after a sale what was paid."""
    leader: str | None
    """Player who leads; after a sale the buyer."""
    leader_max: int
    """The leader's whole maximum, in escrow here; 0 without a leader and after the end."""
    bids: int
    deposit: int
    """Gold in escrow here from the seller, returned with the proceeds of a sale, burned otherwise; 0 after the end."""
    created_at_ms: int
    ends_at_ms: int
    first_ends_at_ms: int
    """`ends_at_ms` as created: soft close extends from here."""
    rules: ListingRules


class Bid(msgspec.Struct, frozen=True, gc=False):
    """What a player bid on one listing: `amount` is the maximum; its gold is with the listing while `winning`.

    News from a listing on another node come late: `winning` stands until the refund is here, or until a later bid's
    answer tells better. Then the refund is still owed to the row, as `refund_due`.
    """

    listing: str
    amount: int
    winning: bool
    at_ms: int
    refund_due: int = 0
    """Gold of earlier leads on its way back."""


class Delivery(msgspec.Struct, frozen=True):
    """Goods and gold waiting to be claimed."""

    delivery: str
    number: int
    kind: DeliveryKind
    gold: int
    items: tuple[Item, ...]
    commodities: dict[str, int]
    listing: str | None
    at_ms: int


class Notice(msgspec.Struct, frozen=True):
    """Something a player was told (an Event of the protocol). `data` is plain."""

    seq: int
    type: str
    at_ms: int
    data: dict[str, str | int | None]


class Key(msgspec.Struct, frozen=True, gc=False):
    """An idempotency key that was used: which request it was, and its stored answer."""

    key: str
    """Scope and key, see `auction.keys`."""
    fingerprint: bytes
    """16 bytes: hash of method and params."""
    refused: bool
    """Whether `answer` is a Refusal (only `outbid` is ever stored) rather than a result."""
    answer: bytes
    """MessagePack of the result or of the Refusal."""
    at_ms: int
    untold: bool
    """A key the node gave by itself and has told nobody; only the latest UNTOLD_KEYS_KEPT of these are kept."""


class PreparedLeg(msgspec.Struct, frozen=True):
    """One side of a trade between nodes: what this store has promised, until the trade is decided.

    The listing is locked meanwhile, in the seller's store and in the buyer's. See `auction.trades`.
    """

    trade: str
    listing: str
    side: TradeSide
    kind: TradeKind
    leg: bytes
    """What was asked of this store, see `auction.legs`."""
    vote: bytes
    """What it answered; empty on the buyer's side."""
    held: int
    """Gold held here; 0 on the seller's side."""
    key: str | None
    """The caller's key, as `auction.keys` stores it; None on the seller's side, and without a key."""
    at_ms: int
    """When it was prepared: the instant of the bid."""


class TransferMark(msgspec.Struct, frozen=True, gc=False):
    """The last transfer to, or from, one life of another store."""

    store: str
    """As `auction.ids.life_mark` writes it: the store's id in its first life."""
    number: int


class LedgerEntry(msgspec.Struct, frozen=True, gc=False):
    """One double entry: `amount` gold moved from account `credit` to account `debit`. See `auction.ledger`."""

    number: int
    at_ms: int
    debit: str
    credit: str
    amount: int
    reason: str
    ref: str | None


K = TypeVar("K", str, int)
R = TypeVar("R")


class Table(Generic[K, R]):
    """Rows by key, and the keys whose rows changed since `take_changes`."""

    __slots__ = ("changed", "rows")

    def __init__(self, rows: dict[K, R] | None = None) -> None:
        self.rows: dict[K, R] = rows if rows is not None else {}
        self.changed: set[K] = set()

    def get(self, key: K) -> R | None:
        """Row of `key`, or None."""
        return self.rows.get(key)

    def put(self, key: K, row: R) -> None:
        """Insert or replace a row."""
        self.rows[key] = row
        self.changed.add(key)

    def drop(self, key: K) -> None:
        """Remove a row that is there."""
        del self.rows[key]
        self.changed.add(key)

    def take_changes(self) -> dict[K, R | None]:
        """The rows changed since the last call (None: removed), which are then no longer counted as changed."""
        rows = self.rows
        changes = {key: rows.get(key) for key in self.changed}
        self.changed.clear()
        return changes

    def sort(self, order: Callable[[R], int]) -> None:
        """Put the rows in an order; it changes none of them."""
        in_order = sorted(self.rows.items(), key=lambda entry: order(entry[1]))
        self.rows.clear()
        self.rows.update(in_order)

    def __iter__(self) -> Iterator[R]:
        """The rows, in the order of their insertion."""
        return iter(self.rows.values())

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    def __contains__(self, key: object) -> bool:
        """Whether there is a row of `key`."""
        return key in self.rows


class AccountTable(Table[int, Account]):
    """The one account row, keyed by 0, which is changed where it stands."""

    __slots__ = ()

    def to_change(self) -> Account:
        """The row of a store that was written to, to be changed by the caller at once."""
        self.changed.add(0)
        return self.rows[0]

    def take_changes(self) -> dict[int, Account | None]:
        """As of every table, but a copy: nothing that happens later changes it."""
        changes = super().take_changes()
        return {key: row and msgspec.structs.replace(row) for key, row in changes.items()}


class PlayerState:
    """All tables of one player store. A store that was never written to has no account row.

    Derived from the rows, so that no decision scans a table: `open_listings` maps each open listing to its
    `ends_at_ms`, `standing_bids` counts the bids that lead and `bids_escrowed` sums their maxima, `untold_keys` are the
    keys with `untold`, `entries_made` is the number of the latest ledger entry. Of the trades not decided yet, `locked`
    maps each listing to its trade and `open_keys` each caller's key to the listing; `open_bids` counts the bids among
    them that may become one more that leads.
    """

    __slots__ = (
        "account",
        "bids",
        "bids_escrowed",
        "commodities",
        "deliveries",
        "entries_made",
        "items",
        "keys",
        "ledger",
        "listings",
        "locked",
        "notices",
        "open_bids",
        "open_keys",
        "open_listings",
        "standing_bids",
        "trades",
        "transfers_in",
        "transfers_out",
        "untold_keys",
    )

    def __init__(self) -> None:
        self.account = AccountTable()
        self.items: Table[str, Item] = Table()
        self.commodities: Table[str, Commodity] = Table()
        self.listings: Table[str, Listing] = Table()
        """In the order they were made."""
        self.bids: Table[str, Bid] = Table()
        self.deliveries: Table[str, Delivery] = Table()
        """In the order they were made."""
        self.notices: Table[int, Notice] = Table()
        self.keys: Table[str, Key] = Table()
        """Oldest first."""
        self.trades: Table[str, PreparedLeg] = Table()
        self.transfers_out: Table[str, TransferMark] = Table()
        self.transfers_in: Table[str, TransferMark] = Table()
        self.ledger: Table[int, LedgerEntry] = Table()
        self.open_listings: dict[str, int] = {}
        self.standing_bids = 0
        self.bids_escrowed = 0
        self.untold_keys: set[str] = set()
        self.entries_made = 0
        self.locked: dict[str, str] = {}
        self.open_keys: dict[str, str] = {}
        self.open_bids = 0

    def recount(self) -> None:
        """Put the rows in order and derive the counts anew, after a store was loaded."""
        self.listings.sort(lambda row: row.number)
        self.deliveries.sort(lambda row: row.number)
        self.keys.sort(lambda row: row.at_ms)
        self.open_listings = {row.listing: row.ends_at_ms for row in self.listings if row.state == "open"}
        standing = [bid.amount for bid in self.bids if bid.winning]
        self.standing_bids, self.bids_escrowed = len(standing), sum(standing)
        self.untold_keys = {row.key for row in self.keys if row.untold}
        self.entries_made = max(self.ledger.rows, default=0)
        self.locked = {row.listing: row.trade for row in self.trades}
        self.open_keys = {row.key: row.listing for row in self.trades if row.key is not None}
        self.open_bids = sum(self.may_lead_one_more(row) for row in self.trades)

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
        """When the store has something to do next, None for never; changes only with its listings."""
        return min(self.open_listings.values(), default=None)

    def due_listings(self, now_ms: int) -> list[str]:
        """Open listings whose end has come, the earliest end first."""
        due = [(ends_at_ms, listing) for listing, ends_at_ms in self.open_listings.items() if ends_at_ms <= now_ms]
        return [listing for _, listing in sorted(due)]


TABLES: dict[str, type[msgspec.Struct]] = {
    "account": Account,
    "items": Item,
    "commodities": Commodity,
    "listings": Listing,
    "bids": Bid,
    "deliveries": Delivery,
    "notices": Notice,
    "keys": Key,
    "trades": PreparedLeg,
    "transfers_out": TransferMark,
    "transfers_in": TransferMark,
    "ledger": LedgerEntry,
}
"""Table name (an attribute of PlayerState) → row class; its first field is its key, except for the one account row."""
