"""TOML tables to typed fields, with every fault found in one pass."""

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, get_args

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
    try:
        return msgspec.convert(value, field_type), []
    except msgspec.ValidationError as error:
        fault = str(error).replace("Expected", "expected").replace("`$", f"`{key}")
    described = [meta.description for meta in get_args(field_type)[1:] if isinstance(meta, msgspec.Meta)]
    if described and described[0]:
        fault = f"expected {described[0]}"
    return None, [f"{key} = {value!r}: {fault}"]


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
