"""`auction world`: check the world's sources, build the catalog file, look at what is in it."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table

    from worlddata.types import Base, Catalog, Category

_sources_option = click.option(
    "--sources",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory of a world's TOML sources.  [default: the world that comes with the program]",
)


@click.group()
def world() -> None:
    """Check, build and show the world: what can be traded, and under which rules."""


@world.command()
@_sources_option
def check(sources: Path | None) -> None:
    """Say all that there is to mend in the sources.

    Exits 1 if there is anything.
    """
    from worlddata.toml_sources import check_sources

    problems = check_sources(_directory(sources))
    for problem in problems:
        click.echo(str(problem), err=True)
    if problems:
        raise click.ClickException(f"the sources make no world: {len(problems)} to mend")
    click.echo("the sources make a world; nothing to mend")


@world.command()
@_sources_option
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Directory to write the file into.  [default: this one]",
)
def build(sources: Path | None, out: Path) -> None:
    """Write the catalog file and print its path.

    It is named by the hash of its content.
    """
    from worlddata.loading import build_catalog
    from worlddata.problems import WorldError

    try:
        click.echo(build_catalog(_directory(sources), out))
    except WorldError as error:
        raise click.ClickException(str(error)) from error


@world.command()
@_sources_option
@click.argument("base", required=False)
def show(sources: Path | None, base: str | None) -> None:
    """Show the world, or one BASE with its stats.

    BASE may also be a category, to list what stands on it.
    """
    from rich.console import Console

    from worlddata.problems import WorldError
    from worlddata.toml_sources import read_sources

    try:
        catalog = read_sources(_directory(sources))
    except WorldError as error:
        raise click.ClickException(str(error)) from error
    console = Console(markup=False, highlight=False)
    for table in _tables(catalog, base):
        console.print(table)


def _directory(sources: Path | None) -> Path:
    from worlddata.loading import PACKAGED_SOURCES

    return sources or PACKAGED_SOURCES


def _tables(catalog: Catalog, base: str | None) -> list[Table]:
    if base is None:
        return [_categories(catalog), _rarities(catalog), _stats(catalog), _rules(catalog)]
    if base in catalog.bases:
        return [_base(catalog, catalog.bases[base])]
    if base in catalog.categories:
        return [_shelf(catalog, catalog.categories[base])]
    near = get_close_matches(base, [*catalog.bases, *catalog.categories], n=1)
    hint = f"did you mean {near[0]!r}?" if near else "`auction world show CATEGORY` lists a category's"
    raise click.ClickException(f"there is no base {base!r}; {hint}")


def _table(title: str, *columns: str) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column.removesuffix("#").strip(), justify="right" if column.endswith("#") else "left")
    return table


def _categories(catalog: Catalog) -> Table:
    shelves = [base.category for base in catalog.bases.values()]
    shelves += [commodity.category for commodity in catalog.commodities.values()]
    table = _table(f"world {catalog.version} {catalog.hash}", "category", "name", "holds", "entries #")
    for category in catalog.categories.values():
        table.add_row(category.category, category.name, category.holds, str(shelves.count(category.category)))
    return table


def _rarities(catalog: Catalog) -> Table:
    weights = sum(rarity.weight for rarity in catalog.rarities.values())
    table = _table("Rarities", "rarity", "name", "stats #", "share #", "worth #")
    for rarity in catalog.rarities.values():
        stats = f"{rarity.stats_min}–{rarity.stats_max}"
        share = f"{100 * rarity.weight / weights:.1f} %"
        table.add_row(rarity.rarity, rarity.name, stats, share, f"× {rarity.worth_factor}")
    return table


def _stats(catalog: Catalog) -> Table:
    table = _table("Stats", "stat", "name", "unit", "at level 1 #", "at level 100 #")
    for stat in catalog.stats.values():
        low, high = (f"{ends.min}–{ends.max}" for ends in (stat.at_level_1, stat.at_level_100))
        table.add_row(stat.stat, stat.name, stat.unit, low, high)
    return table


def _rules(catalog: Catalog) -> Table:
    from msgspec.structs import asdict

    table = _table("Rules", "rule", "value #")
    for rule, value in asdict(catalog.rules).items():
        if isinstance(value, tuple):
            table.add_row(rule, ", ".join(map(str, value)))
        elif isinstance(value, dict):
            for name, entry in value.items() or [("", None)]:
                figures = [f"{key} {figure}" for key, figure in asdict(entry).items()] if entry else ["none"]
                table.add_row(f"{rule} {name}".rstrip(), ", ".join(figures))
        else:
            table.add_row(rule, str(value))
    return table


def _shelf(catalog: Catalog, category: Category) -> Table:
    if category.holds == "commodities":
        table = _table(category.name, "commodity", "name", "tick #", "worth #")
        for commodity in catalog.commodities.values():
            if commodity.category == category.category:
                table.add_row(commodity.commodity, commodity.name, str(commodity.tick), str(commodity.worth))
        return table
    table = _table(category.name, "base", "name", "levels #", "worth #")
    for base in sorted(catalog.bases.values(), key=lambda base: base.min_level):
        if base.category == category.category:
            table.add_row(base.base, base.name, f"{base.min_level}–{base.max_level}", str(base.worth))
    return table


def _base(catalog: Catalog, base: Base) -> Table:
    from worlddata.types import stat_range

    levels = (base.min_level, base.max_level)
    title = f"{base.name} ({catalog.categories[base.category].name}), worth about {base.worth} gold"
    table = _table(title, "stat", "unit", "share #", *(f"at level {level} #" for level in levels))
    for stat_id, percent in base.stat_percents.items():
        stat = catalog.stats[stat_id]
        ends = [stat_range(base, stat, level) for level in levels]
        table.add_row(stat_id, stat.unit, f"{percent} %", *(f"{end.min}–{end.max}" for end in ends))
    return table
