"""Rows through their tables: any row comes out as it went in."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import MetaData, create_engine, select

from auction.player_state import TABLES
from shardnode.storage.columns import RowDamaged, put_rows, rows_text, table_of, to_rows
from tests.storage.rows import rows


@pytest.mark.parametrize("name", TABLES)
@settings(max_examples=25)
@given(data=st.data())
def test_any_row_comes_out_as_it_went_in(name: str, data: st.DataObject) -> None:
    """Every field of every class keeps its value and type through SQL, and the checksum fits."""
    row = data.draw(rows(TABLES[name]))
    engine = create_engine("sqlite://")
    metadata = MetaData()
    table = table_of(name, TABLES[name], metadata)
    with engine.connect() as connection:
        metadata.create_all(connection)
        connection.execute(put_rows(table), {"rows": rows_text([row])})
        assert list(to_rows(TABLES[name], connection.execute(select(table)).all())) == [row]
        connection.execute(table.update().values(row_checksum=table.c.row_checksum + 1))
        with pytest.raises(RowDamaged):
            list(to_rows(TABLES[name], connection.execute(select(table)).all()))
    engine.dispose()
