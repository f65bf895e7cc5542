"""What a person sees: results of the house as rich's tables and panels. Nothing here asks the house or a clock."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from auction.results import (
    BidView,
    BookResult,
    CommodityView,
    DeliveryView,
    ListingView,
    Market,
    OfferView,
    OrderView,
    PlayerResult,
    WatchView,
    WorldResult,
)
from auction.state import Assets, Item, Notice, Wanted
from clients.terminal.references import SHOWN_MIN, shortened
from clients.watched import Match
from shardnode.wire.events import PriceMatched

RARITY_STYLES = ("white", "green", "bright_blue", "magenta", "yellow", "bold red")
"""From the most common rarity to the rarest."""
STATS_SHOWN = 3
"""How many of an item's stats a table row shows."""
MATCHES_NAMED = 3
"""How many of the listings that a watch tells of are named."""
WIDE = 120
"""Columns of a terminal from which on rows show stats."""

EVENT_TEXTS = {
    "listing.outbid": "You were outbid; the price is {price} now, bid {min_bid} or more.",
    "listing.sold": "Sold for {price}; {proceeds} wait for you.",
    "listing.won": "Won for {price}; the item waits for you.",
    "listing.expired": "Ended unsold; the item waits for you.",
    "delivery.arrived": "A delivery arrived ({kind}); `claim` it.",
    "commodity.filled": "{quantity} {commodity} went at {price} each; {remaining} are left in the book.",
    "offer.received": "You were made an offer; see `offers`.",
    "offer.closed": "An offer is closed: {state}.",
}


class Display:
    """How this house's things are shown: rarities by colour, stats by name where `width` has room for them, instants
    relative to `now_ms`.
    """

    def __init__(self, world: WorldResult, now_ms: int, *, width: int, whole_ids: bool = False) -> None:
        ordered = sorted(world.rarities, key=lambda rarity: rarity.order)
        self._styles = {
            rarity.rarity: RARITY_STYLES[min(place, len(RARITY_STYLES) - 1)] for place, rarity in enumerate(ordered)
        }
        self._rarity_names = {rarity.rarity: rarity.name for rarity in world.rarities}
        self._stat_names = {stat.stat: stat.name for stat in world.stats}
        self._category_names = {category.category: category.name for category in world.categories}
        self.now_ms = now_ms
        self._stats_shown = STATS_SHOWN if width >= WIDE else 0
        self._whole_ids = whole_ids

    def listings(
        self, listings: Sequence[ListingView], title: str, score: dict[str, int] | None = None
    ) -> RenderableType:
        """Open listings of the market, or our own; with a score's weights, what each comes to."""
        scored = ["score>"] if score else []
        prices = ("price>", "next bid>", "buyout>", "ends in>")
        table = _table(title, "id", *scored, "item", "lvl>", *self._stats_column(), *prices)
        names = self._names(listing.listing for listing in listings)
        for each in listings:
            sums = [gold(sum(weight * each.item.stats.get(stat, 0) for stat, weight in (score or {}).items()))]
            table.add_row(
                names[each.listing],
                *(sums if score else []),
                self._item_name(each.item).append(f" {standing(each)}" if standing(each) else "", "italic"),
                str(each.item.level),
                *self._stats_cell(each.item),
                gold(each.price),
                gold(each.min_bid),
                gold(each.buyout),
                self.ends_in(each),
            )
        return _or_none(table)

    def listing(self, listing: ListingView) -> RenderableType:
        """Everything about one listing."""
        item = listing.item
        facts = _facts()
        facts.add_row("id", listing.listing)
        facts.add_row("state", listing.state)
        for name, amount in (("price", listing.price), ("next bid", listing.min_bid), ("buyout", listing.buyout)):
            if amount is not None:
                facts.add_row(name, gold(amount))
        facts.add_row("bids", str(listing.bids))
        facts.add_row("ends in", self.ends_in(listing))
        facts.add_row("you", standing(listing) or "neither sell nor lead it")
        return Group(self._item_title(item), self._stats(item, len(item.stats), apart="\n"), facts)

    def bids(self, bids: Sequence[BidView]) -> RenderableType:
        """Our bids."""
        table = _table("Your bids", "id", "item", "your maximum>", "price>", "next bid>", "ends in>", "")
        names = self._names(bid.listing.listing for bid in bids)
        for bid in bids:
            table.add_row(
                names[bid.listing.listing],
                self._item_name(bid.listing.item),
                gold(bid.amount),
                gold(bid.listing.price),
                gold(bid.listing.min_bid),
                self.ends_in(bid.listing),
                "leading" if bid.winning else "outbid",
            )
        return _or_none(table)

    def stash(self, items: Sequence[Item], commodities: dict[str, int]) -> RenderableType:
        """What we can dispose of."""
        table = _table("Your stash", "id", "item", "shelf", "lvl>", *self._stats_column(), "")
        names = self._names(item.item for item in items)
        for item in items:
            shelf = self._category_names.get(item.category, item.category)
            table.add_row(
                names[item.item],
                self._item_name(item),
                shelf,
                str(item.level),
                *self._stats_cell(item),
                "bound" if item.bound else "",
            )
        if not commodities:
            return _or_none(table)
        goods = _table("Commodities", "commodity", "pieces>")
        for commodity, quantity in sorted(commodities.items()):
            goods.add_row(commodity, gold(quantity))
        return Group(_or_none(table), goods)

    def orders(self, orders: Sequence[OrderView]) -> RenderableType:
        """Our commodity orders that rest."""
        table = _table("Your orders", "id", "side", "commodity", "price>", "left>", "of>", "since>")
        names = self._names(each.order for each in orders)
        for each in orders:
            since = lasting(max(0, self.now_ms - each.at_ms))
            left, whole = gold(each.remaining), gold(each.quantity)
            table.add_row(names[each.order], each.side, each.commodity, gold(each.price), left, whole, since)
        return _or_none(table)

    def offers(self, offers: Sequence[OfferView], player: str) -> RenderableType:
        """Open offers, as `player` sees them."""
        table = _table("Open offers", "id", "with", "you give", "you get", "ends in>", "")
        names = self._names(each.offer for each in offers)
        for each in offers:
            mine = each.maker == player
            given, wanted = self.goods(each.give), self.goods(each.want)
            table.add_row(
                names[each.offer],
                each.to if mine else each.maker,
                *((given, wanted) if mine else (wanted, given)),
                lasting(max(0, each.expires_at_ms - self.now_ms)),
                "`withdraw`?" if mine else "`accept`, `decline`?",
            )
        return _or_none(table)

    def watches(self, watches: Sequence[WatchView]) -> RenderableType:
        """What we want to hear of."""
        table = _table("Your watches", "id", "of", "since>")
        names = self._names(each.watch for each in watches)
        for each in watches:
            filters = ", ".join(f"{name} {value}" for name, value in (each.query or {}).items() if value)
            of = each.listing or each.commodity or f"listings: {filters or 'all'}"
            table.add_row(names[each.watch], of, lasting(max(0, self.now_ms - each.at_ms)))
        return _or_none(table)

    def deliveries(self, deliveries: Sequence[DeliveryView], title: str) -> RenderableType:
        """What waits for us, or what we claimed."""
        table = _table(title, "id", "kind", "gold>", "goods", "waiting for>")
        names = self._names(each.delivery for each in deliveries)
        for each in deliveries:
            goods = Text(", ").join(self._item_name(item) for item in each.items)
            for commodity, quantity in sorted(each.commodities.items()):
                goods.append(f" {gold(quantity)} {commodity}")
            since = lasting(max(0, self.now_ms - each.at_ms))
            table.add_row(names[each.delivery], each.kind, gold(each.gold), goods, since)
        return _or_none(table)

    def events(self, events: Iterable[Notice]) -> RenderableType:
        """What we were told."""
        table = _table("Your events", "seq>", "ago>", "about", "what happened")
        events = list(events)
        names = self._names(_about(event) for event in events)
        for event in events:
            table.add_row(str(event.seq), lasting(max(0, self.now_ms - event.at_ms)), names[_about(event)], told(event))
        return _or_none(table)

    def goods(self, side: Assets | Wanted) -> Text:
        """One side of an offer; an item that is only wanted is known by its id."""
        things = [Text(f"{gold(side.gold)} gold")] if side.gold else []
        things += [self._item_name(item) if isinstance(item, Item) else Text(f"item {item}") for item in side.items]
        things += [Text(f"{gold(quantity)} {commodity}") for commodity, quantity in sorted(side.commodities.items())]
        return Text(", ").join(things) if things else Text("nothing")

    def ends_in(self, listing: ListingView) -> str:
        """How long an open listing has to go; the state of another."""
        if listing.state != "open":
            return listing.state
        left_ms = listing.ends_at_ms - self.now_ms
        return lasting(left_ms) if left_ms > 0 else "ending"

    def _item_name(self, item: Item) -> Text:
        return Text(item.name, self._styles.get(item.rarity, ""))

    def _item_title(self, item: Item) -> Text:
        rarity = self._rarity_names.get(item.rarity, item.rarity)
        shelf = self._category_names.get(item.category, item.category)
        bound = ", bound" if item.bound else ""
        return Text.assemble(self._item_name(item), f"  {rarity}, level {item.level}, {shelf}{bound}")

    def _stats(self, item: Item, shown: int, apart: str = ", ") -> str:
        strongest = sorted(item.stats.items(), key=lambda stat: -stat[1])[:shown]
        more = " …" if len(item.stats) > shown else ""
        return apart.join(f"{self._stat_names.get(stat, stat)} {value}" for stat, value in strongest) + more

    def _stats_column(self) -> list[str]:
        return ["stats"] if self._stats_shown else []

    def _stats_cell(self, item: Item) -> list[str]:
        return [self._stats(item, self._stats_shown)] if self._stats_shown else []

    def _names(self, ids: Iterable[str]) -> dict[str, str]:
        ids = list(ids)
        return {each: each for each in ids} if self._whole_ids else shortened(ids)


def wallet(player: PlayerResult) -> Table:
    """Our gold and counts."""
    table = _facts()
    table.add_row("player", player.player)
    table.add_row("gold", gold(player.gold.available))
    table.add_row("in escrow", gold(player.gold.escrowed))
    table.add_row("open listings", str(player.listings))
    table.add_row("deliveries", f"{player.deliveries}{'  (`claim --all`)' if player.deliveries else ''}")
    table.add_row("stash", f"{player.stash.used} of {player.stash.capacity}")
    return table


class Quotation(NamedTuple):
    """A commodity, and its book's first level of each side."""

    commodity: CommodityView
    book: BookResult


def board(quotations: Sequence[Quotation]) -> RenderableType:
    """All commodities with their prices."""
    table = _table("Commodities", "commodity", "name", "shelf", "tick>", "bid>", "asked>", "last>")
    for commodity, book in quotations:
        best = [gold(side[0].price if side else None) for side in (book.bids, book.asks)]
        last = gold(book.last.price if book.last else None)
        table.add_row(commodity.commodity, commodity.name, commodity.category, gold(commodity.tick), *best, last)
    return _or_none(table)


def going_rate(market: Market) -> str:
    """What sold of a base within a day."""
    if market.median_price is None:
        return "None of these was sold within 24 hours."
    return f"Sold within 24 hours: {gold(market.sold_24h)}, half of them for {gold(market.median_price)} or less."


def _about(event: Notice) -> str:
    return str(next((event.data[name] for name in ("listing", "order", "offer", "delivery") if name in event.data), ""))


def told(event: Notice) -> str:
    """An event as a sentence."""
    text = EVENT_TEXTS.get(event.type)
    if text is None:
        return f"{event.type} {event.data}"
    return text.format_map(
        {name: gold(value) if isinstance(value, int) else value for name, value in event.data.items()}
    )


def matched(match: Match) -> str:
    """What a watch tells, as a sentence."""
    if isinstance(match, PriceMatched):
        price = match.data
        return f"{price.commodity} went for {gold(price.price)}; {gold(price.volume)} pieces were ever traded."
    shown = [f"{each.item.name} ({_asked(each)})" for each in match.data.listings[:MATCHES_NAMED]]
    more = len(match.data.listings) - len(shown) + match.data.missed
    return f"Watch {match.watch[-SHOWN_MIN:]}: {', '.join(shown)}{f' and {more} more' if more else ''}."


def _asked(listing: ListingView) -> str:
    """What a listing can be had for now."""
    if listing.state != "open":
        return listing.state
    least = listing.min_bid if listing.min_bid is not None else listing.buyout
    return f"open from {gold(least)}"


def standing(listing: ListingView) -> str:
    """What the viewer is to a listing."""
    return "yours" if listing.mine else "leading" if listing.winning else ""


def gold(amount: int | None) -> str:
    """An amount, or a dash for none."""
    return "–" if amount is None else f"{amount:,}"


def lasting(duration_ms: int) -> str:
    """A duration in its two largest units."""
    seconds = duration_ms // 1000
    for unit_s, unit, part_s, part in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "m"), (60, "m", 1, "s")):
        if seconds >= unit_s:
            return f"{seconds // unit_s}{unit} {seconds % unit_s // part_s:02}{part}"
    return f"{seconds}s"


def _table(title: str, *columns: str) -> Table:
    """A column whose name ends in > holds numbers."""
    table = Table(
        title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False
    )
    for column in columns:
        number = column.endswith(">")
        table.add_column(column.rstrip(">"), justify="right" if number else "left", no_wrap=number or column == "id")
    return table


def _or_none(table: Table) -> RenderableType:
    return table if table.row_count else Text(f"{table.title}: nothing")


def _facts() -> Table:
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim")
    facts.add_column()
    return facts
