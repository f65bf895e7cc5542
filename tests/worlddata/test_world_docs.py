"""docs/world.md says what the code does."""

import re
import shutil
from pathlib import Path

import msgspec
import pytest

from worlddata import catalog_file
from worlddata.loading import PACKAGED_SOURCES
from worlddata.toml_sources import check_sources, read_sources
from worlddata.types import Base, Category, Commodity, Rarity, Stat

DOCS = (Path(__file__).parents[2] / "docs" / "world.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("record", [Category, Rarity, Stat, Base, Commodity])
def test_every_key_is_documented(record: type[msgspec.Struct]) -> None:
    """Each key that a source may set is named in the table of keys."""
    written = {field.name for field in msgspec.structs.fields(record)} - {record.__name__.lower(), "stats"}
    assert {key for key in written if f"`{key}`" not in DOCS} == set()


def test_every_error_is_documented() -> None:
    """Each way in which a catalog file is refused stands in the table of errors."""
    errors = {name for name in vars(catalog_file) if name.startswith("Catalog") and name.endswith("Error")}
    assert {name for name in errors if f"`{name}`" not in DOCS} == set()


def test_the_example_makes_a_world(tmp_path: Path) -> None:
    """The base that the page adds can be added as it stands there."""
    (example,) = re.findall(r"```toml\n(\[bases\..*?)```", DOCS, re.DOTALL)
    sources = tmp_path / "sources"
    shutil.copytree(PACKAGED_SOURCES, sources)
    (sources / "example.toml").write_text(example, encoding="utf-8")
    assert check_sources(sources) == []


def test_the_counts_are_right() -> None:
    """The page counts the packaged world as it is."""
    catalog = read_sources(PACKAGED_SOURCES)
    item_shelves = sum(category.holds == "items" for category in catalog.categories.values())
    goods_shelves = len(catalog.categories) - item_shelves
    assert (
        f"{len(catalog.bases)} bases on {item_shelves} shelves, {len(catalog.commodities)} commodities on "
        f"{goods_shelves}, {len(catalog.stats)} stats, {len(catalog.rarities)} rarities"
    ) in " ".join(DOCS.split())
