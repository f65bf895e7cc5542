"""How a row class becomes a table, and its rows go in and come out: a typed column a field, and a checksum a row.

    int, str, bytes → INTEGER, TEXT, BLOB     bool → INTEGER 0 or 1     dict, tuple, nested class → TEXT, as JSON

The tables are STRICT, so that SQLite keeps the types. SQLite itself cannot tell a flipped byte within a value from the
value; `row_checksum`, CRC-32 of the row's MessagePack form, can.
"""

import types
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

import msgspec
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, Text, TypeDecorator
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

CHECKSUM = "row_checksum"

_encode_row = msgspec.msgpack.Encoder().encode
_encode_json = msgspec.json.Encoder().encode


class RowDamaged(Exception):
    """What a row says is not what was written."""


class Flag(TypeDecorator[bool]):
    """A bool as INTEGER 0 or 1."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: bool | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's signature
        """To SQL."""
        return None if value is None else int(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> bool | None:  # noqa: ARG002 - as above
        """From SQL."""
        return None if value is None else bool(value)


class Json(TypeDecorator[Any]):
    """A value of type `form` as JSON text; reading raises msgspec.MsgspecError for anything else."""

    impl = Text
    cache_ok = True

    def __init__(self, form: Any) -> None:
        super().__init__()
        self.form = form
        self._decode = msgspec.json.Decoder(form).decode

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 - as above
        """To SQL."""
        return None if value is None else _encode_json(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002 - as above
        """From SQL."""
        return None if value is None else self._decode(value)


def table_of(name: str, row_class: type[msgspec.Struct], metadata: MetaData) -> Table:
    """The table of a row class; the first field is the primary key, which two rows never share."""
    fields = msgspec.structs.fields(row_class)
    columns = [_column(field.name, field.type, primary_key=field is fields[0]) for field in fields]
    checksum = Column(CHECKSUM, Integer, nullable=False)
    return Table(name, metadata, *columns, checksum, sqlite_strict=True)


def to_values(rows: Iterable[msgspec.Struct]) -> list[dict[str, Any]]:
    """Rows as parameters for an insert into their table."""
    return [{**msgspec.structs.asdict(row), CHECKSUM: _checksum(row)} for row in rows]


def to_rows(row_class: type[msgspec.Struct], values: Iterable[Sequence[Any]]) -> Iterator[msgspec.Struct]:
    """Rows from a select of their whole table; raises RowDamaged."""
    for value in values:
        row = row_class(*value[:-1])
        if _checksum(row) != value[-1]:
            raise RowDamaged(f"row {value[0]!r} of {row_class.__name__} does not fit its checksum")
        yield row


def _checksum(row: msgspec.Struct) -> int:
    return zlib.crc32(_encode_row(row))


_SQL_TYPES: Mapping[Any, TypeEngine[Any] | type[TypeEngine[Any]]] = {
    int: Integer,
    str: Text,
    bytes: LargeBinary,
    bool: Flag,
}


def _column(name: str, form: Any, *, primary_key: bool) -> Column[Any]:
    optional = isinstance(form, types.UnionType) and types.NoneType in get_args(form)
    if optional:
        (form,) = (part for part in get_args(form) if part is not types.NoneType)
    if get_origin(form) is Literal:
        form = str
    sql_type = _SQL_TYPES.get(form) or Json(form)
    return Column(name, sql_type, primary_key=primary_key, nullable=optional)
