"""Rows through their tables: any row comes out as it went in."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import MetaData, create_engine, select

from auction.stores import KINDS, Kind
from shardnode.storage.columns import RowDamaged, put_rows, rows_text, table_of, to_rows
from tests.storage.rows import rows


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, known in KINDS.items() for name in known.TABLES])
@settings(max_examples=25)
@given(data=st.data())
def test_any_row_comes_out_as_it_went_in(kind: Kind, name: str, data: st.DataObject) -> None:
    """Every field of every class keeps its value and type through SQL, and the checksum fits."""
    row_class = KINDS[kind].TABLES[name]
    row = data.draw(rows(row_class))
    engine = create_engine("sqlite://")
    metadata = MetaData()
    table = table_of(name, row_class, metadata)
    with engine.connect() as connection:
        metadata.create_all(connection)
        connection.execute(put_rows(table), {"rows": rows_text([row])})
        assert list(to_rows(row_class, connection.execute(select(table)).all())) == [row]
        connection.execute(table.update().values(row_checksum=table.c.row_checksum + 1))
        with pytest.raises(RowDamaged):
            list(to_rows(row_class, connection.execute(select(table)).all()))
    engine.dispose()
