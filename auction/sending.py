"""Transfers on their way out: each has the next number to the life that the other store is in."""

from collections.abc import Iterable

from auction import ids
from auction.context import Context
from auction.events import Payload, TransferSent
from auction.state import StoreId
from auction.stores import State


def send(state: State, context: Context, parcels: Iterable[tuple[StoreId, Payload]]) -> list[TransferSent]:
    """A decision's transfers to other stores, in their order."""
    numbers: dict[str, int] = {}
    sent = []
    for to, payload in parcels:
        life = context.life_of(to)
        mark = ids.life_mark(to, life)
        before = numbers.get(mark)
        if before is None:
            last = state.transfers_out.get(mark)
            before = last.number if last is not None else 0
        numbers[mark] = number = before + 1
        sent.append(TransferSent(to, number, payload, context.now_ms, life))
    return sent
