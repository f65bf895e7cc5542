"""The catalog file: written whole, named by its hash, read-only, and verified by whoever opens it."""

import hashlib
import json
import sqlite3
from pathlib import Path

import msgspec
import pytest

from tests.worlddata.conftest import WriteWorld
from worlddata.catalog_file import (
    CatalogDamagedError,
    CatalogFileError,
    CatalogFormatError,
    CatalogMissingError,
    open_catalog,
    write_catalog,
)
from worlddata.identity import with_hash
from worlddata.loading import PACKAGED_SOURCES, build_catalog, load_catalog
from worlddata.toml_sources import read_sources
from worlddata.types import MAX_AMOUNT, BuyLimit, Catalog, Rate


@pytest.fixture
def catalog(small_world: Path) -> Catalog:
    """Return the small world."""
    return read_sources(small_world)


@pytest.fixture
def file(catalog: Catalog, tmp_path: Path) -> Path:
    """Return the small world's catalog file, in a directory of its own."""
    return write_catalog(catalog, tmp_path / "out")


def edit(file: Path, statement: str) -> None:
    """Do to a catalog file what nobody should."""
    file.chmod(0o644)
    connection = sqlite3.connect(file)
    with connection:
        connection.execute(statement)
    connection.close()


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """The packaged world comes back from its file to the byte, in the same order."""
    catalog = read_sources(PACKAGED_SOURCES)
    assert msgspec.json.encode(open_catalog(write_catalog(catalog, tmp_path))) == msgspec.json.encode(catalog)


def test_rules_by_name_come_back(small_texts: dict[str, str], write_world: WriteWorld, tmp_path: Path) -> None:
    """Buy limits and rates, which are tables of their own, are in the file as they are in the sources."""
    small_texts["world.toml"] += """
[rules.buy_limits.copper]
quantity = 9_007_199_254_740_991
window_s = 60

[rules.rates.search]
per_s = 1
burst = 7

[rules.rates.order]
per_s = 100_000
burst = 1_000_000
"""
    catalog = read_sources(write_world(small_texts))
    assert catalog.rules.buy_limits == {"copper": BuyLimit(MAX_AMOUNT, 60)}
    assert catalog.rules.rates == {"search": Rate(1, 7), "order": Rate(100_000, 1_000_000)}
    assert open_catalog(write_catalog(catalog, tmp_path / "out")) == catalog


def test_the_hash_is_that_of_canonical_json(catalog: Catalog) -> None:
    """Any JSON library computes a catalog's hash: sorted keys, no white space, UTF-8, an empty `hash`."""
    content = {**msgspec.to_builtins(catalog), "hash": ""}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert catalog.hash == hashlib.sha256(canonical).hexdigest()[:32]


def test_the_file_is_named_by_its_hash(catalog: Catalog, file: Path) -> None:
    """The file's name is the world's identity, and nothing else is left beside it."""
    assert file.name == f"world-{catalog.hash}.sqlite"
    assert list(file.parent.iterdir()) == [file]


def test_the_same_sources_give_the_same_file_name(small_world: Path, tmp_path: Path) -> None:
    """Building twice gives one name, and the second build replaces the first file."""
    first = build_catalog(small_world, tmp_path / "out")
    assert build_catalog(small_world, tmp_path / "out") == first
    assert list(first.parent.iterdir()) == [first]


def test_reading_changes_nothing(catalog: Catalog, file: Path) -> None:
    """A file that may only be read is read, left as it was, and gets no companions."""
    before = file.read_bytes()
    assert file.stat().st_mode & 0o222 == 0
    assert open_catalog(file) == catalog
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_a_name_with_special_characters(catalog: Catalog, tmp_path: Path) -> None:
    """A directory whose name means something in an URI is a directory like others."""
    assert open_catalog(write_catalog(catalog, tmp_path / "50% off? #1")) == catalog


def test_a_missing_file(tmp_path: Path) -> None:
    """A file that is not there is told with how to write it."""
    with pytest.raises(CatalogMissingError, match="auction world build"):
        open_catalog(tmp_path / "world-0.sqlite")


def test_an_unwritable_directory(catalog: Catalog, tmp_path: Path) -> None:
    """A directory that cannot be written is told, and the error names it."""
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(CatalogFileError, match=r"taken.* cannot be written"):
        write_catalog(catalog, tmp_path / "taken")


def test_another_format_is_refused(file: Path) -> None:
    """A file of a later format is refused by its version, not misread."""
    edit(file, "UPDATE format SET version = 3")
    with pytest.raises(CatalogFormatError, match="has format 3, this program reads format 2"):
        open_catalog(file)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE commodities SET tick = 6",
        "UPDATE commodities SET tick = 'six'",
        "UPDATE commodities SET tick = -1",
        "UPDATE rules SET fee_bp = 1",
        "UPDATE rules SET audit_worth = 1",
        "INSERT INTO buy_limits VALUES ('copper', 1, 2)",
        "INSERT INTO rates VALUES ('search', 1, 2)",
        "INSERT INTO rates VALUES ('sleep', 1, 2)",
        "DELETE FROM rules",
        "DELETE FROM format",
        "DELETE FROM world",
        "DELETE FROM bases",
        "DELETE FROM durations",
        "DROP TABLE stats",
        "UPDATE bases SET name = CAST(x'ff' AS TEXT)",
        "UPDATE base_stats SET base = 'nobody' WHERE stat = 'edge' AND base = 'long_knife'",
        "UPDATE world SET hash = '00'",
    ],
)
def test_a_changed_table_is_detected(file: Path, statement: str) -> None:
    """No change of a table passes for the world that the file is named for."""
    edit(file, statement)
    with pytest.raises(CatalogDamagedError, match=r"is damaged .*; remove it"):
        open_catalog(file)


def test_a_file_under_another_name_is_refused(catalog: Catalog, file: Path) -> None:
    """A sound file of another world does not pass under this world's name."""
    other = write_catalog(with_hash(msgspec.structs.replace(catalog, version="9.9.9")), file.parent)
    other.replace(file)
    with pytest.raises(CatalogDamagedError, match=r"it holds world-"):
        open_catalog(file)


def test_a_changed_byte_is_detected(catalog: Catalog, file: Path) -> None:
    """Whatever byte changes, the file is refused, or the byte carried nothing and the world is the same."""
    sound = file.read_bytes()
    file.chmod(0o644)
    refused = 0
    for position in range(0, len(sound), 499):
        file.write_bytes(sound[:position] + bytes([sound[position] ^ 0x41]) + sound[position + 1 :])
        try:
            assert open_catalog(file) == catalog
        except CatalogFileError:
            refused += 1
    assert refused > 5


def test_a_changed_word_is_detected(file: Path) -> None:
    """One changed letter of a name is enough to refuse the file."""
    sound = file.read_bytes()
    file.chmod(0o644)
    file.write_bytes(sound.replace(b"Bread Knife", b"Bread Knive"))
    with pytest.raises(CatalogDamagedError, match="its content has the hash"):
        open_catalog(file)


@pytest.mark.parametrize("content", [b"", b"no database at all", b"SQLite format 3\0"])
def test_no_database_is_refused(file: Path, content: bytes) -> None:
    """An empty, foreign or cut file is refused as damaged."""
    file.chmod(0o644)
    file.write_bytes(content)
    with pytest.raises(CatalogDamagedError):
        open_catalog(file)


def test_a_cut_file_is_refused(file: Path) -> None:
    """A file that lost its end is refused as damaged."""
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-8192])
    with pytest.raises(CatalogDamagedError):
        open_catalog(file)


def test_a_node_writes_its_file_once(small_world: Path, tmp_path: Path) -> None:
    """The first start writes the catalog file into the data directory; the next one finds it."""
    data_dir = tmp_path / "data"
    first = load_catalog(data_dir, sources_dir=small_world)
    (written,) = data_dir.iterdir()
    written_ns = written.stat().st_mtime_ns
    assert load_catalog(data_dir, sources_dir=small_world) == first == read_sources(small_world)
    assert [path.stat().st_mtime_ns for path in data_dir.iterdir()] == [written_ns]


def test_a_node_refuses_a_damaged_file(small_world: Path, tmp_path: Path) -> None:
    """A damaged file in the data directory is told, not overwritten in silence."""
    load_catalog(tmp_path / "data", sources_dir=small_world)
    (written,) = (tmp_path / "data").iterdir()
    edit(written, "UPDATE rules SET fee_bp = 1")
    with pytest.raises(CatalogDamagedError):
        load_catalog(tmp_path / "data", sources_dir=small_world)


def test_a_node_plays_by_house_rules(small_world: Path, tmp_path: Path) -> None:
    """House rules overlay what the node serves, and leave the catalog file alone."""
    (tmp_path / "rules.toml").write_text("[rules]\ndurations_s = [2, 5]\n")
    catalog = load_catalog(tmp_path / "data", tmp_path / "rules.toml", small_world)
    assert catalog.rules.durations_s == (2, 5)
    assert [path.name for path in (tmp_path / "data").iterdir()] == [f"world-{read_sources(small_world).hash}.sqlite"]
