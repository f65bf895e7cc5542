"""How a row class becomes a table, and its rows go in and come out: a typed column a field, and a checksum a row.

    int → INTEGER     bool → INTEGER 0 or 1     str → TEXT     bytes → TEXT, as base64
    dict, tuple, nested class → TEXT, as JSON

Rows go in as one JSON text, which a single statement takes apart within SQLite. A statement a row would take and give
back the interpreter's lock for each row, and beside a busy reactor wait a switch interval every time.
The tables are STRICT, so that SQLite keeps the types. SQLite itself cannot tell a flipped byte within a value from the
value; `row_checksum`, CRC-32 of the row's MessagePack form, can.
"""

import base64
import types
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

import msgspec
from sqlalchemy import (
    Column,
    Delete,
    Insert,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    bindparam,
    delete,
    func,
    insert,
    select,
)
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

    def process_result_value(self, value: int | None, dialect: Dialect) -> bool | None:  # noqa: ARG002 - SQLAlchemy's signature
        """From SQL."""
        return None if value is None else bool(value)


class Base64(TypeDecorator[bytes]):
    """Bytes as base64 text; reading raises RowDamaged for anything else."""

    impl = Text
    cache_ok = True

    def process_result_value(self, value: str | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002 - as above
        """From SQL."""
        try:
            return None if value is None else base64.b64decode(value, validate=True)
        except ValueError as error:
            raise RowDamaged(f"{value!r} is not base64") from error


class Json(TypeDecorator[Any]):
    """A value of type `form` as JSON text; reading raises msgspec.MsgspecError for anything else."""

    impl = Text
    cache_ok = True

    def __init__(self, form: Any) -> None:
        super().__init__()
        self.form = form
        self._decode = msgspec.json.Decoder(form).decode

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002 - as above
        """From SQL."""
        return None if value is None else self._decode(value)


def table_of(name: str, row_class: type[msgspec.Struct], metadata: MetaData) -> Table:
    """The table of a row class; the first field is the primary key, which two rows never share.

    Rows with a text for a key are kept in its order and nowhere else: with a rowid each table would have an index
    beside it, and an empty store's file twice the pages.
    """
    fields = msgspec.structs.fields(row_class)
    columns = [_column(field.name, field.type, primary_key=field is fields[0]) for field in fields]
    checksum = Column(CHECKSUM, Integer, nullable=False)
    by_text = fields[0].type is str
    return Table(name, metadata, *columns, checksum, sqlite_strict=True, sqlite_with_rowid=not by_text)


def put_rows(table: Table) -> Insert:
    """The statement that inserts or replaces all rows of `:rows`, as `rows_text` made it, at once."""
    given = func.json_each(bindparam("rows")).table_valued("value")
    values = [func.json_extract(given.c.value, f"$[{place}]") for place in range(len(table.columns))]
    return insert(table).prefix_with("OR REPLACE").from_select(list(table.columns.keys()), select(*values))


def rows_text(rows: Iterable[msgspec.Struct]) -> str:
    """Rows as JSON, each an array of its fields and its checksum.

    SQLite ends a text at a NUL; no row holds one (`auction.keys` sees to that).
    """
    return _encode_json([(*msgspec.structs.astuple(row), _checksum(row)) for row in rows]).decode()


def drop_rows(table: Table) -> Delete:
    """The statement that deletes all rows whose keys are in the JSON array `:keys`, at once."""
    given = func.json_each(bindparam("keys")).table_valued("value")
    return delete(table).where(next(iter(table.primary_key)).in_(select(given.c.value)))


def keys_text(keys: Sequence[Any]) -> str:
    """Keys of rows as a JSON array."""
    return _encode_json(keys).decode()


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
    bytes: Base64,
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
