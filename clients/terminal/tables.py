"""What a person sees: results of the house as rich's tables and panels. Nothing here asks the house or a clock."""

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from auction.results import BidView, DeliveryView, ListingView, PlayerResult, WorldResult
from auction.state import Item, Notice
from clients.terminal.references import shortened

RARITY_STYLES = ("white", "green", "bright_blue", "magenta", "yellow", "bold red")
"""From the most common rarity to the rarest."""
STATS_SHOWN = 3
"""How many of an item's stats a table row shows."""
WIDE = 120
"""Columns of a terminal from which on rows show stats."""

EVENT_TEXTS = {
    "listing.outbid": "You were outbid; the price is {price} now, bid {min_bid} or more.",
    "listing.sold": "Sold for {price}; {proceeds} wait for you.",
    "listing.won": "Won for {price}; the item waits for you.",
    "listing.expired": "Ended unsold; the item waits for you.",
    "delivery.arrived": "A delivery arrived ({kind}); `claim` it.",
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

    def listings(self, listings: Sequence[ListingView], title: str) -> RenderableType:
        """Open listings of the market, or our own."""
        table = _table(title, "id", "item", "lvl>", *self._stats_column(), "price>", "next bid>", "buyout>", "ends in>")
        names = self._names(listing.listing for listing in listings)
        for each in listings:
            table.add_row(
                names[each.listing],
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
    table.add_row("in bids", gold(player.gold.escrowed))
    table.add_row("open listings", str(player.listings))
    table.add_row("deliveries", f"{player.deliveries}{'  (`claim --all`)' if player.deliveries else ''}")
    table.add_row("stash", f"{player.stash.used} of {player.stash.capacity}")
    return table


def _about(event: Notice) -> str:
    return str(event.data.get("listing") or event.data.get("delivery") or "")


def told(event: Notice) -> str:
    """An event as a sentence."""
    text = EVENT_TEXTS.get(event.type)
    if text is None:
        return f"{event.type} {event.data}"
    return text.format_map(
        {name: gold(value) if isinstance(value, int) else value for name, value in event.data.items()}
    )


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
