"""TOML tables to typed fields, with every fault found in one pass."""

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec

from worlddata.problems import did_you_mean

Table = Mapping[str, Any]
"""A TOML table: whatever a person wrote."""


class UnreadableError(Exception):
    """A file that is no TOML at all; the message says why and what to do."""


def read_toml(path: Path) -> Table:
    """Return a TOML file's content. Raises ``UnreadableError``."""
    try:
        return parse_toml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnreadableError(f"cannot be read ({error.strerror}); check that it is there and may be read") from error
    except UnicodeDecodeError as error:
        raise UnreadableError(f"is not UTF-8 at byte {error.start}; save it as UTF-8") from error


def parse_toml(text: str) -> Table:
    """Return a TOML text's content. Raises ``UnreadableError``."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UnreadableError(f"is not TOML: {error}; mend it there") from error


def read_value(key: str, value: object, field_type: Any) -> tuple[Any, list[str]]:
    """Return a value as ``field_type`` and no fault, or None and what is wrong with it."""
    if get_origin(field_type) is dict and isinstance(value, dict):
        name_type, entry_type = get_args(field_type)
        if isinstance(entry_type, type) and issubclass(entry_type, msgspec.Struct):
            return _read_entries(key, value, name_type, entry_type)
    try:
        return msgspec.convert(value, field_type), []
    except msgspec.ValidationError as error:
        fault = str(error).replace("Expected", "expected").replace("`$", f"`{key}")
    described = [meta.description for meta in get_args(field_type)[1:] if isinstance(meta, msgspec.Meta)]
    if described and described[0]:
        fault = f"expected {described[0]}"
    return None, [f"{key} = {value!r}: {fault}"]


def _read_entries(
    key: str, table: Table, name_type: Any, record: type[msgspec.Struct]
) -> tuple[dict[str, Any] | None, list[str]]:
    """As ``read_value``, of a table whose entries are tables."""
    entries: dict[str, Any] = {}
    faults: list[str] = []
    for name, entry in table.items():
        where = f"{key}.{name}"
        if get_origin(name_type) is Literal and name not in get_args(name_type):
            faults.append(f"unknown key {where!r}; {did_you_mean(name, get_args(name_type))}")
        elif not isinstance(entry, dict):
            faults.append(f"{where} = {entry!r}; make it a table with keys")
        else:
            _, wrong_name = read_value(where, name, name_type)
            values, wrong = read_fields(record, entry)
            faults += wrong_name + [f"{where}: {fault}" for fault in wrong]
            if not wrong:
                entries[name] = record(**values)
    return (None, faults) if faults else (entries, [])


def read_fields(
    record: type[msgspec.Struct], table: Table, given: Collection[str] = ()
) -> tuple[dict[str, Any], list[str]]:
    """Return a table's values as the types of ``record``'s fields, and one message for each fault.

    ``given`` are the fields that the table may not set, because they come from elsewhere. A fault is a value that is
    wrong (it is left out), a key that is unknown, or a field that is missing although it has no default.
    """
    fields = {field.name: field for field in msgspec.structs.fields(record) if field.name not in given}
    values: dict[str, Any] = {}
    faults: list[str] = []
    for key, written in table.items():
        if key in fields:
            value, wrong = read_value(key, written, fields[key].type)
            faults += wrong
            if not wrong:
                values[key] = value
        else:
            faults.append(f"unknown key {key!r}; {did_you_mean(key, fields)}")
    missing = [name for name, field in fields.items() if field.required and name not in table]
    faults += [f"{name!r} is missing; add `{name} = …`" for name in missing]
    return values, faults
