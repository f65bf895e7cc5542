"""What a worker does with a request: one statement, which is one transaction and one round trip, and its answer.

A worker holds no state: whatever it needs is in the request, in the catalog, or in the database. What the catalog alone
decides (params, prices, durations, deposits, the rolls of granted items) is decided by the functions of `auction`; what
needs the rows under lock is decided where they are (`trades.sql`, `holdings.sql`), or, bids and buyouts alone, by a
worker that locks them (`trading`).
"""

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import msgspec

from auction import commands as ask
from auction import world
from auction.amounts import MAX_AMOUNT
from auction.context import Answer, Context, Request
from auction.cursors import cursor, number_after
from auction.grants import grant
from auction.keys import use_of
from auction.player_state import PlayerState
from auction.pricing import deposit
from auction.refusals import Refusal
from auction.results import (
    AdminPlayerResult,
    BidResult,
    BuyoutResult,
    DeliveriesResult,
    DeliveryResult,
    Gold,
    GrantResult,
    InventoryResult,
    ListingResult,
    PlayerResult,
    Result,
    Stash,
)
from auction.state import KEYS_KEPT_S, Item, LedgerEntry
from load_tests.standard import news
from load_tests.standard.database import LOST, ROLLED_BACK, Database
from load_tests.standard.rows import (
    COLUMNS,
    Command,
    ListingRow,
    Trade,
    delivery_view,
    item_of,
    name,
    number_of,
    trade_of,
)
from load_tests.standard.searches import Searches
from load_tests.standard.shared import Shared
from load_tests.standard.trading import Trading
from shardnode.search.query import folded
from shardnode.wire.errors import InDoubt, Unavailable, UnknownMethod
from worlddata.types import Catalog, Rules

LEDGER_SHOWN = 256
LEDGER_SHOWN_S = 3_600
"""How far back an operator sees the entries of a player."""
RETRY_AFTER_MS = 250
KEYS_RACED_MAX = 2
"""How often a request is tried whose key somebody else uses at the same moment."""

CREATE = "SELECT * FROM create_listing($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
CLAIM = "SELECT reason, (d).* FROM claim($1, $2, $3, $4, $5, $6)"
GRANT = "SELECT reason, answer FROM grant_goods($1, $2, $3, $4, $5, $6, $7, $8)"
ITEM_NUMBERS = "SELECT array_agg(nextval('item_numbers')) AS numbers FROM generate_series(1, $1)"
FORGET_KEYS = "DELETE FROM keys WHERE at_ms < $1"
LISTING = f"SELECT {COLUMNS} FROM listings WHERE listing = $1"  # noqa: S608 - our own columns
PLAYER = "SELECT * FROM players WHERE player = $1"
SEQ = "SELECT seq FROM players WHERE player = $1"
LEDGER = """SELECT coalesce(json_agg(json_build_object(
        'number', entry, 'at_ms', at_ms, 'debit', debit, 'credit', credit, 'amount', amount, 'reason', reason,
        'ref', 'l' || ref) ORDER BY entry), '[]') AS entries
    FROM (SELECT * FROM ledger WHERE player = $1 AND at_ms > $2 ORDER BY entry DESC LIMIT $3) AS latest"""
INVENTORY = "SELECT item, document FROM items WHERE owner = $1 AND item > $2 ORDER BY item LIMIT $3"
DELIVERIES = "SELECT * FROM deliveries WHERE player = $1 AND NOT claimed AND delivery > $2 ORDER BY delivery LIMIT $3"

FIGURES = {
    "bid_too_low": "min_bid",
    "price_out_of_range": "max",
    "price_changed": "price",
    "insufficient_gold": "available",
}
"""Reason of a refusal → what its figure is called."""

_encode = msgspec.msgpack.Encoder().encode
_ledger = msgspec.json.Decoder(list[LedgerEntry]).decode
Asked = Callable[[Any, Request], Awaitable[Result | Refusal | Answer]]


class House:
    """Answers requests of a worker, by statements on `database`. Instants come from `now_ms`."""

    def __init__(
        self,
        *,
        worker: str,
        catalog: Catalog,
        database: Database,
        trading: Trading,
        shared: Shared,
        now_ms: Callable[[], int],
        random_int: Callable[[int, int], int],
    ) -> None:
        self._worker = worker
        self._rules: Rules = catalog.rules
        self._catalog = catalog
        self._database = database
        self._trading = trading
        self._shared = shared
        self._now_ms = now_ms
        self._random_int = random_int
        self._searches = Searches(database, shared, now_ms)
        self._answers: dict[type[Any], Asked] = {
            ask.DescribeWorld: self._describe,
            ask.ListBases: self._describe,
            ask.GetPlayer: self._get_player,
            ask.InspectPlayer: self._inspect_player,
            ask.GetListing: self._get_listing,
            ask.SearchListings: self._search,
            ask.CreateListing: self._create,
            ask.PlaceBid: self._bid,
            ask.BuyOut: self._buy_out,
            ask.ListInventory: self._list_inventory,
            ask.ListDeliveries: self._list_deliveries,
            ask.ClaimDelivery: self._claim,
            ask.Grant: self._grant,
        }

    async def answer(self, request: Request) -> Answer:
        """Answer one request. Raises a ClientFault where it is not served here, or cannot be now."""
        asked = self._answers.get(type(request.ask))
        if asked is None:
            raise UnknownMethod("the standard architecture serves a part of the protocol; this is not in it")
        for _ in range(KEYS_RACED_MAX):
            try:
                body = await asked(request.ask, request)
            except asyncpg.UniqueViolationError:
                continue  # the same request, sent twice at once: the other is committed, its answer is stored
            except ROLLED_BACK as error:
                raise Unavailable("the database is behind; try again", RETRY_AFTER_MS) from error
            except LOST as error:
                if isinstance(request.ask, ask.Mutation | ask.AdminMutation):
                    raise InDoubt(request.ask.key or request.own_key, None) from error
                raise Unavailable("the database is away; try again", RETRY_AFTER_MS) from error
            return body if isinstance(body, Answer) else Answer(body, isinstance(body, Refusal))
        raise Unavailable("the key is in use; try again", RETRY_AFTER_MS)

    async def latest_seq(self, player: str) -> int:
        """The number of a player's latest event; 0 where it cannot be learnt now."""
        try:
            row = await self._database.row(SEQ, player)
        except (*ROLLED_BACK, *LOST):
            return 0
        return 0 if row is None else int(row[0])

    async def _describe(self, asked: ask.WorldQuery, _request: Request) -> Result | Refusal:
        return world.answer(asked, self._catalog)

    async def _get_player(self, _asked: ask.GetPlayer, request: Request) -> PlayerResult:
        return _player(request.caller.player, await self._database.row(PLAYER, request.caller.player), self._rules)

    async def _inspect_player(self, asked: ask.InspectPlayer, request: Request) -> AdminPlayerResult | Refusal:
        row = await self._database.row(PLAYER, asked.player)
        if row is None and asked.player != request.caller.player:
            return Refusal("no_such_player")
        entries = await self._database.row(LEDGER, asked.player, self._now_ms() - LEDGER_SHOWN_S * 1000, LEDGER_SHOWN)
        seen = msgspec.structs.asdict(_player(asked.player, row, self._rules))
        return AdminPlayerResult(**seen, store="postgresql", node=self._worker, ledger=_ledger(entries["entries"]))

    async def _get_listing(self, asked: ask.GetListing, request: Request) -> ListingResult | Refusal:
        number = number_of(asked.listing, "l")
        row = await self._shared.listing(number) if number else None
        if row is None:
            record = await self._database.row(LISTING, number)
            if record is None:
                return Refusal("no_such_listing")
            row = ListingRow(*record)
            self._shared.keep(row)
        return ListingResult(row.view(request.caller.player))

    async def _search(self, asked: ask.SearchListings, request: Request) -> Result | Refusal:
        return await self._searches.page(asked, request.caller.player)

    async def _create(self, asked: ask.CreateListing, request: Request) -> ListingResult | Refusal:
        rules, now_ms = self._rules, self._now_ms()
        refused = _bad_terms(asked, rules)
        copied = (rules.fee_bp, rules.increment_bp, rules.increment_min, rules.price_max)
        snipe = (rules.snipe_window_s, rules.snipe_extension_s, rules.snipe_max_s)
        most = rules.price_max if asked.buyout is None else min(asked.buyout - 1, rules.price_max)
        min_bid = asked.start_bid if asked.start_bid is not None and asked.start_bid <= most else None
        seller = request.caller.player
        record = await self._database.row(
            CREATE,
            *(seller, number_of(asked.item, "i"), asked.start_bid, asked.buyout, now_ms + asked.duration_s * 1000),
            *(deposit(asked.start_bid, asked.buyout, rules), min_bid, refused.reason if refused else None),
            *(rules.max_listings, [*copied, *snipe], now_ms, *_key(request)),
        )
        trade = trade_of(record)
        if refused is not None and trade.reason == refused.reason:
            return refused
        return _refusal(trade) or ListingResult(self._changed(trade, []).view(seller))

    async def _bid(self, asked: ask.PlaceBid, request: Request) -> BidResult | Refusal:
        command = self._command(asked.listing, request)
        trade = await self._trading.bid(command, asked.amount)
        if trade.row is None:
            return _refused(trade)
        row = self._changed(trade, news.of_bid(trade, command.now_ms))
        if trade.reason is not None:
            return Refusal(trade.reason, {"price": row.price, "min_bid": row.min_bid})
        return BidResult(row.view(command.player), winning=True)

    async def _buy_out(self, asked: ask.BuyOut, request: Request) -> BuyoutResult | Refusal:
        command = self._command(asked.listing, request)
        trade = await self._trading.buy_out(command, asked.price)
        if trade.row is None:
            return _refused(trade)
        view = self._changed(trade, news.of_end(trade, command.now_ms)).view(command.player)
        return BuyoutResult(view, view.item, asked.price)

    async def end_next(self) -> bool:
        """Settle a listing that is due; False where there is none."""
        now_ms = self._now_ms()
        trade = trade_of(await self._database.row("SELECT * FROM end_next($1)", now_ms))
        if trade.row is None:
            return False
        self._changed(trade, news.of_end(trade, now_ms))
        return True

    async def forget_keys(self) -> None:
        """Forget the keys that the protocol no longer asks to be remembered."""
        await self._database.row(FORGET_KEYS, self._now_ms() - KEYS_KEPT_S * 1000)

    async def _list_inventory(self, asked: ask.ListInventory, request: Request) -> InventoryResult | Refusal:
        after = number_after(asked)
        if isinstance(after, Refusal):
            return after
        found = await self._database.rows(INVENTORY, (request.caller.player, after or 0, asked.limit + 1))
        page = found[: asked.limit]
        more = cursor(asked, page[-1]["item"]) if len(found) > asked.limit else None
        return InventoryResult([item_of(row["document"]) for row in page], {}, more)

    async def _list_deliveries(self, asked: ask.ListDeliveries, request: Request) -> DeliveriesResult | Refusal:
        after = number_after(asked)
        if isinstance(after, Refusal):
            return after
        found = await self._database.rows(DELIVERIES, (request.caller.player, after or 0, asked.limit + 1))
        page = found[: asked.limit]
        more = cursor(asked, page[-1]["delivery"]) if len(found) > asked.limit else None
        return DeliveriesResult([delivery_view(row) for row in page], more)

    async def _claim(self, asked: ask.ClaimDelivery, request: Request) -> DeliveryResult | Refusal:
        number = number_of(asked.delivery, "d")
        capacity, now_ms = self._rules.stash_capacity, self._now_ms()
        row = await self._database.row(CLAIM, request.caller.player, number, capacity, now_ms, *_key(request))
        return Refusal(row["reason"]) if row["reason"] is not None else DeliveryResult(delivery_view(row))

    async def _grant(self, asked: ask.Grant, request: Request) -> Answer:
        """The items are rolled, and given their numbers, before the database decides whether there is room."""
        if asked.commodities:
            raise UnknownMethod("the standard architecture has no commodities; grant gold and items")
        rolled = grant(PlayerState(), request.caller.player, asked, self._context())
        if isinstance(rolled, Refusal):
            return Answer(rolled, refused=True)
        _, result = rolled
        numbers = (await self._database.row(ITEM_NUMBERS, len(result.items)))["numbers"] or []
        items = [
            msgspec.structs.replace(item, item=name("i", number))
            for item, number in zip(result.items, numbers, strict=True)
        ]
        encoded = _encode(GrantResult(asked.player, asked.gold, items))
        described = msgspec.json.encode([_described(item, number) for item, number in zip(items, numbers, strict=True)])
        used = use_of(request)
        assert used is not None, request
        row = await self._database.row(
            *(GRANT, asked.player, asked.gold, described.decode(), self._rules.stash_capacity, self._now_ms()),
            *(used.key, used.fingerprint, encoded),
        )
        if row["reason"] is not None:
            return Answer(Refusal(row["reason"]), refused=True)
        return Answer(None, refused=False, encoded=row["answer"])

    def _command(self, listing: str, request: Request) -> Command:
        return Command(request.caller.player, number_of(listing, "l"), self._now_ms(), *_key(request))

    def _changed(self, trade: Trade, told: news.News) -> ListingRow:
        assert trade.row is not None, trade
        self._shared.changed(trade.row, told)
        return trade.row

    def _context(self) -> Context:
        """What the rules ask for to roll items; stores are no concern of theirs here."""
        return Context(
            catalog=self._catalog,
            now_ms=self._now_ms(),
            store_of=str,
            market_of=str,
            house="",
            seal=bytes,
            random_int=self._random_int,
            node=self._worker,
        )


def _bad_terms(asked: ask.CreateListing, rules: Rules) -> Refusal | None:
    """What the rules have against a listing's terms, as `auction.listings.create` says it."""
    if asked.duration_s not in rules.durations_s:
        return Refusal("duration_not_offered", {"durations_s": list(rules.durations_s)})
    if all(
        rules.price_min <= price <= rules.price_max for price in (asked.start_bid, asked.buyout) if price is not None
    ):
        return None
    return Refusal("price_out_of_range", {"min": rules.price_min, "max": rules.price_max})


def _described(item: Item, number: int) -> dict[str, Any]:
    """A row of `items`."""
    return {
        "item": number,
        "document": msgspec.json.encode(item).decode(),
        "words": f" {folded(item.name)}",
        **{column: getattr(item, column) for column in ("base", "category", "rarity", "level", "stats", "bound")},
    }


def _player(player: str, row: Any, rules: Rules) -> PlayerResult:
    if row is None:
        return PlayerResult(player, Gold(0, 0), 0, 0, Stash(0, rules.stash_capacity), 0)
    gold = Gold(row["gold"], min(row["escrowed"], MAX_AMOUNT))
    stash = Stash(row["stash"], rules.stash_capacity)
    return PlayerResult(player, gold, row["open_listings"], row["deliveries"], stash, row["seq"])


def _key(request: Request) -> tuple[str, bytes] | tuple[None, None]:
    """The client's key as it is stored, with the request's fingerprint.

    A key that the worker made up is not stored: whoever is told it (`in_doubt`) and repeats a trade under it is
    refused, since none of these can be done twice.
    """
    asked = request.ask
    assert isinstance(asked, ask.Mutation), asked
    if asked.key is None:
        return None, None
    used = use_of(request)
    assert used is not None, request
    return used.key, used.fingerprint


def _refusal(trade: Trade) -> Refusal | None:
    return None if trade.reason is None else _refused(trade)


def _refused(trade: Trade) -> Refusal:
    assert trade.reason is not None, trade
    figure = FIGURES.get(trade.reason)
    return Refusal(trade.reason) if figure is None else Refusal(trade.reason, {figure: trade.figure})
