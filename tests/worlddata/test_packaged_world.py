"""The world that comes with the package: complete, sound, and where an installed program finds it."""

import tomllib
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from worlddata.loading import PACKAGED_SOURCES
from worlddata.toml_sources import read_sources
from worlddata.types import MAX_LEVEL, Catalog, Rules, stat_range


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """Return the packaged world, read once."""
    return read_sources(PACKAGED_SOURCES)


def test_counts(catalog: Catalog) -> None:
    """The packaged world is as large as a market needs."""
    item_categories = {base.category for base in catalog.bases.values()}
    assert len(catalog.bases) >= 160
    assert len(item_categories) >= 12
    assert len(catalog.stats) == 24
    assert len(catalog.rarities) == 6
    assert len(catalog.commodities) == 30


def test_every_entry_is_of_use(catalog: Catalog) -> None:
    """No shelf stands empty, and no stat goes uncarried."""
    entries = (*catalog.bases.values(), *catalog.commodities.values())
    assert {entry.category for entry in entries} == set(catalog.categories)
    assert {stat for base in catalog.bases.values() for stat in base.stats} == set(catalog.stats)


def test_every_category_serves_all_levels(catalog: Catalog) -> None:
    """A character of any level finds something in every category of items."""
    levels = Counter(
        (base.category, level) for base in catalog.bases.values() for level in range(base.min_level, base.max_level + 1)
    )
    item_categories = {base.category for base in catalog.bases.values()}
    assert levels.keys() == {(category, level) for category in item_categories for level in range(1, MAX_LEVEL + 1)}


def test_worth_grows_with_level(catalog: Catalog) -> None:
    """Within a category the base for the highest levels is worth many times the first one."""
    for category in {base.category for base in catalog.bases.values()}:
        shelf = [base for base in catalog.bases.values() if base.category == category]
        first, last = (pick(shelf, key=lambda base: base.max_level) for pick in (min, max))
        assert last.worth > 10 * first.worth


def test_ticks_are_fine_enough_for_prices(catalog: Catalog) -> None:
    """A tick is one gold, or at most a fiftieth of the commodity's worth."""
    for commodity in catalog.commodities.values():
        assert commodity.tick == 1 or commodity.tick * 50 <= commodity.worth


def test_rules_are_the_defaults(catalog: Catalog) -> None:
    """The source of the rules says them all, and says the defaults that the types document."""
    with (PACKAGED_SOURCES / "rules.toml").open("rb") as file:
        written = tomllib.load(file)["rules"]
    assert written.keys() == {field.name for field in msgspec.structs.fields(Rules)}
    assert catalog.rules == Rules()


def test_ranges_stay_in_order_at_every_level(catalog: Catalog) -> None:
    """At each of its levels a base's range is in order and within the widest one."""
    for base in catalog.bases.values():
        for stat, widest in base.stats.items():
            for level in range(base.min_level, base.max_level + 1):
                ends = stat_range(base, catalog.stats[stat], level)
                assert widest.min <= ends.min <= ends.max <= widest.max


def test_sources_are_packaged() -> None:
    """Every source file matches a pattern that pyproject.toml gives for the wheel."""
    root = Path(__file__).parents[2]
    with (root / "pyproject.toml").open("rb") as file:
        patterns = tomllib.load(file)["tool"]["setuptools"]["package-data"]["worlddata"]
    packaged = {path for pattern in patterns for path in (root / "worlddata").glob(pattern)}
    assert packaged == set(PACKAGED_SOURCES.rglob("*.toml"))
