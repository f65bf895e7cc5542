"""The readable sources of a world: TOML files in; one catalog out, or everything that there is to mend.

All ``*.toml`` files of a directory and its sub-directories are one text: only their tables matter, not the files'
names, nor their order, nor that of the entries. Reading goes on after a fault, so that one run finds them all: gather
the files' entries, type each entry, then check the entries against each other.
"""

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from worlddata.identity import with_hash
from worlddata.problems import Problem, SourceError, did_you_mean
from worlddata.relations import relation_faults
from worlddata.toml_tables import UnreadableError, read_fields, read_toml, read_value
from worlddata.types import (
    Base,
    Catalog,
    Category,
    Commodity,
    Range,
    Rarity,
    Rules,
    SourcesVersion,
    Stat,
    WorldId,
    stat_range,
)

_Record = TypeVar("_Record", bound=msgspec.Struct)


class _World(msgspec.Struct, frozen=True):
    version: SourcesVersion


_ONCE = ("world", "rules")
"""The tables that a world has once."""

_MANY = {
    "categories": "category",
    "rarities": "rarity",
    "stats": "stat",
    "bases": "base",
    "commodities": "commodity",
}
"""The tables of entries, with the word for one entry, which is also the field of its id."""


class _Entry(msgspec.Struct, frozen=True):
    file: str
    label: str
    table: Any

    def problem(self, message: str) -> Problem:
        return Problem(self.file, self.label, message)


def check_sources(directory: Path) -> list[Problem]:
    """Return everything that there is to mend in a world's sources; nothing when they make a world."""
    try:
        read_sources(directory)
    except SourceError as error:
        return list(error.problems)
    return []


def read_sources(directory: Path) -> Catalog:
    """Return the catalog that a directory of sources describes. Raises ``SourceError`` with all their problems."""
    if not directory.is_dir():
        raise SourceError([Problem(str(directory), "", "is no directory; name the one that holds a world's sources")])
    sources = _Sources()
    for path in sorted(directory.rglob("*.toml")):
        sources.gather(path.relative_to(directory).as_posix(), path)
    catalog = sources.catalog()
    if sources.problems:
        raise SourceError(sources.problems)
    return catalog


class _Sources:
    """What one reading has gathered, and what is wrong with it."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._all_readable = True
        self._entries: dict[str, dict[str, _Entry]] = {kind: {} for kind in (*_ONCE, *_MANY)}

    def gather(self, file: str, path: Path) -> None:
        """Take up all entries of one file."""
        try:
            document = read_toml(path)
        except UnreadableError as error:
            self.problems.append(Problem(file, "", str(error)))
            self._all_readable = False
            return
        for kind, content in document.items():
            if kind in _ONCE:
                self._add(kind, kind, _Entry(file, kind, content))
            elif kind not in _MANY:
                known = did_you_mean(kind, self._entries)
                self.problems.append(Problem(file, "", f"unknown table {kind!r}; {known}"))
            elif not isinstance(content, dict):
                self.problems.append(Problem(file, kind, f"is not a table; write [{kind}.<id>]"))
            else:
                for entry_id, table in content.items():
                    self._add(kind, entry_id, _Entry(file, f"{_MANY[kind]} {entry_id!r}", table))

    def _add(self, kind: str, entry_id: str, entry: _Entry) -> None:
        first = self._entries[kind].setdefault(entry_id, entry)
        if first is not entry:
            self.problems.append(entry.problem(f"stands in {first.file} too; remove or rename one"))

    def catalog(self) -> Catalog:
        """Return the sound entries as a catalog, in an order of their own; it is a world only without problems."""
        world = self._typed("world", _World).get("world", _World(version="0.0.0"))
        rarities = self._typed("rarities", Rarity)
        stats = self._typed("stats", Stat)
        bases = self._typed("bases", Base, stats={})
        catalog = Catalog(
            version=world.version,
            hash="",
            rules=self._typed("rules", Rules).get("rules", Rules()),
            categories=self._typed("categories", Category),
            rarities=dict(sorted(rarities.items(), key=lambda item: item[1].order)),
            stats=stats,
            bases={base_id: _with_ranges(base, stats) for base_id, base in bases.items()},
            commodities=self._typed("commodities", Commodity),
        )
        if self._all_readable:
            self._relate(catalog)
        return with_hash(catalog)

    def _relate(self, catalog: Catalog) -> None:
        """Check the entries against each other, once all are here: a file that is missing would be told as theirs."""
        for kind in (*_ONCE, "rarities"):
            if not self._entries[kind]:
                self.problems.append(Problem("*.toml", kind, f"is in none of the files; add [{kind}]"))
        for kind, entry_id, fault in relation_faults(catalog, self._entries):
            self.problems.append(self._entries[kind][entry_id].problem(fault))

    def _typed(self, kind: str, record: type[_Record], **given: Any) -> dict[str, _Record]:
        """Return the sound entries of a kind by id, sorted; what is wrong with the others becomes problems."""
        sound: dict[str, _Record] = {}
        for entry_id, entry in sorted(self._entries[kind].items()):
            own = {**given, _MANY[kind]: entry_id} if kind in _MANY else given
            _, faults = read_value("id", entry_id, WorldId)
            if isinstance(entry.table, dict):
                values, wrong = read_fields(record, entry.table, own)
                faults += wrong
            else:
                faults.append(f"is {entry.table!r}; make it a table with keys")
            if faults:
                self.problems += [entry.problem(fault) for fault in faults]
            else:
                sound[entry_id] = record(**own, **values)
        return sound


def _with_ranges(base: Base, stats: dict[str, Stat]) -> Base:
    percents = dict(sorted(base.stat_percents.items()))
    ranges = {stat: _widest_range(base, stats[stat]) for stat in percents if stat in stats}
    return msgspec.structs.replace(base, stat_percents=percents, stats=ranges)


def _widest_range(base: Base, stat: Stat) -> Range:
    """Return the range over all the base's levels: on a straight line, that of its two ends together."""
    ends = [stat_range(base, stat, level) for level in (base.min_level, base.max_level)]
    return Range(min=min(end.min for end in ends), max=max(end.max for end in ends))
