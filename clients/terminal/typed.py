"""How a person types amounts, durations, orders, filters, weights and goods, and what the protocol has for them."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click
import msgspec

from auction.commands import Sort
from clients.calls import Bounds, Goods, StatBounds

LISTED_DEFAULT = 20

F = TypeVar("F", bound=Callable[..., Any])

amount = click.IntRange(0, 2**53 - 1)
pieces = click.IntRange(1, 2**53 - 1)
limit_option = click.option(
    "--limit", type=click.IntRange(1, 100), default=LISTED_DEFAULT, show_default=True, help="How many at most."
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


def seconds(_context: click.Context, _option: click.Parameter, typed: str | None) -> int | None:
    """30s, 10m, 12h or 2d as seconds."""
    if typed is None:
        return None
    match = re.fullmatch(r"([1-9][0-9]{0,7})([smhd]?)", typed)
    if match is None:
        raise click.BadParameter(f"'{typed}' is no duration; write 30s, 10m, 12h or 2d")
    return int(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}[match[2]]


def sorting(_context: click.Context, _option: click.Parameter, typed: str | None) -> str | None:
    """An order that the protocol knows."""
    try:
        return msgspec.convert(typed, Sort | None)
    except msgspec.ValidationError as error:
        raise click.BadParameter(
            f"'{typed}' is no order; write price, buyout, ends_at, created_at, level, score, or a stat like stat:damage"
        ) from error


def stat_bounds(_context: click.Context, _option: click.Parameter, typed: tuple[str, ...]) -> list[StatBounds]:
    """STAT=N or STAT=N..M as the protocol's bounds of stats."""
    bounds = []
    for text in typed:
        match = re.fullmatch(r"(?P<stat>[a-z][a-z0-9_]*)=(?P<min>-?[0-9]{1,9})?(?:\.\.(?P<max>-?[0-9]{1,9})?)?", text)
        if match is None or (match["min"] is None and match["max"] is None):
            raise click.BadParameter(f"'{text}' is no bound of a stat; write damage=30, damage=30..50 or damage=..50")
        bound: StatBounds = {"stat": match["stat"]}
        if match["min"] is not None:
            bound["min"] = int(match["min"])
        if match["max"] is not None:
            bound["max"] = int(match["max"])
        bounds.append(bound)
    return bounds


def weights(_context: click.Context, _option: click.Parameter, typed: tuple[str, ...]) -> dict[str, int]:
    """STAT=WEIGHT as the protocol's score."""
    score = {}
    for text in typed:
        match = re.fullmatch(r"([a-z][a-z0-9_]*)=(-?[0-9]{1,9})", text)
        if match is None:
            raise click.BadParameter(f"'{text}' is no weight of a stat; write damage=3")
        score[match[1]] = int(match[2])
    return score


def goods(_context: click.Context, _option: click.Parameter, typed: tuple[str, ...]) -> Goods:
    """500 is gold, iron=20 are pieces of a commodity, anything else names an item."""
    chosen: Goods = {}
    items: list[str] = []
    commodities: dict[str, int] = {}
    for text in typed:
        if re.fullmatch(r"[0-9]{1,16}", text):
            chosen["gold"] = chosen.get("gold", 0) + int(text)
        elif match := re.fullmatch(r"([a-z][a-z0-9_]*)=([1-9][0-9]{0,15})", text):
            commodities[match[1]] = commodities.get(match[1], 0) + int(match[2])
        elif "=" in text:
            raise click.BadParameter(f"'{text}' is no goods; write 500 for gold, iron=20 for pieces, or an item's id")
        else:
            items.append(text)
    if items:
        chosen["items"] = items
    if commodities:
        chosen["commodities"] = commodities
    return chosen


def filters(command: F) -> F:
    """Give a command the filters of a search."""
    for option in reversed(
        (
            click.argument("text", required=False),
            click.option("--category", help="A shelf, such as swords."),
            click.option("--base", help="One item base."),
            click.option("--rarity", multiple=True, help="A rarity; may be given several times."),
            click.option("--level-min", type=int, help="Least level."),
            click.option("--level-max", type=int, help="Largest level."),
            click.option("--price-min", type=amount, help="Least price a buyer would pay now."),
            click.option("--price-max", type=amount, help="Largest price a buyer would pay now."),
            click.option(
                "--stat", multiple=True, callback=stat_bounds, help="damage=30, damage=30..50; several times."
            ),
            click.option("--buyout-only", is_flag=True, help="Only what can be bought at once."),
        )
    ):
        command = option(command)
    return command


def ordering(command: F) -> F:
    """Give a command the order of a search, and how much of it is wanted."""
    for option in reversed(
        (
            click.option(
                "--sort",
                callback=sorting,
                help="price, buyout, ends_at (if left out), created_at, level, score, or a stat like stat:damage.",
            ),
            click.option("--desc", is_flag=True, help="Largest first."),
            click.option(
                "--score", multiple=True, callback=weights, help="damage=3; several times: the best sums come first."
            ),
            limit_option,
        )
    ):
        command = option(command)
    return command


def query_of(typed: dict[str, Any]) -> dict[str, Any]:
    """The protocol's filters, without those that were not typed."""
    query = {
        "text": typed["text"],
        "category": typed["category"],
        "base": typed["base"],
        "rarity": list(typed["rarity"]),
        "level": _bounds(typed["level_min"], typed["level_max"]),
        "price": _bounds(typed["price_min"], typed["price_max"]),
        "stats": typed["stat"],
        "buyout_only": typed["buyout_only"],
    }
    return {name: value for name, value in query.items() if value}


def search_of(typed: dict[str, Any]) -> dict[str, Any]:
    """The params of a search: a score without an order means the best first."""
    score = typed["score"] or None
    best_first = score is not None and typed["sort"] is None
    return query_of(typed) | {
        "score": score,
        "sort": typed["sort"] or ("score" if score else "ends_at"),
        "order": "desc" if typed["desc"] or best_first else "asc",
        "limit": typed["limit"],
    }


def _bounds(least: int | None, largest: int | None) -> Bounds | None:
    bounds: Bounds = {}
    if least is not None:
        bounds["min"] = least
    if largest is not None:
        bounds["max"] = largest
    return bounds or None
