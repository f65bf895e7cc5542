"""The catalog as one immutable SQLite file, named by its content hash and the same on every node.

The hash is over the catalog's canonical JSON, not over SQLite's bytes, which differ from one SQLite to the next. Who
opens a file reads all of it, computes the hash anew, and refuses it unless that is the hash in the file and its name.
"""

import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Integer,
    MetaData,
    NullPool,
    String,
    Table,
    create_engine,
    insert,
    select,
)
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from worlddata.identity import content_hash
from worlddata.problems import WorldError
from worlddata.types import Base, Catalog, Category, Commodity, Rarity, Rules, Stat

FORMAT_VERSION = 2
"""The version of these tables; a file of another version is refused."""

_schema = MetaData()

_format = Table("format", _schema, Column("version", Integer, primary_key=True))

_world = Table(
    "world",
    _schema,
    Column("hash", String, primary_key=True),
    Column("version", String, nullable=False),
)

_rules = Table(
    "rules",
    _schema,
    Column("fee_bp", Integer, nullable=False),
    Column("deposit_bp", Integer, nullable=False),
    Column("increment_bp", Integer, nullable=False),
    Column("increment_min", BigInteger, nullable=False),
    Column("price_min", BigInteger, nullable=False),
    Column("price_max", BigInteger, nullable=False),
    Column("max_bids", Integer, nullable=False),
    Column("max_listings", Integer, nullable=False),
    Column("stash_capacity", Integer, nullable=False),
    Column("cancel_window_s", Integer, nullable=False),
    Column("snipe_window_s", Integer, nullable=False),
    Column("snipe_extension_s", Integer, nullable=False),
    Column("snipe_max_s", Integer, nullable=False),
    Column("max_orders", Integer, nullable=False),
    Column("max_offers", Integer, nullable=False),
    Column("offers_inbox_max", Integer, nullable=False),
    Column("offers_from_one_max", Integer, nullable=False),
    Column("offer_expires_s", Integer, nullable=False),
    Column("offer_expires_max_s", Integer, nullable=False),
    Column("max_watches", Integer, nullable=False),
    Column("trade_age_s", Integer, nullable=False),
    Column("relist_cooldown_s", Integer, nullable=False),
    Column("audit_worth", BigInteger, nullable=False),
)

_durations = Table(
    "durations",
    _schema,
    Column("position", Integer, primary_key=True),
    Column("duration_s", Integer, nullable=False),
)

_buy_limits = Table(
    "buy_limits",
    _schema,
    Column("commodity", ForeignKey("commodities.commodity"), primary_key=True),
    Column("quantity", BigInteger, nullable=False),
    Column("window_s", Integer, nullable=False),
)

_rates = Table(
    "rates",
    _schema,
    Column("class", String, primary_key=True),
    Column("per_s", Integer, nullable=False),
    Column("burst", Integer, nullable=False),
)

_categories = Table(
    "categories",
    _schema,
    Column("category", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("holds", String, nullable=False),
)

_rarities = Table(
    "rarities",
    _schema,
    Column("rarity", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("order", Integer, nullable=False),
    Column("stats_min", Integer, nullable=False),
    Column("stats_max", Integer, nullable=False),
    Column("weight", Integer, nullable=False),
    Column("worth_factor", Integer, nullable=False),
)

_stats = Table(
    "stats",
    _schema,
    Column("stat", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("unit", String, nullable=False),
    Column("min_at_level_1", Integer, nullable=False),
    Column("max_at_level_1", Integer, nullable=False),
    Column("min_at_level_100", Integer, nullable=False),
    Column("max_at_level_100", Integer, nullable=False),
)

_bases = Table(
    "bases",
    _schema,
    Column("base", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("category", ForeignKey("categories.category"), nullable=False),
    Column("min_level", Integer, nullable=False),
    Column("max_level", Integer, nullable=False),
    Column("worth", BigInteger, nullable=False),
)

_base_stats = Table(
    "base_stats",
    _schema,
    Column("base", ForeignKey("bases.base"), primary_key=True),
    Column("stat", ForeignKey("stats.stat"), primary_key=True),
    Column("percent", Integer, nullable=False),
    Column("min", Integer, nullable=False),
    Column("max", Integer, nullable=False),
)

_commodities = Table(
    "commodities",
    _schema,
    Column("commodity", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("category", ForeignKey("categories.category"), nullable=False),
    Column("tick", BigInteger, nullable=False),
    Column("worth", BigInteger, nullable=False),
)


class CatalogFileError(WorldError):
    """A catalog file cannot be written or read."""


class CatalogMissingError(CatalogFileError):
    """There is no catalog file where one was named."""


class CatalogFormatError(CatalogFileError):
    """The catalog file is of a version that this program does not read."""


class CatalogDamagedError(CatalogFileError):
    """The catalog file does not say what its hash says."""


def catalog_file_name(catalog: Catalog) -> str:
    """Return the name of a catalog's file: ``world-<hash>.sqlite``."""
    return f"world-{catalog.hash}.sqlite"


def write_catalog(catalog: Catalog, directory: Path) -> Path:
    """Write a catalog's file into a directory, all of it or nothing, and return its path.

    A file of the same name is replaced. Raises ``CatalogFileError`` when the directory cannot be written.
    """
    path = directory / catalog_file_name(catalog)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".world-", dir=directory) as scratch:
            draft = Path(scratch) / path.name
            _write_tables(catalog, draft)
            draft.chmod(0o444)
            draft.replace(path)
    except (OSError, SQLAlchemyError) as error:
        mend = "make room there, and let this user write"
        raise CatalogFileError(f"{path} cannot be written ({_reason(error)}); {mend}") from error
    return path


def open_catalog(path: Path) -> Catalog:
    """Read a catalog from its file, read-only, and return it verified.

    Raises ``CatalogMissingError``, ``CatalogFormatError`` or ``CatalogDamagedError``.
    """
    if not path.is_file():
        raise CatalogMissingError(f"{path} is not there; write it with `auction world build --out {path.parent}`")
    engine = create_engine("sqlite://", creator=lambda: _connect_read_only(path), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            _check_format(connection, path)
            catalog = _read_tables(connection)
    except (SQLAlchemyError, msgspec.ValidationError, KeyError, ValueError) as error:
        raise _damaged(path, _reason(error)) from error
    if content_hash(catalog) != catalog.hash:
        raise _damaged(path, f"its content has the hash {content_hash(catalog)}, not {catalog.hash}")
    if path.name != catalog_file_name(catalog):
        raise _damaged(path, f"it holds {catalog_file_name(catalog)}")
    return catalog


def _damaged(path: Path, what: str) -> CatalogDamagedError:
    return CatalogDamagedError(
        f"{path} is damaged ({what}); remove it and run `auction world build --out {path.parent}`, "
        "or start the node, which writes its own anew"
    )


def _reason(error: Exception) -> str:
    return str(error.orig if isinstance(error, DBAPIError) else error)


def _connect_read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)


def _write_tables(catalog: Catalog, path: Path) -> None:
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(path), poolclass=NullPool)
    with engine.begin() as connection:
        _schema.create_all(connection)
        for table, rows in _rows(catalog):
            if rows:
                connection.execute(insert(table), rows)


def _rows(catalog: Catalog) -> list[tuple[Table, list[dict[str, Any]]]]:
    rules = catalog.rules
    durations = [{"position": n, "duration_s": duration_s} for n, duration_s in enumerate(rules.durations_s)]
    buy_limits = [{"commodity": name, **msgspec.structs.asdict(limit)} for name, limit in rules.buy_limits.items()]
    rates = [{"class": name, **msgspec.structs.asdict(rate)} for name, rate in rules.rates.items()]
    base_stats = [
        {"base": base.base, "stat": stat, "percent": base.stat_percents[stat], "min": ends.min, "max": ends.max}
        for base in catalog.bases.values()
        for stat, ends in base.stats.items()
    ]
    return [
        (_format, [{"version": FORMAT_VERSION}]),
        (_world, [_row(_world, catalog)]),
        (_rules, [_row(_rules, rules)]),
        (_durations, durations),
        (_buy_limits, buy_limits),
        (_rates, rates),
        (_categories, [_row(_categories, category) for category in catalog.categories.values()]),
        (_rarities, [_row(_rarities, rarity) for rarity in catalog.rarities.values()]),
        (_stats, [_stat_row(stat) for stat in catalog.stats.values()]),
        (_bases, [_row(_bases, base) for base in catalog.bases.values()]),
        (_base_stats, base_stats),
        (_commodities, [_row(_commodities, commodity) for commodity in catalog.commodities.values()]),
    ]


def _row(table: Table, record: msgspec.Struct) -> dict[str, Any]:
    return {column.name: getattr(record, column.name) for column in table.columns}


def _stat_row(stat: Stat) -> dict[str, Any]:
    return {
        "stat": stat.stat,
        "name": stat.name,
        "unit": stat.unit,
        "min_at_level_1": stat.at_level_1.min,
        "max_at_level_1": stat.at_level_1.max,
        "min_at_level_100": stat.at_level_100.min,
        "max_at_level_100": stat.at_level_100.max,
    }


def _check_format(connection: Connection, path: Path) -> None:
    version = connection.scalars(select(_format.c.version)).one()
    if version != FORMAT_VERSION:
        raise CatalogFormatError(
            f"{path} has format {version}, this program reads format {FORMAT_VERSION}; "
            f"write one anew with `auction world build --out {path.parent}`"
        )


def _read_tables(connection: Connection) -> Catalog:
    world = connection.execute(select(_world)).one()
    return Catalog(
        version=msgspec.convert(world.version, str),
        hash=msgspec.convert(world.hash, str),
        rules=_read_rules(connection),
        categories={row["category"]: msgspec.convert(row, Category) for row in _read(connection, _categories)},
        rarities={row["rarity"]: msgspec.convert(row, Rarity) for row in _read(connection, _rarities, by="order")},
        stats={row["stat"]: _stat(row) for row in _read(connection, _stats)},
        bases=_read_bases(connection),
        commodities={row["commodity"]: msgspec.convert(row, Commodity) for row in _read(connection, _commodities)},
    )


def _read(connection: Connection, table: Table, by: str | None = None) -> list[dict[str, Any]]:
    order = [table.c[by]] if by else list(table.primary_key)
    names = [str(column.name) for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in connection.execute(select(table).order_by(*order))]


def _read_rules(connection: Connection) -> Rules:
    durations_s = connection.scalars(select(_durations.c.duration_s).order_by(_durations.c.position)).all()
    buy_limits = {row.pop("commodity"): row for row in _read(connection, _buy_limits)}
    rates = {row.pop("class"): row for row in _read(connection, _rates)}
    (row,) = _read(connection, _rules)
    return msgspec.convert({**row, "durations_s": durations_s, "buy_limits": buy_limits, "rates": rates}, Rules)


def _stat(row: dict[str, Any]) -> Stat:
    at_level_1 = {"min": row["min_at_level_1"], "max": row["max_at_level_1"]}
    at_level_100 = {"min": row["min_at_level_100"], "max": row["max_at_level_100"]}
    return msgspec.convert({**row, "at_level_1": at_level_1, "at_level_100": at_level_100}, Stat)


def _read_bases(connection: Connection) -> dict[str, Base]:
    bases = {row["base"]: {**row, "stat_percents": {}, "stats": {}} for row in _read(connection, _bases)}
    for row in _read(connection, _base_stats):
        base = bases[row["base"]]
        base["stat_percents"][row["stat"]] = row["percent"]
        base["stats"][row["stat"]] = {"min": row["min"], "max": row["max"]}
    return {base_id: msgspec.convert(base, Base) for base_id, base in bases.items()}
