"""The marks of a store: how many transfers went to each other store, and came from it."""

from auction.state import TransferMark
from auction.tables import Table


def next_number(marks: Table[str, TransferMark], store: str, number: int) -> None:
    """Move the mark of another store, in the life that it is in, by one transfer; a part of `evolve`."""
    last = marks.get(store)
    assert number == (last.number if last is not None else 0) + 1, (store, number)
    marks.put(store, TransferMark(store, number))
