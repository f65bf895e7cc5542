"""The rows that a player's store holds: one class a table, one table a class (`auction.player_state` has the tables).

A store's state is a handful of tables of frozen rows. `evolve` (and nothing else) puts new rows in the place of old
ones, so whoever holds a row holds a fact that cannot change under him: a checkpoint or a search index may keep
rows by reference. Only the account row, which nearly every event changes, is changed in place; a checkpoint gets a
copy. Each table knows which keys changed since they were last taken, for the checkpoint.

    account        1 row: who owns the store, the wallet and the ledger's other balances, counters
    items          the stash: every item that the player can dispose of, and no other
    commodities    goods by the piece
    listings       what the player sells or sold; an open listing holds its item and the leader's whole maximum
    bids           what the player bid on listings that have not ended for him
    orders         commodity orders that rest in a market's book, or are on the way there
    awaited        requests that another store answers: their keys are taken until the answer is here
    quotes         quotes that were used, until they would have expired
    purchases      how much of a commodity was bought within the window of a buy limit
    offers         what the player offered another, with what is given in escrow, while it is open
    inbox          what others offered the player, while it is open
    watches        saved searches, followed listings and commodities
    cooldowns      items that were bought too lately to be listed, where the rules have such a thing
    deliveries     goods and gold waiting to be claimed; a claim removes the row
    notices        what the player was told, numbered from 1 (the protocol's events)
    keys           idempotency keys with the stored first answers
    trades         what is promised to trades between nodes that are not decided yet: gold held, listings locked
    transfers_out  last number sent to each other store
    transfers_in   last number taken from each other store
    ledger         the latest double entries; the account row keeps the balances over all entries ever made
    history        what came and went, from whom and to whom: kept for ever, and not in memory (`auction.tables`)
    audit          what operators did here, and trades of great worth: the same
"""

from typing import Any, Literal

import msgspec

from worlddata.types import Rules

STORE_VERSION = 3
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
OFFER_ITEMS_MAX = 10
"""How many items, and how many commodities, one side of an offer names at most: all of them travel in one message."""
UNTOLD_KEYS_KEPT = 64
"""How many of the latest keys that the node itself gave, and told nobody, are kept; cut back to it at twice as many."""

IDS_A_LIFE = 10**12
"""How many ids of a kind one life of a store may mint. A store that was lost with its node's disk begins its next life
where the ids of all earlier ones end, so that no id is ever given twice."""

ListingState = Literal["open", "sold", "expired", "cancelled"]
DeliveryKind = Literal["bought", "won", "proceeds", "refund", "returned", "granted", "traded", "filled"]

TradeKind = Literal["bid", "buyout", "offer", "accept"]
TradeSide = Literal["seller", "buyer"]
"""`buyer` is who asks: who bids, buys, makes an offer or accepts one. `seller` is the store of the other side."""
OrderSide = Literal["buy", "sell"]
OrderState = Literal["sent", "resting", "ending"]
"""On its way, with no answer of the market yet; in the book; in the book, as far as is known, and asked back."""
OfferState = Literal["open", "accepted", "declined", "withdrawn", "expired"]

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
    """With the player's own open listings (their leaders' maxima and the player's deposits) and open offers."""
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
    orders_made: int = 0
    offers_made: int = 0
    watches_made: int = 0
    passages_made: int = 0
    """Rows that were ever written to `history`."""
    audited: int = 0
    """Rows that were ever written to `audit`."""
    opened_at_ms: int = 0
    """When the store was first written to; 0 where that was before anybody asked."""

    @classmethod
    def opened(cls, player: str, store: StoreId, life: int, at_ms: int) -> "Account":
        """The row of a store that just begins its life."""
        used = (life - 1) * IDS_A_LIFE
        return cls(
            player,
            store,
            items_made=used,
            listings_made=used,
            deliveries_made=used,
            life=life,
            orders_made=used,
            offers_made=used,
            watches_made=used,
            opened_at_ms=at_ms,
        )


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
    ended_at_ms: int | None = None
    """When it ended, in whatever way; None while it is open, and for those that ended before this was kept."""


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


class Order(msgspec.Struct, frozen=True, gc=False):
    """A player's own commodity order, from its way to the market until nothing of it is left there.

    What it holds is in the market's store: `gold` of a buyer, `remaining` pieces of a seller, as far as is known here.
    """

    order: str
    number: int
    commodity: str
    side: OrderSide
    price: int | None
    """The limit a piece; None for one by a quote, which never rests."""
    quote: str | None
    quantity: int
    remaining: int
    gold: int
    at_ms: int
    state: OrderState = "sent"
    delivery: str | None = None
    """The delivery that its latest fills went to; it grows while nobody claims it."""


class Awaited(msgspec.Struct, frozen=True):
    """A request of the player that another store answers; its key is taken until then. Keyed by what it is about."""

    subject: str
    """The order that was placed or is cancelled."""
    key: str
    """As in `Key`, like the two that follow."""
    fingerprint: bytes
    untold: bool
    at_ms: int


class UsedQuote(msgspec.Struct, frozen=True, gc=False):
    """A quote that an order was made of; kept until it would have expired."""

    quote: str
    expires_at_ms: int


class Purchases(msgspec.Struct, frozen=True, gc=False):
    """What a player ordered of one commodity since the window of its buy limit began."""

    commodity: str
    since_ms: int
    quantity: int


class Assets(msgspec.Struct, frozen=True):
    """Gold and goods of one side of an offer, as they are given."""

    gold: int = 0
    items: tuple[Item, ...] = ()
    commodities: dict[str, int] = {}


class Wanted(msgspec.Struct, frozen=True):
    """Gold and goods of one side of an offer, as they are asked for: items by their ids alone."""

    gold: int = 0
    items: tuple[str, ...] = ()
    commodities: dict[str, int] = {}


class Offer(msgspec.Struct, frozen=True):
    """What a player offers another, in the store of who made it; `give` is in escrow here while the row is."""

    offer: str
    number: int
    to: str
    give: Assets
    want: Wanted
    made_at_ms: int
    expires_at_ms: int


class ReceivedOffer(msgspec.Struct, frozen=True):
    """The same in the store of whom it was made to. Whether it is still open, its maker's store knows."""

    offer: str
    maker: str
    give: Assets
    want: Wanted
    made_at_ms: int
    expires_at_ms: int


class Watch(msgspec.Struct, frozen=True):
    """Something a player wants to hear of: one of a saved search, a listing and a commodity."""

    watch: str
    number: int
    query: dict[str, Any] | None
    """Params of `listing.search`, without sort and paging."""
    listing: str | None
    commodity: str | None
    at_ms: int


class Cooldown(msgspec.Struct, frozen=True, gc=False):
    """An item that was bought lately: it cannot be listed before `until_ms`."""

    item: str
    until_ms: int


class Passage(msgspec.Struct, frozen=True):
    """Gold and goods that came to the store's owner or went from him, and why: one link of their history."""

    number: int
    at_ms: int
    what: str
    """The occasion: "granted", "taken", "sold", "bought", "won", "filled", "traded" and so on (`auction.history`)."""
    ref: str | None
    """The listing, order or offer."""
    other: str | None
    """The player on the other side, where this store knows."""
    gold_in: int = 0
    gold_out: int = 0
    items_in: tuple[str, ...] = ()
    items_out: tuple[str, ...] = ()
    commodities_in: dict[str, int] = {}
    commodities_out: dict[str, int] = {}


class AuditEntry(msgspec.Struct, frozen=True):
    """What somebody with a role did to this store, or a trade of great worth."""

    number: int
    at_ms: int
    who: str
    role: str
    action: str
    """The protocol's method, or "trade"."""
    ref: str | None
    worth: int
    """In gold; 0 where there is none."""
    detail: str


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

    The listing, or the offer, is locked meanwhile, in both stores. See `auction.trades`.
    """

    trade: str
    listing: str
    """What it is about: a listing or an offer; one that is about to be made has its id already."""
    side: TradeSide
    kind: TradeKind
    leg: bytes
    """What was asked of this store, see `auction.legs`."""
    vote: bytes
    """What it answered; empty where the other side needs to know no more than its YES."""
    held: int
    """Gold held here; 0 on the seller's side."""
    key: str | None
    """The caller's key, as `auction.keys` stores it; None on the seller's side, and without a key."""
    at_ms: int
    """When it was prepared: the instant of the bid."""
    items: tuple[Item, ...] = ()
    """Held here, out of the stash."""
    commodities: dict[str, int] = {}
    """The same."""


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
