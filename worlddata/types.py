"""The world's vocabulary: what a catalog consists of, as immutable typed records.

Everything else in the house reads the world through these classes; only this package knows where they come from
(readable TOML sources, or the catalog file built from them). Amounts are whole gold, 0 … ``MAX_AMOUNT``; shares are
basis points (1 bp = 1/10,000); durations are seconds.
"""

from typing import Annotated, Literal

import msgspec

MAX_AMOUNT = 2**53 - 1
"""The largest amount of gold or goods anywhere: the largest integer that every JSON client reads exactly."""

MAX_LEVEL = 100
"""Items have levels 1 … ``MAX_LEVEL``."""

MAX_STAT = 1_000_000
"""The largest value of a stat; the least is 1."""

BASIS_POINTS = 10_000
DAY_S = 86_400

Amount = Annotated[int, msgspec.Meta(ge=0, le=MAX_AMOUNT)]
BasisPoints = Annotated[int, msgspec.Meta(ge=0, le=BASIS_POINTS)]
Level = Annotated[int, msgspec.Meta(ge=1, le=MAX_LEVEL)]
Percent = Annotated[int, msgspec.Meta(ge=1, le=1_000)]
StatValue = Annotated[int, msgspec.Meta(ge=1, le=MAX_STAT)]
DurationS = Annotated[int, msgspec.Meta(ge=2, le=30 * DAY_S)]
_END = r"(?!\n)$"  # a bare `$` also matches before a last line break

WorldId = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[a-z][a-z0-9_]{0,47}" + _END,
        description="1–48 of `a-z 0-9 _`, the first a letter",
    ),
]
"""The id of anything in the world."""

DisplayName = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^\S(.{0,62}\S)?" + _END,
        description="1–64 characters on one line, with no space at either end",
    ),
]
"""What people read."""

SourcesVersion = Annotated[
    str,
    msgspec.Meta(pattern=r"^[0-9]{1,6}\.[0-9]{1,6}\.[0-9]{1,6}" + _END, description='three numbers like "1.0.0"'),
]
"""Said by the world's authors; it grows with every change of the sources that players should hear of."""


RateClass = Literal["read", "search", "trade", "order", "offer", "other"]
"""Methods that share one allowance of a player's; `auction.rates` says which belong to which."""


class BuyLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of a commodity one player may order within a window."""

    quantity: Annotated[int, msgspec.Meta(ge=1, le=MAX_AMOUNT)]
    window_s: DurationS


class Rate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often one player may call the methods of a class: `per_s` for long, `burst` at once after a rest."""

    per_s: Annotated[int, msgspec.Meta(ge=1, le=100_000)]
    burst: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The rules of the house with their defaults; `docs/protocol.md` tables them for players.

    A listing copies the rules it needs when it is created and keeps them to its end.
    """

    fee_bp: BasisPoints = 1500
    """The house's share of the price, taken from the seller at sale."""
    deposit_bp: BasisPoints = 0
    """Share of `start_bid` (or `buyout`) taken at creation; burned unless the listing sells."""
    increment_bp: BasisPoints = 500
    """Least raise over the visible price, as a share of it."""
    increment_min: Annotated[int, msgspec.Meta(ge=1, le=MAX_AMOUNT)] = 1
    """Least raise over the visible price, in gold."""
    price_min: Annotated[int, msgspec.Meta(ge=1, le=MAX_AMOUNT)] = 1
    price_max: Annotated[int, msgspec.Meta(ge=1, le=MAX_AMOUNT)] = MAX_AMOUNT
    max_bids: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 100
    """How many listings one player may lead at once."""
    max_listings: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 10
    """How many open listings one player may have."""
    stash_capacity: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 210
    """How many items a stash holds; escrowed items and waiting deliveries are not in it."""
    durations_s: Annotated[tuple[DurationS, ...], msgspec.Meta(min_length=1, max_length=32)] = (
        3_600,
        43_200,
        86_400,
        172_800,
    )
    """The durations that a seller may choose from."""
    cancel_window_s: Annotated[int, msgspec.Meta(ge=0, le=30 * DAY_S)] = 300
    """How long after its creation a listing without bids may be cancelled."""
    snipe_window_s: Annotated[int, msgspec.Meta(ge=0, le=DAY_S)] = 30
    """A bid this close to the end extends the listing (soft close); 0 turns it off."""
    snipe_extension_s: Annotated[int, msgspec.Meta(ge=0, le=DAY_S)] = 30
    """How far after such a bid the listing then ends at the earliest."""
    snipe_max_s: Annotated[int, msgspec.Meta(ge=0, le=30 * DAY_S)] = 600
    """How far all extensions together may move the first end."""
    max_orders: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 50
    """How many commodity orders of one player may rest at once, over all commodities."""
    max_offers: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 20
    """How many open offers one player may have made."""
    offers_inbox_max: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 50
    """How many open offers may have been made to one player."""
    offers_from_one_max: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 5
    """How many of these one other player may have made."""
    offer_expires_s: DurationS = DAY_S
    """How long an offer stands that does not say so itself."""
    offer_expires_max_s: DurationS = 7 * DAY_S
    max_watches: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 50
    """How many watches one player may have."""
    trade_age_s: Annotated[int, msgspec.Meta(ge=0, le=30 * DAY_S)] = 0
    """How long after the first grant a player may begin to trade; 0 at once."""
    relist_cooldown_s: Annotated[int, msgspec.Meta(ge=0, le=30 * DAY_S)] = 0
    """How long after it was bought an item cannot be listed; 0 turns it off."""
    buy_limits: dict[WorldId, BuyLimit] = {}
    """Commodity → how much of it one player may order within a window; others have no such limit."""
    audit_worth: Amount = 1_000_000
    """Trades for as much gold, or more, are kept in the audit log; 0 keeps none."""
    rates: dict[RateClass, Rate] = {}
    """Class of methods → how often one player may call them; others have no such limit."""


class Range(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An inclusive range of a stat's value."""

    min: StatValue
    max: StatValue


class Stat(msgspec.Struct, frozen=True, kw_only=True):
    """One number that an item may carry. Between level 1 and level 100 its range moves on a straight line."""

    stat: WorldId
    name: DisplayName
    unit: DisplayName
    """What the number counts, for a person: "points", "percent", "seconds"."""
    at_level_1: Range
    at_level_100: Range


class Category(msgspec.Struct, frozen=True, kw_only=True):
    """A shelf of the house: every base and every commodity stands on one."""

    category: WorldId
    name: DisplayName
    holds: Annotated[Literal["items", "commodities"], msgspec.Meta(description='"items" or "commodities"')]


class Rarity(msgspec.Struct, frozen=True, kw_only=True):
    """How rare an item is: how many of its base's stats it rolls, and how often it is rolled itself."""

    rarity: WorldId
    name: DisplayName
    order: Annotated[int, msgspec.Meta(ge=0, le=31)]
    """0 for the most common; sorts rarities."""
    stats_min: Annotated[int, msgspec.Meta(ge=0, le=64)]
    stats_max: Annotated[int, msgspec.Meta(ge=0, le=64)]
    """No base carries fewer stats than the largest ``stats_max`` of all rarities."""
    weight: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    """Relative chance of this rarity when a grant does not name one."""
    worth_factor: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    """How many times a base's ``worth`` such an item usually sells for; guidance for bots, never a rule."""


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """What an item is before its rolls: its name, shelf, levels, and the stats it may carry with their ranges."""

    base: WorldId
    name: DisplayName
    category: WorldId
    min_level: Level
    max_level: Level
    stat_percents: dict[WorldId, Percent]
    """The stats this base can carry, each with this base's share of the stat's general range, in percent."""
    stats: dict[WorldId, Range]
    """The widest range of each of these stats, over the base's levels."""
    worth: Annotated[int, msgspec.Meta(ge=1, le=MAX_AMOUNT)]
    """What one of the most common rarity usually sells for, in gold; guidance for bots, never a rule."""


class Commodity(msgspec.Struct, frozen=True, kw_only=True):
    """Goods of which one piece is like another; prices are multiples of `tick`."""

    commodity: WorldId
    name: DisplayName
    category: WorldId
    tick: Annotated[int, msgspec.Meta(ge=1, le=MAX_AMOUNT)]
    worth: Annotated[int, msgspec.Meta(ge=1, le=MAX_AMOUNT)]
    """What one piece usually sells for, in gold, a multiple of ``tick``; guidance for bots, never a rule."""


class Catalog(msgspec.Struct, frozen=True, kw_only=True):
    """The whole world, read-only. `hash` is its content hash, and with it its identity."""

    version: str
    """The sources' own version, plus "+rules.<8 hex digits>" when house rules overlay them."""
    hash: str
    """32 hex digits; `worlddata.identity` says how they are computed."""
    rules: Rules
    categories: dict[WorldId, Category]
    rarities: dict[WorldId, Rarity]
    stats: dict[WorldId, Stat]
    bases: dict[WorldId, Base]
    commodities: dict[WorldId, Commodity]


def stat_range(base: Base, stat: Stat, level: int) -> Range:
    """Return what ``stat`` may be on an item of ``base`` at an item level of 1 … ``MAX_LEVEL``.

    Both ends of the range lie on the straight line from ``at_level_1`` to ``at_level_100``, are scaled by the base's
    percentage, and are rounded once, to the nearest integer, a half upwards, but never below 1. Raises ``KeyError``
    when the base does not carry the stat.
    """
    assert 1 <= level <= MAX_LEVEL, level
    percent = base.stat_percents[stat.stat]
    low = _on_the_line(stat.at_level_1.min, stat.at_level_100.min, level, percent)
    high = _on_the_line(stat.at_level_1.max, stat.at_level_100.max, level, percent)
    return Range(min=low, max=high)


def _on_the_line(at_level_1: int, at_level_100: int, level: int, percent: int) -> int:
    steps = MAX_LEVEL - 1
    scaled = percent * (at_level_1 * (MAX_LEVEL - level) + at_level_100 * (level - 1))
    return max(1, (2 * scaled + 100 * steps) // (2 * 100 * steps))
